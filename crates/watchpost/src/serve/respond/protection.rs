//! What an action may never touch, found on this machine: its own addresses, its gateways, its resolvers, and the devices themselves.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, Ipv6Addr},
};

use model::Network;
use operations::response::{Guard, Protected};

use crate::configuration::Configuration;

/// Everything of this machine that is protected.
pub(crate) fn own(configuration: &Configuration) -> Vec<Protected> {
    if !configuration.response.protect_this_host {
        return Vec::new();
    }
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut found: BTreeMap<Network, String> = super::addresses_of_devices(&configuration.devices);
    for (networks, what) in [
        (loopback(), "chính máy này / this machine"),
        (
            addresses4(&read("/proc/net/fib_trie")),
            "địa chỉ của máy này / an address of this machine",
        ),
        (
            addresses6(&read("/proc/net/if_inet6")),
            "địa chỉ của máy này / an address of this machine",
        ),
        (gateways4(&read("/proc/net/route")), "cổng ra mạng / the gateway"),
        (gateways6(&read("/proc/net/ipv6_route")), "cổng ra mạng / the gateway"),
        (resolvers(&read("/etc/resolv.conf")), "máy phân giải tên / the resolver"),
    ] {
        for network in networks {
            found.insert(network, what.to_owned());
        }
    }
    found
        .into_iter()
        .map(|(network, what)| Protected {
            element: network.to_string(),
            what,
            guard: Guard::Never,
            users: None,
        })
        .collect()
}

fn loopback() -> Vec<Network> {
    ["127.0.0.0/8", "::1"]
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}

/// Addresses marked as those of the host (`/32 host LOCAL`).
fn addresses4(text: &str) -> Vec<Network> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[1].starts_with("/32 host LOCAL"))
        .filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse().ok())
        .collect()
}

fn addresses6(text: &str) -> Vec<Network> {
    text.lines()
        .filter_map(|line| v6(line.split_whitespace().next()?))
        .collect()
}

/// The gateways of routes to everywhere, which stand in the order of the machine's bytes.
fn gateways4(text: &str) -> Vec<Network> {
    let gateway = |line: &str| {
        let mut fields = line.split_whitespace();
        let (destination, gateway) = (fields.nth(1)?, fields.next()?);
        let bits = u32::from_str_radix(gateway, 16)
            .ok()
            .filter(|bits| *bits != 0 && destination == "00000000")?;
        Some(Network::from(std::net::IpAddr::V4(Ipv4Addr::from(bits.to_ne_bytes()))))
    };
    text.lines().skip(1).filter_map(gateway).collect()
}

fn gateways6(text: &str) -> Vec<Network> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let everywhere = *fields.get(1)? == "00";
        v6(fields.get(4)?)
            .filter(|network| everywhere && network.address() != std::net::IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    };
    text.lines().filter_map(gateway).collect()
}

fn v6(hexadecimal: &str) -> Option<Network> {
    let bits = u128::from_str_radix(hexadecimal, 16).ok()?;
    Some(Network::from(std::net::IpAddr::V6(Ipv6Addr::from(bits))))
}

fn resolvers(text: &str) -> Vec<Network> {
    let resolver = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.split('%').next()?.parse().ok())?
    };
    text.lines().filter_map(resolver).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(networks: &[Network]) -> Vec<String> {
        networks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn own_addresses_gateways_and_resolvers_are_read() {
        let trie = "Local:\n  +-- 10.0.0.0/24 2 0 2\n     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        assert_eq!(texts(&addresses4(trie)), ["10.0.0.5"]);
        let inet6 = "fe800000000000000000000000000001 02 40 20 80 eth0\n";
        assert_eq!(texts(&addresses6(inet6)), ["fe80::1"]);
        let route = format!(
            "Iface\tDestination\tGateway\neth0\t00000000\t{:08X}\t0003\neth0\t0000000A\t00000000\t0001\n",
            u32::from_ne_bytes([10, 0, 0, 1])
        );
        assert_eq!(texts(&gateways4(&route)), ["10.0.0.1"]);
        let route6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000009 0 0 0 0 eth0\n";
        assert_eq!(texts(&gateways6(route6)), ["fe80::9"]);
        assert_eq!(
            texts(&resolvers(
                "# x\nsearch a\nnameserver 10.0.0.53\nnameserver fe80::53%eth0\n"
            )),
            ["10.0.0.53", "fe80::53"]
        );
    }
}
