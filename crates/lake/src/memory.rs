//! Rows that are not in a file yet: fresh ones as they came, then in pieces that become Parquet one after the other.
//! All of them can be found.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use model::Event;

use crate::{
    filter::{Filter, Wantable},
    manifest::Position,
    rejection_row::Refused,
    row::day_of,
    segment::Segment,
};

/// Rows of a day that become one row group.
pub(crate) const SEGMENT_ROWS: usize = 8192;

/// Bytes of rows of a day that become one row group, even when they are fewer.
const SEGMENT_BYTES: usize = 16 * 1024 * 1024;

/// Rows of one day on their way into a file.
pub(crate) struct Piece<R> {
    pub(crate) id: u64,
    pub(crate) day: Date,
    pub(crate) content: Content<R>,
    bytes: usize,
    /// Whether a thread is turning it into Parquet.
    claimed: bool,
}

pub(crate) enum Content<R> {
    Rows(Arc<Vec<R>>),
    Parquet(Arc<Segment>),
}

/// The rows of one table in memory.
pub(crate) struct Rows<R> {
    fresh: BTreeMap<Date, Vec<R>>,
    fresh_bytes: BTreeMap<Date, usize>,
    pieces: Vec<Piece<R>>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self {
            fresh: BTreeMap::new(),
            fresh_bytes: BTreeMap::new(),
            pieces: Vec::new(),
        }
    }
}

/// A copy of what a reader needs, so that it does not hold the lock.
pub(crate) struct Snapshot<R> {
    /// Fresh rows, only the wanted ones.
    pub(crate) fresh: Vec<R>,
    /// Pieces that are not Parquet yet, with all their rows.
    pub(crate) pieces: Vec<Arc<Vec<R>>>,
    pub(crate) segments: Vec<Arc<Segment>>,
}

impl<R: Wantable> Rows<R> {
    pub(crate) fn push(&mut self, row: R, days_back: u16, next_piece: &mut u64) {
        let day = day_of(&row, days_back);
        let bytes = self.fresh_bytes.entry(day).or_default();
        *bytes += row.bytes();
        let full = *bytes >= SEGMENT_BYTES;
        let rows = self.fresh.entry(day).or_default();
        rows.push(row);
        if full || rows.len() >= SEGMENT_ROWS {
            self.cut(day, next_piece);
        }
    }

    fn cut(&mut self, day: Date, next_piece: &mut u64) {
        let (Some(rows), Some(bytes)) = (self.fresh.remove(&day), self.fresh_bytes.remove(&day)) else {
            return;
        };
        let content = Content::Rows(Arc::new(rows));
        self.pieces.push(Piece {
            id: *next_piece,
            day,
            content,
            bytes,
            claimed: false,
        });
        *next_piece += 1;
    }

    /// Makes pieces of all fresh rows.
    pub(crate) fn cut_all(&mut self, next_piece: &mut u64) {
        while let Some(day) = self.fresh.keys().next().copied() {
            self.cut(day, next_piece);
        }
    }

    /// Gives a piece before `before` to a thread that turns it into Parquet.
    pub(crate) fn claim(&mut self, before: u64) -> Option<(u64, Arc<Vec<R>>)> {
        self.pieces
            .iter_mut()
            .filter(|piece| piece.id < before && !piece.claimed)
            .find_map(|piece| match &piece.content {
                Content::Rows(rows) => {
                    piece.claimed = true;
                    Some((piece.id, Arc::clone(rows)))
                }
                Content::Parquet(_) => None,
            })
    }

    /// Takes back a claimed piece, as Parquet or, if that failed, as it was.
    pub(crate) fn settle(&mut self, id: u64, segment: Option<Segment>) {
        let Some(piece) = self.pieces.iter_mut().find(|piece| piece.id == id) else {
            return;
        };
        piece.claimed = false;
        if let Some(segment) = segment {
            piece.bytes = segment.parquet.len();
            piece.content = Content::Parquet(Arc::new(segment));
        }
    }

    pub(crate) fn is_any_claimed(&self, before: u64) -> bool {
        self.pieces.iter().any(|piece| piece.id < before && piece.claimed)
    }

