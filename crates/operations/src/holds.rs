//! Legal holds over events: placing one, releasing it.

use std::collections::BTreeSet;

use model::{Change, Decision, Entropy, EventHold, Id, Permission, Phrase, Rejected, Scope, SourceId, Timestamp};

/// A hold about to be placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// From when on the events happened.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
    /// Of these sources.
    pub sources: Option<BTreeSet<SourceId>>,
    /// Why.
    pub reason: String,
}

/// Places a hold.
///
/// # Errors
/// The role may not, the reason is missing, or the time ends before it begins.
pub fn place(scope: &Scope, draft: Draft, at: Timestamp, entropy: Entropy) -> Result<(EventHold, Decision), Rejected> {
    if !scope.allows(Permission::WriteSilences) {
        return Err(Rejected::NotAllowed);
    }
    let reason = draft.reason.trim().to_owned();
    if reason.is_empty() || reason.len() > EventHold::REASON_BYTES_MAX {
        let problem = Phrase::new("hãy ghi lý do, tối đa 1000 byte", "say why, in at most 1000 bytes");
        return Err(Rejected::Invalid {
            field: "reason",
            problem,
        });
    }
    if matches!((draft.from, draft.before), (Some(from), Some(before)) if from >= before) {
        let problem = Phrase::new("kết thúc trước khi bắt đầu", "it ends before it begins");
        return Err(Rejected::Invalid {
            field: "before",
            problem,
        });
    }
    let hold = EventHold {
        id: Id::born(at, entropy),
        from: draft.from,
        before: draft.before,
        sources: draft.sources,
        reason,
        by: scope.actor().clone(),
        since: at,
        released_at: None,
        revision: 1,
    };
    let decision = decision(scope, at, "lake.hold", &hold);
    Ok((hold, decision))
}

/// Releases a hold: what it covered may be dropped from then on.
///
/// # Errors
/// The role may not, or it was released before.
pub fn release(scope: &Scope, hold: &EventHold, at: Timestamp) -> Result<Decision, Rejected> {
    if !scope.allows(Permission::WriteSilences) {
        return Err(Rejected::NotAllowed);
    }
    if hold.released_at.is_some() {
        return Err(Rejected::AlreadySo);
    }
    let next = EventHold {
        released_at: Some(at),
        revision: hold.revision + 1,
        ..hold.clone()
    };
    Ok(decision(scope, at, "lake.release", &next))
}

fn decision(scope: &Scope, at: Timestamp, action: &str, hold: &EventHold) -> Decision {
    Decision {
        at,
        actor: scope.actor().clone(),
        action: action.to_owned(),
        reason: Some(hold.reason.clone()),
        changes: vec![Change::put(hold)],
        effects: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_needs_a_reason_and_a_time_and_is_released_once() {
        let scope = Scope::of_post("test");
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let draft = |reason: &str, from, before| Draft {
            reason: reason.to_owned(),
            from,
            before,
            sources: None,
        };
        for (draft, may) in [
            (draft("incident 7", None, None), true),
            (draft("incident 7", Some(early), Some(late)), true),
            (draft("incident 7", Some(late), Some(early)), false),
            (draft(" ", None, None), false),
            (draft(&"x".repeat(2000), None, None), false),
        ] {
            assert_eq!(
                place(&scope, draft.clone(), early, Entropy([1; 16])).is_ok(),
                may,
                "{draft:?}"
            );
        }
        let (hold, _) = place(&scope, draft("incident 7", None, None), early, Entropy([1; 16])).unwrap();
        assert!(release(&scope, &hold, late).is_ok());
        let released = EventHold {
            released_at: Some(late),
            ..hold
        };
        assert_eq!(release(&scope, &released, late), Err(Rejected::AlreadySo));
    }
}
