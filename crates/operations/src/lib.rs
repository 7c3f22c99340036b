//! What the post decides about alerts, silences, sources, people and reports. Pure: the state, the time and the random numbers
//! come in as arguments, a `Decision` or a `Rejected` goes out, and nothing is changed here. This file is the hall: the
//! rooms do not know each other, and their answers are joined here.

pub mod alerts;
pub mod browsers;
pub mod calendar;
mod content;
pub mod deadlines;
pub mod directives;
pub mod duty;
pub mod evidence;
pub mod holds;
pub mod hunts;
pub mod incidents;
pub mod notifications;
pub mod people;
pub mod recovery;
pub mod reports;
pub mod response;
pub mod silences;
pub mod sources;
pub mod watches;

use std::collections::HashSet;

pub use content::CONTENT_BYTES_MAX;
pub(crate) use content::{content_error, read_content};

use model::{
    Actor, AlertContext, AlertKey, Change, ContentError, Decision, Delivery, Detection, Effect, Entity, EntityKind,
    Entropy, Event, Id, Language, Notice, Permission, PipelinePosition, Rejected, Scope, Silence, Source, Timestamp,
    User,
};

/// What the content says about law, letters and calendar, as it is in force.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The calendar of work.
    pub calendar: calendar::Calendar,
    /// The deadlines.
    pub deadlines: Vec<deadlines::Rule>,
    /// The letters, newest first.
    pub directives: Vec<directives::CatalogueEntry>,
    /// The authorities.
    pub authorities: Vec<directives::Authority>,
    /// The controls.
    pub controls: Vec<watches::Control>,
    /// The classes of incidents, and the clocks that they start.
    pub incidents: incidents::Plan,
    /// What is wrong with files that are not in force, each with its file and line.
    pub problems: Vec<String>,
}

impl Catalogue {
    /// The folders of the content that it is read from.
    pub const FOLDERS: [&'static str; 6] = [
        "authorities",
        "calendar",
        "controls",
        "deadlines",
        "directives",
        "incidents",
    ];

    /// Whether a file of the content can be used by itself; `path` is below the content's folder (`calendar/2024.toml`).
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn check(path: &str, text: &str) -> Result<(), ContentError> {
        let folder = path.split('/').next().unwrap_or_default();
        match folder {
            "authorities" => directives::AuthoritiesFile::read(path, text).map(|_| ()),
            "calendar" if is_year(path) => calendar::YearFile::read(path, text).map(|_| ()),
            "calendar" => calendar::RulesFile::read(path, text).map(|_| ()),
            "controls" => watches::ControlsFile::read(path, text).map(|_| ()),
            "deadlines" => deadlines::RulesFile::read(path, text).map(|_| ()),
            "directives" => directives::CatalogueEntry::read(path, text).map(|_| ()),
            "incidents" => incidents::Plan::read(path, text).map(|_| ()),
            _ => Err(content_error(
                path,
                "",
                "",
                format!("no content is read from `{folder}`"),
            )),
        }
    }

    /// Reads files of the content: paths below its folder, and their texts. What cannot be used is among the problems.
    #[must_use]
    pub fn read(files: &std::collections::BTreeMap<String, String>) -> Self {
        let mut catalogue = Self::default();
        let mut rules = None;
        let mut years = Vec::new();
        let mut letters = std::collections::BTreeMap::new();
        for (path, text) in files {
            let read = match path.split('/').next().unwrap_or_default() {
                "authorities" => directives::AuthoritiesFile::read(path, text)
                    .map(|file| catalogue.authorities.extend(file.authority)),
                "calendar" if is_year(path) => calendar::YearFile::read(path, text).map(|year| years.push(year)),
                "calendar" => calendar::RulesFile::read(path, text).map(|file| rules = Some(file)),
                "controls" => {
                    watches::ControlsFile::read(path, text).map(|file| catalogue.controls.extend(file.control))
                }
                "deadlines" => {
                    deadlines::RulesFile::read(path, text).map(|file| catalogue.deadlines.extend(file.deadline))
                }
                "incidents" => incidents::Plan::read(path, text).map(|plan| {
                    catalogue.incidents.class.extend(plan.class);
                    catalogue.incidents.clock.extend(plan.clock);
                }),
                _ => directives::CatalogueEntry::read(path, text).map(|entry| {
                    letters.insert(entry.id.clone(), entry);
                }),
            };
            catalogue.problems.extend(read.err().map(|error| error.to_string()));
        }
        if let Some(rules) = rules {
            catalogue.calendar = calendar::Calendar::new(&rules, &years);
        }
        for entry in letters.values() {
            match entry.clone().resolve(&letters) {
                Ok(entry) => catalogue.directives.push(entry),
                Err(problem) => catalogue
                    .problems
                    .push(format!("directives/{}.toml:1: {problem}", entry.id)),
            }
        }
        catalogue
            .directives
            .sort_by(|a, b| b.issued_on.cmp(&a.issued_on).then(a.id.cmp(&b.id)));
        catalogue
    }
}

