//! Paging: the steps of a policy as stories, and random nights in which the process dies between any two steps.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::{
    AddressState, AnswerWay, ContactAddress, ContactCard, Delivery, EscalationPolicy, EscalationStep, Id, Notification,
    NotificationState, PageOutcome, Pager, Target, User,
};
use operations::{
    duty::{Roster, on_duty, shifts, turn_ends},
    notifications::{
        Answerable, Ask, BUNDLE_SECONDS, Knowledge, Sent, Standing, acknowledge, bundle_outcome, hand_over,
        page_outcome, start, turn,
    },
};
use proptest::prelude::*;

use crate::duty::{at, hanoi, person, team};

const MAIL: &str = "mail";
const SMS: &str = "sms";

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn officer() -> Target {
    Target::Position {
        team: Id::from_bits(1),
        position: "officer".into(),
    }
}

fn step(who: Vec<Target>, acknowledgements: u8) -> EscalationStep {
    EscalationStep {
        who,
        wait_minutes: 10,
        remind_minutes: 4,
        acknowledgements,
    }
}

fn policy(steps: Vec<EscalationStep>, rounds: u8) -> EscalationPolicy {
    EscalationPolicy {
        id: Id::from_bits(5),
        name: "Gọi trực".to_owned(),
        steps,
        rounds,
        revision: 1,
    }
}

fn ask(number: u128) -> Ask {
    Ask {
        about: format!("alert:{}", Id::<()>::from_bits(number)),
        subject: format!("Cảnh báo {number}"),
        text: "máy kế toán".to_owned(),
        link: "/alerts/1".to_owned(),
        urgent: true,
        exercise: false,
    }
}

fn proven(channel: &str, to: &str) -> ContactAddress {
    let at = Timestamp::UNIX_EPOCH;
    ContactAddress {
        channel: channel.to_owned(),
        to: to.to_owned(),
        state: AddressState::Proven {
            at,
            reached_at: at,
            tested_at: at,
        },
    }
}

/// A post without a disk: what was committed survives, everything else does not.
struct World {
    team: model::Team,
    zone: TimeZone,
    absences: Vec<model::Absence>,
    cards: HashMap<Id<User>, ContactCard>,
    standing: HashMap<String, Standing>,
    notifications: HashMap<Id<Notification>, Notification>,
    pagers: HashMap<Id<User>, Pager>,
    outbox: Vec<(Delivery, bool)>,
    /// What arrived: the place in the outbox, once for each arrival.
    phones: Vec<usize>,
    now: Timestamp,
}

impl World {
    fn new(people: &[u128]) -> Self {
        let cards = people.iter().map(|number| {
            let mut card = ContactCard::empty(person(*number));
            card.addresses = vec![
                proven(SMS, &format!("09{number}")),
                proven(MAIL, &format!("{number}@x")),
            ];
            (card.person, card)
        });
        Self {
            team: team(people, 1, &[6, 14, 22]),
            zone: hanoi(),
            absences: Vec::new(),
            cards: cards.collect(),
            standing: HashMap::new(),
            notifications: HashMap::new(),
            pagers: HashMap::new(),
            outbox: Vec::new(),
            phones: Vec::new(),
            now: at("2026-04-30T02:10:00+07"),
        }
    }

