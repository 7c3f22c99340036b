//! A rehearsed night of duty: matters come up, people do not answer at once, a channel fails, shifts change. It is played over the
//! real rosters, cards and policies of the post, in seconds and with nobody paged; the score is kept in the ledger.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
};

use anyhow::{Context, Result, bail};
use console::{Rosters, lapses_at};
use jiff::{SignedDuration, tz::TimeZone};
use ledger::{Ledger, NounFilter};
use model::{
    AnswerWay, Change, ContactAddress, ContactCard, Decision, DrillMatter, Entropy, EscalationPolicy, Id, NightDrill,
    Notification, NotificationState, PageOutcome, Pager, Scope, Target, Team, Timestamp, User,
};
use operations::notifications::{
    Answerable, Ask, Knowledge, Sent, Standing, acknowledge, bundle_outcome, page_outcome, start, turn,
};

/// How long the night is, and how often it is looked at.
const HOURS: i64 = 10;
const STEP_SECONDS: i64 = 10;
/// When matters come up, in minutes; three at once are a small storm.
const MATTERS: [(i64, &str); 6] = [
    (10, "Dò mật khẩu SSH"),
    (95, "Mã độc gọi về máy chủ điều khiển"),
    (181, "Nguồn nhật ký im lặng"),
    (181, "Tài khoản quản trị mới"),
    (181, "Xoá nhật ký"),
    (478, "Truy vấn DNS tới tên miền lạ"),
];
/// Of so many pages that arrive, one is not answered.
const UNANSWERED_OF: u64 = 3;
/// How long people take to answer.
const ANSWER_SECONDS: i64 = 150;
/// What earns points: paged within a minute, acknowledged within a quarter of an hour.
const PAGED_SECONDS_MAX: i64 = 60;
const ACKNOWLEDGED_SECONDS_MAX: i64 = 15 * 60;

/// The night while it is played.
struct Night<'a> {
    rosters: &'a Rosters,
    cards: HashMap<Id<User>, ContactCard>,
    failing: Option<String>,
    notifications: HashMap<Id<Notification>, Notification>,
    pagers: HashMap<Id<User>, Pager>,
    /// Who will answer what, and when.
    answers: Vec<(Timestamp, Id<Notification>, Id<User>)>,
    acknowledged: HashMap<Id<Notification>, Timestamp>,
    now: Timestamp,
}

/// Plays the night that begins at a moment, and keeps its score.
///
/// # Errors
/// When the ledger cannot be read or written, or no team has a policy.
pub(crate) fn play(ledger: &Ledger, begins: Timestamp, now: Timestamp, entropy: Entropy) -> Result<NightDrill> {
    let scope = Scope::of_post("exercise");
    let rosters = Rosters::read(ledger, &scope, now).context("reading the rosters")?;
    let policies: Vec<EscalationPolicy> = ledger.all_kept(&scope, &NounFilter::default())?;
    let cards: Vec<ContactCard> = ledger.all_kept(&scope, &NounFilter::default())?;
    let paged: Vec<(&Team, &EscalationPolicy)> = rosters
        .all()
        .filter_map(|roster| {
            let policy = policies.iter().find(|policy| roster.team.policy == Some(policy.id))?;
            Some((roster.team, policy))
        })
        .collect();
    if paged.is_empty() {
        bail!("no team is paged by a policy: choose one on the page of its roster");
    }
    let mut night = Night {
        failing: most_used_channel(&cards),
        rosters: &rosters,
        cards: cards.into_iter().map(|card| (card.person, card)).collect(),
        notifications: HashMap::new(),
        pagers: HashMap::new(),
        answers: Vec::new(),
        acknowledged: HashMap::new(),
        now: begins,
    };
    let matters = night.pass(begins, &paged)?;
    let points = matters.iter().map(|matter| u64::from(matter.points)).sum::<u64>() / (matters.len().max(1) as u64);
    let drill = NightDrill {
        id: Id::born(now, entropy),
        played_at: now,
        begins,
        ends: night.now,
        failed_channel: night.failing,
        matters,
        score: u8::try_from(points).unwrap_or(100),
        revision: 1,
    };
    let decision = Decision {
        at: now,
        actor: scope.actor().clone(),
        action: "exercise.night".to_owned(),
        reason: Some(format!("{} / 100", drill.score)),
        changes: vec![Change::put(&drill)],
        effects: Vec::new(),
    };
    ledger.apply(&decision).context("the score was not kept")?;
    Ok(drill)
}

