//! How many items of `_bulk` one core takes: HTTP, cutting, validation and answer, with an inbox that keeps nothing.
//! `cargo bench -p ingest --bench bulk` ends with a line that a script can read.

use std::{fs, io::Write, net::SocketAddr, sync::Arc};

use ingest::{
    Backlog, Counters, Inbox, InboxFuture, IngestConfig, Listen, NoHeader, NoTokens, Receiving, Refused, SourceNames,
    Stopper, start,
};
use model::{JournalEntry, Seq, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ITEMS_PER_REQUEST: usize = 500;
const REQUESTS: usize = 600;

/// Answers at once; what it was given is gone.
struct Nowhere;

impl Inbox for Nowhere {
    fn append(&self, _entries: Vec<JournalEntry>) -> InboxFuture<'_, Result<Seq, Refused>> {
        Box::pin(async { Ok(1) })
    }

    fn after(&self, _after: Seq, _entries_max: usize) -> InboxFuture<'_, Result<Vec<(Seq, JournalEntry)>, Refused>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A Windows event of about 1.5 KB.
fn event(n: usize) -> String {
    let message = format!(
        "Process Create:\\r\\nRuleName: -\\r\\nUtcTime: 2026-01-01 00:00:00.{:03}\\r\\nProcessId: {n}\\r\\nImage: C:\\\\Windows\\\\System32\\\\cmd.exe\\r\\n{}",
        n % 1000,
        "ParentCommandLine: C:\\\\Windows\\\\Explorer.EXE /factory\\r\\n".repeat(12),
    );
    format!(
        "{{\"EventID\":1,\"Hostname\":\"WORKSTATION5.theshire.local\",\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"ProcessId\":\"{n}\",\
         \"Image\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\",\"CommandLine\":\"cmd.exe /c whoami /all\",\"Hashes\":\"SHA1=8DCA9749CD48D286950E7A9FA1088C937CBCCAD4,MD5=D7AB69FAD18D4A643D84A271DFC0DBDF\",\
         \"User\":\"THESHIRE\\\\pgustavo\",\"IntegrityLevel\":\"Medium\",\"LogonId\":\"0x3a2f1\",\"Message\":\"{message}\",\"@timestamp\":\"2026-01-01T00:00:00Z\"}}\n"
    )
}

/// CPU time of this process in hundredths of a second.
fn cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}

async fn send(to: SocketAddr, request: &[u8], count: usize) {
    let mut stream = TcpStream::connect(to).await.expect("the intake listens");
    let mut answer = vec![0; 1 << 20];
    for _ in 0..count {
        stream.write_all(request).await.expect("the intake reads");
        let (mut got, mut wanted) = (0, usize::MAX);
        while got < wanted {
            got += stream.read(&mut answer[got..]).await.expect("the intake answers");
            if wanted == usize::MAX {
                let head = String::from_utf8_lossy(&answer[..got.min(1000)]).to_ascii_lowercase();
                if let Some(end) = head.find("\r\n\r\n") {
                    assert!(head.starts_with("http/1.1 200"), "{head}");
                    let length = head
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|text| text.split('\r').next());
                    wanted = end + 4 + length.and_then(|text| text.parse::<usize>().ok()).expect("a length");
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut config = IngestConfig::default();
    config.syslog.udp = Listen::Off;
    config.syslog.tcp = Listen::Off;
    config.http.listen = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.files.enabled = false;
    config.journald.enabled = false;
    let receiving = Receiving {
        inbox: Arc::new(Nowhere),
        clock: Arc::new(|| Timestamp::UNIX_EPOCH),
        tokens: Arc::new(NoTokens),
        evtx: None,
        headers: NoHeader::boxed,
        names: SourceNames::new(10),
        counters: Counters::default(),
        backlog: Arc::new(Backlog::new(1_000_000, 0, 0)),
    };
    let (_stopper, stop) = Stopper::new();
    let running = start(&config, Arc::new(receiving), &std::env::temp_dir(), stop)
        .await
        .expect("loopback is free");
    let to = running.addresses.http.expect("it listens");
    let body: String = (0..ITEMS_PER_REQUEST)
        .map(|n| "{\"create\":{}}\n".to_owned() + &event(n))
        .collect();
    let head = format!(
        "POST /winlogbeat/_bulk HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body.as_bytes()].concat();
    send(to, &request, REQUESTS / 10).await;
    let before = cpu_ticks();
    send(to, &request, REQUESTS).await;
    let ticks = (cpu_ticks() - before).max(1);
    let items = (ITEMS_PER_REQUEST * REQUESTS) as u64;
    let line = format!(
        "bulk items={items} bytes_per_item={} items_per_cpu_second={}\n",
        body.len() / ITEMS_PER_REQUEST,
        items * 100 / ticks
    );
    std::io::stdout().write_all(line.as_bytes()).expect("somebody reads it");
}