    fn roster(&self) -> Roster<'_> {
        Roster {
            team: &self.team,
            zone: &self.zone,
            absences: &self.absences,
        }
    }

    fn start(&mut self, number: u128, policy: &EscalationPolicy) {
        let notification = start(ask(number), policy, None, Id::from_bits(number), self.now);
        self.put(notification);
    }

    fn put(&mut self, notification: Notification) {
        let before = self
            .notifications
            .get(&notification.id)
            .map_or(0, |before| before.revision);
        assert_eq!(before + 1, notification.revision, "the ledger would refuse it");
        self.notifications.insert(notification.id, notification);
    }

    /// One look at what is due; when the process dies before it commits, nothing has happened.
    fn turn(&mut self, dies: bool) {
        let mut due: Vec<Notification> = self
            .notifications
            .values()
            .filter(|notification| notification.due_at.is_some_and(|due| due <= self.now))
            .cloned()
            .collect();
        due.sort_by_key(|notification| notification.id);
        let followed = turn(due, self.pagers.values().cloned().collect(), &*self, self.now);
        if dies {
            return;
        }
        for notification in followed.notifications {
            self.hold_against_the_roster(&notification);
            assert!(
                notification.due_at.is_none_or(|due| due > self.now),
                "it would be looked at forever"
            );
            self.put(notification);
        }
        for pager in followed.pagers {
            let before = self.pagers.get(&pager.person).map_or(0, |before| before.revision);
            assert_eq!(before + 1, pager.revision);
            self.pagers.insert(pager.person, pager);
        }
        self.outbox
            .extend(followed.deliveries.into_iter().map(|delivery| (delivery, false)));
    }

    /// Whoever is paged for a position now is whom the roster page names now.
    fn hold_against_the_roster(&self, notification: &Notification) {
        let day = SignedDuration::from_hours(24);
        let known = self.one(notification.id.bits()).pages.len();
        for page in &notification.pages[known..] {
            let page_of_roster = shifts(self.roster(), "officer", self.now - day, self.now + day);
            let shift = page_of_roster
                .iter()
                .find(|shift| shift.from <= self.now && self.now < shift.until);
            let place = usize::from(page.step).min(notification.steps.len() - 1);
            let expected = notification.steps[place].who.iter().any(|target| match target {
                Target::Position { .. } => shift.unwrap().people.contains(&page.person),
                Target::Person { person } => *person == page.person,
            });
            assert!(expected, "{page:?} {shift:?}");
        }
    }

    /// Carries out one effect of the outbox. The channel's word is noted first, then the effect is settled.
    fn send(&mut self, place: usize, fails: bool, dies_after: u8) {
        let Some((delivery, settled)) = self.outbox.get(place).cloned() else {
            return;
        };
        if settled {
            return;
        }
        if !fails {
            self.phones.push(place);
        }
        if dies_after == 0 {
            return;
        }
        let sent = if fails {
            Sent::Failed {
                reason: "no answer".to_owned(),
            }
        } else {
            Sent::Accepted
        };
        match Answerable::of_about(delivery.about.as_deref().unwrap()).unwrap() {
            Answerable::Page { notification, page } => {
                let noted = page_outcome(&self.notifications[&notification], page, &sent, self.now);
                if let Some(noted) = noted {
                    self.put(noted);
                }
            }
            Answerable::Bundle { person, number } => {
                if let Some(noted) = bundle_outcome(&self.pagers[&person], number, &sent, self.now) {
                    self.pagers.insert(person, noted);
                }
            }
        }
        if dies_after > 1 {
            self.outbox[place].1 = true;
        }
    }

    fn send_all(&mut self) {
        for place in 0..self.outbox.len() {
            self.send(place, false, 2);
        }
    }

    fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
        self.turn(false);
        self.send_all();
    }

    fn acknowledge(&mut self, id: u128, who: u128) {
        let lapses =
            turn_ends(self.roster(), person(who), self.now).unwrap_or(self.now + SignedDuration::from_hours(12));
        let before = &self.notifications[&Id::from_bits(id)];
        let answered = acknowledge(before, person(who), AnswerWay::Link, lapses, self.now).unwrap();
        self.put(answered);
    }

    fn one(&self, id: u128) -> &Notification {
        &self.notifications[&Id::from_bits(id)]
    }

    /// Everybody who was paged about a notification, with the channel, in order.
    fn paged(&self, id: u128) -> Vec<(u128, &str)> {
        let pages = self.one(id).pages.iter();
        pages.map(|page| (page.person.bits(), page.channel.as_str())).collect()
    }

    /// Nothing is lost, nothing is doubled: each page is in exactly one message, or waits for one, or is no longer wanted.
    fn account_for_every_page(&self) {
        let mut named = HashSet::new();
        for (delivery, _) in &self.outbox {
            assert!(named.insert(delivery.about.clone()), "ordered twice: {delivery:?}");
        }
        for notification in self.notifications.values() {
            for page in &notification.pages {
                let about = Answerable::Page {
                    notification: notification.id,
                    page: page.number,
                };
                let alone = usize::from(named.contains(&Some(about.about())));
                let pager = &self.pagers[&page.person];
                let is_it = |bundled: &&model::BundledPage| {
                    bundled.notification == notification.id && bundled.page == page.number
                };
                let waits = pager.waiting.iter().filter(is_it).count();
                if page.bundled {
                    assert_eq!(alone, 0, "bundled and alone: {page:?}");
                    assert!(waits <= 1);
                } else {
                    assert_eq!((alone, waits), (1, 0), "{page:?}");
                }
            }
        }
    }
}

impl Knowledge for World {
    fn who(&self, target: &Target, at: Timestamp) -> Vec<Id<User>> {
        match target {
            Target::Position { position, .. } => on_duty(self.roster(), position, at),
            Target::Person { person } => vec![*person],
        }
    }

