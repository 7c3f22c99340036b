//! Every noun that crosses a door between Watchpost's rooms: records, events, detections, alerts, silences, people
//! and decisions. Pure data: nothing here reads a clock, a file or a random number.

mod access;
mod alert;
mod decision;
mod detection;
mod event;
mod id;
mod logsource;
mod problem;
mod record;
mod silence;
mod source;
mod value;

pub use access::{Actor, Permission, Role, Scope, User};
pub use alert::{Alert, AlertKey, AlertOrigin, AlertState, Disposition};
pub use decision::{Change, Decision, Effect, PipelinePosition, Rejected};
pub use detection::{Detection, Entity, EntityKind, FoundBy, MatchedField, RuleIdentity, RuleLevel};
pub use event::{Entities, EntityColumn, EntityRef, Event};
pub use id::{Entropy, Id};
pub use logsource::{LogSource, LogSourceSet};
pub use problem::{Problem, ProblemKind};
pub use record::{FormatHint, JournalEntry, Loss, RawRecord, RejectReason, Rejection, Seq, Transport};
pub use silence::{Silence, SilenceReason, SilenceScope, SilenceState};
pub use source::{LossAccount, Source, SourceHealth, SourceId};
pub use value::{Field, Fields, Value};

/// The moment something happened or was received; an instant, never a local time.
pub type Timestamp = jiff::Timestamp;
