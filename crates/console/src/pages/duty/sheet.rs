//! The sheet of a roster: weeks of days, and in each day who fills which position from when to when. The table reads the same on
//! paper.

use std::collections::HashMap;

use jiff::{ToSpan, civil, tz::TimeZone};
use maud::{Markup, html};
use model::{Id, Timestamp, User};
use operations::duty::{Roster, Shift, shifts};

use crate::{frame::View, rosters::Rosters, text::visible};

/// So many colours tell people apart; names always stand beside them.
const COLOURS: usize = 8;

/// A table of whole weeks, from a Monday on.
pub(crate) struct Sheet<'a> {
    pub(crate) rosters: &'a Rosters,
    pub(crate) roster: Roster<'a>,
    pub(crate) first: civil::Date,
    pub(crate) weeks: i32,
    /// The month that is meant; days of others are pale.
    pub(crate) month: Option<(i16, i8)>,
}

impl Sheet<'_> {
    /// The table.
    pub(crate) fn draw(&self, view: &View) -> Markup {
        let words = view.words;
        let colours = self.colours();
        let today = self.roster.zone.to_datetime(view.moments.now).date();
        html! {
            table.roster {
                thead { tr { @for day in 0..7 { th scope="col" { (words.weekday(self.first.checked_add(day.days()).unwrap_or(self.first).weekday())) } } } }
                tbody { @for week in 0..self.weeks { tr { @for day in 0..7 {
                    @let date = self.first.checked_add((week * 7 + day).days()).unwrap_or(self.first);
                    (self.day(view, date, date == today, &colours))
                } } } }
            }
        }
    }

    fn day(&self, view: &View, date: civil::Date, is_today: bool, colours: &HashMap<Id<User>, usize>) -> Markup {
        let pale = self.month.is_some_and(|month| month != (date.year(), date.month()));
        let zone = self.roster.zone;
        let from = midnight(date, zone);
        let until = midnight(date.checked_add(1.day()).unwrap_or(date), zone);
        html! {
            td class={ "day" @if pale { " is-pale" } @if is_today { " is-today" } } {
                p.date { time datetime=(date) { (date.day()) @if date.day() == 1 { "/" (date.month()) } } }
                @for position in &self.roster.team.positions {
                    @let shifts = shifts(self.roster, &position.key, from, until);
                    @if !shifts.is_empty() {
                        @if self.roster.team.positions.len() > 1 { p.position { (visible(&position.name)) } }
                        ul { @for shift in &shifts { (self.shift(shift, (from, until), position.people_min, (view, colours))) } }
                    }
                }
            }
        }
    }

    fn shift(
        &self,
        shift: &Shift,
        (from, until): (Timestamp, Timestamp),
        people_min: u32,
        (view, colours): (&View, &HashMap<Id<User>, usize>),
    ) -> Markup {
        let words = view.words;
        let whole = shift.from == from && shift.until == until;
        let short = u32::try_from(shift.people.len()).unwrap_or(u32::MAX) < people_min;
        html! {
            // What was empty before is no alarm any more.
            li class={ "turn" @if short && shift.until <= view.moments.now { " is-past" } @else if short { " is-gap" } @else if let Some(first) = shift.people.first() { " c" (colours.get(first).copied().unwrap_or(0)) } } {
                span.when { @if whole { (words.duty_all_day()) } @else { (clock(shift.from, self.roster.zone)) "–" (clock(shift.until, self.roster.zone)) } }
                " "
                @for person in &shift.people { span.who { (visible(&self.rosters.name(*person))) } " " }
                @if short { strong { (words.duty_gap()) } }
            }
        }
    }

    fn colours(&self) -> HashMap<Id<User>, usize> {
        let people = self.roster.team.everybody();
        people
            .into_iter()
            .enumerate()
            .map(|(place, person)| (person, place % COLOURS))
            .collect()
    }
}

/// The first instant of a day on the team's clock.
pub(crate) fn midnight(date: civil::Date, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or_default()
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%H:%M").to_string()
}
