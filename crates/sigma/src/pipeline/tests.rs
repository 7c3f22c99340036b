//! Tables of pipelines, rules and what the rules become; refusals; and a property over any text.

use proptest::prelude::*;

use super::*;
use crate::document::{self, RuleDocument};
use crate::rule::{Item, Selection};

fn rule(detection: &str) -> Rule {
    let text = format!(
        "title: T\nid: 1\nlevel: high\nstatus: test\ntags: [attack.t1059]\nfields: [CommandLine, User]\n\
         logsource: {{product: windows, category: process_creation}}\ndetection: {detection}\n"
    );
    match document::parse("rule.yml", &text).documents.pop() {
        Some(RuleDocument::Rule(rule)) => *rule,
        other => panic!("a rule: {other:?} {:?}", document::parse("rule.yml", &text).errors),
    }
}

fn pipelines(transformations: &str) -> Pipelines {
    let text = format!("name: test\nvars:\n  admins: [adm_*, 'root']\n  one: x\ntransformations:\n{transformations}");
    Pipelines::new(vec![Pipeline::read("pipeline.yml", &text).unwrap()])
}

fn shown_item(item: &Item) -> String {
    let mut shown = item.field.clone().unwrap_or_default();
    for modifier in &item.modifiers {
        shown.extend(["|", modifier.name()]);
    }
    let values: Vec<String> = item
        .values
        .iter()
        .map(|value| condition::shown(&value.literal))
        .collect();
    let values = if item.is_list {
        format!("[{}]", values.join(", "))
    } else {
        values.join(", ")
    };
    format!("{shown}={values}")
}

fn shown_selection(selection: &Selection) -> String {
    match selection {
        Selection::All(items) => items.iter().map(shown_item).collect::<Vec<_>>().join(" & "),
        Selection::Any(parts) => format!(
            "({})",
            parts.iter().map(shown_selection).collect::<Vec<_>>().join(" | ")
        ),
    }
}

fn shown(rule: &Rule) -> String {
    let selections = rule.detection.selections.iter();
    let selections: Vec<String> = selections
        .map(|named| format!("{}: {}", named.name, shown_selection(&named.selection)))
        .collect();
    let conditions: Vec<&str> = rule
        .detection
        .conditions
        .iter()
        .map(|condition| condition.text.as_str())
        .collect();
    format!("{}; {}", selections.join("; "), conditions.join(", "))
}

fn applied(transformations: &str, detection: &str) -> String {
    let mut rule = rule(detection);
    pipelines(transformations).apply(&mut rule).unwrap();
    let names: Vec<&str> = rule
        .detection
        .selections
        .iter()
        .map(|named| named.name.as_str())
        .collect();
    for condition in &rule.detection.conditions {
        assert_eq!(
            crate::condition::parse(&condition.text, &names).as_ref(),
            Ok(&condition.expression)
        );
    }
    shown(&rule)
}

fn check(table: &[(&str, &str, &str)]) {
    for (transformations, detection, expect) in table {
        assert_eq!(
            applied(&format!("- {transformations}\n"), detection),
            *expect,
            "{transformations}\n{detection}"
        );
    }
}

