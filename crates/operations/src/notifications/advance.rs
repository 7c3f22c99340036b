//! One notification and time: which step it is in, and who is paged now.

use jiff::SignedDuration;
use model::{
    Acknowledgement, AnswerWay, ContactAddress, EscalationStep, Id, Notification, NotificationState, PageOutcome,
    PageSent, SkippedStep, Timestamp, User,
};

use super::{Knowledge, Standing, UNANSWERED_REMIND_MINUTES, answer, lapses_at, later};

/// Moves a notification on; gives the numbers of the pages that are ordered by it. Its `due_at` is always after `now`, or none.
pub(super) fn advance(notification: &mut Notification, watch: &dyn Knowledge, now: Timestamp) -> Vec<u16> {
    let first = notification.pages.len();
    notification.due_at = None;
    match watch.standing(&notification.about) {
        Standing::Over => {
            if !matches!(notification.state, NotificationState::Over { .. }) {
                notification.state = NotificationState::Over { at: now };
            }
            return Vec::new();
        }
        Standing::Taken { by, at } => taken(notification, watch, (by, at), now),
        Standing::Open => {}
    }
    lapse(notification, now);
    // Each pass begins a step, skips one or ends: there are at most as many as steps and rounds.
    let passes = notification.steps.len() * usize::from(notification.rounds) + 2;
    for _ in 0..passes {
        if pass(notification, watch, now) {
            break;
        }
    }
    notification.pages[first..].iter().map(|page| page.number).collect()
}

/// Somebody took the matter in the console: that is an acknowledgement, once.
fn taken(notification: &mut Notification, watch: &dyn Knowledge, (by, at): (Id<User>, Timestamp), now: Timestamp) {
    let known = notification
        .acknowledgements
        .iter()
        .any(|answer| answer.person == by && answer.at >= at);
    if !known && notification.wants_answer() {
        let answer = Acknowledgement {
            person: by,
            at: at.max(notification.started_at),
            way: AnswerWay::Console,
            lapses_at: lapses_at(watch, by, now),
            lapsed_at: None,
        };
        answer::add(notification, answer, now);
    }
}

/// Ends acknowledgements whose turn is over; pages begin anew when too few are left.
fn lapse(notification: &mut Notification, now: Timestamp) {
    for answer in &mut notification.acknowledgements {
        if answer.lapsed_at.is_none() && answer.lapses_at <= now {
            answer.lapsed_at = Some(now);
        }
    }
    if let NotificationState::Acknowledged { needed, .. } = notification.state
        && answer::standing(notification) < usize::from(needed)
    {
        notification.state = NotificationState::Escalating {
            round: 0,
            step: 0,
            begun: None,
            reminded: None,
        };
    }
}

/// Does what is to be done in the present state; says whether that was all for now.
fn pass(notification: &mut Notification, watch: &dyn Knowledge, now: Timestamp) -> bool {
    match notification.state {
        NotificationState::Over { .. } => true,
        NotificationState::Acknowledged { .. } => {
            notification.due_at = answer::next_lapse(notification);
            true
        }
        NotificationState::Unanswered { since } => {
            unanswered(notification, watch, since, now);
            true
        }
        NotificationState::Escalating {
            round,
            step,
            begun,
            reminded,
        } => match begun {
            None => begin(notification, watch, (round, step), now),
            Some(begun) => go_on(
                notification,
                watch,
                (round, step, begun, reminded.unwrap_or(begun)),
                now,
            ),
        },
    }
}

/// Begins a step: pages its people, or skips it at once when there is nobody.
fn begin(notification: &mut Notification, watch: &dyn Knowledge, (round, step): (u8, u8), now: Timestamp) -> bool {
    let Some(wanted) = notification.steps.get(usize::from(step)).cloned() else {
        next(notification, round, u8::MAX, now);
        return false;
    };
    if answer::standing(notification) >= usize::from(wanted.acknowledgements.max(1)) {
        answer::settle(notification, now);
        return false;
    }
    let people = people_of(&wanted, notification, watch, now);
    let mut reached = false;
    for person in people {
        reached |= page(notification, watch, (round, step, person), now);
    }
    if !reached {
        note_skipped(notification, (round, step), now);
        next(notification, round, step, now);
        return false;
    }
    notification.state = NotificationState::Escalating {
        round,
        step,
        begun: Some(now),
        reminded: Some(now),
    };
    notification.due_at = Some(due(&wanted, now, now));
    true
}

