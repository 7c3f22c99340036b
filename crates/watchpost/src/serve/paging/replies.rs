//! A short message that somebody wrote back: its code acknowledges the page that it came with.

use anyhow::{Context, Result};
use console::{Answered, answer};
use ledger::{Ledger, NounFilter, PageAt};
use model::{AnswerWay, ContactCard, Id, Notification, Scope, Timestamp};
use operations::{
    Step,
    notifications::{AnswerKey, Answerable},
};

/// Notifications that a code is looked for in, newest first.
const LOOKED_AT_MAX: usize = 500;
/// Digits of a number that must agree: how its country and its trunk are written differs between systems.
const DIGITS: usize = 9;

/// Takes a reply; says which notification it acknowledged, when it did.
///
/// # Errors
/// When the ledger fails.
pub(crate) fn take(
    ledger: &Ledger,
    key: &AnswerKey,
    (channel, from, text): (&str, &str, &str),
    now: Timestamp,
) -> Result<Option<Id<Notification>>> {
    let scope = Scope::of_post(super::PART);
    let Some(code) = code_in(text) else { return Ok(None) };
    let cards: Vec<ContactCard> = ledger.all_kept(&scope, &NounFilter::default())?;
    let writes = |card: &&ContactCard| {
        let mut addresses = card.addresses.iter();
        addresses.any(|address| address.channel == channel && same_number(&address.to, from))
    };
    let Some(person) = cards.iter().find(writes).map(|card| card.person) else {
        tracing::warn!(channel, "a reply from a number that is on nobody's card");
        return Ok(None);
    };
    let open = NounFilter {
        states: ["escalating", "unanswered"].map(str::to_owned).to_vec(),
        ..NounFilter::default()
    };
    let candidates = ledger.kept_page::<Notification>(&scope, &open, PageAt::first(LOOKED_AT_MAX))?;
    let meant = |notification: &&Notification| {
        let mut pages = notification.pages.iter().filter(|page| page.person == person);
        pages.any(|page| {
            let page = Answerable::Page {
                notification: notification.id,
                page: page.number,
            };
            key.code(page) == code
        })
    };
    let Some(notification) = candidates.items.iter().find(meant) else {
        return Ok(None);
    };
    let users = ledger.users(&scope)?;
    let Some(account) = users.iter().find(|user| user.id == person && user.enabled) else {
        return Ok(None);
    };
    let scope = Scope::of_session(account);
    let step = Step { scope: &scope, at: now };
    match answer(ledger, step, &[notification.id], AnswerWay::Reply)? {
        Answered::Taken(decision, _) => {
            ledger.apply(&decision).context("a reply was not noted")?;
            Ok(Some(notification.id))
        }
        Answered::Refused(_) => Ok(None),
    }
}

/// The first four digits in a row that stand alone.
fn code_in(text: &str) -> Option<&str> {
    let mut words = text.split(|sign: char| !sign.is_ascii_digit());
    words.find(|word| word.len() == 4)
}

/// Whether two ways of writing a number mean the same telephone: `0912345678`, `+84 912 345 678`.
fn same_number(one: &str, other: &str) -> bool {
    let last = |text: &str| -> String {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len().saturating_sub(DIGITS)..].to_owned()
    };
    let (one, other) = (last(one), last(other));
    one.len() == DIGITS && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_alone_and_numbers_are_written_in_several_ways() {
        for (text, code) in [
            ("NHAN 4821", Some("4821")),
            ("4821.", Some("4821")),
            ("ok", None),
            ("48215", None),
            ("0912345678 4821", Some("4821")),
            ("", None),
        ] {
            assert_eq!(code_in(text), code, "{text}");
        }
        assert!(same_number("0912345678", "+84 912 345 678"));
        assert!(!same_number("0912345678", "0912345679"));
        assert!(!same_number("", ""));
    }
}
