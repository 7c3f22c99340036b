//! A storm reaches a person as a few messages: the first pages at once, the others together.

use std::collections::HashMap;

use jiff::SignedDuration;
use model::{Bundle, BundledPage, ContactAddress, Delivery, Id, Notification, PageOutcome, Pager, Timestamp, User};

use super::{Answerable, Knowledge, later};

/// Messages about one matter each that a person gets within a minute; what is more is bundled.
pub const SINGLES_PER_MINUTE_MAX: usize = 3;
/// Messages of any sort within an hour; beyond it bundles come seldom.
pub const MESSAGES_PER_HOUR_MAX: usize = 30;
/// How long pages are gathered for one message.
pub const BUNDLE_SECONDS: i64 = 20;
/// How long beyond the budget of the hour.
pub const BUNDLE_SECONDS_OVER_BUDGET: i64 = 300;
/// Subjects that a bundle names; the others are counted.
const NAMED_MAX: usize = 5;
/// Longest subject of a bundle's list in characters.
const SUBJECT_CHARACTERS_MAX: usize = 80;

/// The pagers of one turn.
pub(super) struct Bundling {
    pagers: HashMap<Id<User>, Pager>,
    touched: Vec<Id<User>>,
    deliveries: Vec<Delivery>,
    now: Timestamp,
}

impl Bundling {
    pub(super) fn new(pagers: Vec<Pager>, now: Timestamp) -> Self {
        let pagers: HashMap<Id<User>, Pager> = pagers.into_iter().map(|pager| (pager.person, pager)).collect();
        let mut touched: Vec<Id<User>> = pagers
            .values()
            .filter(|pager| pager.flush_at.is_some_and(|at| at <= now))
            .map(|pager| pager.person)
            .collect();
        touched.sort_unstable();
        Self {
            pagers,
            touched,
            deliveries: Vec::new(),
            now,
        }
    }

    /// Sends a page now, or keeps it for the person's next bundle.
    pub(super) fn order(&mut self, notification: &mut Notification, number: u16) {
        let Some(page) = notification.pages.get_mut(usize::from(number)) else {
            return;
        };
        let now = self.now;
        let pager = self
            .pagers
            .entry(page.person)
            .or_insert_with(|| Pager::new(page.person));
        if !self.touched.contains(&page.person) {
            self.touched.push(page.person);
        }
        forget(pager, now);
        let lately = pager.sent.iter().filter(|at| seconds(**at, now) < 60).count();
        let free = lately < SINGLES_PER_MINUTE_MAX && pager.sent.len() < MESSAGES_PER_HOUR_MAX;
        if free && pager.waiting.is_empty() {
            pager.sent.push(now);
            self.deliveries.push(delivery(notification, number));
            return;
        }
        page.bundled = true;
        pager.waiting.push(BundledPage {
            notification: notification.id,
            page: number,
        });
        if pager.flush_at.is_none() {
            let over_budget = pager.sent.len() >= MESSAGES_PER_HOUR_MAX;
            let pause = if over_budget {
                BUNDLE_SECONDS_OVER_BUDGET
            } else {
                BUNDLE_SECONDS
            };
            pager.flush_at = Some(later(now, SignedDuration::from_secs(pause)));
        }
    }

    /// Sends the bundles that are due; gives the pagers that changed and everything that is to be sent.
    pub(super) fn finish(mut self, advanced: &[Notification], watch: &dyn Knowledge) -> (Vec<Pager>, Vec<Delivery>) {
        let mut changed = Vec::with_capacity(self.touched.len());
        let in_hand: HashMap<Id<Notification>, &Notification> = advanced
            .iter()
            .map(|notification| (notification.id, notification))
            .collect();
        let subject = |page: &BundledPage| match in_hand.get(&page.notification) {
            Some(notification) => notification.wants_answer().then(|| notification.subject.clone()),
            None => watch.wants_answer(page.notification),
        };
        for person in self.touched {
            let Some(mut pager) = self.pagers.remove(&person) else {
                continue;
            };
            if pager.flush_at.is_some_and(|at| at <= self.now) {
                self.deliveries.extend(flush(&mut pager, watch, &subject, self.now));
            }
            pager.revision += 1;
            changed.push(pager);
        }
        (changed, self.deliveries)
    }
}

