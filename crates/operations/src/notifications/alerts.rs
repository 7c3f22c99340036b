//! Alerts and paging: which ones begin a policy, and where one stands.

use model::{Alert, AlertState, Change, Decision, Effect, Entropy, EscalationPolicy, Id, Language, RuleLevel, Team};

use super::{Ask, Standing, start};
use crate::nth;

/// Adds to a decision the notifications that its new alerts begin: each team whose level they reach is paged by its policy. They are
/// committed with the alerts, so that none is without the other.
pub fn page_for_alerts(
    decision: &mut Decision,
    (teams, policies): (&[Team], &[EscalationPolicy]),
    language: Language,
    entropy: Entropy,
) {
    let mut started = Vec::new();
    for effect in &decision.effects {
        let Effect::AnnounceAlert { alert: announced } = effect else {
            continue;
        };
        let mut alerts = decision.changes.iter().filter_map(|change| {
            if let Change::PutAlert { alert } = change {
                Some(alert)
            } else {
                None
            }
        });
        let Some(alert) = alerts.find(|alert| alert.id == *announced) else {
            continue;
        };
        for team in teams {
            let wanted = team.alerts_from.is_some_and(|level| alert.rule.level >= level);
            let policy = policies.iter().find(|policy| team.policy == Some(policy.id));
            if let (true, Some(policy)) = (wanted, policy) {
                let id = Id::born(decision.at, nth(entropy, started.len() + 1));
                let ask = ask_about(alert, language);
                started.push(Change::put(&start(ask, policy, Some(team.id), id, decision.at)));
            }
        }
    }
    decision.changes.extend(started);
}

fn ask_about(alert: &Alert, language: Language) -> Ask {
    Ask {
        about: format!("alert:{}", alert.id),
        subject: format!(
            "[{}] {}",
            alert.rule.level.word_in(language),
            alert.rule.title_in(language)
        ),
        text: format!("{}\n{}", alert.key.entity.name, alert.summary),
        link: format!("/alerts/{}", alert.id),
        urgent: alert.rule.level >= RuleLevel::High,
        exercise: alert.key.exercise,
    }
}

/// Where an alert stands, as paging sees it.
#[must_use]
pub fn standing_of(alert: &Alert) -> Standing {
    match &alert.state {
        AlertState::New => Standing::Open,
        AlertState::Acknowledged { at, by } => Standing::Taken { by: *by, at: *at },
        AlertState::Closed { .. } => Standing::Over,
    }
}