/// The channel that most people would be paged by first: the one whose failure hurts.
fn most_used_channel(cards: &[ContactCard]) -> Option<String> {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for address in cards.iter().filter_map(|card| card.addresses.first()) {
        *uses.entry(address.channel.as_str()).or_default() += 1;
    }
    let most = uses
        .into_iter()
        .max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(one.0)));
    most.map(|(channel, _)| channel.to_owned())
}

impl Night<'_> {
    fn pass(&mut self, begins: Timestamp, paged: &[(&Team, &EscalationPolicy)]) -> Result<Vec<DrillMatter>> {
        let mut begun: Vec<(Id<Notification>, String)> = Vec::new();
        let ends = begins.checked_add(SignedDuration::from_hours(HOURS))?;
        let mut waiting = MATTERS.iter().peekable();
        while self.now < ends {
            let minutes = begins.duration_until(self.now).as_secs() / 60;
            while let Some((_, subject)) = waiting.next_if(|(minute, _)| *minute <= minutes) {
                for (team, policy) in paged {
                    let id = Id::from_bits(begun.len() as u128 + 1);
                    let ask = Ask {
                        about: format!("drill:{}", begun.len()),
                        subject: (*subject).to_owned(),
                        text: String::new(),
                        link: "/duty".to_owned(),
                        urgent: true,
                        exercise: true,
                    };
                    self.notifications
                        .insert(id, start(ask, policy, Some(team.id), id, self.now));
                    begun.push((id, team.name.clone()));
                }
            }
            self.step();
            self.now = self.now.checked_add(SignedDuration::from_secs(STEP_SECONDS))?;
        }
        Ok(begun.iter().map(|(id, team)| self.scored(*id, team)).collect())
    }

    fn step(&mut self) {
        self.answer();
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= self.now);
        let mut due: Vec<Notification> = self
            .notifications
            .values()
            .filter(|notification| is_due(notification.due_at))
            .cloned()
            .collect();
        due.sort_by_key(|notification| notification.id);
        if due.is_empty() && !self.pagers.values().any(|pager| is_due(pager.flush_at)) {
            return;
        }
        let followed = turn(due, self.pagers.values().cloned().collect(), &*self, self.now);
        for notification in followed.notifications {
            self.notifications.insert(notification.id, notification);
        }
        for pager in followed.pagers {
            self.pagers.insert(pager.person, pager);
        }
        for delivery in followed.deliveries {
            let arrives = self.failing.as_ref() != Some(&delivery.channel);
            if let Some(answerable) = delivery.about.as_deref().and_then(Answerable::of_about) {
                self.sent(answerable, arrives);
            }
        }
    }

    fn sent(&mut self, answerable: Answerable, arrives: bool) {
        let sent = if arrives {
            Sent::Accepted
        } else {
            Sent::Failed {
                reason: "the channel fails this night".to_owned(),
            }
        };
        match answerable {
            Answerable::Page { notification, page } => {
                let Some(known) = self.notifications.get_mut(&notification) else {
                    return;
                };
                let person = known.pages[usize::from(page)].person;
                if let Some(noted) = page_outcome(known, page, &sent, self.now) {
                    *known = noted;
                }
                self.will_answer(arrives, notification, person);
            }
            Answerable::Bundle { person, number } => {
                let Some(pager) = self.pagers.get_mut(&person) else {
                    return;
                };
                let bundle = pager.bundles.iter().find(|bundle| bundle.number == number);
                let bundled = bundle.map(|bundle| bundle.pages.clone()).unwrap_or_default();
                if let Some(noted) = bundle_outcome(pager, number, &sent, self.now) {
                    *pager = noted;
                }
                for page in bundled {
                    self.will_answer(arrives, page.notification, person);
                }
            }
        }
    }

    /// Some do not answer: which ones is the same each time the same night is played.
    fn will_answer(&mut self, arrives: bool, notification: Id<Notification>, person: Id<User>) {
        let mut chance = DefaultHasher::new();
        (notification.bits(), person.bits(), self.now.as_second()).hash(&mut chance);
        if arrives && !chance.finish().is_multiple_of(UNANSWERED_OF) {
            let at = self
                .now
                .checked_add(SignedDuration::from_secs(ANSWER_SECONDS))
                .unwrap_or(self.now);
            self.answers.push((at, notification, person));
        }
    }

    fn answer(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) = self.answers.drain(..).partition(|(at, ..)| *at <= self.now);
        self.answers = later;
        for (_, id, person) in due {
            let lapses = lapses_at(self.rosters, person, self.now);
            let Some(known) = self.notifications.get_mut(&id) else {
                continue;
            };
            if let Ok(answered) = acknowledge(known, person, AnswerWay::Link, lapses, self.now) {
                if let NotificationState::Acknowledged { at, .. } = answered.state {
                    self.acknowledged.entry(id).or_insert(at);
                }
                *known = answered;
            }
        }
    }

    fn scored(&self, id: Id<Notification>, team: &str) -> DrillMatter {
        let notification = &self.notifications[&id];
        let after = |at: Timestamp| notification.started_at.duration_until(at).as_secs();
        let failed = |page: &&model::PageSent| matches!(page.outcome, PageOutcome::Failed { .. });
        let paged = notification.pages.first().map(|page| after(page.at));
        let acknowledged = self.acknowledged.get(&id).map(|at| after(*at));
        let within = |seconds: Option<i64>, most: i64, points: u8| {
            if seconds.is_some_and(|seconds| seconds <= most) {
                points
            } else {
                0
            }
        };
        let had = within(acknowledged, i64::MAX, 20);
        let mut by: Vec<String> = Vec::new();
        for answer in &notification.acknowledgements {
            let name = self.rosters.name(answer.person);
            if !by.contains(&name) {
                by.push(name);
            }
        }
        DrillMatter {
            subject: notification.subject.clone(),
            team: team.to_owned(),
            at: notification.started_at,
            paged_after_seconds: paged,
            acknowledged_after_seconds: acknowledged,
            by,
            pages: u32::try_from(notification.pages.len()).unwrap_or(u32::MAX),
            failed: u32::try_from(notification.pages.iter().filter(failed).count()).unwrap_or(u32::MAX),
            skipped: u32::try_from(notification.skipped.len()).unwrap_or(u32::MAX),
            points: within(paged, PAGED_SECONDS_MAX, 40) + within(acknowledged, ACKNOWLEDGED_SECONDS_MAX, 40) + had,
        }
    }
}

