//! Bytes to events: [`Normalizer`] reads each record by itself, [`Assembler`] joins the records that describe one event.
//! Never fails, never drops: what cannot be read is kept and named in the event's problems.

mod assembler;
mod columns;
mod draft;
mod entities;
mod envelopes;
mod evtx;
mod json;
pub mod limits;
pub mod lists;
mod normalizer;
mod settings;
mod sources;
mod times;

pub use assembler::{Assembler, Ending, Fragment, FragmentKey};
pub use columns::{HEADER_BYTES_MAX, HeaderFollower};
pub use evtx::{EvtxRecord, EvtxRecords, EvtxRejection, evtx_records};
pub use normalizer::{Normalized, Normalizer};
pub use settings::Settings;
