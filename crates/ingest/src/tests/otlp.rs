//! OTLP over HTTP in both forms.

use std::sync::Arc;

use serde_json::json;

use super::{
    Post,
    http::call,
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{NoTokens, Refused, otlp::put_bytes};

fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, field) in fields {
        put_bytes(&mut bytes, *number, field);
    }
    bytes
}

#[tokio::test]
async fn answers_in_the_form_of_the_request() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let post = Post::start(&quiet_config(), receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.http.unwrap();
    let good = message(&[(3, b"INFO")]);
    let request = message(&[(1, &message(&[(2, &message(&[(2, &good), (2, b"\xff")]))]))]);
    let got = call(
        to,
        "POST /v1/logs",
        "Content-Type: application/x-protobuf\r\n",
        &request,
    )
    .await;
    assert!(got.status == 200 && got.head.contains("application/x-protobuf"));
    // partial_success (1) with rejected_log_records (1) = 1 and an error_message (2).
    assert_eq!(
        got.body[..4],
        [0x0a, u8::try_from(got.body.len() - 2).unwrap(), 0x08, 0x01]
    );
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]});
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    let got = call(to, "POST /v1/logs", json, request.to_string().as_bytes()).await;
    assert_eq!((got.status, got.json()), (200, json!({})));
    assert_eq!(
        inbox.shown(),
        [
            "http/127.0.0.1 {\"severityText\":\"INFO\",\"resource\":{}}",
            "http/127.0.0.1 NotParsable: \u{fffd}",
            "http/127.0.0.1 {\"body\":\"hello\",\"resource\":{}}",
        ]
    );
    post.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_in_the_form_of_the_request() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let post = Post::start(&quiet_config(), receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.http.unwrap();
    let json = "Content-Type: application/json\r\n";
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    assert_eq!(call(to, "POST /v1/logs", json, b"{").await.json()["code"], 3);
    let got = call(to, "POST /v1/logs", protobuf, b"\xff\xff").await;
    assert_eq!((got.status, &got.body[..2]), (400, &[0x08, 0x03][..]));
    assert_eq!(call(to, "POST /v1/logs", "", b"{}").await.status, 415);
    inbox.refuse([Refused::Full]);
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}).to_string();
    let got = call(to, "POST /v1/logs", json, request.as_bytes()).await;
    assert!(got.status == 429 && got.head.contains("retry-after"));
    assert_eq!(
        inbox.shown(),
        [
            "http/127.0.0.1 NotParsable: {",
            "http/127.0.0.1 NotParsable: \u{fffd}\u{fffd}"
        ]
    );
    post.stop().await;
}
