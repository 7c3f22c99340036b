//! The sections of the channels: `[channels.NAME]` for each product, `[web_push]` for browsers, and how they are opened.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Channel, Gateway, GatewayConfig, Smpp, SmppConfig, Smtp, SmtpConfig, VapidKey, WebPush, WebPushConfig};
use crate::SecretError;

/// What a channel brings, and so which addresses it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// Mail; the address is a mail address.
    Email,
    /// Short messages; the address is a telephone number.
    Sms,
    /// A chat system; the address is a room or a person there, or nothing where the channel knows it.
    Chat,
    /// A browser; the address is its push subscription.
    Push,
}

impl Carrier {
    /// The word for it in configuration and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Chat => "chat",
            Self::Push => "push",
        }
    }
}

/// How fast a channel may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Messages under way at once.
    pub at_once: u32,
    /// Messages begun in a second; 0 sets no bound.
    pub per_second: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            at_once: 4,
            per_second: 0,
        }
    }
}

impl Pace {
    /// Most messages under way at once on any channel.
    pub const AT_ONCE_MAX: u32 = 64;

    /// Messages under way at once, within bounds.
    #[must_use]
    pub fn at_once(self) -> u32 {
        self.at_once.clamp(1, Self::AT_ONCE_MAX)
    }
}

/// One `[channels.NAME]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ChannelConfig {
    /// E-mail.
    Smtp(SmtpConfig),
    /// Short messages through an SMSC.
    Smpp(SmppConfig),
    /// Anything over HTTP.
    Http(GatewayConfig),
}

/// The channels of a post by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelsConfig {
    /// The sections.
    pub channels: BTreeMap<String, ChannelConfig>,
}

/// What is wrong with one key of a section.
#[derive(Debug)]
pub struct Wrong {
    key: &'static str,
    reason: String,
}

impl Wrong {
    pub(crate) fn new(key: &'static str, reason: impl fmt::Display) -> Self {
        Self {
            key,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.reason)
    }
}

impl From<SecretError> for Wrong {
    fn from(error: SecretError) -> Self {
        Self::new("secret", error)
    }
}

/// A channel or device that cannot be opened as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("[{section}.{name}] {wrong}")]
pub struct ConfigError {
    /// The section.
    pub section: &'static str,
    /// Its name there.
    pub name: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// A channel, ready to be sent through.
#[derive(Debug, Clone)]
pub struct OpenedChannel {
    /// Its name in the configuration.
    pub name: String,
    /// What it brings.
    pub carries: Carrier,
    /// How fast it may be used.
    pub pace: Pace,
    /// Whether what people write back is heard.
    pub hears_replies: bool,
    /// The channel.
    pub channel: Arc<dyn Channel>,
}

impl ChannelsConfig {
    /// Longest name of a channel in bytes.
    pub const NAME_BYTES_MAX: usize = 40;
    /// The name of the channel to browsers, which is always there.
    pub const WEB_PUSH: &'static str = model::Delivery::TO_BROWSERS;

    /// Opens all channels; nothing is sent yet.
    ///
    /// # Errors
    /// The first channel that cannot be opened.
    pub fn open(&self) -> Result<Vec<OpenedChannel>, ConfigError> {
        let open = |(name, config): (&String, &ChannelConfig)| {
            open(name, config).map_err(|wrong| ConfigError {
                section: "channels",
                name: name.clone(),
                wrong,
            })
        };
        self.channels.iter().map(open).collect()
    }
}

impl WebPushConfig {
    /// Opens the channel to browsers, making its key in the data folder at the first start.
    ///
    /// # Errors
    /// When the key cannot be read or made, or the contact is wrong.
    pub fn open(&self, data: &Path) -> Result<(OpenedChannel, VapidKey), ConfigError> {
        let failed = |wrong| ConfigError {
            section: "channels",
            name: ChannelsConfig::WEB_PUSH.to_owned(),
            wrong,
        };
        let path = data.join("web-push.key");
        let key = VapidKey::read_or_make(&path)
            .map_err(|error| failed(Wrong::new("key", format!("{}: {error}", path.display()))))?;
        let channel = WebPush::open(self, key.clone()).map_err(failed)?;
        let opened = OpenedChannel {
            name: ChannelsConfig::WEB_PUSH.to_owned(),
            carries: Carrier::Push,
            pace: self.pace,
            hears_replies: false,
            channel: Arc::new(channel),
        };
        Ok((opened, key))
    }
}

fn open(name: &str, config: &ChannelConfig) -> Result<OpenedChannel, Wrong> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > ChannelsConfig::NAME_BYTES_MAX || !name.bytes().all(plain) {
        return Err(Wrong::new(
            "name",
            "has other signs than a-z, 0-9 and -, or more than 40",
        ));
    }
    if name == ChannelsConfig::WEB_PUSH {
        return Err(Wrong::new("name", "is that of the channel to browsers"));
    }
    let (carries, pace, channel): (Carrier, Pace, Arc<dyn Channel>) = match config {
        ChannelConfig::Smtp(config) => (Carrier::Email, config.pace, Arc::new(Smtp::open(config)?)),
        ChannelConfig::Smpp(config) => (Carrier::Sms, config.pace, Arc::new(Smpp::open(config)?)),
        ChannelConfig::Http(config) => (config.carries, config.pace, Arc::new(Gateway::open(config)?)),
    };
    Ok(OpenedChannel {
        name: name.to_owned(),
        carries,
        pace,
        hears_replies: matches!(config, ChannelConfig::Smpp(_)),
        channel,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_channel_and_key() {
        for (text, expected) in [
            (
                "[mail]\nkind = \"smtp\"\nserver = \"mail.example.vn\"\n",
                "[channels.mail] from: \"\" is no address: Invalid input",
            ),
            ("[sms]\nkind = \"smpp\"\n", "[channels.sms] server: is not set"),
            (
                "[web-push]\nkind = \"smpp\"\n",
                "[channels.web-push] name: is that of the channel to browsers",
            ),
            (
                "[chat]\nkind = \"http\"\npreset = \"slak\"\n",
                "[channels.chat] preset: \"slak\" is not one of mattermost, ntfy, slack, teams, telegram, zalo-oa",
            ),
        ] {
            let config: ChannelsConfig = toml::from_str(text).unwrap();
            assert_eq!(config.open().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_unknown_key_and_an_unknown_kind_are_errors() {
        for (text, expected) in [
            ("[mail]\nkind = \"smtp\"\nservr = \"x\"\n", "unknown field `servr`"),
            ("[mail]\nkind = \"fax\"\n", "unknown variant `fax`"),
        ] {
            let error = toml::from_str::<ChannelsConfig>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
