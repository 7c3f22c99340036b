//! The routes of hunts: their page, and the API that it and programs use.

use model::Permission as P;

use super::{Route, read, write};
use crate::{api::hunts as h, guard::Access, pages};

/// The lines of the table that are about hunts.
pub(super) fn routes() -> Vec<Route> {
    let hunts = Access::Needs(P::Hunt);
    let keeps = Access::Needs(P::WriteHunts);
    vec![
        read("/hunt", hunts, pages::hunt::show::get),
        write("/api/v1/hunts", hunts, h::begin),
        read("/api/v1/hunts/export", hunts, h::export),
        read("/api/v1/hunts/fields", hunts, h::fields),
        read("/api/v1/hunts/{id}", hunts, h::look),
        write("/api/v1/hunts/{id}/cancel", hunts, h::cancel),
        read("/api/v1/events/{id}", hunts, h::event),
        read("/api/v1/saved-hunts", hunts, h::saved),
        write("/api/v1/saved-hunts", keeps, h::save),
        write("/api/v1/saved-hunts/{id}/share", keeps, h::share_saved),
        write("/api/v1/saved-hunts/{id}/drop", keeps, h::drop_saved),
    ]
}
