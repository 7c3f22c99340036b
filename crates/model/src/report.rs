//! A report: a form about something, the answers that people gave where the ledger knows nothing, and whether it was sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Actor, Alert, Id, Incident, Timestamp, Watch};

/// The organisation that runs the post, as its letters name it. Kept as the setting [`Organisation::SETTING`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Organisation {
    /// Its full name.
    pub name: Option<String>,
    /// The body above it, named over it in the letterhead.
    pub parent: Option<String>,
    /// Its abbreviation in the numbers of letters (`TTGS`).
    pub abbreviation: Option<String>,
    /// Its postal address.
    pub address: Option<String>,
    /// Its telephone.
    pub telephone: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// The place that letters are dated from.
    pub place: Option<String>,
    /// Its code as a member of the response network.
    pub member_code: Option<String>,
    /// The contact's name.
    pub contact_name: Option<String>,
    /// The contact's position.
    pub contact_position: Option<String>,
    /// The contact's telephone.
    pub contact_telephone: Option<String>,
    /// The contact's e-mail address.
    pub contact_email: Option<String>,
    /// The office of who signs.
    pub signer_title: Option<String>,
    /// The name of who signs.
    pub signer_name: Option<String>,
}

impl Organisation {
    /// The name of the setting that holds it.
    pub const SETTING: &'static str = "organisation";
    /// Longest value of a field in bytes.
    pub const FIELD_BYTES_MAX: usize = 500;
}

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum About {
    /// An alert that turned out, or may turn out, to be an incident.
    Alert {
        /// The alert.
        alert: Id<Alert>,
    },
    /// An incident.
    Incident {
        /// The incident.
        incident: Id<Incident>,
    },
    /// What happened in a time, from its beginning up to but without its end.
    Period {
        /// The beginning.
        from: Timestamp,
        /// The end.
        to: Timestamp,
    },
    /// A letter that was received and is answered.
    Letter {
        /// Its number as written (`2074/CATTT-NCSC`).
        number: String,
        /// Who wrote it.
        issuer: String,
        /// Its date as written (dd/mm/yyyy).
        date: String,
        /// What it is about.
        subject: String,
    },
    /// A watch, at its end.
    Watch {
        /// The watch.
        watch: Id<Watch>,
    },
}

/// What a person said where the ledger has no fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The words.
    pub text: String,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What left the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// When it was sent.
    pub at: Timestamp,
    /// Who sent it, or said that it was sent.
    pub by: Actor,
    /// To whom.
    pub to: String,
    /// How: by e-mail, by hand, through a portal.
    pub how: String,
    /// The number of a receipt, an incoming stamp, a message id; empty when there is none.
    pub receipt: String,
    /// SHA-256 of the facts as they were sent, lower-case hexadecimal.
    pub facts_digest: String,
    /// SHA-256 of the file that was sent, lower-case hexadecimal.
    pub file_digest: String,
    /// The gaps that it was sent with.
    pub gaps: Vec<String>,
}

/// A report that is being written, or was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its id.
    pub id: Id<Report>,
    /// The id of its form.
    pub form: String,
    /// What it is about.
    pub about: About,
    /// Its number and sign, when the clerk gave one (`12/BC-TTGS`).
    pub number: Option<String>,
    /// What people answered, by path of the fact.
    pub answers: BTreeMap<String, Answer>,
    /// When it was begun; the facts of a draft are of the moment it is looked at.
    pub created_at: Timestamp,
    /// Who began it.
    pub created_by: Actor,
    /// Each time that it left the house, oldest first.
    pub sent: Vec<Sending>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}

impl Report {
    /// Most answers of a report.
    pub const ANSWERS_MAX: usize = 200;
    /// Longest answer in bytes.
    pub const ANSWER_BYTES_MAX: usize = 8_000;
    /// Most times that a report can be sent.
    pub const SENDINGS_MAX: usize = 50;
}
