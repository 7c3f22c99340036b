//! A watch's minimum held against the rosters, whether people were reached before it, and when a turn ends.

use jiff::{SignedDuration, ToSpan};
use model::{
    Absence, AddressState, ContactAddress, ContactCard, Effect, Id, Override, Rejected, Role, Scope, Team, Timestamp,
    Watch,
};
use operations::{
    Step,
    duty::{Roster, horizon, people_on_duty, short_staffed, staffing_notice, stays_until, turn_ends},
    notifications::{Sent, noted_outcome, reached_lately, test_pages},
};
use proptest::prelude::*;

use crate::{
    duty::{at, hanoi, person, team},
    memory::user,
};

/// The second team has its officers at other hours; person 3 is in both.
fn two_teams() -> (Team, Team) {
    let second = Team {
        id: Id::from_bits(2),
        ..team(&[3, 4], 1, &[8, 20])
    };
    (team(&[1, 2, 3], 1, &[6, 14, 22]), second)
}

#[test]
fn whoever_is_on_duty_twice_counts_once_and_each_short_turn_is_named_by_itself() {
    let (first, second) = two_teams();
    let zone = hanoi();
    let rosters = [&first, &second].map(|team| Roster {
        team,
        zone: &zone,
        absences: &[],
    });
    let (from, until) = (at("2026-05-01T06:00:00+07"), at("2026-05-02T06:00:00+07"));
    // Person 3 has the night of the first team from 22:00 and, on this day, the second team's day until 20:00.
    let found = short_staffed(&rosters, 3, from, until);
    let told: Vec<_> = found
        .iter()
        .map(|short| (short.from, short.people.len(), short.missing))
        .collect();
    assert!(told.iter().all(|(_, there, missing)| (*there, *missing) == (2, 1)));
    assert_eq!(found.first().map(|short| short.from), Some(from));
    assert_eq!(found.last().map(|short| short.until), Some(until));
    assert_eq!(short_staffed(&rosters, 2, from, until), []);
    assert_eq!(people_on_duty(&rosters, from, until), [1, 2, 3, 4].map(person));
    let nobody = short_staffed(&[], 2, from, until);
    assert_eq!(
        nobody
            .iter()
            .map(|short| (short.from, short.until, short.missing))
            .collect::<Vec<_>>(),
        [(from, until, 2)]
    );
    assert_eq!(
        short_staffed(&rosters, 9, until, from),
        [],
        "a time that ends before it begins"
    );
}

#[test]
fn too_few_people_are_an_alarm_that_names_the_first_time_on_the_team_s_clock() {
    let (first, _) = two_teams();
    let zone = hanoi();
    let roster = Roster {
        team: &first,
        zone: &zone,
        absences: &[],
    };
    let (from, until) = (at("2026-05-01T06:00:00+07"), at("2026-05-02T06:00:00+07"));
    let watch = Watch {
        id: Id::from_bits(1),
        name: "Trực 30/4".to_owned(),
        from,
        until,
        people_min: 2,
        acknowledge_minutes: 15,
        requirements: Vec::new(),
        tasks: Vec::new(),
        lead: person(1),
        opened_by: person(1),
        opened_at: from,
        closed: None,
        revision: 1,
    };
    let short = short_staffed(&[roster], watch.people_min, from, until);
    let notice = staffing_notice(&watch, &short, &zone, from).unwrap();
    assert_eq!(notice.summary, "Trực 30/4 · 1/2 · 06:00 01/05 → 14:00 01/05 · +2");
    assert_eq!(staffing_notice(&watch, &[], &zone, from), None);
}

#[test]
fn whoever_follows_themselves_ends_a_turn_at_the_hand_over() {
    let zone = hanoi();
    let now = at("2026-05-01T09:00:00+07");
    for (people, every, expected) in [
        (vec![1], 1, "2026-05-02T06:00:00+07"),
        (vec![1, 1, 2], 1, "2026-05-02T06:00:00+07"),
        (vec![1], 7, "2026-05-04T06:00:00+07"),
        (vec![1, 2], 7, "2026-05-04T06:00:00+07"),
    ] {
        let team = team(&people, every, &[6]);
        let roster = Roster {
            team: &team,
            zone: &zone,
            absences: &[],
        };
        let holder = operations::duty::on_duty(roster, "officer", now)[0];
        assert_eq!(turn_ends(roster, holder, now), Some(at(expected)), "{people:?} {every}");
    }
}

#[test]
fn whoever_stays_is_not_said_to_go_because_somebody_comes_beside_them() {
    let zone = hanoi();
    let now = at("2026-05-01T09:00:00+07");
    let mut team = team(&[1], 1, &[6]);
    team.overrides.push(Override {
        position: "officer".into(),
        from: at("2026-05-01T18:00:00+07"),
        until: at("2026-05-01T22:00:00+07"),
        instead_of: None,
        person: Some(person(2)),
    });
    let until = |team: &Team, moment| {
        let roster = Roster {
            team,
            zone: &zone,
            absences: &[],
        };
        stays_until(roster, "officer", moment)
    };
    assert_eq!(until(&team, now), horizon(now));
    // Both are there at 20:00, and one of them goes at 22:00.
    assert_eq!(until(&team, at("2026-05-01T20:00:00+07")), at("2026-05-01T22:00:00+07"));
    team.rotations[0].people.clear();
    assert_eq!(
        until(&team, now),
        at("2026-05-01T18:00:00+07"),
        "nobody, until somebody comes"
    );
}

