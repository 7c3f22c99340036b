//! What people read: snapshots of the pages' words in both languages, and what no page may hold.

use model::Role;

use crate::client::{Client, page, post};

const PAGES: [(&str, &str); 22] = [
    ("queue", "/queue"),
    ("alert", "/alerts/01935f00000000000000000000000000"),
    ("hunt", "/hunt"),
    ("silences", "/silences"),
    ("new_silence", "/silences/new"),
    ("silence", "/silences/0000000000000000000000000000004d"),
    ("sources", "/sources"),
    ("source", "/sources/winlogbeat%2Fketoan"),
    ("rules", "/rules"),
    ("users", "/users"),
    ("wall", "/wall"),
    ("account", "/account"),
    ("api_tokens", "/account/tokens"),
    ("channels", "/channels"),
    ("duty_book", "/duty-book"),
    ("incidents", "/incidents"),
    ("new_incident", "/incidents/new"),
    ("incident_metrics", "/incidents/metrics"),
    ("actions", "/actions"),
    ("new_action", "/actions/new"),
    ("plans", "/plans"),
    ("plan", "/plans/playbook--72c363bb-ba62-5e74-9497-c900b26f123d"),
];

/// A page as its words in reading order: what a screen reader would say, without what changes with every build.
pub(crate) fn words_of(html: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = html.split_once("<body").map_or("", |(_, body)| body);
    while let Some((_, after)) = rest.split_once('>') {
        let (text, next) = after.split_once('<').unwrap_or((after, ""));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && !text.ends_with('…') {
            lines.push(text);
        }
        rest = next;
    }
    lines.join("\n")
}

#[tokio::test]
async fn pages_read_well_in_both_languages() {
    let post = post();
    let vietnamese = Client::of(&post, Role::Administrator);
    for (name, path) in PAGES {
        insta::assert_snapshot!(format!("vi_{name}"), words_of(&page(vietnamese.get(path).await).await));
    }
    vietnamese.post_form("/account/language", "language=en").await;
    for (name, path) in PAGES {
        insta::assert_snapshot!(format!("en_{name}"), words_of(&page(vietnamese.get(path).await).await));
    }
}

#[tokio::test]
async fn the_queue_s_html_is_as_it_was() {
    let post = post();
    let html = page(Client::of(&post, Role::DutyOfficer).get("/queue").await).await;
    let rows = html
        .split("<ol class=\"queue\">")
        .nth(1)
        .unwrap()
        .split("</li>")
        .next()
        .unwrap();
    insta::assert_snapshot!(rows.replace("><", ">\n<"));
}

#[tokio::test]
async fn no_page_has_anything_inline_that_the_policy_forbids() {
    let post = post();
    let client = Client::of(&post, Role::Administrator);
    for (_, path) in PAGES {
        let html = page(client.get(path).await).await;
        for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(forbidden), "{path} has {forbidden}");
        }
        assert_eq!(
            html.matches("<script").count(),
            html.matches("<script src=\"/assets/").count(),
            "{path}"
        );
    }
}

#[test]
fn no_template_has_text_of_its_own() {
    // Text between tags in a template is a string literal that follows `{`, `}`, `)` or the line's beginning; words belong
    // in `words`. Units, signs and names of products are not words of a language.
    let allowed = ["Filebeat", "Winlogbeat", "rsyslog", "Fluent Bit", "null"];
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")];
    let mut templates = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/frame.rs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                templates.push(entry);
            }
        }
    }
    for template in templates {
        let code = std::fs::read_to_string(&template).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for attribute in ["aria-label=\"", "title=\"", "placeholder=\"", "alt=\""] {
                assert!(!line.contains(attribute), "{}: {line}", template.display());
            }
            for (before, literal) in literals(line).into_iter().filter(|_| !line.contains("class={")) {
                let in_markup = before.ends_with(['{', '}']) && !before.ends_with("={")
                    || before.ends_with(") ") && !before.contains("let ") && before.contains('{');
                let is_words = literal
                    .split(|c: char| !c.is_alphabetic())
                    .any(|word| word.chars().count() > 2);
                let known = allowed.iter().any(|name| literal.contains(name));
                assert!(
                    !(in_markup && is_words && !known),
                    "{}: {literal:?} in {line}",
                    template.display()
                );
            }
        }
    }
}

/// The string literals of a line with what stands before each.
fn literals(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].find('"').map(|place| at + place) {
        let Some(length) = line[start + 1..].find('"') else {
            break;
        };
        found.push((
            line[..start].trim_end_matches(' '),
            &line[start + 1..start + 1 + length],
        ));
        at = start + length + 2;
    }
    found
}
