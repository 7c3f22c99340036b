//! The one thread that writes: it takes whatever waits, makes it durable in one commit, and answers all who waited.

use std::sync::{
    Arc,
    mpsc::{Receiver, TryRecvError},
};

use model::Seq;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::{
    AppendError, DiskError, SeqRange, Shared,
    block::{BLOCK_BYTES, Packer},
    store::Extent,
};

/// One commit takes at most this many bytes of entries, so that the first to wait does not wait for all the others.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Released space is given back by itself once it is this part of the journal's limit; below, with the next commit.
const RELEASE_PART: u64 = 8;

/// Encoded entries of one caller, back to back.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Where each entry ends in `bytes`.
    pub(crate) ends: Vec<usize>,
}

/// What the writer is asked.
pub(crate) enum Request {
    /// Make these durable.
    Append {
        entries: Encoded,
        reply: oneshot::Sender<Result<SeqRange, AppendError>>,
        /// Room among the waiting bytes, given back when the request is answered.
        permit: OwnedSemaphorePermit,
    },
    /// See whether the store needs to be opened anew, and whether what was released is worth a commit.
    Look,
}

struct Waiting {
    range: SeqRange,
    reply: oneshot::Sender<Result<SeqRange, AppendError>>,
    permit: OwnedSemaphorePermit,
}

/// Blocks in the making.
struct Filling {
    done: Vec<(Seq, Vec<u8>)>,
    first: Seq,
    entries: u32,
    bytes: Vec<u8>,
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) requests: Receiver<Request>,
    pub(crate) packer: Packer,
    /// Absent after a failed commit, until the store was opened anew.
    pub(crate) extent: Option<Extent>,
    /// Tells who waits for entries.
    pub(crate) next: watch::Sender<Seq>,
    /// The number the next entry gets at least, whatever the store says.
    pub(crate) next_at_least: Seq,
}

impl Writer {
    /// Serves until the last handle is gone.
    pub(crate) fn run(mut self) {
        while let Ok(first) = self.requests.recv() {
            match first {
                Request::Look => {
                    // A failure shows again, and is answered, at the next append.
                    let _ = self.open_store();
                    self.give_back(RELEASE_PART);
                }
                Request::Append { .. } => self.serve(first),
            }
        }
        self.give_back(u64::MAX);
    }

    fn serve(&mut self, first: Request) {
        let (mut group, mut filling, keep_from) = match self.begin() {
            Ok(begun) => begun,
            Err(error) => return refuse(first, error),
        };
        let mut request = Some(first);
        let mut taken = 0;
        let mut failed = None;
        while let Some(Request::Append { entries, reply, permit }) =
            request.take_if(|r| matches!(r, Request::Append { .. }))
        {
            taken += entries.bytes.len();
            if self.fits(keep_from, taken) {
                let first = filling.first + u64::from(filling.entries);
                let range = first..first + entries.ends.len() as u64;
                failed = filling.add(&mut self.packer, &entries).err();
                group.push(Waiting { range, reply, permit });
            } else {
                taken -= entries.bytes.len();
                let _ = reply.send(Err(AppendError::Full));
            }
            if taken >= GROUP_BYTES || failed.is_some() {
                break;
            }
            request = loop {
                match self.requests.try_recv() {
                    // What was released is looked at with each commit anyway.
                    Ok(Request::Look) => {}
                    Ok(append) => break Some(append),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break None,
                }
            };
        }
        let outcome = match failed.map_or_else(|| filling.close(&mut self.packer), Err) {
            Ok(()) => self.commit(&filling.done, keep_from, filling.first),
            Err(error) => Err(DiskError::from(error)),
        };
        answer(group, &outcome);
    }

    /// Opens the store anew if the last commit failed, and says where the kept blocks begin once released ones are gone.
    fn begin(&mut self) -> Result<(Vec<Waiting>, Filling, Seq), DiskError> {
        self.open_store()?;
        let extent = self.extent.as_ref().expect("was just opened");
        let (_, keep_from) = extent.releasable(self.shared.released());
        Ok((
            Vec::new(),
            Filling {
                done: Vec::new(),
                first: extent.next,
                entries: 0,
                bytes: Vec::new(),
            },
            keep_from,
        ))
    }

    fn open_store(&mut self) -> Result<(), DiskError> {
        if self.extent.is_none() {
            let mut extent = self.shared.store.reopen()?;
            extent.next = extent.next.max(self.next_at_least);
            self.shared.publish(&extent, &self.next);
            self.extent = Some(extent);
        }
        Ok(())
    }

    fn fits(&self, keep_from: Seq, taken: usize) -> bool {
        let extent = self.extent.as_ref().expect("a group begins with an open store");
        let (free, _) = extent.releasable(keep_from.saturating_sub(1));
        extent.bytes - free + taken as u64 <= self.shared.bytes_max
    }

    fn commit(&mut self, blocks: &[(Seq, Vec<u8>)], keep_from: Seq, next: Seq) -> Result<(), DiskError> {
        let mut extent = self.extent.take().expect("a group begins with an open store");
        if !blocks.is_empty() || keep_from > extent.first() {
            self.shared.store.commit(&mut extent, blocks, keep_from, next)?;
        }
        self.shared.publish(&extent, &self.next);
        self.extent = Some(extent);
        Ok(())
    }

    /// Frees what was released, when it is at least the `part`-th part of the limit.
    fn give_back(&mut self, part: u64) {
        let Some(extent) = &self.extent else { return };
        let (free, keep_from) = extent.releasable(self.shared.released());
        let next = extent.next;
        if free > 0 && free >= self.shared.bytes_max / part {
            let _ = self.commit(&[], keep_from, next);
        }
    }
}

impl Filling {
    fn add(&mut self, packer: &mut Packer, entries: &Encoded) -> std::io::Result<()> {
        let mut begin = 0;
        for end in &entries.ends {
            let entry = &entries.bytes[begin..*end];
            if !self.bytes.is_empty() && self.bytes.len() + entry.len() > BLOCK_BYTES {
                self.close(packer)?;
            }
            self.bytes.extend_from_slice(entry);
            self.entries += 1;
            begin = *end;
        }
        Ok(())
    }

    fn close(&mut self, packer: &mut Packer) -> std::io::Result<()> {
        if self.entries > 0 {
            self.done.push((self.first, packer.pack(self.entries, &self.bytes)?));
            self.first += u64::from(self.entries);
            self.entries = 0;
            self.bytes.clear();
        }
        Ok(())
    }
}

fn refuse(request: Request, error: DiskError) {
    match request {
        Request::Append { reply, .. } => {
            let _ = reply.send(Err(AppendError::Disk(error)));
        }
        Request::Look => {}
    }
}

fn answer(group: Vec<Waiting>, outcome: &Result<(), DiskError>) {
    for Waiting { range, reply, permit } in group {
        // Whoever no longer listens has its entries in the journal all the same.
        let _ = reply.send(outcome.clone().map(|()| range).map_err(AppendError::Disk));
        drop(permit);
    }
}
