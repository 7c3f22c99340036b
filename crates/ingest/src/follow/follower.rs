//! All followed files together: finding them, reading their new lines in small batches, and standing still when the journal does.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use model::Seq;
use serde::{Deserialize, Serialize};

use crate::{FilesConfig, StartAt};

use super::{
    NewHeader,
    candidates::{Candidate, FileId, find, find_renamed},
    checkpoint::Checkpoint,
    tail::{Change, Line, Lines, Mark, Tail},
};

/// Looks between two searches for new files.
const LOOKS_PER_SEARCH: u32 = 10;

/// Bytes that one look takes from all files together, a line counted with what its record carries beside it.
const LOOK_BYTES_MAX: usize = 4 * 1024 * 1024;
const LINE_BYTES_BESIDE: usize = 512;

/// How many looks a file that was renamed or deleted is still watched: its writer may not have noticed yet.
const LOOKS_AFTER_GONE: u32 = 20;

/// Lines of one file that are to be kept.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Where the file was first found.
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
    lines: Lines,
}

impl Batch {
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines.whole
    }
}

/// Something that the account of a source should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) path: PathBuf,
    pub(crate) detail: &'static str,
}

/// What one look found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) batches: Vec<Batch>,
    pub(crate) gaps: Vec<Gap>,
}

impl Look {
    fn bytes(&self) -> usize {
        let lines = self.batches.iter().flat_map(Batch::lines);
        lines.map(|line| line.bytes.len() + LINE_BYTES_BESIDE).sum()
    }
}

/// What is written to the checkpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    /// The newest journal entry that came from these files.
    seq: Seq,
    files: Vec<Mark>,
}

/// The followed files.
pub(crate) struct Follower {
    config: FilesConfig,
    checkpoint: Checkpoint,
    new_header: NewHeader,
    seq: Seq,
    tails: HashMap<FileId, Tail>,
    /// Marks of the last run whose files were not found yet.
    marks: HashMap<FileId, Mark>,
    /// Files that are not text, and paths that cannot be read: said once.
    binary: HashSet<FileId>,
    unreadable: HashSet<PathBuf>,
    first_run: bool,
    looks: u32,
    /// Where the next look begins among the files, so that busy ones do not starve the rest.
    turn: usize,
    changed: bool,
}

impl Follower {
    /// Takes up where the checkpoint says.
    ///
    /// # Errors
    /// When there is a checkpoint that cannot be read.
    pub(crate) fn resume(config: FilesConfig, checkpoint: Checkpoint, new_header: NewHeader) -> io::Result<Self> {
        let saved: Option<Saved> = checkpoint.load()?;
        let first_run = saved.is_none();
        let saved = saved.unwrap_or_default();
        Ok(Self {
            config,
            checkpoint,
            new_header,
            seq: saved.seq,
            tails: HashMap::new(),
            marks: saved.files.into_iter().map(|mark| (mark.id, mark)).collect(),
            binary: HashSet::new(),
            unreadable: HashSet::new(),
            first_run,
            looks: 0,
            turn: 0,
            changed: true,
        })
    }

    /// The newest journal entry that the checkpoint knows of: what came after it is told by [`Follower::learn`].
    pub(crate) fn seq(&self) -> Seq {
        self.seq
    }

    /// Learns from a journal entry younger than the checkpoint that a line is kept: its offset and length.
    pub(crate) fn learn(&mut self, seq: Seq, path: &Path, id: FileId, line: (u64, u64)) {
        let (offset, bytes) = line;
        self.seq = self.seq.max(seq);
        let mark = self.marks.entry(id).or_insert_with(|| Mark {
            path: path.to_owned(),
            id,
            offset: 0,
            inside_line: false,
            head: Vec::new(),
        });
        if offset >= mark.offset {
            mark.offset = offset + bytes;
            mark.inside_line = true;
        }
    }

    /// Looks at the files in turn: at most one read of each, and at most [`LOOK_BYTES_MAX`].
    pub(crate) fn look(&mut self) -> Look {
        let mut look = Look::default();
        if self.looks.is_multiple_of(LOOKS_PER_SEARCH) {
            self.search(&mut look);
        }
        self.looks = self.looks.wrapping_add(1);
        let mut ids: Vec<FileId> = self.tails.keys().copied().collect();
        ids.sort_unstable();
        let files = ids.len().max(1);
        ids.rotate_left(self.turn % files);
        for id in ids {
            if look.bytes() >= LOOK_BYTES_MAX {
                break;
            }
            self.turn = (self.turn + 1) % files;
            if let Err(error) = self.look_at(id, &mut look) {
                tracing::warn!(path = %self.tails[&id].mark.path.display(), %error, "a followed file cannot be read");
                self.tails.remove(&id);
            }
        }
        look
    }

