//! One record at a time: takes the envelopes off, finds the source that understands the content, and lets it read.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Event, FormatHint, LogSourceSet, ProblemKind, RawRecord, Seq};

use crate::{
    Settings,
    assembler::{Fragment, FragmentKey},
    draft::Draft,
    envelopes::{self, syslog},
    json, limits,
    sources::{Line, Reader, Reading, SOURCES, Source, json as json_source, windows},
};

/// What people call the forms of Windows events: all are read by one source.
const WINDOWS_FORMS: [&str; 4] = ["sysmon", "winlogbeat", "nxlog", "evtx"];

/// What became of one record.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is an event; a box for each would cost more than it saves"
)]
pub enum Normalized {
    /// A whole event.
    Event(Event),
    /// A part of one, for the [`crate::Assembler`].
    Fragment(Box<Fragment>),
}

/// Reads records. Stateless: the same record gives the same result on any thread, in any order.
pub struct Normalizer {
    settings: Settings,
    by_name: HashMap<&'static str, &'static Source, FixedState>,
    by_program: HashMap<&'static str, &'static Source, FixedState>,
    no_logsources: LogSourceSet,
}

impl Normalizer {
    /// Makes a normalizer with every source of the registry.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let seed = FixedState::with_seed(0);
        let mut by_name = HashMap::with_hasher(seed.clone());
        let mut by_program = HashMap::with_hasher(seed);
        for source in SOURCES {
            by_name.insert(source.name, source);
            by_program.extend(source.programs.iter().map(|program| (*program, source)));
        }
        if let Some(windows) = by_name.get("windows").copied() {
            by_name.extend(WINDOWS_FORMS.map(|name| (name, windows)));
        }
        Self {
            settings: settings.clone(),
            by_name,
            by_program,
            no_logsources: LogSourceSet::default(),
        }
    }

    /// The names that a [`FormatHint`] may have.
    pub fn formats() -> impl Iterator<Item = &'static str> {
        let sources = SOURCES.iter().map(|source| source.name);
        sources.chain(WINDOWS_FORMS).chain(envelopes::NAMES)
    }

    /// Reads one record. Always gives an event or a part of one, with the record's bytes in it.
    #[must_use]
    pub fn normalize(&self, seq: Seq, record: &RawRecord) -> Normalized {
        let mut draft = Draft::new(record, &self.settings, &self.no_logsources);
        let text = decode(&record.bytes, &mut draft);
        // The columns that a header line named stand behind the name of the source.
        let (hint, columns) = match &record.format {
            FormatHint::Unknown => (None, None),
            FormatHint::Named(hint) => match hint.split_once(' ') {
                Some((name, columns)) => (self.hinted(name, &mut draft), Some(columns)),
                None => (self.hinted(hint, &mut draft), None),
            },
        };
        let content = Content {
            program: None,
            hint,
            columns,
            depth: 0,
        };
        self.read(text.trim_end_matches(['\n', '\r', '\0']), content, &mut draft);
        let (event, joins) = draft.into_event(seq, record);
        match joins {
            None => Normalized::Event(event),
            Some(joins) => Normalized::Fragment(Box::new(Fragment {
                key: FragmentKey {
                    source: event.source.clone(),
                    host: event.entities.host_name.clone(),
                    id: joins.id,
                },
                ending: joins.ending,
                event,
                whole: joins.whole,
            })),
        }
    }

    fn hinted(&self, name: &str, draft: &mut Draft) -> Option<&'static Source> {
        let source = self.by_name.get(name).copied();
        // What only names the envelope says nothing of the content.
        if source.is_none() && !envelopes::NAMES.contains(&name) {
            draft.problem(ProblemKind::UnknownFormat, format!("no source is called {name}"));
        }
        source
    }

    /// Reads a text of any shape.
    fn read(&self, text: &str, content: Content<'_>, draft: &mut Draft) {
        let trimmed = text.trim_start();
        if trimmed.starts_with('{') && self.read_json(trimmed, content, draft) {
            return;
        }
        if content.depth < limits::ENVELOPES_MAX
            && let Some(peeled) = syslog::peel(text, draft)
        {
            let inner = Content {
                program: peeled.program,
                depth: content.depth + 1,
                ..content
            };
            self.read(peeled.message, inner, draft);
            return;
        }
        self.read_line(text, content, draft);
    }

    /// Reads a JSON object; false when the text is none. The fields of the envelopes around it are kept apart
    /// meanwhile, so that they are not taken for its own.
    fn read_json(&self, text: &str, content: Content<'_>, draft: &mut Draft) -> bool {
        // An empty set of fields has room already, which stays in use.
        let outer = (!draft.fields.is_empty()).then(|| std::mem::take(&mut draft.fields));
        let is_json = json::flatten(text, namer(text), draft);
        if is_json {
            self.read_object(content, draft);
        }
        if let Some(outer) = outer {
            let own = std::mem::replace(&mut draft.fields, outer);
            for field in own {
                draft.push(field.name, field.value);
            }
        }
        is_json
    }

    /// Completes the draft of a JSON object whose fields are in it: by a product, or by what an envelope carries.
    fn read_object(&self, content: Content<'_>, draft: &mut Draft) {
        let hinted = content.hint.filter(|source| source.is_json());
        let known = hinted
            .filter(|source| source.recognises(&draft.fields))
            .or_else(|| product(draft));
        if let Some(source) = known {
            if let Some(hint) = hinted.filter(|hint| hint.name != source.name) {
                draft.problem(ProblemKind::Malformed, format!("not as {} writes", hint.name));
            }
            source.read_object(draft);
            return;
        }
        let inner = if content.depth < limits::ENVELOPES_MAX {
            envelopes::open(draft)
        } else {
            None
        };
        let Some(inner) = inner else {
            hinted.unwrap_or(&json_source::SOURCE).read_object(draft);
            return;
        };
        draft.format = inner.format;
        let named = inner
            .source
            .as_ref()
            .and_then(|name| self.by_name.get(name.as_str()).copied());
        let carried = Content {
            program: inner.program.as_deref(),
            hint: content.hint.or(named),
            columns: content.columns,
            depth: content.depth + 1,
        };
        match inner.content {
            envelopes::Content::Text(text) => self.read(&text, carried, draft),
            envelopes::Content::Fields => {
                if let Some(source) = product(draft) {
                    source.read_object(draft);
                }
            }
        }
    }

    /// Reads a text that is neither JSON nor in an envelope.
    fn read_line(&self, text: &str, content: Content<'_>, draft: &mut Draft) {
        let line = Line {
            program: content.program,
            columns: content.columns,
            text,
        };
        let by_program = content
            .program
            .and_then(|program| self.by_program.get(program).copied());
        for source in content.hint.into_iter().chain(by_program) {
            if try_line(source, &line, false, draft) {
                return;
            }
        }
        if SOURCES.iter().any(|source| try_line(source, &line, true, draft)) {
            return;
        }
        if let Some(hint) = content.hint {
            draft.problem(ProblemKind::Malformed, format!("not as {} writes", hint.name));
        }
        if content.depth == 0 {
            draft.push_text("message", text);
            draft.problem(ProblemKind::UnknownFormat, "no source recognises the record");
        }
    }
}

