//! Watches: where each stands, what is missing before it begins, its tasks, waivers and questions.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod preflight;
pub(crate) mod requirement;
pub(crate) mod show;
mod spark;

pub(crate) use spark::spark;

use std::collections::HashMap;

use compact_str::CompactString;
use ledger::{NounFilter, Person};
use maud::{Markup, html};
use model::{Id, Measurement, Question, Scope, Timestamp, TrendPoint, User, Waiver, Watch};
use operations::watches::{self, RequirementStanding, Seen};

use crate::{addresses, desk::Desk, frame::View, people::People, text::visible, trouble::Trouble};

/// The pages that belong together under watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Watches,
    Directives,
    Deadlines,
    Calendar,
}

/// The way between them.
pub(crate) fn tabs(view: &View, here: Tab) -> Markup {
    let words = view.words;
    let all = [
        (Tab::Watches, "/watches", words.nav_watches()),
        (Tab::Directives, "/directives", words.nav_directives()),
        (Tab::Deadlines, "/deadlines", words.nav_deadlines()),
        (Tab::Calendar, "/calendar", words.nav_calendar()),
    ];
    html! {
        nav.tabs.above aria-label=(words.nav_watches()) { @for (tab, address, word) in all {
            a href=(address) aria-current=[(tab == here).then_some("page")] { (word) }
        } }
    }
}

/// Points of a small trend.
const TREND_POINTS: usize = 48;

/// A watch with everything that says how it stands.
pub(crate) struct Sight {
    pub(crate) watch: Watch,
    /// The moment at which it is judged: when it was closed, or now.
    pub(crate) as_of: Timestamp,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) questions: Vec<Question>,
    pub(crate) measurements: HashMap<CompactString, (Measurement, Vec<TrendPoint>)>,
    pub(crate) persons: Vec<Person>,
    pub(crate) people: People,
}

impl Sight {
    /// Reads a watch by the id in an address.
    pub(crate) async fn of(desk: &Desk, scope: &Scope, id: &str) -> Result<Self, Trouble> {
        let (scope, id) = (scope.clone(), id.to_owned());
        let now = desk.now();
        let sight = desk
            .read(move |ledger| {
                let Some(watch) = ledger.kept::<Watch>(&scope, &id)? else {
                    return Ok(None);
                };
                let mine = NounFilter::of_parent(&id);
                let as_of = watch.closed.as_ref().map_or(now, |closing| closing.at);
                let controls = watches::controls_of(&watch);
                let standing = ledger.measurements_standing(&scope, &controls, as_of, TREND_POINTS)?;
                let persons = ledger.people(&scope)?;
                Ok(Some(Self {
                    waivers: ledger.all_kept(&scope, &mine)?,
                    questions: ledger.all_kept(&scope, &mine)?,
                    measurements: standing
                        .into_iter()
                        .map(|(last, trend)| (last.control.clone(), (last, trend)))
                        .collect(),
                    people: People::new(&persons),
                    persons,
                    as_of,
                    watch,
                }))
            })
            .await?;
        sight.ok_or(Trouble::NotFound)
    }

    /// How each requirement stands, in the watch's order.
    pub(crate) fn standing(&self) -> Vec<RequirementStanding<'_>> {
        let seen = Seen {
            measurements: &self.measurements,
            waivers: &self.waivers,
            questions: &self.questions,
        };
        watches::standing(&self.watch, seen, self.as_of)
    }
}

/// A list to choose a person from.
pub(crate) fn choose_person(view: &View, persons: &[Person], chosen: Option<Id<User>>) -> Markup {
    html! {
        select name="person" required aria-label=(view.words.choose_person()) {
            @if chosen.is_none() { option value="" { (view.words.choose_person()) } }
            @for person in persons.iter().filter(|person| person.enabled) {
                option value=(person.id) selected[chosen == Some(person.id)] { (person.display_name) }
            }
        }
    }
}

/// Something that fell short, with a way to it (`alert/…`, `source/…`).
pub(crate) fn subject(name: &str) -> Markup {
    let address = match name.split_once('/') {
        Some(("alert", id)) => Some(format!("/alerts/{id}")),
        Some(("source", source)) => Some(format!("/sources/{}", addresses::segment(source))),
        Some(("silence", id)) => Some(format!("/silences#s-{id}")),
        Some(("deadline", id)) => Some(format!("/deadlines#d-{id}")),
        Some(("rule-file", _)) => Some("/rules".to_owned()),
        Some(("message", _)) => Some("/channels".to_owned()),
        Some(_) | None => None,
    };
    html! {
        @match address {
            Some(address) => a href=(address) { code { (visible(name)) } },
            None => code { (visible(name)) },
        }
    }
}

/// A moment as people type it, `27/04/2026 00:00`, in the post's zone.
pub(crate) fn typed_moment(view: &View, text: &str) -> Option<Timestamp> {
    let (day, time) = text.trim().split_once(' ').unwrap_or((text.trim(), "00:00"));
    let date = operations::directives::written_date(day)?;
    let (hour, minute) = time.trim().split_once(':')?;
    let time = jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    let zone = view.moments.zone.clone();
    zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()
}

/// A moment as people would type it.
pub(crate) fn moment_text(view: &View, at: Timestamp) -> String {
    at.to_zoned_datetime(view.moments.zone.clone())
        .strftime("%d/%m/%Y %H:%M")
        .to_string()
}
