//! The HTTP intake on a real socket: `_bulk`, NDJSON, EVTX, tokens, limits and push-back.

use std::{io::Write, net::SocketAddr, ops::ControlFlow, sync::Arc, time::Duration};

use bytes::Bytes;
use model::{FormatHint, JournalEntry, SourceId};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Post,
    inbox::{LastHeader, MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{
    Anonymous, Backlog, Counters, EvtxReader, KnownSource, NoTokens, Receiving, Refused, SourceNames, SourceTokens,
};

/// A raw answer.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(super) async fn call(to: SocketAddr, line: &str, headers: &str, body: &[u8]) -> Got {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A refused body may not be read to its end.
    let _ = stream.write_all(body).await;
    read_answer(stream).await
}

async fn read_answer(mut stream: TcpStream) -> Got {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let end = text.find("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    Got {
        status: text[9..12].parse().unwrap(),
        head: text[..end].to_ascii_lowercase(),
        body: bytes[end + 4..].to_vec(),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn post_into(inbox: &Arc<MemoryInbox>) -> (Post, SocketAddr) {
    let post = Post::start(&quiet_config(), receiving_into(inbox, NoTokens)).await;
    let to = post.running.addresses.http.unwrap();
    (post, to)
}

#[tokio::test]
async fn a_bad_item_has_its_own_answer_and_its_neighbours_are_stored() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let (post, to) = post_into(&inbox).await;
    let body = b"{\"create\":{\"_index\":\"w\"}}\n{\"a\":1}\n{\"index\":{\"_id\":\"7\"}}\n{\"a\":\n{\"delete\":{\"_id\":\"8\"}}\n{\"create\":{}}\n{\"b\":2}\n";
    let got = call(
        to,
        "POST /logs/_bulk",
        "User-Agent: Filebeat/8.1\r\nContent-Type: application/x-ndjson\r\n",
        body,
    )
    .await;
    assert_eq!(got.status, 200);
    assert!(got.head.contains("x-elastic-product: elasticsearch"));
    let answer = got.json();
    let statuses: Vec<u64> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            item.as_object().unwrap().values().next().unwrap()["status"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(
        (answer["errors"].as_bool(), statuses),
        (Some(true), vec![201, 400, 400, 201])
    );
    assert_eq!(answer["items"][0]["create"]["_id"], "00000000000000000001");
    assert_eq!(answer["items"][1]["index"]["error"]["type"], "mapper_parsing_exception");
    assert_eq!(
        inbox.shown(),
        [
            "http/127.0.0.1/filebeat {\"a\":1}",
            "http/127.0.0.1/filebeat NotParsable: {\"a\":",
            "http/127.0.0.1/filebeat UnsupportedOperation: ",
            "http/127.0.0.1/filebeat {\"b\":2}",
        ]
    );
    let JournalEntry::Record(record) = &inbox.entries()[0] else {
        panic!("the first is a record")
    };
    assert_eq!(record.origin, "127.0.0.1/w");
    post.stop().await;
}

#[tokio::test]
async fn what_is_not_durable_is_not_acknowledged() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let (post, to) = post_into(&inbox).await;
    let body = b"{\"create\":{}}\n{\"a\":1}\n";
    let cases = [
        (Refused::Full, 429, "es_rejected_execution_exception"),
        (Refused::Failed("disk".into()), 503, "unavailable_shards_exception"),
    ];
    for (refused, status, kind) in cases {
        inbox.refuse([refused.clone()]);
        let got = call(to, "POST /logs/_bulk", "", body).await;
        assert_eq!((got.status, got.json()["error"]["type"].as_str()), (status, Some(kind)));
        assert!(got.head.contains("retry-after"));
        for path in ["POST /v1/ndjson", "POST /logs/_doc"] {
            inbox.refuse([refused.clone()]);
            assert_eq!(call(to, path, "", b"{\"a\":1}").await.status, status, "{path}");
        }
        // A rejection that cannot be counted is not settled either.
        inbox.refuse([refused.clone()]);
        assert_eq!(call(to, "POST /logs/_bulk", "", b"broken\n").await.status, status);
    }
    assert!(inbox.entries().is_empty());
    inbox.set_pause(Duration::from_millis(300));
    let started = tokio::time::Instant::now();
    assert_eq!(call(to, "POST /logs/_bulk", "", body).await.status, 200);
    assert!(
        started.elapsed() >= Duration::from_millis(300),
        "answered before it was durable"
    );
    assert_eq!(post.receiving.counters.snapshot().listeners["bulk"].pushed_back, 6);
    post.stop().await;
}

#[tokio::test]
async fn packed_bodies_answers_and_filters() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let (post, to) = post_into(&inbox).await;
    let body = "{\"create\":{}}\n{\"a\":1}\n".repeat(50);
    let headers = "Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\nAccept: application/vnd.elasticsearch+json; compatible-with=8\r\n";
    let got = call(to, "POST /logs/_bulk", headers, &gzip(body.as_bytes())).await;
    assert!(got.head.contains("content-encoding: gzip"), "{}", got.head);
    assert!(
        got.head
            .contains("application/vnd.elasticsearch+json;compatible-with=8")
    );
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&got.body[..]), &mut text).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["items"]
            .as_array()
            .unwrap()
            .len(),
        50
    );
    let filtered = call(
        to,
        "POST /logs/_bulk?filter_path=errors,items.*.status",
        "",
        &body.as_bytes()[..22],
    )
    .await;
    assert_eq!(
        filtered.json(),
        json!({"errors": false, "items": [{"create": {"status": 201}}]})
    );
    let zstd = zstd::bulk::compress(b"{\"n\":1}\n\n{\"n\":2}", 3).unwrap();
    let got = call(
        to,
        "POST /v1/ndjson?format=suricata",
        "Content-Encoding: zstd\r\n",
        &zstd,
    )
    .await;
    assert_eq!(got.json(), json!({"accepted": 2, "rejected": 0, "lines": []}));
    let JournalEntry::Record(record) = inbox.entries().pop().unwrap() else {
        panic!("a line is a record")
    };
    assert_eq!(record.format, FormatHint::Named("suricata".into()));
    post.stop().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_taken() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let mut config = quiet_config();
    config.http.body_bytes_max = 10_000;
    config.http.unpacked_bytes_max = 20_000;
    config.http.record_bytes_max = 1000;
    config.http.records_max = 20;
    let post = Post::start(&config, receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.http.unwrap();
    let bomb = gzip(&vec![b' '; 1_500_000]);
    let gzipped = "Content-Encoding: gzip\r\n";
    let cases: [(&str, &[u8], u16); 6] = [
        (gzipped, &bomb, 413),
        (gzipped, b"not gzip", 400),
        ("", &vec![b'x'; 20_000], 413),
        ("Content-Encoding: snappy\r\n", b"x", 415),
        ("", b"", 400),
        ("", b"{\"frob\":{}}\n{}\n", 400),
    ];
    for (headers, body, status) in cases {
        assert_eq!(
            call(to, "POST /logs/_bulk", headers, body).await.status,
            status,
            "{headers}"
        );
    }
    let reasons: Vec<String> = inbox
        .shown()
        .iter()
        .map(|s| s.split([' ', ':']).nth(1).unwrap().to_owned())
        .collect();
    let expected = [
        "BadCompression",
        "BadCompression",
        "Oversized",
        "BadCompression",
        "NotParsable",
        "NotParsable",
    ];
    assert_eq!(reasons, expected);
    let long = format!("{{\"a\":\"{}\"}}\nnonsense\n{{}}", "x".repeat(2000));
    let got = call(to, "POST /v1/ndjson", "", long.as_bytes()).await.json();
    assert_eq!((got["accepted"].as_u64(), got["rejected"].as_u64()), (Some(1), Some(2)));
    assert_eq!(
        (&got["lines"][0]["reason"], &got["lines"][1]["line"]),
        (&json!("oversized"), &json!(2))
    );
    let before = inbox.entries().len();
    let got = call(to, "POST /v1/ndjson", "", "{}\n\n".repeat(30).as_bytes()).await;
    assert_eq!((got.status, &got.json()["resume_at_line"]), (413, &json!(41)));
    assert_eq!(inbox.entries().len(), before + 20);
    post.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_counted() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let (post, to) = post_into(&inbox).await;
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = b"POST /logs/_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"create\":{}}\n{\"a\"";
    stream.write_all(head).await.unwrap();
    drop(stream);
    assert_eq!(
        inbox.wait_for(1).await,
        ["http/127.0.0.1 Truncated: {\"create\":{}}\n{\"a\""]
    );
    // What is no HTTP at all gets an answer from the protocol and nothing else.
    for nonsense in [
        &b"\x00\x01\x02\xff\r\n\r\n"[..],
        b"<13>syslog on the wrong port\n",
        &vec![b'A'; 100_000],
    ] {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let _ = stream.write_all(nonsense).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(call(to, "GET /", "", b"").await.status, 200);
    post.stop().await;
}

#[tokio::test]
async fn what_shippers_ask_first() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let (post, to) = post_into(&inbox).await;
    let cases = [
        ("GET /", 200),
        ("HEAD /", 200),
        ("GET /_license?human=false", 200),
        ("GET /_xpack", 200),
        ("GET /_nodes/http", 200),
        ("GET /_cluster/health", 200),
        ("GET /_cat/health?format=json", 200),
        ("HEAD /_index_template/filebeat-8.11.0", 200),
        ("PUT /_index_template/filebeat-8.11.0", 200),
        ("GET /_ilm/policy/filebeat", 200),
        ("PUT /_ingest/pipeline/filebeat-nginx", 200),
        ("POST /_monitoring/bulk?system_id=beats", 200),
        ("DELETE /logs", 400),
        ("GET /logs/_search", 400),
        ("GET /v1/logs", 405),
    ];
    for (line, status) in cases {
        let got = call(to, line, "", b"").await;
        assert_eq!(got.status, status, "{line}");
        assert_eq!(got.head.contains("x-elastic-product"), status != 405, "{line}");
    }
    assert_eq!(call(to, "GET /", "", b"").await.json()["version"]["number"], "8.19.0");
    assert_eq!(post.receiving.counters.snapshot().listeners["bulk"].unknown_calls, 2);
    post.stop().await;
}

