//! The contract of all listeners, held on real sockets and files: nothing is acknowledged before it is durable, a full journal
//! pushes back, and no bytes bring a listener down.

mod backlog;
mod corpus;
mod files;
mod http;
pub(crate) mod inbox;
mod journald;
mod otlp;
mod relp;
mod syslog;
mod tls;

use std::{net::SocketAddr, sync::Arc};

use crate::{IngestConfig, Listen, Receiving, Running, Stopper, start};

/// Listeners on free ports of loopback, and nothing else.
fn quiet_config() -> IngestConfig {
    let mut config = IngestConfig::default();
    let any_port = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.syslog.udp = any_port;
    config.syslog.tcp = any_port;
    config.http.listen = any_port;
    config.files.enabled = false;
    config.journald.enabled = false;
    config
}

struct Post {
    running: Running,
    receiving: Arc<Receiving>,
    stopper: Stopper,
    _folder: tempfile::TempDir,
}

impl Post {
    async fn start(config: &IngestConfig, receiving: Arc<Receiving>) -> Self {
        let (stopper, stop) = Stopper::new();
        let folder = tempfile::tempdir().unwrap();
        let running = start(config, Arc::clone(&receiving), folder.path(), stop)
            .await
            .unwrap();
        Self {
            running,
            receiving,
            stopper,
            _folder: folder,
        }
    }

    async fn stop(self) {
        self.stopper.stop();
        self.running.ended().await;
    }
}
