//! The content that ships: every file reads, and what is wrong with one is named with its line.

use std::{collections::BTreeMap, fs, path::PathBuf};

use jiff::civil::{Date, date};
use model::ContentError;
use operations::{
    calendar::{self, Calendar, DayKind},
    deadlines,
    directives::{AuthoritiesFile, CatalogueEntry},
    watches::{ControlsFile, MEASURED},
};

fn files(folder: &str) -> Vec<(String, String)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../content")
        .join(folder);
    let mut files: Vec<(String, String)> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

pub(crate) fn vietnam() -> Calendar {
    let mut rules = None;
    let mut years = Vec::new();
    for (name, text) in files("calendar") {
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            years.push(calendar::YearFile::read(&name, &text).unwrap());
        } else {
            rules = Some(calendar::RulesFile::read(&name, &text).unwrap());
        }
    }
    Calendar::new(&rules.unwrap(), &years)
}

pub(crate) fn rules() -> Vec<deadlines::Rule> {
    files("deadlines")
        .iter()
        .flat_map(|(name, text)| deadlines::RulesFile::read(name, text).unwrap().deadline)
        .collect()
}

pub(crate) fn catalogue() -> BTreeMap<compact_str::CompactString, CatalogueEntry> {
    let known: BTreeMap<_, _> = files("directives")
        .iter()
        .map(|(name, text)| CatalogueEntry::read(name, text).unwrap())
        .map(|entry| (entry.id.clone(), entry))
        .collect();
    known
        .iter()
        .map(|(id, entry)| (id.clone(), entry.clone().resolve(&known).unwrap()))
        .collect()
}

pub(crate) fn controls() -> Vec<operations::watches::Control> {
    files("controls")
        .iter()
        .flat_map(|(name, text)| ControlsFile::read(name, text).unwrap().control)
        .collect()
}

#[test]
fn every_control_that_can_be_measured_has_its_bound_and_every_one_named_can_be_measured() {
    let mut ids: Vec<_> = controls().iter().map(|control| control.id.to_string()).collect();
    ids.sort();
    assert_eq!(ids, MEASURED);
    for entry in catalogue().values() {
        for requirement in &entry.requirements {
            for control in &requirement.controls {
                assert!(MEASURED.contains(&control.as_str()), "{}: {control}", entry.id);
            }
        }
    }
}

#[test]
fn the_dispatch_has_its_three_parts_in_both_languages_and_the_hunting_that_english_lost() {
    let catalogue = catalogue();
    let dispatch = &catalogue["1465-btttt-2024"];
    assert_eq!(
        (dispatch.number.as_str(), dispatch.issued_on),
        ("1465/BTTTT-CATTT", date(2024, 4, 17))
    );
    let parts: std::collections::BTreeSet<_> = dispatch.requirements.iter().map(|one| &one.part.vi).collect();
    assert_eq!(parts.len(), 3);
    let hunting = dispatch.requirements.iter().find(|one| one.key == "1.4").unwrap();
    assert!(hunting.text.vi.contains("Săn lùng") && hunting.text.en.contains("Hunt"));
    assert!(dispatch.contacts.iter().all(|contact| contact.confirmed_on.is_none()));
    assert!(dispatch.requirements.iter().all(|one| !one.text.en.is_empty()));
    // The letters that vary it repeat its words.
    let national = &catalogue["national-day-2024"];
    assert!(national.requirements.iter().any(|one| one.text == hunting.text));
    assert!(national.requirements.iter().any(|one| one.text.vi.contains("3-2-1")));
    assert!(catalogue.len() >= 8);
}

#[test]
fn authorities_know_who_took_over() {
    let all: Vec<_> = files("authorities")
        .iter()
        .flat_map(|(name, text)| AuthoritiesFile::read(name, text).unwrap().authority)
        .collect();
    for authority in all.iter().filter_map(|one| one.succeeded_by.as_ref()) {
        assert!(all.iter().any(|one| one.id == *authority), "{authority}");
    }
}

#[test]
fn the_calendar_of_a_year_has_its_holidays_and_says_what_is_unconfirmed() {
    let calendar = vietnam();
    let days: Vec<String> = [2024, 2026, 2030]
        .into_iter()
        .flat_map(|year| calendar.year(year).collect::<Vec<_>>())
        .map(|(date, day)| {
            let weekday = date.strftime("%a");
            let mark = if day.confirmed { "" } else { " ?" };
            format!("{date} {weekday} {:?} {}{mark}", day.kind, day.name.vi)
        })
        .collect();
    insta::assert_snapshot!(days.join("\n"));
}

