//! nftables: addresses and networks that are dropped, in a table of the post's own, on this host or over SSH. Every change is one
//! transaction of the kernel; nothing outside the table is read or touched.

mod listing;
mod script;

use std::collections::BTreeSet;

use model::{ActionKind, Network};
use serde::{Deserialize, Serialize};

use self::script::Script;
use super::{
    Asking, Changed, Demand, Drift, Enforcer, Planned, Seen, Wanted, networks, not_here,
    shell::{Ran, Shell, SshConfig},
};
use crate::channels::{DeliveryError, Wrong};

/// A `[devices.NAME]` section of kind `nftables`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NftablesConfig {
    /// The name of the table, which is the post's alone.
    pub table: String,
    /// How `nft` is started: `["nft"]`, `["sudo", "-n", "nft"]`, `["ip", "netns", "exec", "edge", "nft"]`.
    pub command: Vec<String>,
    /// The host it runs on, reached over SSH; this host when it is not set.
    pub ssh: Option<SshConfig>,
    /// How long one change may take.
    pub timeout_seconds: u64,
}

impl Default for NftablesConfig {
    fn default() -> Self {
        Self {
            table: String::from("watchpost"),
            command: vec![String::from("nft")],
            ssh: None,
            timeout_seconds: 20,
        }
    }
}

/// A packet filter.
#[derive(Debug)]
pub struct Nftables {
    shell: Shell,
    command: Vec<String>,
    table: String,
}

impl Nftables {
    /// Opens the device; nothing is asked of it yet.
    ///
    /// # Errors
    /// When a word of the configuration cannot be one, or a file is missing.
    pub fn open(config: &NftablesConfig) -> Result<Self, Wrong> {
        let name = !config.table.is_empty()
            && config.table.len() <= 64
            && config
                .table
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && config.table.starts_with(|sign: char| sign.is_ascii_alphabetic());
        if !name {
            return Err(Wrong::new("table", "is not a name of letters, digits and _"));
        }
        let plain = |word: &String| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
        };
        if config.command.is_empty() || !config.command.iter().all(plain) {
            return Err(Wrong::new("command", "is not a list of plain words"));
        }
        let shell = match &config.ssh {
            None => Shell::here(config.timeout_seconds),
            Some(ssh) => Shell::over_ssh(ssh, config.timeout_seconds)?,
        };
        Ok(Self {
            shell,
            command: config.command.clone(),
            table: config.table.clone(),
        })
    }

    async fn nft(&self, arguments: &[&str], input: &[u8]) -> Result<Ran, DeliveryError> {
        let mut command = self.command.clone();
        command.extend(arguments.iter().map(|word| (*word).to_owned()));
        self.shell.run(&command, input).await
    }

    /// Hands one transaction to the kernel.
    async fn commit(&self, script: &Script) -> Result<(), DeliveryError> {
        let ran = self.nft(&["-j", "-f", "-"], &script.bytes()).await?;
        if ran.status == 0 { Ok(()) } else { Err(failed(&ran)) }
    }

    /// Whether the kernel would take a transaction, which is then not carried out.
    async fn would_take(&self, script: &Script) -> Result<bool, DeliveryError> {
        let ran = self.nft(&["-c", "-j", "-f", "-"], &script.bytes()).await?;
        if ran.status == 0 {
            return Ok(true);
        }
        if ran.said.contains("No such file or directory") || ran.said.contains("File exists") {
            return Ok(false);
        }
        Err(failed(&ran))
    }

    /// The networks that the kernel holds, each as it stands there.
    async fn held_networks(&self, v4: bool) -> Result<BTreeSet<String>, DeliveryError> {
        let set = script::networks_set(v4);
        let ran = self.nft(&["-j", "list", "set", "inet", &self.table, set], &[]).await?;
        if ran.status != 0 {
            return if ran.said.contains("No such file") {
                Ok(BTreeSet::new())
            } else {
                Err(failed(&ran))
            };
        }
        Ok(listing::read(&ran.out).map_err(DeliveryError::retryable)?.elements)
    }

    async fn seen(&self, demand: &Demand, wanted: Wanted) -> Result<Seen, DeliveryError> {
        let wanted_networks = wanted_of(demand)?;
        let others = &demand.others;
        let looked_for: Vec<Network> = match wanted {
            Wanted::InForce => wanted_networks,
            Wanted::Gone => wanted_networks
                .into_iter()
                .filter(|network| !others.contains(&network.to_string()))
                .collect(),
        };
        let (singles, nets): (Vec<Network>, Vec<Network>) =
            looked_for.into_iter().partition(|network| network.is_single());
        let mut holds = true;
        if !singles.is_empty() {
            let probe = Script::probe(&self.table, &singles, wanted == Wanted::InForce);
            holds = match (self.would_take(&probe).await?, wanted) {
                (taken, Wanted::InForce) => taken,
                // Without the table nothing can be created in it, and nothing is in force.
                (taken, Wanted::Gone) => taken || !self.exists().await?,
            };
        }
        if !nets.is_empty() {
            let mut held = self.held_networks(true).await?;
            held.extend(self.held_networks(false).await?);
            let held: Vec<Network> = held.iter().filter_map(|text| text.parse().ok()).collect();
            holds &= match wanted {
                Wanted::InForce => nets.iter().all(|net| held.iter().any(|held| held.contains(*net))),
                Wanted::Gone => nets.iter().all(|net| !held.contains(net)),
            };
        }
        let text = match (holds, wanted) {
            (true, Wanted::InForce) => "nhân giữ đủ mọi địa chỉ và mạng / the kernel holds every address and network",
            (false, Wanted::InForce) => {
                "nhân không giữ đủ địa chỉ và mạng / the kernel does not hold every address and network"
            }
            (true, Wanted::Gone) => {
                "nhân không còn giữ địa chỉ hay mạng nào / the kernel holds none of the addresses and networks"
            }
            (false, Wanted::Gone) => {
                "nhân vẫn còn giữ địa chỉ hay mạng / the kernel still holds some of the addresses and networks"
            }
        };
        Ok(Seen {
            holds: Some(holds),
            text: text.to_owned(),
        })
    }

    async fn exists(&self) -> Result<bool, DeliveryError> {
        self.would_take(&Script::whether_there(&self.table)).await
    }

    async fn planned(&self, demand: &Demand) -> Result<Planned, DeliveryError> {
        let networks = wanted_of(demand)?;
        let ran = self.nft(&["-j", "list", "tables"], &[]).await?;
        if ran.status != 0 {
            return Err(failed(&ran));
        }
        let line = |network: &Network| {
            let text = network.to_string();
            if demand.others.contains(&text) {
                format!(
                    "= inet {} {}: {text} (another action holds it)",
                    self.table,
                    script::set_of(*network)
                )
            } else {
                format!("+ inet {} {}: {text}", self.table, script::set_of(*network))
            }
        };
        Ok(Planned {
            lines: networks.iter().map(line).collect(),
            undoable: true,
        })
    }

    async fn applied(&self, demand: &Demand) -> Result<Changed, DeliveryError> {
        let wanted = wanted_of(demand)?;
        let others = networks_of(&demand.others);
        self.commit(&Script::apply(&self.table, &wanted, &others)).await?;
        Ok(Changed {
            note: format!("nft +{}", wanted.len()),
        })
    }

    async fn reverted(&self, demand: &Demand) -> Result<Changed, DeliveryError> {
        let wanted = wanted_of(demand)?;
        let others = networks_of(&demand.others);
        self.commit(&Script::revert(&self.table, &wanted, &others)).await?;
        Ok(Changed {
            note: format!("nft −{}", wanted.len()),
        })
    }

    async fn drifted(&self, desired: &BTreeSet<String>) -> Result<Drift, DeliveryError> {
        let ran = self.nft(&["-j", "list", "table", "inet", &self.table], &[]).await?;
        let listing = if ran.status == 0 {
            listing::read(&ran.out).map_err(DeliveryError::retryable)?
        } else if ran.said.contains("No such file") {
            listing::Listing::default()
        } else {
            return Err(failed(&ran));
        };
        let wanted = networks_of(desired);
        let (singles, nets): (Vec<Network>, Vec<Network>) = wanted.into_iter().partition(|network| network.is_single());
        let expected: BTreeSet<String> = singles
            .iter()
            .chain(&script::widest(&nets))
            .map(ToString::to_string)
            .collect();
        if !expected.is_empty() && !listing.is_whole() {
            // Without its chains and rules no element has an effect: all of it must be put there again.
            return Ok(Drift {
                missing: desired.clone(),
                stray: listing.elements.difference(&expected).cloned().collect(),
            });
        }
        let missing = expected.difference(&listing.elements).cloned().collect();
        let stray = listing.elements.difference(&expected).cloned().collect();
        Ok(Drift { missing, stray })
    }
}

