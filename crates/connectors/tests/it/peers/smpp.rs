//! An SMSC that does as it is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_util::{SinkExt, StreamExt};
use rusmpp::{
    Command, CommandStatus, Pdu,
    pdus::{BindTransceiverResp, SubmitSm, SubmitSmResp},
    tokio_codec::CommandCodec,
    types::COctetString,
    values::DataCoding,
};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use super::{Behaviour, Peer, Seen};

/// Parts of messages by the reference that joins them.
type Parts = Arc<Mutex<BTreeMap<u8, BTreeMap<u8, Vec<u8>>>>>;

pub(crate) async fn start() -> Peer {
    Peer::serving(serve).await
}

async fn serve(stream: TcpStream, peer: Peer) {
    let mut wire = Framed::new(stream, CommandCodec::new());
    let parts = Parts::default();
    let mut count = 0;
    while let Some(Ok(command)) = wire.next().await {
        let (status, answer): (_, Pdu) = match command.pdu() {
            Some(Pdu::BindTransceiver(_)) => (CommandStatus::EsmeRok, BindTransceiverResp::default().into()),
            Some(Pdu::EnquireLink) => (CommandStatus::EsmeRok, Pdu::EnquireLinkResp),
            Some(Pdu::SubmitSm(submitted)) => {
                let status = match peer.behaviour() {
                    Behaviour::Accept => {
                        take(&peer, &parts, submitted);
                        CommandStatus::EsmeRok
                    }
                    Behaviour::Hang => continue,
                    Behaviour::Drop => return,
                    Behaviour::Refuse => CommandStatus::EsmeRinvdstadr,
                    Behaviour::Busy => CommandStatus::EsmeRsyserr,
                    Behaviour::Throttle => CommandStatus::EsmeRthrottled,
                };
                count += 1;
                let id: COctetString<1, 65> = format!("id-{count}").parse().unwrap();
                (status, SubmitSmResp::new(id, Vec::new()).into())
            }
            _ => continue,
        };
        let answer = Command::new(status, command.sequence_number(), answer);
        if wire.send(answer).await.is_err() {
            return;
        }
    }
}

fn take(peer: &Peer, parts: &Parts, submitted: &SubmitSm) {
    let body = submitted.short_message().as_ref().to_vec();
    let whole = if u8::from(submitted.esm_class) & 0x40 == 0 {
        body
    } else {
        let (reference, total, number) = (body[3], body[4], body[5]);
        let mut parts = parts.lock().unwrap();
        let known = parts.entry(reference).or_default();
        known.insert(number, body[6..].to_vec());
        if known.len() < usize::from(total) {
            return;
        }
        parts.remove(&reference).unwrap().into_values().flatten().collect()
    };
    let text = if submitted.data_coding == DataCoding::Ucs2 {
        let units: Vec<u16> = whole
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).unwrap()
    } else {
        String::from_utf8(whole).unwrap()
    };
    peer.see(Seen {
        // An SMSC knows a repeat by nothing: it must not come at all.
        id: peer.seen().len().to_string(),
        text: Some(text),
    });
}
