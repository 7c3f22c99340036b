//! What every channel promises: a repeat can be told, trouble that passes is retryable, a refusal is permanent, a wish to slow down is
//! passed on, nothing grows without bound, secrets stay secret.

use std::{collections::BTreeSet, time::Duration};

use connectors::{
    SecretReference,
    channels::{
        Channel, DeliveryError, Gateway, GatewayConfig, Message, MessageKey, Security, Smpp, SmppConfig, Smtp,
        SmtpConfig, VapidKey, WebPush, WebPushConfig,
    },
};
use tempfile::TempDir;

use crate::peers::{Behaviour, Peer, http, smpp, smtp};

const SECRET: &str = "hunter2!";
const TEXT: &str = "Cảnh báo: máy chủ «web-01» bị dò mật khẩu từ 192.0.2.9. Bấm để nhận trách nhiệm.";

/// A channel, its peer, and what the two can tell.
struct Case<'a> {
    channel: &'a dyn Channel,
    peer: &'a Peer,
    to: &'a str,
    /// Whether the peer can read the text.
    readable: bool,
    /// Whether the protocol has a way to say how long to wait.
    says_pause: bool,
    /// Longest text that may arrive, in bytes.
    text_bytes_max: usize,
}

impl Case<'_> {
    fn message(&self, key: &str, text: &str) -> Message {
        let at = "2024-04-30T02:10:00+07:00".parse().unwrap();
        Message::text(MessageKey::new(key), self.to, text, at)
    }

    async fn refused(&self, behaviour: Behaviour) -> DeliveryError {
        self.peer.behave(behaviour);
        let message = self.message(&format!("{behaviour:?}"), TEXT);
        let sent = tokio::time::timeout(Duration::from_secs(10), self.channel.send(&message)).await;
        let error = sent.expect("an attempt ends in time").unwrap_err();
        assert!(!error.to_string().contains(SECRET), "{error}");
        self.peer.behave(Behaviour::Accept);
        error
    }

    async fn holds(&self) {
        self.repeats_are_told().await;
        for behaviour in [Behaviour::Hang, Behaviour::Drop, Behaviour::Busy] {
            let error = self.refused(behaviour).await;
            assert!(
                matches!(error, DeliveryError::Retryable { .. }),
                "{behaviour:?}: {error:?}"
            );
        }
        let error = self.refused(Behaviour::Refuse).await;
        assert!(matches!(error, DeliveryError::Permanent { .. }), "{error:?}");
        self.channel
            .send(&self.message("after", TEXT))
            .await
            .expect("the channel recovers by itself");
        self.is_bounded().await;
        self.slows_down().await;
        assert!(!format!("{:?}", self.channel).contains(SECRET));
    }

    async fn repeats_are_told(&self) {
        let message = self.message("notice-1", TEXT);
        let first = self.channel.send(&message).await.unwrap();
        let again = self.channel.send(&message).await.unwrap();
        assert!(!first.reference.is_empty());
        assert_eq!(first.reference, again.reference);
        let seen = self.peer.seen();
        let ids: BTreeSet<&str> = seen.iter().map(|seen| seen.id.as_str()).collect();
        assert_eq!(ids.len(), 1, "one key is one message: {seen:?}");
        if self.readable {
            assert_eq!(seen[0].text.as_deref(), Some(TEXT));
        }
    }

    async fn is_bounded(&self) {
        let huge = "ừ".repeat(2 << 20);
        self.channel.send(&self.message("huge", &huge)).await.unwrap();
        let seen = self.peer.seen();
        if let Some(text) = &seen.last().unwrap().text {
            assert!(text.len() <= self.text_bytes_max, "{} bytes arrived", text.len());
            assert!(text.trim_end().ends_with('…'), "the end is seen to be missing");
        }
    }

    async fn slows_down(&self) {
        let DeliveryError::Retryable {
            retry_after_seconds, ..
        } = self.refused(Behaviour::Throttle).await
        else {
            panic!("a throttled message may go later");
        };
        assert_eq!(retry_after_seconds.is_some(), self.says_pause);
    }
}

