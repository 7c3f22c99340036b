//! Follows the systemd journal of this machine through `journalctl`, which knows every version of its files. The cursor of an
//! entry is its record's origin, so that after a crash the journal of the post says how far it came.

use std::{io, path::Path, process::Stdio, sync::Arc, time::Duration};

use compact_str::CompactString;
use model::{JournalEntry, RawRecord, Seq, SourceId, Transport};
use serde::{Deserialize, Serialize};
use sonic_rs::JsonValueTrait;
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdout, Command},
    time::Instant,
};

use crate::{
    JournaldConfig, KnownSource, Receiving, Refused, StartAt, Stop,
    follow::Checkpoint,
    framing::{Frame, Framer},
    receiving::Sender,
};

/// Pauses between two starts of the program.
const RESTART_FIRST: Duration = Duration::from_secs(1);
const RESTART_LONGEST: Duration = Duration::from_mins(1);

/// A program that ran for this long was healthy.
const HEALTHY: Duration = Duration::from_secs(30);

/// Bytes asked of the program at once, and longest complaint of it that is repeated.
const READ_BYTES: usize = 64 * 1024;
const COMPLAINT_BYTES_MAX: usize = 500;

const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Entries read at once while learning what followed the checkpoint.
const LEARN_ENTRIES: usize = 4096;

/// Longest cursor that is believed; systemd's have about 130 bytes.
const CURSOR_BYTES_MAX: usize = 512;

/// How far the journal was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The newest entry of the post's journal that came from here.
    seq: Seq,
    cursor: Option<CompactString>,
}

struct Following {
    config: JournaldConfig,
    receiving: Arc<Receiving>,
    checkpoint: Checkpoint,
    place: Place,
    /// Since when the place is newer than the checkpoint.
    unsaved_since: Option<Instant>,
    stop: Stop,
}

/// Why the program is not running any more.
enum Ended {
    /// There is no such program.
    Absent,
    /// It ended, after having run for so long.
    Exited(Duration),
    /// The end is wished for.
    Stopped,
}

/// Whether there is a journal to follow, so that files with the same lines need not be read too.
#[must_use]
pub(crate) fn is_available(config: &JournaldConfig) -> bool {
    let has_files = |folder: &str| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    config.enabled && (has_files("/var/log/journal") || has_files("/run/log/journal"))
}

/// Follows the journal until the end is wished for.
pub(crate) async fn run(
    config: JournaldConfig,
    folder: &Path,
    receiving: Arc<Receiving>,
    stop: Stop,
) -> io::Result<()> {
    let checkpoint = Checkpoint::at(folder.join("journald.json"));
    let saved: Option<Place> = checkpoint.load()?;
    let mut following = Following {
        config,
        receiving,
        checkpoint,
        place: saved.clone().unwrap_or_default(),
        unsaved_since: None,
        stop,
    };
    if saved.is_none() && following.config.start == StartAt::End {
        following.place.cursor = following.newest().await;
        following.save();
    }
    if following.learn().await.is_ok() {
        following.follow().await;
    }
    following.save();
    Ok(())
}

