//! What the composition root gives the console, and the console's own section of the configuration.

use std::{net::SocketAddr, sync::Arc};

use jiff::tz::{Offset, TimeZone};
use lake::Lake;
use ledger::Ledger;
use model::{Language, Timestamp};
use operations::Catalogue;
use operations::notifications::AnswerKey;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use operations::response::{DeviceInfo, Playbook, Policy};

use crate::rules::RuleBook;

/// The source of time.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// The source of randomness, fit for secrets.
pub trait Randomness: Send + Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// What the post knows about itself, for machines that watch it.
pub trait Health: Send + Sync {
    /// The counters in Prometheus' text format (version 0.0.4).
    fn prometheus(&self) -> String;
    /// Whether the post can do its work now; otherwise what keeps it from it, in English, for operators.
    ///
    /// # Errors
    /// The reason why it cannot.
    fn ready(&self) -> Result<(), String>;
}

/// Where the files of letters are kept, each under its SHA-256.
pub trait LetterFiles: Send + Sync {
    /// Keeps a file under its hash; what is there already stays.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&self, sha256: &str, bytes: &[u8]) -> std::io::Result<()>;
    /// The file under a hash.
    fn get(&self, sha256: &str) -> Option<Vec<u8>>;
}

/// Everything that the console stands on.
#[derive(Clone)]
pub struct ConsoleState {
    /// State and decisions.
    pub ledger: Ledger,
    /// Events.
    pub lake: Arc<Lake>,
    /// The rules as they are loaded.
    pub rules: Arc<dyn RuleBook>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Arc<dyn Randomness>,
    /// Counters and readiness.
    pub health: Arc<dyn Health>,
    /// How people can be reached.
    pub reach: Reach,
    /// Where records are received.
    pub intake: Intake,
    /// What the content says about law, letters and calendar, as it is in force.
    pub catalogue: watch::Receiver<Arc<Catalogue>>,
    /// The files of letters.
    pub letters: Arc<dyn LetterFiles>,
    /// What acting at devices stands on.
    pub response: Arc<Responding>,
    /// The section `[console]`.
    pub config: ConsoleConfig,
    /// Whether browsers reach the console by TLS; then its cookies are `Secure` and HSTS is sent.
    pub tls: bool,
}

/// How people can be reached, as the configuration has it.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The channels by name, and what each carries (`email`, `sms`, `chat`, `push`).
    pub channels: Vec<(String, &'static str)>,
    /// The post's public key towards push services, base64url.
    pub push_key: String,
    /// The key of links and codes with which pages are answered.
    pub answer_key: AnswerKey,
    /// Where people reach the console, without a slash at the end.
    pub address: String,
}

/// Where records are received; what is off is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intake {
    /// Elasticsearch `_bulk`, OTLP, NDJSON, EVTX.
    pub http: Option<Door>,
    /// RFC 5426.
    pub syslog_udp: Option<Door>,
    /// RFC 6587.
    pub syslog_tcp: Option<Door>,
    /// RFC 5425.
    pub syslog_tls: Option<Door>,
    /// The reliable event logging protocol of rsyslog.
    pub relp: Option<Door>,
}

impl Intake {
    /// The listeners of syslog.
    pub(crate) fn syslog(&self) -> impl Iterator<Item = &Door> {
        [&self.relp, &self.syslog_tls, &self.syslog_tcp, &self.syslog_udp]
            .into_iter()
            .flatten()
    }
}

/// An address that is listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The address, its port resolved.
    pub at: SocketAddr,
    /// Whether it speaks TLS only.
    pub tls: bool,
}

/// What acting at devices stands on: what the organisation decided, the devices there are, the plans.
#[derive(Debug, Clone, Default)]
pub struct Responding {
    /// What the organisation decided.
    pub policy: Policy,
    /// The devices.
    pub devices: Vec<DeviceInfo>,
    /// The newest version of each plan, in the order in which they are shown.
    pub plans: Vec<Playbook>,
}

/// The section `[console]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleConfig {
    /// The zone in which times are shown, as an offset of whole minutes from UTC.
    pub utc_offset_minutes: i16,
    /// The language before somebody chose one.
    pub language: Language,
    /// A session that is not used for so long ends.
    pub session_idle_minutes: u16,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            utc_offset_minutes: 7 * 60,
            language: Language::Vi,
            session_idle_minutes: 120,
        }
    }
}

impl ConsoleConfig {
    /// The zone in which times are shown; UTC when the offset is beyond what zones have.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        let offset = Offset::from_seconds(i32::from(self.utc_offset_minutes) * 60).unwrap_or(Offset::UTC);
        TimeZone::fixed(offset)
    }
}
