//! Accepts connections for the HTTP intake, plain or TLS, with bounds on their number and on the time that a request's head may take.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use model::Transport;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Stop,
    intake::{IntakeState, Peer, intake_router},
};

use super::connections::Connections;

/// Longest head of a request in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Accepts connections until the end is wished for. Connections of all protocols are counted under `bulk`.
pub(crate) async fn run(listener: Arc<TcpListener>, state: IntakeState, tls: Option<TlsAcceptor>) {
    let connections = Connections::new(state.config.connections_max, state.config.connections_max);
    let router = intake_router(state.clone());
    let mut stop = state.stop.clone();
    loop {
        let accepting = connections.accept(&listener, &state.receiving, Transport::Bulk, &mut stop);
        let Some((stream, peer, admission)) = accepting.await else {
            return;
        };
        let (router, tls, state) = (router.clone(), tls.clone(), state.clone());
        tokio::spawn(async move {
            let _admission = admission;
            let patience = Duration::from_secs(state.config.head_seconds_max);
            let Some(tls) = tls else {
                return serve(stream, peer, router, patience, state.stop).await;
            };
            match tokio::time::timeout(patience, tls.accept(stream)).await {
                Ok(Ok(stream)) => serve(stream, peer, router, patience, state.stop).await,
                Ok(Err(_)) | Err(_) => state
                    .receiving
                    .counters
                    .listener(Transport::Bulk, |counts| counts.connections_refused += 1),
            }
        });
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    patience: Duration,
    mut stop: Stop,
) {
    let service = TowerToHyperService::new(router.layer(Extension(Peer(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES_MAX)
        // A client that has said everything may close its half and still wait for the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Senders break off as they like; what they had not been told is theirs to send again.
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
