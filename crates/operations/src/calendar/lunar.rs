//! The Vietnamese lunisolar calendar, computed for UTC+7 after Jean Meeus, *Astronomical Algorithms* (1998), and Hồ Ngọc
//! Đức's rules: a month begins on the day of the new moon, the eleventh month has the winter solstice, and of thirteen
//! months the first without a major solar term is the leap month. Chinese calendars reckon at UTC+8 and differ in some years.

use std::f64::consts::PI;

use jiff::{ToSpan, civil::Date};

/// The Vietnamese clock before UTC: seven hours ahead, as a share of a day.
const ZONE_DAYS: f64 = 7.0 / 24.0;
/// Julian day number of 1 January 1970.
const EPOCH_JDN: i64 = 2_440_588;
/// The mean length of a lunar month in days.
const MONTH_DAYS: f64 = 29.530_588_853;

/// The solar day on which a lunar month and day falls; `year` is the solar year of that lunar year's new year. None for a
/// day that the month does not have, and outside 1800 to 2199.
#[must_use]
pub fn solar(year: i16, month: u8, day: u8) -> Option<Date> {
    if !(1800..2200).contains(&year) || !(1..=12).contains(&month) || !(1..=30).contains(&day) {
        return None;
    }
    // The eleventh month of the year before is the anchor of months 1 to 10, that of the year itself of 11 and 12.
    let (anchor, next) = if month < 11 {
        (eleventh_month(year - 1), eleventh_month(year))
    } else {
        (eleventh_month(year), eleventh_month(year + 1))
    };
    let first = months_since_1900(anchor);
    let mut offset = i64::from(month) - 11;
    if offset < 0 {
        offset += 12;
    }
    if next - anchor > 365 && offset >= leap_offset(anchor) {
        offset += 1;
    }
    let start = new_moon(first + offset);
    let length = new_moon(first + offset + 1) - start;
    (i64::from(day) <= length)
        .then(|| date_of(start + i64::from(day) - 1))
        .flatten()
}

/// Which new moon a day near it is, counted from 1 January 1900.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a few thousand months"
)]
fn months_since_1900(jdn: i64) -> i64 {
    ((jdn as f64 - 2_415_021.076_998_695) / MONTH_DAYS + 0.5).floor() as i64
}

/// The first day of the lunar month that has the winter solstice of a year.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a few thousand months"
)]
fn eleventh_month(year: i16) -> i64 {
    let last_of_december = jdn_of(i64::from(year), 12, 31);
    let months = ((last_of_december - 2_415_021) as f64 / MONTH_DAYS).floor() as i64;
    let start = new_moon(months);
    if sun_sector(start) >= 9 {
        new_moon(months - 1)
    } else {
        start
    }
}

/// Which month after the eleventh is the leap month, in a year of thirteen.
fn leap_offset(eleventh: i64) -> i64 {
    let first = months_since_1900(eleventh);
    let mut last = sun_sector(new_moon(first + 1));
    for offset in 2..14 {
        let sector = sun_sector(new_moon(first + offset));
        if sector == last {
            return offset - 1;
        }
        last = sector;
    }
    13
}

/// The day, in Vietnam, of the `k`th new moon after 1 January 1900.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "days within a few centuries"
)]
fn new_moon(k: i64) -> i64 {
    let k = k as f64;
    let t = k / 1236.85;
    let (t2, t3) = (t * t, t * t * t);
    let radians = PI / 180.0;
    let mut moment = 2_415_020.759_33 + 29.530_588_68 * k + 0.000_117_8 * t2 - 0.000_000_155 * t3;
    moment += 0.000_33 * ((166.56 + 132.87 * t - 0.009_173 * t2) * radians).sin();
    let sun = (359.2242 + 29.105_356_08 * k - 0.000_033_3 * t2 - 0.000_003_47 * t3) * radians;
    let moon = (306.0253 + 385.816_918_06 * k + 0.010_730_6 * t2 + 0.000_012_36 * t3) * radians;
    let node = (21.2964 + 390.670_506_46 * k - 0.001_652_8 * t2 - 0.000_002_39 * t3) * radians;
    let correction = (0.1734 - 0.000_393 * t) * sun.sin() + 0.0021 * (2.0 * sun).sin() - 0.4068 * moon.sin()
        + 0.0161 * (2.0 * moon).sin()
        - 0.0004 * (3.0 * moon).sin()
        + 0.0104 * (2.0 * node).sin()
        - 0.0051 * (sun + moon).sin()
        - 0.0074 * (sun - moon).sin()
        + 0.0004 * (2.0 * node + sun).sin()
        - 0.0004 * (2.0 * node - sun).sin()
        - 0.0006 * (2.0 * node + moon).sin()
        + 0.0010 * (2.0 * node - moon).sin()
        + 0.0005 * (sun + 2.0 * moon).sin();
    let clock_drift = if t < -11.0 {
        0.001 + 0.000_839 * t + 0.000_226_1 * t2 - 0.000_008_45 * t3 - 0.000_000_081 * t * t3
    } else {
        -0.000_278 + 0.000_265 * t + 0.000_262 * t2
    };
    (moment + correction - clock_drift + 0.5 + ZONE_DAYS).floor() as i64
}