#[test]
fn fields_are_renamed() {
    check(&[
        (
            "{type: field_name_mapping, mapping: {A: B}}",
            "{s: {A|contains: x, C: y}, condition: s}",
            "s: B|contains=x & C=y; s",
        ),
        (
            "{type: field_name_mapping, mapping: {A: [B, C]}}",
            "{s: {A: x, D: y}, condition: s}",
            "s: (B=x & D=y | C=x & D=y); s",
        ),
        (
            "{type: field_name_mapping, mapping: {A: [B, C]}}",
            "{s: {A|neq: x}, condition: s}",
            "s: B|neq=x & C|neq=x; s",
        ),
        (
            "{type: field_name_mapping, mapping: {A: [B, C]}}",
            "{s: [{A: x}, {D: y}], condition: s}",
            "s: ((B=x | C=x) | D=y); s",
        ),
        (
            "{type: field_name_mapping, mapping: {A: B}}",
            "{s: {D|fieldref: A}, condition: s}",
            "s: D|fieldref=B; s",
        ),
        (
            "{type: field_name_mapping, mapping: {'': message}}",
            "{s: [evil, bad], condition: s}",
            "s: message|contains=[evil, bad]; s",
        ),
        (
            "{type: field_name_mapping, mapping: {null: message}}",
            "{s: {'|all': [a, b]}, condition: s}",
            "s: message|contains|all=[a, b]; s",
        ),
        (
            "{type: field_name_prefix_mapping, mapping: {win.: windows.}}",
            "{s: {win.a: x, a.win.: y}, condition: s}",
            "s: windows.a=x & a.win.=y; s",
        ),
        (
            "{type: field_name_suffix, suffix: .keyword}",
            "{s: {A: x}, k: word, condition: s and k}",
            "s: A.keyword=x; k: =word; s and k",
        ),
        (
            "{type: field_name_prefix, prefix: e., field_name_conditions: [{type: exclude_fields, fields: [B]}]}",
            "{s: {A: x, B: y}, condition: s}",
            "s: e.A=x & B=y; s",
        ),
        (
            "{type: field_name_prefix, prefix: e., field_name_conditions: [{type: include_fields, fields: ['^A.'], mode: re}]}",
            "{s: {A: x, AB: y, BAB: z}, condition: s}",
            "s: A=x & e.AB=y & BAB=z; s",
        ),
    ]);
}

#[test]
fn items_are_dropped_and_conditions_follow() {
    let drop = "{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [A]}]}";
    check(&[
        (drop, "{s: {A: x, B: y}, condition: s}", "s: B=y; s"),
        (drop, "{s: {A: x}, f: {B: y}, condition: s and not f}", "f: B=y; not f"),
        (drop, "{s: {B: x}, f: {A: y}, condition: s and not f}", "s: B=x; s"),
        (
            drop,
            "{s1: {A: x}, s2: {B: x}, f: {C: z}, condition: all of s* or f}",
            "s2: B=x; f: C=z; all of s* or f",
        ),
        (drop, "{s: [{A: x}, {B: y}], condition: s}", "s: (B=y); s"),
    ]);
    let mut only = rule("{s: {A: x}, condition: s}");
    let error = pipelines(&format!("- {drop}\n")).apply(&mut only).unwrap_err();
    assert!(error.reason.contains("dropped every item"), "{error}");
    assert_eq!(shown(&only), "s: A=x; s", "a refused rule stays as it was");
}

