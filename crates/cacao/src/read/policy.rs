//! The extension with approval, undo, expiry and proof, from its JSON. Other extensions are refused: what they would
//! change about a step is not known here, and must not be skipped in silence.

use super::{Fields, command};
use crate::{
    Approval, COMMANDS_MAX, Condition, FlawKind, OnTimeout, POLICY_EXTENSION, Phase, PostCondition, StepPolicy, Undo,
    json::Tree,
};

/// Reads the extension of a step, where it has one.
pub(super) fn policy(step: &mut Fields<'_>) -> StepPolicy {
    let mut read = StepPolicy::default();
    for (id, tree) in step.optional_dictionary("step_extensions", COMMANDS_MAX) {
        let at = format!("{}/step_extensions/{id}", step.at);
        if id != POLICY_EXTENSION {
            step.flaws.add(
                &at,
                FlawKind::BadValue {
                    value: id,
                    expected: "an extension that is known here".to_owned(),
                },
            );
        } else if let Some(fields) = Fields::open(tree, at, step.flaws) {
            read = content(fields);
        }
    }
    read
}

fn content(mut fields: Fields<'_>) -> StepPolicy {
    let policy = StepPolicy {
        phase: named(&mut fields, "phase", &Phase::ALL),
        approval: fields.tree("approval").and_then(|tree| approval(tree, &mut fields)),
        undo: fields.tree("undo").and_then(|tree| undo(tree, &mut fields)),
        expires_in_seconds: fields.whole("expires_in_seconds"),
        post_condition: fields
            .tree("post_condition")
            .and_then(|tree| post_condition(tree, &mut fields)),
        name_en: fields.optional_text("name_en"),
        description_en: fields.optional_text("description_en"),
    };
    fields.close();
    policy
}

fn named<T: Copy>(fields: &mut Fields<'_>, name: &'static str, known: &[(&str, T)]) -> Option<T> {
    let text = fields.optional_text(name)?;
    let found = known.iter().find(|(known, _)| *known == text).map(|(_, value)| *value);
    if found.is_none() {
        let expected = known.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        let at = format!("{}/{name}", fields.at);
        fields.flaws.add(
            &at,
            FlawKind::BadValue {
                value: text,
                expected: format!("one of {expected}"),
            },
        );
    }
    found
}

fn approval(tree: Tree, policy: &mut Fields<'_>) -> Option<Approval> {
    let mut fields = Fields::open(tree, format!("{}/approval", policy.at), policy.flaws)?;
    let quorum = fields
        .whole("quorum")
        .map_or(Some(1), |quorum| u32::try_from(quorum).ok());
    let approval = Approval {
        roles: fields.texts("roles"),
        quorum: quorum.filter(|quorum| *quorum > 0).unwrap_or(1),
        timeout_ms: fields.whole("timeout"),
        on_timeout: named(&mut fields, "on_timeout", &OnTimeout::ALL).unwrap_or(OnTimeout::Hold),
    };
    fields.close();
    Some(approval)
}

fn undo(tree: Tree, policy: &mut Fields<'_>) -> Option<Undo> {
    let at = format!("{}/undo", policy.at);
    let word = if let Tree::Text(word) = &tree {
        word.clone()
    } else {
        String::new()
    };
    match (word.as_str(), tree) {
        ("by-connector", _) => Some(Undo::ByConnector),
        ("irreversible", _) => Some(Undo::Irreversible),
        (_, Tree::List(list)) if !list.is_empty() => Some(Undo::Commands(command::commands(list, &at, policy.flaws))),
        (_, tree) => {
            let expected = "a list of commands, 'by-connector' or 'irreversible'";
            policy.flaws.add(
                &at,
                FlawKind::WrongType {
                    expected,
                    found: tree.found(),
                },
            );
            None
        }
    }
}

fn post_condition(tree: Tree, policy: &mut Fields<'_>) -> Option<PostCondition> {
    const WITHIN_MS: u64 = 60_000;
    let at = format!("{}/post_condition", policy.at);
    let mut fields = Fields::open(tree, at, policy.flaws)?;
    let text = fields.text("condition")?;
    let within_ms = fields.whole("within").unwrap_or(WITHIN_MS);
    let condition = Condition::read(&text).map_err(|error| {
        let at = format!("{}/condition", fields.at);
        fields.flaws.add(&at, FlawKind::Condition(error));
    });
    fields.close();
    Some(PostCondition {
        condition: condition.ok()?,
        within_ms,
    })
}
