//! Syslog over UDP (RFC 5426). A datagram cannot be pushed back: a short queue in memory bridges slow moments of the journal,
//! and what the kernel drops when that is full is noticed and accounted for as lost.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use model::{JournalEntry, Loss, RejectReason, SourceId, Transport};
use socket2::{Domain, Socket, Type};
use tokio::{net::UdpSocket, sync::mpsc};

use crate::{
    Receiving, Stop,
    receiving::{Refusal, Sender},
};

use super::syslog_tcp::SyslogSenders;

/// Most datagrams and bytes in one batch, and most batches waiting: up to 8 MiB bridge slow moments of the journal.
const BATCH_DATAGRAMS_MAX: usize = 1024;
const BATCH_BYTES_MAX: usize = 256 * 1024;
const BATCHES_MAX: usize = 32;

/// Receive buffer asked of the kernel, which gives what `net.core.rmem_max` allows.
const KERNEL_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Longest datagram that UDP can carry.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// How often the kernel's count of dropped datagrams is read.
const DROPS_INTERVAL: Duration = Duration::from_secs(2);

/// Opens the socket.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    // Less is granted where the system's limit is lower; the drops that follow from it are counted.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Receives until the end is wished for.
pub(crate) async fn run(socket: Arc<UdpSocket>, receiving: Arc<Receiving>, senders: SyslogSenders, stop: Stop) {
    let (batches, queue) = mpsc::channel(BATCHES_MAX);
    tokio::join!(
        receive(&socket, &receiving, &senders, batches, stop.clone()),
        keep(queue, &receiving, stop.clone()),
        watch_drops(&socket, &receiving, stop),
    );
}

async fn receive(
    socket: &UdpSocket,
    receiving: &Receiving,
    senders: &SyslogSenders,
    batches: mpsc::Sender<Vec<JournalEntry>>,
    mut stop: Stop,
) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX + 1];
    loop {
        let ready = tokio::select! {
            ready = socket.readable() => ready,
            () = stop.requested() => return,
        };
        if ready.is_err() {
            // The error belongs to one earlier datagram (an ICMP answer), not to the socket.
            continue;
        }
        let batch = drain(socket, &mut buffer, receiving, senders);
        if !batch.is_empty() && batches.send(batch).await.is_err() {
            return;
        }
    }
}

/// Takes what has arrived, up to one batch.
fn drain(socket: &UdpSocket, buffer: &mut [u8], receiving: &Receiving, senders: &SyslogSenders) -> Vec<JournalEntry> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut last: Option<(IpAddr, Sender)> = None;
    while batch.len() < BATCH_DATAGRAMS_MAX && bytes < BATCH_BYTES_MAX {
        let Ok((length, peer)) = socket.try_recv_from(buffer) else {
            break;
        };
        let sender = match &last {
            Some((known, sender)) if *known == peer.ip() => sender,
            Some(_) | None => {
                let sender = senders.sender(receiving, Transport::SyslogUdp, peer.ip());
                &last.insert((peer.ip(), sender)).1
            }
        };
        batch.extend(entry(sender, receiving, &buffer[..length], senders.message_bytes_max));
        bytes += length;
    }
    batch
}

/// One datagram is one message (RFC 5426, clause 3.1); some senders end it with a line feed or NUL all the same.
fn entry(sender: &Sender, receiving: &Receiving, datagram: &[u8], message_bytes_max: usize) -> Option<JournalEntry> {
    let end = datagram.iter().rposition(|b| !matches!(b, b'\n' | b'\r' | 0))? + 1;
    let message = &datagram[..end];
    let now = receiving.now();
    if message.len() <= message_bytes_max {
        return Some(sender.record(now, Bytes::copy_from_slice(message)));
    }
    let refusal = Refusal {
        kept: Bytes::copy_from_slice(&message[..message_bytes_max]),
        reason: RejectReason::Oversized,
        detail: format!("longer than {message_bytes_max} bytes"),
    };
    Some(sender.rejection(now, refusal))
}

async fn keep(mut queue: mpsc::Receiver<Vec<JournalEntry>>, receiving: &Receiving, mut stop: Stop) {
    while let Some(mut entries) = queue.recv().await {
        while let Ok(more) = queue.try_recv() {
            entries.extend(more);
        }
        let records = entries.len();
        let kept = receiving.keep_patiently(Transport::SyslogUdp, entries, &mut stop).await;
        if let Err(refused) = kept {
            tracing::error!(records, %refused, "datagrams were received but could not be kept before the end");
        }
    }
}

/// Reads the kernel's count of datagrams dropped at this socket and accounts for them. Whose they were is unknown.
async fn watch_drops(socket: &UdpSocket, receiving: &Receiving, mut stop: Stop) {
    let mut known = 0;
    while !stop.is_requested() {
        tokio::select! {
            () = tokio::time::sleep(DROPS_INTERVAL) => {}
            () = stop.requested() => {}
        }
        let drops = drops(socket).await.unwrap_or(known);
        if drops > known {
            let loss = JournalEntry::Loss(Loss {
                source: SourceId::new("syslog/udp-dropped"),
                noticed_at: receiving.now(),
                records: drops - known,
                detail: "the kernel dropped datagrams because the receive buffer was full; net.core.rmem_max limits it"
                    .to_owned(),
            });
            let kept = receiving
                .keep_patiently(Transport::SyslogUdp, vec![loss], &mut stop)
                .await;
            if kept.is_ok() {
                known = drops;
            }
        }
    }
}

/// The drops column of `/proc/net/udp` (`udp6`) for this socket, which is found by its inode.
async fn drops(socket: &UdpSocket) -> Option<u64> {
    let link = tokio::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd()))
        .await
        .ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned();
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        let Ok(text) = tokio::fs::read_to_string(table).await else {
            continue;
        };
        if let Some(drops) = drops_in(&text, &inode) {
            return Some(drops);
        }
    }
    None
}

fn drops_in(table: &str, inode: &str) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        (columns.get(9) == Some(&inode)).then(|| columns.last()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_the_kernels_table() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n\
             \x20 107: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 17        \n\
             \x20 108: 0100007F:158B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12346 2 0000000000000000 0         \n";
        assert_eq!(drops_in(table, "12345"), Some(17));
        assert_eq!(drops_in(table, "12346"), Some(0));
        assert_eq!(drops_in(table, "1"), None);
    }
}
