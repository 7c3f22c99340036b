//! JSON to a playbook. Each property is taken by name; what nobody took is unknown, and refused.

mod command;
mod fields;
mod policy;
mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Definition, FlawKind, Identifier, PLAYBOOK_BYTES_MAX, Playbook, Refused, STEPS_MAX, flaw::Flaws, json::Tree,
};
use fields::Fields;
pub(crate) use fields::escaped;

/// Reads and checks a playbook.
pub(crate) fn read(json: &[u8]) -> Result<Playbook, Refused> {
    let mut flaws = Flaws::default();
    let Some(tree) = tree(json, &mut flaws) else {
        return Err(flaws.refuse());
    };
    let playbook = playbook(tree, &mut flaws);
    let Some(playbook) = playbook.filter(|_| !flaws.any()) else {
        return Err(flaws.refuse());
    };
    crate::check::check(&playbook, &mut flaws);
    if flaws.any() { Err(flaws.refuse()) } else { Ok(playbook) }
}

fn tree(json: &[u8], flaws: &mut Flaws) -> Option<Tree> {
    if json.len() > PLAYBOOK_BYTES_MAX {
        flaws.add(
            "",
            FlawKind::TooLarge {
                bytes: json.len(),
                most: PLAYBOOK_BYTES_MAX,
            },
        );
        return None;
    }
    serde_json::from_slice(json)
        .map_err(|error| flaws.add("", FlawKind::NotJson(error.to_string())))
        .ok()
}

fn playbook(tree: Tree, flaws: &mut Flaws) -> Option<Playbook> {
    let mut fields = Fields::open(tree, String::new(), flaws)?;
    fields.constant("type", &["playbook"]);
    fields.constant("spec_version", &["cacao-2.0"]);
    let playbook = body(&mut fields);
    extensions(&mut fields);
    // Descriptive parts that change nothing about how the playbook runs; their content is its maker's.
    for name in [
        "playbook_activities",
        "playbook_processing_summary",
        "derived_from",
        "related_to",
        "industry_sectors",
        "external_references",
        "markings",
        "authentication_info_definitions",
        "extension_definitions",
        "data_marking_definitions",
        "signatures",
    ] {
        fields.pass(name);
    }
    fields.close();
    let playbook = playbook?;
    in_order(&playbook, flaws);
    Some(playbook)
}

/// What must be there comes last: whatever else is wrong is told too.
fn body(fields: &mut Fields<'_>) -> Option<Playbook> {
    let id = fields.identifier("id", Some("playbook"));
    let name = fields.text("name");
    let created_by = fields.identifier("created_by", Some("identity"));
    let (created, modified) = (fields.time("created"), fields.time("modified"));
    let start = fields.identifier("workflow_start", Some("start"));
    Some(Playbook {
        description: fields.optional_text("description"),
        types: fields.texts("playbook_types"),
        revoked: fields.flag("revoked"),
        valid_from: fields.optional_time("valid_from"),
        valid_until: fields.optional_time("valid_until"),
        priority: fields.percent("priority"),
        severity: fields.percent("severity"),
        impact: fields.percent("impact"),
        labels: fields.texts("labels"),
        variables: fields.variables("playbook_variables"),
        exception: fields.optional_identifier("workflow_exception"),
        workflow: steps(fields),
        agents: definitions(fields, "agent_definitions"),
        targets: definitions(fields, "target_definitions"),
        id: id?,
        name: name?,
        created_by: created_by?,
        created: created?,
        modified: modified?,
        start: start?,
    })
}

/// An extension of the whole playbook may change what it means; none is known here.
fn extensions(fields: &mut Fields<'_>) {
    for (id, _) in fields.optional_dictionary("playbook_extensions", STEPS_MAX) {
        let at = format!("/playbook_extensions/{}", escaped(&id));
        fields.flaws.add(
            &at,
            FlawKind::BadValue {
                value: id,
                expected: "an extension that is known here".to_owned(),
            },
        );
    }
}

fn in_order(playbook: &Playbook, flaws: &mut Flaws) {
    if playbook.modified < playbook.created {
        flaws.add(
            "/modified",
            FlawKind::OutOfOrder {
                earlier: "created",
                later: "modified",
            },
        );
    }
    let backwards = |(from, until): (Timestamp, Timestamp)| until <= from;
    if playbook.valid_from.zip(playbook.valid_until).is_some_and(backwards) {
        flaws.add(
            "/valid_until",
            FlawKind::OutOfOrder {
                earlier: "valid_from",
                later: "valid_until",
            },
        );
    }
}

fn steps(fields: &mut Fields<'_>) -> BTreeMap<Identifier, crate::Step> {
    let mut steps = BTreeMap::new();
    for (key, tree) in fields.dictionary("workflow", STEPS_MAX) {
        let at = format!("/workflow/{}", escaped(&key));
        let Some(id) = Identifier::read(&key) else {
            let expected = "an identifier (type--UUID)".to_owned();
            fields.flaws.add(&at, FlawKind::BadValue { value: key, expected });
            continue;
        };
        if let Some(step) = step::step(&id, tree, at, fields.flaws) {
            steps.insert(id, step);
        }
    }
    steps
}

fn definitions(fields: &mut Fields<'_>, name: &'static str) -> BTreeMap<Identifier, Definition> {
    let mut definitions = BTreeMap::new();
    for (key, tree) in fields.optional_dictionary(name, STEPS_MAX) {
        let at = format!("/{name}/{}", escaped(&key));
        let Some(id) = Identifier::read(&key) else {
            let expected = "an identifier (type--UUID)".to_owned();
            fields.flaws.add(&at, FlawKind::BadValue { value: key, expected });
            continue;
        };
        if let Some(definition) = definition(&id, tree, at, fields.flaws) {
            definitions.insert(id, definition);
        }
    }
    definitions
}

/// The types of agents and targets (`agent-target-type-ov`, section 7.2).
const DEFINITION_KINDS: [&str; 10] = [
    "group",
    "individual",
    "location",
    "organization",
    "sector",
    "http-api",
    "linux",
    "net-address",
    "security-category",
    "ssh",
];

fn definition(id: &Identifier, tree: Tree, at: String, flaws: &mut Flaws) -> Option<Definition> {
    let mut properties = BTreeMap::new();
    collect_texts(&tree, String::new(), &mut properties);
    let mut fields = Fields::open(tree, at, flaws)?;
    let kind = fields.constant("type", &DEFINITION_KINDS);
    let name = fields.text("name");
    if let Some(kind) = kind.as_ref().filter(|kind| id.kind() != *kind) {
        let at = fields.at.clone();
        fields.flaws.add(
            &at,
            FlawKind::BadValue {
                value: id.to_string(),
                expected: format!("of the form {kind}--UUID"),
            },
        );
    }
    // What else it says is read by whoever executes; its texts are kept.
    Some(Definition {
        kind: kind?,
        name: name?,
        properties,
    })
}

/// The texts of a value by their JSON pointers below it.
fn collect_texts(tree: &Tree, at: String, texts: &mut BTreeMap<String, String>) {
    match tree {
        Tree::Text(text) => {
            texts.insert(at, text.clone());
        }
        Tree::Number(number) => {
            texts.insert(at, number.to_string());
        }
        Tree::Bool(value) => {
            texts.insert(at, value.to_string());
        }
        Tree::Null => {}
        Tree::List(list) => {
            for (place, item) in list.iter().enumerate() {
                collect_texts(item, format!("{at}/{place}"), texts);
            }
        }
        Tree::Map(map) => {
            for (name, item) in map {
                collect_texts(item, format!("{at}/{}", escaped(name)), texts);
            }
        }
    }
}
