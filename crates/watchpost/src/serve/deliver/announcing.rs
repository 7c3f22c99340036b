//! Announcements of alerts: where they go, and what they say.

use anyhow::{Result, anyhow};
use connectors::channels::{
    Carrier, ChannelConfig, ChannelsConfig, GatewayConfig, Message, MessageKey, OpenedChannel, Urgency,
};
use ledger::{Claimed, Ledger, Outcome};
use model::{Alert, Id, Language, RuleLevel, Scope};

use super::lane::Way;
use crate::{clock, configuration::AnnounceSection};

/// What `[announce] webhook` is sent.
const WEBHOOK_BODY: &str = r#"{"delivery":"{{key}}","alert":"{{alert}}","title":"{{title}}","level":"{{level}}","entity":{"kind":"{{entity_kind}}","name":"{{entity}}"},"summary":"{{summary}}","first_seen":"{{first_seen}}","exercise":{{exercise}}}"#;

/// Where announcements go.
pub(super) fn way(section: &AnnounceSection, language: Language, channels: &[OpenedChannel]) -> Result<Way> {
    if let Some(name) = &section.channel {
        let channel = channels
            .iter()
            .find(|channel| &channel.name == name)
            .ok_or_else(|| anyhow!("[announce] channel: no channel is configured with the name {name:?}"))?;
        return Ok(Way::Place {
            channel: channel.clone(),
            to: section.to.clone(),
            language,
        });
    }
    let Some(url) = &section.webhook else {
        return Ok(Way::Nobody);
    };
    let webhook = ChannelConfig::Http(GatewayConfig {
        carries: Carrier::Chat,
        url: Some(url.clone()),
        body: Some(WEBHOOK_BODY.to_owned()),
        ..GatewayConfig::default()
    });
    let alone = ChannelsConfig {
        channels: [("announce-webhook".to_owned(), webhook)].into(),
    };
    let channel = alone
        .open()?
        .pop()
        .ok_or_else(|| anyhow!("the webhook was not opened"))?;
    Ok(Way::Place {
        channel,
        to: section.to.clone(),
        language,
    })
}

/// The message about an alert, or what becomes of the effect without one.
pub(super) async fn compose(
    ledger: &Ledger,
    claim: &Claimed,
    alert: Id<Alert>,
    (to, language): (&str, Language),
) -> Result<Message, Outcome> {
    let found = ledger
        .off_thread(move |ledger| ledger.alert(&Scope::of_post("outbox"), alert))
        .await;
    match found {
        Ok(Some(alert)) => Ok(announcement(&alert, claim, (to, language))),
        Ok(None) => Err(Outcome::Permanent("the alert is not in the ledger".to_owned())),
        Err(error) => Err(Outcome::Retryable {
            reason: error.to_string(),
            retry_after_seconds: None,
        }),
    }
}

fn announcement(alert: &Alert, claim: &Claimed, (to, language): (&str, Language)) -> Message {
    let level = alert.rule.level.as_str();
    let drill = if alert.key.exercise {
        "[DIỄN TẬP / EXERCISE] "
    } else {
        ""
    };
    let text = format!("{}\n{}", alert.key.entity.name, alert.summary);
    let mut message = Message::text(MessageKey::new(&claim.key), to, &text, clock::now());
    message.subject = format!("{drill}[{level}] {}", alert.rule.title_in(language));
    message.urgency = match alert.rule.level {
        RuleLevel::Critical | RuleLevel::High if !alert.key.exercise => Urgency::High,
        RuleLevel::Critical | RuleLevel::High | RuleLevel::Medium => Urgency::Normal,
        RuleLevel::Low | RuleLevel::Informational => Urgency::Low,
    };
    let kind = serde_json::to_value(alert.key.entity.kind).unwrap_or_default();
    let facts = [
        ("alert", alert.id.to_string()),
        ("title", alert.rule.title_in(language).to_owned()),
        ("level", level.to_owned()),
        ("entity", alert.key.entity.name.to_string()),
        ("entity_kind", kind.as_str().unwrap_or_default().to_owned()),
        ("summary", alert.summary.clone()),
        ("first_seen", alert.first_seen.to_string()),
        ("exercise", alert.key.exercise.to_string()),
    ];
    message.facts = facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    message
}