/// Whether a file of the calendar is that of a year (`calendar/2024.toml`).
fn is_year(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_digit()))
}

/// Who takes a step, and when.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The right by which it is taken.
    pub scope: &'a Scope,
    /// When.
    pub at: Timestamp,
}

impl Step<'_> {
    /// Refuses the step when the role does not include the permission.
    pub(crate) fn needs(self, permission: Permission) -> Result<(), Rejected> {
        if self.scope.allows(permission) {
            Ok(())
        } else {
            Err(Rejected::NotAllowed)
        }
    }

    /// The person who takes it; the post itself never takes steps that people answer for.
    pub(crate) fn person(self) -> Result<Id<User>, Rejected> {
        match self.scope.actor() {
            Actor::Person { user, .. } => Ok(*user),
            Actor::Post { .. } => Err(Rejected::NotAllowed),
        }
    }

    /// Makes the decision.
    pub(crate) fn decides(self, action: &str, reason: Option<&str>, changes: Vec<Change>) -> Decision {
        Decision {
            at: self.at,
            actor: self.scope.actor().clone(),
            action: action.to_owned(),
            reason: reason
                .map(str::trim)
                .filter(|words| !words.is_empty())
                .map(str::to_owned),
            changes,
            effects: Vec::new(),
        }
    }
}

/// A detection with the event that completed it, where that is at hand: silences look at its fields.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// What was detected.
    pub detection: &'a Detection,
    /// The event.
    pub event: Option<&'a Event>,
}

/// What the ledger knows and a batch's decision needs.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The contexts of the keys that [`keys_of_batch`] or [`keys_of_watch`] names.
    pub contexts: &'a alerts::Contexts,
    /// The silences in force.
    pub silences: &'a [Silence],
}

/// The random number and the time of a decision.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When it is made. For a batch of the pipeline: when its last record was received, so that a second reading decides
    /// the same.
    pub now: Timestamp,
    /// Makes the ids of new alerts.
    pub entropy: Entropy,
}

