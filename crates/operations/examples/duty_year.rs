//! Measures the proof of a year's coverage for 500 teams of 20 people each, and one question who is on duty:
//! `cargo run --profile quick -p operations --example duty_year`.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::{hint::black_box, time::Instant};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use model::{Absence, Id, Position, Rotation, Team};
use operations::duty::{Roster, gaps, on_duty};

const TEAMS: u128 = 500;
const PEOPLE: u128 = 20;

fn main() {
    // A zone whose clocks change, so that every instant is resolved by its rules.
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone as POSIX writes it");
    let from = new_year(2026, &zone);
    let until = new_year(2027, &zone);
    let teams: Vec<(Team, Vec<Absence>)> = (0..TEAMS).map(|number| team(number, from)).collect();
    let rosters = || {
        teams.iter().map(|(team, absences)| Roster {
            team,
            zone: &zone,
            absences,
        })
    };
    let begun = Instant::now();
    let found: usize = rosters().map(|roster| gaps(roster, from, until).len()).sum();
    println!(
        "proof of {TEAMS} teams, {} people, a year: {:?}, {found} gaps",
        TEAMS * PEOPLE,
        begun.elapsed()
    );
    let begun = Instant::now();
    for roster in rosters() {
        black_box(on_duty(
            roster,
            "officer",
            black_box(until - SignedDuration::from_hours(999)),
        ));
    }
    println!("who is on duty, mean of {TEAMS}: {:?}", begun.elapsed() / 500);
}

fn new_year(year: i16, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(civil::date(year, 1, 1).at(0, 0, 0, 0))
        .expect("the year is in the calendar")
}

/// A team with two positions, each filled in three turns a day by half of its people, and a leave of each.
fn team(number: u128, from: Timestamp) -> (Team, Vec<Absence>) {
    let people: Vec<_> = (0..PEOPLE)
        .map(|person| Id::from_bits(number * PEOPLE + person))
        .collect();
    let keys = ["officer", "lead"];
    let rotations = keys
        .iter()
        .zip(people.chunks(people.len() / 2))
        .map(|(key, people)| Rotation {
            position: (*key).into(),
            people: people.to_vec(),
            begins_on: civil::date(2025, 12, 1),
            ends_on: None,
            every_days: 1,
            hand_over_at: [6, 14, 22].map(|hour| civil::time(hour, 0, 0, 0)).to_vec(),
        });
    let positions = keys.map(|key| Position {
        key: key.into(),
        name: key.to_owned(),
        people_min: 1,
        primary: false,
        skills: Vec::new(),
    });
    let absences = (0_i64..).zip(&people).map(|(place, person)| {
        let begin = from + SignedDuration::from_hours(24 * 15 * place + 5);
        Absence {
            person: *person,
            from: begin,
            until: Some(begin + SignedDuration::from_hours(24 * 7)),
        }
    });
    let team = Team {
        id: Id::from_bits(number),
        name: format!("team {number}"),
        zone: "Europe/Berlin".to_owned(),
        positions: positions.to_vec(),
        rotations: rotations.collect(),
        overrides: Vec::new(),
        members: Vec::new(),
        rest_hours: 0,
        policy: None,
        alerts_from: None,
        revision: 1,
    };
    (team, absences.collect())
}
