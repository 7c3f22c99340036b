//! Flattens a JSON text into the fields of a draft in one streaming pass: objects become dotted names, lists stay
//! lists, objects inside lists contribute lists of their own (`a:[{"b":1},{"b":2}]` → `a.b: [1, 2]`).

use std::{fmt, hash::BuildHasher};

use foldhash::fast::FixedState;
use model::{ProblemKind, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{
    draft::{Draft, cut},
    limits,
};

/// Gives the name under which a path becomes a field; an empty name leaves it out.
pub(crate) type Namer = fn(&str) -> &str;

/// Adds the fields of a JSON object. What comes before an error stays; a problem names the error. False when the text
/// gives no field at all because it is not JSON.
pub(crate) fn flatten(text: &str, namer: Namer, draft: &mut Draft) -> bool {
    let shallow = without_depths(text);
    if shallow.is_some() {
        draft.limit_reached("depth");
    }
    let before = draft.fields.len();
    let mut deserializer = sonic_rs::Deserializer::from_str(shallow.as_deref().unwrap_or(text));
    let mut flattener = Flattener {
        draft,
        namer,
        path: String::new(),
        names: Vec::new(),
        values: 0,
        list: None,
    };
    let read = Node { to: &mut flattener }.deserialize(&mut deserializer);
    match read.and_then(|()| deserializer.end()) {
        Ok(()) => true,
        Err(error) if draft.fields.len() > before => {
            let detail = error.to_string();
            let line = detail.lines().next().unwrap_or_default();
            draft.problem(ProblemKind::Malformed, line);
            true
        }
        Err(_) => false,
    }
}

/// The text with `null` in the place of objects and lists that are nested deeper than [`limits::DEPTH_MAX`], when there
/// are any. The parser walks by recursion, and skips by recursion without a limit, so it must never see them.
fn without_depths(text: &str) -> Option<String> {
    memchr::memchr2_iter(b'{', b'[', text.as_bytes()).nth(limits::DEPTH_MAX)?;
    let mut kept = String::new();
    let (mut depth, mut from, mut is_cut) = (0_usize, 0, false);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth == limits::DEPTH_MAX + 1 {
                    kept.push_str(&text[from..at]);
                    kept.push_str("null");
                    (from, is_cut) = (text.len(), true);
                }
            }
            b'}' | b']' => {
                if depth == limits::DEPTH_MAX + 1 {
                    from = at + 1;
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    kept.push_str(&text[from..]);
    is_cut.then_some(kept)
}

struct Flattener<'d> {
    draft: &'d mut Draft,
    namer: Namer,
    /// The dotted name of where the reader is.
    path: String,
    /// Hashes of the names met in the objects that are open, innermost last.
    names: Vec<u64>,
    values: usize,
    /// Inside a list of objects: where its fields begin, and which element is being read.
    list: Option<(usize, usize)>,
}

impl Flattener<'_> {
    fn emit(&mut self, value: Value) {
        // The elements of a list were counted one by one.
        self.values += usize::from(!matches!(value, Value::List(_)));
        let name = (self.namer)(&self.path);
        if name.is_empty() && !self.path.is_empty() {
            return;
        }
        if self.values > limits::VALUES_MAX && !matches!(value, Value::List(_)) {
            self.draft.limit_reached("values");
        } else if name.len() > limits::NAME_BYTES_MAX {
            self.draft.limit_reached("length of a name");
        } else if let Some((begin, element)) = self.list {
            emit_in_list(self.draft, name, (begin, element), value);
        } else {
            self.draft.push(name, value);
        }
    }

    fn text(&mut self, text: &str) -> Value {
        let kept = cut(text);
        if kept.len() < text.len() {
            self.draft.limit_reached("length of a text");
        }
        Value::text(kept)
    }

    /// Notes a name of the innermost object, which began at `begin`.
    fn note_name(&mut self, begin: usize, name: &str) {
        if self.names.len() >= limits::FIELDS_MAX {
            return;
        }
        let hash = FixedState::with_seed(0).hash_one(name);
        if self.names[begin..].contains(&hash) {
            let dot = if self.path.is_empty() { "" } else { "." };
            let detail: String = format!("{}{dot}{name}", self.path).chars().take(128).collect();
            self.draft.problem(ProblemKind::DuplicateName, detail);
        }
        self.names.push(hash);
    }
}

