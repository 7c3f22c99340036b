//! `watchpost notify`: lists the channels and tries one, without a running post.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use connectors::channels::{DeliveryError, Message, MessageKey, OpenedChannel, Urgency};

use crate::{clock, configuration::Configuration, serve::Ways};

/// Lists the channels, or sends a test message through one
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the channels that are configured
    List,
    /// Send a test message through a channel, and say what the other side answered
    Test {
        /// The name of the channel
        channel: String,
        /// The address: a mail address, a telephone number, a room, a push subscription as JSON
        address: String,
        /// Say something else
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, there is no such channel, or it refuses.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    std::fs::create_dir_all(&configuration.data)
        .with_context(|| format!("the data folder {} cannot be made", configuration.data.display()))?;
    let ways = Ways::open(configuration)?;
    let mut out = io::stdout().lock();
    match action {
        Action::List => {
            for channel in ways.names().filter_map(|name| ways.channel(name)) {
                let OpenedChannel {
                    name,
                    carries,
                    pace,
                    hears_replies: _,
                    channel: _,
                } = channel;
                writeln!(out, "{name:20} {:6} {} at once", carries.as_str(), pace.at_once())?;
            }
            Ok(())
        }
        Action::Test {
            channel: name,
            address,
            text,
        } => {
            let Some(channel) = ways.channel(name) else {
                let known: Vec<&str> = ways.names().collect();
                bail!(
                    "no channel is configured with the name {name:?}; there are {}",
                    known.join(", ")
                );
            };
            let answer = test(channel, &message(address, text.as_deref())?)?;
            writeln!(out, "{answer}")?;
            Ok(())
        }
    }
}

fn message(address: &str, text: Option<&str>) -> Result<Message> {
    let now = clock::now();
    let key = MessageKey::new(&format!("test-{}-{:02x}", now.as_second(), clock::entropy()?.0[0]));
    let text = text.unwrap_or(
        "Đây là tin thử của Watchpost; không cần làm gì. This is a test of Watchpost; nothing needs to be done.",
    );
    let mut message = Message::text(key, address, text, now);
    "Watchpost: tin thử / test".clone_into(&mut message.subject);
    message.urgency = Urgency::Low;
    Ok(message)
}

fn test(channel: &OpenedChannel, message: &Message) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let sent = runtime.block_on(channel.channel.send(message));
    // Whoever still waits for a connection in the background is not waited for.
    runtime.shutdown_background();
    match sent {
        Ok(receipt) => Ok(format!("accepted: {} {}", receipt.reference, receipt.note)),
        Err(DeliveryError::Permanent { reason }) => bail!("refused for good: {reason}"),
        Err(DeliveryError::Retryable {
            reason,
            retry_after_seconds,
        }) => match retry_after_seconds {
            Some(seconds) => bail!("not now, again after {seconds} s: {reason}"),
            None => bail!("not now: {reason}"),
        },
    }
}
