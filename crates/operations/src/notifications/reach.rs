//! How people can be reached: addresses are proven by a code that their owner reads there, and tested silently every week.

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{
    AddressState, Change, ContactAddress, ContactCard, Decision, Delivery, Effect, Id, Permission, Phrase, Rejected,
    Timestamp, User,
};

use super::{Sent, token::digest};
use crate::Step;

/// How long a code can be typed in.
pub const CODE_MINUTES: i64 = 30;
/// Wrong codes before a new one must be asked for.
pub const WRONG_CODES_MAX: u8 = 5;
/// How often a proven address is tested silently.
pub const TEST_DAYS: i64 = 7;
/// Whoever was reached within so many days on two channels counts as reached: a week between two tests, and a day for the answer.
pub const REACHED_DAYS: i64 = TEST_DAYS + 1;
/// Longest skill in bytes, and how many a person may have.
const SKILL_BYTES_MAX: usize = 60;
const SKILLS_MAX: usize = 50;
/// Longest kept reason in bytes.
const REASON_BYTES_MAX: usize = 200;

const NOBODY: Phrase = Phrase::new(
    "không có địa chỉ nào đã xác nhận để gửi thử",
    "there is no proven address to send a test to",
);
const CHANNEL: Phrase = Phrase::new("không có kênh này trong cấu hình", "is no channel of the configuration");
const ADDRESS: Phrase = Phrase::new("cần địa chỉ", "is needed");
const FULL: Phrase = Phrase::new("đã đủ số địa chỉ", "there are as many addresses as can be");
const NO_SUCH: Phrase = Phrase::new("không có địa chỉ này", "there is no such address");
const NOT_ASKED: Phrase = Phrase::new(
    "mã đã hết hạn hoặc chưa gửi mã nào; hãy gửi mã mới",
    "the code is over or none was sent; send a new one",
);
const WRONG: Phrase = Phrase::new("mã không đúng", "is not the code that was sent");

/// An address to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The channel by its name.
    pub channel: String,
    /// The address there.
    pub to: String,
}

/// Adds an address behind the others of one's own card. `channels` are those of the configuration.
///
/// # Errors
/// When there is no such channel, the address is empty, or there are too many.
pub fn add_address(card: &ContactCard, draft: Draft, channels: &[&str], step: Step<'_>) -> Result<Decision, Rejected> {
    own(card, step)?;
    let Draft { channel, to } = draft;
    let to = to.trim().to_owned();
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    if !channels.contains(&channel.as_str()) {
        return invalid("channel", CHANNEL);
    }
    if to.is_empty() || to.len() > ContactCard::ADDRESS_BYTES_MAX {
        return invalid("to", ADDRESS);
    }
    if card.addresses.len() >= ContactCard::ADDRESSES_MAX {
        return invalid("to", FULL);
    }
    if card
        .addresses
        .iter()
        .any(|known| known.channel == channel && known.to == to)
    {
        return Err(Rejected::AlreadySo);
    }
    let mut changed = next(card);
    changed.addresses.push(ContactAddress {
        channel,
        to,
        state: AddressState::New,
    });
    Ok(step.decides("contact.add", None, vec![Change::put(&changed)]))
}

/// Drops an address of one's own card.
///
/// # Errors
/// When there is none at that place.
pub fn drop_address(card: &ContactCard, place: usize, step: Step<'_>) -> Result<Decision, Rejected> {
    own(card, step)?;
    at(card, place)?;
    let mut changed = next(card);
    changed.addresses.remove(place);
    Ok(step.decides("contact.drop", None, vec![Change::put(&changed)]))
}

/// Puts an address first: it is paged before the others.
///
/// # Errors
/// When there is none at that place.
pub fn prefer(card: &ContactCard, place: usize, step: Step<'_>) -> Result<Decision, Rejected> {
    own(card, step)?;
    at(card, place)?;
    let mut changed = next(card);
    let address = changed.addresses.remove(place);
    changed.addresses.insert(0, address);
    Ok(step.decides("contact.prefer", None, vec![Change::put(&changed)]))
}

