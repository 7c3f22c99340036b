//! Who is on duty, on ordinary days, on days when clocks change, and when somebody is away.

use jiff::{SignedDuration, Timestamp, ToSpan, civil, tz::TimeZone};
use model::{Absence, Id, Override, Position, Rotation, Team, User};
use operations::duty::{Roster, gaps, on_duty, stand_ins};
use proptest::prelude::*;

pub(crate) fn person(number: u128) -> Id<User> {
    Id::from_bits(number)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn team(people: &[u128], every_days: u16, times: &[i8]) -> Team {
    Team {
        id: Id::from_bits(1),
        name: "Ca trực".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        positions: vec![Position {
            key: "officer".into(),
            name: "Trực ban".to_owned(),
            people_min: 1,
            primary: false,
            skills: Vec::new(),
        }],
        rotations: vec![Rotation {
            position: "officer".into(),
            people: people.iter().map(|number| person(*number)).collect(),
            begins_on: civil::date(2026, 4, 27),
            ends_on: None,
            every_days,
            hand_over_at: times.iter().map(|hour| civil::time(*hour, 0, 0, 0)).collect(),
        }],
        overrides: Vec::new(),
        members: Vec::new(),
        rest_hours: 0,
        policy: None,
        alerts_from: None,
        revision: 1,
    }
}

pub(crate) fn hanoi() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

#[test]
fn turns_follow_the_clock_of_the_team() {
    let team = team(&[1, 2, 3], 1, &[6, 14, 22]);
    let zone = hanoi();
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    for (moment, expected) in [
        ("2026-04-27T05:59:59+07", vec![]),
        ("2026-04-27T06:00:00+07", vec![1]),
        ("2026-04-27T14:00:00+07", vec![2]),
        ("2026-04-30T02:10:00+07", vec![3]),
        ("2026-04-30T06:00:00+07", vec![1]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(person).collect();
        assert_eq!(on_duty(roster, "officer", at(moment)), expected, "{moment}");
    }
}

#[test]
fn a_night_on_which_the_clock_changes_has_neither_gap_nor_overlap() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let mut team = team(&[1, 2], 1, &[2, 14]);
    team.rotations[0].begins_on = civil::date(2026, 1, 1);
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    // 02:00 does not exist on 29 March: the turn begins at 03:00 summer time. On 25 October it is there twice: the first counts.
    for (moment, expected) in [
        ("2026-03-29T00:59:59Z", 2),
        ("2026-03-29T01:00:00Z", 1),
        ("2026-10-24T23:59:59Z", 2),
        ("2026-10-25T00:00:00Z", 1),
        ("2026-10-25T01:30:00Z", 1),
    ] {
        assert_eq!(on_duty(roster, "officer", at(moment)), [person(expected)], "{moment}");
    }
    assert_eq!(gaps(roster, at("2026-01-02T00:00:00Z"), at("2027-01-01T00:00:00Z")), []);
}

#[test]
fn who_is_removed_while_on_duty_leaves_a_gap_until_the_next_hand_over() {
    let team = team(&[1, 2], 1, &[6, 18]);
    let zone = hanoi();
    let removed = [Absence {
        person: person(1),
        from: at("2026-04-28T09:00:00+07"),
        until: None,
    }];
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &removed,
    };
    let found = gaps(roster, at("2026-04-28T00:00:00+07"), at("2026-04-29T00:00:00+07"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].from, found[0].until),
        (at("2026-04-28T09:00:00+07"), at("2026-04-28T18:00:00+07"))
    );
}

#[test]
fn who_stands_in_takes_the_place_only_while_the_other_is_on_duty_and_an_empty_team_is_one_gap() {
    let mut team = team(&[1, 2], 1, &[6, 18]);
    team.overrides.push(Override {
        position: "officer".into(),
        from: at("2026-04-28T12:00:00+07"),
        until: at("2026-04-28T20:00:00+07"),
        instead_of: Some(person(1)),
        person: Some(person(9)),
    });
    let zone = hanoi();
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    assert_eq!(on_duty(roster, "officer", at("2026-04-28T13:00:00+07")), [person(9)]);
    assert_eq!(on_duty(roster, "officer", at("2026-04-28T19:00:00+07")), [person(2)]);
    team.rotations[0].people.clear();
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &[],
    };
    let (from, until) = (at("2026-05-01T00:00:00+07"), at("2026-05-02T00:00:00+07"));
    let found = gaps(roster, from, until);
    assert_eq!(
        found.iter().map(|gap| (gap.from, gap.until)).collect::<Vec<_>>(),
        [(from, until)]
    );
}

#[test]
fn who_could_close_a_gap_is_rested_present_and_least_burdened_first() {
    let mut team = team(&[1, 2, 3], 1, &[6, 14, 22]);
    team.overrides.push(Override {
        position: "officer".into(),
        from: at("2026-05-02T06:00:00+07"),
        until: at("2026-05-02T14:00:00+07"),
        instead_of: Some(person(1)),
        person: Some(person(5)),
    });
    let zone = hanoi();
    // The turn of person 2 on 30 April, from 14:00 to 22:00, is empty.
    let absences = [
        Absence {
            person: person(2),
            from: at("2026-04-30T13:00:00+07"),
            until: Some(at("2026-04-30T23:00:00+07")),
        },
        Absence {
            person: person(6),
            from: at("2026-04-30T21:00:00+07"),
            until: None,
        },
    ];
    let roster = Roster {
        team: &team,
        zone: &zone,
        absences: &absences,
    };
    let found = gaps(roster, at("2026-04-30T00:00:00+07"), at("2026-05-01T00:00:00+07"));
    assert_eq!(found.len(), 1);
    let all: Vec<_> = (1..=6).map(person).collect();
    // Persons 1 and 3 have 17 turns each in the days around it: then the id decides, so that the order is always the same.
    for (rest_hours, expected) in [(0, vec![4, 5, 1, 3]), (8, vec![4, 5]), (40, vec![4])] {
        let proposed = stand_ins(&found[0], &all, &[roster], SignedDuration::from_hours(rest_hours));
        let named: Vec<_> = proposed.iter().map(|stand_in| stand_in.person).collect();
        let expected: Vec<_> = expected.into_iter().map(person).collect();
        assert_eq!(named, expected, "{rest_hours} hours of rest");
    }
}

proptest! {
    /// The sweep looks only where something can change; asked minute by minute, the roster must say the same.
    #[test]
    fn the_proof_agrees_with_asking_every_minute(
        people in prop::collection::vec(1_u128..4, 0..4),
        every in 1_u16..4,
        away in prop::collection::vec((1_u128..4, 0_i64..5000, 1_i64..2000), 0..4),
    ) {
        let team = team(&people, every, &[6, 18]);
        let zone = hanoi();
        let from = at("2026-04-27T00:00:00+07");
        let absences: Vec<Absence> = away.into_iter().map(|(who, begin, length)| Absence {
            person: person(who),
            from: from + begin.minutes(),
            until: Some(from + (begin + length).minutes()),
        }).collect();
        let roster = Roster { team: &team, zone: &zone, absences: &absences };
        let found = gaps(roster, from, from + 5000.minutes());
        for minute in 0..5000_i64 {
            let now = from + minute.minutes();
            let in_gap = found.iter().any(|gap| gap.from <= now && now < gap.until);
            prop_assert_eq!(in_gap, on_duty(roster, "officer", now).is_empty(), "{}", now);
        }
    }
}
