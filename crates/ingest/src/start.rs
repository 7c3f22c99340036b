//! Binds every configured address, then lets each listener run by itself until the end is wished for.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    FilesConfig, IngestConfig, IntakeState, JournaldConfig, Listen, Receiving, Stop, TlsError, UnsafeBinding,
    listeners::{
        file, http, journald, relp,
        syslog_tcp::{self, SyslogSenders, SyslogStreams},
        syslog_udp,
    },
    tls::acceptor,
};

/// Why listening did not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that others reach, without TLS.
    #[error(transparent)]
    UnsafeBinding(#[from] UnsafeBinding),
    /// Certificates that cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address that cannot be bound.
    #[error("{what} cannot listen on {address}: {error}")]
    Bind {
        /// Which listener.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// A checkpoint that is there but cannot be read: going on without it would double or lose records.
    #[error("the checkpoint in {folder} cannot be read: {error}")]
    Checkpoint {
        /// Where it lies.
        folder: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

/// Where the listeners really listen, port 0 resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Syslog over UDP.
    pub syslog_udp: Option<SocketAddr>,
    /// Syslog over TCP.
    pub syslog_tcp: Option<SocketAddr>,
    /// Syslog over TLS.
    pub syslog_tls: Option<SocketAddr>,
    /// RELP.
    pub relp: Option<SocketAddr>,
    /// The HTTP intake.
    pub http: Option<SocketAddr>,
}

/// The listeners at work.
pub struct Running {
    /// Where they listen.
    pub addresses: Addresses,
    listeners: JoinSet<()>,
}

impl Running {
    /// Waits until all listeners have ended, which they do when the end is wished for.
    pub async fn ended(mut self) {
        while self.listeners.join_next().await.is_some() {}
    }
}

/// Pause before a listener that panicked runs again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Starts everything that the configuration says. Checkpoints of followers are kept in `folder`.
///
/// # Errors
/// When an address is unsafe or cannot be bound, or certificates or checkpoints cannot be read; then nothing listens.
pub async fn start(
    config: &IngestConfig,
    receiving: Arc<Receiving>,
    folder: &Path,
    stop: Stop,
) -> Result<Running, StartError> {
    config.check_bindings()?;
    let bound = Bound::bind(config).await?;
    let mut running = Running {
        addresses: bound.addresses(),
        listeners: JoinSet::new(),
    };
    let begin = Begin {
        receiving,
        stop,
        folder,
    };
    let files = begin.open_files(config)?;
    let Bound {
        udp,
        tcp,
        tls,
        relp,
        http,
    } = bound;
    let streams = SyslogStreams::new(Arc::clone(&begin.receiving), &config.syslog, begin.stop.clone());
    begin.start_datagrams(config, udp, &mut running.listeners);
    begin.start_streams(&streams, (tcp, tls), &mut running.listeners);
    begin.start_relp(streams, relp, &mut running.listeners);
    begin.start_http(config, http, &mut running.listeners);
    begin.start_files(files, &mut running.listeners);
    begin.start_journald(&config.journald, &mut running.listeners);
    Ok(running)
}

/// All sockets, bound before anything runs.
struct Bound {
    udp: Option<Arc<UdpSocket>>,
    tcp: Option<Arc<TcpListener>>,
    tls: Option<(Arc<TcpListener>, TlsAcceptor)>,
    relp: Option<(Arc<TcpListener>, Option<TlsAcceptor>)>,
    http: Option<(Arc<TcpListener>, Option<TlsAcceptor>)>,
}

impl Bound {
    async fn bind(config: &IngestConfig) -> Result<Self, StartError> {
        let udp = match config.syslog.udp {
            Listen::Off => None,
            Listen::At(address) => {
                let bound = syslog_udp::bind(address).map_err(|error| bind_error("syslog over UDP", address, error))?;
                Some(Arc::new(bound))
            }
        };
        let tls = match &config.syslog.tls {
            None => None,
            Some(tls) => {
                let acceptor = acceptor(&tls.identity())?;
                Some((bind_tcp("syslog over TLS", tls.listen).await?, acceptor))
            }
        };
        let relp = match &config.syslog.relp {
            None => None,
            Some(relp) => {
                let acceptor = relp.tls.as_ref().map(acceptor).transpose()?;
                Some((bind_tcp("RELP", relp.listen).await?, acceptor))
            }
        };
        let http = match config.http.listen {
            Listen::Off => None,
            Listen::At(address) => {
                let acceptor = config.http.tls.as_ref().map(acceptor).transpose()?;
                Some((bind_tcp("the HTTP intake", address).await?, acceptor))
            }
        };
        let tcp = match config.syslog.tcp {
            Listen::Off => None,
            Listen::At(address) => Some(bind_tcp("syslog over TCP", address).await?),
        };
        Ok(Self {
            udp,
            tcp,
            tls,
            relp,
            http,
        })
    }

    fn addresses(&self) -> Addresses {
        let local = |listener: &Arc<TcpListener>| listener.local_addr().ok();
        Addresses {
            syslog_udp: self.udp.as_ref().and_then(|socket| socket.local_addr().ok()),
            syslog_tcp: self.tcp.as_ref().and_then(local),
            syslog_tls: self.tls.as_ref().and_then(|(listener, _)| local(listener)),
            relp: self.relp.as_ref().and_then(|(listener, _)| local(listener)),
            http: self.http.as_ref().and_then(|(listener, _)| local(listener)),
        }
    }
}

async fn bind_tcp(what: &'static str, address: SocketAddr) -> Result<Arc<TcpListener>, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map(Arc::new).map_err(|error| bind_error(what, address, error))
}

fn bind_error(what: &'static str, address: SocketAddr, error: io::Error) -> StartError {
    StartError::Bind { what, address, error }
}

type StreamSockets = (Option<Arc<TcpListener>>, Option<(Arc<TcpListener>, TlsAcceptor)>);

struct Begin<'a> {
    receiving: Arc<Receiving>,
    stop: Stop,
    folder: &'a Path,
}

impl Begin<'_> {
    fn start_datagrams(&self, config: &IngestConfig, udp: Option<Arc<UdpSocket>>, listeners: &mut JoinSet<()>) {
        let Some(socket) = udp else { return };
        let (receiving, senders) = (Arc::clone(&self.receiving), SyslogSenders::new(&config.syslog));
        let stop = self.stop.clone();
        supervise(listeners, "syslog over UDP", self.stop.clone(), move || {
            syslog_udp::run(
                Arc::clone(&socket),
                Arc::clone(&receiving),
                senders.clone(),
                stop.clone(),
            )
        });
    }

    fn start_streams(&self, streams: &SyslogStreams, (tcp, tls): StreamSockets, listeners: &mut JoinSet<()>) {
        if let Some(listener) = tcp {
            let streams = streams.clone();
            supervise(listeners, "syslog over TCP", self.stop.clone(), move || {
                syslog_tcp::run(Arc::clone(&listener), streams.clone(), None)
            });
        }
        if let Some((listener, acceptor)) = tls {
            let streams = streams.clone();
            supervise(listeners, "syslog over TLS", self.stop.clone(), move || {
                syslog_tcp::run(Arc::clone(&listener), streams.clone(), Some(acceptor.clone()))
            });
        }
    }

    fn start_relp(
        &self,
        streams: SyslogStreams,
        socket: Option<(Arc<TcpListener>, Option<TlsAcceptor>)>,
        listeners: &mut JoinSet<()>,
    ) {
        let Some((listener, acceptor)) = socket else { return };
        supervise(listeners, "RELP", self.stop.clone(), move || {
            relp::run(Arc::clone(&listener), streams.clone(), acceptor.clone())
        });
    }

    fn start_http(
        &self,
        config: &IngestConfig,
        socket: Option<(Arc<TcpListener>, Option<TlsAcceptor>)>,
        listeners: &mut JoinSet<()>,
    ) {
        let Some((listener, acceptor)) = socket else { return };
        let state = IntakeState::new(Arc::clone(&self.receiving), config.http.clone(), self.stop.clone());
        supervise(listeners, "the HTTP intake", self.stop.clone(), move || {
            http::run(Arc::clone(&listener), state.clone(), acceptor.clone())
        });
    }

    /// The followed files. Where the systemd journal is followed too, what rsyslog copies out of it is not read twice.
    fn open_files(&self, config: &IngestConfig) -> Result<Option<FilesConfig>, StartError> {
        if !config.files.enabled {
            return Ok(None);
        }
        let mut files = config.files.clone();
        if journald::is_available(&config.journald) && files == FilesConfig::default() {
            files
                .exclude
                .extend(COPIES_OF_THE_JOURNAL.iter().map(|name| format!("/var/log/{name}")));
        }
        file::open(files.clone(), self.folder, self.receiving.headers).map_err(|error| StartError::Checkpoint {
            folder: self.folder.to_owned(),
            error,
        })?;
        Ok(Some(files))
    }

    fn start_files(&self, files: Option<FilesConfig>, listeners: &mut JoinSet<()>) {
        let Some(files) = files else { return };
        let (receiving, folder, stop) = (Arc::clone(&self.receiving), self.folder.to_owned(), self.stop.clone());
        supervise(listeners, "the follower of files", self.stop.clone(), move || {
            let (files, receiving, folder, stop) =
                (files.clone(), Arc::clone(&receiving), folder.clone(), stop.clone());
            async move {
                match file::open(files.clone(), &folder, receiving.headers) {
                    Ok(follower) => file::run(follower, files, receiving, stop).await,
                    Err(error) => tracing::error!(%error, "the checkpoint of followed files cannot be read"),
                }
            }
        });
    }

    fn start_journald(&self, config: &JournaldConfig, listeners: &mut JoinSet<()>) {
        if !config.enabled {
            return;
        }
        let (config, receiving, folder) = (config.clone(), Arc::clone(&self.receiving), self.folder.to_owned());
        let stop = self.stop.clone();
        supervise(
            listeners,
            "the follower of the systemd journal",
            self.stop.clone(),
            move || {
                let (config, receiving, folder, stop) =
                    (config.clone(), Arc::clone(&receiving), folder.clone(), stop.clone());
                async move {
                    if let Err(error) = journald::run(config, &folder, receiving, stop).await {
                        tracing::error!(%error, "the checkpoint of the systemd journal cannot be read");
                    }
                }
            },
        );
    }
}

/// What Debian's rsyslog writes from the systemd journal.
const COPIES_OF_THE_JOURNAL: &[&str] = &[
    "syslog",
    "messages",
    "auth.log",
    "secure",
    "kern.log",
    "daemon.log",
    "user.log",
    "mail.*",
    "cron.log",
    "cron",
    "debug",
    "maillog",
];

/// Runs a listener, again when it panics: a bug in one must not silence the others.
fn supervise<F>(listeners: &mut JoinSet<()>, what: &'static str, mut stop: Stop, run: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    listeners.spawn(async move {
        while tokio::spawn(run()).await.is_err() && !stop.is_requested() {
            tracing::error!(what, "a listener failed by a bug and is started again");
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                () = stop.requested() => return,
            }
        }
    });
}
