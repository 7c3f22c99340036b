//! Syslog over TCP in both framings of RFC 6587, and the same inside TLS (RFC 5425). A full journal stops the reading, which
//! fills the sender's window: that is the push-back.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use model::{FormatHint, JournalEntry, SourceId, Transport};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    Receiving, Stop, SyslogConfig,
    counters::listener_name,
    framing::{Frame, Framer},
    receiving::Sender,
};

use super::connections::Connections;

/// Bytes asked of a connection at once: few at first, many once it has shown that it sends many.
pub(super) const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 128 * 1024;

/// Records handed over at once: a read may hold tens of thousands of tiny ones.
const BATCH_RECORDS_MAX: usize = 4096;

/// How senders are named, and what a message may be.
#[derive(Debug, Clone)]
pub(crate) struct SyslogSenders {
    config: Arc<SyslogConfig>,
    pub(crate) message_bytes_max: usize,
}

impl SyslogSenders {
    pub(crate) fn new(config: &SyslogConfig) -> Self {
        Self {
            message_bytes_max: config.message_bytes_max,
            config: Arc::new(config.clone()),
        }
    }

    /// The sender at an address: as configured, or named after the address.
    pub(crate) fn sender(&self, receiving: &Receiving, transport: Transport, peer: IpAddr) -> Sender {
        let peer = peer.to_canonical();
        let Some(known) = self.config.senders.get(&peer) else {
            return Sender::of_peer(receiving.names.syslog(peer), transport, peer);
        };
        let format = known.format.clone().map_or(FormatHint::Unknown, FormatHint::Named);
        Sender::of_peer(SourceId::new(&known.name), transport, peer).with_format(format)
    }
}

/// What the listeners for TCP and TLS share.
#[derive(Clone)]
pub(crate) struct SyslogStreams {
    pub(crate) receiving: Arc<Receiving>,
    pub(crate) senders: SyslogSenders,
    pub(crate) connections: Arc<Connections>,
    pub(crate) stop: Stop,
}

impl SyslogStreams {
    pub(crate) fn new(receiving: Arc<Receiving>, config: &SyslogConfig, stop: Stop) -> Self {
        Self {
            receiving,
            senders: SyslogSenders::new(config),
            connections: Connections::new(config.connections_max, config.connections_per_peer_max),
            stop,
        }
    }

    /// A connection inside TLS; one that cannot be made is counted and named.
    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        (transport, tls): (Transport, &TlsAcceptor),
    ) -> Option<TlsStream<TcpStream>> {
        let detail = match tokio::time::timeout(self.patience(), tls.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the handshake took too long".to_owned(),
        };
        self.receiving
            .counters
            .listener(transport, |counts| counts.connections_refused += 1);
        tracing::warn!(%peer, listener = listener_name(transport), detail, "a TLS connection could not be made");
        None
    }

    /// Keeps what a sender was not told yet to be kept; false when the end is wished for before that.
    pub(super) async fn keep(&mut self, transport: Transport, entries: Vec<JournalEntry>) -> bool {
        let records = entries.len();
        let kept = self.receiving.keep_patiently(transport, entries, &mut self.stop).await;
        if let Err(refused) = &kept {
            tracing::error!(records, %refused, "messages were received but could not be kept before the end");
        }
        kept.is_ok()
    }

    /// How long a message, or a TLS handshake, may take.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.senders.config.message_seconds_max)
    }
}

/// Accepts connections until the end is wished for; with `tls` they are RFC 5425's.
pub(crate) async fn run(listener: Arc<TcpListener>, streams: SyslogStreams, tls: Option<TlsAcceptor>) {
    let transport = if tls.is_some() {
        Transport::SyslogTls
    } else {
        Transport::SyslogTcp
    };
    let mut stop = streams.stop.clone();
    loop {
        let accepting = streams
            .connections
            .accept(&listener, &streams.receiving, transport, &mut stop);
        let Some((stream, peer, admission)) = accepting.await else {
            return;
        };
        let (streams, tls) = (streams.clone(), tls.clone());
        tokio::spawn(async move {
            let _admission = admission;
            match tls {
                Some(tls) => encrypted(stream, peer, &tls, streams).await,
                None => serve(stream, peer.ip(), Transport::SyslogTcp, streams).await,
            }
        });
    }
}

