//! What is sent, and what comes back: a message to one address, a receipt, an error that says whether to try again, a later report.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;

use crate::secret::Secret;

/// What a message is known by, however often it is sent: the receiver's means to tell a repeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey(String);

impl MessageKey {
    /// Longest key in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Makes a key. What may not stand in a header or an address of mail becomes `-`; what is longer than [`Self::BYTES_MAX`] is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let plain = |sign: char| {
            if sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.') {
                sign
            } else {
                '-'
            }
        };
        Self(text.chars().map(plain).take(Self::BYTES_MAX).collect())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How soon somebody must look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Urgency {
    /// When there is time: a report, a reachability test.
    Low,
    /// Soon.
    #[default]
    Normal,
    /// Now: it may wake somebody.
    High,
}

impl Urgency {
    /// The word for it, as RFC 8030 (5.3) and templates have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, as the receiver sees it.
    pub name: String,
    /// Its media type, such as `application/pdf`.
    pub media_type: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// One message to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is known by.
    pub key: MessageKey,
    /// The address, in the form of the channel: a mail address, a telephone number, the name of a room, a push subscription as JSON.
    pub to: String,
    /// What it is about, in one line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same as HTML, for channels that show it.
    pub html: Option<String>,
    /// Where to read on and to acknowledge.
    pub link: Option<String>,
    /// How soon somebody must look.
    pub urgency: Urgency,
    /// What goes with it, for channels that carry files.
    pub attachments: Vec<Attachment>,
    /// More that templates may show, by name (`level`, `entity`, `alert` …).
    pub facts: BTreeMap<String, String>,
    /// The moment of this attempt.
    pub at: Timestamp,
}

impl Message {
    /// Most bytes of all attachments together.
    pub const ATTACHMENT_BYTES_MAX: usize = 20 << 20;
    /// Most bytes of the text that any channel sends; what is longer is cut and says so.
    pub const TEXT_BYTES_MAX: usize = 256 << 10;

    /// A message with text only.
    #[must_use]
    pub fn text(key: MessageKey, to: &str, text: &str, at: Timestamp) -> Self {
        Self {
            key,
            to: to.to_owned(),
            subject: String::new(),
            text: text.to_owned(),
            html: None,
            link: None,
            urgency: Urgency::Normal,
            attachments: Vec::new(),
            facts: BTreeMap::new(),
            at,
        }
    }

    /// The subject without anything that could end a header line.
    pub(crate) fn subject_line(&self) -> String {
        one_line(&self.subject)
    }

    /// The subject, the text and the link as one text, for channels that know no parts.
    pub(crate) fn as_one_text(&self) -> String {
        let parts = [Some(&self.subject), Some(&self.text), self.link.as_ref()];
        let mut whole = String::new();
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            if !whole.is_empty() {
                whole.push('\n');
            }
            whole.push_str(part);
        }
        whole
    }
}

/// Cuts a text at a number of bytes, between two characters, and shows that it was cut.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// A text as one line without control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect()
}

/// What the receiving side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Under which name it knows the message; later reports and its own records use it.
    pub reference: String,
    /// What else it said, and what had to be left out.
    pub note: String,
}

/// Why a message did not get out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// It may later.
    #[error("{reason}")]
    Retryable {
        /// What went wrong.
        reason: String,
        /// How long the other side wants to be left alone, where it said so.
        retry_after_seconds: Option<u64>,
    },
    /// It never will.
    #[error("{reason}")]
    Permanent {
        /// What went wrong.
        reason: String,
    },
}

impl DeliveryError {
    /// The same error without the secret in its words.
    pub(crate) fn blotted(mut self, secret: Option<&Secret>) -> Self {
        let (Self::Retryable { reason, .. } | Self::Permanent { reason }) = &mut self;
        if let Some(secret) = secret {
            *reason = secret.blot(reason);
        }
        self
    }

    pub(crate) fn retryable(reason: impl fmt::Display) -> Self {
        Self::Retryable {
            reason: shortened(&reason.to_string(), Self::REASON_BYTES_MAX),
            retry_after_seconds: None,
        }
    }

    pub(crate) fn later(reason: impl fmt::Display, retry_after_seconds: u64) -> Self {
        Self::Retryable {
            reason: shortened(&reason.to_string(), Self::REASON_BYTES_MAX),
            retry_after_seconds: Some(retry_after_seconds.min(Self::RETRY_AFTER_SECONDS_MAX)),
        }
    }

    pub(crate) fn permanent(reason: impl fmt::Display) -> Self {
        Self::Permanent {
            reason: shortened(&reason.to_string(), Self::REASON_BYTES_MAX),
        }
    }

    /// Longest kept reason in bytes.
    pub const REASON_BYTES_MAX: usize = 500;
    /// The longest pause that another side may ask for.
    pub const RETRY_AFTER_SECONDS_MAX: u64 = 3600;
}

/// What became of a message that was accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The message, when this process sent it.
    pub key: Option<MessageKey>,
    /// Under which name the other side knows it.
    pub reference: String,
    /// What became of it.
    pub reported: Reported,
}

/// The outcome of a message after it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// It is on the receiver's device.
    Delivered,
    /// It will not get there; the other side's word for why.
    Failed(String),
    /// It is no report: somebody wrote a short message back.
    Reply {
        /// Their number, as the SMSC has it.
        from: String,
        /// What they wrote, cut to [`Reported::REPLY_BYTES_MAX`].
        text: String,
    },
}

impl Reported {
    /// Longest kept reply in bytes.
    pub const REPLY_BYTES_MAX: usize = 500;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_stand_in_a_header() {
        assert_eq!(MessageKey::new("notice:7/é\r\nBcc: x").as_str(), "notice-7----Bcc--x");
        assert_eq!(MessageKey::new(&"a".repeat(500)).as_str().len(), MessageKey::BYTES_MAX);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("lừa đảo", 100), "lừa đảo");
        assert_eq!(shortened("ừừừừ", 8), "ừ…");
    }
}