struct OneToken;

impl SourceTokens for OneToken {
    fn source_of(&self, token: &str) -> Option<KnownSource> {
        (token == "s3cret").then(|| KnownSource {
            id: SourceId::new("mail-gateways"),
            format: FormatHint::Named("winlogbeat".into()),
            exercise: true,
        })
    }
}

#[tokio::test]
async fn tokens_name_their_source_and_nobody_else_is_heard() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let mut config = quiet_config();
    config.http.anonymous = Anonymous::Nobody;
    let post = Post::start(&config, receiving_into(&inbox, OneToken)).await;
    let to = post.running.addresses.http.unwrap();
    let body = b"{\"create\":{}}\n{\"a\":1}\n";
    for (headers, status) in [
        ("", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Bearer s3cret\r\n", 200),
        ("Authorization: ApiKey aWQ6czNjcmV0\r\n", 200),
        ("Authorization: Basic d2F0Y2hwb3N0OnMzY3JldA==\r\n", 200),
    ] {
        let got = call(to, "POST /logs/_bulk", headers, body).await;
        assert_eq!(got.status, status, "{headers}");
        assert_eq!(got.head.contains("www-authenticate"), status == 401);
    }
    for path in ["GET /", "POST /v1/ndjson", "POST /v1/evtx"] {
        assert_eq!(call(to, path, "", b"").await.status, 401, "{path}");
    }
    assert_eq!(inbox.shown(), vec!["mail-gateways {\"a\":1}"; 3]);
    let JournalEntry::Record(record) = &inbox.entries()[0] else {
        panic!("a document is a record")
    };
    assert!(record.exercise && record.format == FormatHint::Named("winlogbeat".into()));
    assert_eq!(post.receiving.counters.snapshot().listeners["bulk"].unauthorized, 3);
    post.stop().await;
}

