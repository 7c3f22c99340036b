//! What comes back from channels: reports after the receipt, and what is given up, as decisions in the duty book.

use connectors::channels::{Report, Reported};
use ledger::{GivenUp, Ledger};
use model::{Actor, Decision, Effect, Scope, Timestamp};
use operations::notifications::AnswerKey;
use tokio::sync::mpsc;

use crate::{clock, serve::paging};

/// Given-up messages that one entry of the duty book names; the others are counted.
const NAMED_MAX: usize = 10;

/// Follows the reports of a channel until it is closed.
pub(super) async fn follow(ledger: Ledger, channel: String, key: AnswerKey, mut reports: mpsc::Receiver<Report>) {
    while let Some(report) = reports.recv().await {
        let (name, key) = (channel.clone(), key.clone());
        let noted = ledger
            .off_thread(move |ledger| note(ledger, &name, &key, &report))
            .await;
        if let Err(error) = noted {
            tracing::warn!(channel, "a report was not noted: {error:#}");
        }
    }
}

fn note(ledger: &Ledger, channel: &str, answers: &AnswerKey, report: &Report) -> anyhow::Result<()> {
    let Report {
        key,
        reference,
        reported,
    } = report;
    if let Reported::Reply { from, text } = reported {
        let taken = paging::take_reply(ledger, answers, (channel, from, text), clock::now())?;
        tracing::info!(channel, acknowledged = taken.is_some(), "a reply");
        return Ok(());
    }
    let place = key.as_ref().and_then(|key| place(key.as_str()));
    let Some((entry, position)) = place else {
        // Sent by an earlier run, or not by the post: its receipt stands as it is.
        tracing::info!(
            channel,
            reference,
            ?reported,
            "a report about a message that this run did not send"
        );
        return Ok(());
    };
    let now = clock::now();
    match reported {
        Reported::Delivered => ledger.settle_late((entry, position), Ok(&format!("{reference} delivered")), now)?,
        Reported::Reply { .. } => {}
        Reported::Failed(reason) => {
            let said = format!("{channel}: message {entry}/{position} was accepted and not delivered: {reason}");
            if let Some(effect) = ledger.effect(&Scope::of_post("outbox"), entry, position)? {
                paging::note_late_failure(ledger, &effect, reason, now)?;
            }
            let failed = (&*format!("{reference} {reason}"), &statement(said, now));
            ledger.settle_late((entry, position), Err(failed), now)?;
        }
    }
    Ok(())
}

/// Entry and position in the key of an effect.
fn place(key: &str) -> Option<(u64, u64)> {
    let mut parts = key.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The entry about what is given up at once on one lane, when there is any.
pub(super) fn given_up(lane: &str, given_up: &[GivenUp<'_>], now: Timestamp) -> Option<Decision> {
    if given_up.is_empty() {
        return None;
    }
    let named: Vec<String> = given_up
        .iter()
        .take(NAMED_MAX)
        .map(|GivenUp { claim, reason }| {
            format!("{}/{}{}: {reason}", claim.entry, claim.position, address(&claim.effect))
        })
        .collect();
    let count = given_up.len();
    let rest = count.saturating_sub(NAMED_MAX);
    let more = if rest > 0 {
        format!("; and {rest} more")
    } else {
        String::new()
    };
    Some(statement(
        format!("{lane}: {count} given up: {}{more}", named.join("; ")),
        now,
    ))
}

fn address(effect: &Effect) -> String {
    match effect {
        Effect::AnnounceAlert { .. } => String::new(),
        Effect::Enforce { action, .. } => format!(" for action {action}"),
        Effect::Deliver { delivery } => format!(" to {}", delivery.to.chars().take(60).collect::<String>()),
    }
}

fn statement(reason: String, now: Timestamp) -> Decision {
    Decision {
        at: now,
        actor: Actor::Post { part: "outbox".into() },
        action: "delivery.give_up".to_owned(),
        reason: Some(reason),
        changes: Vec::new(),
        effects: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use ledger::Claimed;

    use super::*;

    #[test]
    fn a_key_leads_back_to_its_place() {
        assert_eq!(place("12-3-0af9"), Some((12, 3)));
        assert_eq!(place("test-1"), None);
    }

    #[test]
    fn what_is_given_up_is_named_up_to_a_bound() {
        let claims: Vec<Claimed> = (0..12)
            .map(|position| Claimed {
                entry: 7,
                position,
                effect: Effect::Deliver {
                    delivery: Box::new(model::Delivery {
                        channel: "sms".into(),
                        to: "0912345678".into(),
                        subject: String::new(),
                        text: String::new(),
                        link: None,
                        urgent: false,
                        about: None,
                    }),
                },
                attempt: 1,
                key: String::new(),
            })
            .collect();
        let reason = "no such number";
        let all: Vec<_> = claims.iter().map(|claim| GivenUp { claim, reason }).collect();
        let said = given_up("sms", &all, Timestamp::UNIX_EPOCH).unwrap().reason.unwrap();
        assert!(
            said.starts_with("sms: 12 given up: 7/0 to 0912345678: no such number; 7/1"),
            "{said}"
        );
        assert!(said.ends_with("; and 2 more"), "{said}");
        assert_eq!(given_up("sms", &[], Timestamp::UNIX_EPOCH), None);
    }
}