/// Adds a value of an object inside a list to the list under its name; elements without the name count as null, so
/// that lists of one origin stay aligned.
fn emit_in_list(draft: &mut Draft, name: &str, (begin, element): (usize, usize), value: Value) {
    let known = draft.fields.iter_mut().skip(begin).find(|field| field.name == name);
    if let Some(field) = known
        && let Value::List(list) = &mut field.value
    {
        extend(list, element, value);
        return;
    }
    let mut list = Vec::new();
    extend(&mut list, element.min(limits::VALUES_MAX), value);
    draft.push(name, Value::List(list));
}

/// Appends `value` as what element number `element` says; a list is appended element by element.
fn extend(list: &mut Vec<Value>, element: usize, value: Value) {
    if let Value::List(inner) = value {
        list.extend(inner);
        return;
    }
    while list.len() < element {
        list.push(Value::Null);
    }
    list.push(value);
}

/// Reads one value and emits it under the current path.
struct Node<'f, 'd> {
    to: &'f mut Flattener<'d>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.to.emit(Value::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.to.emit(Value::Bool(value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.to.emit(Value::Int(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.to.emit(number(value));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.to.emit(Value::Float(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let value = self.to.text(text);
        self.to.emit(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let outer = self.to.list;
        let mut list = Vec::new();
        let begin = outer.map_or(self.to.draft.fields.len(), |(begin, _)| begin);
        let mut element = 0;
        let mut objects = 0;
        loop {
            self.to.list = Some((begin, outer.map_or(element, |(_, outer)| outer)));
            let item = Element {
                to: &mut *self.to,
                list: &mut list,
            };
            match items.next_element_seed(item)? {
                Some(Kind::Object) => objects += 1,
                Some(Kind::Plain) => {}
                None => break,
            }
            element += 1;
        }
        self.to.list = outer;
        if !list.is_empty() || objects == 0 {
            self.to.emit(Value::List(list));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_map(self.to, map)
    }
}

fn read_map<'de, A: MapAccess<'de>>(to: &mut Flattener<'_>, mut map: A) -> Result<(), A::Error> {
    let names_begin = to.names.len();
    let path_length = to.path.len();
    let names = Name {
        to: &mut *to,
        names_begin,
    };
    let mut is_some = map.next_key_seed(names)?.is_some();
    while is_some {
        map.next_value_seed(Node { to: &mut *to })?;
        to.path.truncate(path_length);
        let names = Name {
            to: &mut *to,
            names_begin,
        };
        is_some = map.next_key_seed(names)?.is_some();
    }
    to.names.truncate(names_begin);
    Ok(())
}

fn number(value: u64) -> Value {
    i64::try_from(value).map_or(Value::Uint(value), Value::Int)
}

/// Reads the name of a member and appends it to the path.
struct Name<'f, 'd> {
    to: &'f mut Flattener<'d>,
    names_begin: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        self.to.note_name(self.names_begin, name);
        if !self.to.path.is_empty() {
            self.to.path.push('.');
        }
        // One byte more than the limit is enough to tell that it is passed.
        let room = (limits::NAME_BYTES_MAX + 1).saturating_sub(self.to.path.len());
        self.to.path.push_str(&name[..name.floor_char_boundary(room)]);
        if name.len() > room {
            self.to.path.push('…');
        }
        Ok(())
    }
}

/// What an element of a list was.
enum Kind {
    Object,
    Plain,
}

/// Reads one element of a list: plain values go into `list`, objects under the path.
struct Element<'f, 'd> {
    to: &'f mut Flattener<'d>,
    list: &'f mut Vec<Value>,
}

impl Element<'_, '_> {
    fn add(self, value: Value) -> Kind {
        self.to.values += 1;
        if self.to.values > limits::VALUES_MAX {
            self.to.draft.limit_reached("values");
        } else {
            self.list.push(value);
        }
        Kind::Plain
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Kind, E> {
        Ok(self.add(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Kind, E> {
        Ok(self.add(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Kind, E> {
        Ok(self.add(Value::Int(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Kind, E> {
        Ok(self.add(number(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Kind, E> {
        Ok(self.add(Value::Float(value)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Kind, E> {
        let value = self.to.text(text);
        Ok(self.add(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut inner = Vec::new();
        loop {
            let item = Element {
                to: &mut *self.to,
                list: &mut inner,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
        }
        Ok(self.add(Value::List(inner)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kind, A::Error> {
        read_map(self.to, map)?;
        Ok(Kind::Object)
    }
}