    fn addresses(&self, person: Id<User>) -> Vec<ContactAddress> {
        self.cards
            .get(&person)
            .map(|card| card.addresses.clone())
            .unwrap_or_default()
    }

    fn standing(&self, about: &str) -> Standing {
        self.standing.get(about).copied().unwrap_or(Standing::Open)
    }

    fn turn_ends(&self, person: Id<User>, at: Timestamp) -> Option<Timestamp> {
        turn_ends(self.roster(), person, at)
    }

    fn wants_answer(&self, notification: Id<Notification>) -> Option<String> {
        let known = self.notifications.get(&notification)?;
        known.wants_answer().then(|| known.subject.clone())
    }
}

fn named(number: u128) -> Target {
    Target::Person { person: person(number) }
}

#[test]
fn who_does_not_answer_is_reminded_by_another_channel_then_the_lead_is_paged_until_an_acknowledgement_lapses() {
    // 02:10 on 30 April is the turn of person 3.
    let mut world = World::new(&[1, 2, 3]);
    world.start(1, &policy(vec![step(vec![officer()], 1), step(vec![named(7)], 1)], 2));
    world.cards.insert(person(7), ContactCard::empty(person(7)));
    world.cards.get_mut(&person(7)).unwrap().addresses = vec![proven(SMS, "097")];
    world.pass(0);
    assert_eq!(world.paged(1), [(3, SMS)]);
    world.pass(3);
    assert_eq!(world.paged(1).len(), 1, "the reminder is not due");
    world.pass(1);
    assert_eq!(world.paged(1), [(3, SMS), (3, MAIL)]);
    world.pass(6);
    assert_eq!(world.paged(1)[2..], [(7, SMS)], "ten minutes are over: the second step");
    world.acknowledge(1, 7);
    world.pass(60);
    assert_eq!(world.paged(1).len(), 3, "whoever has it is left in peace");
    // Person 7 has no turn: after twelve hours it lapses, and it is the turn of person 2 by then.
    world.pass(11 * 60 + 1);
    assert_eq!(world.paged(1)[3..], [(2, SMS)]);
    world.account_for_every_page();
}

#[test]
fn a_step_with_nobody_is_skipped_at_once_and_nobody_at_all_is_said() {
    let mut world = World::new(&[1, 2, 3]);
    let nobody = Target::Position {
        team: Id::from_bits(1),
        position: "lead".into(),
    };
    world.start(
        1,
        &policy(vec![step(vec![nobody.clone()], 1), step(vec![officer()], 1)], 1),
    );
    world.start(2, &policy(vec![step(vec![nobody], 1), step(vec![named(8)], 1)], 3));
    world.pass(0);
    assert_eq!(world.paged(1), [(3, SMS)]);
    assert_eq!(world.one(1).skipped.len(), 1);
    assert!(
        matches!(world.one(2).state, NotificationState::Unanswered { .. }),
        "person 8 has no address"
    );
    assert_eq!(world.one(2).skipped.len(), 2);
}

#[test]
fn several_must_acknowledge_and_one_person_counts_once() {
    let mut world = World::new(&[1, 2, 3]);
    world.start(1, &policy(vec![step(vec![officer(), named(1)], 2)], 1));
    world.pass(0);
    assert_eq!(world.paged(1), [(3, SMS), (1, SMS)]);
    world.acknowledge(1, 3);
    let again = acknowledge(world.one(1), person(3), AnswerWay::Console, world.now, world.now);
    assert_eq!(again, Err(model::Rejected::AlreadySo));
    world.pass(4);
    assert_eq!(
        world.paged(1)[2..],
        [(1, MAIL)],
        "only whoever has not answered is reminded"
    );
    world.acknowledge(1, 1);
    assert!(matches!(
        world.one(1).state,
        NotificationState::Acknowledged { needed: 2, .. }
    ));
}

#[test]
fn a_failed_channel_is_followed_by_the_next_one_at_once_and_a_person_without_any_by_the_next_step() {
    let mut world = World::new(&[1, 2, 3]);
    world.start(1, &policy(vec![step(vec![officer()], 1), step(vec![named(1)], 1)], 1));
    world.turn(false);
    world.send(0, true, 2);
    world.turn(false);
    assert_eq!(world.paged(1), [(3, SMS), (3, MAIL)]);
    world.send(1, true, 2);
    world.turn(false);
    assert_eq!(world.paged(1)[2..], [(1, SMS)]);
    world.account_for_every_page();
}

