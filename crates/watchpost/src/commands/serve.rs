//! `watchpost serve`: runs the post.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::{configuration::Configuration, serve};

/// Threads that serve connections; normalising and matching have their own.
const CONNECTION_THREADS: usize = 2;

/// Runs the post until it is told to stop.
///
/// # Errors
/// When it cannot start, or a store fails at its end.
pub(crate) fn run(configuration: &Configuration) -> Result<()> {
    let filter = EnvFilter::try_from_env("WATCHPOST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONNECTION_THREADS)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(serve::run(configuration))
}