/// The product that recognises the fields of the draft.
fn product(draft: &Draft) -> Option<&'static Source> {
    let products = SOURCES.iter().filter(|source| source.name != json_source::SOURCE.name);
    products.into_iter().find(|source| source.recognises(&draft.fields))
}

/// The names of a JSON object's fields: their paths, but for Windows events in the nested form.
fn namer(text: &str) -> json::Namer {
    let first = text[1..].trim_start();
    if first.starts_with("\"Event\"") || first.starts_with("\"Event_attributes\"") {
        windows::names::of_nested
    } else {
        |path| path
    }
}

fn try_line(source: &'static Source, line: &Line<'_>, ask: bool, draft: &mut Draft) -> bool {
    let Reader::Text { recognise, read } = source.reader else {
        return false;
    };
    if ask && !recognise(line) {
        return false;
    }
    let carrier = std::mem::replace(&mut draft.format, source.name);
    let is_read = read(line, draft) == Reading::Done;
    if !is_read {
        draft.format = carrier;
    }
    is_read
}

/// What is known of a content before it is read.
#[derive(Clone, Copy)]
struct Content<'a> {
    program: Option<&'a str>,
    hint: Option<&'static Source>,
    columns: Option<&'a str>,
    /// How many envelopes were taken off.
    depth: usize,
}

/// The bytes as text; what is not UTF-8 is replaced and noted.
fn decode<'a>(bytes: &'a [u8], draft: &mut Draft) -> Cow<'a, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The lossy conversion looks at each byte; the check before it at sixteen at a time.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            draft.problem(ProblemKind::InvalidUtf8, format!("from byte {}", error.valid_up_to()));
            String::from_utf8_lossy(bytes)
        }
    }
}
