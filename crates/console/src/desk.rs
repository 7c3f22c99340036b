//! What every handler stands at: the composition root's handles and what the console itself remembers.

use std::{ops::Deref, sync::Arc};

use lake::Lake;
use ledger::{Applied, Ledger, ReadError};
use model::{Decision, Kept, Scope, Timestamp};
use tokio::sync::Semaphore;

use crate::{
    hunts::Hunts, on_duty, rates::Rates, rosters::Rosters, secrets, session::LastUses, state::ConsoleState,
    trouble::Trouble,
};

/// The shared desk; cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

/// What is on it.
pub(crate) struct Inner {
    pub(crate) state: ConsoleState,
    pub(crate) last_uses: LastUses,
    /// How often tokens were used.
    pub(crate) rates: Rates,
    /// Who was on duty when a page last asked.
    pub(crate) on_duty: on_duty::Kept,
    /// Free places for browsers that follow along.
    pub(crate) live_places: Arc<Semaphore>,
    /// Hunts that people began.
    pub(crate) hunts: Arc<Hunts>,
    /// Free places for password hashing, which takes memory and time.
    hashing_places: Semaphore,
}

impl Desk {
    /// Browsers that follow along at once; the next ones are told to come again.
    pub(crate) const LIVE_MAX: usize = 512;
    /// Passwords hashed at once, each in 19 MiB of memory.
    const HASHING_MAX: usize = 2;

    pub(crate) fn new(state: ConsoleState) -> Self {
        Self(Arc::new(Inner {
            state,
            last_uses: LastUses::default(),
            rates: Rates::default(),
            on_duty: on_duty::Kept::default(),
            hunts: Arc::default(),
            live_places: Arc::new(Semaphore::new(Self::LIVE_MAX)),
            hashing_places: Semaphore::new(Self::HASHING_MAX),
        }))
    }

    /// This moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    /// Asks the ledger, off the threads that serve.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Ledger) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Trouble> {
        Ok(self.state.ledger.off_thread(query).await?)
    }

    /// A noun by the key in an address.
    pub(crate) async fn found<T: Kept + Send + 'static>(&self, scope: &Scope, key: &str) -> Result<T, Trouble> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.read(move |ledger| ledger.kept(&scope, &key))
            .await?
            .ok_or(Trouble::NotFound)
    }

    /// The rosters as they are now.
    pub(crate) async fn rosters(&self, scope: &Scope) -> Result<Rosters, Trouble> {
        let (scope, now) = (scope.clone(), self.now());
        self.read(move |ledger| Rosters::read(ledger, &scope, now)).await
    }

    /// Commits a decision.
    pub(crate) async fn apply(&self, decision: Decision) -> Result<Applied, Trouble> {
        Ok(self
            .state
            .ledger
            .off_thread(move |ledger| ledger.apply(&decision))
            .await?)
    }

    /// Asks the lake, off the threads that serve.
    pub(crate) async fn fetch<T: Send + 'static>(&self, query: impl FnOnce(&Lake) -> T + Send + 'static) -> T {
        let lake = Arc::clone(&self.state.lake);
        off_thread(move || query(&lake)).await
    }

    /// Hashes or verifies a password: slow on purpose, so off the threads that serve and only few at once.
    pub(crate) async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _place = self
            .hashing_places
            .acquire()
            .await
            .expect("the semaphore is never closed");
        off_thread(work).await
    }

    /// The hash of a password.
    pub(crate) async fn hash_password(&self, password: String) -> String {
        let randomness = Arc::clone(&self.state.randomness);
        self.hashing(move || secrets::hash_password(&password, randomness.as_ref()))
            .await
    }
}

impl Deref for Desk {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// How often something is decided anew because the post, or somebody else, was faster.
const ATTEMPTS_MAX: usize = 5;

/// Reads, decides and commits, and does so anew while what was read has changed before the decision was committed.
pub(crate) async fn anew<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    for _ in 1..ATTEMPTS_MAX {
        match attempt().await {
            Err(Trouble::Outdated) => {}
            other => return other,
        }
    }
    attempt().await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