/// Value transformations, detections and what they become.
const VALUES: &[(&str, &str, &str)] = &[
    (
        r"{type: replace_string, regex: '^\*\\', replacement: '/'}",
        r"{s: {A|endswith: '\x.exe'}, condition: s}",
        "s: A=/x.exe; s",
    ),
    (
        "{type: replace_string, regex: b, replacement: c}",
        "{s: {A|contains: [abc, d]}, condition: s}",
        "s: A=[*acc*, *d*]; s",
    ),
    (
        "{type: replace_string, regex: b, replacement: c}",
        "{s: {A|contains: [d]}, condition: s}",
        "s: A|contains=[d]; s",
    ),
    (
        "{type: replace_string, regex: '\\*', replacement: x, skip_special: true}",
        "{s: {A: 'a*b'}, condition: s}",
        "s: A=a*b; s",
    ),
    (
        "{type: replace_string, regex: '(a)(b)', replacement: '\\2\\1'}",
        "{s: {A: ab}, condition: s}",
        "s: A=ba; s",
    ),
    (
        "{type: replace_string, regex: '46', replacement: '47'}",
        "{s: {EventID: 4624}, condition: s}",
        "s: EventID=4724; s",
    ),
    (
        "{type: replace_string, regex: a, replacement: b}",
        "{s: {A|re: a.*}, condition: s}",
        "s: A|re=a.*; s",
    ),
    (
        "{type: replace_string, regex: a, replacement: b}",
        "{s: {A|base64offset|contains: aa}, condition: s}",
        "s: A|base64offset|contains=bb; s",
    ),
    (
        "{type: map_string, mapping: {a: [b, c], d: e}}",
        "{s: {A: [a, d, f]}, condition: s}",
        "s: A=[b, c, e, f]; s",
    ),
    (
        "{type: case, method: upper}",
        "{s: {A|startswith: [ab, 'c*']}, condition: s}",
        "s: A=[AB*, C*]; s",
    ),
    (
        "{type: case, method: snake_case}",
        "{s: {A: FooBar}, condition: s}",
        "s: A=foo_bar; s",
    ),
    (
        "{type: set_value, value: 7}",
        "{s: {A|contains: [x, y]}, condition: s}",
        "s: A=[7, 7]; s",
    ),
    (
        "{type: set_value, value: 7, force_type: str}",
        "{s: {A|re: x}, condition: s}",
        "s: A=7; s",
    ),
    (
        "{type: convert_type, target_type: num}",
        "{s: {A: ['1', 2, '2.5']}, condition: s}",
        "s: A=[1, 2, 2.5]; s",
    ),
    (
        "{type: regex, method: plain}",
        "{s: {A|contains: 'a.b'}, condition: s}",
        r"s: A|re|s=^.*a\.b.*$; s",
    ),
    (
        "{type: regex, method: ignore_case_flag}",
        "{s: {A: ['a?', 1]}, condition: s}",
        "s: (A|re|s|i=[^a.$] | A=[1]); s",
    ),
    ("{type: regex}", "{s: {A: 'é1'}, condition: s}", "s: A|re|s=^[éÉ]1$; s"),
    (
        "{type: value_placeholders}",
        "{s: {A|expand: '%admins%'}, condition: s}",
        "s: A=[adm_*, root]; s",
    ),
    (
        "{type: value_placeholders, include: [one]}",
        "{s: {A|contains|expand: '%one%%x%'}, condition: s}",
        "s: A|contains|expand=x%x%; s",
    ),
    (
        "{type: wildcard_placeholders, exclude: [one]}",
        "{s: {A|expand: ['%one%', '%b%']}, condition: s}",
        "s: A|expand=[%one%, *]; s",
    ),
    (
        "{type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: File}",
        "{s: {Hashes|contains: ['SHA1=aa', 'MD5=bb', 'SHA1=cc', 'IMPHASH=dd'], B: x}, condition: s}",
        "s: (FileMD5=bb & B=x | FileSHA1=[aa, cc] & B=x); s",
    ),
    (
        "{type: extract_fields, regex: '(?P<type>[A-Z]+):(?P<n>[0-9]+)', field_prefix: r}",
        "{s: {A: ['DWORD:00001', 'QWORD:7', zzz]}, condition: s}",
        "s: (r.type=DWORD & r.n=00001 | r.type=QWORD & r.n=7); s",
    ),
];

#[test]
fn values_are_transformed() {
    check(VALUES);
}

#[test]
fn rules_are_changed_as_a_whole() {
    check(&[
        (
            "{type: add_condition, conditions: {index: 'log-$product', n: 3}, template: true}",
            "{s: {A: x}, t: {B: y}, condition: [s or t, 1 of them]}",
            "s: A=x; t: B=y; _condition_added: index=log-windows & n=3; (s or t) and _condition_added, 1 of them and _condition_added",
        ),
        (
            "{type: add_condition, name: known, negated: true, conditions: {C|startswith: [a, b]}}",
            "{s: {A: x}, condition: s}",
            "s: A=x; _condition_known: C|startswith=[a, b]; s and not _condition_known",
        ),
        (
            "{type: nest, items: [{type: field_name_suffix, suffix: 1}, {type: field_name_suffix, suffix: 2}]}",
            "{s: {A: x}, condition: s}",
            "s: A12=x; s",
        ),
    ]);
    let mut changed = rule("{s: {A: x}, condition: s}");
    let applied = pipelines(
        "- {id: source, type: change_logsource, product: linux}\n- {type: add_field, field: [Host]}\n- {type: remove_field, field: User}\n\
         - {type: field_name_mapping, mapping: {CommandLine: [cmd, args]}}\n- {id: index, type: set_custom_attribute, attribute: i, value: x}\n\
         - {id: state, type: set_state, key: k, val: 2, rule_conditions: [{type: rule_attribute, attribute: i, value: x}]}\n",
    );
    let applied = applied.apply(&mut changed).unwrap();
    assert_eq!(changed.log_source, LogSource::new("", "linux", ""));
    assert_eq!(changed.meta.fields, ["cmd", "args", "Host"]);
    assert_eq!(applied.ids().collect::<Vec<_>>(), ["index", "source", "state"]);
    assert_eq!(
        (applied.state.get("k"), applied.attributes.get("i").map(String::as_str)),
        (Some(&Literal::Int(2)), Some("x"))
    );
}