#[test]
fn an_acknowledgement_lapses_at_the_end_of_the_shift_unless_it_is_handed_over() {
    for handed in [false, true] {
        let mut world = World::new(&[1, 2, 3]);
        world.start(1, &policy(vec![step(vec![officer()], 1)], 1));
        world.pass(0);
        world.acknowledge(1, 3);
        world.now = at("2026-04-30T05:58:00+07");
        if handed {
            let until = at("2026-04-30T14:00:00+07");
            let moved = hand_over(world.one(1), (person(3), person(1)), until, world.now).unwrap();
            world.put(moved);
        }
        world.pass(2);
        let expected: &[(u128, &str)] = if handed { &[(3, SMS)] } else { &[(3, SMS), (1, SMS)] };
        assert_eq!(world.paged(1), expected, "handed over: {handed}");
        world.now = at("2026-04-30T14:00:00+07");
        world.pass(0);
        world.pass(30);
        assert_eq!(world.paged(1).last().unwrap().0, 2, "handed over: {handed}");
    }
}

#[test]
fn what_is_taken_or_closed_in_the_console_pages_nobody_any_more() {
    let mut world = World::new(&[1, 2, 3]);
    for number in [1, 2] {
        world.start(number, &policy(vec![step(vec![officer()], 1)], 1));
    }
    world.pass(0);
    let taken = Standing::Taken {
        by: person(3),
        at: world.now,
    };
    world.standing.insert(ask(1).about, taken);
    world.standing.insert(ask(2).about, Standing::Over);
    world.pass(5);
    assert!(matches!(world.one(1).state, NotificationState::Acknowledged { .. }));
    assert!(matches!(world.one(2).state, NotificationState::Over { .. }));
    assert_eq!(world.outbox.len(), 2);
    // The acknowledgement lapses with the turn; that the alert was taken before does not count again.
    world.now = at("2026-04-30T06:00:00+07");
    world.pass(0);
    assert_eq!(world.paged(1).last().unwrap().0, 1);
}

#[test]
fn a_storm_reaches_a_person_as_a_few_messages_and_none_about_what_is_over() {
    let mut world = World::new(&[1, 2, 3]);
    let policy = policy(vec![step(vec![officer()], 1)], 1);
    for number in 0..1000 {
        world.start(number, &policy);
    }
    world.pass(0);
    assert_eq!(world.outbox.len(), 3, "the first ones at once");
    for number in 100..1000 {
        world.standing.insert(ask(number).about, Standing::Over);
        let over = operations::notifications::stop(world.one(number), world.now).unwrap();
        world.put(over);
    }
    world.now += SignedDuration::from_secs(BUNDLE_SECONDS);
    world.pass(0);
    assert_eq!(world.outbox.len(), 4, "the others together");
    assert_eq!(world.outbox[3].0.subject, "[97] việc chờ nhận / matters to acknowledge");
    world.account_for_every_page();
    // The bundle fails: its pages leave by the next channel.
    let person = person(3);
    let failed = Sent::Failed { reason: "down".into() };
    let again = bundle_outcome(&world.pagers[&person], 0, &failed, world.now).unwrap();
    world.pagers.insert(person, again);
    world.turn(false);
    assert_eq!((world.outbox.len(), world.outbox[4].0.channel.as_str()), (5, MAIL));
}

#[derive(Debug, Clone)]
enum Happening {
    Starts { steps: Vec<(bool, u8)>, rounds: u8 },
    Minutes(i64),
    Turn { dies: bool },
    Sends { place: usize, fails: bool, dies_after: u8 },
    Answers { place: usize },
    Over { place: u128 },
    Leaves { who: u128, hours: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => (prop::collection::vec((any::<bool>(), 1..3_u8), 1..4), 1..3_u8)
            .prop_map(|(steps, rounds)| Happening::Starts { steps, rounds }),
        4 => (0..30_i64).prop_map(Happening::Minutes),
        5 => any::<bool>().prop_map(|dies| Happening::Turn { dies }),
        6 => (0..60_usize, any::<bool>(), 0..3_u8)
            .prop_map(|(place, fails, dies_after)| Happening::Sends { place, fails, dies_after }),
        1 => (0..60_usize).prop_map(|place| Happening::Answers { place }),
        1 => (0..8_u128).prop_map(|place| Happening::Over { place }),
        1 => (1..4_u128, 1..30_i64).prop_map(|(who, hours)| Happening::Leaves { who, hours }),
    ]
}

