//! The turns of a rotation: whose it is at an instant, and when turns change. Hand-overs are civil times: on the day on which
//! a clock changes, a turn is an hour longer or shorter, and there is neither a gap nor an overlap.

use jiff::{Span, ToSpan, civil, tz::TimeZone};
use model::{Id, Rotation, Timestamp, User};

/// Whose turn it is; nobody's before the first hand-over, after the last, or when the rotation is empty.
pub(super) fn at(rotation: &Rotation, zone: &TimeZone, at: Timestamp) -> Option<Id<User>> {
    let per_day = i64::try_from(rotation.hand_over_at.len())
        .ok()
        .filter(|count| *count > 0)?;
    let people = i64::try_from(rotation.people.len()).ok().filter(|count| *count > 0)?;
    // The day after, because a clock that is set back repeats times of the evening: the instant decides, not its civil day.
    let latest = zone.to_datetime(at).date().checked_add(1.day()).ok()?;
    let every = i64::from(rotation.every_days.max(1));
    let mut block = days_between(rotation.begins_on, latest).div_euclid(every);
    while block >= 0 {
        let day = day_of(rotation, block)?;
        let begun = rotation
            .hand_over_at
            .iter()
            .rposition(|time| instant(day, *time, zone).is_some_and(|begin| begin <= at));
        if let Some(turn) = begun {
            let number = block * per_day + i64::try_from(turn).ok()?;
            let last = rotation.ends_on == Some(day) && turn + 1 == rotation.hand_over_at.len();
            if last || rotation.ends_on.is_some_and(|end| day > end) {
                return None;
            }
            let person = usize::try_from(number.rem_euclid(people)).ok()?;
            return rotation.people.get(person).copied();
        }
        block -= 1;
    }
    None
}

/// All hand-overs after `from` and before `until`.
pub(super) fn hand_overs(rotation: &Rotation, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let every = i64::from(rotation.every_days.max(1));
    let first = zone.to_datetime(from).date();
    let mut block = (days_between(rotation.begins_on, first) / every - 1).max(0);
    let mut found = Vec::new();
    while let Some(day) = day_of(rotation, block) {
        let begins: Vec<Timestamp> = rotation
            .hand_over_at
            .iter()
            .filter_map(|time| instant(day, *time, zone))
            .collect();
        if begins.iter().all(|begin| *begin >= until) {
            break;
        }
        found.extend(begins.into_iter().filter(|begin| from < *begin && *begin < until));
        block += 1;
    }
    found
}

/// The day of the `block`th hand-over; none beyond the calendar.
fn day_of(rotation: &Rotation, block: i64) -> Option<civil::Date> {
    let days = block.checked_mul(i64::from(rotation.every_days.max(1)))?;
    rotation.begins_on.checked_add(Span::new().try_days(days).ok()?).ok()
}

fn days_between(from: civil::Date, to: civil::Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// A civil time as an instant: one that a clock skips is as much later as it skips, one that it repeats is the first.
fn instant(day: civil::Date, time: civil::Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(day.to_datetime(time)).ok()
}
