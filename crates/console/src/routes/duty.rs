//! The routes of duty: rosters, paging, handovers.

use model::Permission as P;

use super::{Route, read, write};
use crate::{api, guard::Access, pages};

/// The pages of duty, and the two doors that need no account: a page is answered and a calendar fetched by its own secret.
pub(super) fn pages() -> Vec<Route> {
    use pages::{duty as d, handover as h};
    const OWN: Access = Access::Needs(P::OwnAccount);
    const READ: Access = Access::Needs(P::ReadDuty);
    const WORK: Access = Access::Needs(P::WorkAlerts);
    const WRITE: Access = Access::Needs(P::WriteDuty);
    vec![
        read("/duty", READ, d::now::get),
        read("/duty/roster/{id}", READ, d::roster::get),
        read("/duty/teams/new", WRITE, d::edit::fresh),
        read("/duty/teams/{id}", WRITE, d::edit::get),
        write("/duty/teams", WRITE, d::change::create),
        write("/duty/teams/{id}", WRITE, d::change::save_team),
        write("/duty/teams/{id}/overrides", WRITE, d::change::put_override),
        write("/duty/teams/{id}/overrides/end", WRITE, d::change::end),
        read("/duty/me", OWN, d::me::get),
        write("/duty/me/addresses", OWN, d::mine::add),
        write("/duty/me/addresses/drop", OWN, d::mine::drop_one),
        write("/duty/me/addresses/first", OWN, d::mine::first),
        write("/duty/me/addresses/test", OWN, d::mine::test),
        write("/duty/me/addresses/prove", OWN, d::mine::confirm),
        write("/duty/me/calendar", OWN, d::mine::share),
        write("/duty/me/calendar/revoke", OWN, d::mine::revoke),
        write("/duty/leave", OWN, d::mine::take),
        write("/duty/leave/import", OWN, d::mine::import),
        write("/duty/leave/{id}/cancel", OWN, d::mine::cancel),
        write("/duty/swaps", WORK, d::swap::offer),
        write("/duty/swaps/{id}/accept", WORK, d::swap::accept),
        write("/duty/swaps/{id}/decline", WORK, d::swap::decline),
        write("/duty/swaps/{id}/withdraw", WORK, d::swap::withdraw),
        read("/duty/notifications", READ, d::notification::list),
        read("/duty/notifications/{id}", READ, d::notification::show),
        write(
            "/duty/notifications/{id}/acknowledge",
            WORK,
            d::notification::acknowledge_one,
        ),
        read("/duty/policies", READ, d::policy::list),
        read("/duty/drills", READ, d::drills::get),
        read("/duty/policies/{id}", READ, d::policy::get),
        write("/duty/policies", WRITE, d::policy::create),
        write("/duty/policies/{id}", WRITE, d::policy::change),
        read("/duty/handovers", READ, h::list::get),
        write("/duty/handovers", WORK, h::change::begin),
        read("/duty/handovers/{id}", READ, h::show::get),
        write("/duty/handovers/{id}/sign", WORK, h::change::sign),
        write("/duty/handovers/{id}/answer", WORK, h::change::answer),
        read("/a/{token}", Access::Public, d::answer::get),
        write("/a/{token}", Access::Public, d::answer::post),
        read("/calendar/{token}", Access::Public, d::calendar::get),
    ]
}

/// The same for programs.
pub(super) fn api() -> Vec<Route> {
    vec![
        read("/api/v1/duty/now", Access::Needs(P::ReadDuty), api::duty::now),
        read("/api/v1/duty/roster", Access::Needs(P::ReadDuty), api::duty::roster),
        read("/api/v1/duty/gaps", Access::Needs(P::ReadDuty), api::duty::gaps),
        read(
            "/api/v1/notifications",
            Access::Needs(P::ReadDuty),
            api::duty::notifications,
        ),
        write(
            "/api/v1/notifications/{id}/acknowledge",
            Access::Needs(P::WorkAlerts),
            api::duty::acknowledge,
        ),
    ]
}
