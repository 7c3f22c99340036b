//! Rebuilds what correlations remember from the events of the lake, after a restart and when other rules come into force.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use detect::{RuleMatcher, SharedRules};
use jiff::SignedDuration;
use lake::{Filter, Lake};
use model::{Event, PipelinePosition, Timestamp};

use crate::pipeline::Sequence;

/// Events that feed correlations and are read again at most; the oldest are left out beyond it, and the log says so.
const REPLAYED_MAX: usize = 500_000;
/// Events that are looked at for that at most.
const LOOKED_AT_MAX: usize = 3_000_000;

/// Observes again what happened within the horizon of the correlations, up to what is decided. Nothing is reported: it was before.
pub(super) fn rebuild(
    lake: &Lake,
    rules: &SharedRules,
    sequence: &mut Sequence,
    decided: PipelinePosition,
) -> Result<()> {
    let Ok(until) = Timestamp::from_microsecond(decided.correlated_us) else {
        bail!(
            "the pipeline's position has a time that is none: {}",
            decided.correlated_us
        )
    };
    let horizon = SignedDuration::from_micros(sequence.detector().replay_horizon_us());
    if decided.decided == 0 || !sequence.detector().has_correlations() {
        return Ok(());
    }
    let from = until.checked_sub(horizon).unwrap_or(Timestamp::MIN);
    let mut matcher = RuleMatcher::new(rules);
    let mut feeding: Vec<Event> = Vec::new();
    let mut looked_at = 0;
    let filter = Filter::since(from);
    let unreadable = lake.scan(&filter, |event| {
        looked_at += 1;
        let feeds = matcher
            .matches(&event)
            .iter()
            .any(|rule| sequence.detector().correlates(*rule));
        if event.seq <= decided.decided && feeds {
            feeding.push(event);
        }
        if feeding.len() < REPLAYED_MAX && looked_at < LOOKED_AT_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if feeding.len() == REPLAYED_MAX || looked_at == LOOKED_AT_MAX || !unreadable.is_empty() {
        tracing::warn!(
            events = feeding.len(),
            looked_at,
            "correlations remember only part of their time"
        );
    }
    feeding.sort_by_key(|event| event.seq);
    for event in &feeding {
        let held = matcher.matches(event).to_vec();
        sequence.observe_again(event, &held);
    }
    sequence.advance(until);
    Ok(())
}
