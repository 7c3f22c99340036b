//! Windows events as XML: flattened to the same names as the nested JSON form.

use compact_str::CompactString;
use model::{ProblemKind, Value};
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::names;
use crate::{draft::Draft, limits};

/// Adds the fields of an `<Event>`, or of a part of one that belongs below the path `root`; what comes before an error stays and a problem names the error.
pub(super) fn flatten(text: &str, root: &str, draft: &mut Draft) {
    let mut reader = Reader::from_str(text);
    let mut walk = Walk {
        draft,
        path: root.to_owned(),
        ends: Vec::new(),
        names: Vec::new(),
        text: String::new(),
        is_leaf: false,
    };
    loop {
        let read = match reader.read_event() {
            Ok(Event::Start(element)) => walk.open(&element),
            Ok(Event::Empty(element)) => walk.open(&element).and_then(|()| walk.close()),
            Ok(Event::End(_)) => walk.close(),
            Ok(Event::Text(text)) => text
                .decode()
                .map(|text| walk.text.push_str(&text))
                .map_err(|e| e.to_string()),
            Ok(Event::CData(text)) => text
                .decode()
                .map(|text| walk.text.push_str(&text))
                .map_err(|e| e.to_string()),
            Ok(Event::GeneralRef(reference)) => walk.reference(&reference),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => Ok(()),
            Ok(Event::Eof) if walk.ends.is_empty() => return,
            Ok(Event::Eof) => Err("the text ends inside an element".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = read {
            walk.draft.problem(ProblemKind::Malformed, error);
            return;
        }
    }
}

struct Walk<'d> {
    draft: &'d mut Draft,
    path: String,
    /// Where the path ended before each open element.
    ends: Vec<usize>,
    /// The `Name` of each open element.
    names: Vec<Option<CompactString>>,
    text: String,
    /// Whether nothing was opened since the innermost element began.
    is_leaf: bool,
}

impl Walk<'_> {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.ends.len() >= limits::DEPTH_MAX {
            self.draft.limit_reached("depth");
            return Err("nested too deep".to_owned());
        }
        self.text.clear();
        self.is_leaf = true;
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path
            .push_str(&String::from_utf8_lossy(element.local_name().as_ref()));
        let is_data = self.path == "Event.EventData.Data";
        let mut name = None;
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute.unescape_value().map_err(|error| error.to_string())?;
            let key = String::from_utf8_lossy(attribute.key.as_ref());
            if is_data && key == "Name" {
                name = Some(CompactString::new(
                    &value[..value.floor_char_boundary(limits::NAME_BYTES_MAX)],
                ));
                continue;
            }
            let path = format!("{}.#attributes.{key}", self.path);
            self.put(names::of_nested(&path), &value);
        }
        self.names.push(name);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let (Some(end), Some(name)) = (self.ends.pop(), self.names.pop()) else {
            return Err("an element ends that was not begun".to_owned());
        };
        if self.is_leaf {
            let text = std::mem::take(&mut self.text);
            let path = std::mem::take(&mut self.path);
            let has_something = name.is_some() || !text.is_empty();
            let field = name.as_deref().unwrap_or_else(|| names::of_nested(&path));
            if has_something {
                self.put(field, &text);
            }
            self.path = path;
        }
        self.path.truncate(end);
        self.text.clear();
        self.is_leaf = false;
        Ok(())
    }

    fn put(&mut self, name: &str, text: &str) {
        match name {
            "" => {}
            // Unnamed data elements are one list, as in the JSON form.
            "Data" => match self
                .draft
                .fields
                .iter_mut()
                .find(|field| field.name == "Data")
                .map(|field| &mut field.value)
            {
                Some(Value::List(list)) if list.len() < limits::VALUES_MAX => list.push(Value::text(text)),
                Some(_) => self.draft.limit_reached("values"),
                None => self.draft.push("Data", Value::List(vec![Value::text(text)])),
            },
            name if name.len() > limits::NAME_BYTES_MAX => self.draft.limit_reached("length of a name"),
            name => self.draft.push_text(name, text),
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), String> {
        if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
            self.text.push(letter);
            return Ok(());
        }
        let name = reference.decode().map_err(|error| error.to_string())?;
        match quick_xml::escape::resolve_predefined_entity(&name) {
            Some(text) => self.text.push_str(text),
            None => return Err(format!("unknown entity {name}")),
        }
        Ok(())
    }
}