fn secret() -> (TempDir, SecretReference) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, SECRET).unwrap();
    (folder, SecretReference::File(path))
}

#[tokio::test]
async fn smtp_holds_the_contract() {
    let peer = smtp::start().await;
    let (_folder, password) = secret();
    let channel = Smtp::open(&SmtpConfig {
        server: "127.0.0.1".into(),
        port: Some(peer.port),
        security: Security::None,
        from: "Trực ca <watch@example.vn>".into(),
        username: Some("watch".into()),
        password: Some(password),
        timeout_seconds: 1,
        ..SmtpConfig::default()
    })
    .unwrap();
    let case = Case {
        channel: &channel,
        peer: &peer,
        to: "truc@example.vn",
        readable: true,
        says_pause: false,
        text_bytes_max: Message::TEXT_BYTES_MAX,
    };
    case.holds().await;
}

#[tokio::test]
async fn smpp_holds_the_contract() {
    let peer = smpp::start().await;
    let (_folder, password) = secret();
    let channel = Smpp::open(&SmppConfig {
        server: "127.0.0.1".into(),
        port: peer.port,
        system_id: "watch".into(),
        password: Some(password),
        timeout_seconds: 1,
        ..SmppConfig::default()
    })
    .unwrap();
    let case = Case {
        channel: &channel,
        peer: &peer,
        to: "0912 345 678",
        readable: true,
        says_pause: true,
        text_bytes_max: 6 * 67 * 3,
    };
    case.holds().await;
    // The SMSC is left alone until the pause is over: nothing reaches it although it would take it.
    let seen = peer.seen().len();
    let error = channel.send(&case.message("too-soon", TEXT)).await.unwrap_err();
    assert!(
        matches!(
            error,
            DeliveryError::Retryable {
                retry_after_seconds: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(peer.seen().len(), seen);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    channel.send(&case.message("too-soon", TEXT)).await.unwrap();
}

#[tokio::test]
async fn a_gateway_over_http_holds_the_contract() {
    let peer = http::start().await;
    let (_folder, secret) = secret();
    let channel = Gateway::open(&GatewayConfig {
        url: Some(format!(
            "http://127.0.0.1:{}/{{{{secret}}}}/send?to={{{{to}}}}",
            peer.port
        )),
        secret: Some(secret),
        timeout_seconds: 1,
        ..GatewayConfig::default()
    })
    .unwrap();
    let case = Case {
        channel: &channel,
        peer: &peer,
        to: "phòng trực",
        readable: true,
        says_pause: true,
        text_bytes_max: Message::TEXT_BYTES_MAX,
    };
    case.holds().await;
}

#[tokio::test]
async fn web_push_holds_the_contract() {
    let peer = http::start().await;
    let folder = tempfile::tempdir().unwrap();
    let key = VapidKey::read_or_make(&folder.path().join("web-push.key")).unwrap();
    let open = |private_addresses| {
        let config = WebPushConfig {
            timeout_seconds: 1,
            private_addresses,
            ..WebPushConfig::default()
        };
        WebPush::open(&config, key.clone()).unwrap()
    };
    let to = format!(
        r#"{{"endpoint":"http://127.0.0.1:{}/push/1","keys":{{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}}}"#,
        peer.port
    );
    let channel = open(true);
    let case = Case {
        channel: &channel,
        peer: &peer,
        to: &to,
        readable: false,
        says_pause: true,
        text_bytes_max: 4096,
    };
    case.holds().await;
    let guarded = open(false);
    for to in [to.clone(), to.replace("http://", "https://")] {
        let mut message = case.message("inward", TEXT);
        message.to = to;
        let seen = peer.seen().len();
        assert!(
            guarded.send(&message).await.is_err(),
            "a browser cannot point the post at its own network"
        );
        assert_eq!(peer.seen().len(), seen);
    }
}
