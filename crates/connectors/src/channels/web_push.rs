//! Web Push to browsers on desktops and telephones (RFC 8030): encrypted for the browser, signed with the post's key, the key of the message
//! as its topic, so that a repeat replaces what was not shown yet.

pub(crate) mod encryption;
pub(crate) mod vapid;

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use p256::PublicKey;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::http::{Method, Uri};

use self::{
    encryption::{AUTH_BYTES, Receiver, SALT_BYTES, TEXT_BYTES_MAX},
    vapid::{VapidKey, random_key},
};
use super::{Channel, DeliveryError, Message, Pace, Receipt, Sending, Wrong, message::shortened};
use crate::outbound::{Bounds, Outbound, Request};

/// Longest subscription as browsers give it, in bytes.
const SUBSCRIPTION_BYTES_MAX: usize = 4096;
/// How much of a text is pushed; the page behind it has the rest.
const SHOWN_BYTES_MAX: usize = 2000;

/// The `[web_push]` section of the channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebPushConfig {
    /// Whom a push service may write to about this post, `"mailto:…"` or `"https://…"`.
    pub contact: String,
    /// How long a push service keeps a message for a device that is off.
    pub keep_seconds: u64,
    /// How long one attempt may take.
    pub timeout_seconds: u64,
    /// Whether push services may be in private networks, and without TLS. Subscriptions come from browsers: leave it off.
    pub private_addresses: bool,
    /// How many messages at once, and how many a second.
    pub pace: Pace,
}

impl Default for WebPushConfig {
    fn default() -> Self {
        Self {
            contact: "mailto:watchpost@localhost".to_owned(),
            keep_seconds: 3600,
            timeout_seconds: 20,
            private_addresses: false,
            pace: Pace::default(),
        }
    }
}

/// What a browser gives when a person subscribes (`PushSubscription.toJSON()`), checked.
#[derive(Debug, Clone)]
pub struct Subscription {
    endpoint: String,
    audience: String,
    receiver: Receiver,
}

#[derive(Deserialize)]
struct Written {
    endpoint: String,
    keys: WrittenKeys,
}

#[derive(Deserialize)]
struct WrittenKeys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// Reads a subscription.
    ///
    /// # Errors
    /// The reason, when it is none, or its endpoint is not https.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > SUBSCRIPTION_BYTES_MAX {
            return Err(format!("longer than {SUBSCRIPTION_BYTES_MAX} bytes"));
        }
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let uri: Uri = written.endpoint.parse().map_err(|_| "the endpoint is no address")?;
        let (Some(scheme @ ("https" | "http")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("the endpoint is no address on the web".to_owned());
        };
        let decode = |text: &str| BASE64.decode(text.trim_end_matches('='));
        let public = decode(&written.keys.p256dh).map_err(|_| "the key is not base64url")?;
        let auth = decode(&written.keys.auth).map_err(|_| "the secret is not base64url")?;
        Ok(Self {
            audience: format!("{scheme}://{authority}"),
            receiver: Receiver {
                public: PublicKey::from_sec1_bytes(&public).map_err(|_| "the key is no key on P-256")?,
                auth: <[u8; AUTH_BYTES]>::try_from(auth).map_err(|_| "the secret has not 16 bytes")?,
            },
            endpoint: written.endpoint,
        })
    }

    /// Whether it may be used without private addresses allowed.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.endpoint.starts_with("https://")
    }
}

/// The push services of all browsers.
#[derive(Debug)]
pub struct WebPush {
    client: Outbound,
    key: VapidKey,
    config: WebPushConfig,
}

