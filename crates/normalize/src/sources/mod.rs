//! The registry of log sources: one file per product, one line here. A source reads the content of a record that an
//! envelope may have carried; which one does so is said by the record's hint, by the program that wrote it, or found
//! by asking each in the order of this list.

use model::Fields;

use crate::draft::Draft;

mod access_log;
mod accounts;
mod apache;
mod auditd;
mod cef;
mod cisco;
mod clamav;
mod cloudtrail;
mod cron;
mod daemons;
mod fortigate;
pub(crate) mod json;
mod nameserver;
mod netfilter;
mod nginx;
mod pam;
mod squid;
mod sshd;
mod su;
mod sudo;
mod suricata;
mod w3c;
pub(crate) mod windows;
pub(crate) mod zeek;
mod zeek_tsv;

/// Every source, the most particular first: the first that recognises a record reads it.
pub(crate) static SOURCES: &[Source] = &[
    windows::SOURCE,
    windows::XML_SOURCE,
    cloudtrail::SOURCE,
    suricata::SOURCE,
    zeek::SOURCE,
    sshd::SOURCE,
    sudo::SOURCE,
    su::SOURCE,
    cron::SOURCE,
    accounts::SOURCE,
    pam::SOURCE,
    auditd::SOURCE,
    netfilter::SOURCE,
    cef::CEF,
    cef::LEEF,
    cisco::SOURCE,
    fortigate::SOURCE,
    nameserver::SOURCE,
    clamav::SOURCE,
    daemons::SOURCE,
    access_log::SOURCE,
    nginx::SOURCE,
    apache::SOURCE,
    w3c::SOURCE,
    squid::SOURCE,
    zeek_tsv::SOURCE,
    json::SOURCE,
];

/// One product whose records are understood.
pub(crate) struct Source {
    /// Its name: what a [`FormatHint::Named`](model::FormatHint) says, and the `format` of its events.
    pub(crate) name: &'static str,
    /// Names of programs (syslog's tag, the journal's identifier) whose messages it reads without asking.
    pub(crate) programs: &'static [&'static str],
    /// How it reads.
    pub(crate) reader: Reader,
}

impl Source {
    /// Whether it reads JSON objects.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.reader, Reader::Json { .. })
    }

    /// Whether it is a source of JSON and the fields are of its product.
    pub(crate) fn recognises(&self, fields: &Fields) -> bool {
        matches!(self.reader, Reader::Json { recognise, .. } if recognise(fields))
    }

    /// Completes a draft from its fields, for a source of JSON.
    pub(crate) fn read_object(&self, draft: &mut Draft) {
        if let Reader::Json { read, .. } = self.reader {
            draft.format = self.name;
            read(draft);
        }
    }
}

/// How a source reads, by the shape of the content.
pub(crate) enum Reader {
    /// One text.
    Text {
        /// Tells by a few bytes whether the text is of this product; called for every record of unknown format, so cheap.
        recognise: fn(&Line<'_>) -> bool,
        /// Reads the text into the draft.
        read: fn(&Line<'_>, &mut Draft) -> Reading,
    },
    /// A JSON object, already flattened into the fields of the draft.
    Json {
        /// Tells by a few names whether the object is of this product.
        recognise: fn(&Fields) -> bool,
        /// Completes the draft from its fields.
        read: fn(&mut Draft),
    },
}

/// A text with what its envelope tells of it.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The program that wrote it, when an envelope names one.
    pub(crate) program: Option<&'a str>,
    /// The columns of the line, when its hint names them (see [`HeaderFollower`](crate::HeaderFollower)).
    pub(crate) columns: Option<&'a str>,
    /// The text, without the envelope and without a line end.
    pub(crate) text: &'a str,
}

/// What a source made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It was read; problems in it are in the draft.
    Done,
    /// It is something else after all. The draft is as it was.
    NotMine,
}

/// Declares sets of Sigma log sources, `(category, product, service)` with `""` for an absent part. Events of one kind
/// share one allocation: clone the static.
macro_rules! logsources {
    ($( $(#[$doc:meta])* $visibility:vis static $name:ident = $( ($category:expr, $product:expr, $service:expr) ),+ ; )+) => {
        $( $(#[$doc])* $visibility static $name: std::sync::LazyLock<model::LogSourceSet> = std::sync::LazyLock::new(|| {
            model::LogSourceSet::new([ $( model::LogSource::new($category, $product, $service) ),+ ])
        }); )+
    };
}
pub(crate) use logsources;

/// Adds the value of field `from` also under the name that rules use, unless a field of that name is there.
pub(crate) fn alias(draft: &mut Draft, from: &str, to: &'static str) {
    if draft.fields.get(to).is_none()
        && let Some(value) = draft.fields.get(from).cloned()
    {
        draft.push(to, value);
    }
}
