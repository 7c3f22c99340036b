//! Sources: counting, learning, falling silent, coming back.

use std::collections::HashSet;

use model::{
    Alert, Change, Decision, Language, LossAccount, Problem, ProblemKind, RejectReason, Source, SourceHealth, SourceId,
    Timestamp,
};
use operations::{Known, Moment, alerts::Contexts, sources};

use crate::memory::{Memory, at, entropy};

fn source() -> Source {
    Source {
        id: SourceId::new("mail-gw"),
        first_heard: at(0),
        last_heard: at(0),
        account: LossAccount::default(),
        health: SourceHealth::default(),
        recent_problems: Vec::new(),
    }
}

/// Hears `records` at a second, then looks a minute later.
fn hear(source: &mut Source, records: u64, second: i64) {
    source.account.received += records;
    source.last_heard = at(second);
    if let Some(watched) = sources::watch(source, at(-1), at(second + 1)) {
        source.health = watched.health;
    }
}

#[test]
fn a_tally_balances_and_keeps_the_last_problems() {
    let mut tally = sources::Tally::default();
    let id = SourceId::new("mail-gw");
    for n in 0..50 {
        tally.received(&id, at(n));
        tally.problem(&id, &Problem::new(ProblemKind::GuessedTime, n.to_string()), at(n));
    }
    tally.rejected(&id, RejectReason::Oversized, at(51));
    tally.lost(&id, 7, at(52));
    tally.stored(&id, 40, at(3));
    let changes = tally.into_changes();
    let [
        Change::CountSource {
            heard_at,
            account,
            problems,
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!((*heard_at, account.received, account.lost), (at(52), 58, 7));
    assert_eq!((account.pending(), account.rejected_total()), (10, 1));
    assert_eq!(account.problems[&ProblemKind::GuessedTime], 50);
    assert_eq!(problems.last().unwrap().detail, "49");
    assert_eq!(problems.len(), Source::PROBLEMS_MAX);
}

#[test]
fn a_steady_source_is_learned_and_its_silence_noticed_in_time() {
    let mut source = source();
    for minute in 0..180 {
        hear(&mut source, 10, minute * 60);
        if minute < 60 {
            assert_eq!(
                source.health.expected_per_hour, None,
                "too early to say, minute {minute}"
            );
        }
    }
    let rate = source.health.expected_per_hour.unwrap();
    assert!((550.0..650.0).contains(&rate), "{rate}");
    let last = 179 * 60;
    let silent = |second| sources::watch(&source, at(-1), at(second));
    assert_eq!(silent(last + 599), None);
    let watched = silent(last + 601).unwrap();
    let notice = watched.fell_silent.unwrap();
    assert_eq!(watched.health.silent_since, Some(source.last_heard));
    insta::assert_snapshot!(format!("{}\n{}\n{}", notice.title.vi, notice.title.en, notice.summary));
    // The post's own absence is nobody's silence.
    assert_eq!(sources::watch(&source, at(last + 5000), at(last + 5500)), None);
    assert!(sources::watch(&source, at(last + 5000), at(last + 5700)).is_some());
}

#[test]
fn a_source_of_office_hours_is_not_silent_at_night_once_a_weekend_was_seen() {
    let mut source = source();
    let hour = 3600;
    let mut false_alarms = Vec::new();
    for day in 0..28_i64 {
        let weekend = day % 7 >= 5;
        for quarter in 0..96 {
            let second = day * 24 * hour + quarter * 900;
            if !weekend && (32..72).contains(&quarter) {
                hear(&mut source, 100, second);
            } else if let Some(watched) = sources::watch(&source, at(-1), at(second)) {
                source.health = watched.health;
                false_alarms.extend(watched.fell_silent.map(|_| day));
            }
        }
    }
    assert_eq!(false_alarms, [6], "only the first weekend surprises");
}

#[test]
fn one_failure_does_not_teach_that_failing_is_ordinary() {
    let mut source = source();
    for minute in 0..180 {
        hear(&mut source, 10, minute * 60);
    }
    let before = source.health.ordinary_gap_seconds.unwrap();
    source.health = sources::watch(&source, at(-1), at(20_000)).unwrap().health;
    assert!(source.health.silent_since.is_some());
    source.last_heard = at(500_000);
    source.account.received += 1;
    let back = sources::watch(&source, at(-1), at(500_001)).unwrap();
    assert!(back.came_back && back.health.silent_since.is_none());
    let after = back.health.ordinary_gap_seconds.unwrap();
    assert!(after <= 2.0 * before.max(200.0), "{before} {after}");
}

fn watch(memory: &mut Memory, source: &mut Source, now: Timestamp) -> Option<Decision> {
    let keys: HashSet<_> = operations::keys_of_watch(std::slice::from_ref(source), at(-1), now);
    let contexts: Contexts = memory.contexts(keys);
    let known = Known {
        contexts: &contexts,
        silences: &[],
    };
    let moment = Moment {
        now,
        entropy: entropy(u64::try_from(now.as_second()).unwrap()),
    };
    let decision = operations::decide_watch(std::slice::from_ref(source), at(-1), known, moment)?;
    memory.apply(&decision);
    for change in &decision.changes {
        if let Change::PutSourceHealth { health, .. } = change {
            source.health = health.clone();
        }
    }
    Some(decision)
}

#[test]
fn silence_raises_one_alert_and_the_return_closes_it() {
    let mut memory = Memory::default();
    let mut source = source();
    for minute in 0..180 {
        hear(&mut source, 10, minute * 60);
    }
    assert!(watch(&mut memory, &mut source, at(13_000)).is_some());
    assert!(watch(&mut memory, &mut source, at(14_000)).is_none(), "said once");
    let open: Vec<Alert> = memory.open().cloned().collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].key.rule, sources::SILENT);
    for language in [Language::Vi, Language::En] {
        assert_eq!(open[0].rule.title_in(language), sources::SILENT_TITLE.text(language));
    }
    source.last_heard = at(15_000);
    source.account.received += 5;
    watch(&mut memory, &mut source, at(15_001)).unwrap();
    assert_eq!(memory.open().count(), 0);
    assert!(watch(&mut memory, &mut source, at(16_500)).is_some(), "silent again");
    assert_eq!(memory.open().next().unwrap().previous, Some(open[0].id));
}
