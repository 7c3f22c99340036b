//! What is looked after beside paging: the weekly silent test of every proven address, and gaps that come nearer.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use console::Rosters;
use jiff::{SignedDuration, tz::TimeZone};
use ledger::{Ledger, NounFilter};
use model::{AlertKey, Change, ContactCard, Decision, Effect, Language, Notice, Scope, Timestamp, Watch};
use operations::{Known, Moment, duty, notifications::silent_tests};

use crate::{clock, commit::commit};

const EVERY: Duration = Duration::from_mins(1);
/// Cards that are tested in one decision, so that a large post does not ask all its people in one minute.
const TESTED_AT_ONCE_MAX: usize = 50;

/// Looks once a minute until the post ends.
pub(crate) async fn watch_over_duty(ledger: Ledger, language: Language) {
    loop {
        tokio::time::sleep(EVERY).await;
        let looked = ledger
            .off_thread(move |ledger| {
                let now = clock::now();
                test_silently(ledger, now)?;
                warn_of_gaps(ledger, language, now)
            })
            .await;
        if let Err(error) = looked {
            tracing::error!("duty was not looked after: {error:#}");
        }
    }
}

/// Notices about watches that come or run and have too few people in the next days, and those that have enough.
fn short_watches(
    watches: &[Watch],
    rosters: &Rosters,
    now: Timestamp,
    (notices, over): (&mut Vec<Notice>, &mut Vec<(AlertKey, &'static str)>),
) {
    let all: Vec<_> = rosters.all().collect();
    let utc = TimeZone::UTC;
    let zone = all.first().map_or(&utc, |roster| roster.zone);
    let ahead = now
        .checked_add(SignedDuration::from_hours(24 * duty::STAFFING_LEAD_DAYS))
        .unwrap_or(now);
    for watch in watches {
        let short = duty::short_staffed(&all, watch.people_min, watch.from.max(now), watch.until.min(ahead));
        match duty::staffing_notice(watch, &short, zone, now) {
            Some(notice) => notices.push(notice),
            None => over.push((duty::staffing_key(watch), duty::STAFFED)),
        }
    }
}

fn test_silently(ledger: &Ledger, now: Timestamp) -> Result<()> {
    let scope = Scope::of_post("reachability");
    let cards: Vec<ContactCard> = ledger.all_kept(&scope, &NounFilter::default())?;
    let mut due = silent_tests(&cards, now);
    due.truncate(TESTED_AT_ONCE_MAX);
    if due.is_empty() {
        return Ok(());
    }
    let changes = due.iter().map(|(card, _)| Change::put(card)).collect();
    let deliveries = due.into_iter().flat_map(|(_, deliveries)| deliveries);
    let decision = Decision {
        at: now,
        actor: scope.actor().clone(),
        action: "contact.silent_test".to_owned(),
        reason: None,
        changes,
        effects: deliveries
            .map(|delivery| Effect::Deliver {
                delivery: Box::new(delivery),
            })
            .collect(),
    };
    commit(ledger, &decision)
}

/// Raises an alert for each team with a gap ahead, and closes it once there is none.
fn warn_of_gaps(ledger: &Ledger, language: Language, now: Timestamp) -> Result<()> {
    let scope = Scope::of_post("roster-watch");
    let rosters = Rosters::read(ledger, &scope, now)?;
    if rosters.all().next().is_none() {
        return Ok(());
    }
    let ahead = rosters.gaps(now, duty::LEAD_DAYS);
    let mut notices = Vec::new();
    let mut over = Vec::new();
    for roster in rosters.all() {
        let of_team: Vec<_> = ahead
            .iter()
            .filter(|(team, _)| team.id == roster.team.id)
            .map(|(_, gap)| gap)
            .collect();
        match duty::gap_notice(roster, &of_team, now) {
            Some(notice) => notices.push(notice),
            None => over.push((duty::gap_key(roster.team), duty::CLOSED)),
        }
    }
    let watches: Vec<Watch> = ledger.all_kept(&scope, &NounFilter::in_state("open"))?;
    short_watches(&watches, &rosters, now, (&mut notices, &mut over));
    over.retain(|(key, _)| {
        notices
            .iter()
            .all(|notice| notice.entity != key.entity || notice.rule != key.rule.as_str())
    });
    let silences = ledger.silences_in_force(&scope, now)?;
    let mut keys: HashSet<_> = rosters.all().map(|roster| duty::gap_key(roster.team)).collect();
    keys.extend(watches.iter().map(duty::staffing_key));
    let contexts = ledger.alert_contexts(&scope, keys)?;
    let known = Known {
        contexts: &contexts,
        silences: &silences,
    };
    let moment = Moment {
        now,
        entropy: clock::entropy()?,
    };
    let part = ("roster-watch", "roster.watch");
    let Some(mut decision) = operations::decide_notices(part, &notices, &over, known, moment) else {
        return Ok(());
    };
    super::add_notifications(ledger, &mut decision, language, moment.entropy)?;
    commit(ledger, &decision)
}
