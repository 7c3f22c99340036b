//! Search lines read and refused, with the places of what is wrong.

use model::Language;
use proptest::prelude::*;

use super::*;

fn names() -> FieldNames {
    ["Image", "CommandLine", "Threat Name", "EventID", "image"]
        .map(str::to_owned)
        .into_iter()
        .collect()
}

/// A search in one line.
fn short(search: &Search) -> String {
    let joined = |parts: &[Search], word: &str| {
        let parts: Vec<String> = parts.iter().map(short).collect();
        format!("({})", parts.join(word))
    };
    match search {
        Search::All(parts) => joined(parts, " & "),
        Search::Any(parts) => joined(parts, " | "),
        Search::Not(inner) => format!("!{}", short(inner)),
        Search::Text(text) => format!("'{text}'"),
        Search::Field(field, must) => {
            let name = match field {
                Field::Column(column) => column.name.to_owned(),
                Field::Record(name) => format!("fields.{name}"),
            };
            let must = match must {
                Test::Present => "*".to_owned(),
                Test::Matches(pattern) => format!("~{pattern}"),
                Test::Is(text) => format!("={text}"),
                Test::Address(first, last) => format!("@{first}-{last}"),
                Test::Number(order, number) => format!("{order:?} {number}"),
                Test::Time(order, at) => format!("{order:?} {at}"),
                Test::Flag(flag) => flag.to_string(),
            };
            format!("{name}{must}")
        }
    }
}