fn happens(world: &mut World, happening: Happening, begun: &mut u128) {
    match happening {
        Happening::Starts { steps, rounds } => {
            let steps = steps
                .into_iter()
                .map(|(position, needed)| step(vec![if position { officer() } else { named(2) }], needed));
            world.start(*begun, &policy(steps.collect(), rounds));
            *begun += 1;
        }
        Happening::Minutes(count) => world.now += minutes(count),
        Happening::Turn { dies } => world.turn(dies),
        Happening::Sends {
            place,
            fails,
            dies_after,
        } => {
            let place = place % world.outbox.len().max(1);
            world.send(place, fails, dies_after);
        }
        Happening::Answers { place } => {
            let Some(place) = world.phones.get(place % world.phones.len().max(1)) else {
                return;
            };
            let about = world.outbox[*place].0.about.clone().unwrap();
            if let Answerable::Page { notification, page } = Answerable::of_about(&about).unwrap() {
                let known = &world.notifications[&notification];
                let who = known.pages[usize::from(page)].person;
                let until = world.now + minutes(30);
                if let Ok(answered) = acknowledge(known, who, AnswerWay::Link, until, world.now) {
                    world.put(answered);
                }
            }
        }
        Happening::Over { place } => {
            world.standing.insert(ask(place).about, Standing::Over);
        }
        Happening::Leaves { who, hours } => world.absences.push(model::Absence {
            person: person(who),
            from: world.now,
            until: Some(world.now + SignedDuration::from_hours(hours)),
        }),
    }
}

proptest! {
    /// Whatever happens, and wherever the process dies: no page is lost, none is ordered twice, whoever is paged for a position is whom
    /// the roster names, and every notification comes to an end once people answer or the rounds are over.
    #[test]
    fn no_page_is_lost_or_doubled_when_the_process_dies_between_any_two_steps(
        night in prop::collection::vec(happening(), 1..80),
    ) {
        let mut world = World::new(&[1, 2, 3]);
        let mut begun = 0;
        for happening in night {
            happens(&mut world, happening, &mut begun);
            world.account_for_every_page();
        }
        // From here on everything works.
        for _ in 0..200 {
            world.now += SignedDuration::from_secs(60);
            world.turn(false);
            world.send_all();
        }
        world.account_for_every_page();
        for notification in world.notifications.values() {
            let ended = match notification.state {
                NotificationState::Escalating { .. } => false,
                NotificationState::Acknowledged { .. } | NotificationState::Unanswered { .. } | NotificationState::Over { .. } => true,
            };
            prop_assert!(ended, "{:?}", notification);
            for page in notification.pages.iter().filter(|page| !page.bundled) {
                prop_assert!(!matches!(page.outcome, PageOutcome::Waiting), "{:?}", page);
            }
        }
        let unsettled = world.outbox.iter().filter(|(_, settled)| !settled).count();
        prop_assert_eq!(unsettled, 0);
        for pager in world.pagers.values() {
            prop_assert!(pager.waiting.is_empty() || pager.flush_at.is_some());
        }
    }

    /// The roster page is cut out of the same answers as paging: at every minute both name the same people.
    #[test]
    fn at_no_instant_does_the_roster_page_name_another_person_than_paging_would(
        people in prop::collection::vec(1_u128..5, 0..5),
        every in 1_u16..4,
        away in prop::collection::vec((1_u128..5, 0_i64..4000, 1_i64..2000), 0..4),
        overs in prop::collection::vec((0_i64..4000, 1_i64..900, prop::option::of(1_u128..5), prop::option::of(1_u128..7)), 0..4),
    ) {
        let mut world = World::new(&[1, 2, 3]);
        world.team = team(&people, every, &[6, 18]);
        let from = at("2026-04-27T00:00:00+07");
        world.absences = away.into_iter().map(|(who, begin, length)| model::Absence {
            person: person(who), from: from + minutes(begin), until: Some(from + minutes(begin + length)),
        }).collect();
        world.team.overrides = overs.into_iter().map(|(begin, length, instead_of, who)| model::Override {
            position: "officer".into(), from: from + minutes(begin), until: from + minutes(begin + length),
            instead_of: instead_of.map(person), person: who.map(person),
        }).collect();
        let page = shifts(world.roster(), "officer", from, from + minutes(4000));
        prop_assert_eq!(page.first().map(|shift| shift.from), Some(from));
        for pair in page.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
        }
        let mut place = 0;
        for minute in 0..4000 {
            let now = from + minutes(minute);
            while page[place].until <= now { place += 1; }
            prop_assert_eq!(&page[place].people, &world.who(&officer(), now), "{}", now);
        }
    }
}