#[test]
fn a_watch_is_proposed_around_the_next_holidays_with_the_days_of_rest_at_their_ends() {
    let calendar = vietnam();
    let breaks: Vec<String> = calendar
        .next_breaks(date(2026, 4, 17), 3)
        .into_iter()
        .map(|one| {
            let names: Vec<_> = one.names.iter().map(|name| name.vi.as_str()).collect();
            format!("{} {} {} {}", one.first, one.last, one.confirmed, names.join(", "))
        })
        .collect();
    assert_eq!(
        breaks,
        [
            "2026-04-25 2026-04-27 false Giỗ Tổ Hùng Vương",
            "2026-04-30 2026-05-03 true Ngày Giải phóng miền Nam, thống nhất đất nước, Ngày Quốc tế Lao động",
            "2026-09-01 2026-09-02 false Quốc khánh",
        ]
    );
    assert_eq!(calendar.next_breaks(date(2050, 12, 31), 3), []);
}

#[test]
fn a_day_off_that_nobody_confirmed_never_moves_a_deadline_back() {
    let calendar = vietnam();
    let check = |date: Date, working: bool| assert_eq!(calendar.is_working(date), working, "{date}");
    check(date(2024, 4, 30), false);
    check(date(2024, 5, 1), false);
    check(date(2024, 4, 29), true); // Exchanged, but unconfirmed.
    check(date(2024, 5, 4), true); // A Saturday that is worked.
    check(date(2024, 5, 5), false);
    check(date(2026, 2, 16), false); // The block was confirmed.
    check(date(2026, 11, 24), true); // The new holiday was not.
    assert_eq!(
        calendar.day(date(2026, 4, 27)).map(|day| day.kind),
        Some(DayKind::Compensatory)
    );
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_line() {
    let check = |found: Result<(), ContentError>, expected: &str| {
        let error = found.expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let head = "rest = [\"sunday\"]\n[compensation]\nsource = \"s\"\nconfirmed = true\n";
    let holiday = |extra: &str| {
        format!(
            "{head}[[holiday]]\nid = \"x\"\nname = {{ vi = \"a\", en = \"b\" }}\ndays = 1\nfrom_year = 2015\nsource = \"s\"\nconfirmed = true\n{extra}"
        )
    };
    let rules = |text: &str| calendar::RulesFile::read("v.toml", text).map(|_| ());
    check(rules(&holiday("")), "v.toml:6: `x`: a holiday is either");
    check(
        rules(&holiday("solar = { month = 2, day = 30 }")),
        "v.toml:6: `x`: there is no such day",
    );
    check(rules(&holiday("color = 1")), "v.toml:12: unknown field `color`");
    check(rules("rest = 3"), "v.toml:1: ");
    let year = calendar::YearFile::read(
        "2024.toml",
        "year = 2024\n[[block]]\nholiday = \"tet\"\nfirst = \"2023-01-01\"\ndays = 5\nsource = \"\"\nconfirmed = true\n",
    );
    check(year.map(|_| ()), "2024.toml:4: 2023-01-01 is not in 2024");
    let deadline = |within: &str| {
        let text = format!(
            "[[deadline]]\nid = \"x\"\nwho = {{ vi = \"a\", en = \"b\" }}\nwhat = {{ vi = \"a\", en = \"b\" }}\nstarts = {{ vi = \"a\", en = \"b\" }}\nwithin = {within}\nsource = \"s\"\nconfirmed = true\nverified_on = \"2026-11-23\"\n"
        );
        deadlines::RulesFile::read("d.toml", &text).map(|_| ())
    };
    check(deadline("{}"), "d.toml:2: `x`: exactly one");
    check(deadline("{ hours = 1, days = 2 }"), "d.toml:2: `x`: exactly one");
    check(
        deadline("{ before = [\"30-06\"] }"),
        "d.toml:2: `x`: a day is written MM-DD",
    );
    check(deadline("{ hours = 0 }"), "d.toml:2: `x`: the length is");
    deadline("{ hours = 1 }").unwrap();
    let letter = "id = \"a\"\nnumber = \"1/A\"\nissuer = \"b\"\nissued_on = \"2024-04-17\"\nsubject = { vi = \"a\", en = \"b\" }\nsource = \"s\"\ncomplete = true\nverified_on = \"2026-11-23\"\n[[requirement]]\nkey = \"1\"\ntext = { vi = \"a\", en = \"b\" }\n";
    check(
        CatalogueEntry::read("a.toml", letter).map(|_| ()),
        "a.toml:10: nothing shows `1`",
    );
    check(
        CatalogueEntry::read("b.toml", letter).map(|_| ()),
        "b.toml:1: the id `a` is not the file's name",
    );
    let control = "[[control]]\nid = \"x\"\ntitle = { vi = \"a\", en = \"b\" }\nabout = { vi = \"a\", en = \"b\" }\nunit = \"count\"\nat_most = 0.0\nevery_minutes = 1\nexpires_minutes = 2\n";
    check(
        ControlsFile::read("c.toml", control).map(|_| ()),
        "c.toml:2: `x`: the program cannot measure it",
    );
    check(
        ControlsFile::read("c.toml", &"x".repeat(600_000)).map(|_| ()),
        "c.toml:1: longer than",
    );
}
