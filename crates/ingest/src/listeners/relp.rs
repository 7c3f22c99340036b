//! RELP, with and without TLS: each message is acknowledged once the journal holds it, and what is not acknowledged the sender sends
//! again. A full journal stops the answers and the reading, which is the push-back.

use std::{net::IpAddr, sync::Arc};

use model::Transport;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use super::syslog_tcp::{READ_BYTES_MIN, SyslogStreams, entry};
use crate::{
    framing::Frame,
    receiving::Sender,
    relp::{Command, DONE, Nonsense, OFFERS, Request, Requests, SERVER_CLOSES, answer},
};

/// Messages handed over at once; a sender has at most 128 without an answer, as librelp comes.
const BATCH_MESSAGES_MAX: usize = 1024;

/// Accepts connections until the end is wished for.
pub(crate) async fn run(listener: Arc<TcpListener>, streams: SyslogStreams, tls: Option<TlsAcceptor>) {
    let mut stop = streams.stop.clone();
    loop {
        let accepting = streams
            .connections
            .accept(&listener, &streams.receiving, Transport::Relp, &mut stop);
        let Some((stream, peer, admission)) = accepting.await else {
            return;
        };
        let (streams, tls) = (streams.clone(), tls.clone());
        tokio::spawn(async move {
            let _admission = admission;
            match tls {
                None => serve(stream, peer.ip(), streams).await,
                Some(tls) => {
                    if let Some(stream) = streams.shake_hands(stream, peer, (Transport::Relp, &tls)).await {
                        serve(stream, peer.ip(), streams).await;
                    }
                }
            }
        });
    }
}

/// What became of the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// They end no request.
    Nothing,
    /// They end some, which are answered.
    Some,
    /// The session ends with them.
    Last,
}

/// Ends when the sender closes, is too slow within a message, or sends what is no RELP; and when the end is wished for.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, peer: IpAddr, mut streams: SyslogStreams) {
    let sender = streams.senders.sender(&streams.receiving, Transport::Relp, peer);
    let mut requests = Requests::new(streams.senders.message_bytes_max);
    let mut begun: Option<Instant> = None;
    let mut stop = streams.stop.clone();
    loop {
        requests.buffer().reserve(READ_BYTES_MIN);
        let patience = begun.map(|begun| begun + streams.patience());
        let read = tokio::select! {
            read = stream.read_buf(requests.buffer()) => read,
            () = until(patience) => {
                tracing::info!(%peer, "a RELP message did not end in time");
                break;
            }
            () = stop.requested() => break,
        };
        if !matches!(read, Ok(bytes) if bytes > 0) {
            // What is unfinished was not acknowledged: the sender has it still.
            return;
        }
        let answered = answer_all(&mut stream, &mut requests, &sender, &mut streams).await;
        if matches!(answered, None | Some(Answered::Last)) {
            break;
        }
        begun = match (requests.is_inside(), answered) {
            (false, _) => None,
            (true, Some(Answered::Nothing)) => begun.or_else(|| Some(Instant::now())),
            (true, _) => Some(Instant::now()),
        };
    }
    // A peer that is gone does not hear it.
    let _ = stream.write_all(SERVER_CLOSES).await;
    let _ = stream.shutdown().await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Keeps and answers what has arrived whole. Nothing when the sender is gone or the end is wished for.
async fn answer_all(
    stream: &mut (impl AsyncWrite + Unpin),
    requests: &mut Requests,
    sender: &Sender,
    streams: &mut SyslogStreams,
) -> Option<Answered> {
    let mut answered = Answered::Nothing;
    loop {
        let mut waiting = Waiting::default();
        let reached = waiting.take_from(requests);
        let now = streams.receiving.now();
        let mut entries: Vec<_> = waiting
            .messages
            .into_iter()
            .map(|frame| entry(sender, now, frame))
            .collect();
        let over = match reached {
            Reached::End | Reached::Limit => false,
            Reached::Close => true,
            Reached::Nonsense(Nonsense(ref refusal)) => {
                entries.push(sender.rejection(now, refusal.clone()));
                true
            }
        };
        if !entries.is_empty() && !streams.keep(Transport::Relp, entries).await {
            return None;
        }
        if !waiting.answers.is_empty() {
            answered = Answered::Some;
            stream.write_all(&waiting.answers).await.ok()?;
        }
        if over {
            return Some(Answered::Last);
        }
        if matches!(reached, Reached::End) {
            return Some(answered);
        }
    }
}

/// Messages to be kept, and the answers to them and to what came between them.
#[derive(Default)]
struct Waiting {
    messages: Vec<Frame>,
    answers: Vec<u8>,
}

/// Why no more was taken.
enum Reached {
    End,
    Limit,
    Close,
    Nonsense(Nonsense),
}

impl Waiting {
    fn take_from(&mut self, requests: &mut Requests) -> Reached {
        while self.messages.len() < BATCH_MESSAGES_MAX {
            let Request { transaction, command } = match requests.next() {
                Ok(Some(request)) => request,
                Ok(None) => return Reached::End,
                Err(nonsense) => return Reached::Nonsense(nonsense),
            };
            match command {
                Command::Open => answer(transaction, OFFERS, &mut self.answers),
                Command::Syslog(frame) => {
                    self.messages.push(frame);
                    answer(transaction, DONE, &mut self.answers);
                }
                Command::Close => {
                    answer(transaction, DONE, &mut self.answers);
                    return Reached::Close;
                }
                Command::Unknown(name) => answer(transaction, &format!("500 no command {name}"), &mut self.answers),
            }
        }
        Reached::Limit
    }
}