    /// Stands behind these lines: the journal has them, the last one as entry `seq`.
    pub(crate) fn kept(&mut self, batches: &[Batch], seq: Seq) {
        self.seq = self.seq.max(seq);
        for batch in batches {
            if let Some(tail) = self.tails.get_mut(&batch.id) {
                tail.advance(&batch.lines);
                self.changed = true;
            }
        }
    }

    /// Writes the checkpoint if anything moved since the last time.
    pub(crate) fn save(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        let open = self.tails.values().map(|tail| tail.mark.clone());
        let mut files: Vec<Mark> = open.chain(self.marks.values().cloned()).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        self.checkpoint.save(&Saved { seq: self.seq, files })?;
        self.changed = false;
        Ok(())
    }

    fn search(&mut self, look: &mut Look) {
        let found = find(&self.config);
        for candidate in found {
            if !self.tails.contains_key(&candidate.id) && self.tails.len() < self.config.files_max {
                self.begin(candidate, look);
            }
        }
        if self.looks == 0 {
            self.find_lost(look);
            self.first_run = false;
        }
    }

    /// Begins to follow a file: where it was left, or where new ones begin.
    fn begin(&mut self, candidate: Candidate, look: &mut Look) {
        let Candidate { path, id } = candidate;
        let known = self.marks.remove(&id);
        let is_new = known.is_none();
        let mark = known.unwrap_or_else(|| Mark {
            path: path.clone(),
            id,
            offset: 0,
            inside_line: false,
            head: Vec::new(),
        });
        if let Err(error) = self.open(&path, mark, is_new, look)
            && self.unreadable.insert(path.clone())
        {
            tracing::warn!(path = %path.display(), %error, "a log cannot be read");
        }
    }

    fn open(&mut self, path: &Path, mark: Mark, is_new: bool, look: &mut Look) -> io::Result<()> {
        let id = mark.id;
        let offset = mark.offset;
        let Some(mut tail) = Tail::open(path, mark, self.config.line_bytes_max, self.new_header)? else {
            return Ok(());
        };
        if tail.mark.offset < offset {
            look.gaps.push(began_again(path));
        }
        if tail.is_text()? == Some(false) {
            if self.binary.insert(id) {
                tracing::info!(path = %path.display(), "not a text log, left alone");
            }
            return Ok(());
        }
        if is_new && self.first_run && self.config.start == StartAt::End {
            tail.go_to_end()?;
        }
        self.changed = true;
        self.tails.insert(id, tail);
        Ok(())
    }

    /// Finds files that were renamed while nobody was looking, and says which are gone with lines that were not read.
    fn find_lost(&mut self, look: &mut Look) {
        for (id, mark) in std::mem::take(&mut self.marks) {
            let path = mark.path.clone();
            match find_renamed(&path, id) {
                Some(renamed) => self.begin_renamed(&renamed, mark, look),
                None => look.gaps.push(Gap {
                    path,
                    detail: "the file was removed or packed while it was not followed; its last lines may be missing",
                }),
            }
        }
    }

    fn begin_renamed(&mut self, renamed: &Path, mark: Mark, look: &mut Look) {
        if let Err(error) = self.open(renamed, mark, false, look) {
            tracing::warn!(path = %renamed.display(), %error, "a rotated log cannot be read");
        }
    }

    fn look_at(&mut self, id: FileId, look: &mut Look) -> io::Result<()> {
        let Some(tail) = self.tails.get_mut(&id) else {
            return Ok(());
        };
        let path = tail.mark.path.clone();
        match tail.look()? {
            Change::None => {}
            Change::BeganAgain { unread } => {
                self.changed = true;
                if unread {
                    look.gaps.push(began_again(&path));
                }
            }
        }
        let here = fs::metadata(&path).ok().map(|metadata| FileId::of(&metadata));
        let last = here != Some(id) && tail.looks_since_gone >= LOOKS_AFTER_GONE;
        let lines = tail.lines(last)?;
        if tail.moves(&lines) {
            tail.looks_since_gone = 0;
            look.batches.push(Batch { path, id, lines });
            return Ok(());
        }
        if here == Some(id) {
            tail.looks_since_gone = 0;
            return Ok(());
        }
        tail.looks_since_gone += 1;
        if last {
            self.tails.remove(&id);
            self.changed = true;
        }
        // The name has a new file already: its lines must not wait for the next search.
        if let Some(id) = here.filter(|id| !self.tails.contains_key(id) && !self.binary.contains(id)) {
            self.begin(Candidate { path, id }, look);
        }
        Ok(())
    }
}

fn began_again(path: &Path) -> Gap {
    Gap {
        path: path.to_owned(),
        detail: "the file was cut and began again; lines written just before may be missing",
    }
}