async fn encrypted(stream: TcpStream, peer: SocketAddr, tls: &TlsAcceptor, streams: SyslogStreams) {
    if let Some(mut stream) = streams.shake_hands(stream, peer, (Transport::SyslogTls, tls)).await {
        serve(&mut stream, peer.ip(), Transport::SyslogTls, streams).await;
        // RFC 5425, clause 4.4: close_notify. A peer that is gone does not hear it.
        let _ = stream.shutdown().await;
    }
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    InOrder,
    Broken,
}

async fn serve(mut stream: impl AsyncRead + Unpin, peer: IpAddr, transport: Transport, mut streams: SyslogStreams) {
    let sender = streams.senders.sender(&streams.receiving, transport, peer);
    let mut framer = Framer::new(streams.senders.message_bytes_max);
    let mut read_bytes = READ_BYTES_MIN;
    // A sender that drips bytes must finish each message in time; between messages it may be silent for ever.
    let mut begun: Option<Instant> = None;
    let ending = loop {
        framer.buffer().reserve(read_bytes);
        let deadline = begun.map_or_else(
            || Instant::now() + Duration::from_hours(24),
            |begun| begun + streams.patience(),
        );
        let read = tokio::select! {
            read = stream.read_buf(framer.buffer()) => read,
            () = tokio::time::sleep_until(deadline) => {
                if begun.is_none() {
                    continue;
                }
                tracing::info!(%peer, listener = listener_name(transport), "a message did not end in time");
                break Ending::Broken;
            }
            () = streams.stop.requested() => break Ending::Broken,
        };
        match read {
            Ok(0) => break Ending::InOrder,
            Ok(bytes) if bytes >= read_bytes => read_bytes = (read_bytes * 2).min(READ_BYTES_MAX),
            Ok(_) => {}
            // A peer that leaves TLS without saying so has still ended its stream.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break Ending::InOrder,
            Err(_) => break Ending::Broken,
        }
        let mut finished = false;
        loop {
            let entries = batch(&mut framer, &sender, &streams.receiving);
            if entries.is_empty() {
                break;
            }
            finished = true;
            if !streams.keep(transport, entries).await {
                return;
            }
        }
        begun = match (framer.is_inside_frame(), finished) {
            (false, _) => None,
            (true, true) => Some(Instant::now()),
            (true, false) => begun.or_else(|| Some(Instant::now())),
        };
    };
    if let Some(frame) = framer.finish(ending == Ending::InOrder) {
        let last = entry(&sender, streams.receiving.now(), frame);
        streams.keep(transport, vec![last]).await;
    }
}

/// The next frames that have arrived whole.
fn batch(framer: &mut Framer, sender: &Sender, receiving: &Receiving) -> Vec<JournalEntry> {
    let now = receiving.now();
    std::iter::from_fn(|| framer.next_frame())
        .take(BATCH_RECORDS_MAX)
        .map(|frame| entry(sender, now, frame))
        .collect()
}

pub(super) fn entry(sender: &Sender, now: model::Timestamp, frame: Frame) -> JournalEntry {
    match frame {
        Frame::Message(bytes) => sender.record(now, bytes),
        Frame::Refused(refusal) => sender.rejection(now, refusal),
    }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;

    use super::*;
    use crate::{KnownSource, tests::inbox::receiving_nothing};

    #[test]
    fn configured_senders_have_their_name_and_format() {
        let mut config = SyslogConfig::default();
        config.senders.insert(
            IpAddr::from([192, 0, 2, 1]),
            crate::SyslogSender {
                name: "edge-firewall".into(),
                format: Some("cef".into()),
            },
        );
        let senders = SyslogSenders::new(&config);
        let receiving = receiving_nothing();
        let peer = "::ffff:192.0.2.1".parse().unwrap();
        let expected = KnownSource {
            id: SourceId::new("edge-firewall"),
            format: FormatHint::Named(CompactString::const_new("cef")),
            exercise: false,
        };
        assert_eq!(senders.sender(&receiving, Transport::SyslogTcp, peer).source, expected);
    }
}