/// Which twelfth of its way the sun is in at the beginning of a Vietnamese day, 0 from the March equinox on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a number below 12"
)]
fn sun_sector(jdn: i64) -> i64 {
    let t = (jdn as f64 - 0.5 - ZONE_DAYS - 2_451_545.0) / 36525.0;
    let t2 = t * t;
    let radians = PI / 180.0;
    let anomaly = 357.529_10 + 35_999.050_30 * t - 0.000_155_9 * t2 - 0.000_000_48 * t * t2;
    let mean = 280.466_45 + 36_000.769_83 * t + 0.000_303_2 * t2;
    let centre = (1.914_600 - 0.004_817 * t - 0.000_014 * t2) * (radians * anomaly).sin()
        + (0.019_993 - 0.000_101 * t) * (2.0 * radians * anomaly).sin()
        + 0.000_290 * (3.0 * radians * anomaly).sin();
    let longitude = ((mean + centre) * radians).rem_euclid(2.0 * PI);
    (longitude / PI * 6.0).floor() as i64
}

fn jdn_of(year: i64, month: i64, day: i64) -> i64 {
    let a = (14 - month) / 12;
    let y = year + 4800 - a;
    let m = month + 12 * a - 3;
    day + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 32_045
}

fn date_of(jdn: i64) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add((jdn - EPOCH_JDN).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(new_years: &[(i16, &str)], month: u8, day: u8) {
        for (year, expected) in new_years {
            let found = solar(*year, month, day).map(|date| date.to_string());
            assert_eq!(
                found.as_deref(),
                Some(*expected),
                "{day}/{month} of the lunar year {year}"
            );
        }
    }

    #[test]
    fn tet_falls_where_vietnam_keeps_it_also_where_china_does_not() {
        check(
            &[
                (1968, "1968-01-29"), // The Chinese rule gives 30 January.
                (1969, "1969-02-16"), // 17
                (1985, "1985-01-21"), // 20 February
                (2007, "2007-02-17"), // 18
                (2030, "2030-02-02"), // 3
                (2000, "2000-02-05"),
                (2020, "2020-01-25"),
                (2021, "2021-02-12"),
                (2022, "2022-02-01"),
                (2023, "2023-01-22"),
                (2024, "2024-02-10"),
                (2025, "2025-01-29"),
                (2026, "2026-02-17"),
                (2027, "2027-02-06"),
                (2028, "2028-01-26"),
                (2029, "2029-02-13"),
                (2031, "2031-01-23"),
                (2032, "2032-02-11"),
                (2033, "2033-01-31"),
                (2034, "2034-02-19"),
                (2035, "2035-02-08"),
            ],
            1,
            1,
        );
    }

    #[test]
    fn the_hung_kings_are_remembered_on_the_tenth_of_the_third_month() {
        check(
            &[
                (2024, "2024-04-18"),
                (2025, "2025-04-07"),
                (2026, "2026-04-26"),
                (2027, "2027-04-16"),
                (2028, "2028-04-04"),
                (2029, "2029-04-23"),
                (2030, "2030-04-12"),
                (2031, "2031-04-01"),
                (2032, "2032-04-19"),
                (2033, "2033-04-09"),
                (2034, "2034-04-28"),
                (2035, "2035-04-17"),
            ],
            3,
            10,
        );
    }

    #[test]
    fn months_after_a_leap_month_are_counted_past_it_and_months_have_29_or_30_days() {
        // The leap second month of 2023: the eighth month's full moon is on 29 September.
        check(
            &[(2023, "2023-09-29"), (2024, "2024-09-17"), (2025, "2025-10-06")],
            8,
            15,
        );
        for year in 1800..2200 {
            let mut before = solar(year, 1, 1).unwrap();
            for month in 2..=12 {
                let first = solar(year, month, 1).unwrap();
                let days = (first - before).get_days() + (first - before).get_months() * 30;
                assert!((29..=61).contains(&days), "{month}/{year}: {days}");
                before = first;
            }
        }
        assert_eq!(solar(2024, 13, 1), None);
        assert_eq!(solar(2024, 1, 31), None);
    }
}
