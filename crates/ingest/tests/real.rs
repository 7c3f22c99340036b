//! Real senders from Debian and `PyPI` against the listeners and a real journal. `cargo xtask components --install` puts them into
//! `target/real`; with `WATCHPOST_WITHOUT_REAL` set, tests whose sender is missing say so and pass, without it they fail.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the whole crate is a test; what it leaves out it says aloud"
)]

#[path = "real/post.rs"]
mod post;
#[path = "real/programs.rs"]
mod programs;

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use model::{JournalEntry, RejectReason, Transport};
use testkit::{absent, on_path, python};

use crate::{
    post::Post,
    programs::{Daemon, rsyslog, syslog_ng},
};

/// The numbers after `n=` in the messages of records.
fn numbers(entries: &[JournalEntry]) -> Vec<u32> {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    let number = |text: &str| text.split("n=").skip(1).find_map(|part| digits(part).parse().ok());
    entries
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Record(record) => number(&String::from_utf8_lossy(&record.bytes)),
            JournalEntry::Rejection(_) | JournalEntry::Loss(_) | JournalEntry::Tick(_) => None,
        })
        .collect()
}

fn assert_all_once(entries: &[JournalEntry], count: u32) {
    let mut found = numbers(entries);
    found.sort_unstable();
    assert_eq!(found, (0..count).collect::<Vec<u32>>());
}

fn assert_all(entries: &[JournalEntry], count: u32) {
    let found: BTreeSet<u32> = numbers(entries).into_iter().collect();
    assert_eq!(found, (0..count).collect::<BTreeSet<u32>>());
}