/// Sends a test page with a code; whoever types the code in has shown that messages arrive there.
///
/// # Errors
/// When there is none at that place.
pub fn ask_for_proof(card: &ContactCard, place: usize, code: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    own(card, step)?;
    let address = at(card, place)?;
    let mut changed = next(card);
    changed.addresses[place].state = AddressState::Asked {
        at: step.at,
        digest: digest(code),
        wrong: 0,
    };
    let mut decision = step.decides("contact.test", None, vec![Change::put(&changed)]);
    decision.effects.push(Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: address.channel.clone(),
            to: address.to.clone(),
            subject: format!("Watchpost: mã {code}"),
            text: format!(
                "Mã xác nhận kênh này là {code}, dùng trong {CODE_MINUTES} phút. The code that proves this channel is {code}, for {CODE_MINUTES} minutes."
            ),
            link: Some("/duty/me".to_owned()),
            urgent: false,
            about: None,
        }),
    });
    Ok(decision)
}

/// Takes the code that was read there.
///
/// # Errors
/// When it is wrong (the decision that counts it comes beside), too late, or was never sent.
pub fn prove(card: &ContactCard, place: usize, code: &str, step: Step<'_>) -> Result<(Decision, bool), Rejected> {
    own(card, step)?;
    let AddressState::Asked {
        at,
        digest: expected,
        wrong,
    } = &self::at(card, place)?.state
    else {
        return Err(Rejected::NotNow(NOT_ASKED));
    };
    let until = super::later(*at, SignedDuration::from_mins(CODE_MINUTES));
    if step.at > until || *wrong >= WRONG_CODES_MAX {
        return Err(Rejected::NotNow(NOT_ASKED));
    }
    let mut changed = next(card);
    let right = digest(code.trim()) == *expected;
    changed.addresses[place].state = if right {
        AddressState::Proven {
            at: step.at,
            reached_at: step.at,
            tested_at: step.at,
        }
    } else {
        AddressState::Asked {
            at: *at,
            digest: expected.clone(),
            wrong: wrong + 1,
        }
    };
    let action = if right { "contact.prove" } else { "contact.wrong_code" };
    Ok((step.decides(action, None, vec![Change::put(&changed)]), right))
}

/// The words for a code that was wrong.
#[must_use]
pub fn wrong_code() -> Rejected {
    Rejected::Invalid {
        field: "code",
        problem: WRONG,
    }
}

/// Makes a calendar feed in place of the one before, or ends it; `digest` is that of its token.
///
/// # Errors
/// When it is somebody else's card.
pub fn put_feed(card: &ContactCard, digest: Option<String>, step: Step<'_>) -> Result<Decision, Rejected> {
    own(card, step)?;
    let mut changed = next(card);
    changed.feed = digest;
    let action = if changed.feed.is_some() {
        "calendar.share"
    } else {
        "calendar.revoke"
    };
    Ok(step.decides(action, None, vec![Change::put(&changed)]))
}

/// Says what a person can do.
///
/// # Errors
/// When the role does not allow it.
pub fn put_skills(card: &ContactCard, skills: Vec<CompactString>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteDuty)?;
    let mut changed = next(card);
    changed.skills = skills;
    changed
        .skills
        .retain(|skill| !skill.is_empty() && skill.len() <= SKILL_BYTES_MAX);
    changed.skills.truncate(SKILLS_MAX);
    changed.skills.sort_unstable();
    changed.skills.dedup();
    Ok(step.decides("contact.skills", None, vec![Change::put(&changed)]))
}

/// The silent tests that are due: for each card its changed form and what is to be sent. Nobody is to be woken by them.
#[must_use]
pub fn silent_tests(cards: &[ContactCard], now: Timestamp) -> Vec<(ContactCard, Vec<Delivery>)> {
    let mut due = Vec::new();
    for card in cards {
        let mut changed = next(card);
        let mut deliveries = Vec::new();
        for address in &mut changed.addresses {
            let AddressState::Proven { tested_at, .. } = &mut address.state else {
                continue;
            };
            if now.duration_since(*tested_at) < SignedDuration::from_hours(24 * TEST_DAYS) {
                continue;
            }
            *tested_at = now;
            deliveries.push(Delivery {
                channel: address.channel.clone(),
                to: address.to.clone(),
                subject: "Watchpost: kiểm tra liên lạc / reachability test".to_owned(),
                text: "Kiểm tra hằng tuần, không cần làm gì. A weekly test; nothing needs to be done.".to_owned(),
                link: None,
                urgent: false,
                about: Some(format!("contact_card:{}", card.person)),
            });
        }
        if !deliveries.is_empty() {
            due.push((changed, deliveries));
        }
    }
    due
}

