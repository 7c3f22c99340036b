//! The routes of actions at devices, of plans and their runs.

use model::Permission as P;

use super::{Access, Route, read, write};
use crate::pages as p;

/// Actions at devices, plans and their runs.
pub(super) fn routes() -> Vec<Route> {
    vec![
        read("/actions", Access::Needs(P::ReadResponse), p::action::list::get),
        read("/actions/new", Access::Needs(P::WorkResponse), p::action::form::get),
        read("/actions/{id}", Access::Needs(P::ReadResponse), p::action::show::get),
        read("/plans", Access::Needs(P::ReadResponse), p::plan::list::get),
        read("/plans/{id}", Access::Needs(P::ReadResponse), p::plan::show::get),
        read("/runs/{id}", Access::Needs(P::ReadResponse), p::plan::run::get),
        write("/actions", Access::Needs(P::WorkResponse), p::action::change::create),
        write(
            "/actions/{id}/{step}",
            Access::Needs(P::WorkResponse),
            p::action::change::step,
        ),
        write(
            "/plans/{id}/start",
            Access::Needs(P::WorkResponse),
            p::plan::change::start,
        ),
        write(
            "/runs/{id}/{step}",
            Access::Needs(P::WorkResponse),
            p::plan::change::step,
        ),
    ]
}
