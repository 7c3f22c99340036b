//! What a handover says, read from the ledger; nothing of it is typed.

use std::cmp::Reverse;

use ledger::{AlertFilter, AlertOrder, Ledger, NounFilter, PageAt, ReadError, StateKind};
use model::{
    Alert, AlertState, Deadline, DeadlineState, Handover, HandoverAbout, HandoverLine, HandoverSection, Incident,
    Language, Notification, Scope, Timestamp,
};
use operations::duty::Gap;

use crate::{
    incidents::{next_of, open_incidents},
    pages::duty::now::position_name,
    rosters::Rosters,
    rules::RuleCatalog,
    words::Words,
};

/// Of what is counted, so many are looked at.
const LOOKED_AT_MAX: usize = 500;
/// How far ahead gaps belong into a handover.
const GAP_DAYS: i64 = 3;

/// For whom it is written, when, and what rules are called.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) rules: &'a RuleCatalog,
    /// From when on it tells.
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
    pub(super) language: Language,
}

/// All parts, in the order in which they press.
pub(super) fn sections(
    ledger: &Ledger,
    scope: &Scope,
    rosters: &Rosters,
    reader: Reader<'_>,
) -> Result<Vec<HandoverSection>, ReadError> {
    let Reader {
        rules, now, language, ..
    } = reader;
    let title = |alert: &Alert| {
        let level = alert.rule.level.word_in(language);
        format!(
            "[{level}] {} · {}",
            rules.title(&alert.rule, language),
            alert.key.entity.name
        )
    };
    Ok(vec![
        happened(ledger, scope, reader)?,
        unacknowledged(ledger, scope)?,
        incidents(ledger, scope, rosters, (now, language))?,
        open_alerts(ledger, scope, rosters, (now, &title))?,
        deadlines(ledger, scope, rosters, language)?,
        silent_sources(ledger, scope)?,
        silences(ledger, scope, now)?,
        gaps(rosters, now),
    ])
}

fn section(about: HandoverAbout, count: usize, lines: Vec<HandoverLine>) -> HandoverSection {
    let mut lines = lines;
    lines.truncate(Handover::LINES_MAX);
    HandoverSection {
        about,
        count: count as u64,
        lines,
    }
}

fn unacknowledged(ledger: &Ledger, scope: &Scope) -> Result<HandoverSection, ReadError> {
    let open = NounFilter {
        states: ["escalating", "unanswered"].map(str::to_owned).to_vec(),
        ..NounFilter::default()
    };
    let count = ledger.count_kept::<Notification>(scope, &open)?;
    let newest = ledger.kept_page::<Notification>(scope, &open, PageAt::first(Handover::LINES_MAX))?;
    let lines = newest.items.into_iter().map(|notification| HandoverLine {
        link: format!("/duty/notifications/{}", notification.id),
        text: notification.brief(),
        owner: None,
        next: None,
        at: Some(notification.started_at),
    });
    Ok(HandoverSection {
        about: HandoverAbout::Unacknowledged,
        count,
        lines: lines.collect(),
    })
}

/// What came and went since the last handover, in numbers: of the newest [`LOOKED_AT_MAX`] of each kind.
fn happened(
    ledger: &Ledger,
    scope: &Scope,
    Reader { since, language, .. }: Reader<'_>,
) -> Result<HandoverSection, ReadError> {
    let words = Words(language);
    let alerts = |states| {
        let filter = AlertFilter {
            states,
            exercise: Some(false),
            order: AlertOrder::LastSeen,
            ..AlertFilter::default()
        };
        ledger.alerts(scope, &filter, PageAt::first(LOOKED_AT_MAX))
    };
    let mut all = alerts(vec![StateKind::New, StateKind::Acknowledged])?.items;
    all.extend(alerts(vec![StateKind::Closed])?.items);
    let opened = all.iter().filter(|alert| alert.opened_at >= since).count();
    let was_closed = |alert: &&Alert| matches!(alert.state, AlertState::Closed { at, .. } if at >= since);
    let closed = all.iter().filter(was_closed).count();
    let called = ledger.kept_page::<Notification>(scope, &NounFilter::default(), PageAt::first(LOOKED_AT_MAX))?;
    let mut called = called.items;
    called.retain(|notification| notification.started_at >= since && !notification.exercise);
    let waits = called.iter().filter_map(|notification| {
        let first = notification.acknowledgements.first()?;
        Some(
            notification
                .started_at
                .duration_until(first.at)
                .as_secs()
                .unsigned_abs(),
        )
    });
    let waits: Vec<u64> = waits.collect();
    let incidents = ledger.kept_page::<Incident>(scope, &NounFilter::default(), PageAt::first(LOOKED_AT_MAX))?;
    let incidents = incidents.items.iter();
    let incidents = incidents.filter(|incident| incident.opened_at >= since && !incident.exercise);
    let deadlines: Vec<Deadline> = ledger.all_kept(scope, &NounFilter::default())?;
    let met = |deadline: &&Deadline| matches!(deadline.state, DeadlineState::Met { at, .. } if at >= since);
    let breached = |deadline: &&Deadline| matches!(deadline.state, DeadlineState::Breached { at, .. } if at >= since);
    let told = [
        ("/queue", words.happened_alerts(opened, closed)),
        (
            "/duty/notifications",
            words.happened_pages(
                called.len(),
                waits.len(),
                waits.iter().copied().max().unwrap_or_default(),
            ),
        ),
        (
            "/incidents",
            words.happened_incidents(
                incidents.count(),
                deadlines.iter().filter(met).count(),
                deadlines.iter().filter(breached).count(),
            ),
        ),
    ];
    let lines = told.map(|(link, text)| HandoverLine {
        text,
        owner: None,
        next: None,
        link: link.to_owned(),
        at: None,
    });
    Ok(section(HandoverAbout::Happened, lines.len(), lines.into()))
}

