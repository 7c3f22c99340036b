//! Rosters as people change them: one editor at a time, swaps, leave, addresses that are proven, and calendars.

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use model::{
    AddressState, Change, ContactCard, Decision, Id, Kept, Leave, Override, Rejected, Role, Scope, Swap, Team, User,
};
use operations::{
    Step,
    duty::{
        Fitness, LeaveDraft, Roster, SwapDraft, TeamDraft, accept_swap, add_override, burdens,
        calendar::{self, Entry},
        edit_team, end_override, import_leave, offer_swap, on_duty, rest_breaks, take_leave, withdraw_swap,
    },
    notifications::{
        AddressDraft, CODE_MINUTES, PolicyDraft, Sent, TEST_DAYS, WRONG_CODES_MAX, add_address, ask_for_proof,
        edit_policy, noted_outcome, prove, silent_tests,
    },
};
use proptest::prelude::*;

use crate::{
    duty::{at, hanoi, person, team},
    memory::{entropy, user},
};

fn lead() -> Scope {
    Scope::of_session(&user(1, Role::ShiftLead))
}

/// The scope of a duty officer with a given id.
fn officer(number: u128) -> Scope {
    let account = User {
        id: person(number),
        ..user(9, Role::DutyOfficer)
    };
    Scope::of_session(&account)
}

fn now() -> Timestamp {
    at("2026-04-28T09:00:00+07")
}

fn step(scope: &Scope) -> Step<'_> {
    Step { scope, at: now() }
}

fn draft(team: &Team) -> TeamDraft {
    TeamDraft {
        name: team.name.clone(),
        zone: team.zone.clone(),
        positions: team.positions.clone(),
        rotations: team.rotations.clone(),
        members: team.members.clone(),
        rest_hours: team.rest_hours,
        policy: team.policy,
        alerts_from: team.alerts_from,
    }
}

fn nobody_fits(_: Id<User>) -> Fitness {
    Fitness::default()
}

fn put<T: Kept>(decision: &Decision) -> T {
    let mut nouns = decision.changes.iter().filter_map(noun_of);
    nouns.next().unwrap()
}

fn noun_of<T: Kept>(change: &Change) -> Option<T> {
    if let Change::PutNoun { noun } = change {
        noun.read()
    } else {
        None
    }
}

#[test]
fn the_second_of_two_editors_is_told() {
    let team = team(&[1, 2], 1, &[6, 18]);
    let lead = lead();
    let mut first = draft(&team);
    first.rest_hours = 12;
    let decided = edit_team(
        Some(&team),
        team.revision,
        first,
        &nobody_fits,
        (step(&lead), entropy(1)),
    )
    .unwrap();
    let changed: Team = put(&decided);
    assert_eq!((changed.revision, changed.rest_hours), (2, 12));
    let second = edit_team(
        Some(&changed),
        team.revision,
        draft(&team),
        &nobody_fits,
        (step(&lead), entropy(2)),
    );
    assert_eq!(second.unwrap_err().why, Rejected::Outdated);
    let reader = officer(1);
    let refused = edit_team(Some(&team), 1, draft(&team), &nobody_fits, (step(&reader), entropy(3)));
    assert_eq!(refused.unwrap_err().why, Rejected::NotAllowed);
}

/// What makes a good draft a bad one.
type Spoil = fn(&mut TeamDraft);

#[test]
fn what_a_roster_may_not_be_is_refused_with_its_field() {
    let good = team(&[1, 2], 1, &[6, 18]);
    let lead = lead();
    let cases: [(&str, Spoil); 6] = [
        ("name", |draft| draft.name = "  ".to_owned()),
        ("positions", |draft| draft.positions.clear()),
        ("positions", |draft| draft.positions[0].key = "Trực".into()),
        ("rotations", |draft| draft.rotations[0].position = "lead".into()),
        ("hand_over_at", |draft| draft.rotations[0].hand_over_at.reverse()),
        ("every_days", |draft| {
            draft.rotations[0].ends_on = Some(civil::date(2020, 1, 1));
        }),
    ];
    for (expected, spoil) in cases {
        let mut bad = draft(&good);
        spoil(&mut bad);
        let refused = edit_team(None, 0, bad, &nobody_fits, (step(&lead), entropy(1))).unwrap_err();
        assert!(
            matches!(refused.why, Rejected::Invalid { field, .. } if field == expected),
            "{expected}: {refused:?}"
        );
    }
}