impl Knowledge for Night<'_> {
    fn who(&self, target: &Target, at: Timestamp) -> Vec<Id<User>> {
        self.rosters.who(target, at)
    }

    fn addresses(&self, person: Id<User>) -> Vec<ContactAddress> {
        self.cards
            .get(&person)
            .map(|card| card.addresses.clone())
            .unwrap_or_default()
    }

    fn standing(&self, _: &str) -> Standing {
        Standing::Open
    }

    fn turn_ends(&self, person: Id<User>, at: Timestamp) -> Option<Timestamp> {
        self.rosters.turn_ends(person, at)
    }

    fn wants_answer(&self, notification: Id<Notification>) -> Option<String> {
        let known = self.notifications.get(&notification)?;
        known.wants_answer().then(|| known.brief())
    }
}

/// Tells how the night went, on a clock.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn tell(out: &mut impl Write, drill: &NightDrill, zone: &TimeZone) -> io::Result<()> {
    let on_clock = |at: Timestamp| zone.to_datetime(at).strftime("%d/%m %H:%M").to_string();
    writeln!(out, "{} → {}", on_clock(drill.begins), on_clock(drill.ends))?;
    if let Some(channel) = &drill.failed_channel {
        writeln!(out, "kênh hỏng / channel that failed: {channel}")?;
    }
    let seconds = |seconds: Option<i64>| seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds} s"));
    for matter in &drill.matters {
        writeln!(
            out,
            "{} {} · {} · gọi / paged {} · nhận / acknowledged {} {} · {} pages, {} failed, {} skipped · {}",
            on_clock(matter.at),
            matter.team,
            matter.subject,
            seconds(matter.paged_after_seconds),
            seconds(matter.acknowledged_after_seconds),
            matter.by.join(", "),
            matter.pages,
            matter.failed,
            matter.skipped,
            matter.points
        )?;
    }
    writeln!(out, "night-drill id={} score={} of 100", drill.id, drill.score)
}

#[cfg(test)]
mod tests {
    use model::{AddressState, EscalationStep, Position, Role, Rotation};