/// A condition on the rule, and whether it holds for the rule `s: {A: 'x*', B: null, C: 3}`.
const RULE_CONDITIONS: &[(&str, bool)] = &[
    ("[{type: logsource, product: windows}]", true),
    ("[{type: logsource, product: windows, service: sysmon}]", false),
    ("[{type: contains_field, field: A}]", true),
    ("[{type: contains_field, field: D}]", false),
    ("[{type: contains_detection_item, field: A, value: 'x*'}]", true),
    ("[{type: contains_detection_item, field: C, value: 3}]", true),
    ("[{type: contains_detection_item, field: C, value: 4}]", false),
    ("[{type: is_sigma_rule}]", true),
    ("[{type: is_sigma_correlation_rule}]", false),
    ("[{type: tag, tag: attack.t1059}]", true),
    (
        "[{type: rule_attribute, attribute: level, value: medium, op: gte}]",
        true,
    ),
    ("[{type: rule_attribute, attribute: level, value: high, op: lt}]", false),
    (
        "[{type: rule_attribute, attribute: status, value: stable, op: ne}]",
        true,
    ),
    (
        "[{type: rule_attribute, attribute: tags, value: attack.t1059, op: in}]",
        true,
    ),
    ("[{type: rule_attribute, attribute: title, value: T}]", true),
    ("[{type: rule_attribute, attribute: nothing, value: T}]", false),
    ("[{type: processing_item_applied, processing_item_id: first}]", true),
    ("[{type: processing_item_applied, processing_item_id: other}]", false),
    ("[{type: processing_state, key: k, val: 5}]", true),
    ("[{type: processing_state, key: k, val: 5, op: gt}]", false),
    ("[{type: is_sigma_rule}, {type: contains_field, field: D}]", false),
    (
        "[{type: is_sigma_rule}, {type: contains_field, field: D}], rule_cond_op: or",
        true,
    ),
    ("[{type: contains_field, field: D}], rule_cond_not: true", true),
    (
        "{a: {type: is_sigma_rule}, b: {type: contains_field, field: D}}, rule_cond_expr: a and not b",
        true,
    ),
];

#[test]
fn rule_conditions_decide() {
    for (conditions, expect) in RULE_CONDITIONS {
        let text = format!(
            "- {{id: first, type: set_state, key: k, val: 5}}\n- {{type: field_name_suffix, suffix: _, rule_conditions: {conditions}}}\n"
        );
        let found = applied(&text, "{s: {A: 'x*', B: null, C: 3}, condition: s}").contains("A_=");
        assert_eq!(found, *expect, "{conditions}");
    }
}

/// Conditions on items, and the items of `s: {A|contains: [x, y], B: null, C: 3, D: zz}` that they let through.
const ITEM_CONDITIONS: &[(&str, &str)] = &[
    (
        "detection_item_conditions: [{type: match_string, cond: any, pattern: '.x'}]",
        "A",
    ),
    (
        "detection_item_conditions: [{type: match_string, cond: all, pattern: '.x'}]",
        "",
    ),
    (
        "detection_item_conditions: [{type: match_string, cond: any, pattern: 'x'}]",
        "",
    ),
    (
        "detection_item_conditions: [{type: match_string, cond: all, pattern: z, negate: true}]",
        "ABC",
    ),
    (
        "detection_item_conditions: [{type: match_value, cond: any, value: 3}]",
        "C",
    ),
    (
        "detection_item_conditions: [{type: match_value, cond: any, value: '*y*'}]",
        "A",
    ),
    ("detection_item_conditions: [{type: contains_wildcard, cond: any}]", "A"),
    ("detection_item_conditions: [{type: is_null, cond: all}]", "B"),
    (
        "detection_item_conditions: [{type: processing_item_applied, processing_item_id: first}]",
        "D",
    ),
    (
        "detection_item_conditions: [{type: is_null, cond: all}, {type: match_value, cond: any, value: 3}], detection_item_cond_op: or",
        "BC",
    ),
    (
        "field_name_conditions: [{type: include_fields, fields: [A, D]}], field_name_cond_not: true",
        "BC",
    ),
    (
        "field_name_conditions: [{type: processing_item_applied, processing_item_id: first}]",
        "D",
    ),
    ("field_name_conditions: [{type: processing_state, key: k, val: 1}]", ""),
];