impl WebPush {
    /// Opens the channel with the post's key.
    ///
    /// # Errors
    /// When the contact is not one.
    pub fn open(config: &WebPushConfig, key: VapidKey) -> Result<Self, Wrong> {
        if !config.contact.starts_with("mailto:") && !config.contact.starts_with("https://") {
            return Err(Wrong::new("contact", "does not begin with mailto: or https://"));
        }
        let client = Outbound::new(&Bounds {
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 120)),
            private_addresses: config.private_addresses,
            authorities: None,
        })
        .map_err(|error| Wrong::new("authorities", error))?;
        Ok(Self {
            client,
            key,
            config: config.clone(),
        })
    }

    fn request(&self, message: &Message) -> Result<Request, DeliveryError> {
        let subscription = Subscription::parse(&message.to)
            .map_err(|reason| DeliveryError::permanent(format!("this is no push subscription: {reason}")))?;
        if !subscription.is_protected() && !self.config.private_addresses {
            return Err(DeliveryError::permanent("the push service is not reached over https"));
        }
        let text = notice(message);
        let sender = random_key().map_err(DeliveryError::retryable)?;
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| DeliveryError::retryable("the system gives no random numbers"))?;
        let body = encryption::encrypt(text.as_bytes(), &subscription.receiver, &sender, salt)
            .map_err(DeliveryError::permanent)?;
        let authorization = self
            .key
            .authorization(&subscription.audience, &self.config.contact, message.at);
        let header = |name: &str, value: String| (name.to_owned(), value);
        Ok(Request {
            method: Method::POST,
            url: subscription.endpoint,
            headers: vec![
                header("ttl", self.config.keep_seconds.to_string()),
                header("urgency", message.urgency.as_str().to_owned()),
                header("topic", topic(message)),
                header("content-encoding", "aes128gcm".to_owned()),
                header("content-type", "application/octet-stream".to_owned()),
                header("authorization", authorization),
            ],
            body,
            at: message.at,
        })
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, DeliveryError> {
        let answer = self.client.ask(self.request(message)?).await?;
        if matches!(answer.status, 404 | 410) {
            return Err(DeliveryError::permanent(format!(
                "HTTP {}: the browser is no longer subscribed",
                answer.status
            )));
        }
        let answer = answer.accepted()?;
        Ok(Receipt {
            reference: answer.location.unwrap_or_else(|| message.key.to_string()),
            note: format!("HTTP {}", answer.status),
        })
    }
}

impl Channel for WebPush {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

/// A name of at most 32 letters that is the same whenever the message is sent again (RFC 8030, 5.4).
fn topic(message: &Message) -> String {
    BASE64.encode(&digest(&SHA256, message.key.as_str().as_bytes()).as_ref()[..24])
}

/// What the service worker of the console shows.
fn notice(message: &Message) -> String {
    let limits = [SHOWN_BYTES_MAX, SHOWN_BYTES_MAX / 4, 100];
    let texts = limits.iter().map(|limit| {
        json!({
            "title": shortened(&message.subject_line(), *limit / 4),
            "body": shortened(&message.text, *limit),
            "link": message.link.as_deref().filter(|link| link.len() < 1000),
            "tag": message.key.as_str(),
            "urgency": message.urgency.as_str(),
        })
        .to_string()
    });
    let mut shortest = String::new();
    for text in texts {
        shortest = text;
        if shortest.len() <= TEXT_BYTES_MAX {
            break;
        }
    }
    shortest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::channels::MessageKey;

    const KEYS: &str = r#""keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}"#;

    #[test]
    fn subscriptions_are_checked_at_the_door() {
        for (text, expected) in [
            (
                format!(r#"{{"endpoint":"https://push.example.net/a","expirationTime":null,{KEYS}}}"#),
                Ok("https://push.example.net"),
            ),
            (
                format!(r#"{{"endpoint":"ftp://files/a",{KEYS}}}"#),
                Err("the endpoint is no address on the web"),
            ),
            (
                KEYS.replace("BTB", "!")
                    .replace("\"keys\":", r#"{"endpoint":"https://a/","keys":"#)
                    + "}",
                Err("the secret is not base64url"),
            ),
            (" ".repeat(5000), Err("longer than 4096 bytes")),
        ] {
            let read = Subscription::parse(&text);
            assert_eq!(
                read.as_ref().map(|read| read.audience.as_str()).map_err(String::as_str),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_topic_fits_its_header() {
        let message = Message::text(MessageKey::new("notice-7"), "", "", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(topic(&message).len(), 32);
    }

    proptest! {
        #[test]
        fn any_text_is_a_subscription_or_an_error(text in any::<String>()) {
            let _ = Subscription::parse(&text);
        }

        #[test]
        fn a_notice_always_fits(text in proptest::collection::vec(any::<char>(), 0..3000)) {
            let mut message = Message::text(MessageKey::new("k"), "", &text.iter().collect::<String>(), jiff::Timestamp::UNIX_EPOCH);
            message.subject.clone_from(&message.text);
            prop_assert!(notice(&message).len() <= TEXT_BYTES_MAX);
        }
    }
}
