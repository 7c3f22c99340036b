//! DNS response-policy zones: the post is the primary of a zone in which every blocked name, and all below it, has no answer. Resolvers
//! fetch it by zone transfer, whole or by differences, and are told at once when it changes.

mod notify;
mod question;
mod server;
mod transfer;
mod zone;

use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    base::Name,
    tsig::{Algorithm, Key, KeyName},
};
use jiff::Timestamp;
use model::ActionKind;
use serde::{Deserialize, Serialize};

use self::zone::{Zone, blocked_name};
use super::{Asking, Changed, Demand, Drift, Enforcer, Planned, Seen, Wanted, not_here};
use crate::{
    SecretReference,
    channels::{DeliveryError, Wrong},
};

/// So many names of an action are asked for to see its effect.
const SAMPLE: usize = 8;

/// A `[devices.NAME]` section of kind `rpz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpzConfig {
    /// The name of the zone.
    pub zone: String,
    /// Where transfers are served, over TCP and UDP.
    pub listen: SocketAddr,
    /// The key with which transfers and notices are signed (TSIG, RFC 8945).
    pub key: Option<KeyConfig>,
    /// The resolvers that fetch the zone.
    pub secondaries: Vec<SecondaryConfig>,
    /// A file that the zone is also written to, for resolvers that read one.
    pub file: Option<std::path::PathBuf>,
    /// How long one question to a resolver may take.
    pub timeout_seconds: u64,
}

impl Default for RpzConfig {
    fn default() -> Self {
        Self {
            zone: String::from("rpz.watchpost"),
            listen: SocketAddr::from(([127, 0, 0, 1], 5300)),
            key: None,
            secondaries: Vec::new(),
            file: None,
            timeout_seconds: 2,
        }
    }
}

/// A key for TSIG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Its name, the same at both ends.
    pub name: String,
    /// Its algorithm.
    #[serde(default)]
    pub algorithm: TsigAlgorithm,
    /// Its bits in base64.
    pub secret: SecretReference,
}

/// The algorithms of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TsigAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
}

/// A resolver that fetches the zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondaryConfig {
    /// Where it is told of changes; transfers are given to its address.
    pub address: SocketAddr,
    /// Whether it signs what it asks. One that does not is known by its address alone.
    #[serde(default = "signed")]
    pub signed: bool,
    /// Where it answers questions, to see whether a name is blocked; `address` when it is not set.
    #[serde(default)]
    pub resolver: Option<SocketAddr>,
}

const fn signed() -> bool {
    true
}

/// What the server, the notices and the device share.
struct Shared {
    zone: Mutex<Zone>,
    key: Option<Arc<Key>>,
    secondaries: Vec<SecondaryConfig>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Shared {
    fn zone(&self) -> std::sync::MutexGuard<'_, Zone> {
        // A panic while the zone was held leaves what was last written whole.
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response-policy zone.
pub struct Rpz {
    shared: Arc<Shared>,
    apex: String,
    timeout: Duration,
}

impl fmt::Debug for Rpz {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rpz")
            .field("zone", &self.apex)
            .finish_non_exhaustive()
    }
}

impl Rpz {
    /// Opens the device: reads the zone from its folder, and serves it. Called within a runtime of tokio.
    ///
    /// # Errors
    /// When the zone cannot be read, the address cannot be listened at, or the key is wrong.
    pub fn open(
        config: &RpzConfig,
        folder: &Path,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Result<Self, Wrong> {
        let apex = config.zone.trim_end_matches('.').to_ascii_lowercase();
        apex.parse::<Name<Vec<u8>>>()
            .map_err(|error| Wrong::new("zone", error))?;
        let key = config.key.as_ref().map(read_key).transpose()?.map(Arc::new);
        if key.is_none() && config.secondaries.iter().any(|secondary| secondary.signed) {
            return Err(Wrong::new("key", "is not set, but a secondary signs what it asks"));
        }
        let zone = Zone::open(folder, &apex, config.file.clone()).map_err(|error| Wrong::new("zone", error))?;
        let shared = Arc::new(Shared {
            zone: Mutex::new(zone),
            key,
            secondaries: config.secondaries.clone(),
            clock,
        });
        server::start(config.listen, &shared).map_err(|error| Wrong::new("listen", error))?;
        tokio::spawn(notify::all(Arc::clone(&shared)));
        Ok(Self {
            shared,
            apex,
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 30)),
        })
    }

