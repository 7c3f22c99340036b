//! One lane of the outbox: takes what is due, sends as much at once as its channel allows, and notes how it went.

use std::{collections::VecDeque, time::Duration};

use connectors::channels::{DeliveryError, OpenedChannel, Pace, Receipt};
use ledger::{Claimed, Ledger, Outcome};
use model::{Effect, Language, Scope};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
};

use super::{announcing, letters::Letters, settle};
use crate::clock;

/// Effects taken from a lane at once.
pub(super) const CLAIMED_MAX: usize = 256;
/// How long one attempt may take, whatever the channel's own bound is.
const ATTEMPT: Duration = Duration::from_mins(2);
/// Effects taken for each one under way.
const CLAIMED_PER_PLACE: u32 = 8;
/// How long effects are leased: as long as all attempts of one place may take, and one more.
const LEASE_SECONDS: u64 = (CLAIMED_PER_PLACE as u64 + 1) * ATTEMPT.as_secs();
/// Outcomes noted in one transaction, and how long one may wait for others.
const SETTLED_AT_ONCE: usize = 64;
const SETTLE_PAUSE: Duration = Duration::from_millis(200);
/// How long a lane sleeps when nothing new is decided.
const IDLE: Duration = Duration::from_secs(2);
/// The pause after the ledger failed.
const MISHAP_PAUSE: Duration = Duration::from_secs(5);

/// What a lane leads to.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// A channel; each effect names its address.
    Channel(OpenedChannel),
    /// A channel, the one address there, and the language that is read there.
    Place {
        channel: OpenedChannel,
        to: String,
        language: Language,
    },
    /// Nobody: nothing is configured, which is the receipt.
    Nobody,
}

impl Way {
    fn pace(&self) -> Pace {
        match self {
            Self::Channel(channel) | Self::Place { channel, .. } => channel.pace,
            Self::Nobody => Pace::default(),
        }
    }
}

/// A lane at work.
pub(super) struct Lane {
    name: String,
    ledger: Ledger,
    way: Way,
    letters: Letters,
    changes: watch::Receiver<u64>,
    queue: VecDeque<Claimed>,
    under_way: JoinSet<(Claimed, Outcome)>,
    done: Vec<(Claimed, Outcome)>,
    settled_at: Instant,
    /// Lets one message begin at each tick, where the channel's pace is bounded.
    ticks: Option<Interval>,
}

impl Lane {
    pub(super) fn new(name: String, ledger: Ledger, way: Way, letters: Letters) -> Self {
        let ticks = way.pace().per_second.checked_sub(1).map(|less_one| {
            let mut ticks = interval(Duration::from_secs(1) / (less_one + 1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self {
            changes: ledger.subscribe(),
            name,
            ledger,
            way,
            letters,
            queue: VecDeque::new(),
            under_way: JoinSet::new(),
            done: Vec::new(),
            settled_at: Instant::now(),
            ticks,
        }
    }

    /// Works until the post ends.
    pub(super) async fn run(mut self) {
        loop {
            if let Err(error) = self.step().await {
                tracing::error!(lane = self.name, "the lane was not carried out: {error:#}");
                sleep(MISHAP_PAUSE).await;
            }
        }
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        let places = usize::try_from(self.way.pace().at_once()).unwrap_or(1);
        if self.queue.is_empty() && self.under_way.len() < places {
            self.take().await?;
        }
        while self.under_way.len() < places
            && let Some(claim) = self.queue.pop_front()
        {
            if let Some(ticks) = &mut self.ticks {
                ticks.tick().await;
            }
            let (ledger, way, letters) = (self.ledger.clone(), self.way.clone(), self.letters.clone());
            self.under_way.spawn(async move {
                let outcome = attempt(&ledger, &way, &letters, &claim).await;
                (claim, outcome)
            });
        }
        if self.under_way.is_empty() {
            self.settle().await?;
            return self.rest().await;
        }
        // While nothing more is waiting, what is under way must not keep new effects from being taken.
        let wait = if self.queue.is_empty() { SETTLE_PAUSE } else { ATTEMPT };
        if let Ok(Some(outcome)) = timeout(wait, self.under_way.join_next()).await {
            self.done.push(outcome?);
        }
        while let Some(outcome) = self.under_way.try_join_next() {
            self.done.push(outcome?);
        }
        if self.done.len() >= SETTLED_AT_ONCE || self.settled_at.elapsed() > SETTLE_PAUSE {
            self.settle().await?;
        }
        Ok(())
    }

    async fn take(&mut self) -> anyhow::Result<()> {
        let lane = self.name.clone();
        let limit = usize::try_from(self.way.pace().at_once() * CLAIMED_PER_PLACE).unwrap_or(1);
        let claimed = self
            .ledger
            .off_thread(move |ledger| -> anyhow::Result<Vec<Claimed>> {
                let now = clock::now();
                match ledger.next_due(&Scope::of_post("outbox"), &lane)? {
                    Some(due) if due <= now => Ok(ledger.claim(&lane, now, LEASE_SECONDS, limit.min(CLAIMED_MAX))?),
                    Some(_) | None => Ok(Vec::new()),
                }
            })
            .await?;
        self.queue.extend(claimed);
        Ok(())
    }

    async fn settle(&mut self) -> anyhow::Result<()> {
        self.settled_at = Instant::now();
        if self.done.is_empty() {
            return Ok(());
        }
        let (lane, done) = (self.name.clone(), std::mem::take(&mut self.done));
        self.ledger
            .off_thread(move |ledger| settle(ledger, &lane, &done, clock::now()))
            .await
    }

    /// Sleeps until something is decided, or for a while.
    async fn rest(&mut self) -> anyhow::Result<()> {
        if let Ok(gone) = timeout(IDLE, self.changes.changed()).await {
            gone?;
        }
        Ok(())
    }
}

/// One attempt at one effect.
async fn attempt(ledger: &Ledger, way: &Way, letters: &Letters, claim: &Claimed) -> Outcome {
    let (channel, to) = match way {
        Way::Channel(channel) => (channel, ("", Language::default())),
        Way::Place { channel, to, language } => (channel, (to.as_str(), *language)),
        Way::Nobody => return Outcome::Delivered("nobody is to be told: [announce] is empty".to_owned()),
    };
    let message = match &claim.effect {
        Effect::AnnounceAlert { alert } => announcing::compose(ledger, claim, *alert, to).await,
        Effect::Enforce { .. } => return Outcome::Permanent("a channel is no device".to_owned()),
        Effect::Deliver { delivery } => Ok(letters.write(claim, delivery, channel)),
    };
    let message = match message {
        Ok(message) => message,
        Err(outcome) => return outcome,
    };
    match timeout(ATTEMPT, channel.channel.send(&message)).await {
        Err(_) => Outcome::Retryable {
            reason: "no answer in time".to_owned(),
            retry_after_seconds: None,
        },
        Ok(Ok(Receipt { reference, note })) => Outcome::Delivered(format!("{reference} {note}").trim_end().to_owned()),
        Ok(Err(DeliveryError::Permanent { reason })) => Outcome::Permanent(reason),
        Ok(Err(DeliveryError::Retryable {
            reason,
            retry_after_seconds,
        })) => Outcome::Retryable {
            reason,
            retry_after_seconds,
        },
    }
}
