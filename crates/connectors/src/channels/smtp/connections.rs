//! Connections to one mail server: made when needed, kept for the next letter, and dropped with whatever is left in them when a letter is not
//! finished in time.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        extension::ClientId,
        response::Response,
    },
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::channels::{DeliveryError, one_line};

/// A connection that lay idle for so long is asked whether it still lives before it gets a letter, and after so long it is not used any more.
const DOUBTED_AFTER: Duration = Duration::from_secs(2);
const DROPPED_AFTER: Duration = Duration::from_mins(1);
/// Idle connections that are kept.
const IDLE_MAX: usize = 64;

/// How connections are protected.
pub(super) enum Protection {
    None,
    Starttls(TlsParameters),
    Tls(TlsConnector, ServerName<'static>),
}

/// All connections to one server.
pub(super) struct Connections {
    address: (String, u16),
    protection: Protection,
    hello: ClientId,
    credentials: Option<Credentials>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Connections {
    pub(super) fn new(
        address: (String, u16),
        protection: Protection,
        hello: ClientId,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            address,
            protection,
            hello,
            credentials,
            idle: Mutex::default(),
        }
    }

    /// Sends one letter. A connection goes back to the idle ones only when the whole conversation about it went well.
    pub(super) async fn send(&self, envelope: &Envelope, letter: &[u8]) -> Result<Response, DeliveryError> {
        let mut connection = self.connection().await?;
        match connection.send(envelope, letter).await {
            Ok(answer) => {
                let mut idle = self.idle();
                if idle.len() < IDLE_MAX {
                    idle.push((connection, Instant::now()));
                }
                Ok(answer)
            }
            Err(error) => {
                connection.abort().await;
                Err(judge(&error))
            }
        }
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        loop {
            let Some((mut connection, since)) = self.idle().pop() else {
                break;
            };
            let age = since.elapsed();
            if age < DOUBTED_AFTER || (age < DROPPED_AFTER && connection.test_connected().await) {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let (server, port) = &self.address;
        let line = TcpStream::connect((server.as_str(), *port))
            .await
            .map_err(DeliveryError::retryable)?;
        // A letter's end is a write of its own: without this it would wait for the server's delayed acknowledgement of the letter.
        line.set_nodelay(true).map_err(DeliveryError::retryable)?;
        let line: Box<dyn AsyncTokioStream> = match &self.protection {
            Protection::None | Protection::Starttls(_) => Box::new(line),
            Protection::Tls(connector, name) => {
                let line = connector.connect(name.clone(), line).await;
                Box::new(Sealed(line.map_err(DeliveryError::retryable)?))
            }
        };
        let judged = |error: smtp::Error| judge(&error);
        let mut connection = AsyncSmtpConnection::connect_with_transport(line, &self.hello)
            .await
            .map_err(judged)?;
        if let Protection::Starttls(parameters) = &self.protection {
            connection
                .starttls(parameters.clone(), &self.hello)
                .await
                .map_err(judged)?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(judged)?;
        }
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a failed attempt means. Refusals of this recipient or this letter are for good; what is wrong between the post and its server
/// (4xx, the account, the connection) can be mended.
fn judge(error: &smtp::Error) -> DeliveryError {
    let mut reason = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        reason = format!("{reason}: {cause}");
    }
    let reason = one_line(&reason);
    match error.status().map(|code| code.to_string()).as_deref() {
        // RFC 4954, 6: the account, not the letter.
        Some("530" | "534" | "535" | "538") => DeliveryError::retryable(reason),
        Some(_) if error.is_permanent() => DeliveryError::permanent(reason),
        _ => DeliveryError::retryable(reason),
    }
}

/// A connection in TLS from its first byte, in the form that lettre takes.
#[derive(Debug)]
struct Sealed(TlsStream<TcpStream>);

impl AsyncTokioStream for Sealed {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Sealed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
