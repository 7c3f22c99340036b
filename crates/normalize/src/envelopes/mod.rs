//! Envelopes: what carries a record and tells its host, time and program, with the content inside.

pub(crate) mod stamp;
pub(crate) mod syslog;

use compact_str::CompactString;

use crate::draft::Draft;

mod journald;
mod shippers;

/// The names of the envelopes: a record in one has this format when nothing recognises its content.
pub(crate) const NAMES: [&str; 5] = ["syslog", "journald", "beats", "otlp", "container"];

/// The content that a JSON envelope carries.
pub(crate) struct Inner {
    /// The envelope's name, the event's format when nothing recognises the content.
    pub(crate) format: &'static str,
    /// The program that wrote it.
    pub(crate) program: Option<CompactString>,
    /// The source module that the shipper itself names.
    pub(crate) source: Option<CompactString>,
    /// The content.
    pub(crate) content: Content,
}

/// What is inside an envelope.
pub(crate) enum Content {
    /// A text.
    Text(String),
    /// An object whose fields stand in the draft under their own names.
    Fields,
}

impl Inner {
    fn of(format: &'static str, program: Option<&str>, text: String) -> Self {
        Self {
            format,
            program: program.map(CompactString::new),
            source: None,
            content: Content::Text(text),
        }
    }
}

/// Opens the JSON envelope whose fields are in the draft; nothing when they are none.
pub(crate) fn open(draft: &mut Draft) -> Option<Inner> {
    journald::open(draft)
        .or_else(|| shippers::open_otlp(draft))
        .or_else(|| shippers::open_beats(draft))
        .or_else(|| shippers::open_container(draft))
}
