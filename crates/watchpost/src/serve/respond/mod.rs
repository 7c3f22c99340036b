//! Carries out what was decided about devices, and goes on with plans: a lane for each device, one for plans, and a clock for what is over.

mod device;
mod overdue;
mod plans;
pub(crate) mod protection;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use cacao::Playbook;
use compact_str::CompactString;
use connectors::enforcement::{DeviceConfig, DevicesConfig, OpenedDevice, Opening};
use console::Responding;
use ledger::Ledger;
use model::{Id, Network};
use operations::response::{DeviceInfo, PlanRun, Policy};
use tokio::{sync::mpsc, task::JoinSet};

use super::deliver::Ways;
use crate::{clock, configuration::Configuration, plan_files::Plans};

/// What acting stands on: the devices, the rules of the organisation, the plans.
pub(crate) struct Means {
    pub(crate) policy: Policy,
    pub(crate) devices: Vec<DeviceInfo>,
    pub(crate) library: Vec<Playbook>,
    /// The names of the plans, each with its identifier.
    pub(crate) names: Arc<[(CompactString, String)]>,
}

impl Means {
    /// What the console needs of them.
    pub(crate) fn shown(&self) -> Arc<Responding> {
        Arc::new(Responding {
            policy: self.policy.clone(),
            devices: self.devices.clone(),
            plans: self.library.clone(),
        })
    }

    /// Takes them from the configuration.
    ///
    /// # Errors
    /// When the plans cannot be read.
    pub(crate) fn of(configuration: &Configuration) -> Result<Self> {
        let plans = Plans::read(&configuration.data)?;
        for problem in &plans.problems {
            tracing::error!("a plan is left out: {problem}");
        }
        Ok(Self {
            policy: configuration.response.policy(&protection::own(configuration)),
            devices: devices(&configuration.devices),
            names: plans
                .all()
                .into_iter()
                .map(|plan| (plan.name.as_str().into(), plan.playbook.id.to_string()))
                .collect(),
            library: plans.all().into_iter().map(|plan| plan.playbook.clone()).collect(),
        })
    }
}

fn devices(config: &DevicesConfig) -> Vec<DeviceInfo> {
    let info = |(name, config): (&String, &DeviceConfig)| DeviceInfo {
        name: name.clone(),
        kind: config.word(),
        calls: match config {
            DeviceConfig::Http(config) => config.calls.keys().cloned().collect(),
            DeviceConfig::Ssh(config) => config.commands.keys().cloned().collect(),
            DeviceConfig::Nftables(_) | DeviceConfig::Rpz(_) | DeviceConfig::Mail(_) => Vec::new(),
        },
    };
    config.devices.iter().map(info).collect()
}

/// Addresses of the devices themselves: an action that blocks one of them would lock the post out.
fn addresses_of_devices(config: &DevicesConfig) -> BTreeMap<Network, String> {
    let mut found = BTreeMap::new();
    for (name, device) in &config.devices {
        let hosts: Vec<String> = match device {
            DeviceConfig::Rpz(config) => config
                .secondaries
                .iter()
                .map(|secondary| secondary.address.ip().to_string())
                .collect(),
            DeviceConfig::Ssh(config) => vec![config.ssh.host.clone()],
            DeviceConfig::Nftables(config) => config.ssh.iter().map(|ssh| ssh.host.clone()).collect(),
            DeviceConfig::Http(_) | DeviceConfig::Mail(_) => Vec::new(),
        };
        for network in hosts.iter().filter_map(|host| host.parse().ok()) {
            found.insert(network, format!("thiết bị {name} / device {name}"));
        }
    }
    found
}

/// Opens the devices; nothing is asked of them yet.
///
/// # Errors
/// When one cannot be opened as it is configured.
pub(super) fn open(configuration: &Configuration, ways: &Ways) -> Result<Vec<OpenedDevice>> {
    let folder = configuration.data.join("devices");
    let opening = Opening {
        folder: &folder,
        channels: ways.channels(),
        clock: Arc::new(clock::now),
    };
    configuration.devices.open(&opening).context("opening the devices")
}

/// Starts everything that acts; the names of the lanes are given back.
///
/// # Errors
/// When the ledger cannot be written.
pub(super) fn start(
    ledger: &Ledger,
    means: &Arc<Means>,
    devices: Vec<OpenedDevice>,
    tasks: &mut JoinSet<()>,
) -> Result<Vec<String>> {
    // This post is the only one on its data: whatever was under way when it last ended is to be tried again now.
    ledger.release_leases(clock::now()).context("taking up the outbox")?;
    let (wake, woken) = mpsc::unbounded_channel::<Id<PlanRun>>();
    let mut lanes = Vec::new();
    for device in devices {
        let lane = device::DeviceLane::new(ledger.clone(), Arc::clone(means), device, wake.clone());
        lanes.push(lane.name().to_owned());
        tasks.spawn(lane.run());
    }
    tasks.spawn(overdue::watch(ledger.clone(), Arc::clone(means), wake));
    tasks.spawn(plans::go_on(ledger.clone(), Arc::clone(means), woken));
    Ok(lanes)
}
