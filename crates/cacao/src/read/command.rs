//! Commands from their JSON.

use std::collections::BTreeMap;

use super::Fields;
use crate::{
    Command, CommandKind, FlawKind,
    flaw::{Flaws, nearest},
    json::{Tree, shortened},
};

/// Reads a list of commands that stands at `at`.
pub(super) fn commands(list: Vec<Tree>, at: &str, flaws: &mut Flaws) -> Vec<Command> {
    list.into_iter()
        .enumerate()
        .filter_map(|(place, tree)| command(tree, format!("{at}/{place}"), flaws))
        .collect()
}

fn command(tree: Tree, at: String, flaws: &mut Flaws) -> Option<Command> {
    let mut fields = Fields::open(tree, at, flaws)?;
    let name = fields.text("type")?;
    let Some((_, kind)) = CommandKind::ALL.into_iter().find(|(known, _)| *known == name) else {
        let near = nearest(&name, CommandKind::ALL.map(|(known, _)| known));
        let at = format!("{}/type", fields.at);
        fields.flaws.add(
            &at,
            FlawKind::UnknownCommand {
                name: shortened(&name),
                near,
            },
        );
        return None;
    };
    let command = Command {
        kind,
        description: fields.optional_text("description"),
        version: fields.optional_text("version"),
        activity: fields.optional_text("playbook_activity"),
        command: fields.text_or_base64("command", "command_b64"),
        content: fields.text_or_base64("content", "content_b64"),
        headers: headers(&mut fields),
        parameters: parameters(kind, &mut fields),
    };
    fields.pass("external_references");
    if command.command.is_none() && command.content.is_none() && command.parameters.is_empty() {
        let at = fields.at.clone();
        fields.flaws.add(&at, FlawKind::Missing("command"));
    }
    fields.close();
    Some(command)
}

/// What only some kinds of command have.
fn parameters(kind: CommandKind, fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let names: &[&'static str] = match kind {
        CommandKind::CalderaCmd => &["ability_id", "executor"],
        CommandKind::Elastic | CommandKind::Kestrel => &["elastic_command", "query"],
        CommandKind::HttpApi | CommandKind::Openc2Http => &["timeout"],
        CommandKind::Jupyter => &["jupyter_command", "run_time"],
        CommandKind::Sigma => &["sigma_rule", "sigma_rule_b64"],
        CommandKind::Yara => &["yara_rule", "yara_rule_b64"],
        CommandKind::Manual | CommandKind::Bash | CommandKind::Powershell | CommandKind::Ssh => &[],
    };
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.optional_text(name)?)))
        .collect()
}

fn headers(fields: &mut Fields<'_>) -> BTreeMap<String, Vec<String>> {
    const HEADERS_MAX: usize = 100;
    let mut headers = BTreeMap::new();
    for (name, tree) in fields.optional_dictionary("headers", HEADERS_MAX) {
        let at = format!("{}/headers/{}", fields.at, super::escaped(&name));
        let values = match tree {
            Tree::Text(text) => Some(vec![text]),
            Tree::List(list) => list.into_iter().map(as_text).collect(),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Map(_) => None,
        };
        match values {
            Some(values) => {
                headers.insert(name, values);
            }
            None => fields.flaws.add(
                &at,
                FlawKind::WrongType {
                    expected: "a list of texts",
                    found: name,
                },
            ),
        }
    }
    headers
}

fn as_text(tree: Tree) -> Option<String> {
    match tree {
        Tree::Text(text) => Some(text),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}
