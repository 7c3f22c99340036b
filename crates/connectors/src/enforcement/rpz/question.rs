//! Asks resolvers for names, to see whether they are blocked.

use std::{net::SocketAddr, time::Duration};

use domain::base::{
    Message, MessageBuilder, Name,
    iana::{Rcode, Rtype},
};
use tokio::{net::UdpSocket, time::timeout};

use super::super::{Seen, Wanted};
use crate::channels::DeliveryError;

/// Asks each resolver for each name.
pub(super) async fn ask_all(
    resolvers: &[SocketAddr],
    names: &[String],
    wanted: Wanted,
    wait: Duration,
) -> Result<Seen, DeliveryError> {
    let mut silent = Vec::new();
    let mut other = Vec::new();
    for resolver in resolvers {
        for name in names {
            match ask(*resolver, name, wait).await {
                None => {
                    silent.push(resolver.to_string());
                    break;
                }
                Some(rcode) if (rcode == Rcode::NXDOMAIN) != (wanted == Wanted::InForce) => {
                    other.push(format!("{resolver} answers {rcode} for {name}"));
                    break;
                }
                Some(_) => {}
            }
        }
    }
    let (vi, en) = if wanted == Wanted::InForce {
        ("không tồn tại", "do not exist")
    } else {
        ("phân giải trở lại", "resolve again")
    };
    Ok(if let Some(first) = other.first() {
        // A name that still does not exist may never have existed: that is not known, and no failure.
        let holds = if wanted == Wanted::InForce { Some(false) } else { None };
        Seen {
            holds,
            text: first.clone(),
        }
    } else if silent.is_empty() {
        let text = format!(
            "đã hỏi {asked} máy phân giải về {all} tên: {vi} / {asked} resolvers were asked for {all} names, which {en}",
            asked = resolvers.len(),
            all = names.len()
        );
        Seen {
            holds: Some(true),
            text,
        }
    } else {
        Seen {
            holds: None,
            text: {
                let who = silent.join(", ");
                format!("{who} không trả lời / no answer from {who}")
            },
        }
    })
}

async fn ask(resolver: SocketAddr, name: &str, wait: Duration) -> Option<Rcode> {
    let name: Name<Vec<u8>> = name.parse().ok()?;
    let here: SocketAddr = if resolver.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().ok()?;
    let socket = UdpSocket::bind(here).await.ok()?;
    socket.connect(resolver).await.ok()?;
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_random_id();
    builder.header_mut().set_rd(true);
    let mut question = builder.question();
    question.push((&name, Rtype::A)).ok()?;
    let asked = question.finish();
    socket.send(&asked).await.ok()?;
    let mut bytes = vec![0; 4096];
    let length = timeout(wait, socket.recv(&mut bytes)).await.ok()?.ok()?;
    bytes.truncate(length);
    let answer = Message::from_octets(bytes).ok()?;
    (answer.header().qr() && answer.header().id() == u16::from_be_bytes([asked[0], asked[1]]))
        .then(|| answer.header().rcode())
}
