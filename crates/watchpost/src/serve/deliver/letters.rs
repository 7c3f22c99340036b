//! What a message carries back to the post: the full address of its link, and for pages a sealed link and a code for replies. The
//! ledger holds neither; they are made when the message leaves.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use anyhow::{Context, Result, anyhow};
use connectors::channels::{Carrier, Message, MessageKey, OpenedChannel, Urgency};
use ledger::Claimed;
use model::Delivery;
use operations::notifications::{AnswerKey, Answerable};

use crate::{clock, configuration::Configuration};

/// Makes messages out of deliveries; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    key: AnswerKey,
    /// Without a slash at its end.
    address: Arc<str>,
}

impl Letters {
    /// Reads the key for answers, or makes it at the first start.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(super) fn open(configuration: &Configuration) -> Result<Self> {
        Ok(Self {
            key: read_or_make(&configuration.data.join("answers.key"))?,
            address: configuration.console.address().trim_end_matches('/').into(),
        })
    }

    /// The key for answers.
    pub(super) fn key(&self) -> &AnswerKey {
        &self.key
    }

    /// Where people reach the console.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The message of a delivery, through a channel.
    pub(super) fn write(&self, claim: &Claimed, delivery: &Delivery, channel: &OpenedChannel) -> Message {
        let mut message = Message::text(MessageKey::new(&claim.key), &delivery.to, &delivery.text, clock::now());
        message.subject.clone_from(&delivery.subject);
        message.urgency = if delivery.urgent {
            Urgency::High
        } else {
            Urgency::Normal
        };
        let answerable = delivery.about.as_deref().and_then(Answerable::of_about);
        message.link = match (answerable, &delivery.link) {
            (Some(answerable), _) => Some(format!("{}/a/{}", self.address, self.key.token(answerable))),
            (None, Some(link)) if link.starts_with('/') => Some(format!("{}{link}", self.address)),
            (None, link) => link.clone(),
        };
        if let Some(page @ Answerable::Page { .. }) = answerable
            && channel.hears_replies
            && channel.carries == Carrier::Sms
        {
            let code = self.key.code(page);
            message.text = format!("{}\nTrả lời {code} để nhận / Reply {code}", message.text);
        }
        message
    }
}

fn read_or_make(path: &Path) -> Result<AnswerKey> {
    match fs::read(path) {
        Ok(bytes) => {
            let bytes = bytes
                .try_into()
                .map_err(|_| anyhow!("{} is not 32 bytes long", path.display()))?;
            Ok(AnswerKey::new(bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).context("the operating system gave no random bytes")?;
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("{} cannot be made", path.display()))?;
            file.write_all(&bytes).and_then(|()| file.sync_all())?;
            Ok(AnswerKey::new(bytes))
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.key");
        let page = Answerable::Page {
            notification: model::Id::from_bits(7),
            page: 1,
        };
        let made = read_or_make(&path).unwrap().token(page);
        assert_eq!(read_or_make(&path).unwrap().token(page), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(read_or_make(&path).is_err());
    }
}
