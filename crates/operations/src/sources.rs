//! Sources: counting what became of their records, learning their rhythm, noticing when one falls silent and when it is back.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::{
    Change, Entity, EntityKind, LossAccount, Notice, Phrase, Problem, RejectReason, Rhythm, RuleLevel, Source,
    SourceHealth, SourceId, Timestamp,
};

/// The rule id of the report that a source fell silent.
pub const SILENT: &str = "watchpost/source-silent";
/// Its title.
pub const SILENT_TITLE: Phrase = Phrase::new("Nguồn log im lặng", "A log source fell silent");
/// What the alert of a silent source is closed with, when the source is heard again.
pub const BACK: &str = "Đã nhận lại log từ nguồn này · The source is heard again";
/// A source counts as silent after this many of its ordinary gaps …
pub const GAPS_MAX: f64 = 3.0;
/// … but not before these many seconds.
pub const SILENT_SECONDS_MIN: f64 = 600.0;
/// So many times something must have been heard before silence means anything …
pub const HEARD_MIN: u64 = 20;
/// … over at least so many seconds.
pub const SPAN_SECONDS_MIN: f64 = 3600.0;
/// The expected rate looks back about this far.
const RATE_SECONDS: f64 = 24.0 * 3600.0;
/// The longest gap loses half its weight in this time: weekends are remembered over the next ones.
const GAP_HALF_SECONDS: f64 = 60.0 * 24.0 * 3600.0;
/// A gap that counted as silence teaches at most that the ordinary gap is this many times as long.
const LESSON_MAX: f64 = 2.0;

/// The accounts of one batch, source by source.
#[derive(Debug, Default)]
pub struct Tally {
    sources: BTreeMap<SourceId, Counted>,
}

#[derive(Debug)]
struct Counted {
    heard_at: Timestamp,
    account: LossAccount,
    problems: Vec<Problem>,
}

impl Tally {
    /// Notes a record that arrived and is on its way to the lake.
    pub fn received(&mut self, source: &SourceId, at: Timestamp) {
        self.account(source, at).account.received += 1;
    }

    /// Notes records that are in the lake now.
    pub fn stored(&mut self, source: &SourceId, records: u64, at: Timestamp) {
        self.account(source, at).account.stored += records;
    }

    /// Notes a record that was refused.
    pub fn rejected(&mut self, source: &SourceId, reason: RejectReason, at: Timestamp) {
        let account = &mut self.account(source, at).account;
        account.received += 1;
        *account.rejected.entry(reason).or_default() += 1;
    }

    /// Notes records that never arrived.
    pub fn lost(&mut self, source: &SourceId, records: u64, at: Timestamp) {
        let account = &mut self.account(source, at).account;
        account.received += records;
        account.lost += records;
    }

    /// Notes a problem met in a record; all are counted, the last [`Source::PROBLEMS_MAX`] are kept in words.
    pub fn problem(&mut self, source: &SourceId, problem: &Problem, at: Timestamp) {
        let counted = self.account(source, at);
        *counted.account.problems.entry(problem.kind).or_default() += 1;
        if counted.problems.len() == Source::PROBLEMS_MAX {
            counted.problems.remove(0);
        }
        counted.problems.push(problem.clone());
    }

    /// The changes that put the accounts into the ledger.
    #[must_use]
    pub fn into_changes(self) -> Vec<Change> {
        self.sources
            .into_iter()
            .map(|(source, counted)| Change::CountSource {
                source,
                heard_at: counted.heard_at,
                account: counted.account,
                problems: counted.problems,
            })
            .collect()
    }

    fn account(&mut self, source: &SourceId, at: Timestamp) -> &mut Counted {
        if !self.sources.contains_key(source) {
            self.sources.insert(
                source.clone(),
                Counted {
                    heard_at: at,
                    account: LossAccount::default(),
                    problems: Vec::new(),
                },
            );
        }
        let counted = self
            .sources
            .get_mut(source)
            .expect("it was put in just now, if it was not there");
        counted.heard_at = counted.heard_at.max(at);
        counted
    }
}

