//! The preflight: what must be there before a watch begins. What is missing becomes a task with a name and a due date.

use std::collections::HashMap;

use compact_str::CompactString;
use jiff::{SignedDuration, ToSpan, civil::Date};
use model::{
    Decision, Directive, DirectiveContact, Measurement, Permission, Phrase, Rejected, Timestamp, TrendPoint, Watch,
    Wording,
};

use super::{
    controls::Control,
    standing::{Standing, of_measurement},
    steps::{not_closed, push_task, put},
};
use crate::Step;

/// A contact counts as confirmed when somebody reached it within so many days.
const CONTACT_CONFIRMED_DAYS: i32 = 30;
/// A task of the preflight is due so many hours before the watch begins.
const DUE_HOURS_BEFORE: i64 = 24;

const NOTHING_MISSING: Phrase = Phrase::new(
    "không còn mục nào thiếu mà chưa có việc",
    "nothing is missing that has no task yet",
);

/// One check of the preflight.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its key; the control, where it is one.
    pub key: CompactString,
    /// What is checked.
    pub title: Wording,
    /// How it stands.
    pub standing: Standing,
    /// What was seen, in numbers and names.
    pub detail: Wording,
}

/// Something that was counted elsewhere, because it needs the rosters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were looked at.
    pub all: u64,
    /// Those that fall short, as people read them.
    pub failing: Vec<String>,
}

/// What the preflight looks at.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The watch's directives.
    pub directives: &'a [Directive],
    /// The last measurements.
    pub measurements: &'a HashMap<CompactString, (Measurement, Vec<TrendPoint>)>,
    /// The controls, for their titles.
    pub controls: &'a [Control],
    /// Stretches of the watch on which fewer people are on duty than it asks; absent when no roster is kept.
    pub staffing: Option<&'a Tally>,
    /// Whoever is on duty during the watch and was not reached lately on two channels; absent when nobody is on duty.
    pub reached: Option<&'a Tally>,
    /// Today, on the post's clock.
    pub today: Date,
    /// This moment.
    pub now: Timestamp,
}

/// Those that fall short and are named beside a check.
const NAMED_MAX: usize = 5;

/// The controls that are looked at before each watch.
const CONTROLS: [&str; 8] = [
    "duty.coverage",
    "sources.reporting",
    "rules.loaded",
    "messages.delivered",
    "deadlines.kept",
    "exercise.age",
    "ledger.verified",
    "lake.verified",
];

/// What a person has to see to before each watch: its key and title.
const BY_HAND: [(&str, &str, &str); 2] = [
    (
        "backups.drilled",
        "Đã diễn tập khôi phục từ bản sao lưu",
        "Restoring from backup was drilled",
    ),
    (
        "plans.rehearsed",
        "Đã diễn tập kế hoạch ứng phó",
        "Response plans were rehearsed",
    ),
];

/// What is there and what is missing before a watch begins.
#[must_use]
pub fn preflight(watch: &Watch, ground: Ground<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = CONTROLS.iter().map(|control| of_control(control, ground)).collect();
    checks.push(tallied(
        "duty.staffing",
        (
            "Đủ số người của đợt trực ở mọi thời điểm",
            "The watch has its people at every instant",
        ),
        ground.staffing,
        ("chưa có bảng trực", "no roster is kept"),
    ));
    checks.push(tallied(
        "duty.reached",
        (
            "Mỗi người trực đã nhận tin thử qua hai kênh",
            "Everybody on duty was reached by a test on two channels",
        ),
        ground.reached,
        (
            "chưa có ai trong lịch trực của đợt",
            "nobody is on duty during the watch",
        ),
    ));
    for (key, vi, en) in BY_HAND {
        checks.push(by_hand(watch, key, (vi, en)));
    }
    checks.push(contacts(ground));
    checks.push(owners(watch));
    checks
}

/// What was counted over the rosters; unknown when there was nothing to count.
fn tallied(key: &str, (vi, en): (&str, &str), tally: Option<&Tally>, nothing: (&str, &str)) -> Check {
    let (standing, detail) = match tally {
        None => (
            Standing::Unknown,
            Wording {
                vi: nothing.0.to_owned(),
                en: nothing.1.to_owned(),
            },
        ),
        Some(tally) if tally.failing.is_empty() => {
            (Standing::Holds, Wording::same(&format!("{}/{}", tally.all, tally.all)))
        }
        Some(tally) => (Standing::FallsShort, Wording::same(&short_of(tally))),
    };
    Check {
        key: key.into(),
        title: Wording {
            vi: vi.to_owned(),
            en: en.to_owned(),
        },
        standing,
        detail,
    }
}

