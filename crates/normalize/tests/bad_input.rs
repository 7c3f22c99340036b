//! Bad JSON: too deep, too many, too long, twice, not UTF-8, at absurd times. It is read as far as the limits go, the
//! rest is in the raw record, and a problem says so.

#![expect(clippy::unwrap_used, reason = "a test may stop at what should not be")]

use bytes::Bytes;
use compact_str::CompactString;
use model::{Event, FormatHint, ProblemKind as P, RawRecord, SourceId, Transport, Value};
use normalize::{Normalized, Normalizer, Settings, limits};

fn normalize(bytes: impl Into<Bytes>) -> Event {
    normalize_as(FormatHint::Unknown, bytes)
}

fn normalize_as(format: FormatHint, bytes: impl Into<Bytes>) -> Event {
    let record = RawRecord {
        source: SourceId::new("bad"),
        received_at: "2026-03-15T08:00:00Z".parse().unwrap(),
        transport: Transport::Ndjson,
        origin: CompactString::const_new("bad"),
        format,
        exercise: true,
        bytes: bytes.into(),
    };
    let Normalized::Event(event) = Normalizer::new(&Settings::default()).normalize(7, &record) else {
        panic!("a whole event");
    };
    assert_eq!(event.raw, record.bytes);
    assert_eq!((event.seq, event.exercise), (7, true));
    event
}

fn problems(event: &Event) -> Vec<P> {
    event.problems.iter().map(|problem| problem.kind).collect()
}

const TIME: &str = r#""time":"2026-03-15T07:00:00Z""#;

#[test]
fn what_is_nested_too_deep_is_left_out_and_the_rest_is_read() {
    for depth in [limits::DEPTH_MAX + 1, 200] {
        for (open, close) in [("{\"a\":", "}"), ("[", "]"), ("[{\"]\":", "}]")] {
            let times = depth / open.matches(['[', '{']).count() + 1;
            let (open, close) = (open.repeat(times), close.repeat(times));
            let event = normalize(format!("{{{TIME},\"deep\":{open}1{close},\"after\":2}}"));
            assert_eq!(problems(&event), [P::LimitReached], "{depth} {open}");
            assert_eq!(event.fields.get("after"), Some(&Value::Int(2)));
        }
    }
}

#[test]
fn endless_nesting_is_read_up_to_it() {
    for part in ["[", "{\"a\":", "[{\"a\":[", "{\"Event\":{\"System\":"] {
        let event = normalize(format!("{{{TIME},\"deep\":{}", part.repeat(200_000)));
        assert!(problems(&event).contains(&P::LimitReached), "{part}");
        assert_eq!(event.fields.text("time"), Some("2026-03-15T07:00:00Z"));
    }
}

#[test]
fn a_name_that_comes_twice_is_kept_twice() {
    let event = normalize(format!(
        r#"{{{TIME},"a":1,"b":{{"a":1}},"a":2,"c":{{"d":1,"d":{{"e":1}}}}}}"#
    ));
    let named_a: Vec<_> = event
        .fields
        .iter()
        .filter(|field| field.name == "a")
        .map(|field| &field.value)
        .collect();
    assert_eq!(named_a, [&Value::Int(1), &Value::Int(2)]);
    let details: Vec<_> = event
        .problems
        .iter()
        .map(|problem| (problem.kind, problem.detail.as_str()))
        .collect();
    assert_eq!(details, [(P::DuplicateName, "a"), (P::DuplicateName, "c.d")]);
}