/// Whether messages were accepted lately for two different channels of a person.
#[must_use]
pub fn reached_lately(card: &ContactCard, now: Timestamp) -> bool {
    let lately = SignedDuration::from_hours(24 * REACHED_DAYS);
    let mut channels: Vec<&str> = card
        .addresses
        .iter()
        .filter(|address| match address.state {
            AddressState::Proven { reached_at, .. } => now.duration_since(reached_at) <= lately,
            AddressState::New | AddressState::Asked { .. } | AddressState::Failed { .. } => false,
        })
        .map(|address| address.channel.as_str())
        .collect();
    channels.sort_unstable();
    channels.dedup();
    channels.len() >= ContactCard::PROVEN_MIN
}

/// Sends a test page to every proven address of people who will be on duty in a watch of a name. What the channels say of it
/// is noted as with every message.
///
/// # Errors
/// When nobody has a proven address, or the role does not allow it.
pub fn test_pages(cards: &[ContactCard], watch: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    let mut decision = step.decides("contact.test_pages", None, Vec::new());
    for card in cards {
        let mut changed = next(card);
        for address in &mut changed.addresses {
            let AddressState::Proven { tested_at, .. } = &mut address.state else {
                continue;
            };
            *tested_at = step.at;
            decision.effects.push(Effect::Deliver {
                delivery: Box::new(Delivery {
                    channel: address.channel.clone(),
                    to: address.to.clone(),
                    subject: format!("Watchpost: tin thử trước đợt trực / test before a watch: {watch}"),
                    text: "Bạn có tên trong lịch trực. Đây là tin thử, không cần làm gì. You are on the roster; this is a test and nothing needs to be done.".to_owned(),
                    link: Some("/duty/me".to_owned()),
                    urgent: true,
                    about: Some(format!("contact_card:{}", card.person)),
                }),
            });
        }
        if changed.addresses.iter().any(ContactAddress::is_proven) {
            decision.changes.push(Change::put(&changed));
        }
    }
    if decision.effects.is_empty() {
        return Err(Rejected::NotNow(NOBODY));
    }
    Ok(decision)
}

/// Notes what a channel said about an address; none when it is not on the card or nothing changes. An address that failed
/// must be proven again.
#[must_use]
pub fn noted_outcome(
    card: &ContactCard,
    (channel, to): (&str, &str),
    sent: &Sent,
    now: Timestamp,
) -> Option<ContactCard> {
    let mut changed = next(card);
    let is_it = |address: &&mut ContactAddress| address.channel == channel && address.to == to;
    let address = changed.addresses.iter_mut().find(is_it)?;
    let AddressState::Proven { reached_at, .. } = &mut address.state else {
        return None;
    };
    match sent {
        Sent::Accepted => *reached_at = now,
        Sent::Failed { reason } => {
            address.state = AddressState::Failed {
                at: now,
                reason: reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned(),
            };
        }
    }
    Some(changed)
}

fn next(card: &ContactCard) -> ContactCard {
    ContactCard {
        revision: card.revision + 1,
        ..card.clone()
    }
}

fn at(card: &ContactCard, place: usize) -> Result<&ContactAddress, Rejected> {
    card.addresses.get(place).ok_or(Rejected::NotNow(NO_SUCH))
}

/// Refuses everybody but the card's owner.
fn own(card: &ContactCard, step: Step<'_>) -> Result<Id<User>, Rejected> {
    step.needs(Permission::OwnAccount)?;
    let person = step.person()?;
    if person == card.person {
        Ok(person)
    } else {
        Err(Rejected::NotAllowed)
    }
}