#[test]
fn lines_are_read() {
    for (line, expected) in [
        ("", "()"),
        ("mimikatz", "'mimikatz'"),
        ("*mimikatz*", "'mimikatz'"),
        ("một hai", "('một' & 'hai')"),
        (r#""powershell -enc""#, "'powershell -enc'"),
        ("a OR b c", "('a' | ('b' & 'c'))"),
        ("a HOẶC b VÀ KHÔNG c", "('a' | ('b' & !'c'))"),
        ("(a OR b) AND -c", "(('a' | 'b') & !'c')"),
        ("NOT NOT a", "'a'"),
        ("user.name:an*", "user.name~an*"),
        ("USER.NAME:an", "user.name~an"),
        ("user.name=An", "user.name=An"),
        ("user.name:*", "user.name*"),
        ("host:(db1 OR db2)", "(host.name~db1 | host.name~db2)"),
        ("host:(db* -db1)", "(host.name~db* & !host.name~db1)"),
        ("source.ip:203.0.113.0/24", "source.ip@203.0.113.0-203.0.113.255"),
        (
            "source.ip:2001:db8::/32",
            "source.ip@2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        (
            "ip:10.0.0.1",
            "(source.ip@10.0.0.1-10.0.0.1 | destination.ip@10.0.0.1-10.0.0.1)",
        ),
        ("destination.port:>1024", "destination.portGreater 1024"),
        ("destination.port>=1024", "destination.portGreaterOrEqual 1024"),
        (
            "destination.port:[1 TO 1024]",
            "(destination.portGreaterOrEqual 1 & destination.portLessOrEqual 1024)",
        ),
        ("destination.port:[1024 TO *]", "destination.portGreaterOrEqual 1024"),
        ("EventID:4625", "fields.EventID~4625"),
        (r"EventID:C:\a\*", r"fields.EventID~C:\a\\*"),
        (r"EventID:\\srv\x", r"fields.EventID~\\\srv\x"),
        ("EventID: 1", "fields.EventID~1"),
        ("eventid:>4000", "fields.EventIDGreater 4000"),
        (
            r"image:*\powershell.exe",
            r"(fields.Image~*\powershell.exe | fields.image~*\powershell.exe)",
        ),
        (r#""Threat Name":Trojan*"#, "fields.Threat Name~Trojan*"),
        ("fields.never_seen:x", "fields.never_seen~x"),
        (
            r#"Image:"C:\Program Files (x86)\*""#,
            r"(fields.Image~C:\Program Files (x86)\\\* | fields.image~C:\Program Files (x86)\\\*)",
        ),
        (
            "happened_at:>=2026-11-25",
            "happened_atGreaterOrEqual 2026-11-25T00:00:00Z",
        ),
        ("user.name: an", "user.name~an"),
        ("exercise:false", "exercisefalse"),
        ("203.0.113.7", "'203.0.113.7'"),
        ("12:30:45", "'12:30:45'"),
        ("a-b", "'a-b'"),
        ("- a", "('-' & 'a')"),
        ("and or not", "('and' & 'or' & 'not')"),
        (r#""say \"hi\"""#, r#"'say "hi"'"#),
        (
            r#"user.name:an* source.ip:203.0.113.0/24 "powershell -enc" NOT host.name:db1"#,
            "(user.name~an* & source.ip@203.0.113.0-203.0.113.255 & 'powershell -enc' & !host.name~db1)",
        ),
    ] {
        match parse(line, &names()) {
            Ok(search) => assert_eq!(short(&search), expected, "{line}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let mut told = String::new();
    for line in [
        "user.nmae:an",
        "hostname:db1",
        "comandline:x",
        "zzzzzzz:x",
        r"C:\Windows",
        "source.ip:300.1.1.1",
        "source.ip:10.0.0.0/33",
        "source.ip:10.0.*",
        "destination.port:http",
        "destination.port:[1 TO",
        "destination.port:[1 2]",
        "happened_at:>yesterday",
        "exercise:maybe",
        "user.name:>a",
        "user.name:",
        "user.name: OR a",
        "\"open",
        "(a OR b",
        "a)",
        "a AND",
        "OR a",
        "a OR",
        "NOT",
        "()",
        "pow*shell",
        "user.name:()",
    ] {
        let error = parse(line, &names()).expect_err(line);
        told.push_str(&error.drawn(line, Language::En));
        told.push('\n');
        assert!(!error.fault.text(Language::Vi).is_empty());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_grows_has_a_limit() {
    for (line, fault) in [
        ("a ".repeat(5000), Fault::TooLong),
        ("a ".repeat(600), Fault::TooMany),
        (format!("host:({})", "a ".repeat(600)), Fault::TooMany),
        ("(".repeat(100) + "a", Fault::TooDeep),
        (format!("host:{}a", "(".repeat(100)), Fault::TooDeep),
    ] {
        assert_eq!(parse(&line, &names()).map_err(|error| error.fault), Err(fault));
    }
}

#[test]
fn patterns_match_whole_values() {
    for (pattern, value, expected) in [
        ("an", "AN", true),
        ("an", "anh", false),
        ("an*", "an.nguyen", true),
        ("*nguy?n", "An.Nguyễn", true),
        ("nguyễn", "NGUYEN", true),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("*", "", true),
        ("?", "", false),
        ("", "", true),
        (r"*\powershell.exe", r"C:\Windows\PowerShell.exe", true),
        (r"C:\\*", r"C:\x", true),
        (r"\*", "*", true),
        (r"\*", "x", false),
        (r"a\?b", "a?b", true),
        ("a?b", "a/b", true),
        ("*ab", "aab", true),
        ("*a?", "aaa", true),
    ] {
        let folded = crate::text::fold(value);
        assert_eq!(
            Pattern::new(pattern).matches(folded.as_bytes()),
            expected,
            "{pattern} on {value}"
        );
    }
}

/// The definition, without any of the short cuts.
fn naive(pattern: &[char], value: &[char]) -> bool {
    match pattern.split_first() {
        None => value.is_empty(),
        Some(('*', rest)) => (0..=value.len()).any(|skipped| naive(rest, &value[skipped..])),
        Some(('?', rest)) => !value.is_empty() && naive(rest, &value[1..]),
        Some((letter, rest)) => value.first() == Some(letter) && naive(rest, &value[1..]),
    }
}

proptest! {
    #[test]
    fn any_line_is_read_or_refused_within_itself(line in any::<String>()) {
        if let Err(error) = parse(&line, &names()) {
            let letters = line.chars().count();
            prop_assert!(error.at.0 <= error.at.1 && error.at.1 <= letters, "{error:?} of {letters}");
        }
    }

    #[test]
    fn lines_of_the_language_s_own_signs_too(line in r#"[ab:*?()"\[\]\-!=<> .\\]{0,24}|((a|b|host:|NOT |OR |AND |\(|\)|"|\[| TO |\]|>|=)){0,14}"#) {
        if let Err(error) = parse(&line, &names()) {
            let letters = line.chars().count();
            prop_assert!(error.at.0 <= error.at.1 && error.at.1 <= letters, "{error:?} of {letters}");
        }
    }

    #[test]
    fn a_pattern_is_what_its_definition_says(pattern in "[abê*?]{0,8}", value in "[abê]{0,10}") {
        let fold = |text: &str| crate::text::fold(text).chars().collect::<Vec<char>>();
        let by_definition = naive(&fold(&pattern), &fold(&value));
        prop_assert_eq!(Pattern::new(&pattern).matches(crate::text::fold(&value).as_bytes()), by_definition);
    }
}
