//! The tokens of sources, in memory for the intake, followed as the ledger changes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use ingest::{KnownSource, SourceTokens};
use ledger::Ledger;
use model::Scope;

/// How soon a new token works, and a revoked one no more, on a post that decides all the time.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

/// The sources by the digest of their token.
#[derive(Debug)]
pub(crate) struct LedgerTokens(RwLock<HashMap<String, KnownSource>>);

impl LedgerTokens {
    /// Reads the tokens in force.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(crate) fn read(ledger: &Ledger) -> Result<Self> {
        Ok(Self(RwLock::new(in_force(ledger)?)))
    }
}

impl SourceTokens for LedgerTokens {
    fn source_of(&self, token: &str) -> Option<KnownSource> {
        let digest = operations::people::digest(token);
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .cloned()
    }
}

fn in_force(ledger: &Ledger) -> Result<HashMap<String, KnownSource>> {
    let tokens = ledger
        .tokens(&Scope::of_post("intake"))
        .context("reading the tokens of sources")?;
    let in_force = tokens.into_iter().filter(|token| token.revoked_at.is_none());
    Ok(in_force
        .map(|token| (token.digest, KnownSource::named(token.source)))
        .collect())
}

/// Keeps the tokens in memory as the ledger has them.
pub(crate) async fn follow(ledger: Ledger, tokens: Arc<LedgerTokens>) {
    let mut revision = ledger.subscribe();
    while revision.changed().await.is_ok() {
        match ledger.off_thread(in_force).await {
            Ok(current) => *tokens.0.write().unwrap_or_else(PoisonError::into_inner) = current,
            Err(error) => tracing::error!("the tokens in memory stay as they are: {error:#}"),
        }
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}