fn card(channels: &[(&str, &str)]) -> ContactCard {
    let address = |(channel, reached): &(&str, &str)| ContactAddress {
        channel: (*channel).to_owned(),
        to: "x".to_owned(),
        state: AddressState::Proven {
            at: at(reached),
            reached_at: at(reached),
            tested_at: at(reached),
        },
    };
    ContactCard {
        addresses: channels.iter().map(address).collect(),
        revision: 1,
        ..ContactCard::empty(person(1))
    }
}

#[test]
fn two_channels_must_have_been_reached_lately() {
    let now = at("2026-04-26T00:00:00+07");
    let (fresh, old) = ("2026-04-20T00:00:00+07", "2026-04-10T00:00:00+07");
    for (channels, expected) in [
        (vec![("sms", fresh), ("mail", fresh)], true),
        (vec![("sms", fresh), ("mail", old)], false),
        (vec![("sms", fresh), ("sms", fresh)], false),
        (vec![], false),
    ] {
        assert_eq!(reached_lately(&card(&channels), now), expected, "{channels:?}");
    }
}

#[test]
fn a_test_page_goes_to_every_proven_address_and_what_the_channel_says_counts() {
    let now = at("2026-04-26T00:00:00+07");
    let scope = Scope::of_session(&user(1, Role::ShiftLead));
    let step = Step { scope: &scope, at: now };
    let old = "2026-04-10T00:00:00+07";
    let mut unproven = ContactCard::empty(person(2));
    unproven.addresses.push(ContactAddress {
        channel: "mail".to_owned(),
        to: "y".to_owned(),
        state: AddressState::New,
    });
    let cards = [card(&[("sms", old), ("mail", old)]), unproven.clone()];
    let decision = test_pages(&cards, "Trực 30/4", step).unwrap();
    assert_eq!((decision.effects.len(), decision.changes.len()), (2, 1));
    let sent: Vec<_> = decision
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Deliver { delivery } => Some(delivery.channel.as_str()),
            Effect::AnnounceAlert { .. } | Effect::Enforce { .. } => None,
        })
        .collect();
    assert_eq!(sent, ["sms", "mail"]);
    let mut tested = cards[0].clone();
    for channel in sent {
        assert!(!reached_lately(&tested, now));
        tested = noted_outcome(&tested, (channel, "x"), &Sent::Accepted, now).unwrap();
    }
    assert!(reached_lately(&tested, now));
    assert!(matches!(
        test_pages(&[unproven], "Trực 30/4", step),
        Err(Rejected::NotNow(_))
    ));
    let viewer = Scope::of_session(&user(3, Role::Viewer));
    let viewer = Step {
        scope: &viewer,
        at: now,
    };
    assert_eq!(test_pages(&cards, "x", viewer), Err(Rejected::NotAllowed));
}

proptest! {
    /// The sweep must say the same as counting people at every quarter of an hour.
    #[test]
    fn the_sweep_agrees_with_counting_people(
        people in prop::collection::vec(1_u128..5, 1..4),
        others in prop::collection::vec(1_u128..5, 1..4),
        least in 0_u32..4,
        away in prop::collection::vec((1_u128..5, 0_i64..300, 1_i64..100), 0..4),
    ) {
        let first = team(&people, 1, &[6, 14, 22]);
        let second = Team { id: Id::from_bits(2), ..team(&others, 2, &[8, 20]) };
        let zone = hanoi();
        let from = at("2026-04-28T00:00:00+07");
        let quarter = |count: i64| (15 * count).minutes();
        let absences: Vec<Absence> = away.into_iter().map(|(who, begin, length)| Absence {
            person: person(who),
            from: from + quarter(begin),
            until: Some(from + quarter(begin + length)),
        }).collect();
        let rosters = [&first, &second].map(|team| Roster { team, zone: &zone, absences: &absences });
        let until = from + SignedDuration::from_hours(72);
        let found = short_staffed(&rosters, least, from, until);
        for count in 0..288 {
            let now: Timestamp = from + quarter(count);
            let mut there: Vec<_> = rosters.iter().flat_map(|roster| operations::duty::on_duty(*roster, "officer", now)).collect();
            there.sort_unstable();
            there.dedup();
            let wanted = usize::try_from(least).unwrap();
            let short = found.iter().find(|short| short.from <= now && now < short.until);
            prop_assert_eq!(short.is_some(), there.len() < wanted, "{}", now);
            if let Some(short) = short {
                prop_assert_eq!(&short.people, &there);
                prop_assert_eq!(usize::try_from(short.missing).unwrap(), wanted - there.len());
            }
        }
    }
}