/// What a look at a source found.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// Its health as it is now.
    pub health: SourceHealth,
    /// That it fell silent just now.
    pub fell_silent: Option<Notice>,
    /// Whether it was silent and is heard again.
    pub came_back: bool,
}

/// Looks at a source, about once a minute: learns from what was heard since the last look, and tells whether it fell silent
/// or came back. `listening_since` is when the post began to listen: its own absence is nobody's silence. None when there
/// is nothing new.
#[must_use]
pub fn watch(source: &Source, listening_since: Timestamp, now: Timestamp) -> Option<Watched> {
    let health = &source.health;
    if health.rhythm.heard_at.is_none_or(|known| source.last_heard > known) {
        let mut learned = learn(source, listening_since);
        let came_back = learned.silent_since.take().is_some();
        return Some(Watched {
            health: learned,
            fell_silent: None,
            came_back,
        });
    }
    let gap_max = GAPS_MAX * health.ordinary_gap_seconds?;
    let quiet = seconds(now.duration_since(source.last_heard.max(listening_since)));
    if health.silent_since.is_some() || quiet <= gap_max.max(SILENT_SECONDS_MIN) {
        return None;
    }
    Some(Watched {
        health: SourceHealth {
            silent_since: Some(source.last_heard),
            ..health.clone()
        },
        fell_silent: Some(silent_notice(source)),
        came_back: false,
    })
}

fn learn(source: &Source, listening_since: Timestamp) -> SourceHealth {
    let health = &source.health;
    let mut rhythm = health.rhythm.clone();
    let records = source.account.received.saturating_sub(rhythm.received);
    if let Some(before) = rhythm.heard_at.filter(|before| *before >= listening_since) {
        let gap = seconds(source.last_heard.duration_since(before));
        learn_gap(&mut rhythm, health, gap);
        let fading = (-gap / RATE_SECONDS).exp();
        rhythm.per_hour = rhythm.per_hour * fading + as_float(records) * 3600.0 / RATE_SECONDS;
        rhythm.span_seconds += gap;
    }
    rhythm.heard += 1;
    rhythm.received = source.account.received;
    rhythm.heard_at = Some(source.last_heard);
    let known_enough = rhythm.heard >= HEARD_MIN && rhythm.span_seconds >= SPAN_SECONDS_MIN;
    // A history shorter than the look-back would make the rate look smaller than it is.
    let history = 1.0 - (-rhythm.span_seconds / RATE_SECONDS).exp();
    SourceHealth {
        expected_per_hour: known_enough.then(|| rhythm.per_hour / history),
        ordinary_gap_seconds: known_enough.then_some(rhythm.longest_gap_seconds),
        silent_since: health.silent_since,
        rhythm,
    }
}

/// A gap that counted as silence teaches little ([`LESSON_MAX`]): otherwise one failure would make the next one go unnoticed.
fn learn_gap(rhythm: &mut Rhythm, health: &SourceHealth, gap: f64) {
    let fading = 0.5_f64.powf(gap / GAP_HALF_SECONDS);
    let faded = rhythm.longest_gap_seconds * fading;
    let lesson = if health.silent_since.is_some() {
        gap.min(LESSON_MAX * rhythm.longest_gap_seconds.max(SILENT_SECONDS_MIN / GAPS_MAX))
    } else {
        gap
    };
    rhythm.longest_gap_seconds = faded.max(lesson);
}

fn silent_notice(source: &Source) -> Notice {
    let rate = source.health.expected_per_hour.unwrap_or_default();
    let last = Timestamp::from_second(source.last_heard.as_second()).unwrap_or(source.last_heard);
    Notice {
        rule: SILENT,
        title: SILENT_TITLE,
        level: RuleLevel::High,
        entity: Entity {
            kind: EntityKind::Source,
            name: source.id.as_str().into(),
        },
        source: source.id.clone(),
        summary: format!("{} · {last} · ≈ {rate:.0}/h", source.id),
        since: source.last_heard,
    }
}

fn seconds(span: SignedDuration) -> f64 {
    span.as_secs_f64().max(0.0)
}

fn as_float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
