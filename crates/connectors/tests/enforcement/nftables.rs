//! nftables in network namespaces: packets are dropped and pass again, foreign rules stay, large sets are quick, lost state is found.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use connectors::enforcement::{Demand, Drift, Enforcer, Nftables, NftablesConfig, SshConfig, Wanted};
use model::ActionKind;

use crate::{
    Running, block, can_make_namespaces,
    contract::{Case, gives_up_in_time},
    demand, invoke, run, ssh,
};

/// Two hosts with a wire between them: a firewall at 10.99.0.1, and somebody outside at 10.99.0.2.
pub(crate) struct Wire {
    pub(crate) firewall: String,
    outside: String,
}

static WIRES: AtomicU32 = AtomicU32::new(0);

impl Wire {
    pub(crate) fn lay() -> Self {
        let number = WIRES.fetch_add(1, Ordering::Relaxed);
        let name = |end: &str| format!("wp{}-{number}{end}", std::process::id());
        let wire = Self {
            firewall: name("f"),
            outside: name("o"),
        };
        let (near, far) = (format!("v{number}f"), format!("v{number}o"));
        for namespace in [&wire.firewall, &wire.outside] {
            run("ip", &["netns", "add", namespace]);
            run("ip", &["-n", namespace, "link", "set", "lo", "up"]);
        }
        run(
            "ip",
            &[
                "-n",
                &wire.firewall,
                "link",
                "add",
                &near,
                "type",
                "veth",
                "peer",
                "name",
                &far,
                "netns",
                &wire.outside,
            ],
        );
        for (namespace, link, host) in [(&wire.firewall, &near, "1"), (&wire.outside, &far, "2")] {
            run(
                "ip",
                &[
                    "-n",
                    namespace,
                    "address",
                    "add",
                    &format!("10.99.0.{host}/24"),
                    "dev",
                    link,
                ],
            );
            run(
                "ip",
                &[
                    "-n",
                    namespace,
                    "address",
                    "add",
                    &format!("fd99::{host}/64"),
                    "dev",
                    link,
                    "nodad",
                ],
            );
            run("ip", &["-n", namespace, "link", "set", link, "up"]);
        }
        wire
    }

    pub(crate) fn command(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.firewall, "nft"].map(str::to_owned).into()
    }

    pub(crate) fn device(&self) -> Nftables {
        let config = NftablesConfig {
            command: self.command(),
            ..NftablesConfig::default()
        };
        Nftables::open(&config).unwrap()
    }

    fn nft(&self, rest: &[&str]) -> String {
        run("ip", &[&["netns", "exec", &self.firewall, "nft"], rest].concat())
    }

    /// The whole rule set without what traffic changes.
    pub(crate) fn rules(&self) -> String {
        self.nft(&["-s", "list", "ruleset"])
    }

    fn serve(&self) -> Running {
        let child = Command::new("ip")
            .args(["netns", "exec", &self.firewall, "python3", "-c", SERVER])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running(child);
        for _ in 0..100 {
            if self.reaches("10.99.0.1") {
                return running;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not answer");
    }

    /// Whether a connection from outside to the firewall's server is answered.
    fn reaches(&self, address: &str) -> bool {
        let script = format!("exec 3<>/dev/tcp/{address}/8080 && read -r line <&3 && [ \"$line\" = hello ]");
        let tried = Command::new("ip")
            .args(["netns", "exec", &self.outside, "timeout", "0.5", "bash", "-c", &script])
            .stderr(Stdio::null())
            .status();
        tried.unwrap().success()
    }
}

const SERVER: &str = "
import socket
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind(('::', 8080))
server.listen(64)
while True:
    peer, _ = server.accept()
    try:
        peer.sendall(b'hello\\n')
    except OSError:
        pass
    peer.close()
";

impl Drop for Wire {
    fn drop(&mut self) {
        for namespace in [&self.firewall, &self.outside] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).status();
        }
    }
}

fn wire() -> Option<Wire> {
    can_make_namespaces(&["ip", "nft", "python3"]).then(Wire::lay)
}

fn others(demand: Demand, others: &[&str]) -> Demand {
    let others = others.iter().map(|other| (*other).to_owned()).collect();
    Demand { others, ..demand }
}

#[tokio::test]
async fn it_holds_the_contract_here_and_over_ssh() {
    let Some(wire) = wire() else { return };
    wire.nft(&["add", "table", "inet", "foreign"]);
    wire.nft(&["add", "set", "inet", "foreign", "addresses4", "{ type ipv4_addr; }"]);
    wire.nft(&["add", "element", "inet", "foreign", "addresses4", "{ 203.0.113.200 }"]);
    let here = wire.device();
    let all = block(&[
        "203.0.113.9",
        "2001:db8::9",
        "198.51.100.0/24",
        "198.51.100.128/25",
        "2001:db8:9::/48",
    ]);
    let foreign = invoke("reboot", &[]);
    let state = || wire.rules();
    let holds = Case {
        enforcer: &here,
        demand: all.clone(),
        foreign: foreign.clone(),
        state: &state,
        visible: true,
    };
    holds.holds().await;

    let Some(server) = ssh::Server::start() else { return };
    let config = NftablesConfig {
        command: wire.command(),
        ssh: Some(server.config()),
        ..NftablesConfig::default()
    };
    let there = Nftables::open(&config).unwrap();
    Case {
        enforcer: &there,
        demand: all,
        foreign,
        state: &state,
        visible: true,
    }
    .holds()
    .await;

    let nobody = SshConfig {
        port: crate::free_port(),
        ..server.config()
    };
    let config = NftablesConfig {
        ssh: Some(nobody),
        ..config
    };
    gives_up_in_time(&Nftables::open(&config).unwrap(), &block(&["203.0.113.9"])).await;
    // Ends never, whatever its arguments are.
    let command = ["tail", "-f", "/dev/null", "--"].map(str::to_owned).into();
    let hanging = NftablesConfig {
        command,
        timeout_seconds: 1,
        ..NftablesConfig::default()
    };
    gives_up_in_time(&Nftables::open(&hanging).unwrap(), &block(&["203.0.113.9"])).await;
}

