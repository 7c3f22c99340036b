//! A delivery: one message to one address through one channel, as a decision asks for it.

use serde::{Deserialize, Serialize};

/// One message to one address through one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel by its name in the configuration; the post's own channel to browsers is `web-push`.
    pub channel: String,
    /// The address, in the form of the channel: a mail address, a telephone number, a room, a push subscription as JSON.
    pub to: String,
    /// What it is about, in one line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// Where to read on, and to acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether it may wake somebody.
    #[serde(default)]
    pub urgent: bool,
    /// What asked for it, as `noun:id`, for whoever follows the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Delivery {
    /// The post's own channel to browsers.
    pub const TO_BROWSERS: &'static str = "web-push";
}
