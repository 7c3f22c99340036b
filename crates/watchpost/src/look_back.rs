//! Looking back: rules held against events that are already kept. What they find becomes alerts that say so, and is counted
//! once, also where the live stream or an earlier look back found it before.

use std::{collections::BTreeMap, ops::ControlFlow};

use anyhow::{Context, Result, bail};
use detect::{Arrival, Detector, RuleMatcher, RuleText, Rules, SharedRules};
use lake::{Filter, Lake};
use ledger::{ApplyError, Ledger};
use model::{Detection, Event, FoundBy, Scope, Seq, Timestamp};
use operations::{Known, Moment, Observed};
use serde::{Deserialize, Serialize};

use crate::clock;

/// Events on which rules held that are looked at together; beyond it only the newest ones, and the report says so.
const HELD_MAX: usize = 100_000;
/// Detections that one look back may turn into alerts; a rule that finds more is not ready for it.
const DETECTIONS_MAX: usize = 20_000;
/// Detections decided at once.
const BATCH: usize = 500;
/// How often a decision is made anew because somebody changed what it was made on.
const CONFLICTS_MAX: u32 = 20;
/// Examples in a report.
const EXAMPLES_MAX: usize = 20;

/// What is to be looked for, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The rules: names of files and their texts.
    pub rules: Vec<(String, String)>,
    /// From when on the events happened.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
    /// Whether what is found becomes alerts; otherwise it is only told.
    pub alert: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Events that were looked at.
    pub events: u64,
    /// Rules that do not load, and why.
    pub refused: Vec<String>,
    /// Detections by the title of the rule.
    pub by_rule: BTreeMap<String, u64>,
    /// Of the detections those that were known before.
    pub known: u64,
    /// Of the detections those that became part of alerts now.
    pub alerted: u64,
    /// The newest detections, in words.
    pub examples: Vec<String>,
    /// Why it is not all.
    pub incomplete: Vec<String>,
}

/// Looks back.
///
/// # Errors
/// No rule loads, a rule finds too much to become alerts, or the ledger refuses.
pub(crate) fn look(lake: &Lake, ledger: &Ledger, request: &Request) -> Result<Report> {
    let texts: Vec<RuleText> = request
        .rules
        .iter()
        .map(|(file, text)| RuleText {
            file: file.clone(),
            text: text.as_str().into(),
        })
        .collect();
    let rules: SharedRules = std::sync::Arc::new(Rules::load(&texts));
    let mut report = Report {
        refused: rules
            .refused()
            .iter()
            .map(|refused| format!("{}: {}", refused.file, refused.reason))
            .collect(),
        ..Report::default()
    };
    if rules.entries().is_empty() {
        bail!("no rule loads: {}", report.refused.join("; "));
    }
    let scope = Scope::of_post("look-back");
    // What is not decided yet is the stream's to find.
    let decided = ledger.pipeline_position(&scope)?.decided;
    let held = holding(lake, &rules, request, decided, &mut report);
    let found = detections(&rules, &held);
    let fresh = fresh(ledger, &scope, found, &mut report)?;
    if request.alert {
        if fresh.len() > DETECTIONS_MAX {
            bail!(
                "{} detections are too many to become alerts; narrow the rule or the time",
                fresh.len()
            );
        }
        commit_all(ledger, &fresh, &held, &mut report)?;
    }
    Ok(report)
}

/// Makes those detections part of alerts that nobody made before; `events` are those that they are about.
///
/// # Errors
/// The ledger refuses.
pub(crate) fn alert(ledger: &Ledger, found: Vec<Detection>, events: &[Event], report: &mut Report) -> Result<()> {
    let fresh = fresh(ledger, &Scope::of_post("look-back"), found, report)?;
    commit_all(ledger, &fresh, events, report)
}

fn commit_all(ledger: &Ledger, fresh: &[Detection], events: &[Event], report: &mut Report) -> Result<()> {
    let scope = Scope::of_post("look-back");
    let by_seq: BTreeMap<Seq, &Event> = events.iter().map(|event| (event.seq, event)).collect();
    for batch in fresh.chunks(BATCH) {
        commit(ledger, &scope, batch, &by_seq)?;
        report.alerted += batch.len() as u64;
    }
    Ok(())
}