#[test]
fn item_and_field_conditions_decide() {
    for (conditions, expect) in ITEM_CONDITIONS {
        let text = format!(
            "- {{id: first, type: case, field_name_conditions: [{{type: include_fields, fields: [D]}}]}}\n- {{type: set_value, value: hit, {conditions}}}\n"
        );
        let found = applied(&text, "{s: {A|contains: [x, y], B: null, C: 3, D: zz}, condition: s}");
        let fields: String = found
            .split(['&', ':', ';'])
            .filter(|item| item.contains("hit"))
            .map(|item| &item.trim()[..1])
            .collect();
        assert_eq!(fields, *expect, "{conditions}: {found}");
    }
}

/// Wrong pipelines and what their authors are told.
const REFUSALS: &[(&str, &str)] = &[
    (
        "- {type: field_name_maping, mapping: {}}",
        "pipeline.yml:6:10: unknown transformation `field_name_maping`; there are field_name_mapping",
    ),
    (
        "- {type: query_expression_placeholders, expression: x}",
        "is refused: it writes text into the query of another backend",
    ),
    ("- {type: file_placeholders}", "may not read files"),
    ("- {type: http_placeholders}", "may not fetch"),
    ("- {type: command_placeholders}", "may not run commands"),
    ("- {type: field_name_transform}", "takes a Python function"),
    (
        "- {type: field_name_suffix, sufix: x}",
        "pipeline.yml:6:29: the transformation `field_name_suffix` has no parameter `sufix`",
    ),
    ("- {type: field_name_suffix}", "needs `suffix`"),
    ("- {mapping: {}}", "needs `type`"),
    ("- {type: field_name_mapping, mapping: [a]}", "must be a map"),
    ("- {type: field_name_mapping, mapping: {a: {b: c}}}", "must be texts"),
    (
        "- {type: replace_string, regex: '(?=x)', replacement: y}",
        "not a regular expression that runs in linear time",
    ),
    (
        "- {type: replace_string, regex: '(((a{99}){99}){99}){99}', replacement: y}",
        "not a regular expression that runs in linear time",
    ),
    ("- {type: convert_type, target_type: date}", "must be `str` or `num`"),
    (
        "- {type: case, method: title}",
        "must be one of lower, upper, snake_case",
    ),
    ("- {type: set_value, value: x, force_type: num}", "`x` is not a number"),
    (
        "- {type: value_placeholders, include: [a], exclude: [b]}",
        "exclude each other",
    ),
    ("- {type: change_logsource}", "needs a category, a product or a service"),
    ("- {type: extract_fields, regex: 'a(b)'}", "needs a named group"),
    ("- {type: add_condition, conditions: [a]}", "must be a map from fields"),
    ("- {type: nest, items: {a: b}}", "are a list"),
    (
        "- {type: case, rule_conditions: [{type: logsorce}]}",
        "`logsorce` is not a condition on rules",
    ),
    (
        "- {type: case, rule_conditions: [{type: logsource, produkt: x}]}",
        "logsource has no parameter `produkt`",
    ),
    (
        "- {type: case, detection_item_conditions: [{type: is_null}]}",
        "needs `cond`",
    ),
    (
        "- {type: case, detection_item_conditions: [{type: is_null, cond: some}]}",
        "must be `any` or `all`",
    ),
    (
        "- {type: case, field_name_conditions: [{type: include_fields, fields: ['('], mode: re}]}",
        "not a regular expression",
    ),
    (
        "- {type: case, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: b}",
        "names `b`",
    ),
    (
        "- {type: case, rule_conditions: {a: {type: is_sigma_rule}, b: {type: is_sigma_rule}}, rule_cond_expr: a}",
        "`b` does not occur",
    ),
    (
        "- {type: case, rule_cond_op: and, rule_cond_expr: a}",
        "exclude each other",
    ),
    ("- {type: case, rule_cond_op: xor}", "must be `and` or `or`"),
    (
        "- {type: case, rule_conditions: [{type: rule_attribute, attribute: level, value: grave}]}",
        "`grave` is no level",
    ),
    (
        "- {type: case, rule_conditions: [{type: rule_attribute, attribute: title, value: x, op: in}]}",
        "look into lists",
    ),
    ("- case", "must be a map"),
];