impl Enforcer for Nftables {
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned> {
        Box::pin(self.planned(demand))
    }

    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.applied(demand))
    }

    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.reverted(demand))
    }

    fn verify<'a>(&'a self, demand: &'a Demand, wanted: Wanted) -> Asking<'a, Seen> {
        Box::pin(self.seen(demand, wanted))
    }

    fn drift<'a>(&'a self, desired: &'a BTreeSet<String>) -> Asking<'a, Option<Drift>> {
        Box::pin(async move { self.drifted(desired).await.map(Some) })
    }
}

fn wanted_of(demand: &Demand) -> Result<Vec<Network>, DeliveryError> {
    match &demand.kind {
        ActionKind::BlockAddresses { addresses } => networks(addresses),
        kind @ (ActionKind::BlockNames { .. } | ActionKind::Invoke { .. } | ActionKind::Ask { .. }) => {
            Err(not_here(kind))
        }
    }
}

/// What is an address or a network of what a device holds.
fn networks_of(elements: &BTreeSet<String>) -> Vec<Network> {
    elements.iter().filter_map(|element| element.parse().ok()).collect()
}

fn failed(ran: &Ran) -> DeliveryError {
    let passes = [
        "Resource busy",
        "resource busy",
        "Interrupted",
        "temporarily",
        "No buffer space",
    ];
    let reason = format!("nft ended with {}: {}", ran.status, ran.said);
    if passes.iter().any(|word| ran.said.contains(word)) {
        DeliveryError::retryable(reason)
    } else {
        DeliveryError::permanent(reason)
    }
}