/// How many fall short, and the first of them by name.
fn short_of(tally: &Tally) -> String {
    let failing = tally.failing.len();
    let named = tally.failing.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>();
    let more = if failing > NAMED_MAX { " …" } else { "" };
    format!("{failing}/{}: {}{more}", tally.all, named.join(", "))
}

/// What the post cannot see by itself: it holds when somebody did its task and said how.
fn by_hand(watch: &Watch, key: &str, (vi, en): (&str, &str)) -> Check {
    let task = watch.tasks.iter().rev().find(|task| task.check.as_deref() == Some(key));
    let done = task.and_then(|task| task.done.as_ref());
    Check {
        key: key.into(),
        title: Wording {
            vi: vi.to_owned(),
            en: en.to_owned(),
        },
        standing: if done.is_some() {
            Standing::Holds
        } else {
            Standing::Unknown
        },
        detail: done.map_or_else(
            || Wording {
                vi: "chưa ai xác nhận".to_owned(),
                en: "nobody confirmed it".to_owned(),
            },
            |done| Wording::same(&done.words),
        ),
    }
}

fn of_control(control: &str, ground: Ground<'_>) -> Check {
    let title = ground.controls.iter().find(|known| known.id == control);
    let last = ground.measurements.get(control).map(|(last, _)| last);
    let detail = match last {
        None => Wording {
            vi: "chưa đo".to_owned(),
            en: "not measured".to_owned(),
        },
        Some(last) => match &last.note {
            Some(note) if last.value.is_none() => Wording::same(note),
            Some(_) | None => Wording::same(&format!("{}/{}", last.failed_count, last.population)),
        },
    };
    Check {
        key: control.into(),
        title: title.map_or_else(|| Wording::same(control), |known| known.title.clone()),
        standing: last.map_or(Standing::Unknown, |last| of_measurement(last, ground.now)),
        detail,
    }
}

fn contacts(ground: Ground<'_>) -> Check {
    let all: Vec<&DirectiveContact> = ground
        .directives
        .iter()
        .flat_map(|directive| &directive.contacts)
        .collect();
    let oldest = ground
        .today
        .checked_sub(CONTACT_CONFIRMED_DAYS.days())
        .unwrap_or(ground.today);
    let old: Vec<&str> = all
        .iter()
        .filter(|contact| contact.confirmed_on.is_none_or(|day| day < oldest))
        .map(|contact| contact.name.vi.as_str())
        .collect();
    Check {
        key: "contacts".into(),
        title: Wording {
            vi: "Đầu mối hỗ trợ đã được gọi thử".to_owned(),
            en: "Support contacts were called".to_owned(),
        },
        standing: if old.is_empty() {
            Standing::Holds
        } else {
            Standing::FallsShort
        },
        detail: Wording::same(&format!(
            "{}/{}{}{}",
            all.len() - old.len(),
            all.len(),
            if old.is_empty() { "" } else { ": " },
            old.join(", ")
        )),
    }
}

fn owners(watch: &Watch) -> Check {
    let all = watch.requirements.len();
    let owned = watch.requirements.iter().filter(|one| one.owner.is_some()).count();
    Check {
        key: "owners".into(),
        title: Wording {
            vi: "Mỗi yêu cầu có người chịu trách nhiệm".to_owned(),
            en: "Each requirement has an owner".to_owned(),
        },
        standing: if owned == all {
            Standing::Holds
        } else {
            Standing::FallsShort
        },
        detail: Wording::same(&format!("{owned}/{all}")),
    }
}

/// Makes a task of each check that does not hold and has no open task, for the lead, due a day before the watch begins.
///
/// # Errors
/// When nothing is missing, the watch is closed, or the role does not allow it.
pub fn make_tasks(watch: &Watch, checks: &[Check], step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    not_closed(watch)?;
    let mut made = watch.clone();
    let before = watch.from - SignedDuration::from_hours(DUE_HOURS_BEFORE);
    let due_at = before.max(step.at + SignedDuration::from_hours(1));
    for check in checks.iter().filter(|check| check.standing != Standing::Holds) {
        let open = |task: &model::Task| task.done.is_none() && task.check.as_ref() == Some(&check.key);
        if !made.tasks.iter().any(open) {
            push_task(&mut made, check.title.clone(), Some(&check.key), (watch.lead, due_at))?;
        }
    }
    if made.tasks.len() == watch.tasks.len() {
        return Err(Rejected::NotNow(NOTHING_MISSING));
    }
    Ok(put(made, "watch.preflight", None, step))
}