/// The keys whose contexts [`decide_batch`] needs.
#[must_use]
pub fn keys_of_batch(batch: &[Observed<'_>], silences: &[Silence]) -> HashSet<AlertKey> {
    let mut keys = alerts::contexts_needed(batch.iter().map(|observed| observed.detection));
    let might_hide = batch.len() as u64;
    let close_to_limit = |silence: &&Silence| silence.hidden_that_day + might_hide >= silences::OUTGROWN_MIN;
    keys.extend(silences.iter().filter(close_to_limit).map(outgrown_key));
    keys
}

/// Decides what becomes of a batch of the pipeline: detections become alerts or are hidden and counted, what silences hid
/// is counted, sources are counted (`counts` as [`sources::Tally::into_changes`] gives them) and the pipeline advances.
#[must_use]
pub fn decide_batch(
    batch: &[Observed<'_>],
    counts: Vec<Change>,
    position: PipelinePosition,
    known: Known<'_>,
    moment: Moment,
) -> Decision {
    let mut drafting = draft_found(batch, known, moment);
    drafting.changes.extend(counts);
    drafting.changes.push(Change::AdvancePipeline { position });
    drafting.decision("triage", "triage.batch")
}

/// Decides what becomes of detections that were made on events kept before: as in a batch of the pipeline, but nothing is
/// counted as received and the pipeline stays where it is.
#[must_use]
pub fn decide_look_back(found: &[Observed<'_>], known: Known<'_>, moment: Moment) -> Decision {
    draft_found(found, known, moment).decision("look-back", "triage.look_back")
}

fn draft_found<'a>(batch: &[Observed<'_>], known: Known<'a>, moment: Moment) -> Drafting<'a> {
    let now = moment.now;
    let index = silences::Index::new(known.silences, now);
    let occurrences: Vec<alerts::Occurrence<'_>> = batch
        .iter()
        .map(|observed| alerts::Occurrence {
            detection: observed.detection,
            hidden_by: index.hiding(observed.detection, observed.event),
        })
        .collect();
    let triaged = alerts::triage(&occurrences, known.contexts, now, moment.entropy);
    let (hid, notices) = silences::hid(known.silences, &triaged.hidden, now);
    let mut drafting = Drafting {
        opened: triaged.changes.len(),
        changes: triaged.changes,
        effects: triaged.effects,
        ..Drafting::new(known, moment)
    };
    drafting.changes.extend(hid);
    for notice in &notices {
        // A report about a silence is never hidden by one: nobody could see that it went wrong.
        drafting.notice(notice, None);
    }
    drafting
}

/// The keys whose contexts [`decide_watch`] needs.
#[must_use]
pub fn keys_of_watch(known: &[Source], listening_since: Timestamp, now: Timestamp) -> HashSet<AlertKey> {
    known
        .iter()
        .filter(|source| {
            sources::watch(source, listening_since, now)
                .is_some_and(|watched| watched.came_back || watched.fell_silent.is_some())
        })
        .map(silent_key)
        .collect()
}

/// Looks at all sources, about once a minute: learns their rhythm, raises an alert for each that fell silent and closes it
/// when the source is back. None when there is nothing new. See [`sources::watch`] for `listening_since`.
#[must_use]
pub fn decide_watch(
    watched: &[Source],
    listening_since: Timestamp,
    known: Known<'_>,
    moment: Moment,
) -> Option<Decision> {
    let index = silences::Index::new(known.silences, moment.now);
    let mut drafting = Drafting::new(known, moment);
    for source in watched {
        let Some(news) = sources::watch(source, listening_since, moment.now) else {
            continue;
        };
        if let Some(notice) = &news.fell_silent {
            drafting.notice(notice, index.hiding_notice(notice.rule, &notice.entity));
        }
        if news.came_back {
            drafting.settle(&silent_key(source), sources::BACK);
        }
        drafting.changes.push(Change::PutSourceHealth {
            source: source.id.clone(),
            health: news.health,
        });
    }
    let (hid, _) = silences::hid(known.silences, &drafting.hidden_notices, moment.now);
    drafting.changes.extend(hid);
    (!drafting.changes.is_empty()).then(|| drafting.decision("source-watch", "source.watch"))
}

/// The keys whose contexts [`decide_deadlines`] needs.
#[must_use]
pub fn keys_of_deadlines(known: &[model::Deadline], now: Timestamp) -> HashSet<AlertKey> {
    let notices = deadlines::tick(known, now).notices;
    notices.iter().map(alerts::notice_key).collect()
}

/// Where people can be written to: channels and addresses.
pub type Addresses = std::collections::BTreeMap<Id<User>, Vec<(String, String)>>;

/// Looks at the running deadlines, about once a minute: notes warnings, raises alerts for deadlines that are close and for
/// those that passed, writes breaches, and writes to whoever keeps them. None when there is nothing new.
#[must_use]
pub fn decide_deadlines(
    running: &[model::Deadline],
    known: Known<'_>,
    addresses: &Addresses,
    moment: Moment,
) -> Option<Decision> {
    let ticked = deadlines::tick(running, moment.now);
    let mut drafting = Drafting {
        changes: ticked.changes,
        ..Drafting::new(known, moment)
    };
    for notice in &ticked.notices {
        // No silence hides a legal clock.
        drafting.notice(notice, None);
        let about = running.iter().find(|one| one.id.to_string() == *notice.entity.name);
        let owner = about.and_then(|deadline| deadline.owner);
        for (channel, to) in owner.and_then(|owner| addresses.get(&owner)).into_iter().flatten() {
            drafting.effects.push(warning(notice, channel, to));
        }
    }
    (!drafting.changes.is_empty()).then(|| drafting.decision("deadline-watch", "deadline.tick"))
}

/// The keys whose contexts [`decide_notices`] needs.
#[must_use]
pub fn keys_of_notices(notices: &[Notice]) -> HashSet<AlertKey> {
    notices.iter().map(alerts::notice_key).collect()
}

/// Raises alerts for what a part of the post noticed, and closes those of what is over. A notice whose alert is open already is not
/// repeated. `known` must hold the contexts of all keys. None when there is nothing new.
#[must_use]
pub fn decide_notices(
    (part, action): (&str, &str),
    notices: &[Notice],
    over: &[(AlertKey, &str)],
    known: Known<'_>,
    moment: Moment,
) -> Option<Decision> {
    let index = silences::Index::new(known.silences, moment.now);
    let mut drafting = Drafting::new(known, moment);
    for notice in notices {
        let context = known.contexts.get(&alerts::notice_key(notice));
        if context.is_none_or(|context| context.open.is_none()) {
            drafting.notice(notice, index.hiding_notice(notice.rule, &notice.entity));
        }
    }
    for (key, reason) in over {
        drafting.settle(key, reason);
    }
    let (hid, _) = silences::hid(known.silences, &drafting.hidden_notices, moment.now);
    drafting.changes.extend(hid);
    (!drafting.changes.is_empty()).then(|| drafting.decision(part, action))
}

fn warning(notice: &Notice, channel: &str, to: &str) -> Effect {
    Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: channel.to_owned(),
            to: to.to_owned(),
            subject: format!(
                "{} / {}",
                notice.title.text(Language::Vi),
                notice.title.text(Language::En)
            ),
            text: notice.summary.clone(),
            link: Some(format!("/deadlines#d-{}", notice.entity.name)),
            urgent: true,
            about: Some(format!("deadline:{}", notice.entity.name)),
        }),
    }
}

