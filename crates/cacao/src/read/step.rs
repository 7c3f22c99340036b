//! A workflow step from its JSON.

use std::collections::BTreeMap;

use super::{Fields, command, escaped, policy};
use crate::{
    COMMANDS_MAX, Condition, FlawKind, Identifier, Next, STEPS_MAX, Step, StepKind,
    flaw::{Flaws, nearest},
    json::{Tree, shortened},
};

/// Reads a step; `id` is its key in the workflow.
pub(super) fn step(id: &Identifier, tree: Tree, at: String, flaws: &mut Flaws) -> Option<Step> {
    let mut fields = Fields::open(tree, at, flaws)?;
    let kind_name = fields.text("type")?;
    if !StepKind::NAMES.contains(&kind_name.as_str()) {
        let near = nearest(&kind_name, StepKind::NAMES);
        let at = format!("{}/type", fields.at);
        fields.flaws.add(
            &at,
            FlawKind::UnknownStep {
                name: shortened(&kind_name),
                near,
            },
        );
        return None;
    }
    if id.kind() != kind_name {
        let (at, expected) = (fields.at.clone(), format!("of the form {kind_name}--UUID"));
        fields.flaws.add(
            &at,
            FlawKind::BadValue {
                value: id.to_string(),
                expected,
            },
        );
    }
    let kind = kind(&kind_name, &mut fields);
    let step = kind.map(|kind| Step {
        name: fields.optional_text("name"),
        description: fields.optional_text("description"),
        delay_ms: fields.whole("delay").unwrap_or_default(),
        timeout_ms: fields.whole("timeout"),
        variables: fields.variables("step_variables"),
        owner: fields.optional_identifier("owner"),
        next: next(&kind, &mut fields),
        policy: policy::policy(&mut fields),
        kind,
    });
    fields.pass("external_references");
    if step.is_some() {
        fields.close();
    }
    step
}

fn next(kind: &StepKind, fields: &mut Fields<'_>) -> Next {
    let completion = fields.optional_identifier("on_completion");
    let success = fields.optional_identifier("on_success");
    let failure = fields.optional_identifier("on_failure");
    let at = fields.at.clone();
    let mut flaw = |kind| fields.flaws.add(&at, kind);
    if *kind == StepKind::End {
        for (name, property) in [
            ("on_completion", &completion),
            ("on_success", &success),
            ("on_failure", &failure),
        ] {
            if property.is_some() {
                flaw(FlawKind::UnknownProperty {
                    name: name.to_owned(),
                    near: None,
                });
            }
        }
        return Next::Nothing;
    }
    if *kind == StepKind::Start && (success.is_some() || failure.is_some()) {
        flaw(FlawKind::UnknownProperty {
            name: "on_success / on_failure".to_owned(),
            near: Some("on_completion".to_owned()),
        });
    }
    match (completion, success, failure) {
        (Some(step), None, None) => Next::Completion(step),
        (None, Some(success), failure) => Next::ByResult { success, failure },
        (Some(step), Some(_), _) => {
            flaw(FlawKind::Excluding("on_completion", "on_success"));
            Next::Completion(step)
        }
        (Some(step), None, Some(_)) => {
            flaw(FlawKind::Excluding("on_completion", "on_failure"));
            Next::Completion(step)
        }
        (None, None, _) => {
            flaw(FlawKind::NoEnd);
            Next::Nothing
        }
    }
}

fn kind(name: &str, fields: &mut Fields<'_>) -> Option<StepKind> {
    match name {
        "start" => Some(StepKind::Start),
        "end" => Some(StepKind::End),
        "action" => action(fields),
        "playbook-action" => Some(StepKind::PlaybookAction {
            playbook: fields.identifier("playbook_id", Some("playbook"))?,
            version: fields.optional_time("playbook_version").map(|time| time.to_string()),
            in_args: fields.texts("in_args"),
            out_args: fields.texts("out_args"),
        }),
        "parallel" => parallel(fields),
        "if-condition" => {
            let (condition, on_true) = (condition(fields), fields.identifier("on_true", None));
            let on_false = fields.optional_identifier("on_false");
            Some(StepKind::If {
                condition: condition?,
                on_true: on_true?,
                on_false,
            })
        }
        "while-condition" => {
            let (condition, on_true) = (condition(fields), fields.identifier("on_true", None));
            Some(StepKind::While {
                condition: condition?,
                on_true: on_true?,
            })
        }
        "switch-condition" => switch(fields),
        _ => None,
    }
}

