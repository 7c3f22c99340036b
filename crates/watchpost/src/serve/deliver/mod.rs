//! Carries out what decisions ask of the outside: a lane for each channel, so that one that is slow never holds up another; what is given
//! up goes into the duty book with its reason.

mod announcing;
mod lane;
mod letters;
mod reports;

use anyhow::Result;
use connectors::channels::OpenedChannel;
use console::Reach;
use ledger::Ledger;
use model::{Effect, Scope, Timestamp};
use tokio::task::JoinSet;

use self::{
    lane::{Lane, Way},
    letters::Letters,
};
use crate::{clock, configuration::Configuration};

/// Lanes without a channel are looked for this often.
const STRAY_SECONDS: u64 = 30;

/// Everything that messages may go through.
#[derive(Debug)]
pub(crate) struct Ways {
    /// The channels by name.
    channels: Vec<OpenedChannel>,
    /// Where announcements go.
    announcements: Way,
    /// The post's public key towards push services.
    push_key: String,
    /// How messages are addressed back to the post.
    letters: Letters,
}

impl Ways {
    /// Opens every channel of the configuration; nothing is sent yet.
    ///
    /// # Errors
    /// When one cannot be opened as it is configured.
    pub(crate) fn open(configuration: &Configuration) -> Result<Self> {
        let mut channels = configuration.channels.open()?;
        let (web_push, key) = configuration.web_push.open(&configuration.data)?;
        channels.push(web_push);
        let announcements = announcing::way(&configuration.announce, configuration.language, &channels)?;
        let letters = Letters::open(configuration)?;
        Ok(Self {
            channels,
            announcements,
            push_key: key.public().to_owned(),
            letters,
        })
    }

    /// What the console shows of them.
    pub(crate) fn reach(&self) -> Reach {
        Reach {
            channels: self
                .channels
                .iter()
                .map(|channel| (channel.name.clone(), channel.carries.as_str()))
                .collect(),
            push_key: self.push_key.clone(),
            answer_key: self.letters.key().clone(),
            address: self.letters.address().to_owned(),
        }
    }

    /// The channel of a name.
    pub(crate) fn channel(&self, name: &str) -> Option<&OpenedChannel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// All channels.
    pub(crate) fn channels(&self) -> &[OpenedChannel] {
        &self.channels
    }

    /// The names of the channels.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|channel| channel.name.as_str())
    }
}

/// Starts a task for each lane, and one for each channel that reports later. `others` are lanes that somebody else carries out.
pub(super) fn start_lanes(ledger: &Ledger, ways: Ways, others: Vec<String>, tasks: &mut JoinSet<()>) {
    let Ways {
        channels,
        announcements,
        push_key: _,
        letters,
    } = ways;
    let mut known = others;
    known.push(Effect::ANNOUNCEMENTS.to_owned());
    let announcing = Lane::new(
        Effect::ANNOUNCEMENTS.to_owned(),
        ledger.clone(),
        announcements,
        letters.clone(),
    );
    tasks.spawn(announcing.run());
    for channel in channels {
        known.push(channel.name.clone());
        if let Some(reported) = channel.channel.reports() {
            let key = letters.key().clone();
            tasks.spawn(reports::follow(ledger.clone(), channel.name.clone(), key, reported));
        }
        let name = channel.name.clone();
        tasks.spawn(Lane::new(name, ledger.clone(), Way::Channel(channel), letters.clone()).run());
    }
    tasks.spawn(give_up_strays(ledger.clone(), known));
}

/// Gives up what waits for a channel that is not configured.
async fn give_up_strays(ledger: Ledger, known: Vec<String>) {
    loop {
        let known = known.clone();
        let given_up = ledger.off_thread(move |ledger| give_up(ledger, &known)).await;
        if let Err(error) = given_up {
            tracing::error!("effects without a channel were not given up: {error:#}");
        }
        tokio::time::sleep(std::time::Duration::from_secs(STRAY_SECONDS)).await;
    }
}

fn give_up(ledger: &Ledger, known: &[String]) -> Result<()> {
    for stray in ledger.lanes(&Scope::of_post("outbox"))? {
        if stray.waiting == 0 || known.contains(&stray.name) {
            continue;
        }
        let now = clock::now();
        let claimed = ledger.claim(&stray.name, now, STRAY_SECONDS, lane::CLAIMED_MAX)?;
        let reason = format!("no channel is configured with the name {:?}", stray.name);
        let outcomes: Vec<_> = claimed
            .into_iter()
            .map(|claim| (claim, ledger::Outcome::Permanent(reason.clone())))
            .collect();
        settle(ledger, &stray.name, &outcomes, now)?;
    }
    Ok(())
}

/// Notes outcomes, first on what they are about (if the post dies between, they come again and say nothing new), and writes into the duty book what is given up with them.
fn settle(ledger: &Ledger, lane: &str, outcomes: &[(ledger::Claimed, ledger::Outcome)], now: Timestamp) -> Result<()> {
    super::paging::note_outcomes(ledger, outcomes, now)?;
    ledger.settle(outcomes, now, |given_up| reports::given_up(lane, given_up, now))?;
    Ok(())
}
