//! Listeners on free ports in front of a real journal that can be made to answer that it is full.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ingest::{
    Backlog, Counters, Inbox, InboxFuture, IngestConfig, Listen, NoHeader, NoTokens, Receiving, Refused, RelpConfig,
    Running, SourceNames, StartAt, Stopper, SyslogTlsConfig, start,
};
use journal::Journal;
use model::{JournalEntry, Seq, Timestamp};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Post {
    journal: Journal,
    full: Arc<AtomicBool>,
    running: Running,
    stopper: Stopper,
    folder: tempfile::TempDir,
    config: IngestConfig,
}

/// A journal that says it is full when it is told to.
struct Valve {
    journal: Journal,
    full: Arc<AtomicBool>,
}

impl Inbox for Valve {
    fn append(&self, entries: Vec<JournalEntry>) -> InboxFuture<'_, Result<Seq, Refused>> {
        if self.full.load(Ordering::Relaxed) {
            return Box::pin(async { Err(Refused::Full) });
        }
        Inbox::append(&self.journal, entries)
    }

    fn after(&self, after: Seq, entries_max: usize) -> InboxFuture<'_, Result<Vec<(Seq, JournalEntry)>, Refused>> {
        Inbox::after(&self.journal, after, entries_max)
    }
}

impl Post {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), quiet_config()).await
    }

    /// With TLS for syslog; senders must show a certificate.
    pub(crate) async fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let mut config = quiet_config();
        config.syslog.tls = Some(SyslogTlsConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server.key"),
            client_authorities: Some(folder.path().join("ca.pem")),
        });
        config.syslog.relp = Some(RelpConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: config.syslog.tls.as_ref().map(SyslogTlsConfig::identity),
        });
        Self::start_in(folder, config).await
    }

    /// Follows a systemd journal through this program, from its beginning.
    pub(crate) async fn start_with_journalctl(program: &Path) -> Self {
        let mut config = quiet_config();
        config.journald.enabled = true;
        config.journald.journalctl = program.to_owned();
        config.journald.start = StartAt::Beginning;
        Self::start_in(tempfile::tempdir().unwrap(), config).await
    }

    /// Stops and starts again with what is on the disk.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            journal,
            full: _,
            running,
            stopper,
            folder,
            config,
        } = self;
        stopper.stop();
        running.ended().await;
        drop(journal);
        Self::start_in(folder, config).await
    }

    /// All entries there are now.
    pub(crate) fn entries_now(&self) -> Vec<JournalEntry> {
        let read = self.journal.read(1, usize::MAX, usize::MAX).unwrap();
        read.into_iter().map(|(_, entry)| entry).collect()
    }

    async fn start_in(folder: tempfile::TempDir, config: IngestConfig) -> Self {
        let journal_folder = folder.path().join("journal");
        let (journal, _) = Journal::open(&journal_folder, &journal::Config::default(), 1).unwrap();
        let full = Arc::new(AtomicBool::new(false));
        let inbox = Valve {
            journal: journal.clone(),
            full: Arc::clone(&full),
        };
        let receiving = Receiving {
            inbox: Arc::new(inbox),
            clock: Arc::new(|| Timestamp::UNIX_EPOCH),
            tokens: Arc::new(NoTokens),
            evtx: None,
            headers: NoHeader::boxed,
            names: SourceNames::new(100),
            counters: Counters::default(),
            backlog: Arc::new(Backlog::new(1_000_000, 0, 0)),
        };
        let (stopper, stop) = Stopper::new();
        let running = start(&config, Arc::new(receiving), folder.path(), stop).await.unwrap();
        Self {
            journal,
            full,
            running,
            stopper,
            folder,
            config,
        }
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn syslog_udp(&self) -> u16 {
        self.running.addresses.syslog_udp.unwrap().port()
    }

    pub(crate) fn syslog_tcp(&self) -> u16 {
        self.running.addresses.syslog_tcp.unwrap().port()
    }

    pub(crate) fn syslog_tls(&self) -> u16 {
        self.running.addresses.syslog_tls.unwrap().port()
    }

    pub(crate) fn relp(&self) -> u16 {
        self.running.addresses.relp.unwrap().port()
    }

    pub(crate) fn http(&self) -> u16 {
        self.running.addresses.http.unwrap().port()
    }

    /// Waits for this many entries, then a little longer for any that should not be there.
    pub(crate) async fn entries(&self, count: usize) -> Vec<JournalEntry> {
        let waited = tokio::time::timeout(PATIENCE, self.journal.wait_beyond(count as Seq - 1)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let read = self.journal.read(1, usize::MAX, usize::MAX).unwrap();
        let entries: Vec<JournalEntry> = read.into_iter().map(|(_, entry)| entry).collect();
        assert!(
            waited.is_ok(),
            "{} of {count} entries came{}",
            entries.len(),
            self.said()
        );
        entries
    }

    /// What the sender said, for whoever looks into a failure.
    fn said(&self) -> String {
        let outputs = ["rsyslog.out", "syslog-ng.out"].map(|name| std::fs::read_to_string(self.folder().join(name)));
        [String::new()]
            .into_iter()
            .chain(outputs.into_iter().flatten())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn quiet_config() -> IngestConfig {
    let mut config = IngestConfig::default();
    let any_port = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.syslog.udp = any_port;
    config.syslog.tcp = any_port;
    config.http.listen = any_port;
    config.syslog.relp = Some(RelpConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
    });
    config.files.enabled = false;
    config.journald.enabled = false;
    config
}

/// Makes an authority, a server and a client certificate in a folder.
fn certificates(folder: &Path) {
    let script = include_str!("certificates.sh");
    let made = Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
