//! Follows log files. The place of a line travels in its record's origin (`PATH:DEVICE-INODE:OFFSET`), so that after a crash the
//! journal itself says which lines it has that the checkpoint does not know of: none is lost, none is doubled.

use std::{io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use compact_str::CompactString;
use glob::Pattern;
use model::{FormatHint, JournalEntry, Loss, RejectReason, Seq, SourceId, Transport};

use crate::{
    FilesConfig, KnownSource, NewHeader, Receiving, Refused, Stop,
    follow::{Batch, Checkpoint, FileId, Follower, Gap, Line, Look},
    receiving::{Refusal, Sender},
};

/// Entries read at once while learning what followed the checkpoint.
const LEARN_ENTRIES: usize = 4096;

/// Looks between two writings of the checkpoint, at the default pace once a second.
const LOOKS_PER_SAVE: u32 = 2;

/// Opens the follower of the configured files.
///
/// # Errors
/// When its checkpoint is there but cannot be read.
pub(crate) fn open(config: FilesConfig, folder: &Path, headers: NewHeader) -> io::Result<Follower> {
    Follower::resume(config, Checkpoint::at(folder.join("files.json")), headers)
}

/// Follows the files until the end is wished for.
pub(crate) async fn run(mut follower: Follower, config: FilesConfig, receiving: Arc<Receiving>, mut stop: Stop) {
    let pause = Duration::from_millis(config.poll_milliseconds);
    if learn(&mut follower, &receiving, &mut stop).await.is_err() {
        return;
    }
    // The first look is saved at once: a crash must not make this the first run again.
    let mut looks = LOOKS_PER_SAVE;
    loop {
        let Some((back, look)) = blocking(follower, Follower::look).await else {
            return;
        };
        follower = back;
        let quiet = look.batches.is_empty();
        let kept = keep(&mut follower, look, &config, &receiving, &mut stop).await;
        looks += 1;
        let ends = stop.is_requested() || kept.is_err();
        if looks >= LOOKS_PER_SAVE || ends {
            looks = 0;
            let Some((back, ())) = blocking(follower, save).await else {
                return;
            };
            follower = back;
        }
        if ends {
            return;
        }
        if quiet {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.requested() => {}
            }
        }
    }
}

/// Runs a step of the follower where waiting for the disk holds up nobody; nothing when the step panicked.
async fn blocking<T: Send + 'static>(
    mut follower: Follower,
    step: impl FnOnce(&mut Follower) -> T + Send + 'static,
) -> Option<(Follower, T)> {
    let done = tokio::task::spawn_blocking(move || {
        let result = step(&mut follower);
        (follower, result)
    });
    done.await.ok()
}

fn save(follower: &mut Follower) {
    if let Err(error) = follower.save() {
        // Without it a restart asks the journal for more.
        tracing::warn!(%error, "the checkpoint of followed files could not be written");
    }
}

/// Asks the journal for the lines that it took after the checkpoint was written.
async fn learn(follower: &mut Follower, receiving: &Receiving, stop: &mut Stop) -> Result<(), Refused> {
    let mut after = follower.seq();
    loop {
        let entries = match receiving.inbox.after(after, LEARN_ENTRIES).await {
            Ok(entries) => entries,
            Err(refused) => {
                tracing::error!(%refused, "the journal cannot be asked which lines it has");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                    () = stop.requested() => return Err(refused),
                }
            }
        };
        let Some((newest, _)) = entries.last() else {
            return Ok(());
        };
        after = *newest;
        for (seq, entry) in &entries {
            learn_entry(follower, *seq, entry);
        }
    }
}

fn learn_entry(follower: &mut Follower, seq: Seq, entry: &JournalEntry) {
    let record = match entry {
        JournalEntry::Record(record) => record,
        JournalEntry::Rejection(rejection) => &rejection.record,
        JournalEntry::Loss(_) | JournalEntry::Tick(_) => return,
    };
    if record.transport == Transport::File
        && let Some((path, id, offset)) = place(&record.origin)
    {
        follower.learn(seq, path, id, (offset, record.bytes.len() as u64));
    }
}

fn origin(path: &Path, id: FileId, offset: u64) -> CompactString {
    compact_str::format_compact!("{}:{}-{}:{offset}", path.display(), id.device, id.inode)
}

/// The file and offset in an origin.
fn place(origin: &str) -> Option<(&Path, FileId, u64)> {
    let (rest, offset) = origin.rsplit_once(':')?;
    let (path, id) = rest.rsplit_once(':')?;
    let (device, inode) = id.split_once('-')?;
    let id = FileId {
        device: device.parse().ok()?,
        inode: inode.parse().ok()?,
    };
    Some((Path::new(path), id, offset.parse().ok()?))
}

async fn keep(
    follower: &mut Follower,
    look: Look,
    config: &FilesConfig,
    receiving: &Receiving,
    stop: &mut Stop,
) -> Result<(), Refused> {
    let mut entries: Vec<JournalEntry> = look.gaps.iter().map(|gap| loss(gap, receiving)).collect();
    for batch in &look.batches {
        let sender = sender(batch, config);
        let now = receiving.now();
        for line in batch.lines() {
            let hint = hint(&sender.source.format, &line.hint);
            let sender = sender
                .clone()
                .with_origin(origin(&batch.path, batch.id, line.offset))
                .with_format(hint);
            entries.push(if line.oversized {
                sender.rejection(now, oversized(line, config))
            } else {
                sender.record(now, line.bytes.clone())
            });
        }
    }
    let count = entries.len() as u64;
    let newest = if entries.is_empty() {
        follower.seq()
    } else {
        receiving.keep_patiently(Transport::File, entries, stop).await? + count - 1
    };
    follower.kept(&look.batches, newest);
    Ok(())
}

fn oversized(line: &Line, config: &FilesConfig) -> Refusal {
    Refusal {
        kept: Bytes::clone(&line.bytes),
        reason: RejectReason::Oversized,
        detail: format!("longer than {} bytes", config.line_bytes_max),
    }
}

/// What the file's own header says wins over nothing, and completes the same format where it is configured.
fn hint(configured: &FormatHint, header: &FormatHint) -> FormatHint {
    match (configured, header) {
        (FormatHint::Named(_), FormatHint::Unknown) => configured.clone(),
        (FormatHint::Named(name), FormatHint::Named(with_columns)) => {
            let of_same = with_columns
                .strip_prefix(name.as_str())
                .is_some_and(|columns| columns.starts_with(' '));
            if of_same { header.clone() } else { configured.clone() }
        }
        (FormatHint::Unknown, _) => header.clone(),
    }
}

fn source(path: &Path) -> SourceId {
    SourceId::new(&format!("file{}", path.display()))
}

fn sender(batch: &Batch, config: &FilesConfig) -> Sender {
    let format = config
        .formats
        .iter()
        .find(|(pattern, _)| Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_path(&batch.path)));
    let mut known = KnownSource::named(source(&batch.path));
    if let Some((_, name)) = format {
        known.format = FormatHint::Named(name.clone());
    }
    Sender {
        source: known,
        transport: Transport::File,
        origin: CompactString::default(),
    }
}

/// How many lines are missing is not known; one stands for them.
fn loss(gap: &Gap, receiving: &Receiving) -> JournalEntry {
    JournalEntry::Loss(Loss {
        source: source(&gap.path),
        noticed_at: receiving.now(),
        records: 1,
        detail: gap.detail.to_owned(),
    })
}