#[tokio::test]
async fn packets_are_dropped_within_a_second_and_pass_again() {
    let Some(wire) = wire() else { return };
    let _server = wire.serve();
    let device = wire.device();
    for (element, address) in [
        ("10.99.0.2", "10.99.0.1"),
        ("10.99.0.0/30", "10.99.0.1"),
        ("fd99::2", "fd99::1"),
    ] {
        assert!(wire.reaches(address), "before {element}");
        let begun = Instant::now();
        device.apply(&block(&[element])).await.unwrap();
        let took = begun.elapsed();
        assert!(!wire.reaches(address), "{element} is blocked");
        assert!(took < Duration::from_secs(1), "{took:?}");
        device.revert(&block(&[element])).await.unwrap();
        assert!(wire.reaches(address), "after {element}");
    }
}

#[tokio::test]
async fn what_another_action_holds_stays_blocked() {
    let Some(wire) = wire() else { return };
    let device = wire.device();
    let (inner, outer) = (
        block(&["10.1.0.0/16", "192.0.2.9"]),
        block(&["10.0.0.0/8", "192.0.2.9", "192.0.2.10"]),
    );
    device.apply(&inner).await.unwrap();
    device
        .apply(&others(outer.clone(), &["10.1.0.0/16", "192.0.2.9"]))
        .await
        .unwrap();
    let seen = device.verify(&inner, Wanted::InForce).await.unwrap();
    assert_eq!(seen.holds, Some(true));
    device
        .revert(&others(outer, &["10.1.0.0/16", "192.0.2.9"]))
        .await
        .unwrap();
    let seen = device.verify(&inner, Wanted::InForce).await.unwrap();
    assert_eq!(seen.holds, Some(true), "{}", wire.rules());
    let rules = wire.rules();
    assert!(
        !rules.contains("10.0.0.0/8") && !rules.contains("192.0.2.10"),
        "{rules}"
    );
}

#[tokio::test]
async fn lost_and_foreign_elements_are_found() {
    let Some(wire) = wire() else { return };
    let device = wire.device();
    let desired: BTreeSet<String> = ["192.0.2.9", "10.0.0.0/8"].map(str::to_owned).into();
    let put = block(&["192.0.2.9", "10.0.0.0/8"]);
    device.apply(&put).await.unwrap();
    assert_eq!(device.drift(&desired).await.unwrap(), Some(Drift::default()));
    wire.nft(&["add", "element", "inet", "watchpost", "addresses4", "{ 192.0.2.77 }"]);
    wire.nft(&["delete", "element", "inet", "watchpost", "addresses4", "{ 192.0.2.9 }"]);
    let drift = device.drift(&desired).await.unwrap().unwrap();
    assert_eq!(drift.missing, BTreeSet::from(["192.0.2.9".to_owned()]));
    assert_eq!(drift.stray, BTreeSet::from(["192.0.2.77".to_owned()]));
    wire.nft(&["flush", "chain", "inet", "watchpost", "leaving"]);
    assert_eq!(
        device.drift(&desired).await.unwrap().unwrap().missing,
        desired,
        "without rules nothing has an effect"
    );
    wire.nft(&["flush", "ruleset"]);
    assert_eq!(
        device.drift(&desired).await.unwrap().unwrap().missing,
        desired,
        "a restart loses everything"
    );
    device.apply(&put).await.unwrap();
    assert_eq!(device.drift(&desired).await.unwrap(), Some(Drift::default()));
}

#[tokio::test]
async fn a_hundred_thousand_addresses_are_one_quick_change() {
    let Some(wire) = wire() else { return };
    let device = wire.device();
    let addresses: Vec<String> = (0_u32..100_000)
        .map(|n| std::net::Ipv4Addr::from(0x0b00_0000 + n * 7).to_string())
        .collect();
    let many = demand(ActionKind::BlockAddresses { addresses });
    let begun = Instant::now();
    device.apply(&many).await.unwrap();
    println!("100,000 addresses in one transaction: {:?}", begun.elapsed());
    let others = many.kind.elements().iter().cloned().collect();
    let one = Demand {
        others,
        ..block(&["203.0.113.9"])
    };
    let begun = Instant::now();
    device.apply(&one).await.unwrap();
    let seen = device.verify(&one, Wanted::InForce).await.unwrap();
    println!("one more, and seen: {:?}", begun.elapsed());
    assert_eq!(seen.holds, Some(true));
    device.revert(&one).await.unwrap();
    assert_eq!(device.verify(&one, Wanted::Gone).await.unwrap().holds, Some(true));
    assert_eq!(device.verify(&many, Wanted::InForce).await.unwrap().holds, Some(true));
}