impl Following {
    async fn follow(&mut self) {
        let mut pause = RESTART_FIRST;
        loop {
            match self.run_program().await {
                Ended::Absent => {
                    tracing::warn!(
                        program = %self.config.journalctl.display(),
                        "there is no journalctl here; the systemd journal is not followed"
                    );
                    return;
                }
                Ended::Stopped => return,
                Ended::Exited(ran) if ran >= HEALTHY => pause = RESTART_FIRST,
                Ended::Exited(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.requested() => return,
            }
            pause = (pause * 2).min(RESTART_LONGEST);
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.config.journalctl);
        command
            .args(["--output=json", "--all", "--no-pager", "--quiet"])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The cursor of the newest entry that is there now.
    async fn newest(&self) -> Option<CompactString> {
        let output = self.command().arg("--lines=1").output().await.ok()?;
        let line = output.stdout.split(|b| *b == b'\n').rfind(|line| !line.is_empty())?;
        cursor(line)
    }

    async fn run_program(&mut self) -> Ended {
        let mut command = self.command();
        command.args(["--follow", "--lines=all"]);
        if let Some(cursor) = &self.place.cursor {
            command.arg(format!("--after-cursor={cursor}"));
        }
        let started = Instant::now();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ended::Absent,
            Err(error) => {
                tracing::warn!(%error, "journalctl could not be started");
                return Ended::Exited(Duration::ZERO);
            }
        };
        let Some(output) = child.stdout.take() else {
            return Ended::Exited(Duration::ZERO);
        };
        let complaint = child.stderr.take().map(|mut stderr| {
            tokio::spawn(async move {
                let mut text = Vec::new();
                // All of it is read, so that the program never waits for us; only the beginning is repeated.
                let _ = (&mut stderr)
                    .take(COMPLAINT_BYTES_MAX as u64)
                    .read_to_end(&mut text)
                    .await;
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
                String::from_utf8_lossy(&text).trim().to_owned()
            })
        });
        if self.read(output).await.is_err() || self.stop.is_requested() {
            return Ended::Stopped;
        }
        let complaint = match complaint {
            Some(task) => task.await.unwrap_or_default(),
            None => String::new(),
        };
        let status = wait(&mut child).await;
        tracing::warn!(status, complaint, "journalctl ended and will be started again");
        Ended::Exited(started.elapsed())
    }

    /// Reads entries until the program ends; an error when the end is wished for.
    async fn read(&mut self, mut output: ChildStdout) -> Result<(), Refused> {
        // Entries are lines; the framer of streams bounds them as it bounds syslog's.
        let mut framer = Framer::new(self.config.entry_bytes_max);
        loop {
            framer.buffer().reserve(READ_BYTES);
            let save_at = self.unsaved_since.unwrap_or_else(Instant::now) + SAVE_INTERVAL;
            let read = tokio::select! {
                read = output.read_buf(framer.buffer()) => read.unwrap_or(0),
                () = tokio::time::sleep_until(save_at), if self.unsaved_since.is_some() => {
                    self.save();
                    continue;
                }
                () = self.stop.requested() => return Err(Refused::Full),
            };
            let entries: Vec<Frame> = std::iter::from_fn(|| framer.next_frame()).collect();
            if !entries.is_empty() {
                self.keep(entries).await?;
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    async fn keep(&mut self, frames: Vec<Frame>) -> Result<(), Refused> {
        let now = self.receiving.now();
        let mut newest = self.place.cursor.clone();
        let mut entries = Vec::with_capacity(frames.len());
        for frame in frames {
            let bytes = match &frame {
                Frame::Message(bytes) => bytes,
                Frame::Refused(refusal) => &refusal.kept,
            };
            newest = cursor(bytes).or(newest);
            let sender = Sender {
                source: KnownSource::named(SourceId::new("journald")),
                transport: Transport::Journald,
                origin: newest.clone().unwrap_or_default(),
            };
            entries.push(match frame {
                Frame::Message(bytes) => sender.record(now, bytes),
                Frame::Refused(refusal) => sender.rejection(now, refusal),
            });
        }
        let count = entries.len() as u64;
        let first = self
            .receiving
            .keep_patiently(Transport::Journald, entries, &mut self.stop)
            .await?;
        self.place = Place {
            seq: first + count - 1,
            cursor: newest,
        };
        if self.unsaved_since.get_or_insert_with(Instant::now).elapsed() >= SAVE_INTERVAL {
            self.save();
        }
        Ok(())
    }

    fn save(&mut self) {
        self.unsaved_since = None;
        if let Err(error) = self.checkpoint.save(&self.place) {
            tracing::warn!(%error, "the checkpoint of the systemd journal could not be written");
        }
    }

    /// Asks the post's journal for entries that it took after the checkpoint was written.
    async fn learn(&mut self) -> Result<(), Refused> {
        let mut after = self.place.seq;
        loop {
            let entries = match self.receiving.inbox.after(after, LEARN_ENTRIES).await {
                Ok(entries) => entries,
                Err(refused) => {
                    tracing::error!(%refused, "the journal cannot be asked which entries it has");
                    tokio::select! {
                        () = tokio::time::sleep(RESTART_FIRST) => continue,
                        () = self.stop.requested() => return Err(refused),
                    }
                }
            };
            let Some((newest, _)) = entries.last() else {
                return Ok(());
            };
            after = *newest;
            for (seq, entry) in &entries {
                if let Some(record) = journald_record(entry).filter(|record| !record.origin.is_empty()) {
                    self.place = Place {
                        seq: *seq,
                        cursor: Some(record.origin.clone()),
                    };
                }
            }
        }
    }
}

fn journald_record(entry: &JournalEntry) -> Option<&RawRecord> {
    let record = match entry {
        JournalEntry::Record(record) => record,
        JournalEntry::Rejection(rejection) => &rejection.record,
        JournalEntry::Loss(_) | JournalEntry::Tick(_) => return None,
    };
    (record.transport == Transport::Journald).then_some(record)
}

fn cursor(entry: &[u8]) -> Option<CompactString> {
    let value = sonic_rs::get(entry, ["__CURSOR"]).ok()?;
    let cursor = value.as_str().filter(|cursor| cursor.len() <= CURSOR_BYTES_MAX)?;
    Some(CompactString::new(cursor))
}

async fn wait(child: &mut Child) -> String {
    child
        .wait()
        .await
        .map_or_else(|error| error.to_string(), |status| status.to_string())
}