fn messages(count: u32) -> String {
    use std::fmt::Write;
    (0..count).fold(String::new(), |mut text, n| {
        writeln!(text, "<13>Nov 25 02:00:00 host app[7]: message n={n} đăng nhập \"x\"").unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn real_logger_over_udp_and_tcp() {
    let Some(logger) = on_path("logger") else {
        return absent("logger");
    };
    let post = Post::start().await;
    let ways: [(&str, u16, &[&str]); 4] = [
        ("udp 3164", post.syslog_udp(), &["--udp", "--rfc3164"]),
        ("udp 5424", post.syslog_udp(), &["--udp", "--rfc5424"]),
        ("tcp lines", post.syslog_tcp(), &["--tcp", "--rfc5424"]),
        (
            "tcp counted",
            post.syslog_tcp(),
            &["--tcp", "--rfc5424", "--octet-count"],
        ),
    ];
    for (at, (name, port, arguments)) in ways.into_iter().enumerate() {
        let status = tokio::process::Command::new(&logger)
            .args(["--server", "127.0.0.1", "--port", &port.to_string()])
            .args(arguments)
            .arg(format!("n={at}"))
            .status()
            .await
            .unwrap();
        assert!(status.success(), "{name}");
        let entries = post.entries(at + 1).await;
        assert_eq!(numbers(&entries).last(), u32::try_from(at).ok().as_ref(), "{name}");
    }
}

const RSYSLOG: &str = r#"
global(workDirectory="@FOLDER@")
module(load="imfile")
@MODULE@
input(type="imfile" File="@FOLDER@/in" Tag="app:" startmsg.regex="" readMode="0" ruleset="out")
template(name="document" type="list" option.jsonf="on") {
    property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="message" name="msg" format="jsonf")
}
ruleset(name="out") { @ACTION@ }
"#;

/// What loads the output module of an action; `omfwd` is part of rsyslogd.
fn module_of(action: &str) -> String {
    let name = action.split('"').nth(1).unwrap();
    if name == "omfwd" {
        return String::new();
    }
    format!(r#"module(load="{name}")"#)
}

/// Feeds `count` lines to rsyslog's file input and lets it send them by `action`.
fn run_rsyslog(post: &Post, action: &str, count: u32) -> Option<Daemon> {
    let (program, modules, libraries) = rsyslog()?;
    let folder = post.folder().to_string_lossy().into_owned();
    let config = RSYSLOG
        .replace("@ACTION@", action)
        .replace("@MODULE@", &module_of(action))
        .replace("@FOLDER@", &folder)
        .replace(" startmsg.regex=\"\"", "");
    fs::write(post.folder().join("rsyslog.conf"), config).unwrap();
    fs::write(post.folder().join("in"), messages(count)).unwrap();
    let arguments = [
        "-n".to_owned(),
        "-f".to_owned(),
        format!("{folder}/rsyslog.conf"),
        "-i".to_owned(),
        format!("{folder}/rsyslog.pid"),
        "-M".to_owned(),
        modules,
    ];
    Some(Daemon::start(
        &program,
        &arguments,
        &libraries,
        &post.folder().join("rsyslog.out"),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn real_rsyslog_over_tcp_in_both_framings() {
    for framing in ["traditional", "octet-counted"] {
        let post = Post::start().await;
        let listens_on = post.syslog_tcp();
        let action = format!(
            r#"action(type="omfwd" target="127.0.0.1" port="{listens_on}" protocol="tcp" TCP_Framing="{framing}" template="RSYSLOG_SyslogProtocol23Format")"#
        );
        let Some(_daemon) = run_rsyslog(&post, &action, 2000) else {
            return absent("rsyslog");
        };
        assert_all_once(&post.entries(2000).await, 2000);
    }
}

fn run_rsyslog_with_relp(post: &Post, action: &str, count: u32) -> Option<Daemon> {
    let (_, modules, _) = rsyslog()?;
    Path::new(&modules).join("omrelp.so").is_file().then_some(())?;
    run_rsyslog(post, action, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_rsyslog_over_relp_through_a_full_journal() {
    let post = Post::start().await;
    let listens_on = post.relp();
    let action = format!(
        r#"action(type="omrelp" target="127.0.0.1" port="{listens_on}" template="RSYSLOG_SyslogProtocol23Format"
            action.resumeRetryCount="-1" action.resumeInterval="1")"#
    );
    post.set_full(true);
    let Some(_daemon) = run_rsyslog_with_relp(&post, &action, 2000) else {
        return absent("rsyslog-relp");
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(post.entries_now().len(), 0, "nothing is kept, and nothing acknowledged");
    post.set_full(false);
    let entries = post.entries(2000).await;
    assert_all_once(&entries, 2000);
    assert!(matches!(&entries[0], JournalEntry::Record(record) if record.transport == Transport::Relp));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_rsyslog_over_relp_inside_tls() {
    if on_path("openssl").is_none() {
        return absent("openssl");
    }
    let post = Post::start_with_tls().await;
    let listens_on = post.relp();
    let action = format!(
        r#"action(type="omrelp" target="127.0.0.1" port="{listens_on}" template="RSYSLOG_SyslogProtocol23Format"
            tls="on" tls.caCert="@FOLDER@/ca.pem" tls.myCert="@FOLDER@/client.pem" tls.myPrivKey="@FOLDER@/client.key"
            tls.authMode="name" tls.permittedPeer=["localhost"]
            action.resumeRetryCount="-1" action.resumeInterval="1")"#
    );
    let Some(_daemon) = run_rsyslog_with_relp(&post, &action, 500) else {
        return absent("rsyslog-relp");
    };
    assert_all_once(&post.entries(500).await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_rsyslog_by_bulk_through_a_full_journal() {
    for (bulk, kind) in [("on", ""), ("off", "_doc")] {
        let post = Post::start().await;
        post.set_full(true);
        let listens_on = post.http();
        let action = format!(
            r#"action(type="omelasticsearch" server="http://127.0.0.1" serverport="{listens_on}" searchIndex="logs" searchType="{kind}"
                template="document" bulkmode="{bulk}" maxbytes="100k" healthchecktimeout="2000" retryfailures="off"
                action.resumeRetryCount="-1" action.resumeInterval="1" queue.dequeuebatchsize="100")"#
        );
        let Some(_daemon) = run_rsyslog(&post, &action, 500) else {
            return absent("rsyslog");
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        post.set_full(false);
        let entries = post.entries(500).await;
        assert_all(&entries, 500);
        assert!(
            entries
                .iter()
                .all(|entry| matches!(entry, JournalEntry::Record(r) if r.transport == Transport::Bulk))
        );
    }
}

const SYSLOG_NG: &str = r#"@version: 3.38
options { keep-hostname(yes); };
source in { file("@FOLDER@/in" follow-freq(1)); };
destination out { @DESTINATION@; };
log { source(in); destination(out); flags(flow-control); };
"#;

fn run_syslog_ng(post: &Post, destination: &str, count: u32) -> Option<Daemon> {
    let (program, modules, libraries) = syslog_ng()?;
    let folder = post.folder().to_string_lossy().into_owned();
    let config = SYSLOG_NG
        .replace("@DESTINATION@", destination)
        .replace("@FOLDER@", &folder);
    fs::write(post.folder().join("syslog-ng.conf"), config).unwrap();
    fs::write(post.folder().join("in"), messages(count)).unwrap();
    let at = |name: &str| format!("{folder}/{name}");
    let arguments = [
        "--foreground".to_owned(),
        "--no-caps".to_owned(),
        format!("--cfgfile={}", at("syslog-ng.conf")),
        format!("--persist-file={}", at("syslog-ng.persist")),
        format!("--control={}", at("syslog-ng.ctl")),
        format!("--pidfile={}", at("syslog-ng.pid")),
        format!("--module-path={modules}"),
    ];
    Some(Daemon::start(
        &program,
        &arguments,
        &libraries,
        &post.folder().join("syslog-ng.out"),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn real_syslog_ng_over_tcp_and_udp() {
    let ways = [
        ("network", "tcp", 2000),
        ("syslog", "tcp", 2000),
        ("network", "udp", 200),
        ("syslog", "udp", 200),
    ];
    for (driver, transport, count) in ways {
        let post = Post::start().await;
        let listens_on = if transport == "udp" {
            post.syslog_udp()
        } else {
            post.syslog_tcp()
        };
        let destination = format!(r#"{driver}("127.0.0.1" port({listens_on}) transport("{transport}"))"#);
        let Some(_daemon) = run_syslog_ng(&post, &destination, count) else {
            return absent("syslog-ng");
        };
        assert_all_once(&post.entries(count as usize).await, count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_syslog_ng_over_tls_with_a_client_certificate() {
    if on_path("openssl").is_none() {
        return absent("openssl");
    }
    let post = Post::start_with_tls().await;
    let listens_on = post.syslog_tls();
    let destination = format!(
        r#"syslog("127.0.0.1" port({listens_on}) transport("tls") tls(peer-verify(required-trusted)
            ca-file("@FOLDER@/ca.pem") cert-file("@FOLDER@/client.pem") key-file("@FOLDER@/client.key")))"#
    );
    let Some(_daemon) = run_syslog_ng(&post, &destination, 2000) else {
        return absent("syslog-ng");
    };
    let entries = post.entries(2000).await;
    assert_all_once(&entries, 2000);
    assert!(matches!(&entries[0], JournalEntry::Record(record) if record.transport == Transport::SyslogTls));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_syslog_ng_by_bulk_through_a_full_journal() {
    let post = Post::start().await;
    post.set_full(true);
    let listens_on = post.http();
    // What its `elasticsearch-http()` expands to.
    let destination = format!(
        r#"http(url("http://127.0.0.1:{listens_on}/_bulk") method("POST") headers("Content-Type: application/x-ndjson")
            batch-lines(100) batch-timeout(100) delimiter("\n") body-suffix("\n") workers(2) retries(1000) time-reopen(1)
            response-action(429 => retry)
            body('{{"index":{{"_index":"logs"}}}}
$(format-json --scope rfc5424)'))"#
    );
    let Some(_daemon) = run_syslog_ng(&post, &destination, 500) else {
        return absent("syslog-ng");
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    post.set_full(false);
    assert_all(&post.entries(500).await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_elasticsearch_client() {
    let Some(python) = python("elasticsearch") else {
        return absent("elasticsearch");
    };
    let post = Post::start().await;
    let script = include_str!("real/elasticsearch_client.py");
    let output = programs::run_python(&python, script, &[&post.http().to_string()]).await;
    assert_eq!(
        output.trim(),
        "1000 stored, statuses [201, 400, 400, 400, 201], hello from watchpost 8.19.0"
    );
    let entries = post.entries(1005).await;
    assert_all_once(&entries, 1002);
    let reasons: Vec<RejectReason> = entries
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Rejection(rejection) => Some(rejection.reason),
            JournalEntry::Record(_) | JournalEntry::Loss(_) | JournalEntry::Tick(_) => None,
        })
        .collect();
    let expected = [
        RejectReason::NotParsable,
        RejectReason::UnsupportedOperation,
        RejectReason::UnsupportedOperation,
    ];
    assert_eq!(reasons, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_elasticsearch_client_through_a_full_journal() {
    let Some(python) = python("elasticsearch") else {
        return absent("elasticsearch");
    };
    let post = Post::start().await;
    post.set_full(true);
    let script = include_str!("real/elasticsearch_client.py");
    let listens_on = post.http().to_string();
    let run = tokio::spawn(async move { programs::run_python(&python, script, &[&listens_on]).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    post.set_full(false);
    run.await.unwrap();
    assert_all(&post.entries(1005).await, 1002);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_opentelemetry_exporter() {
    let module = "opentelemetry.exporter.otlp.proto.http";
    let Some(python) = python(module) else {
        return absent("opentelemetry");
    };
    let post = Post::start().await;
    let script = include_str!("real/opentelemetry_exporter.py");
    programs::run_python(&python, script, &[&post.http().to_string()]).await;
    let entries = post.entries(200).await;
    assert_all_once(&entries, 200);
    let JournalEntry::Record(record) = &entries[0] else {
        panic!("a log record is kept")
    };
    let json: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
    assert_eq!(record.transport, Transport::Otlp);
    assert_eq!(json["resource"]["attributes"]["service.name"], "shop");
    assert_eq!(json["attributes"]["order"], 7);
    assert_eq!(json["severityText"], "WARN");
}

/// Runs journald in a namespace of its own; nothing when this machine has none or does not allow it.
fn log_to_journald(folder: &Path, from: u32, to: u32) -> Option<()> {
    let program = Path::new("/lib/systemd/systemd-journald");
    let unshare = on_path("unshare").filter(|_| program.is_file())?;
    let done = std::process::Command::new(unshare)
        .args(["--mount", "sh", "-c", include_str!("real/journald.sh"), "sh"])
        .arg(folder)
        .args([from.to_string(), to.to_string()])
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&done.stderr));
    done.status.success().then_some(())
}

/// The entries that the script logged; the kernel's messages are in that journal too.
fn logged(post: &Post) -> Vec<JournalEntry> {
    let mut entries = post.entries_now();
    entries.retain(|entry| match entry {
        JournalEntry::Record(record) => {
            String::from_utf8_lossy(&record.bytes).contains("\"SYSLOG_IDENTIFIER\":\"real\"")
        }
        JournalEntry::Rejection(_) | JournalEntry::Loss(_) | JournalEntry::Tick(_) => true,
    });
    entries
}

async fn wait_for_logged(post: &Post, count: u32) {
    for _ in 0..600 {
        if logged(post).len() >= count as usize {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_all_once(&logged(post), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_systemd_journal_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    fs::create_dir(&journal).unwrap();
    if log_to_journald(&journal, 0, 299).is_none() {
        // A container without systemd or without the right to make namespaces can never have it, so it does not fail there.
        println!("LEFT OUT: no systemd-journald here, or no right to run it in a mount namespace");
        return;
    }
    let program = folder.path().join("journalctl");
    let script = format!("#!/bin/sh\nexec journalctl --directory={} \"$@\"\n", journal.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let post = Post::start_with_journalctl(&program).await;
    wait_for_logged(&post, 300).await;
    log_to_journald(&journal, 300, 399).unwrap();
    wait_for_logged(&post, 400).await;
    let post = post.restart().await;
    log_to_journald(&journal, 400, 499).unwrap();
    wait_for_logged(&post, 500).await;
}