/// Goes on with a step: the next channel where one failed, reminders, the next step when the wait is over.
fn go_on(
    notification: &mut Notification,
    watch: &dyn Knowledge,
    (round, step, begun, mut reminded): (u8, u8, Timestamp, Timestamp),
    now: Timestamp,
) -> bool {
    let Some(wanted) = notification.steps.get(usize::from(step)).cloned() else {
        next(notification, round, u8::MAX, now);
        return false;
    };
    let people = people_of(&wanted, notification, watch, now);
    follow_failures(notification, watch, (round, step, &people), now);
    if now >= later(begun, minutes(wanted.wait_minutes.max(1))) || all_failed(notification, (round, step)) {
        next(notification, round, step, now);
        return false;
    }
    if wanted.remind_minutes > 0 && now >= later(reminded, minutes(wanted.remind_minutes)) {
        for person in people {
            page(notification, watch, (round, step, person), now);
        }
        reminded = now;
        notification.state = NotificationState::Escalating {
            round,
            step,
            begun: Some(begun),
            reminded: Some(now),
        };
    }
    notification.due_at = Some(due(&wanted, begun, reminded));
    true
}

/// After the last round: whoever the last step names is paged again and again, up to the most pages.
fn unanswered(notification: &mut Notification, watch: &dyn Knowledge, since: Timestamp, now: Timestamp) {
    let last = notification.pages.last().map_or(since, |page| page.at).max(since);
    let every = SignedDuration::from_mins(UNANSWERED_REMIND_MINUTES);
    let Some(wanted) = notification.steps.last().cloned() else {
        return;
    };
    let mut next = later(last, every);
    if now >= next {
        let place = (
            notification.rounds,
            u8::try_from(notification.steps.len() - 1).unwrap_or(u8::MAX),
        );
        for person in people_of(&wanted, notification, watch, now) {
            page(notification, watch, (place.0, place.1, person), now);
        }
        next = later(now, every);
    }
    if notification.pages.len() < Notification::PAGES_MAX {
        notification.due_at = Some(next);
    }
}

/// The next step, the next round, or the end of all rounds.
fn next(notification: &mut Notification, round: u8, step: u8, now: Timestamp) {
    let following = step.saturating_add(1);
    notification.state = if usize::from(following) < notification.steps.len() {
        NotificationState::Escalating {
            round,
            step: following,
            begun: None,
            reminded: None,
        }
    } else if round + 1 < notification.rounds && paged_in(notification, round) {
        NotificationState::Escalating {
            round: round + 1,
            step: 0,
            begun: None,
            reminded: None,
        }
    } else {
        NotificationState::Unanswered { since: now }
    };
}

/// Whether anybody was paged in a round; a round in which nobody was to be found is not repeated at once.
fn paged_in(notification: &Notification, round: u8) -> bool {
    notification.pages.iter().any(|page| page.round == round)
}

fn note_skipped(notification: &mut Notification, (round, step): (u8, u8), now: Timestamp) {
    if notification.skipped.len() < Notification::NOTES_MAX {
        notification.skipped.push(SkippedStep { round, step, at: now });
    }
}

/// Everybody a step names now who has not acknowledged, each once.
fn people_of(
    wanted: &EscalationStep,
    notification: &Notification,
    watch: &dyn Knowledge,
    now: Timestamp,
) -> Vec<Id<User>> {
    let mut people = Vec::new();
    for person in wanted.who.iter().flat_map(|target| watch.who(target, now)) {
        if !people.contains(&person) && !notification.acknowledged_by(person) {
            people.push(person);
        }
    }
    people
}

