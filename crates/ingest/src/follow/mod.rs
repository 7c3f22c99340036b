//! Following what grows: where a follower stands, kept across crashes, and the lines of files that are rotated under it.

mod candidates;
mod checkpoint;
mod columns;
mod follower;
mod tail;

pub(crate) use candidates::FileId;
pub(crate) use checkpoint::Checkpoint;
pub use columns::{ColumnHeader, NewHeader, NoHeader};
pub(crate) use follower::{Batch, Follower, Gap, Look};
pub(crate) use tail::Line;