/// A decision of the post while it is put together.
struct Drafting<'a> {
    known: Known<'a>,
    moment: Moment,
    /// What silences hid of the notices.
    hidden_notices: Vec<(Id<Silence>, u64, Timestamp)>,
    /// More than all random numbers that were drawn so far.
    opened: usize,
    changes: Vec<Change>,
    effects: Vec<Effect>,
}

impl<'a> Drafting<'a> {
    fn new(known: Known<'a>, moment: Moment) -> Self {
        Self {
            known,
            moment,
            hidden_notices: Vec::new(),
            opened: 0,
            changes: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn notice(&mut self, notice: &Notice, hidden_by: Option<Id<Silence>>) {
        let nothing = AlertContext::default();
        let context = self.known.contexts.get(&alerts::notice_key(notice)).unwrap_or(&nothing);
        self.opened += 1;
        let entropy = nth(self.moment.entropy, self.opened);
        let triaged = alerts::notice(notice, context, hidden_by, self.moment.now, entropy);
        for (silence, count, last) in triaged.hidden {
            match self.hidden_notices.iter_mut().find(|(known, ..)| *known == silence) {
                Some((_, total, _)) => *total += count,
                None => self.hidden_notices.push((silence, count, last)),
            }
        }
        self.changes.extend(triaged.changes);
        self.effects.extend(triaged.effects);
    }

    fn settle(&mut self, key: &AlertKey, reason: &str) {
        let open = self.known.contexts.get(key).and_then(|context| context.open.as_ref());
        let actor = Actor::Post {
            part: "source-watch".to_owned(),
        };
        let settled = open.and_then(|alert| alerts::settle(alert, reason, &actor, self.moment.now));
        self.changes.extend(settled);
    }

    fn decision(self, part: &str, action: &str) -> Decision {
        Decision {
            at: self.moment.now,
            actor: Actor::Post { part: part.to_owned() },
            action: action.to_owned(),
            reason: None,
            changes: self.changes,
            effects: self.effects,
        }
    }
}

fn silent_key(source: &Source) -> AlertKey {
    post_key(sources::SILENT, EntityKind::Source, source.id.as_str())
}

fn outgrown_key(silence: &Silence) -> AlertKey {
    post_key(silences::OUTGROWN, EntityKind::Silence, &silence.id.to_string())
}

fn post_key(rule: &str, kind: EntityKind, name: &str) -> AlertKey {
    AlertKey {
        rule: rule.into(),
        entity: Entity {
            kind,
            name: name.into(),
        },
        exercise: false,
    }
}

/// The `n`th random number made of one. Only the first ten bytes make an id: counting in their last digits keeps the ids
/// of one decision apart.
pub(crate) fn nth(entropy: Entropy, n: usize) -> Entropy {
    let counted = u128::from_be_bytes(entropy.0).wrapping_add((n as u128) << 48);
    Entropy(counted.to_be_bytes())
}
