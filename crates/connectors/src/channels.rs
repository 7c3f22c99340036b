//! Channels: how people are told, one file per product behind one trait. A message may be sent again with the same key; the receiver can
//! tell the repeat, or does not get it at all.

mod config;
mod gateway;
mod message;
mod smpp;
mod smtp;
mod template;
mod web_push;

use std::{fmt, future::Future, pin::Pin};

use tokio::sync::mpsc;

pub use config::{Carrier, ChannelConfig, ChannelsConfig, ConfigError, OpenedChannel, Pace, Wrong};
pub use gateway::{Gateway, GatewayConfig, Presets};
pub use message::{Attachment, DeliveryError, Message, MessageKey, Receipt, Report, Reported, Urgency};
pub(crate) use message::{one_line, shortened};
pub use smpp::{Smpp, SmppConfig, submission::Alphabet};
pub use smtp::{Security, Smtp, SmtpConfig};
pub use template::{Format, Template, TemplateError};
pub use web_push::{Subscription, WebPush, WebPushConfig, vapid::VapidKey};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use smpp::receipts as smpp_receipts;

/// A message under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, DeliveryError>> + Send + 'a>>;

/// A way to reach people.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Hands one message to the product, once. Answers within the time that the channel's configuration sets, is safe to repeat with
    /// the same key, and safe to drop: then it counts as not answered.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;

    /// What becomes of messages after they were accepted, where the product tells it. The first caller gets it.
    fn reports(&self) -> Option<mpsc::Receiver<Report>> {
        None
    }
}
