//! The primary server of the zone: answers for its start of authority and for transfers to the resolvers that are configured, and refuses
//! everything else.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use domain::{
    base::{
        Message, MessageBuilder, Name, ToName, Ttl,
        iana::{Class, Opcode, Rcode, Rtype},
        message_builder::AdditionalBuilder,
    },
    rdata::{Soa, tsig::Time48},
    tsig::{Key, ServerSequence, ServerTransaction},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    time::timeout,
};

use super::{
    Shared,
    transfer::{Transfer, name, soa},
};

/// Transfers at once.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may be silent, and how long one message may take to be written.
const IDLE: Duration = Duration::from_secs(30);
/// Longest question in bytes.
const QUESTION_BYTES_MAX: usize = 4096;

/// What is answered.
pub(super) enum Answer {
    /// One message.
    One(Vec<u8>),
    /// A transfer, which only a stream can carry.
    Transfer(Box<Asked>),
    /// Nothing: it was no question.
    Nothing,
}

/// A transfer that was asked for.
pub(super) struct Asked {
    question: Message<Vec<u8>>,
    signing: Option<ServerSequence<Arc<Key>>>,
    /// The serial number that the resolver has.
    has: Option<u32>,
}

/// Listens and answers until the runtime ends.
pub(super) fn start(listen: SocketAddr, shared: &Arc<Shared>) -> io::Result<()> {
    let tcp = std::net::TcpListener::bind(listen)?;
    let udp = std::net::UdpSocket::bind(tcp.local_addr()?)?;
    tcp.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    tokio::spawn(serve_udp(UdpSocket::from_std(udp)?, Arc::clone(shared)));
    tokio::spawn(serve_tcp(TcpListener::from_std(tcp)?, Arc::clone(shared)));
    Ok(())
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let mut bytes = vec![0; QUESTION_BYTES_MAX];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut bytes).await else {
            continue;
        };
        if let Answer::One(answer) = answer_to(&bytes[..length], peer.ip(), false, &shared) {
            let _ = socket.send_to(&answer, peer).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors: a moment later some will have been given back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, peer.ip(), &shared).await {
                tracing::debug!(%peer, "a transfer ended early: {error}");
            }
            drop(place);
        });
    }
}

async fn converse(mut stream: TcpStream, peer: IpAddr, shared: &Shared) -> io::Result<()> {
    loop {
        let length = match timeout(IDLE, stream.read_u16()).await {
            Ok(Ok(length)) if usize::from(length) <= QUESTION_BYTES_MAX => usize::from(length),
            Ok(Ok(_) | Err(_)) | Err(_) => return Ok(()),
        };
        let mut question = vec![0; length];
        timeout(IDLE, stream.read_exact(&mut question)).await??;
        match answer_to(&question, peer, true, shared) {
            Answer::Nothing => return Ok(()),
            Answer::One(answer) => write(&mut stream, &framed(&answer)).await?,
            Answer::Transfer(asked) => {
                let Asked { question, signing, has } = *asked;
                let (apex, snapshot, differences) = {
                    let zone = shared.zone();
                    (
                        zone.apex().to_owned(),
                        zone.snapshot(),
                        has.and_then(|serial| zone.since(serial)),
                    )
                };
                let signed = (signing, time48(shared));
                let transfer = match differences {
                    Some(differences) => {
                        Transfer::differences(&question, &apex, (snapshot.serial, differences), signed)
                    }
                    None => Transfer::whole(&question, &apex, &snapshot, signed),
                };
                for message in transfer {
                    write(&mut stream, &message).await?;
                }
            }
        }
    }
}

async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    timeout(IDLE, stream.write_all(message)).await?
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("one answer has few records");
    [&length.to_be_bytes(), message].concat()
}

fn time48(shared: &Shared) -> Time48 {
    Time48::from_u64(u64::try_from((shared.clock)().as_second()).unwrap_or(0))
}

/// What a question is answered with. Any bytes may come.
pub(super) fn answer_to(bytes: &[u8], peer: IpAddr, over_stream: bool, shared: &Shared) -> Answer {
    let Ok(mut message) = Message::from_octets(bytes.to_vec()) else {
        return Answer::Nothing;
    };
    if message.header().qr() {
        return Answer::Nothing;
    }
    let now = time48(shared);
    let signing = match &shared.key {
        None => None,
        Some(key) => match ServerTransaction::<Arc<Key>>::request(key, &mut message, now) {
            Ok(signing) => signing,
            Err(error) => {
                let built = error.build_message(&message, MessageBuilder::new_vec());
                return built.map_or(Answer::Nothing, |built| Answer::One(built.finish()));
            }
        },
    };
    let known = |secondary: &&super::SecondaryConfig| {
        secondary.address.ip() == peer && (signing.is_some() || !secondary.signed)
    };
    let allowed = shared.secondaries.iter().find(known).is_some();
    let question = message
        .sole_question()
        .ok()
        .filter(|_| message.header().opcode() == Opcode::QUERY);
    let apex = name(shared.zone().apex());
    let asked = question.filter(|question| question.qclass() == Class::IN && question.qname().name_eq(&apex));
    let Some(asked) = asked.filter(|_| allowed) else {
        return refusal(&message, signing, now);
    };
    match asked.qtype() {
        Rtype::AXFR if over_stream => Answer::Transfer(Box::new(Asked {
            question: message,
            signing: signing.map(Into::into),
            has: None,
        })),
        Rtype::IXFR if over_stream => match serial_of(&message) {
            Some(has) if has == shared.zone().serial() => authority(&message, &apex, shared, (signing, now)),
            has => Answer::Transfer(Box::new(Asked {
                question: message,
                signing: signing.map(Into::into),
                has,
            })),
        },
        // Over UDP the start of authority alone says that a stream is needed (RFC 1995, 2).
        Rtype::SOA | Rtype::IXFR => authority(&message, &apex, shared, (signing, now)),
        _ => refusal(&message, signing, now),
    }
}