fn action(fields: &mut Fields<'_>) -> Option<StepKind> {
    let commands = match fields.tree("commands") {
        Some(Tree::List(list)) if !list.is_empty() && list.len() <= COMMANDS_MAX => list,
        Some(Tree::List(list)) if list.is_empty() => {
            let at = format!("{}/commands", fields.at);
            fields.flaws.add(
                &at,
                FlawKind::WrongType {
                    expected: "at least one command",
                    found: "none".to_owned(),
                },
            );
            Vec::new()
        }
        Some(Tree::List(_)) => {
            let at = format!("{}/commands", fields.at);
            fields.flaws.add(
                &at,
                FlawKind::TooMany {
                    what: "commands",
                    most: COMMANDS_MAX,
                },
            );
            Vec::new()
        }
        Some(other) => {
            let at = format!("{}/commands", fields.at);
            fields.flaws.add(
                &at,
                FlawKind::WrongType {
                    expected: "a list of commands",
                    found: other.found(),
                },
            );
            Vec::new()
        }
        None => {
            let at = fields.at.clone();
            fields.flaws.add(&at, FlawKind::Missing("commands"));
            Vec::new()
        }
    };
    let at = format!("{}/commands", fields.at);
    let commands = command::commands(commands, &at, fields.flaws);
    Some(StepKind::Action {
        commands,
        agent: fields.identifier("agent", None)?,
        targets: fields.identifiers("targets"),
        in_args: fields.texts("in_args"),
        out_args: fields.texts("out_args"),
    })
}

fn parallel(fields: &mut Fields<'_>) -> Option<StepKind> {
    const BRANCHES_MIN: usize = 2;
    let branches = fields.identifiers("next_steps");
    if branches.len() < BRANCHES_MIN {
        let at = format!("{}/next_steps", fields.at);
        let found = format!("{}", branches.len());
        fields.flaws.add(
            &at,
            FlawKind::WrongType {
                expected: "at least two branches",
                found,
            },
        );
        return None;
    }
    Some(StepKind::Parallel { branches })
}

fn switch(fields: &mut Fields<'_>) -> Option<StepKind> {
    let variable = fields.text("switch")?;
    let name = variable.strip_suffix(":value").unwrap_or(&variable);
    if !crate::variable::is_name(name) {
        let at = format!("{}/switch", fields.at);
        let expected = "a variable (__name__:value)".to_owned();
        fields.flaws.add(
            &at,
            FlawKind::BadValue {
                value: shortened(&variable),
                expected,
            },
        );
        return None;
    }
    let mut cases = BTreeMap::new();
    for (case, tree) in fields.dictionary("cases", STEPS_MAX) {
        let at = format!("{}/cases/{}", fields.at, escaped(&case));
        let id = match &tree {
            Tree::Text(text) => Identifier::read(text),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => None,
        };
        match id {
            Some(id) => {
                cases.insert(case, id);
            }
            None => fields.flaws.add(
                &at,
                FlawKind::WrongType {
                    expected: "a step's identifier",
                    found: tree.found(),
                },
            ),
        }
    }
    Some(StepKind::Switch {
        variable: name.to_owned(),
        cases,
    })
}

fn condition(fields: &mut Fields<'_>) -> Option<Condition> {
    let text = fields.text("condition")?;
    match Condition::read(&text) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let at = format!("{}/condition", fields.at);
            fields.flaws.add(&at, FlawKind::Condition(error));
            None
        }
    }
}
