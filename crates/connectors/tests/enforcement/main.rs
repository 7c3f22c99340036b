//! Enforcement against real devices: nftables in network namespaces with real traffic, resolvers that fetch a zone, an OpenSSH server, an
//! HTTP API, and one contract that all of them hold.
#![expect(clippy::unwrap_used, reason = "the whole crate is a test")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "effects at real devices are held against the clock, and the times are told"
)]

mod contract;
mod http;
mod mail;
mod nftables;
mod rpz;
mod ssh;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    process::{Child, Command},
};

use connectors::enforcement::Demand;
use model::ActionKind;

pub(crate) const SECRET: &str = "hunter2!";

pub(crate) fn demand(kind: ActionKind) -> Demand {
    Demand {
        key: "action-1".to_owned(),
        kind,
        others: BTreeSet::new(),
        facts: BTreeMap::from([("reason".to_owned(), "dò mật khẩu".to_owned())]),
        at: "2026-11-25T10:00:00Z".parse().unwrap(),
    }
}

pub(crate) fn block(addresses: &[&str]) -> Demand {
    let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
    demand(ActionKind::BlockAddresses { addresses })
}

pub(crate) fn invoke(name: &str, values: &[(&str, &str)]) -> Demand {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    demand(ActionKind::Invoke {
        name: name.to_owned(),
        values,
    })
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a program and gives its output; it must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the machine has these programs, and lets us make namespaces.
pub(crate) fn can_make_namespaces(programs: &[&str]) -> bool {
    for program in programs {
        if testkit::on_path(program).is_none() {
            testkit::absent(program);
            return false;
        }
    }
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !root {
        testkit::absent("the right to make network namespaces, which is root's,");
    }
    root
}

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
