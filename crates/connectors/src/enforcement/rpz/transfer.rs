//! Zone transfers as messages: whole (AXFR, RFC 5936) or by differences (IXFR, RFC 1995), each message signed when the question was.

use std::{sync::Arc, vec};

use domain::{
    base::{
        Message, MessageBuilder, Name, Serial, StreamTarget, Ttl,
        iana::{Class, Rcode},
        message_builder::{AdditionalBuilder, AnswerBuilder, PushError},
    },
    rdata::{Cname, Ns, Soa, tsig::Time48},
    tsig::{Key, ServerSequence},
};

use super::zone::{Difference, Snapshot};

/// A message is closed when it has this many bytes: room is left for one more record and a signature.
const MESSAGE_BYTES: usize = 60_000;
/// How long resolvers may keep records, and how often they look by themselves, in seconds.
const TTL_SECONDS: u32 = 60;
const EXPIRE_SECONDS: u32 = 604_800;
const RETRY_SECONDS: u32 = 30;

pub(super) type Builder = AnswerBuilder<StreamTarget<Vec<u8>>>;
type Owner = Name<Vec<u8>>;

/// One record of a transfer.
enum Item {
    Soa(u32),
    Ns,
    Blocked(String),
    BelowBlocked(String),
}

/// A transfer: its messages, one after the other, each with its length before it.
pub(super) struct Transfer<'a> {
    question: &'a Message<Vec<u8>>,
    apex: Owner,
    nameserver: Owner,
    signing: Option<ServerSequence<Arc<Key>>>,
    now: Time48,
    items: Box<dyn Iterator<Item = Item> + Send + 'a>,
    waiting: Option<Item>,
}

impl<'a> Transfer<'a> {
    /// The whole zone.
    pub(super) fn whole(
        question: &'a Message<Vec<u8>>,
        apex: &str,
        zone: &Snapshot,
        signed: (Option<ServerSequence<Arc<Key>>>, Time48),
    ) -> Self {
        let names: Vec<String> = zone.names.iter().cloned().collect();
        let items = [Item::Soa(zone.serial), Item::Ns]
            .into_iter()
            .chain(names.into_iter().flat_map(both))
            .chain([Item::Soa(zone.serial)]);
        Self::of(question, apex, Box::new(items), signed)
    }

    /// What changed.
    pub(super) fn differences(
        question: &'a Message<Vec<u8>>,
        apex: &str,
        (serial, differences): (u32, Vec<Arc<Difference>>),
        signed: (Option<ServerSequence<Arc<Key>>>, Time48),
    ) -> Self {
        let steps = differences.into_iter().flat_map(|difference| {
            let removed: Vec<Item> = difference.removed.iter().cloned().flat_map(both).collect();
            let added: Vec<Item> = difference.added.iter().cloned().flat_map(both).collect();
            [Item::Soa(difference.from)]
                .into_iter()
                .chain(removed)
                .chain([Item::Soa(difference.to)])
                .chain(added)
                .collect::<Vec<_>>()
        });
        let items = [Item::Soa(serial)].into_iter().chain(steps).chain([Item::Soa(serial)]);
        Self::of(question, apex, Box::new(items), signed)
    }

    fn of(
        question: &'a Message<Vec<u8>>,
        apex: &str,
        items: Box<dyn Iterator<Item = Item> + Send + 'a>,
        (signing, now): (Option<ServerSequence<Arc<Key>>>, Time48),
    ) -> Self {
        Self {
            question,
            apex: name(apex),
            nameserver: name("localhost"),
            signing,
            now,
            items,
            waiting: None,
        }
    }

    fn message(&mut self) -> Result<Option<Vec<u8>>, PushError> {
        let Some(mut item) = self.waiting.take().or_else(|| self.items.next()) else {
            return Ok(None);
        };
        let mut answer = MessageBuilder::new_stream_vec().start_answer(self.question, Rcode::NOERROR)?;
        answer.header_mut().set_aa(true);
        loop {
            self.push(&mut answer, &item)?;
            if answer.as_target().as_dgram_slice().len() >= MESSAGE_BYTES {
                break;
            }
            match self.items.next() {
                Some(next) => item = next,
                None => break,
            }
        }
        let mut whole: AdditionalBuilder<StreamTarget<Vec<u8>>> = answer.additional();
        if let Some(signing) = &mut self.signing {
            signing.answer(&mut whole, self.now)?;
        }
        Ok(Some(whole.finish().into_target()))
    }

    fn push(&self, answer: &mut Builder, item: &Item) -> Result<(), PushError> {
        let ttl = Ttl::from_secs(TTL_SECONDS);
        match item {
            Item::Soa(serial) => answer.push((&self.apex, Class::IN, ttl, soa(&self.nameserver, *serial))),
            Item::Ns => answer.push((&self.apex, Class::IN, ttl, Ns::new(&self.nameserver))),
            Item::Blocked(blocked) => answer.push((
                name(&format!("{blocked}.{}", self.apex)),
                Class::IN,
                ttl,
                Cname::new(Owner::root_vec()),
            )),
            Item::BelowBlocked(blocked) => answer.push((
                name(&format!("*.{blocked}.{}", self.apex)),
                Class::IN,
                ttl,
                Cname::new(Owner::root_vec()),
            )),
        }
    }
}

impl Iterator for Transfer<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.message()
            .expect("a message has room for the record that is pushed: it is closed long before 65,535 bytes")
    }
}

fn both(blocked: String) -> vec::IntoIter<Item> {
    vec![Item::Blocked(blocked.clone()), Item::BelowBlocked(blocked)].into_iter()
}

/// The start of authority of the zone with a serial number.
pub(super) fn soa(nameserver: &Owner, serial: u32) -> Soa<Owner> {
    let seconds = Ttl::from_secs;
    Soa::new(
        nameserver.clone(),
        name("hostmaster.localhost"),
        Serial(serial),
        seconds(TTL_SECONDS),
        seconds(RETRY_SECONDS),
        seconds(EXPIRE_SECONDS),
        seconds(TTL_SECONDS),
    )
}

/// A name that was checked when it came into the zone.
pub(super) fn name(text: &str) -> Owner {
    text.parse().expect("names are checked before they are in the zone")
}
