//! Followed files: rotation, restarts after a crash at any moment, and what is not a log.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use model::{FormatHint, JournalEntry};

use super::{
    Post,
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{FilesConfig, IngestConfig, NoTokens, Running, StartAt, Stopper, start};

struct Logs {
    folder: tempfile::TempDir,
    inbox: Arc<MemoryInbox>,
}

impl Logs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        Self {
            folder,
            inbox: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("log").join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn config(&self, start: StartAt) -> IngestConfig {
        let mut config = quiet_config();
        config.files = FilesConfig {
            enabled: true,
            include: vec![format!("{}/**/*", self.folder.path().join("log").display())],
            start,
            line_bytes_max: 100,
            poll_milliseconds: 10,
            ..FilesConfig::default()
        };
        config
    }

    /// Starts with the checkpoints of earlier runs.
    async fn start(&self, from: StartAt) -> (Running, Stopper) {
        let (stopper, stop) = Stopper::new();
        let receiving = receiving_into(&self.inbox, NoTokens);
        let state = self.folder.path().join("state");
        let running = start(&self.config(from), receiving, &state, stop).await.unwrap();
        (running, stopper)
    }

    /// The lines so far, without the folder in their source.
    async fn lines(&self, count: usize) -> Vec<String> {
        let folder = format!("file{}/", self.folder.path().join("log").display());
        let shown = self.inbox.wait_for(count).await;
        shown.into_iter().map(|line| line.replace(&folder, "")).collect()
    }

    /// What was said of the format of the lines so far.
    async fn hints(&self, count: usize) -> Vec<String> {
        self.inbox.wait_for(count).await;
        let entries = self.inbox.entries();
        let of = |entry: &JournalEntry| {
            let JournalEntry::Record(record) = entry else {
                return "no record".to_owned();
            };
            let line = String::from_utf8_lossy(&record.bytes).into_owned();
            match &record.format {
                FormatHint::Unknown => line,
                FormatHint::Named(hint) => format!("{hint} {line}"),
            }
        };
        entries.iter().map(of).collect()
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.path().join("state/files.json")
    }
}

async fn stop((running, stopper): (Running, Stopper)) {
    stopper.stop();
    running.ended().await;
}

async fn looks() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn new_lines_of_old_files_and_all_lines_of_new_ones() {
    let logs = Logs::new();
    logs.write("old.log", "before\nhalf");
    logs.write("wtmp", b"\x07\x00\x00\x00binary\n");
    logs.write("packed.gz", "x\n");
    let running = logs.start(StartAt::End).await;
    looks().await;
    logs.write("old.log", " a line\nafter\r\nunfin");
    logs.write("new.log", "first\n\nsecond\n");
    logs.write("wtmp", "text now\n");
    let mut lines = logs.lines(3).await;
    lines.sort();
    assert_eq!(lines, ["new.log first", "new.log second", "old.log after"]);
    logs.write("old.log", "ished\n");
    assert_eq!(logs.lines(4).await[3], "old.log unfinished");
    logs.write("old.log", format!("{}\nshort\n", "x".repeat(300)));
    let lines = logs.lines(6).await;
    assert_eq!(
        lines[4..],
        [
            format!("old.log Oversized: {}", "x".repeat(100)),
            "old.log short".to_owned()
        ]
    );
    stop(running).await;
}

#[tokio::test]
async fn rotation_by_rename_and_by_truncation() {
    let logs = Logs::new();
    logs.write("app.log", "one\n");
    let running = logs.start(StartAt::Beginning).await;
    assert_eq!(logs.lines(1).await, ["app.log one"]);
    fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
    logs.write("app.log.1", "late\n");
    logs.write("app.log", "two\n");
    let mut lines = logs.lines(3).await;
    lines[1..].sort();
    assert_eq!(lines, ["app.log one", "app.log late", "app.log two"]);
    fs::copy(logs.path("app.log"), logs.path("app.log.2")).unwrap();
    fs::write(logs.path("app.log"), "").unwrap();
    looks().await;
    logs.write("app.log", "three, longer than what was there before\n");
    assert_eq!(
        logs.lines(4).await[3],
        "app.log three, longer than what was there before"
    );
    // Cut and written again between two looks: the beginning tells.
    fs::write(
        logs.path("app.log"),
        "four, and as much again as before, and then some more of it\n",
    )
    .unwrap();
    assert!(logs.lines(5).await[4].starts_with("app.log four"));
    stop(running).await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_journal_ends() {
    let logs = Logs::new();
    logs.write("a.log", "1\n2\n");
    let running = logs.start(StartAt::Beginning).await;
    logs.lines(2).await;
    stop(running).await;
    let early = fs::read(logs.checkpoint()).unwrap();
    logs.write("a.log", "3\r\n");
    logs.write("b.log", "1\n");
    let running = logs.start(StartAt::End).await;
    logs.lines(4).await;
    logs.write("a.log", format!("{}\n4\n", "y".repeat(150)));
    logs.lines(6).await;
    stop(running).await;
    // As after a crash before the checkpoint was written: the journal knows better.
    fs::write(logs.checkpoint(), early).unwrap();
    fs::rename(logs.path("a.log"), logs.path("a.log.1")).unwrap();
    logs.write("a.log.1", "5\n");
    logs.write("a.log", "6\n");
    let running = logs.start(StartAt::End).await;
    let mut lines = logs.lines(8).await;
    looks().await;
    assert_eq!(logs.inbox.entries().len(), lines.len(), "nothing comes twice");
    lines.sort();
    let long = format!("a.log Oversized: {}", "y".repeat(100));
    assert_eq!(
        lines,
        [
            "a.log 1", "a.log 2", "a.log 3", "a.log 4", "a.log 5", "a.log 6", &long, "b.log 1"
        ]
    );
    stop(running).await;
}

#[tokio::test]
async fn a_full_journal_holds_the_place() {
    let logs = Logs::new();
    logs.inbox.set_full(true);
    logs.write("a.log", "1\n2\n");
    let running = logs.start(StartAt::Beginning).await;
    looks().await;
    assert!(logs.inbox.entries().is_empty());
    stop(running).await;
    logs.inbox.set_full(false);
    let running = logs.start(StartAt::End).await;
    assert_eq!(logs.lines(2).await, ["a.log 1", "a.log 2"]);
    stop(running).await;
}

#[tokio::test]
async fn many_short_lines_come_in_small_writes_and_in_order() {
    let logs = Logs::new();
    let text: Vec<String> = (0..10_000).map(|n| format!("{n}\n")).collect();
    logs.write("a.log", text.concat());
    logs.write("b.log", "other\n");
    let running = logs.start(StartAt::Beginning).await;
    let lines = logs.lines(10_001).await;
    let of_a: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("a.log "))
        .map(|n| format!("{n}\n"))
        .collect();
    assert_eq!(of_a, text);
    let other = lines.iter().position(|line| line == "b.log other");
    assert!(
        other.is_some_and(|at| at < 5000),
        "a busy file does not starve the others: {other:?}"
    );
    stop(running).await;
}

#[tokio::test]
async fn a_file_that_vanished_unread_is_accounted_for() {
    let logs = Logs::new();
    logs.write("a.log", "1\n");
    let running = logs.start(StartAt::Beginning).await;
    logs.lines(1).await;
    stop(running).await;
    fs::remove_file(logs.path("a.log")).unwrap();
    let running = logs.start(StartAt::Beginning).await;
    assert_eq!(logs.lines(2).await[1], "a.log lost 1");
    stop(running).await;
}

#[tokio::test]
async fn a_broken_checkpoint_is_not_a_first_run() {
    let logs = Logs::new();
    fs::create_dir(logs.folder.path().join("state")).unwrap();
    fs::write(logs.checkpoint(), "not json").unwrap();
    let (_stopper, stop) = Stopper::new();
    let receiving = receiving_into(&logs.inbox, NoTokens);
    let config = logs.config(StartAt::End);
    let started = start(&config, receiving, Path::new(&logs.folder.path().join("state")), stop).await;
    assert!(started.is_err());
}

/// A first run is only one: the places are written before any line came.
#[tokio::test]
async fn a_crash_right_after_the_first_look_loses_nothing() {
    let logs = Logs::new();
    logs.write("a.log", "old\n");
    let post = Post::start(&logs.config(StartAt::End), receiving_into(&logs.inbox, NoTokens)).await;
    post.stop().await;
    let running = logs.start(StartAt::End).await;
    looks().await;
    assert!(logs.checkpoint().exists());
    stop(running).await;
    logs.write("a.log", "while down\n");
    let running = logs.start(StartAt::End).await;
    assert_eq!(logs.lines(1).await, ["a.log while down"]);
    stop(running).await;
}

#[tokio::test]
async fn each_line_is_kept_with_the_header_above_it() {
    let logs = Logs::new();
    logs.write("iis.log", "#v\n#old\nbefore\n");
    let running = logs.start(StartAt::End).await;
    looks().await;
    logs.write("iis.log", "1\n#new\n2\n");
    assert_eq!(logs.hints(3).await, ["#old/2 1", "#new/3 #new", "#new/3 2"]);
    stop(running).await;
    let early = fs::read(logs.checkpoint()).unwrap();
    logs.write("iis.log", "3\n#newer\n");
    let running = logs.start(StartAt::End).await;
    assert_eq!(logs.hints(5).await[3..], ["#new/3 3", "#newer/4 #newer"]);
    stop(running).await;
    // As after a crash before the checkpoint was written: the journal says which lines it has.
    fs::write(logs.checkpoint(), early).unwrap();
    logs.write("iis.log", "4\n");
    let running = logs.start(StartAt::End).await;
    assert_eq!(logs.hints(6).await[5..], ["#newer/4 4"]);
    fs::rename(logs.path("iis.log"), logs.path("iis.log.1")).unwrap();
    logs.write("iis.log.1", "5\n");
    assert_eq!(logs.hints(7).await[6..], ["#newer/4 5"]);
    logs.write("iis.log", "no header\n");
    assert_eq!(logs.hints(8).await[7..], ["no header"]);
    logs.write("iis.log", "#first\n6\n");
    assert_eq!(logs.hints(10).await[8..], ["#first/1 #first", "#first/1 6"]);
    fs::write(logs.path("iis.log"), "#cut\n7\n").unwrap();
    assert_eq!(logs.hints(12).await[10..], ["#cut/1 #cut", "#cut/1 7"]);
    stop(running).await;
}

#[tokio::test]
async fn a_header_moves_on_only_with_lines_that_are_kept() {
    let logs = Logs::new();
    logs.inbox.set_full(true);
    logs.write("a.log", "#one\n1\n");
    let running = logs.start(StartAt::Beginning).await;
    looks().await;
    stop(running).await;
    logs.inbox.set_full(false);
    let running = logs.start(StartAt::End).await;
    assert_eq!(logs.hints(2).await, ["#one/1 #one", "#one/1 1"]);
    stop(running).await;
}

#[tokio::test]
async fn a_configured_format_is_completed_by_the_header_of_the_same_format_only() {
    for (configured, expected) in [("#w3c", "#w3c a b/1 1"), ("json", "json 1"), ("#w3", "#w3 1")] {
        let logs = Logs::new();
        logs.write("a.log", "#w3c a b\n1\n");
        let mut config = logs.config(StartAt::Beginning);
        config.files.formats = [("**/a.log".to_owned(), configured.into())].into();
        let post = Post::start(&config, receiving_into(&logs.inbox, NoTokens)).await;
        assert_eq!(logs.hints(2).await[1], expected);
        post.stop().await;
    }
}
