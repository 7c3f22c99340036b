//! Everything that hears: syslog over UDP, TCP and TLS, RELP, the HTTP intake (Elasticsearch `_bulk`, OTLP, NDJSON, EVTX), followed
//! files and the systemd journal. A record is acknowledged only when the journal holds it, and its content is not understood here.

mod backlog;
mod bulk;
mod config;
mod counters;
mod follow;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod inbox;
mod intake;
mod json;
mod listeners;
mod otlp;
mod receiving;
mod relp;
mod sources;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod tls;

pub use backlog::Backlog;
pub use config::{
    Anonymous, FilesConfig, HttpConfig, IngestConfig, JournaldConfig, Listen, Protection, RelpConfig, StartAt,
    SyslogConfig, SyslogSender, SyslogTlsConfig, TlsIdentity, UnsafeBinding, check_binding,
};
pub use counters::{Counters, CountersSnapshot, ListenerCounts, RecordCounts, listener_name};
pub use follow::{ColumnHeader, NewHeader, NoHeader};
pub use inbox::{Inbox, InboxFuture, Refused};
pub use intake::{IntakeState, intake_router};
pub use listeners::evtx::EvtxReader;
pub use receiving::{Clock, REJECTED_BYTES_MAX, Receiving};
pub use sources::{KnownSource, NoTokens, SourceNames, SourceTokens};
pub use start::{Addresses, Running, StartError, start};
pub use stop::{Stop, Stopper};
pub use tls::TlsError;
