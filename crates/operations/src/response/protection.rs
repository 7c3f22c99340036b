//! What an action must not touch, and what it touches that more people must agree to: own resolvers, gateways, the console, networks and
//! names that the organisation lives by.

use std::collections::{BTreeMap, BTreeSet};

use model::{ActionKind, Network, Touch};

use super::Refusal;

/// What holds for something protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// It is never touched.
    Never,
    /// It is touched when so many people agree.
    Quorum(u32),
}

/// Something that is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// A network, or a name with everything below it.
    pub element: String,
    /// What it is.
    pub what: String,
    /// What holds for it.
    pub guard: Guard,
    /// About how many users it serves.
    pub users: Option<u64>,
}

/// Everything that is protected, ready to be looked up.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    networks: Vec<(Network, Protected)>,
    names: BTreeMap<String, Protected>,
}

impl Protection {
    /// Takes what is protected.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Protected>) -> Self {
        let mut protection = Self::default();
        for protected in all {
            if let Ok(network) = protected.element.parse() {
                protection.networks.push((network, protected));
            } else {
                let name = protected.element.trim_end_matches('.').to_ascii_lowercase();
                protection.names.insert(name, protected);
            }
        }
        protection
    }

    /// What an action touches that is not forbidden, each once.
    ///
    /// # Errors
    /// When something must not be touched.
    pub fn touches(&self, kind: &ActionKind) -> Result<Vec<Touch>, Refusal> {
        let mut touches = BTreeSet::new();
        match kind {
            ActionKind::BlockAddresses { addresses } => {
                for address in addresses {
                    let network: Network = address.parse().map_err(|_| Refusal::NotAnElement(address.clone()))?;
                    for (held, protected) in &self.networks {
                        if held.overlaps(network) {
                            touches.insert(touch(address, protected)?);
                        }
                    }
                }
            }
            ActionKind::BlockNames { names } => {
                for name in names {
                    for protected in self.names_near(name) {
                        touches.insert(touch(name, protected)?);
                    }
                }
            }
            ActionKind::Invoke { values, .. } => {
                // What a call does with a value is its own business; whether the value is protected can be seen all the same.
                for value in values.values() {
                    let network = value.parse::<Network>().ok();
                    let held = self
                        .networks
                        .iter()
                        .filter(|(held, _)| network.is_some_and(|network| held.overlaps(network)));
                    for (_, protected) in held {
                        touches.insert(touch(value, protected)?);
                    }
                    for protected in self.names_near(&value.to_ascii_lowercase()) {
                        touches.insert(touch(value, protected)?);
                    }
                }
            }
            ActionKind::Ask { .. } => {}
        }
        Ok(touches.into_iter().collect())
    }

    /// Protected names that a name lies below, is, or lies above: blocking a name blocks what is below it.
    fn names_near<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Protected> {
        let above: Vec<&Protected> = name
            .match_indices('.')
            .map(|(dot, _)| &name[dot + 1..])
            .chain([name])
            .filter_map(|above| self.names.get(above))
            .collect();
        let below = format!(".{name}");
        let below = self
            .names
            .iter()
            .filter(move |(held, _)| held.ends_with(&below))
            .map(|(_, protected)| protected);
        above.into_iter().chain(below)
    }
}

fn touch(element: &str, protected: &Protected) -> Result<Touch, Refusal> {
    match protected.guard {
        Guard::Never => Err(Refusal::Protected {
            element: element.to_owned(),
            what: match protected.what.split_once(" / ") {
                Some((vi, en)) => format!("{vi} ({held}) / {en} ({held})", held = protected.element),
                None => format!("{} ({})", protected.what, protected.element),
            },
        }),
        Guard::Quorum(quorum) => Ok(Touch {
            element: element.to_owned(),
            what: protected.what.clone(),
            quorum,
            users: protected.users,
        }),
    }
}

/// The elements of an action in one form, each once, in order.
///
/// # Errors
/// When one is no address or name, there is none, or there are too many.
pub(super) fn in_one_form(kind: ActionKind) -> Result<ActionKind, Refusal> {
    let count = kind.elements().len();
    if count > ActionKind::ELEMENTS_MAX {
        return Err(Refusal::NotAnElement(format!("{count} > {}", ActionKind::ELEMENTS_MAX)));
    }
    let some = |elements: BTreeSet<String>| {
        if elements.is_empty() {
            Err(Refusal::NotAnElement("—".to_owned()))
        } else {
            Ok(elements.into_iter().collect())
        }
    };
    Ok(match kind {
        ActionKind::BlockAddresses { addresses } => {
            let read = |text: String| match text.trim().parse::<Network>() {
                Ok(network) => Ok(network.to_string()),
                Err(_) => Err(Refusal::NotAnElement(text)),
            };
            let addresses: BTreeSet<String> = addresses.into_iter().map(read).collect::<Result<_, _>>()?;
            ActionKind::BlockAddresses {
                addresses: some(addresses)?,
            }
        }
        ActionKind::BlockNames { names } => {
            let names: BTreeSet<String> = names.into_iter().map(host_name).collect::<Result<_, _>>()?;
            ActionKind::BlockNames { names: some(names)? }
        }
        kind @ (ActionKind::Invoke { .. } | ActionKind::Ask { .. }) => kind,
    })
}

fn host_name(text: String) -> Result<String, Refusal> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let sound = name.len() <= 200
        && name.contains('.')
        && name.split('.').all(part)
        && name.parse::<std::net::IpAddr>().is_err();
    if sound {
        Ok(name)
    } else {
        Err(Refusal::NotAnElement(text))
    }
}
