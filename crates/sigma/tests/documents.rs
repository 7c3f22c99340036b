//! Rule files from the outside: what is read, what is refused and with which words.

use sigma::document::{self, RuleDocument};
use sigma::rule::{Literal, Rule, Selection};

fn rules(text: &str) -> Vec<Rule> {
    let file = document::parse("t.yml", text);
    assert_eq!(file.errors, [], "{text}");
    file.documents
        .into_iter()
        .filter_map(|document| match document {
            RuleDocument::Rule(rule) => Some(*rule),
            RuleDocument::Correlation(_) | RuleDocument::Filter(_) => None,
        })
        .collect()
}

const RULE: &str = "title: T\nid: 1\nlogsource: {product: Windows}\n";

#[test]
fn a_rule_keeps_what_was_written_and_where() {
    let rule = &rules(&format!(
        "{RULE}level: high\ntags: [attack.t1059.001, attack.execution]\ndetection:\n  sel:\n    Image|endswith|cased:\n      - '\\a.exe'\n      - 7\n  condition: sel\n"
    ))[0];
    assert_eq!(rule.log_source.product.as_deref(), Some("windows"));
    assert_eq!(rule.meta.techniques().collect::<Vec<_>>(), ["T1059.001"]);
    assert_eq!(rule.meta.tactics().collect::<Vec<_>>(), ["execution"]);
    let Selection::All(items) = &rule.detection.selections[0].selection else {
        panic!("a map")
    };
    assert_eq!(items[0].field.as_deref(), Some("Image"));
    assert_eq!(items[0].modifiers.len(), 2);
    assert_eq!(items[0].values[1].literal, Literal::Int(7));
    assert_eq!((items[0].at.line, items[0].values[1].at.line), (8, 10));
}

#[test]
fn global_reset_and_repeat_unfold() {
    let text = "action: global\ntitle: G\nlogsource: {category: a}\ndetection:\n  condition: sel\n---\ndetection:\n  sel: {A: 1}\n---\naction: repeat\ndetection:\n  sel: {A: 2}\n---\naction: reset\n---\ntitle: alone\nlogsource: {category: b}\ndetection: {sel: {B: 1}, condition: sel}\n";
    let rules = rules(text);
    let titles: Vec<_> = rules.iter().map(|rule| rule.meta.title.as_str()).collect();
    assert_eq!(titles, ["G", "G", "alone"]);
}

#[test]
fn correlations_and_filters_are_handed_on_with_positions() {
    let text =
        "title: C\ncorrelation:\n  type: event_count\n---\ntitle: F\nlogsource: {category: a}\nfilter:\n  rules: [x]\n";
    let file = document::parse("t.yml", text);
    let [RuleDocument::Correlation(correlation), RuleDocument::Filter(filter)] = file.documents.as_slice() else {
        panic!("{file:?}")
    };
    assert_eq!(
        correlation
            .node
            .get("correlation")
            .unwrap()
            .get("type")
            .unwrap()
            .at
            .line,
        3
    );
    assert_eq!(filter.at.line, 5);
}

#[test]
fn refusals_name_the_line_and_what_to_do() {
    for (detection, line, part) in [
        (
            "  sel:\n    A|contain: x\n  condition: sel",
            6,
            "did you mean `contains`",
        ),
        ("  sel:\n    A: []\n  condition: sel", 6, "empty list"),
        ("  sel:\n    A: {b: 1}\n  condition: sel", 6, "not a map"),
        ("  sel: {}\n  condition: sel", 5, "the map is empty"),
        ("  sel:\n  condition: sel", 5, "it is empty"),
        ("  sel: {A: 1}\n  condition: sel2", 6, "there are: sel"),
        ("  sel: {A: 1}", 5, "`condition` is missing"),
        ("  sel: {A: [[1]]}\n  condition: sel", 5, "must be a scalar"),
    ] {
        let file = document::parse("t.yml", &format!("{RULE}detection:\n{detection}\n"));
        let error = &file.errors[0];
        assert_eq!((error.at.line, file.errors.len()), (line, 1), "{detection}: {error}");
        assert!(error.to_string().contains(part), "{detection}: {error}");
    }
    for (text, part) in [
        ("title: x\n", "`logsource` is missing"),
        ("logsource: {product: a}\ndetection: {}\n", "`title` is missing"),
        (
            "title: x\nlogsource: {definition: a}\ndetection: {}\n",
            "must name a category",
        ),
        ("- a\n", "a rule must be a map"),
        ("", "holds no rule"),
        ("title: x\nlevel: grave\n", "`level` must be"),
    ] {
        let error = document::parse("t.yml", text).errors.remove(0);
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn a_broken_document_does_not_spoil_its_neighbours() {
    let good = format!("{RULE}detection: {{sel: {{A: 1}}, condition: sel}}\n");
    let file = document::parse("t.yml", &format!("{good}---\ntitle: broken\n---\n{good}"));
    assert_eq!((file.documents.len(), file.errors.len()), (2, 1));
}
