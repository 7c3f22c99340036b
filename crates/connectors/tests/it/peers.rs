//! Peers on loopback that do as they are told.

pub(crate) mod http;
pub(crate) mod smpp;
pub(crate) mod smtp;

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

/// What a peer does with the next messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Takes them.
    Accept,
    /// Takes them and never answers.
    Hang,
    /// Takes them and closes the connection instead of answering.
    Drop,
    /// Refuses them for good.
    Refuse,
    /// Has trouble of its own.
    Busy,
    /// Wants fewer.
    Throttle,
}

/// What a peer heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// By what it can tell a repeat.
    pub(crate) id: String,
    /// The text, where it can read it.
    pub(crate) text: Option<String>,
}

/// A peer's orders and memory.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) port: u16,
    state: Arc<Mutex<(Behaviour, Vec<Seen>)>>,
}

impl Peer {
    /// Listens on a port of its own and serves each connection by itself.
    async fn serving<F>(serve: impl Fn(TcpStream, Self) -> F + Send + 'static) -> Self
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::new(Mutex::new((Behaviour::Accept, Vec::new()))),
        };
        let serving = peer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        peer
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().0 = behaviour;
    }

    fn behaviour(&self) -> Behaviour {
        self.state.lock().unwrap().0
    }

    fn see(&self, seen: Seen) {
        self.state.lock().unwrap().1.push(seen);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().1.clone()
    }
}