/// Reads a text: each line is a record, `!` before it a broken one; `#` at the beginning is no EVTX file.
struct Lines;

impl EvtxReader for Lines {
    fn read(&self, file: &Bytes, each: &mut dyn FnMut(Result<Bytes, String>) -> ControlFlow<()>) -> Result<(), String> {
        if file.starts_with(b"#") {
            return Err("not an EVTX file".to_owned());
        }
        for line in file.split(|b| *b == b'\n') {
            let record = match line.strip_prefix(b"!") {
                Some(_) => Err("a broken record".to_owned()),
                None => Ok(file.slice_ref(line)),
            };
            if each(record).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_evtx_file_is_taken_and_taken_up_again_after_a_full_journal() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let receiving = Arc::new(Receiving {
        inbox: Arc::clone(&inbox) as _,
        clock: Arc::new(|| model::Timestamp::UNIX_EPOCH),
        tokens: Arc::new(NoTokens),
        evtx: Some(Arc::new(Lines)),
        headers: || Box::new(LastHeader::default()),
        names: SourceNames::new(10),
        counters: Counters::default(),
        backlog: Arc::new(Backlog::new(1_000_000, 0, 0)),
    });
    let post = Post::start(&quiet_config(), receiving).await;
    let to = post.running.addresses.http.unwrap();
    let records: Vec<String> = (0..2000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let file = records.join("\n");
    inbox.refuse([Refused::Full]);
    assert_eq!(call(to, "POST /v1/evtx", "", file.as_bytes()).await.json()["skip"], 0);
    let got = call(to, "POST /v1/evtx", "", file.as_bytes()).await;
    assert_eq!(got.json(), json!({"accepted": 2000, "rejected": 0}));
    let got = call(to, "POST /v1/evtx?skip=1998", "", (file + "\n!").as_bytes()).await;
    assert_eq!(got.json(), json!({"accepted": 2, "rejected": 1}));
    assert_eq!(call(to, "POST /v1/evtx", "", b"#").await.status, 400);
    assert_eq!(inbox.entries().len(), 2004);
    post.stop().await;
}
