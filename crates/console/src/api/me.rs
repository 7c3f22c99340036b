//! `GET /api/v1/me`: who is signed in, and what they may do.

use axum::Json;
use model::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{guard::Visit, pages::user::list::role_name, trouble::ErrorBody};

/// The signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    id: String,
    login: String,
    display_name: String,
    role: &'static str,
    language: String,
    /// The permissions of the role (`read_alerts`, `work_alerts`, …).
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
}

/// Answers with the person.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub(crate) async fn get(visit: Visit) -> Json<Me> {
    let user = visit.user;
    Json(Me {
        id: user.id.to_string(),
        login: user.login,
        display_name: user.display_name,
        role: role_name(user.role),
        language: user.language,
        permissions: Permission::ALL
            .into_iter()
            .filter(|permission| user.role.allows(*permission))
            .collect(),
    })
}