#[test]
fn wrong_pipelines_are_refused_with_file_line_and_reason() {
    for (transformations, expect) in REFUSALS {
        let text = format!("name: test\nvars:\n  a: 1\npriority: 10\ntransformations:\n{transformations}\n");
        let error = Pipeline::read("pipeline.yml", &text).unwrap_err().to_string();
        assert!(error.contains(expect), "{transformations}: {error}");
        assert!(error.starts_with("pipeline.yml:"), "{error}");
    }
    for (text, expect) in [
        ("- a", "a pipeline must be a map"),
        ("transformation: []", "a pipeline has no parameter `transformation`"),
        ("name: x\n---\nname: y\n", "exactly one document"),
        ("priority: high", "must be a whole number"),
        ("vars: [a]", "`vars` must be a map"),
        ("postprocessing: [{type: embed}]", "this engine makes no query"),
        ("finalizers: [{type: json}]", "this engine makes no query"),
    ] {
        let error = Pipeline::read("pipeline.yml", text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
    let deep = "{type: nest, items: [".repeat(40) + &"]}".repeat(40);
    assert!(Pipeline::read("p", &format!("transformations: [{deep}]")).is_err());
}

#[test]
fn pipelines_refuse_rules_with_the_place_of_both() {
    for (transformations, detection, expect) in [
        (
            "{type: rule_failure, message: not here}",
            "{s: {A: x}, condition: s}",
            "rule.yml:1:1: T: not here (by the pipeline item at pipeline.yml:6:3)",
        ),
        (
            "{type: detection_item_failure, message: no}",
            "{s: {A: x}, condition: s}",
            "rule.yml:8:17: T: no (by the pipeline item at",
        ),
        (
            "{type: strict_field_mapping_failure}",
            "{s: {B: x, A: y}, condition: s}",
            "these fields are not mapped: A, B",
        ),
        (
            "{type: value_placeholders}",
            "{s: {A|expand: '%who%'}, condition: s}",
            "no `vars` entry for the placeholder `who`",
        ),
        (
            "{type: convert_type, target_type: num}",
            "{s: {A: x}, condition: s}",
            "`x` is none",
        ),
        (
            "{type: hashes_fields, valid_hash_algos: [MD5]}",
            "{s: {Hashes: 'SHA1=x'}, condition: s}",
            "no hash here is one of MD5",
        ),
        (
            "{type: regex}",
            "{s: {A|expand: '%who%'}, condition: s}",
            "must be replaced before",
        ),
    ] {
        let error = pipelines(&format!("- {transformations}\n"))
            .apply(&mut rule(detection))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{transformations}: {error}");
    }
    let mapped = "- {type: field_name_mapping, mapping: {A: B}}\n- {type: strict_field_mapping_failure}\n";
    assert_eq!(applied(mapped, "{s: {A: x}, condition: s}"), "s: B=x; s");
}

#[test]
fn alternatives_and_placeholders_are_bounded() {
    let fields: Vec<String> = (0..16).map(|at| format!("F{at}: x")).collect();
    let wide = format!("{{s: {{{}}}, condition: s}}", fields.join(", "));
    let mapping: Vec<String> = (0..16).map(|at| format!("F{at}: [a{at}, b{at}]")).collect();
    let text = format!("- {{type: field_name_mapping, mapping: {{{}}}}}\n", mapping.join(", "));
    let error = pipelines(&text).apply(&mut rule(&wide)).unwrap_err();
    assert!(error.reason.contains("more than 20000 items"), "{error}");
    let many = format!("{{s: {{A|expand: '{}'}}, condition: s}}", "%admins%".repeat(40));
    let error = pipelines("- {type: value_placeholders}\n")
        .apply(&mut rule(&many))
        .unwrap_err();
    assert!(error.reason.contains("more than 20000 forms"), "{error}");
    let double = "- {type: replace_string, regex: 'a', replacement: 'aaaaaaaaaaaaaaaa'}\n".repeat(8);
    let error = pipelines(&double)
        .apply(&mut rule("{s: {A: a}, condition: s}"))
        .unwrap_err();
    assert!(error.reason.contains("longer than"), "{error}");
}

#[test]
fn priorities_order_pipelines_and_later_vars_win() {
    let read = |priority: i32, suffix: &str, value: &str| {
        let text = format!(
            "priority: {priority}\nvars: {{x: {value}}}\ntransformations: [{{type: field_name_suffix, suffix: {suffix}}}, {{type: value_placeholders}}]\n"
        );
        Pipeline::read("p.yml", &text).unwrap()
    };
    let mut changed = rule("{s: {A|expand: '%x%'}, condition: s}");
    Pipelines::new(vec![read(20, "2", "late"), read(10, "1", "early")])
        .apply(&mut changed)
        .unwrap();
    assert_eq!(shown(&changed), "s: A12=late; s");
}

#[test]
fn correlations_have_their_fields_renamed() {
    let text = "title: c\nfields: [User]\ncorrelation:\n  type: value_count\n  rules: a\n  group-by: [User, who]\n  aliases: {who: {a: User}}\n  \
                timespan: 1m\n  condition: {field: Host, gte: 2}\n";
    let Some(RuleDocument::Correlation(body)) = document::parse("c.yml", text).documents.pop() else {
        panic!("a correlation")
    };
    let mut correlation = CorrelationRule::read(&body).unwrap();
    let sources = [LogSource::new("", "windows", "")];
    let mapping = "- {type: field_name_mapping, mapping: {User: user.name, Host: host.name}, rule_conditions: [{type: logsource, product: windows}]}\n";
    pipelines(mapping)
        .apply_to_correlation(&mut correlation, &sources)
        .unwrap();
    assert_eq!(correlation.correlation.group_by, ["user.name", "who"]);
    assert_eq!(correlation.correlation.aliases[0].fields[0].1, "user.name");
    assert!(format!("{:?}", correlation.correlation.condition).contains("host.name"));
    assert_eq!(correlation.meta.fields, ["user.name"]);
    let several = "- {type: field_name_mapping, mapping: {host.name: [a, b]}}\n";
    let error = pipelines(several)
        .apply_to_correlation(&mut correlation, &sources)
        .unwrap_err();
    assert!(
        error.reason.contains("`host.name` would become several fields"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_pipeline_or_refused(text in r"[a-z_:\[\]{}, '\n|*-]{0,80}") {
        let _ = Pipeline::read("p.yml", &text);
    }

    #[test]
    fn any_value_survives_any_replacement(value in r"[a\\*?%.]{0,12}", regex in r"[a.*?|()\\]{0,6}", replacement in r"[a\\1*$<g>]{0,6}") {
        let transformation = replacing(&regex, &replacement);
        let Ok(pipeline) = Pipeline::read("p.yml", &transformation) else { return Ok(()) };
        let mut changed = rule("{s: {A|contains: x}, condition: s}");
        changed.detection.selections[0].selection.for_each_item_mut(&mut |item| item.values[0].literal = Literal::String(value.clone()));
        let _ = Pipelines::new(vec![pipeline]).apply(&mut changed);
    }
}

/// Writes a `replace_string` pipeline with both texts in YAML's single quotes.
fn replacing(regex: &str, replacement: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    format!(
        "transformations:\n- type: replace_string\n  regex: {}\n  replacement: {}\n",
        quoted(regex),
        quoted(replacement)
    )
}
