//! Urgency: how much an alert presses, in points that explain themselves.

use std::collections::BTreeSet;

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{
    Alert, AlertState, Disposition, Language, RuleLevel, Surroundings, Timestamp, Urgency, UrgencyKind, UrgencyReason,
    attack,
};

/// An hour of waiting is one point: a week makes up for the step from one level to the next, an hour for nothing.
const SECONDS_A_POINT: i64 = 3600;

/// Judges an alert anew. Without surroundings, what was known of them stays.
pub(super) fn judge(alert: &mut Alert, around: Option<&Surroundings>) {
    let mut reasons = vec![
        reason(UrgencyKind::Level(alert.rule.level), 0, level_points(alert.rule.level)),
        reason(
            UrgencyKind::Detections,
            alert.detections,
            5 * doublings(alert.detections).min(12),
        ),
    ];
    match around {
        Some(around) => {
            let tactics = tactics(alert.rule.tags.iter().chain(&around.other_tags));
            reasons.extend([
                reason(
                    UrgencyKind::OtherRules,
                    around.other_rules,
                    20 * signed(around.other_rules).min(5),
                ),
                reason(UrgencyKind::Tactics, tactics, 40 * (signed(tactics) - 1).clamp(0, 5)),
                reason(
                    UrgencyKind::OtherEntities,
                    around.other_entities,
                    10 * doublings(around.other_entities + 1).min(5),
                ),
            ]);
            reasons.extend(kept(alert, |kind| kind == UrgencyKind::CameBack));
        }
        None => reasons.extend(kept(alert, |kind| match kind {
            UrgencyKind::OtherRules | UrgencyKind::Tactics | UrgencyKind::OtherEntities | UrgencyKind::CameBack => true,
            UrgencyKind::Level(_) | UrgencyKind::Detections | UrgencyKind::Acknowledged => false,
        })),
    }
    let waits_since = match &alert.state {
        AlertState::New | AlertState::Closed { .. } => alert.opened_at,
        AlertState::Acknowledged { at, .. } => {
            reasons.push(reason(UrgencyKind::Acknowledged, 0, -200));
            *at
        }
    };
    reasons.retain(|reason| reason.points != 0);
    reasons.sort_by_key(|reason| -reason.points.abs());
    let points = reasons.iter().map(|reason| reason.points).sum();
    alert.urgency = Urgency {
        points,
        reasons,
        rank: points * SECONDS_A_POINT - waits_since.as_second(),
    };
}

/// Notes that an alert came back, when the one before was a real attack.
pub(super) fn came_back(alert: &mut Alert, before: Option<&Alert>) {
    let was_real = before.is_some_and(|before| match &before.state {
        AlertState::Closed { disposition, .. } => *disposition == Disposition::TruePositive,
        AlertState::New | AlertState::Acknowledged { .. } => false,
    });
    if was_real {
        alert.urgency.reasons.push(reason(UrgencyKind::CameBack, 0, 100));
    }
}

fn kept(alert: &Alert, wanted: impl Fn(UrgencyKind) -> bool) -> Vec<UrgencyReason> {
    alert
        .urgency
        .reasons
        .iter()
        .filter(|reason| wanted(reason.kind))
        .cloned()
        .collect()
}

fn reason(kind: UrgencyKind, number: u64, points: i64) -> UrgencyReason {
    UrgencyReason { kind, number, points }
}

fn level_points(level: RuleLevel) -> i64 {
    match level {
        RuleLevel::Informational => 0,
        RuleLevel::Low => 50,
        RuleLevel::Medium => 150,
        RuleLevel::High => 400,
        RuleLevel::Critical => 800,
    }
}

/// How often a number doubled from one.
fn doublings(number: u64) -> i64 {
    number.checked_ilog2().map_or(0, i64::from)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn tactics<'a>(tags: impl Iterator<Item = &'a CompactString>) -> u64 {
    let found: BTreeSet<usize> = tags.filter_map(|tag| attack::tactic(tag)).collect();
    found.len() as u64
}

/// The points of an alert at a moment, waiting included. Closed alerts do not wait.
#[must_use]
pub fn points_now(alert: &Alert, now: Timestamp) -> i64 {
    alert.urgency.points + waiting(alert, now).as_secs() / SECONDS_A_POINT
}

fn waiting(alert: &Alert, now: Timestamp) -> SignedDuration {
    let since = match &alert.state {
        AlertState::New => alert.opened_at,
        AlertState::Acknowledged { at, .. } => *at,
        AlertState::Closed { .. } => now,
    };
    now.duration_since(since).max(SignedDuration::ZERO)
}

/// Why an alert presses as it does, weightiest first, each reason with its points.
#[must_use]
pub fn explain(alert: &Alert, now: Timestamp, language: Language) -> Vec<String> {
    let mut lines: Vec<String> = alert
        .urgency
        .reasons
        .iter()
        .map(|reason| format!("{} ({:+})", words(reason, language), reason.points))
        .collect();
    let waited = waiting(alert, now);
    let points = waited.as_secs() / SECONDS_A_POINT;
    if points > 0 {
        let (days, hours) = (waited.as_hours() / 24, waited.as_hours() % 24);
        let span = match (language, days) {
            (Language::Vi, 0) => format!("Đã chờ {hours} giờ"),
            (Language::Vi, _) => format!("Đã chờ {days} ngày {hours} giờ"),
            (Language::En, 0) => format!("Waiting for {hours} h"),
            (Language::En, _) => format!("Waiting for {days} d {hours} h"),
        };
        lines.push(format!("{span} (+{points})"));
    }
    lines
}

fn words(reason: &UrgencyReason, language: Language) -> String {
    let n = reason.number;
    match (reason.kind, language) {
        (UrgencyKind::Level(level), Language::Vi) => format!("Luật ở mức {}", level_vi(level)),
        (UrgencyKind::Level(level), Language::En) => format!("The rule's level is {}", level.as_str()),
        (UrgencyKind::Detections, Language::Vi) => format!("Đã thấy {n} lần"),
        (UrgencyKind::Detections, Language::En) => format!("Seen {n} times"),
        (UrgencyKind::OtherRules, Language::Vi) => format!("{n} luật khác cũng báo về đối tượng này"),
        (UrgencyKind::OtherRules, Language::En) => format!("Other rules with open alerts about the same entity: {n}"),
        (UrgencyKind::Tactics, Language::Vi) => {
            format!("Các cảnh báo về đối tượng này trải trên {n} chiến thuật ATT&CK")
        }
        (UrgencyKind::Tactics, Language::En) => format!("Alerts about the entity span {n} ATT&CK tactics"),
        (UrgencyKind::OtherEntities, Language::Vi) => format!("Luật này cũng báo về {n} đối tượng khác"),
        (UrgencyKind::OtherEntities, Language::En) => format!("Other entities with open alerts of the same rule: {n}"),
        (UrgencyKind::CameBack, Language::Vi) => "Tái diễn sau khi đã xử lý như tấn công thật".to_owned(),
        (UrgencyKind::CameBack, Language::En) => "It came back after it was closed as a real attack".to_owned(),
        (UrgencyKind::Acknowledged, Language::Vi) => "Đã có người nhận".to_owned(),
        (UrgencyKind::Acknowledged, Language::En) => "Somebody has it".to_owned(),
    }
}

fn level_vi(level: RuleLevel) -> &'static str {
    match level {
        RuleLevel::Informational => "thông tin",
        RuleLevel::Low => "thấp",
        RuleLevel::Medium => "trung bình",
        RuleLevel::High => "cao",
        RuleLevel::Critical => "nghiêm trọng",
    }
}