#[test]
fn nobody_without_two_proven_channels_comes_into_a_primary_position() {
    let before = team(&[1, 2], 1, &[6, 18]);
    let lead = lead();
    let mut wanted = draft(&before);
    wanted.positions[0].primary = true;
    let known = |who: Id<User>| Fitness {
        reachable: who != person(2),
        skills: Vec::new(),
    };
    let refused = edit_team(Some(&before), 1, wanted.clone(), &known, (step(&lead), entropy(1))).unwrap_err();
    assert_eq!(refused.person, Some(person(2)));
    wanted.rotations[0].people = vec![person(1)];
    let primary: Team = put(&edit_team(Some(&before), 1, wanted, &known, (step(&lead), entropy(1))).unwrap());
    let over = |who| Override {
        position: "officer".into(),
        from: now(),
        until: now() + SignedDuration::from_hours(3),
        instead_of: None,
        person: Some(person(who)),
    };
    let refused = add_override(&primary, 2, over(2), &known, (step(&lead), "ốm")).unwrap_err();
    assert_eq!(refused.person, Some(person(2)));
    let changed: Team = put(&add_override(&primary, 2, over(3), &known, (step(&lead), "ốm")).unwrap());
    assert_eq!(changed.overrides.len(), 1);
    let ended: Team = put(&end_override(&changed, 3, 0, step(&lead)).unwrap());
    assert_eq!(ended.overrides, []);
    // Who held it before stays, though a channel failed since: the page shows it.
    let kept = edit_team(
        Some(&primary),
        2,
        draft(&primary),
        &nobody_fits,
        (step(&lead), entropy(1)),
    );
    assert!(kept.is_ok());
}

#[test]
fn a_skill_that_a_position_asks_for_is_needed() {
    let before = team(&[1], 1, &[6]);
    let lead = lead();
    let mut wanted = draft(&before);
    wanted.positions[0].skills = vec!["forensics".into()];
    let known = |who: Id<User>| Fitness {
        reachable: false,
        skills: if who == person(1) {
            vec![CompactString::from("forensics")]
        } else {
            Vec::new()
        },
    };
    assert!(edit_team(Some(&before), 1, wanted.clone(), &known, (step(&lead), entropy(1))).is_ok());
    wanted.rotations[0].people.push(person(2));
    let refused = edit_team(Some(&before), 1, wanted, &known, (step(&lead), entropy(1))).unwrap_err();
    assert_eq!(refused.person, Some(person(2)));
}

#[test]
fn a_turn_that_is_offered_belongs_to_whoever_takes_it_once_they_have() {
    let mut team = team(&[1, 2, 3], 1, &[6, 14, 22]);
    team.rest_hours = 7;
    let zone = hanoi();
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    let (from, until) = (at("2026-04-29T06:00:00+07"), at("2026-04-29T14:00:00+07"));
    let wanted = |from, until| SwapDraft {
        position: "officer".into(),
        from,
        until,
        asked: None,
        note: "họp phụ huynh".to_owned(),
    };
    let (one, two, three) = (officer(1), officer(2), officer(3));
    let stranger = offer_swap(roster, wanted(from, until), step(&two), entropy(1));
    assert!(
        matches!(stranger, Err(Rejected::NotNow(_))),
        "it is not the turn of person 2"
    );
    let swap: Swap = put(&offer_swap(roster, wanted(from, until), step(&one), entropy(1)).unwrap());
    // Person 3 ends at 06:00 and would go on at once: a turn that touches is no rest of seven hours.
    let tired = accept_swap(&swap, roster, &[roster], &nobody_fits, step(&three)).unwrap_err();
    assert!(matches!(tired.why, Rejected::NotNow(_)));
    let mut rested = team.clone();
    rested.rest_hours = 0;
    let roster = Roster {
        team: &rested,
        ..roster
    };
    let decided = accept_swap(&swap, roster, &[roster], &nobody_fits, step(&two)).unwrap();
    let changed: Team = put(&decided);
    let after = Roster {
        team: &changed,
        ..roster
    };
    assert_eq!(on_duty(after, "officer", from), [person(2)]);
    assert_eq!(on_duty(after, "officer", at("2026-04-30T06:00:00+07")), [person(1)]);
    let accepted: Swap = put(&decided);
    assert!(
        matches!(withdraw_swap(&accepted, step(&one)), Err(Rejected::NotNow(_))),
        "it was answered"
    );
}

