//! Enforcement: how the post changes devices, one file per product behind one trait. What is applied twice is applied once, what is taken
//! back leaves the device as it was, and what is in force can be seen.

mod config;
mod http;
mod mail;
mod nftables;
mod rpz;
mod shell;
mod ssh;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    pin::Pin,
};

use jiff::Timestamp;
use model::{ActionKind, Network};

pub use config::{DeviceConfig, DevicesConfig, OpenedDevice, Opening};
pub use http::{CallConfig, CheckConfig, HttpDeviceConfig, RequestConfig};
pub use mail::{MailDevice, MailDeviceConfig};
pub use nftables::{Nftables, NftablesConfig};
pub use rpz::{KeyConfig, Rpz, RpzConfig, SecondaryConfig, TsigAlgorithm};
pub use shell::SshConfig;
pub use ssh::{CommandConfig, SshDeviceConfig};

use crate::channels::DeliveryError;

/// What is asked of a device for one action.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The action's key: the same for every attempt.
    pub key: String,
    /// What is changed.
    pub kind: ActionKind,
    /// What other actions hold at the device: it stays when this one is taken back.
    pub others: BTreeSet<String>,
    /// Who, why and under which letter, by name (`requester`, `reason`, `letter`, `incident`), for templates.
    pub facts: BTreeMap<String, String>,
    /// The moment of the attempt.
    pub at: Timestamp,
}

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The exact change, line by line; without secrets.
    pub lines: Vec<String>,
    /// Whether the device can take it back.
    pub undoable: bool,
}

/// What the device answered when it changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it said, in one line.
    pub note: String,
}

/// Which state of an action is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It has its effect.
    InForce,
    /// It has none any more.
    Gone,
}

/// What was seen at a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whether what was looked for is so; none when it cannot be seen.
    pub holds: Option<bool>,
    /// What was seen, in one line, as `Vietnamese / English`.
    pub text: String,
}

impl Seen {
    /// What a device answered when it was asked whether something is in force.
    fn told(who: &str, is_so: bool, wanted: Wanted) -> Self {
        Self {
            holds: Some(is_so == (wanted == Wanted::InForce)),
            text: if is_so {
                format!("{who}: đúng là đang có / {who} says that it is so")
            } else {
                format!("{who}: không có / {who} says that it is not so")
            },
        }
    }
}

/// How a device differs from what is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// What should be there and is not.
    pub missing: BTreeSet<String>,
    /// What is in the post's own part of the device and belongs to no action.
    pub stray: BTreeSet<String>,
}

impl Drift {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.stray.is_empty()
    }
}

/// Something asked of a device, under way.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, DeliveryError>> + Send + 'a>>;

/// A device that carries out actions. Every call ends within the time that its configuration sets, is safe to repeat, and safe to drop:
/// then it counts as not answered.
pub trait Enforcer: Send + Sync + fmt::Debug {
    /// Says what would change, and changes nothing.
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned>;

    /// Puts it into force. What is in force already stays.
    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed>;

    /// Takes it back, but for what others hold. What is gone already stays gone.
    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed>;

    /// Looks whether it has its effect, or has none any more.
    fn verify<'a>(&'a self, demand: &'a Demand, wanted: Wanted) -> Asking<'a, Seen>;

    /// How the device differs from what should be in force there; none where that cannot be listed.
    fn drift<'a>(&'a self, _desired: &'a BTreeSet<String>) -> Asking<'a, Option<Drift>> {
        Box::pin(async { Ok(None) })
    }
}

/// A kind of action that a device does not have.
fn not_here(kind: &ActionKind) -> DeliveryError {
    DeliveryError::permanent(format!("this device does not take actions of the kind {}", kind.word()))
}

/// The networks of an action that blocks addresses.
fn networks(elements: &[String]) -> Result<Vec<Network>, DeliveryError> {
    elements
        .iter()
        .map(|element| element.parse().map_err(DeliveryError::permanent))
        .collect()
}
