//! The sections of the devices: `[devices.NAME]` for each product, and how they are opened.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use jiff::Timestamp;
use model::ActionKind;
use serde::{Deserialize, Serialize};

use super::{
    Enforcer, MailDevice, Nftables, Rpz, http::HttpDevice, http::HttpDeviceConfig, mail::MailDeviceConfig,
    nftables::NftablesConfig, rpz::RpzConfig, ssh::SshDevice, ssh::SshDeviceConfig,
};
use crate::channels::{Carrier, ConfigError, OpenedChannel, Wrong};

/// One `[devices.NAME]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum DeviceConfig {
    /// A packet filter.
    Nftables(NftablesConfig),
    /// A response-policy zone of the DNS.
    Rpz(RpzConfig),
    /// Anything with an HTTP API.
    Http(HttpDeviceConfig),
    /// A host that is told what to do over SSH.
    Ssh(SshDeviceConfig),
    /// Somebody who is asked by mail.
    Mail(MailDeviceConfig),
}

/// The devices of a post by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DevicesConfig {
    /// The sections.
    pub devices: BTreeMap<String, DeviceConfig>,
}

/// A device, ready to be asked.
#[derive(Debug, Clone)]
pub struct OpenedDevice {
    /// Its name in the configuration.
    pub name: String,
    /// Its kind in the configuration.
    pub kind: &'static str,
    /// What it is asked through.
    pub enforcer: Arc<dyn Enforcer>,
}

/// What devices are opened with.
pub struct Opening<'a> {
    /// The folder in which devices keep what they serve.
    pub folder: &'a Path,
    /// The channels, for devices that are asked by mail.
    pub channels: &'a [OpenedChannel],
    /// The time, for signatures.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Opening<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opening")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl DevicesConfig {
    /// Most devices.
    pub const DEVICES_MAX: usize = 1_000;

    /// Opens all devices; nothing is changed yet. Called within a runtime of tokio.
    ///
    /// # Errors
    /// The first device that cannot be opened.
    pub fn open(&self, opening: &Opening<'_>) -> Result<Vec<OpenedDevice>, ConfigError> {
        let open = |(name, config): (&String, &DeviceConfig)| {
            open(name, config, opening).map_err(|wrong| ConfigError {
                section: "devices",
                name: name.clone(),
                wrong,
            })
        };
        self.devices.iter().take(Self::DEVICES_MAX).map(open).collect()
    }
}

impl DeviceConfig {
    /// The kind by its word in the configuration.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nftables(_) => "nftables",
            Self::Rpz(_) => "rpz",
            Self::Http(_) => "http",
            Self::Ssh(_) => "ssh",
            Self::Mail(_) => "mail",
        }
    }

    /// Whether it takes actions of a kind.
    #[must_use]
    pub fn takes(&self, kind: &ActionKind) -> bool {
        match (self, kind) {
            (Self::Nftables(_), ActionKind::BlockAddresses { .. })
            | (Self::Rpz(_), ActionKind::BlockNames { .. })
            | (Self::Mail(_), ActionKind::Ask { .. }) => true,
            (Self::Http(config), ActionKind::Invoke { name, .. }) => config.calls.contains_key(name),
            (Self::Ssh(config), ActionKind::Invoke { name, .. }) => config.commands.contains_key(name),
            (
                Self::Nftables(_) | Self::Rpz(_) | Self::Http(_) | Self::Ssh(_) | Self::Mail(_),
                ActionKind::BlockAddresses { .. }
                | ActionKind::BlockNames { .. }
                | ActionKind::Invoke { .. }
                | ActionKind::Ask { .. },
            ) => false,
        }
    }
}

fn open(name: &str, config: &DeviceConfig, opening: &Opening<'_>) -> Result<OpenedDevice, Wrong> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 40 || !name.bytes().all(plain) {
        return Err(Wrong::new(
            "name",
            "has other signs than a-z, 0-9 and -, or more than 40",
        ));
    }
    let enforcer: Arc<dyn Enforcer> = match config {
        DeviceConfig::Nftables(config) => Arc::new(Nftables::open(config)?),
        DeviceConfig::Rpz(config) => Arc::new(Rpz::open(config, opening.folder, Arc::clone(&opening.clock))?),
        DeviceConfig::Http(config) => Arc::new(HttpDevice::open(config)?),
        DeviceConfig::Ssh(config) => Arc::new(SshDevice::open(config)?),
        DeviceConfig::Mail(config) => {
            let channel = opening.channels.iter().find(|channel| channel.name == config.channel);
            let channel = channel.filter(|channel| channel.carries == Carrier::Email);
            let missing = || {
                Wrong::new(
                    "channel",
                    format!("{:?} is no channel that brings mail", config.channel),
                )
            };
            Arc::new(MailDevice::open(
                config,
                Arc::clone(&channel.ok_or_else(missing)?.channel),
            )?)
        }
    };
    Ok(OpenedDevice {
        name: name.to_owned(),
        kind: config.word(),
        enforcer,
    })
}
