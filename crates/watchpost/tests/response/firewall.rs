//! A firewall with a server behind it, and somebody outside, in two network namespaces.

use std::{
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

/// The attacker outside.
pub(crate) const OUTSIDE: &str = "10.98.0.2";

pub(crate) struct Firewall {
    inside: String,
    outside: String,
    server: Child,
}

static LAID: AtomicU32 = AtomicU32::new(0);

const SERVER: &str = "
import socket
server = socket.create_server(('10.98.0.1', 8080))
while True:
    asked, _ = server.accept()
    asked.sendall(b'hello\\n')
    asked.close()
";

/// Runs a program and gives its output; it must succeed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

impl Firewall {
    /// Lays the wire; none where the machine cannot, which is said.
    pub(crate) fn lay() -> Option<Self> {
        for program in ["ip", "nft", "python3"] {
            if testkit::on_path(program).is_none() {
                testkit::absent(program);
                return None;
            }
        }
        if run("id", &["-u"]).trim() != "0" {
            testkit::absent("the right to make network namespaces, which is root's,");
            return None;
        }
        let number = LAID.fetch_add(1, Ordering::Relaxed);
        let name = |end: &str| format!("wpr{}-{number}{end}", std::process::id());
        let (inside, outside) = (name("i"), name("o"));
        let (near, far) = (format!("r{number}i"), format!("r{number}o"));
        for namespace in [&inside, &outside] {
            run("ip", &["netns", "add", namespace]);
        }
        run(
            "ip",
            &[
                "-n", &inside, "link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &outside,
            ],
        );
        for (namespace, link, address) in [(&inside, &near, "10.98.0.1/24"), (&outside, &far, "10.98.0.2/24")] {
            run("ip", &["-n", namespace, "address", "add", address, "dev", link]);
            run("ip", &["-n", namespace, "link", "set", link, "up"]);
        }
        let server = Command::new("ip")
            .args(["netns", "exec", &inside, "python3", "-c", SERVER])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let firewall = Self {
            inside,
            outside,
            server,
        };
        firewall.wait("answered", Self::passes);
        Some(firewall)
    }

    /// The device's section of the configuration.
    pub(crate) fn section(&self) -> String {
        format!(
            "[devices.edge]\nkind = \"nftables\"\ncommand = [\"ip\", \"netns\", \"exec\", \"{}\", \"nft\"]\n",
            self.inside
        )
    }

    pub(crate) fn nft(&self, rest: &[&str]) -> String {
        run("ip", &[&["netns", "exec", &self.inside, "nft"], rest].concat())
    }

    /// The whole rule set without what traffic changes.
    pub(crate) fn rules(&self) -> String {
        self.nft(&["-s", "list", "ruleset"])
    }

    /// Whether a connection from outside is answered.
    pub(crate) fn passes(&self) -> bool {
        let script = "exec 3<>/dev/tcp/10.98.0.1/8080 && read -r line <&3 && [ \"$line\" = hello ]";
        let tried = Command::new("ip")
            .args(["netns", "exec", &self.outside, "timeout", "0.3", "bash", "-c", script])
            .stderr(Stdio::null())
            .status();
        tried.unwrap().success()
    }

    pub(crate) fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if done(self) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("not {what}: {}", self.rules());
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        for namespace in [&self.inside, &self.outside] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).status();
        }
    }
}
