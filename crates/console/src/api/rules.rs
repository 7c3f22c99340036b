//! `/api/v1/rules`: what is loaded, what is not and why.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    desk::Desk,
    guard::Visit,
    rules::{RefusedRule, RuleListing},
    trouble::{ErrorBody, Trouble},
};

/// All rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleList {
    loaded: Vec<Rule>,
    refused: Vec<Refused>,
}

/// A loaded rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rule {
    id: String,
    title: String,
    /// Its title in Vietnamese; empty when it has none.
    title_vi: String,
    level: &'static str,
    tags: Vec<String>,
    log_source: String,
    file: String,
    hits: u64,
}

/// A loaded rule with its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleDetail {
    #[serde(flatten)]
    rule: Rule,
    description: String,
    /// The YAML as it was read.
    text: String,
}

/// A rule file that watches nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refused {
    file: String,
    line: Option<u32>,
    reason: String,
}

impl From<&RuleListing> for Rule {
    fn from(rule: &RuleListing) -> Self {
        Self {
            id: rule.identity.id.to_string(),
            title: rule.identity.title.clone(),
            title_vi: rule.identity.title_vi.clone(),
            level: rule.identity.level.as_str(),
            tags: rule.identity.tags.iter().map(ToString::to_string).collect(),
            log_source: rule.log_source.clone(),
            file: rule.file.to_string(),
            hits: rule.hits,
        }
    }
}

impl From<&RefusedRule> for Refused {
    fn from(refused: &RefusedRule) -> Self {
        Self {
            file: refused.file.clone(),
            line: refused.line,
            reason: refused.reason.clone(),
        }
    }
}

/// Answers with all rules.
#[utoipa::path(get, path = "/api/v1/rules", responses((status = 200, body = RuleList), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(_visit: Visit, State(desk): State<Desk>) -> Json<RuleList> {
    let catalog = desk.state.rules.catalog();
    Json(RuleList {
        loaded: catalog.loaded.iter().map(Rule::from).collect(),
        refused: catalog.refused.iter().map(Refused::from).collect(),
    })
}

/// Answers with one rule and its text.
#[utoipa::path(get, path = "/api/v1/rules/{id}", params(("id" = String, Path)), responses((status = 200, body = RuleDetail), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    _visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<RuleDetail>, Trouble> {
    let catalog = desk.state.rules.catalog();
    let rule = catalog
        .loaded
        .iter()
        .find(|rule| rule.identity.id == id)
        .ok_or(Trouble::NotFound)?;
    Ok(Json(RuleDetail {
        rule: rule.into(),
        description: rule.description.clone(),
        text: rule.text.to_string(),
    }))
}