    /// The serial number of the zone as it stands.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.shared.zone().serial()
    }

    async fn change(&self, demand: &Demand, add: bool) -> Result<Changed, DeliveryError> {
        let names = names_of(demand, &self.apex)?;
        let names: BTreeSet<String> = if add {
            names.into_iter().collect()
        } else {
            names.into_iter().filter(|name| !demand.others.contains(name)).collect()
        };
        let (shared, now) = (Arc::clone(&self.shared), demand.at);
        let changing = tokio::task::spawn_blocking(move || {
            let mut zone = shared.zone();
            let changed = if add {
                zone.change(&names, &BTreeSet::new(), now)
            } else {
                zone.change(&BTreeSet::new(), &names, now)
            };
            changed.map(|changed| (changed, zone.serial()))
        });
        let (changed, serial) = changing
            .await
            .map_err(DeliveryError::retryable)?
            .map_err(DeliveryError::retryable)?;
        if changed {
            tokio::spawn(notify::all(Arc::clone(&self.shared)));
        }
        Ok(Changed {
            note: format!("zone {} has serial {serial}", self.apex),
        })
    }

    async fn seen(&self, demand: &Demand, wanted: Wanted) -> Result<Seen, DeliveryError> {
        let names: Vec<String> = names_of(demand, &self.apex)?
            .into_iter()
            .filter(|name| wanted == Wanted::InForce || !demand.others.contains(name))
            .collect();
        let in_zone = {
            let zone = self.shared.zone();
            names.iter().filter(|name| zone.has(name)).count()
        };
        let served = if wanted == Wanted::InForce {
            in_zone == names.len()
        } else {
            in_zone == 0
        };
        if !served {
            let all = names.len();
            let text = format!("{in_zone} trên {all} tên có trong vùng / {in_zone} of {all} names are in the zone");
            return Ok(Seen {
                holds: Some(false),
                text,
            });
        }
        let resolvers: Vec<SocketAddr> = self
            .shared
            .secondaries
            .iter()
            .map(|secondary| secondary.resolver.unwrap_or(secondary.address))
            .collect();
        if resolvers.is_empty() {
            let text = "vùng đã đúng; chưa cấu hình máy phân giải nào để hỏi / the zone is right; no resolver is configured that could be asked".to_owned();
            return Ok(Seen { holds: None, text });
        }
        question::ask_all(&resolvers, &sample(&names), wanted, self.timeout).await
    }

    fn planned(&self, demand: &Demand) -> Result<Planned, DeliveryError> {
        let names = names_of(demand, &self.apex)?;
        let line = |name: &String| {
            if demand.others.contains(name) {
                format!("= {name} (another action holds it)")
            } else {
                format!("+ {name}.{apex} CNAME . and *.{name}.{apex} CNAME .", apex = self.apex)
            }
        };
        Ok(Planned {
            lines: names.iter().map(line).collect(),
            undoable: true,
        })
    }
}

impl Enforcer for Rpz {
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned> {
        Box::pin(async { self.planned(demand) })
    }

    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, true))
    }

    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, false))
    }

    fn verify<'a>(&'a self, demand: &'a Demand, wanted: Wanted) -> Asking<'a, Seen> {
        Box::pin(self.seen(demand, wanted))
    }

    fn drift<'a>(&'a self, desired: &'a BTreeSet<String>) -> Asking<'a, Option<Drift>> {
        Box::pin(async move {
            let zone = self.shared.zone();
            let held = zone.names();
            Ok(Some(Drift {
                missing: desired.difference(held).cloned().collect(),
                stray: held.difference(desired).cloned().collect(),
            }))
        })
    }
}

/// Some of the names, first and last among them.
fn sample(names: &[String]) -> Vec<String> {
    if names.len() <= SAMPLE {
        return names.to_vec();
    }
    (0..SAMPLE)
        .map(|n| names[n * (names.len() - 1) / (SAMPLE - 1)].clone())
        .collect()
}

fn names_of(demand: &Demand, apex: &str) -> Result<Vec<String>, DeliveryError> {
    match &demand.kind {
        ActionKind::BlockNames { names } => names
            .iter()
            .map(|name| blocked_name(name, apex).map_err(DeliveryError::permanent))
            .collect(),
        kind @ (ActionKind::BlockAddresses { .. } | ActionKind::Invoke { .. } | ActionKind::Ask { .. }) => {
            Err(not_here(kind))
        }
    }
}

fn read_key(config: &KeyConfig) -> Result<Key, Wrong> {
    let secret = config.secret.read()?;
    // The text of the error would quote the secret.
    let bits = BASE64_STANDARD
        .decode(secret.expose())
        .map_err(|_| Wrong::new("key", "its secret is not base64"))?;
    let name: KeyName = config
        .name
        .parse()
        .map_err(|_| Wrong::new("key", "its name is none of the DNS"))?;
    let algorithm = match config.algorithm {
        TsigAlgorithm::HmacSha256 => Algorithm::Sha256,
        TsigAlgorithm::HmacSha512 => Algorithm::Sha512,
    };
    Key::new(algorithm, &bits, name, None, None).map_err(|error| Wrong::new("key", error))
}
