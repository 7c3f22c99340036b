//! Notices (RFC 1996): each resolver is told at once that the zone has a new serial number, and again until it answers.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    base::{
        Message, MessageBuilder, Ttl,
        iana::{Class, Opcode, Rtype},
    },
    rdata::tsig::Time48,
    tsig::ClientTransaction,
};
use tokio::{net::UdpSocket, time::timeout};

use super::{
    SecondaryConfig, Shared,
    transfer::{name, soa},
};

/// How often a resolver is told, and how long it is waited for the first time; the wait doubles.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Tells all resolvers.
pub(super) async fn all(shared: Arc<Shared>) {
    let telling = shared.secondaries.iter().map(|secondary| tell(&shared, secondary));
    futures_util::future::join_all(telling).await;
}

async fn tell(shared: &Shared, secondary: &SecondaryConfig) {
    let mut wait = FIRST_WAIT;
    for _ in 0..ATTEMPTS {
        match once(shared, secondary, wait).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::debug!(secondary = %secondary.address, "a notice was not sent: {error}"),
        }
        wait *= 2;
    }
    tracing::warn!(secondary = %secondary.address, "the resolver does not answer notices; it follows when it looks by itself");
}

async fn once(shared: &Shared, secondary: &SecondaryConfig, wait: Duration) -> std::io::Result<bool> {
    let here = if secondary.address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(here.parse::<SocketAddr>().expect("these are addresses")).await?;
    socket.connect(secondary.address).await?;
    let (notice, signing) = compose(shared, secondary);
    socket.send(&notice).await?;
    let mut bytes = vec![0; 4096];
    let Ok(received) = timeout(wait, socket.recv(&mut bytes)).await else {
        return Ok(false);
    };
    bytes.truncate(received?);
    let Ok(mut answer) = Message::from_octets(bytes) else {
        return Ok(false);
    };
    let meant = answer.header().qr() && answer.header().id() == u16::from_be_bytes([notice[0], notice[1]]);
    let believed = signing.is_none_or(|signing| signing.answer(&mut answer, now(shared)).is_ok());
    Ok(meant && believed)
}

fn compose(
    shared: &Shared,
    secondary: &SecondaryConfig,
) -> (Vec<u8>, Option<ClientTransaction<Arc<domain::tsig::Key>>>) {
    let (apex, serial) = {
        let zone = shared.zone();
        (name(zone.apex()), zone.serial())
    };
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_random_id();
    builder.header_mut().set_opcode(Opcode::NOTIFY);
    builder.header_mut().set_aa(true);
    let mut question = builder.question();
    question.push((&apex, Rtype::SOA)).expect("one question fits");
    let mut answer = question.answer();
    let authority = (&apex, Class::IN, Ttl::from_secs(60), soa(&name("localhost"), serial));
    answer.push(authority).expect("one record fits");
    let mut whole = answer.additional();
    let signing =
        shared.key.as_ref().filter(|_| secondary.signed).map(|key| {
            ClientTransaction::request(Arc::clone(key), &mut whole, now(shared)).expect("one signature fits")
        });
    (whole.finish(), signing)
}

fn now(shared: &Shared) -> Time48 {
    Time48::from_u64(u64::try_from((shared.clock)().as_second()).unwrap_or(0))
}