/// The events on which a rule holds, in the order of the journal.
fn holding(lake: &Lake, rules: &SharedRules, request: &Request, decided: Seq, report: &mut Report) -> Vec<Event> {
    let mut matcher = RuleMatcher::new(rules);
    let filter = Filter {
        from: request.from,
        before: request.before,
        ..Filter::default()
    };
    let mut held = Vec::new();
    let unreadable = lake.scan(&filter, |event| {
        if event.seq > decided {
            return ControlFlow::Continue(());
        }
        report.events += 1;
        if !matcher.matches(&event).is_empty() {
            held.push(event);
        }
        if held.len() < HELD_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if held.len() >= HELD_MAX {
        report
            .incomplete
            .push(format!("only the newest {HELD_MAX} events on which a rule holds"));
    }
    report.incomplete.extend(
        unreadable
            .iter()
            .map(|file| format!("{} could not be read: {}", file.file, file.cause)),
    );
    held.sort_unstable_by_key(|event| event.seq);
    held
}

fn detections(rules: &SharedRules, held: &[Event]) -> Vec<Detection> {
    let mut matcher = RuleMatcher::new(rules);
    let mut detector = Detector::new(SharedRules::clone(rules), Arrival::Sweep);
    let mut found = Vec::new();
    for event in held {
        let holds = matcher.matches(event).to_vec();
        found.extend(detector.observe(event, &holds));
    }
    found.extend(detector.finish());
    for detection in &mut found {
        detection.found_by = FoundBy::LookBack;
    }
    found
}

/// The detections that nobody made before; the newest are the report's examples.
fn fresh(ledger: &Ledger, scope: &Scope, found: Vec<Detection>, report: &mut Report) -> Result<Vec<Detection>> {
    let mut fresh = Vec::new();
    for detection in found {
        *report.by_rule.entry(detection.rule.title.clone()).or_default() += 1;
        let before = ledger.detections_on(scope, detection.event)?;
        let is_known = before
            .iter()
            .any(|kept| kept.detection.rule.id == detection.rule.id && kept.detection.entity == detection.entity);
        if is_known {
            report.known += 1;
        } else {
            fresh.push(detection);
        }
    }
    report.examples = fresh.iter().rev().take(EXAMPLES_MAX).map(in_words).collect();
    Ok(fresh)
}

fn commit(ledger: &Ledger, scope: &Scope, batch: &[Detection], events: &BTreeMap<Seq, &Event>) -> Result<()> {
    let observed: Vec<Observed<'_>> = batch
        .iter()
        .map(|detection| Observed {
            detection,
            event: events.get(&detection.event).copied(),
        })
        .collect();
    let moment = Moment {
        now: clock::now(),
        entropy: clock::entropy()?,
    };
    for _ in 0..CONFLICTS_MAX {
        let silences = ledger.silences_in_force(scope, moment.now)?;
        let keys = operations::keys_of_batch(&observed, &silences);
        let contexts = ledger.alert_contexts(scope, keys)?;
        let known = Known {
            contexts: &contexts,
            silences: &silences,
        };
        match ledger.apply(&operations::decide_look_back(&observed, known, moment)) {
            Ok(_) => return Ok(()),
            Err(ApplyError::Conflict { .. } | ApplyError::Busy) => {}
            Err(error @ (ApplyError::DiskFull | ApplyError::Store(_))) => {
                return Err(error).context("what was found looking back was not committed");
            }
        }
    }
    bail!("what was found looking back was outdated {CONFLICTS_MAX} times in a row")
}

fn in_words(detection: &Detection) -> String {
    format!(
        "{} {} {} · {}: {}",
        detection.happened_at,
        detection.rule.level.as_str(),
        detection.rule.title,
        detection.entity.name,
        detection.summary.chars().take(160).collect::<String>()
    )
}
