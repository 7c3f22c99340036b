//! Transactions for `nft -j`: the table as the post lays it out, and what is added to and taken out of its sets.

use model::Network;
use serde_json::{Value, json};

/// The name of the table's counter of dropped packets.
const DROPPED: &str = "dropped";
/// Before connection tracking, so that a flood costs no entries there, and after fragments were joined (-400).
const ARRIVING_PRIORITY: i32 = -290;
/// Before what others hook to leaving packets at the usual places.
const LEAVING_PRIORITY: i32 = -200;
/// The chains, with hook, priority and the side of the packet that they look at.
pub(super) const CHAINS: [(&str, &str, i32, &str); 2] = [
    ("arriving", "prerouting", ARRIVING_PRIORITY, "saddr"),
    ("leaving", "postrouting", LEAVING_PRIORITY, "daddr"),
];
/// The sets, with type, protocol, and whether they hold networks.
pub(super) const SETS: [(&str, &str, &str, bool); 4] = [
    ("addresses4", "ipv4_addr", "ip", false),
    ("addresses6", "ipv6_addr", "ip6", false),
    ("networks4", "ipv4_addr", "ip", true),
    ("networks6", "ipv6_addr", "ip6", true),
];

/// The set of networks of one family.
pub(super) const fn networks_set(v4: bool) -> &'static str {
    if v4 { "networks4" } else { "networks6" }
}

/// The set that an address or network belongs into.
pub(super) const fn set_of(network: Network) -> &'static str {
    match (network.is_single(), network.is_v4()) {
        (true, true) => "addresses4",
        (true, false) => "addresses6",
        (false, v4) => networks_set(v4),
    }
}

/// Those networks that no other one contains: the kernel holds no two that overlap.
pub(super) fn widest(networks: &[Network]) -> Vec<Network> {
    let mut sorted = networks.to_vec();
    sorted.sort_by_key(|network| (network.is_v4(), network.address(), network.length()));
    let mut widest: Vec<Network> = Vec::new();
    for network in sorted {
        if !widest.last().is_some_and(|last| last.contains(network)) {
            widest.push(network);
        }
    }
    widest
}

/// One transaction.
#[derive(Debug)]
pub(super) struct Script {
    table: String,
    commands: Vec<Value>,
}

impl Script {
    /// Puts everything into force: the layout where it is not there, the addresses, and all networks anew.
    pub(super) fn apply(table: &str, wanted: &[Network], others: &[Network]) -> Self {
        let mut script = Self::empty(table);
        script.layout();
        script.elements("add", &singles(wanted));
        if wanted.iter().any(|network| !network.is_single()) {
            script.renew_networks(wanted.iter().chain(others));
        }
        script
    }

    /// Takes out what nobody else holds; with the last element the table goes.
    pub(super) fn revert(table: &str, wanted: &[Network], others: &[Network]) -> Self {
        let mut script = Self::empty(table);
        if others.is_empty() {
            // Adding what is there changes nothing, and what was not there is deleted again: nothing needs to be looked up before.
            script.push("add", "table", json!({}));
            script.push("delete", "table", json!({}));
            return script;
        }
        script.layout();
        let held: std::collections::BTreeSet<&Network> = others.iter().collect();
        let gone: Vec<Network> = wanted
            .iter()
            .copied()
            .filter(|network| network.is_single() && !held.contains(network))
            .collect();
        script.elements("add", &gone);
        script.elements("delete", &gone);
        if wanted.iter().any(|network| !network.is_single()) {
            script.renew_networks(others.iter());
        }
        script
    }

    /// What the kernel takes only when all these addresses are there, or none of them.
    pub(super) fn probe(table: &str, singles: &[Network], there: bool) -> Self {
        let mut script = Self::empty(table);
        script.elements(if there { "delete" } else { "create" }, singles);
        script
    }

    /// What the kernel takes only when the table is there.
    pub(super) fn whether_there(table: &str) -> Self {
        let mut script = Self::empty(table);
        script.push("delete", "table", json!({}));
        script
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        json!({ "nftables": self.commands }).to_string().into_bytes()
    }

    fn empty(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            commands: Vec::new(),
        }
    }

    fn push(&mut self, verb: &str, object: &str, mut body: Value) {
        body["family"] = json!("inet");
        let name = if object == "table" { "name" } else { "table" };
        body[name] = json!(self.table);
        self.commands.push(json!({ verb: { object: body } }));
    }

    fn layout(&mut self) {
        self.push("add", "table", json!({}));
        self.push("add", "counter", json!({ "name": DROPPED }));
        for (name, kind, _, holds_networks) in SETS {
            let mut set = json!({ "name": name, "type": kind });
            if holds_networks {
                set["flags"] = json!(["interval"]);
            }
            self.push("add", "set", set);
        }
        for (name, hook, priority, side) in CHAINS {
            self.push(
                "add",
                "chain",
                json!({ "name": name, "type": "filter", "hook": hook, "prio": priority, "policy": "accept" }),
            );
            self.push("flush", "chain", json!({ "name": name }));
            for (set, _, protocol, _) in SETS {
                let packet = json!({ "payload": { "protocol": protocol, "field": side } });
                let matching = json!({ "match": { "op": "==", "left": packet, "right": format!("@{set}") } });
                let rule = json!({ "chain": name, "expr": [matching, { "counter": DROPPED }, { "drop": null }] });
                self.push("add", "rule", rule);
            }
        }
    }

    /// Adds, creates or deletes elements of all sets.
    fn elements(&mut self, verb: &str, networks: &[Network]) {
        for (set, ..) in SETS {
            let elements: Vec<Value> = networks
                .iter()
                .copied()
                .filter(|network| set_of(*network) == set)
                .map(element)
                .collect();
            if !elements.is_empty() {
                self.push(verb, "element", json!({ "name": set, "elem": elements }));
            }
        }
    }

    fn renew_networks<'a>(&mut self, all: impl Iterator<Item = &'a Network>) {
        let nets: Vec<Network> = all.copied().filter(|network| !network.is_single()).collect();
        for v4 in [true, false] {
            self.push("flush", "set", json!({ "name": networks_set(v4) }));
        }
        self.elements("add", &widest(&nets));
    }
}

fn singles(networks: &[Network]) -> Vec<Network> {
    networks.iter().copied().filter(|network| network.is_single()).collect()
}

fn element(network: Network) -> Value {
    if network.is_single() {
        json!(network.to_string())
    } else {
        json!({ "prefix": { "addr": network.address().to_string(), "len": network.length() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_within_networks_are_left_out() {
        let all: Vec<Network> = [
            "10.1.0.0/16",
            "10.0.0.0/8",
            "192.0.2.0/24",
            "2001:db8::/32",
            "2001:db8:1::/48",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let texts: Vec<String> = widest(&all).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["2001:db8::/32", "10.0.0.0/8", "192.0.2.0/24"]);
    }
}