#[test]
fn too_little_rest_is_named_and_nights_are_weighed() {
    let mut team = team(&[1, 2], 1, &[6, 14, 22]);
    let zone = hanoi();
    team.overrides.clear();
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    let (from, until) = (at("2026-05-01T06:00:00+07"), at("2026-05-03T06:00:00+07"));
    // Two people for three turns a day: each is off for eight hours between any two.
    assert_eq!(rest_breaks(&[roster], from, until, SignedDuration::from_hours(8)), []);
    assert_eq!(
        rest_breaks(&[roster], from, until, SignedDuration::from_hours(9)).len(),
        4
    );
    let carried = burdens(&[roster], from, until, &[civil::date(2026, 5, 1)]);
    let hours = |who| {
        let burden = carried[&person(who)];
        [burden.total, burden.nights, burden.days_off].map(|span| span.as_hours())
    };
    // 1 May is a holiday, 2 May a Saturday, and what is left of the night is Sunday.
    assert_eq!((hours(1), hours(2)), ([24, 8, 24], [24, 8, 24]));
}

#[test]
fn leave_is_taken_by_its_owner() {
    let (one, two) = (officer(1), officer(2));
    let wanted = LeaveDraft {
        person: person(1),
        from: now(),
        until: now() + SignedDuration::from_hours(24),
        note: "ốm".to_owned(),
    };
    assert_eq!(
        take_leave(wanted.clone(), step(&two), entropy(1)),
        Err(Rejected::NotAllowed)
    );
    let leave: Leave = put(&take_leave(wanted, step(&one), entropy(1)).unwrap());
    assert!(leave.absence().is_some());
}

#[test]
fn a_calendar_moves_what_it_knows() {
    let one = officer(1);
    let own = hanoi();
    let vietnam = |name: &str| (name == "Asia/Ho_Chi_Minh").then(hanoi);
    let text = include_str!("../../testdata/calendar/leave.ics");
    let read = calendar::read(text, &own, &vietnam);
    let seen: Vec<_> = read
        .events
        .iter()
        .map(|event| (event.uid.as_str(), event.from, event.until))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "nghi-le@example.vn",
                at("2026-04-30T00:00:00+07"),
                at("2026-05-02T00:00:00+07")
            ),
            (
                "kham@example.vn",
                at("2026-05-05T08:30:00+07"),
                at("2026-05-05T11:00:00+07")
            ),
            (
                "huy@example.vn",
                at("2026-05-10T08:00:00+07"),
                at("2026-05-10T10:00:00+07")
            ),
        ]
    );
    assert_eq!(
        read.events[0].note,
        "Nghỉ lễ, về quê và ở lại thêm một ngày với gia đình ở Thành phố Nam Định"
    );
    let passed: Vec<_> = read
        .passed_over
        .iter()
        .map(|(reason, count)| (*reason, *count))
        .collect();
    assert_eq!(
        passed,
        [("no UID", 1), ("no beginning", 1), ("no end", 1), ("repeats", 1)]
    );
    let first = import_leave(person(1), &read.events, &[], step(&one), entropy(1))
        .unwrap()
        .unwrap();
    assert_eq!(first.changes.len(), 2, "what the calendar cancelled was never here");
    let known: Vec<Leave> = first.changes.iter().filter_map(noun_of).collect();
    assert_eq!(
        import_leave(person(1), &read.events, &known, step(&one), entropy(2)),
        Ok(None)
    );
    let mut moved = read.events.clone();
    moved[0].cancelled = true;
    let again = import_leave(person(1), &moved, &known, step(&one), entropy(3))
        .unwrap()
        .unwrap();
    let cancelled: Leave = put(&again);
    assert_eq!((cancelled.cancelled, cancelled.revision), (true, 2));
}

