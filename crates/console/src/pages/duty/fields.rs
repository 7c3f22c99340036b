//! What forms of duty hold: names of people, moments on a clock, dates, times, and why one cannot be read.

use jiff::{civil, tz::TimeZone};
use ledger::Person;
use model::{Id, Phrase, Rejected, Timestamp, User};

use crate::trouble::Trouble;

pub(crate) const MOMENT: Phrase = Phrase::new("phải là ngày và giờ", "must be a date and a time");

/// A field that cannot be read.
pub(crate) fn invalid(field: &'static str, problem: Phrase) -> Trouble {
    Trouble::Rejected(Rejected::Invalid { field, problem })
}

/// A moment as `datetime-local` inputs write it, on a clock; or an instant as pages write it.
pub(crate) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: civil::DateTime = text.parse().ok()?;
    zone.to_timestamp(local).ok()
}

/// A moment for a `datetime-local` input.
pub(crate) fn input_moment(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// The account of a sign-in name.
pub(crate) fn person_of(login: &str, people: &[&Person]) -> Option<Id<User>> {
    let login = login.trim().to_lowercase();
    people
        .iter()
        .find(|person| person.login == login)
        .map(|person| person.id)
}

/// The accounts of sign-in names between commas; the first that is not known is the error.
pub(crate) fn people_of<'a>(text: &'a str, people: &[&Person]) -> Result<Vec<Id<User>>, &'a str> {
    let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| person_of(name, people).ok_or(name)).collect()
}

/// The sign-in names of people, with commas.
pub(crate) fn logins(ids: &[Id<User>], people: &[&Person]) -> String {
    let login = |id: &Id<User>| {
        let known = people.iter().find(|person| person.id == *id);
        known.map_or_else(|| id.to_string(), |person| person.login.clone())
    };
    ids.iter().map(login).collect::<Vec<_>>().join(", ")
}

/// Times between commas.
pub(crate) fn times(text: &str) -> Option<Vec<civil::Time>> {
    let parts = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

/// Times with commas.
pub(crate) fn shown_times(times: &[civil::Time]) -> String {
    let shown: Vec<String> = times.iter().map(|time| time.strftime("%H:%M").to_string()).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_times_are_read_as_forms_write_them() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let at: Timestamp = "2026-04-29T19:10:00Z".parse().unwrap();
        assert_eq!(moment("2026-04-30T02:10", &zone), Some(at));
        assert_eq!(moment("2026-04-29T19:10:00Z", &zone), Some(at));
        assert_eq!(moment("hôm qua", &zone), None);
        assert_eq!(input_moment(at, &zone), "2026-04-30T02:10");
        assert_eq!(
            shown_times(&times("06:00, 14:00,22:00").unwrap()),
            "06:00, 14:00, 22:00"
        );
        assert_eq!(times("6h"), None);
    }
}
