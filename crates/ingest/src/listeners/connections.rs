//! Open connections of a listener, bounded altogether and per address, and counted.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::Transport;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use crate::{Receiving, Stop, counters::listener_name};

/// The limits of one or several listeners that share them.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<HashMap<IpAddr, usize>>,
    all_max: usize,
    per_peer_max: usize,
}

/// The right to hold one connection; given back when dropped.
pub(crate) struct Admission {
    connections: Arc<Connections>,
    receiving: Arc<Receiving>,
    transport: Transport,
    peer: IpAddr,
}

/// After a peer was silent for this long, it is asked whether it is still there: senders of syslog may be silent for days.
const KEEPALIVE: Duration = Duration::from_mins(2);

/// Pause after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Connections {
    pub(crate) fn new(all_max: usize, per_peer_max: usize) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            all_max,
            per_peer_max,
        })
    }

    /// Accepts the next connection that the limits admit; nothing once the end is wished for.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        receiving: &Arc<Receiving>,
        transport: Transport,
        stop: &mut Stop,
    ) -> Option<(TcpStream, std::net::SocketAddr, Admission)> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.requested() => return None,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(listener = listener_name(transport), %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(admission) = self.admit(receiving, transport, peer.ip()) else {
                receiving
                    .counters
                    .listener(transport, |counts| counts.connections_refused += 1);
                continue;
            };
            // A connection without keepalive or with Nagle's delay works too.
            let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
            let _ = stream.set_nodelay(true);
            return Some((stream, peer, admission));
        }
    }

    fn admit(self: &Arc<Self>, receiving: &Arc<Receiving>, transport: Transport, peer: IpAddr) -> Option<Admission> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(&peer).copied().unwrap_or_default();
        if all >= self.all_max || own >= self.per_peer_max {
            return None;
        }
        open.insert(peer, own + 1);
        receiving.counters.listener(transport, |counts| {
            counts.connections += 1;
            counts.connections_open += 1;
        });
        Some(Admission {
            connections: Arc::clone(self),
            receiving: Arc::clone(receiving),
            transport,
            peer,
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.peer);
            }
        }
        self.receiving
            .counters
            .listener(self.transport, |counts| counts.connections_open -= 1);
    }
}
