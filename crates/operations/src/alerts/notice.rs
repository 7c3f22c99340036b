//! What the post notices about itself: it becomes an alert, and the post closes it when it is over.

use model::{
    Actor, Alert, AlertContext, AlertKey, AlertOrigin, AlertState, Change, Disposition, Effect, Entropy, Id, Notice,
    RuleIdentity, Silence, Timestamp, Urgency,
};

use super::{Triaged, urgency};

/// The key of a notice's alert.
#[must_use]
pub fn notice_key(notice: &Notice) -> AlertKey {
    AlertKey {
        rule: notice.rule.into(),
        entity: notice.entity.clone(),
        exercise: false,
    }
}

/// Opens an alert for a notice, or feeds the one that is open. `hidden_by` is the silence that covers it.
#[must_use]
pub fn notice(
    notice: &Notice,
    context: &AlertContext,
    hidden_by: Option<Id<Silence>>,
    now: Timestamp,
    entropy: Entropy,
) -> Triaged {
    let mut alert = match &context.open {
        Some(open) => Alert {
            revision: open.revision + 1,
            ..open.clone()
        },
        None => open(notice, context, now, entropy),
    };
    let was_shown = alert.detections > 0;
    if hidden_by.is_some() {
        alert.hidden += 1;
    } else {
        alert.detections += 1;
        if !was_shown {
            alert.opened_at = now;
        }
    }
    alert.last_seen = alert.last_seen.max(now);
    alert.summary.clone_from(&notice.summary);
    urgency::judge(&mut alert, Some(&context.around));
    let mut triaged = Triaged {
        hidden: hidden_by.map(|silence| (silence, 1, now)).into_iter().collect(),
        ..Triaged::default()
    };
    if alert.detections > 0 && !was_shown {
        triaged.effects.push(Effect::AnnounceAlert { alert: alert.id });
    }
    triaged.changes.push(Change::PutAlert { alert: Box::new(alert) });
    triaged
}

fn open(notice: &Notice, context: &AlertContext, now: Timestamp, entropy: Entropy) -> Alert {
    Alert {
        id: Id::born(now, entropy),
        key: notice_key(notice),
        origin: AlertOrigin::Post,
        rule: RuleIdentity {
            id: notice.rule.into(),
            title: notice.title.en.to_owned(),
            title_vi: notice.title.vi.to_owned(),
            level: notice.level,
            tags: Vec::new(),
        },
        state: AlertState::New,
        assignee: None,
        detections: 0,
        hidden: 0,
        detail_cut: 0,
        urgency: Urgency::default(),
        first_seen: notice.since,
        last_seen: now,
        opened_at: now,
        last_event: 0,
        source: notice.source.clone(),
        host: None,
        summary: notice.summary.clone(),
        previous: context.closed.as_ref().map(|closed| closed.id),
        revision: 1,
    }
}

/// Closes an alert of the post because what it noticed is over; none when it is closed already.
#[must_use]
pub fn settle(alert: &Alert, reason: &str, actor: &Actor, now: Timestamp) -> Option<Change> {
    if !alert.state.is_open() {
        return None;
    }
    let mut settled = alert.clone();
    settled.state = AlertState::Closed {
        at: now,
        by: actor.clone(),
        disposition: Disposition::Resolved,
        reason: reason.to_owned(),
        late: 0,
    };
    settled.revision += 1;
    urgency::judge(&mut settled, None);
    Some(Change::PutAlert {
        alert: Box::new(settled),
    })
}
