//! The words in which incidents are judged: severity, kind, the criteria of the national plan, the six phases, the outcome.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How bad it is for the organisation, as people judge it. Neither Sigma's level nor the class of the national plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// One machine or account, nothing lost.
    Low,
    /// Several machines, or work is hindered.
    Medium,
    /// A service or sensitive data is hit.
    High,
    /// The organisation's task is in danger.
    Critical,
}

impl Severity {
    /// All severities, least first.
    pub const ALL: [Severity; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in addresses and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The kinds of incidents of Circular 20/2017, Form 05, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Denial of service.
    Dos,
    /// Phishing, impersonation.
    Phishing,
    /// Malware.
    Malware,
    /// Unauthorised access, takeover.
    Intrusion,
    /// Defacement.
    Defacement,
    /// Encryption of software, data, devices.
    Encryption,
    /// Destruction of information, data, software.
    Destruction,
    /// Eavesdropping, espionage, theft of data.
    Espionage,
    /// Several at once.
    Combined,
    /// Anything else.
    Other,
}

impl IncidentKind {
    /// All kinds.
    pub const ALL: [IncidentKind; 10] = [
        Self::Dos,
        Self::Phishing,
        Self::Malware,
        Self::Intrusion,
        Self::Defacement,
        Self::Encryption,
        Self::Destruction,
        Self::Espionage,
        Self::Combined,
        Self::Other,
    ];

    /// The key of the row in Form 05.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dos => "dos",
            Self::Phishing => "phishing",
            Self::Malware => "malware",
            Self::Intrusion => "intrusion",
            Self::Defacement => "defacement",
            Self::Encryption => "encryption",
            Self::Destruction => "destruction",
            Self::Espionage => "espionage",
            Self::Combined => "combined",
            Self::Other => "other",
        }
    }
}

/// What the national response plan asks about an incident (Decision 05/2017/QĐ-TTg, Article 9). What nobody answered is
/// unknown, and unknown never makes an incident look harmless.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Criteria {
    /// The level of the affected system, 1 to 5 (Decree 85/2016/NĐ-CP).
    pub system_level: Option<u8>,
    /// Whether it is on the list of systems important to the nation.
    pub nationally_important: Option<bool>,
    /// What is hit.
    pub hits: BTreeSet<Hit>,
    /// Whether the owner of the system can control it alone.
    pub controls_alone: Option<bool>,
    /// Whether personal data leaked, or may have.
    pub personal_data: Option<bool>,
    /// Whether the organisation is a bank.
    pub bank: Option<bool>,
}

/// One way in which a system is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hit {
    /// Its service is interrupted.
    ServiceInterrupted,
    /// Secret data may leak.
    SecretsMayLeak,
    /// Important data is altered or destroyed beyond repair.
    IntegrityLost,
    /// The owner has lost control of it.
    ControlLost,
    /// It may spread widely, or hit other systems.
    MaySpread,
}

impl Hit {
    /// All ways.
    pub const ALL: [Hit; 5] = [
        Self::ServiceInterrupted,
        Self::SecretsMayLeak,
        Self::IntegrityLost,
        Self::ControlLost,
        Self::MaySpread,
    ];

    /// The word in forms and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceInterrupted => "service_interrupted",
            Self::SecretsMayLeak => "secrets_may_leak",
            Self::IntegrityLost => "integrity_lost",
            Self::ControlLost => "control_lost",
            Self::MaySpread => "may_spread",
        }
    }
}

/// The six phases of the response as VNCERT/CC's playbooks name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Chuẩn bị.
    Preparation,
    /// Nhận diện.
    Identification,
    /// Phân tích.
    Analysis,
    /// Xử lý.
    Handling,
    /// Khôi phục.
    Recovery,
    /// Hậu sự cố.
    PostIncident,
}

impl Phase {
    /// All phases in their order.
    pub const ALL: [Phase; 6] = [
        Self::Preparation,
        Self::Identification,
        Self::Analysis,
        Self::Handling,
        Self::Recovery,
        Self::PostIncident,
    ];

    /// The word in forms and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparation => "preparation",
            Self::Identification => "identification",
            Self::Analysis => "analysis",
            Self::Handling => "handling",
            Self::Recovery => "recovery",
            Self::PostIncident => "post_incident",
        }
    }
}

/// What a closed incident turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It happened, and it did harm or could have.
    Real,
    /// It was tried and did not succeed.
    Attempted,
    /// It was allowed.
    Benign,
    /// It did not happen.
    FalseAlarm,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Outcome; 4] = [Self::Real, Self::Attempted, Self::Benign, Self::FalseAlarm];

    /// The word in forms and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Attempted => "attempted",
            Self::Benign => "benign",
            Self::FalseAlarm => "false_alarm",
        }
    }
}

/// A machine, account or device that is hit or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedAsset {
    /// Its name or address.
    pub name: String,
    /// How sure it is.
    pub standing: AssetStanding,
    /// What is known.
    pub note: String,
}

/// How an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetStanding {
    /// It may be hit.
    Suspected,
    /// It is hit.
    Compromised,
    /// It is clean again.
    Clean,
}

impl AssetStanding {
    /// All standings.
    pub const ALL: [AssetStanding; 3] = [Self::Suspected, Self::Compromised, Self::Clean];

    /// The word in forms and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Compromised => "compromised",
            Self::Clean => "clean",
        }
    }
}

/// Who helped, and what it cost: the columns of Form 05.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Help {
    /// Organisations that helped.
    pub organisations: Vec<String>,
    /// Foreign organisations that helped.
    pub foreign: Vec<String>,
    /// Whether the national coordinator was asked for help.
    pub coordinator_asked: bool,
    /// The damage in words.
    pub damage: String,
}