    use super::*;

    fn changes(now: Timestamp) -> Vec<Change> {
        let address = |channel: &str, to: String| ContactAddress {
            channel: channel.to_owned(),
            to,
            state: AddressState::Proven {
                at: now,
                reached_at: now,
                tested_at: now,
            },
        };
        let mut changes = Vec::new();
        for number in 1..=3_u128 {
            changes.push(Change::PutUser {
                user: Box::new(User {
                    id: Id::from_bits(number),
                    login: format!("an{number}"),
                    display_name: format!("An {number}"),
                    role: Role::DutyOfficer,
                    password_hash: String::new(),
                    language: "vi".to_owned(),
                    created_at: now,
                    enabled: true,
                    revision: 1,
                }),
            });
            changes.push(Change::put(&ContactCard {
                addresses: vec![
                    address("sms", format!("09{number}")),
                    address("mail", format!("{number}@x")),
                ],
                revision: 1,
                ..ContactCard::empty(Id::from_bits(number))
            }));
        }
        changes
    }

    fn roster(people: &[u128]) -> [Change; 2] {
        let officer = Target::Position {
            team: Id::from_bits(1),
            position: "officer".into(),
        };
        let policy = EscalationPolicy {
            id: Id::from_bits(5),
            name: "Gọi".to_owned(),
            steps: vec![EscalationStep {
                who: vec![officer],
                wait_minutes: 10,
                remind_minutes: 4,
                acknowledgements: 1,
            }],
            rounds: 3,
            revision: 1,
        };
        let team = Team {
            id: Id::from_bits(1),
            name: "Ca trực".to_owned(),
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            positions: vec![Position {
                key: "officer".into(),
                name: "Trực ban".to_owned(),
                people_min: 1,
                primary: true,
                skills: Vec::new(),
            }],
            rotations: vec![Rotation {
                position: "officer".into(),
                people: people.iter().map(|number| Id::from_bits(*number)).collect(),
                begins_on: jiff::civil::date(2026, 4, 1),
                ends_on: None,
                every_days: 1,
                hand_over_at: [6, 14, 22].map(|hour| jiff::civil::time(hour, 0, 0, 0)).to_vec(),
            }],
            overrides: Vec::new(),
            members: Vec::new(),
            rest_hours: 0,
            policy: Some(Id::from_bits(5)),
            alerts_from: None,
            revision: 1,
        };
        [Change::put(&policy), Change::put(&team)]
    }

    fn played(people: &[u128]) -> (Ledger, NightDrill, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-04-29T22:00:00+07".parse().unwrap();
        let ledger = Ledger::open(ledger::Options::in_folder(folder.path()), now).unwrap();
        let mut all = changes(now);
        all.extend(roster(people));
        let decision = Decision {
            at: now,
            actor: Scope::of_post("test").actor().clone(),
            action: "test.put".to_owned(),
            reason: None,
            changes: all,
            effects: Vec::new(),
        };
        ledger.apply(&decision).unwrap();
        let drill = play(&ledger, now, now, Entropy([5; 16])).unwrap();
        (ledger, drill, folder)
    }

    #[test]
    fn a_night_with_a_failing_channel_is_held_by_the_other_and_the_score_is_kept() {
        let (ledger, drill, _folder) = played(&[1, 2, 3]);
        assert_eq!(drill.failed_channel.as_deref(), Some("sms"));
        assert_eq!(drill.matters.len(), MATTERS.len());
        assert!(
            drill
                .matters
                .iter()
                .all(|matter| matter.failed > 0 && !matter.by.is_empty()),
            "{drill:?}"
        );
        assert!(drill.score >= 60, "{drill:?}");
        let kept: Option<NightDrill> = ledger.kept(&Scope::of_post("test"), &drill.id.to_string()).unwrap();
        assert_eq!(kept.as_ref(), Some(&drill));
        let mut told = Vec::new();
        tell(&mut told, &drill, &TimeZone::UTC).unwrap();
        assert!(String::from_utf8(told).unwrap().contains("of 100"));
    }

    #[test]
    fn an_empty_roster_scores_nothing_and_is_named() {
        let (_ledger, drill, _folder) = played(&[]);
        assert_eq!(drill.score, 0);
        assert!(
            drill
                .matters
                .iter()
                .all(|matter| matter.skipped > 0 && matter.pages == 0)
        );
    }
}
