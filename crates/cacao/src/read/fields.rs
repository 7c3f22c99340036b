//! An object that is taken apart by name, so that what is left over is known to be unknown.

use base64::Engine as _;
use jiff::Timestamp;

use crate::{
    FlawKind, Identifier, VALUE_BYTES_MAX, VARIABLES_MAX, Variable, VariableKind, Variables,
    flaw::{Flaws, nearest},
    json::{Tree, shortened},
    variable::is_name,
};

/// The properties of one object and its place.
pub(super) struct Fields<'a> {
    pub(super) at: String,
    left: Vec<(String, Tree)>,
    asked: Vec<&'static str>,
    pub(super) flaws: &'a mut Flaws,
}

/// A name as part of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    shortened(name).replace('~', "~0").replace('/', "~1")
}

impl<'a> Fields<'a> {
    /// Opens a value that must be an object.
    pub(super) fn open(tree: Tree, at: String, flaws: &'a mut Flaws) -> Option<Self> {
        if let Tree::Map(left) = tree {
            return Some(Self {
                at,
                left,
                asked: Vec::new(),
                flaws,
            });
        }
        flaws.add(
            &at,
            FlawKind::WrongType {
                expected: "an object",
                found: tree.found(),
            },
        );
        None
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(super) fn close(self) {
        for (name, _) in self.left {
            let near = nearest(&name, self.asked.iter().copied());
            let name = shortened(&name);
            self.flaws.add(&self.at, FlawKind::UnknownProperty { name, near });
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Tree> {
        self.asked.push(name);
        let place = self.left.iter().position(|(held, _)| held == name)?;
        Some(self.left.remove(place).1)
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{}", self.at, escaped(name))
    }

    fn bad(&mut self, name: &str, value: &str, expected: impl Into<String>) {
        let (at, value) = (self.place(name), shortened(value));
        self.flaws.add(
            &at,
            FlawKind::BadValue {
                value,
                expected: expected.into(),
            },
        );
    }

    fn wrong<T>(&mut self, name: &str, expected: &'static str, found: &Tree) -> Option<T> {
        let at = self.place(name);
        self.flaws.add(
            &at,
            FlawKind::WrongType {
                expected,
                found: found.found(),
            },
        );
        None
    }

    fn required<T>(&mut self, name: &'static str, value: Option<T>, was_there: bool) -> Option<T> {
        if !was_there {
            let at = self.at.clone();
            self.flaws.add(&at, FlawKind::Missing(name));
        }
        value
    }

    fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(held, _)| held == name)
    }

    /// A property that is passed over on purpose.
    pub(super) fn pass(&mut self, name: &'static str) {
        self.take(name);
    }

    pub(super) fn tree(&mut self, name: &'static str) -> Option<Tree> {
        self.take(name)
    }

    pub(super) fn optional_text(&mut self, name: &'static str) -> Option<String> {
        let tree = self.take(name)?;
        if let Tree::Text(text) = tree {
            Some(text)
        } else {
            self.wrong(name, "a text", &tree)
        }
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let there = self.has(name);
        let text = self.optional_text(name);
        self.required(name, text, there)
    }

    /// A text, or its Base64 form under `name_b64`.
    pub(super) fn text_or_base64(&mut self, name: &'static str, encoded: &'static str) -> Option<String> {
        let there = self.has(name);
        let plain = self.optional_text(name);
        let Some(text) = self.optional_text(encoded) else {
            return plain;
        };
        if there {
            let at = self.at.clone();
            self.flaws.add(&at, FlawKind::Excluding(name, encoded));
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(&text).ok();
        let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        if decoded.is_none() {
            self.bad(encoded, &text, "Base64 of a UTF-8 text");
        }
        plain.or(decoded)
    }

    /// A text that must be one of a list.
    pub(super) fn constant(&mut self, name: &'static str, allowed: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        if allowed.contains(&text.as_str()) {
            return Some(text);
        }
        let expected = match nearest(&text, allowed.iter().copied()) {
            Some(near) => format!("allowed; did you mean '{near}'?"),
            None => format!("one of {}", allowed.join(", ")),
        };
        self.bad(name, &text, expected);
        None
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let list = match self.take(name) {
            None => return Vec::new(),
            Some(Tree::List(list)) => list,
            Some(other) => return self.wrong(name, "a list of texts", &other).unwrap_or_default(),
        };
        let mut texts = Vec::with_capacity(list.len());
        for (place, item) in list.into_iter().enumerate() {
            if let Tree::Text(text) = item {
                texts.push(text);
            } else {
                let at = format!("{}/{place}", self.place(name));
                self.flaws.add(
                    &at,
                    FlawKind::WrongType {
                        expected: "a text",
                        found: item.found(),
                    },
                );
            }
        }
        texts
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        match self.take(name) {
            None => false,
            Some(Tree::Bool(value)) => value,
            Some(other) => self.wrong(name, "true or false", &other).unwrap_or_default(),
        }
    }

    /// A whole number from 0.
    pub(super) fn whole(&mut self, name: &'static str) -> Option<u64> {
        let tree = self.take(name)?;
        let number = if let Tree::Number(number) = &tree {
            number.as_u64()
        } else {
            None
        };
        number.or_else(|| self.wrong(name, "a whole number from 0", &tree))
    }

    pub(super) fn percent(&mut self, name: &'static str) -> Option<u8> {
        let number = self.whole(name)?;
        let percent = u8::try_from(number).ok().filter(|percent| *percent <= 100);
        if percent.is_none() {
            self.bad(name, &number.to_string(), "between 0 and 100");
        }
        percent
    }

    pub(super) fn optional_time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.optional_text(name)?;
        let time = text.parse().ok();
        if time.is_none() {
            self.bad(name, &text, "a time (RFC 3339, such as 2026-04-30T02:10:00.000Z)");
        }
        time
    }