/// Forgets messages that no longer count.
fn forget(pager: &mut Pager, now: Timestamp) {
    pager.sent.retain(|at| seconds(*at, now) < 3600);
}

fn seconds(at: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - at.as_second()
}

/// One message about everything that waits and still wants an answer; nothing when nothing does.
fn flush(
    pager: &mut Pager,
    watch: &dyn Knowledge,
    subject: &dyn Fn(&BundledPage) -> Option<String>,
    now: Timestamp,
) -> Option<Delivery> {
    forget(pager, now);
    pager.flush_at = None;
    let mut subjects = Vec::new();
    let mut bundled = Vec::new();
    let mut left = Vec::new();
    for page in std::mem::take(&mut pager.waiting) {
        if bundled.len() >= Pager::BUNDLE_PAGES_MAX {
            left.push(page);
        } else if let Some(line) = subject(&page) {
            bundled.push(page);
            subjects.push(line);
        }
    }
    if !left.is_empty() {
        pager.waiting = left;
        pager.flush_at = Some(later(now, SignedDuration::from_secs(BUNDLE_SECONDS)));
    }
    if bundled.is_empty() {
        return None;
    }
    let address = next_address(pager, watch)?;
    let number = pager.bundles_made;
    pager.bundles_made += 1;
    pager.sent.push(now);
    let delivery = message(pager.person, number, &address, &subjects);
    if pager.bundles.len() >= Pager::BUNDLES_MAX {
        pager.bundles.remove(0);
    }
    pager.bundles.push(Bundle {
        number,
        at: now,
        channel: address.channel,
        to: address.to,
        pages: bundled,
        outcome: PageOutcome::Waiting,
    });
    Some(delivery)
}

/// The person's first address whose last bundle did not fail.
fn next_address(pager: &Pager, watch: &dyn Knowledge) -> Option<ContactAddress> {
    let mut addresses = watch.addresses(pager.person);
    if addresses.iter().any(ContactAddress::is_proven) {
        addresses.retain(ContactAddress::is_proven);
    }
    let failed = |address: &ContactAddress| {
        let at = |bundle: &&Bundle| bundle.channel == address.channel && bundle.to == address.to;
        let last = pager.bundles.iter().rev().find(at);
        last.is_some_and(|bundle| matches!(bundle.outcome, PageOutcome::Failed { .. }))
    };
    let sound = addresses.iter().find(|address| !failed(address)).cloned();
    sound.or_else(|| addresses.into_iter().next())
}

fn message(person: Id<User>, number: u32, address: &ContactAddress, subjects: &[String]) -> Delivery {
    let count = subjects.len();
    let named = subjects.iter().take(NAMED_MAX).map(|subject| {
        let short: String = subject.chars().take(SUBJECT_CHARACTERS_MAX).collect();
        format!("• {short}")
    });
    let mut lines: Vec<String> = named.collect();
    if count > NAMED_MAX {
        let more = count - NAMED_MAX;
        lines.push(format!("và {more} việc nữa / and {more} more"));
    }
    Delivery {
        channel: address.channel.clone(),
        to: address.to.clone(),
        subject: format!("[{count}] việc chờ nhận / matters to acknowledge"),
        text: lines.join("\n"),
        link: Some("/duty/notifications".to_owned()),
        urgent: true,
        about: Some(Answerable::Bundle { person, number }.about()),
    }
}

/// The message of one page.
pub(super) fn delivery(notification: &Notification, number: u16) -> Delivery {
    let page = &notification.pages[usize::from(number)];
    let drill = if notification.exercise {
        "[DIỄN TẬP / EXERCISE] "
    } else {
        ""
    };
    let again = if number > 0 && page.round > 0 { "↻ " } else { "" };
    Delivery {
        channel: page.channel.clone(),
        to: page.to.clone(),
        subject: format!("{drill}{again}{}", notification.subject),
        text: notification.text.clone(),
        link: Some(notification.link.clone()),
        urgent: notification.urgent,
        about: Some(
            Answerable::Page {
                notification: notification.id,
                page: number,
            }
            .about(),
        ),
    }
}