/// Orders a page to a person by the channel after the one that was used last in this step; says whether there was an address.
fn page(
    notification: &mut Notification,
    watch: &dyn Knowledge,
    (round, step, person): (u8, u8, Id<User>),
    now: Timestamp,
) -> bool {
    let mut addresses = usable(watch.addresses(person));
    let in_step = |page: &&PageSent| page.round == round && page.step == step && page.person == person;
    let tried: Vec<&PageSent> = notification.pages.iter().filter(in_step).collect();
    let failed = |address: &ContactAddress| {
        tried
            .iter()
            .any(|page| is_at(page, address) && matches!(page.outcome, PageOutcome::Failed { .. }))
    };
    if addresses.iter().any(|address| !failed(address)) {
        addresses.retain(|address| !failed(address));
    }
    let Some(address) = addresses.get(tried.len() % addresses.len().max(1)).cloned() else {
        return false;
    };
    put(notification, (round, step, person), address, now)
}

fn put(
    notification: &mut Notification,
    (round, step, person): (u8, u8, Id<User>),
    address: ContactAddress,
    at: Timestamp,
) -> bool {
    if notification.pages.len() >= Notification::PAGES_MAX {
        return false;
    }
    let number = u16::try_from(notification.pages.len()).unwrap_or(u16::MAX);
    notification.pages.push(PageSent {
        number,
        round,
        step,
        person,
        channel: address.channel,
        to: address.to,
        at,
        bundled: false,
        outcome: PageOutcome::Waiting,
    });
    true
}

/// Where a page of this step failed, the next channel of its person is tried at once, unless they are no longer on duty.
fn follow_failures(
    notification: &mut Notification,
    watch: &dyn Knowledge,
    (round, step, wanted): (u8, u8, &[Id<User>]),
    now: Timestamp,
) {
    let mut people = Vec::new();
    for sent in &mut notification.pages {
        if sent.round == round
            && sent.step == step
            && let PageOutcome::Failed { followed, .. } = &mut sent.outcome
            && !*followed
        {
            *followed = true;
            people.push(sent.person);
        }
    }
    people.sort_unstable();
    people.dedup();
    for person in people.into_iter().filter(|person| wanted.contains(person)) {
        let tried = |address: &ContactAddress| {
            let mut pages = notification.pages.iter();
            pages.any(|page| page.round == round && page.step == step && page.person == person && is_at(page, address))
        };
        let untried = usable(watch.addresses(person))
            .into_iter()
            .find(|address| !tried(address));
        if let Some(address) = untried {
            put(notification, (round, step, person), address, now);
        }
    }
}

/// Whether every page of a step failed and none is left to be tried: nobody can answer it.
fn all_failed(notification: &Notification, (round, step): (u8, u8)) -> bool {
    let mut pages = notification
        .pages
        .iter()
        .filter(|page| page.round == round && page.step == step);
    pages.all(|page| matches!(page.outcome, PageOutcome::Failed { .. }))
}

/// Proven addresses; where there is none, all of them, because one that may work is better than none.
fn usable(addresses: Vec<ContactAddress>) -> Vec<ContactAddress> {
    if addresses.iter().any(ContactAddress::is_proven) {
        addresses.into_iter().filter(ContactAddress::is_proven).collect()
    } else {
        addresses
    }
}

fn is_at(page: &PageSent, address: &ContactAddress) -> bool {
    page.channel == address.channel && page.to == address.to
}

fn due(wanted: &EscalationStep, begun: Timestamp, reminded: Timestamp) -> Timestamp {
    let over = later(begun, minutes(wanted.wait_minutes.max(1)));
    if wanted.remind_minutes == 0 {
        return over;
    }
    over.min(later(reminded, minutes(wanted.remind_minutes)))
}

fn minutes(count: u16) -> SignedDuration {
    SignedDuration::from_mins(i64::from(count))
}