#[test]
fn an_address_is_proven_by_the_code_that_was_read_there_and_a_failure_takes_the_proof_away() {
    let one = officer(1);
    let draft = AddressDraft {
        channel: "sms".to_owned(),
        to: " 0912345678 ".to_owned(),
    };
    let card = ContactCard::empty(person(1));
    let unknown = add_address(&card, draft.clone(), &["mail"], step(&one));
    assert!(matches!(unknown, Err(Rejected::Invalid { field: "channel", .. })));
    let card: ContactCard = put(&add_address(&card, draft, &["sms"], step(&one)).unwrap());
    let asked = ask_for_proof(&card, 0, "482913", step(&one)).unwrap();
    assert!(format!("{:?}", asked.effects).contains("482913"));
    let mut card: ContactCard = put(&asked);
    assert!(!format!("{card:?}").contains("482913"), "only its digest is kept");
    for _ in 0..WRONG_CODES_MAX {
        let (decision, right) = prove(&card, 0, "000000", step(&one)).unwrap();
        assert!(!right);
        card = put(&decision);
    }
    assert!(
        matches!(prove(&card, 0, "482913", step(&one)), Err(Rejected::NotNow(_))),
        "guessed too often"
    );
    let card: ContactCard = put(&ask_for_proof(&card, 0, "482913", step(&one)).unwrap());
    let late = Step {
        scope: &one,
        at: now() + SignedDuration::from_mins(CODE_MINUTES + 1),
    };
    assert!(prove(&card, 0, "482913", late).is_err(), "too late");
    let (decision, right) = prove(&card, 0, " 482913", step(&one)).unwrap();
    let card: ContactCard = put(&decision);
    assert!(right && card.proven_channels() == 1 && !card.is_reachable());

    let week = now() + SignedDuration::from_hours(24 * TEST_DAYS);
    assert_eq!(
        silent_tests(std::slice::from_ref(&card), week - SignedDuration::from_secs(1)),
        []
    );
    let due = silent_tests(&[card], week);
    let (tested, sent) = &due[0];
    assert!(sent.len() == 1 && !sent[0].urgent);
    assert_eq!(silent_tests(std::slice::from_ref(tested), week), [], "once a week");
    let reason = "no such number".to_owned();
    let lost = noted_outcome(tested, ("sms", "0912345678"), &Sent::Failed { reason }, week).unwrap();
    assert!(matches!(lost.addresses[0].state, AddressState::Failed { .. }));
    assert_eq!(lost.proven_channels(), 0);
}

#[test]
fn a_policy_without_anybody_to_page_is_refused() {
    let lead = lead();
    let draft = PolicyDraft {
        name: "Gọi trực".to_owned(),
        steps: Vec::new(),
        rounds: 1,
    };
    let refused = edit_policy(None, 0, draft, step(&lead), entropy(1));
    assert!(matches!(refused, Err(Rejected::Invalid { field: "steps", .. })));
}

#[test]
fn a_feed_is_folded_and_escaped_and_reads_back() {
    let entries = [Entry {
        uid: "ca-1@watchpost".to_owned(),
        from: at("2026-04-30T06:00:00+07"),
        until: at("2026-04-30T14:00:00+07"),
        summary: "Trực ban; ca sáng, ngày lễ \\ Đội ứng cứu sự cố an toàn thông tin mạng của Văn phòng".to_owned(),
        description: "Dòng một\nDòng hai".to_owned(),
    }];
    let text = calendar::write("Lịch trực", &entries, now());
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    let read = calendar::read(&text, &TimeZone::UTC, &|_| None);
    assert_eq!(read.events.len(), 1);
    assert_eq!(
        (read.events[0].from, read.events[0].until),
        (entries[0].from, entries[0].until)
    );
    assert_eq!(read.events[0].note, entries[0].summary);
    insta::assert_snapshot!(text.replace("\r\n", "\n"));
}

#[test]
fn the_corpus_of_broken_calendars_is_read_without_a_panic() {
    let text = include_str!("../../testdata/calendar/broken.ics");
    let read = calendar::read(text, &TimeZone::UTC, &|_| None);
    assert_eq!(read.events, []);
    assert_eq!(read.passed_over.get("cut off"), Some(&1));
}

proptest! {
    #[test]
    fn any_text_is_a_calendar_or_is_passed_over(text in "\\PC{0,400}") {
        let read = calendar::read(&text, &TimeZone::UTC, &|_| None);
        prop_assert!(read.events.len() <= calendar::EVENTS_MAX);
    }

    #[test]
    fn a_mutated_calendar_is_read_or_passed_over(place in 0_usize..1500, with in "[\\r\\n:;=TZ0-9 \\x00-\\x7f]{0,12}") {
        let text = include_str!("../../testdata/calendar/leave.ics");
        let cut = text.floor_char_boundary(place);
        let mutated = format!("{}{with}{}", &text[..cut], &text[cut..]);
        let read = calendar::read(&mutated, &TimeZone::UTC, &|_| Some(hanoi()));
        for event in read.events {
            prop_assert!(event.from < event.until);
        }
    }
}
