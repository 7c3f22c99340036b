//! Silences: what they cover, how long, what they count, and what the preview says.

use model::{
    Change, Decision, Detection, Entities, Entity, EntityKind, Event, Fields, Language, LogSourceSet, MatchedField,
    Rejected, Role, Scope, Silence, SilenceReason, SilenceScope, SilenceState, SourceId, Value,
};
use operations::{Step, silences};

use crate::memory::{at, detection, entropy, scope, user};

const DAY: i64 = 24 * 3600;

fn event(fields: &[(&str, Value)]) -> Event {
    let mut all = Fields::default();
    for (name, value) in fields {
        all.push(*name, value.clone());
    }
    Event {
        seq: 1,
        records: 1,
        source: SourceId::new("wef"),
        happened_at: at(0),
        received_at: at(0),
        format: "sysmon".into(),
        logsources: LogSourceSet::default(),
        fields: all,
        entities: Entities {
            user_name: Some("backup".into()),
            ..Entities::default()
        },
        raw: Vec::new().into(),
        problems: Vec::new(),
        exercise: false,
    }
}

fn of_rule(rule: &str, fields: &[(&str, &str)]) -> SilenceScope {
    SilenceScope {
        rule: Some(rule.into()),
        entity: None,
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).to_owned()))
            .collect(),
    }
}

fn host(name: &str) -> Entity {
    Entity {
        kind: EntityKind::Host,
        name: name.into(),
    }
}

#[test]
fn a_scope_covers_when_everything_in_it_fits() {
    let seen = event(&[
        ("Image", Value::text(r"C:\Tools\psexec.exe")),
        ("LogonType", Value::Int(3)),
        ("Groups", Value::List(vec![Value::text("Users"), Value::text("Admins")])),
    ]);
    let detection = detection("a", "ws-1", 1);
    let cases: [(SilenceScope, bool); 11] = [
        (of_rule("a", &[]), true),
        (of_rule("b", &[]), false),
        (
            SilenceScope {
                entity: Some(host("ws-1")),
                ..SilenceScope::default()
            },
            true,
        ),
        (
            SilenceScope {
                entity: Some(host("ws-2")),
                ..of_rule("a", &[])
            },
            false,
        ),
        (of_rule("a", &[("Image", r"c:\tools\PSEXEC.exe")]), true),
        (of_rule("a", &[("Image", r"psexec.exe")]), false),
        (of_rule("a", &[("image", r"C:\Tools\psexec.exe")]), false),
        (of_rule("a", &[("LogonType", "3"), ("Groups", "admins")]), true),
        (of_rule("a", &[("LogonType", "3"), ("Groups", "guests")]), false),
        (of_rule("a", &[("user.name", "BACKUP")]), true),
        (of_rule("a", &[("Absent", "")]), false),
    ];
    for (scope, expect) in cases {
        assert_eq!(silences::covers(&scope, &detection, Some(&seen)), expect, "{scope:?}");
    }
}

#[test]
fn without_the_event_only_what_the_rule_matched_is_known() {
    let mut found = detection("a", "ws-1", 1);
    found.matched.push(MatchedField {
        selection: "selection".into(),
        field: "Image".into(),
        wanted: "endswith psexec.exe".into(),
        value: r"C:\psexec.exe".into(),
        span: None,
    });
    assert!(silences::covers(
        &of_rule("a", &[("Image", r"c:\psexec.exe")]),
        &found,
        None
    ));
    assert!(
        !silences::covers(&of_rule("a", &[("User", "backup")]), &found, None),
        "in doubt nothing is hidden"
    );
}

fn draft() -> silences::Draft {
    silences::Draft {
        scope: of_rule("a", &[]),
        reason: SilenceReason::FalsePositive,
        comment: "backup job".into(),
        expires_at: at(7 * DAY),
        expected_per_day: 2.0,
    }
}

fn made(decision: &Decision) -> Silence {
    match decision.changes.as_slice() {
        [Change::PutSilence { silence }] => (**silence).clone(),
        other => panic!("{other:?}"),
    }
}

fn step(scope: &Scope, second: i64) -> Step<'_> {
    Step { scope, at: at(second) }
}

