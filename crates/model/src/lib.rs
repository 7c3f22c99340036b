//! Every noun that crosses a door between Watchpost's rooms: records, events, detections, alerts, silences, people
//! and decisions. Pure data: nothing here reads a clock, a file or a random number.

mod access;
mod alert;
mod api_token;
pub mod attack;
mod browser;
mod contact;
mod content;
mod deadline;
mod decision;
mod delivery;
mod detection;
mod directive;
mod drill;
mod duty;
mod event;
mod evidence;
mod handover;
mod heard;
mod history;
mod hold;
mod hunt;
mod id;
mod incident;
mod incident_item;
mod incident_terms;
mod incident_timeline;
mod letter;
mod logsource;
mod measurement;
mod network;
mod notification;
mod noun;
mod phrase;
mod problem;
mod record;
mod report;
mod response;
mod service;
mod silence;
mod source;
mod value;
mod watch;
mod wording;

pub use access::{Actor, Permission, Role, Scope, Session, SetupLink, User};
pub use alert::{
    Alert, AlertContext, AlertKey, AlertOrigin, AlertState, Disposition, Notice, Surroundings, Urgency, UrgencyKind,
    UrgencyReason,
};
pub use api_token::{ApiToken, ApiTokenUse};
pub use browser::Browser;
pub use contact::{AddressState, ContactAddress, ContactCard};
pub use content::ContentError;
pub use deadline::{Deadline, DeadlineState};
pub use decision::{Change, Decision, Effect, PipelinePosition, Rejected};
pub use delivery::Delivery;
pub use detection::{Detection, Entity, EntityKind, FoundBy, MatchedField, RuleIdentity, RuleLevel};
pub use directive::{Addressee, Directive, DirectiveContact, LetterFile, Requirement};
pub use drill::{DrillMatter, NightDrill};
pub use duty::{Absence, Leave, Override, Position, Rotation, Swap, SwapState, Team};
pub use event::{Entities, EntityColumn, EntityRef, Event};
pub use evidence::{AcquiredBy, Custody, CustodyStep, Evidence};
pub use handover::{Handover, HandoverAbout, HandoverLine, HandoverSection, HandoverState, Occasion};
pub use heard::{Heard, HeardKind};
pub use history::HistoryItem;
pub use hold::EventHold;
pub use hunt::SavedHunt;
pub use id::{Entropy, Id};
pub use incident::{Incident, IncidentCounter, IncidentOrigin, IncidentState, Marks, Reached};
pub use incident_item::{IncidentNote, IncidentTask, Observable, ObservableKind, TaskState};
pub use incident_terms::{AffectedAsset, AssetStanding, Criteria, Help, Hit, IncidentKind, Outcome, Phase, Severity};
pub use incident_timeline::{AlertLink, EntryKind, TimelineEntry};
pub use letter::{Align, Block, Choice, Column, FieldKind, Letter, MissingFact, Run, Words};
pub use logsource::{LogSource, LogSourceSet};
pub use measurement::{Bound, Finding, Measurement, TrendPoint, Unit};
pub use network::{Network, NotANetwork};
pub use notification::{
    Acknowledgement, AnswerWay, Bundle, BundledPage, EscalationPolicy, EscalationStep, Notification, NotificationState,
    PageOutcome, PageSent, Pager, SkippedStep, Target,
};
pub use noun::{Kept, Noun, NounIndex};
pub use phrase::{Language, Phrase};
pub use problem::{Problem, ProblemKind};
pub use record::{FormatHint, JournalEntry, Loss, RawRecord, RejectReason, Rejection, Seq, Transport};
pub use report::{About, Answer, Organisation, Report, Sending};
pub use response::{
    Action, ActionApproval, ActionKind, ActionPlan, ActionState, ApprovalRule, BrokenGlass, Errand, LiftReason, Proof,
    RunStep, Touch, Unapproved,
};
pub use service::{Backup, Drill, Probe, Service, ServiceLook, Snapshot};
pub use silence::{Silence, SilenceReason, SilenceScope, SilenceState};
pub use source::{LossAccount, Rhythm, Source, SourceHealth, SourceId, SourceToken};
pub use value::{Field, Fields, Value};
pub use watch::{Closing, Question, Reply, Task, Waiver, WaiverState, Watch, WatchRequirement};
pub use wording::Wording;

/// The moment something happened or was received; an instant, never a local time.
pub type Timestamp = jiff::Timestamp;
