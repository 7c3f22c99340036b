//! Carries out what decisions ask of the outside: announces alerts to the configured webhook, from the outbox, until it is received.

use std::time::Duration;

use anyhow::{Context, Result};
use ledger::{Claimed, Ledger, Outcome};
use model::{Effect, Scope};
use serde_json::json;

use crate::clock;

/// Effects taken from the outbox at once; they are carried out one after the other.
const CLAIMED_MAX: usize = 20;
/// How long one attempt may take.
const ATTEMPT_SECONDS_MAX: u64 = 20;
/// Longer than all attempts on what is claimed at once may take together, so that no effect is under way twice.
const LEASE_SECONDS: u64 = (CLAIMED_MAX as u64 + 1) * ATTEMPT_SECONDS_MAX;
const PAUSE: Duration = Duration::from_secs(2);

/// Carries out effects until the post ends. Without a webhook there is nobody to tell, which is the receipt.
pub(super) async fn carry_out(ledger: Ledger, webhook: Option<String>) {
    let webhook = webhook.map(Webhook::new);
    loop {
        let webhook = webhook.clone();
        let carried = ledger
            .off_thread(move |ledger| carry_out_due(ledger, webhook.as_ref()))
            .await;
        match carried {
            Ok(count) if count == CLAIMED_MAX => continue,
            Ok(_) => {}
            Err(error) => tracing::error!("the outbox was not carried out: {error:#}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Where alerts are announced, and the connections kept to it.
#[derive(Clone)]
struct Webhook {
    url: String,
    agent: ureq::Agent,
}

impl Webhook {
    fn new(url: String) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(ATTEMPT_SECONDS_MAX)));
        Self {
            url,
            agent: config.build().into(),
        }
    }
}

fn carry_out_due(ledger: &Ledger, webhook: Option<&Webhook>) -> Result<usize> {
    let scope = Scope::of_post("outbox");
    let due = ledger.next_due(&scope)?;
    if due.is_none_or(|due| due > clock::now()) {
        return Ok(0);
    }
    let claimed = ledger
        .claim(clock::now(), LEASE_SECONDS, CLAIMED_MAX)
        .context("claiming effects")?;
    for claim in &claimed {
        let outcome = match webhook {
            Some(webhook) => announce(ledger, &scope, claim, webhook),
            None => Outcome::Delivered("no webhook is configured".to_owned()),
        };
        ledger
            .settle(claim, &outcome, clock::now())
            .context("noting how an effect went")?;
    }
    Ok(claimed.len())
}

fn announce(ledger: &Ledger, scope: &Scope, claim: &Claimed, webhook: &Webhook) -> Outcome {
    let Effect::AnnounceAlert { alert } = claim.effect;
    let alert = match ledger.alert(scope, alert) {
        Ok(Some(alert)) => alert,
        Ok(None) => return Outcome::Permanent("the alert is not in the ledger".to_owned()),
        Err(error) => return Outcome::Retryable(error.to_string()),
    };
    let body = json!({
        "delivery": format!("{}-{}", claim.entry, claim.position),
        "alert": alert.id.to_string(),
        "title": alert.rule.title,
        "level": alert.rule.level.as_str(),
        "entity": alert.key.entity,
        "summary": alert.summary,
        "first_seen": alert.first_seen.to_string(),
        "exercise": alert.key.exercise,
    });
    match webhook
        .agent
        .post(&webhook.url)
        .header("content-type", "application/json")
        .send(body.to_string())
    {
        Ok(answer) => Outcome::Delivered(format!("HTTP {}", answer.status().as_u16())),
        Err(ureq::Error::StatusCode(status)) if (400..500).contains(&status) && status != 429 => {
            Outcome::Permanent(format!("HTTP {status}"))
        }
        Err(error) => Outcome::Retryable(error.to_string()),
    }
}