#[test]
fn a_draft_out_of_bounds_is_refused_with_its_reason() {
    let lead = scope(1);
    let officer = Scope::of_session(&user(2, Role::DutyOfficer));
    let edits: [fn(&mut silences::Draft); 7] = [
        |draft| draft.scope = SilenceScope::default(),
        |draft| draft.scope.fields = vec![("x".into(), String::new()); 17],
        |draft| draft.comment = " ".into(),
        |draft| draft.comment = "x".repeat(5000),
        |draft| draft.expires_at = at(0),
        |draft| draft.expires_at = at(366 * DAY),
        |draft| {
            draft.reason = SilenceReason::Maintenance;
            draft.expires_at = at(15 * DAY);
        },
    ];
    let mut lines = Vec::new();
    for edit in edits {
        let mut wrong = draft();
        edit(&mut wrong);
        let Err(Rejected::Invalid { field, problem }) = silences::create(wrong, step(&lead, 0), entropy(1)) else {
            panic!("it was taken");
        };
        lines.push(format!(
            "{field}: {} / {}",
            problem.text(Language::Vi),
            problem.text(Language::En)
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(
        silences::create(draft(), step(&officer, 0), entropy(1)),
        Err(Rejected::NotAllowed)
    );
}

#[test]
fn a_silence_hides_until_it_expires_or_is_ended() {
    let lead = scope(1);
    let silence = made(&silences::create(draft(), step(&lead, 0), entropy(1)).unwrap());
    assert!(silences::in_force(&silence, at(7 * DAY - 1)));
    assert!(!silences::in_force(&silence, at(7 * DAY)));
    let longer = made(&silences::extend(&silence, at(8 * DAY), "not fixed yet", step(&lead, DAY)).unwrap());
    assert!(silences::in_force(&longer, at(7 * DAY)) && longer.revision == 2);
    assert!(
        silences::extend(&longer, at(7 * DAY), "x", step(&lead, DAY)).is_err(),
        "not later"
    );
    assert!(
        silences::extend(&longer, at(9 * DAY), "x", step(&lead, 8 * DAY)).is_err(),
        "over"
    );
    let ended = made(&silences::end(&longer, "fixed", step(&lead, 2 * DAY)).unwrap());
    assert!(!silences::in_force(&ended, at(2 * DAY)));
    assert!(matches!(ended.state, SilenceState::Ended { .. }));
    assert!(silences::end(&ended, "again", step(&lead, 2 * DAY)).is_err());
}

#[test]
fn of_several_silences_the_oldest_hides_and_counts() {
    let lead = scope(1);
    let old = made(&silences::create(draft(), step(&lead, 0), entropy(1)).unwrap());
    let young = made(&silences::create(draft(), step(&lead, 60), entropy(2)).unwrap());
    let mut by_entity = draft();
    by_entity.scope = SilenceScope {
        entity: Some(host("ws-9")),
        ..SilenceScope::default()
    };
    let about_host = made(&silences::create(by_entity, step(&lead, 120), entropy(3)).unwrap());
    let all = [young, about_host.clone(), old.clone()];
    let index = silences::Index::new(&all, at(200));
    assert_eq!(index.hiding(&detection("a", "ws-1", 1), None), Some(old.id));
    assert_eq!(index.hiding(&detection("b", "ws-9", 1), None), Some(about_host.id));
    assert_eq!(index.hiding(&detection("b", "ws-1", 1), None), None);
    assert_eq!(
        index.hiding_notice("watchpost/source-silent", &host("ws-9")),
        Some(about_host.id)
    );
    let later = silences::Index::new(&all, at(8 * DAY));
    assert_eq!(later.hiding(&detection("a", "ws-1", 1), None), None);
}

#[test]
fn a_silence_that_hides_far_more_than_expected_is_reported_once_a_day() {
    let lead = scope(1);
    let mut silence = made(&silences::create(draft(), step(&lead, 0), entropy(1)).unwrap());
    let mut reported = Vec::new();
    for (count, second) in [(20, 0), (79, 10), (1, 20), (500, 30), (30, DAY), (100, DAY + 10)] {
        let (changes, notices) = silences::hid(&[silence.clone()], &[(silence.id, count, at(second))], at(second));
        let Change::PutSilence { silence: counted } = &changes[0] else {
            panic!("{changes:?}");
        };
        silence = (**counted).clone();
        reported.extend(
            notices
                .into_iter()
                .map(|notice| format!("{} {}", second, notice.summary)),
        );
    }
    assert_eq!(silence.hidden, 730);
    assert_eq!(silence.last_hidden_at, Some(at(DAY + 10)));
    insta::assert_snapshot!(reported.join("\n"));
}

#[test]
fn a_preview_tells_what_would_have_been_hidden_and_what_is_unsure() {
    let scope = of_rule("a", &[("User", "backup")]);
    let seen = event(&[("User", Value::text("backup"))]);
    let mut preview = silences::Preview::default();
    for n in 1..=30 {
        let found: Detection = detection("a", if n % 2 == 0 { "ws-1" } else { "ws-2" }, n);
        preview.observe(&scope, &found, Some(&seen));
    }
    preview.observe(&scope, &detection("a", "ws-1", 40), None);
    preview.observe(&scope, &detection("b", "ws-1", 41), Some(&seen));
    assert_eq!(
        (preview.looked_at, preview.hidden, preview.unsure, preview.alerts),
        (32, 30, 1, 2)
    );
    assert_eq!((preview.first, preview.last), (Some(at(1)), Some(at(30))));
    assert_eq!(preview.examples.len(), silences::Preview::EXAMPLES_MAX);
    assert!((preview.per_day(7) - 30.0 / 7.0).abs() < 1e-9);
}

#[test]
fn the_last_step_with_a_silence_can_be_taken_back_and_what_it_hid_stays_counted() {
    let lead = scope(1);
    let fresh = made(&silences::create(draft(), step(&lead, 0), entropy(1)).unwrap());
    let longer = made(&silences::extend(&fresh, at(8 * DAY), "not fixed yet", step(&lead, DAY)).unwrap());
    let counted = Silence {
        hidden: 40,
        revision: 3,
        ..longer.clone()
    };
    let undone = made(&silences::undo(&counted, (Some(&fresh), &longer), step(&lead, DAY)).unwrap());
    assert_eq!(
        (undone.expires_at, undone.hidden, undone.revision),
        (at(7 * DAY), 40, 4)
    );

    let ended = made(&silences::end(&counted, "fixed", step(&lead, 2 * DAY)).unwrap());
    let again = made(&silences::undo(&ended, (Some(&counted), &ended), step(&lead, 2 * DAY)).unwrap());
    assert!(silences::in_force(&again, at(7 * DAY)));
    assert!(
        silences::undo(&ended, (Some(&fresh), &longer), step(&lead, 2 * DAY)).is_err(),
        "it was ended since"
    );

    let never = made(&silences::undo(&fresh, (None, &fresh), step(&lead, 60)).unwrap());
    assert!(!silences::in_force(&never, at(60)));
    let officer = Scope::of_session(&user(2, Role::DutyOfficer));
    assert_eq!(
        silences::undo(&fresh, (None, &fresh), step(&officer, 60)),
        Err(Rejected::NotAllowed)
    );
}