/// The open incidents, worst first; what each needs next is what its page says at the top.
fn incidents(
    ledger: &Ledger,
    scope: &Scope,
    rosters: &Rosters,
    (now, language): (Timestamp, Language),
) -> Result<HandoverSection, ReadError> {
    let mut open = open_incidents(ledger, scope)?;
    open.retain(|incident| !incident.exercise);
    open.sort_by_key(|incident| (Reverse(incident.severity), incident.detected_at));
    let mut lines = Vec::with_capacity(open.len().min(Handover::LINES_MAX));
    for incident in open.iter().take(Handover::LINES_MAX) {
        let next = next_of(ledger, scope, incident, now)?;
        lines.push(HandoverLine {
            text: format!("{} · {}", incident.number, incident.title),
            owner: incident.owner.map(|owner| rosters.name(owner)),
            next: next.map(|step| step.what.text(language).to_owned()),
            link: format!("/incidents/{}", incident.id),
            at: Some(incident.detected_at),
        });
    }
    Ok(section(HandoverAbout::Incidents, open.len(), lines))
}

fn open_alerts(
    ledger: &Ledger,
    scope: &Scope,
    rosters: &Rosters,
    (now, title): (Timestamp, &dyn Fn(&Alert) -> String),
) -> Result<HandoverSection, ReadError> {
    let filter = AlertFilter {
        states: vec![StateKind::New, StateKind::Acknowledged],
        exercise: Some(false),
        ..AlertFilter::default()
    };
    let counts = ledger.counts(scope, None, now)?;
    let page = ledger.alerts(scope, &filter, PageAt::first(Handover::LINES_MAX))?;
    let lines: Vec<HandoverLine> = page
        .items
        .iter()
        .map(|alert| {
            let holder = match &alert.state {
                AlertState::Acknowledged { by, .. } => Some(alert.assignee.unwrap_or(*by)),
                AlertState::New | AlertState::Closed { .. } => alert.assignee,
            };
            HandoverLine {
                text: title(alert),
                owner: holder.map(|holder| rosters.name(holder)),
                next: None,
                link: format!("/alerts/{}", alert.id),
                at: Some(alert.opened_at),
            }
        })
        .collect();
    let count = usize::try_from(counts.open()).unwrap_or(lines.len()).max(lines.len());
    Ok(section(HandoverAbout::OpenAlerts, count, lines))
}

fn deadlines(
    ledger: &Ledger,
    scope: &Scope,
    rosters: &Rosters,
    language: Language,
) -> Result<HandoverSection, ReadError> {
    let mut running: Vec<Deadline> = ledger.all_kept(scope, &NounFilter::default())?;
    running.retain(|deadline| deadline.state == DeadlineState::Running);
    let lines = running.iter().take(Handover::LINES_MAX).map(|deadline| HandoverLine {
        text: format!("{} · {}", deadline.what.text(language), deadline.matter),
        owner: deadline.owner.map(|owner| rosters.name(owner)),
        next: None,
        link: "/deadlines".to_owned(),
        at: Some(deadline.due_at),
    });
    Ok(section(HandoverAbout::Deadlines, running.len(), lines.collect()))
}

fn silent_sources(ledger: &Ledger, scope: &Scope) -> Result<HandoverSection, ReadError> {
    let mut sources = ledger.sources(scope)?;
    sources.retain(|source| source.health.silent_since.is_some());
    let lines = sources.iter().take(Handover::LINES_MAX).map(|source| HandoverLine {
        text: source.id.to_string(),
        owner: None,
        next: None,
        link: "/sources".to_owned(),
        at: source.health.silent_since,
    });
    Ok(section(HandoverAbout::SilentSources, sources.len(), lines.collect()))
}

fn silences(ledger: &Ledger, scope: &Scope, now: Timestamp) -> Result<HandoverSection, ReadError> {
    let silences = ledger.silences_in_force(scope, now)?;
    let lines = silences.iter().take(Handover::LINES_MAX).map(|silence| HandoverLine {
        text: format!("{} · {}", silence.hidden, silence.comment),
        owner: None,
        next: None,
        link: "/silences".to_owned(),
        at: Some(silence.expires_at),
    });
    Ok(section(HandoverAbout::Silences, silences.len(), lines.collect()))
}

fn gaps(rosters: &Rosters, now: Timestamp) -> HandoverSection {
    let found = rosters.gaps(now, GAP_DAYS);
    let line = |(team, gap): &(&model::Team, Gap)| HandoverLine {
        text: format!("{} · {}", team.name, position_name(team, gap)),
        owner: None,
        next: None,
        link: format!("/duty/roster/{}", team.id),
        at: Some(gap.from),
    };
    section(HandoverAbout::Gaps, found.len(), found.iter().map(line).collect())
}