#[test]
fn counts_and_lengths_have_limits() {
    let many: Vec<String> = (0..limits::FIELDS_MAX + 5).map(|n| format!(",\"f{n}\":{n}")).collect();
    let many = many.concat();
    let event = normalize(format!("{{{TIME}{many}}}"));
    assert_eq!(event.fields.len(), limits::FIELDS_MAX);
    assert_eq!(problems(&event), [P::LimitReached]);

    let event = normalize(format!("{{{TIME},\"list\":[{}1]}}", "1,".repeat(200_000)));
    let Some(Value::List(list)) = event.fields.get("list") else {
        panic!("a list")
    };
    assert!(list.len() <= limits::VALUES_MAX);
    assert_eq!(problems(&event), [P::LimitReached]);

    let event = normalize(format!(
        "{{{TIME},\"o\":[{}{{}}]}}",
        "{\"a\":1,\"b\":2},".repeat(100_000)
    ));
    assert_eq!(problems(&event), [P::LimitReached]);

    let event = normalize(format!("{{{TIME},\"long\":\"{}\",\"after\":2}}", "ă".repeat(500_000)));
    assert_eq!(problems(&event), [P::LimitReached]);
    let kept = event.fields.text("long").unwrap();
    assert_eq!(
        (kept.len(), kept.chars().all(|letter| letter == 'ă')),
        (limits::TEXT_BYTES_MAX, true)
    );
    assert_eq!(event.fields.get("after"), Some(&Value::Int(2)));

    let event = normalize(format!("{{{TIME},\"{}\":1,\"after\":2}}", "n".repeat(100_000)));
    assert_eq!(problems(&event), [P::LimitReached]);
    assert_eq!(event.fields.get("after"), Some(&Value::Int(2)));

    let event = normalize(format!("{{{TIME},{}\"z\":1}}", "\"a\":1,".repeat(1_000)));
    assert_eq!(event.problems.len(), limits::PROBLEMS_MAX);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_noted() {
    let event = normalize(Bytes::from_static(
        b"{\"time\":\"2026-03-15T07:00:00Z\",\"user\":\"l\xe3n\"}",
    ));
    assert_eq!(event.fields.text("user"), Some("l\u{fffd}n"));
    assert_eq!(problems(&event), [P::InvalidUtf8]);
    assert_eq!(event.problems[0].detail, "from byte 40");
}

#[test]
fn absurd_times_are_replaced_by_the_receipt_and_noted() {
    let cases = [
        (r#""9999-12-31T23:59:59Z""#, P::ImplausibleTime),
        (r#""1970-01-01T00:00:00Z""#, P::ImplausibleTime),
        (r#""2026-03-17T08:00:00Z""#, P::ImplausibleTime),
        ("9223372036854775807", P::ImplausibleTime),
        ("-1", P::ImplausibleTime),
        ("1e300", P::NoTime),
        (r#""2026-02-31T08:00:00Z""#, P::NoTime),
        (r#""soon""#, P::NoTime),
        ("null", P::NoTime),
        (r#""2026-03-15T14:00:00""#, P::GuessedTime),
    ];
    for (time, problem) in cases {
        let event = normalize(format!(r#"{{"time":{time}}}"#));
        assert_eq!(problems(&event), [problem], "{time}");
        let is_kept = problem == P::GuessedTime;
        assert_eq!(event.happened_at == event.received_at, !is_kept, "{time}");
    }
}

#[test]
fn json_that_breaks_off_is_read_up_to_there() {
    let event = normalize(format!(r#"{{{TIME},"user":"lan","cmd":"rm -"#));
    assert_eq!(event.fields.text("user"), Some("lan"));
    assert_eq!(problems(&event), [P::Malformed]);
    let event = normalize(format!(r#"{{{TIME},"user":"lan"}} and more"#));
    assert_eq!(event.fields.text("user"), Some("lan"));
    assert_eq!(problems(&event), [P::Malformed]);
    for nothing in ["", " ", "{", "{}", "[]", "null", "\u{feff}", "\0\0\0"] {
        normalize(nothing.to_owned());
    }
}

#[test]
fn a_hint_that_is_wrong_is_noted_and_the_record_is_recognised() {
    let named = |name: &str, text: &str| normalize_as(FormatHint::Named(name.into()), text.to_owned());
    let flow = r#"{"timestamp":"2026-03-15T07:00:00Z","event_type":"flow","flow_id":1,"src_ip":"203.0.113.7"}"#;
    let plain = format!("{{{TIME}}}");
    let cases = [
        ("suricata", flow, "suricata", vec![]),
        ("zeek", flow, "suricata", vec![P::Malformed]),
        ("nginx", flow, "suricata", vec![]),
        ("no-such-format", flow, "suricata", vec![P::UnknownFormat]),
        (
            "nginx",
            "no access log",
            "unknown",
            vec![P::Malformed, P::UnknownFormat, P::NoTime],
        ),
        ("json", &plain, "json", vec![]),
        ("beats", &plain, "json", vec![]),
        ("winlogbeat", flow, "suricata", vec![P::Malformed]),
    ];
    for (hint, text, format, expected) in cases {
        let event = named(hint, text);
        assert_eq!(
            (event.format.as_str(), problems(&event)),
            (format, expected),
            "{hint} {text}"
        );
    }
}