    pub(super) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let there = self.has(name);
        let time = self.optional_time(name);
        self.required(name, time, there)
    }

    pub(super) fn optional_identifier(&mut self, name: &'static str) -> Option<Identifier> {
        let text = self.optional_text(name)?;
        let id = Identifier::read(&text);
        if id.is_none() {
            self.bad(name, &text, "an identifier (type--UUID)");
        }
        id
    }

    /// An identifier, of one type where one is given.
    pub(super) fn identifier(&mut self, name: &'static str, kind: Option<&str>) -> Option<Identifier> {
        let there = self.has(name);
        let id = self.optional_identifier(name);
        let id = self.required(name, id, there)?;
        if kind.is_none_or(|kind| id.kind() == kind) {
            return Some(id);
        }
        self.bad(
            name,
            id.as_str(),
            format!("of the form {}--UUID", kind.unwrap_or_default()),
        );
        None
    }

    pub(super) fn identifiers(&mut self, name: &'static str) -> Vec<Identifier> {
        let mut ids = Vec::new();
        for text in self.texts(name) {
            match Identifier::read(&text) {
                Some(id) => ids.push(id),
                None => self.bad(name, &text, "an identifier (type--UUID)"),
            }
        }
        ids
    }

    /// The entries of a required dictionary.
    pub(super) fn dictionary(&mut self, name: &'static str, most: usize) -> Vec<(String, Tree)> {
        let there = self.has(name);
        let entries = self.optional_dictionary(name, most);
        self.required(name, Some(entries), there).unwrap_or_default()
    }

    pub(super) fn optional_dictionary(&mut self, name: &'static str, most: usize) -> Vec<(String, Tree)> {
        match self.take(name) {
            None => Vec::new(),
            Some(Tree::Map(entries)) if entries.len() <= most => entries,
            Some(Tree::Map(_)) => {
                let at = self.place(name);
                self.flaws.add(&at, FlawKind::TooMany { what: "entries", most });
                Vec::new()
            }
            Some(other) => self.wrong(name, "an object", &other).unwrap_or_default(),
        }
    }

    pub(super) fn variables(&mut self, name: &'static str) -> Variables {
        let mut variables = Variables::new();
        for (key, tree) in self.optional_dictionary(name, VARIABLES_MAX) {
            if !is_name(&key) {
                self.bad(name, &key, "the name of a variable (__name__)");
                continue;
            }
            let at = format!("{}/{}", self.place(name), escaped(&key));
            if let Some(variable) = variable(tree, at, self.flaws) {
                variables.insert(key, variable);
            }
        }
        variables
    }
}

fn variable(tree: Tree, at: String, flaws: &mut Flaws) -> Option<Variable> {
    let mut fields = Fields::open(tree, at, flaws)?;
    let names = VariableKind::ALL.map(|(name, _)| name);
    let kind = fields.constant("type", &names);
    let kind = VariableKind::ALL
        .into_iter()
        .find(|(name, _)| Some(*name) == kind.as_deref());
    let variable = kind.map(|(_, kind)| Variable {
        kind,
        description: fields.optional_text("description"),
        value: value(&mut fields, kind),
        constant: fields.flag("constant"),
        external: fields.flag("external"),
    });
    if variable.is_some() {
        fields.close();
    }
    variable
}

fn value(fields: &mut Fields<'_>, kind: VariableKind) -> Option<String> {
    let tree = fields.take("value")?;
    if tree == Tree::Null {
        return None;
    }
    let Tree::Text(text) = tree else {
        return fields.wrong("value", "a text or null", &tree);
    };
    // An empty text is known to be empty, of whatever kind (section 10.18.3).
    if !text.is_empty() && !kind.admits(&text) {
        fields.bad(
            "value",
            &text,
            format!("a value of type {} of at most {VALUE_BYTES_MAX} bytes", kind.name()),
        );
    }
    Some(text)
}
