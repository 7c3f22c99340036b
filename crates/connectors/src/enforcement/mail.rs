//! Somebody outside is asked by mail: a provider to block, a registrar to take a name away. What comes of it the post cannot see.

use std::sync::Arc;

use model::ActionKind;
use serde::{Deserialize, Serialize};

use super::{Asking, Changed, Demand, Enforcer, Planned, Seen, Wanted, not_here};
use crate::channels::{Channel, DeliveryError, Message, MessageKey, Wrong};

/// A `[devices.NAME]` section of kind `mail`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailDeviceConfig {
    /// The channel by its name under `[channels]`.
    pub channel: String,
    /// Who is asked.
    pub to: String,
    /// What the subject begins with when what was asked for is no longer needed; without it nothing is sent then.
    pub lift_prefix: Option<String>,
}

/// Somebody who is asked by mail.
#[derive(Debug)]
pub struct MailDevice {
    channel: Arc<dyn Channel>,
    to: String,
    lift_prefix: Option<String>,
}

impl MailDevice {
    /// Opens the device on a channel; nothing is sent yet.
    ///
    /// # Errors
    /// When nobody is to be asked.
    pub fn open(config: &MailDeviceConfig, channel: Arc<dyn Channel>) -> Result<Self, Wrong> {
        if config.to.trim().is_empty() {
            return Err(Wrong::new("to", "is not set"));
        }
        Ok(Self {
            channel,
            to: config.to.clone(),
            lift_prefix: config.lift_prefix.clone(),
        })
    }

    async fn send(&self, demand: &Demand, prefix: Option<&str>) -> Result<Changed, DeliveryError> {
        let (subject, text) = letter(demand)?;
        let (what, subject) = match prefix {
            None => ("apply", subject.to_owned()),
            Some(prefix) => ("lift", format!("{prefix} {subject}")),
        };
        let key = MessageKey::new(&format!("{}-{what}", demand.key));
        let mut message = Message::text(key, &self.to, text, demand.at);
        message.subject = subject;
        let receipt = self.channel.send(&message).await?;
        Ok(Changed {
            note: format!("{} {}", receipt.reference, receipt.note).trim_end().to_owned(),
        })
    }

    fn planned(&self, demand: &Demand) -> Result<Planned, DeliveryError> {
        let (subject, text) = letter(demand)?;
        let mut lines = vec![format!("To: {}", self.to), format!("Subject: {subject}")];
        lines.extend(text.lines().map(str::to_owned));
        Ok(Planned {
            lines,
            undoable: self.lift_prefix.is_some(),
        })
    }
}

impl Enforcer for MailDevice {
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned> {
        Box::pin(async { self.planned(demand) })
    }

    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.send(demand, None))
    }

    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(async move {
            match &self.lift_prefix {
                Some(prefix) => self.send(demand, Some(prefix)).await,
                None => Err(DeliveryError::permanent("a letter cannot be taken back")),
            }
        })
    }

    fn verify<'a>(&'a self, _demand: &'a Demand, _wanted: Wanted) -> Asking<'a, Seen> {
        Box::pin(async {
            Ok(Seen {
                holds: None,
                text: "kết quả của thư không nhìn thấy được từ đây / what comes of a letter cannot be seen from here"
                    .to_owned(),
            })
        })
    }
}

fn letter(demand: &Demand) -> Result<(&str, &str), DeliveryError> {
    match &demand.kind {
        ActionKind::Ask { subject, text } => Ok((subject, text)),
        kind @ (ActionKind::BlockAddresses { .. } | ActionKind::BlockNames { .. } | ActionKind::Invoke { .. }) => {
            Err(not_here(kind))
        }
    }
}