    pub(crate) fn has_unclaimed_rows(&self, before: u64) -> bool {
        let mut earlier = self.pieces.iter().filter(|piece| piece.id < before);
        earlier.any(|piece| !piece.claimed && matches!(piece.content, Content::Rows(_)))
    }

    /// The segments before `before`, by day.
    pub(crate) fn segments(&self, before: u64) -> BTreeMap<Date, Vec<Arc<Segment>>> {
        let mut by_day: BTreeMap<Date, Vec<Arc<Segment>>> = BTreeMap::new();
        for piece in self.pieces.iter().filter(|piece| piece.id < before) {
            if let Content::Parquet(segment) = &piece.content {
                by_day.entry(piece.day).or_default().push(Arc::clone(segment));
            }
        }
        by_day
    }

    /// Forgets the pieces before `before`: they are in files.
    pub(crate) fn forget(&mut self, before: u64) {
        self.pieces.retain(|piece| piece.id >= before);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.fresh_bytes.values().sum::<usize>() + self.pieces.iter().map(|piece| piece.bytes).sum::<usize>()
    }

    /// Bytes that are Parquet already.
    pub(crate) fn segment_bytes(&self) -> usize {
        let parquet = self
            .pieces
            .iter()
            .filter(|piece| matches!(piece.content, Content::Parquet(_)));
        parquet.map(|piece| piece.bytes).sum()
    }

    pub(crate) fn count(&self) -> u64 {
        let pieces = self.pieces.iter().map(|piece| match &piece.content {
            Content::Rows(rows) => rows.len() as u64,
            Content::Parquet(segment) => segment.facts.rows,
        });
        self.fresh.values().map(|rows| rows.len() as u64).sum::<u64>() + pieces.sum::<u64>()
    }

    /// When the earliest and the latest row of each part happened, in microseconds.
    pub(crate) fn happened_between(&self) -> impl Iterator<Item = (i64, i64)> {
        let bounds = |rows: &[R]| {
            let times = || rows.iter().map(|row| row.happened_at().as_microsecond());
            Some((times().min()?, times().max()?))
        };
        let fresh: Vec<_> = self.fresh.values().filter_map(|rows| bounds(rows)).collect();
        let pieces = self.pieces.iter().filter_map(move |piece| match &piece.content {
            Content::Rows(rows) => bounds(rows),
            Content::Parquet(segment) => Some(segment.facts.happened_at),
        });
        fresh.into_iter().chain(pieces)
    }

    pub(crate) fn snapshot(&self, filter: &Filter) -> Snapshot<R> {
        let fresh = self.fresh.values().flatten().filter(|row| row.is_wanted(filter));
        let mut snapshot = Snapshot {
            fresh: fresh.cloned().collect(),
            pieces: Vec::new(),
            segments: Vec::new(),
        };
        for piece in &self.pieces {
            match &piece.content {
                Content::Rows(rows) => snapshot.pieces.push(Arc::clone(rows)),
                Content::Parquet(segment) => snapshot.segments.push(Arc::clone(segment)),
            }
        }
        snapshot
    }
}

/// Everything in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) events: Rows<Event>,
    pub(crate) rejections: Rows<Refused>,
    /// How far the lake has come, with what is in memory.
    pub(crate) position: Position,
    pub(crate) next_piece: u64,
}

impl Memory {
    pub(crate) fn bytes(&self) -> usize {
        self.events.bytes() + self.rejections.bytes()
    }
}

/// Finds the rows of a table.
pub(crate) trait Stored: Wantable {
    fn rows(memory: &Memory) -> &Rows<Self>;
    fn rows_mut(memory: &mut Memory) -> (&mut Rows<Self>, &mut u64);
}

impl Stored for Event {
    fn rows(memory: &Memory) -> &Rows<Self> {
        &memory.events
    }
    fn rows_mut(memory: &mut Memory) -> (&mut Rows<Self>, &mut u64) {
        (&mut memory.events, &mut memory.next_piece)
    }
}

impl Stored for Refused {
    fn rows(memory: &Memory) -> &Rows<Self> {
        &memory.rejections
    }
    fn rows_mut(memory: &mut Memory) -> (&mut Rows<Self>, &mut u64) {
        (&mut memory.rejections, &mut memory.next_piece)
    }
}