/// The serial number in the authority section of a question for differences.
fn serial_of(message: &Message<Vec<u8>>) -> Option<u32> {
    let records = message.authority().ok()?.limit_to::<Soa<domain::base::ParsedName<_>>>();
    let record = records.into_iter().next()?.ok()?;
    Some(record.data().serial().into_int())
}

type Signing = Option<ServerTransaction<Arc<Key>>>;

fn authority(
    question: &Message<Vec<u8>>,
    apex: &Name<Vec<u8>>,
    shared: &Shared,
    (signing, now): (Signing, Time48),
) -> Answer {
    let serial = shared.zone().serial();
    let built = MessageBuilder::new_vec()
        .start_answer(question, Rcode::NOERROR)
        .and_then(|mut answer| {
            answer.header_mut().set_aa(true);
            answer.push((apex, Class::IN, Ttl::from_secs(60), soa(&name("localhost"), serial)))?;
            Ok(answer.additional())
        });
    built.map_or(Answer::Nothing, |built| signed(built, signing, now))
}

fn refusal(question: &Message<Vec<u8>>, signing: Signing, now: Time48) -> Answer {
    let built = MessageBuilder::new_vec().start_answer(question, Rcode::REFUSED);
    built.map_or(Answer::Nothing, |built| signed(built.additional(), signing, now))
}

fn signed(mut built: AdditionalBuilder<Vec<u8>>, signing: Signing, now: Time48) -> Answer {
    match signing.map(|signing| signing.answer(&mut built, now)) {
        Some(Err(_)) => Answer::Nothing,
        Some(Ok(())) | None => Answer::One(built.finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::enforcement::{SecondaryConfig, rpz::zone::Zone};

    fn shared(folder: &std::path::Path) -> Shared {
        Shared {
            zone: Mutex::new(Zone::open(folder, "rpz.test", None).unwrap()),
            key: None,
            secondaries: vec![SecondaryConfig {
                address: "127.0.0.1:53".parse().unwrap(),
                signed: false,
                resolver: None,
            }],
            clock: Arc::new(|| "2026-11-25T10:00:00Z".parse().unwrap()),
        }
    }

    fn asked(qtype: Rtype) -> Vec<u8> {
        let mut question = MessageBuilder::new_vec().question();
        question.push((name("rpz.test"), qtype)).unwrap();
        question.finish()
    }

    #[test]
    fn a_stranger_is_refused_and_a_resolver_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let shared = shared(folder.path());
        let (friend, stranger) = ("127.0.0.1".parse().unwrap(), "192.0.2.9".parse().unwrap());
        let rcode = |answer: Answer| match answer {
            Answer::One(bytes) => Some(Message::from_octets(bytes).unwrap().header().rcode()),
            Answer::Transfer(_) | Answer::Nothing => None,
        };
        assert_eq!(
            rcode(answer_to(&asked(Rtype::SOA), friend, false, &shared)),
            Some(Rcode::NOERROR)
        );
        assert_eq!(
            rcode(answer_to(&asked(Rtype::SOA), stranger, false, &shared)),
            Some(Rcode::REFUSED)
        );
        assert_eq!(
            rcode(answer_to(&asked(Rtype::A), friend, false, &shared)),
            Some(Rcode::REFUSED)
        );
        assert!(matches!(
            answer_to(&asked(Rtype::AXFR), friend, true, &shared),
            Answer::Transfer(_)
        ));
        assert_eq!(
            rcode(answer_to(&asked(Rtype::AXFR), stranger, true, &shared)),
            Some(Rcode::REFUSED)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), kept in 0_usize..40, stream: bool) {
            let folder = tempfile::tempdir().unwrap();
            let shared = shared(folder.path());
            let friend = "127.0.0.1".parse().unwrap();
            let _ = answer_to(&bytes, friend, stream, &shared);
            let question = asked(Rtype::IXFR);
            bytes.splice(..0, question[..kept.min(question.len())].iter().copied());
            let _ = answer_to(&bytes, friend, stream, &shared);
        }
    }
}
