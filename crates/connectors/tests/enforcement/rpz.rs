//! The zone at real resolvers: unbound, BIND and Knot fetch it, answer NXDOMAIN within a second, and resolve again after the lift.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use connectors::{
    SecretReference,
    enforcement::{Demand, Drift, Enforcer, KeyConfig, Rpz, RpzConfig, SecondaryConfig, TsigAlgorithm, Wanted},
};
use jiff::Timestamp;
use model::ActionKind;
use tempfile::TempDir;

use crate::{Running, block, can_make_namespaces, contract::Case, demand, free_port};

/// Secret of the test's key, in base64.
const KEY: &str = "aHVudGVyMiFodW50ZXIyIWh1bnRlcjIhaHVudGVyMiE=";

fn names(names: &[&str]) -> Demand {
    demand(ActionKind::BlockNames {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[expect(
    clippy::disallowed_methods,
    reason = "signatures are held against the clock of the real resolvers"
)]
fn clock() -> Timestamp {
    Timestamp::now()
}

struct Primary {
    folder: TempDir,
    port: u16,
    config: RpzConfig,
}

impl Primary {
    fn of(secondaries: Vec<SecondaryConfig>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("key");
        fs::write(&secret, KEY).unwrap();
        let port = free_port();
        let config = RpzConfig {
            zone: "rpz.test".into(),
            listen: loopback(port),
            key: Some(KeyConfig {
                name: "watchpost".into(),
                algorithm: TsigAlgorithm::HmacSha256,
                secret: SecretReference::File(secret),
            }),
            secondaries,
            file: Some(folder.path().join("rpz.zone")),
            timeout_seconds: 1,
        };
        Self { folder, port, config }
    }

    fn open(&self) -> Rpz {
        Rpz::open(&self.config, &self.folder.path().join("zones"), Arc::new(clock)).unwrap()
    }

    /// The zone as it is served, without its serial number.
    fn state(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("rpz.zone")).unwrap();
        text.lines()
            .filter(|line| !line.contains(" SOA "))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Answers every question with 192.0.2.1: what resolvers find when nothing is blocked.
fn authority() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
            let end = 12 + bytes[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
            let is_a = bytes[end - 4..end - 2] == [0, 1];
            let mut answer = bytes[..end].to_vec();
            answer[2] = 0x84;
            answer[3] = 0;
            answer[4..12].copy_from_slice(&[0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
            if is_a {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]);
            }
            let _ = socket.send_to(&answer, peer);
        }
    });
    port
}

fn real(program: &str) -> Option<(PathBuf, PathBuf)> {
    let real = testkit::real_folder();
    let path = real.join("usr/sbin").join(program);
    if path.is_file() {
        Some((path, real))
    } else {
        testkit::absent(program);
        None
    }
}

fn libraries(real: &Path) -> String {
    let libraries = real.join("usr/lib/x86_64-linux-gnu");
    libraries.display().to_string()
}

fn secondary(port: u16, signed: bool) -> SecondaryConfig {
    SecondaryConfig {
        address: loopback(port),
        signed,
        resolver: None,
    }
}

fn start(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn unbound(folder: &Path, (port, primary, authority): (u16, u16, u16)) -> Option<Running> {
    let (program, real) = real("unbound")?;
    let config = folder.join("unbound.conf");
    let text = format!(
        "server:\n interface: 127.0.0.1@{port}\n chroot: \"\"\n username: \"\"\n directory: \"{0}\"\n pidfile: \"{0}/unbound.pid\"\n use-syslog: no\n \
         do-not-query-localhost: no\n module-config: \"respip iterator\"\n cache-max-ttl: 1\n cache-max-negative-ttl: 1\n\
         remote-control:\n control-enable: no\n\
         rpz:\n name: rpz.test\n primary: 127.0.0.1@{primary}\n allow-notify: 127.0.0.1\n\
         stub-zone:\n name: \"evil.vn\"\n stub-addr: 127.0.0.1@{authority}\n",
        folder.display()
    );
    fs::write(&config, text).unwrap();
    Some(start(
        Command::new(program)
            .arg("-d")
            .arg("-c")
            .arg(config)
            .env("LD_LIBRARY_PATH", libraries(&real)),
    ))
}

fn bind(folder: &Path, (port, primary, authority): (u16, u16, u16)) -> Option<Running> {
    let (program, real) = real("named")?;
    let config = folder.join("named.conf");
    let text = format!(
        "key watchpost {{ algorithm hmac-sha256; secret \"{KEY}\"; }};\n\
         options {{ directory \"{0}\"; pid-file \"{0}/named.pid\"; session-keyfile \"{0}/session.key\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         recursion yes; allow-query {{ any; }}; dnssec-validation no; max-cache-ttl 1; max-ncache-ttl 1;\n\
         response-policy {{ zone \"rpz.test\" min-update-interval 1; }}; }};\n\
         controls {{ }};\n\
         zone \"rpz.test\" {{ type secondary; file \"rpz.db\"; primaries port {primary} {{ 127.0.0.1 key watchpost; }}; min-refresh-time 1; }};\n\
         zone \"evil.vn\" {{ type forward; forward only; forwarders {{ 127.0.0.1 port {authority}; }}; }};\n",
        folder.display()
    );
    fs::write(&config, text).unwrap();
    let paths = format!("{0}:{0}/bind", libraries(&real));
    Some(start(
        Command::new(program)
            .arg("-g")
            .arg("-c")
            .arg(config)
            .env("LD_LIBRARY_PATH", paths),
    ))
}

fn knot(folder: &Path, (port, zone, authority): (u16, &Path, u16)) -> Option<Running> {
    let (program, real) = real("kresd")?;
    if !can_make_namespaces(&["unshare", "mount"]) {
        return None;
    }
    let config = folder.join("kresd.conf");
    let text = format!(
        "net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})\n\
         trust_anchors.remove('.')\n\
         cache.size = 10 * MB\n cache.min_ttl(1)\n cache.max_ttl(2)\n\
         modules = {{ 'policy' }}\n\
         policy.add(policy.rpz(policy.DENY, '{}', true))\n\
         policy.add(policy.suffix(policy.STUB({{ '127.0.0.1@{authority}' }}), {{ todname('evil.vn.') }}))\n",
        zone.display()
    );
    fs::write(&config, text).unwrap();
    // It looks for its modules where Debian installs them: there they lie for it alone.
    let under = "/usr/lib/x86_64-linux-gnu";
    let lua = "/usr/share/lua";
    let mut script = format!(
        "mount -t overlay overlay -o lowerdir={}:{under} {under}",
        libraries(&real)
    );
    if real.join("usr/share/lua").is_dir() {
        write!(
            script,
            " && {{ [ ! -d {lua} ] || mount -t overlay overlay -o lowerdir={}:{lua} {lua}; }}",
            real.join("usr/share/lua").display()
        )
        .unwrap();
    }
    write!(
        script,
        " && exec {} -n -q -c {} {}",
        program.display(),
        config.display(),
        folder.display()
    )
    .unwrap();
    Some(start(Command::new("unshare").args(["-m", "sh", "-c", &script])))
}

/// Waits until an action is seen as it is wanted, and says how long it took.
async fn until(device: &Rpz, demand: &Demand, wanted: Wanted) -> Duration {
    let begun = Instant::now();
    loop {
        let seen = device.verify(demand, wanted).await.unwrap();
        if seen.holds == Some(true) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{wanted:?}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A resolver that is up: it answers for what is not blocked.
async fn up(device: &Rpz) {
    until(device, &names(&["good.evil.vn"]), Wanted::Gone).await;
}

async fn blocks_and_lifts(name: &str, device: &Rpz) {
    up(device).await;
    // The first transfer may still be under way.
    device.apply(&names(&["first.evil.vn"])).await.unwrap();
    until(device, &names(&["first.evil.vn"]), Wanted::InForce).await;
    for round in 0..2 {
        let evil = names(&[&format!("bad{round}.evil.vn")]);
        let below = names(&[&format!("www.bad{round}.evil.vn")]);
        until(device, &evil, Wanted::Gone).await;
        let begun = Instant::now();
        device.apply(&evil).await.unwrap();
        until(device, &evil, Wanted::InForce).await;
        let took = begun.elapsed();
        println!("{name}: NXDOMAIN after {took:?}");
        // BIND takes up a changed policy zone at most once a second, whatever it is told.
        let bound = if name == "BIND" { 2500 } else { 1500 };
        assert!(took < Duration::from_millis(bound), "{name}: {took:?}");
        let seen = device.verify(&below, Wanted::Gone).await.unwrap();
        assert_ne!(seen.holds, Some(true), "{name}: what is below is blocked too");
        device.revert(&evil).await.unwrap();
        println!(
            "{name}: resolves again after {:?}",
            until(device, &evil, Wanted::Gone).await
        );
    }
    assert_eq!(
        device
            .verify(&names(&["first.evil.vn"]), Wanted::InForce)
            .await
            .unwrap()
            .holds,
        Some(true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unbound_follows() {
    let port = free_port();
    let primary = Primary::of(vec![secondary(port, false)]);
    let device = primary.open();
    let Some(_running) = unbound(primary.folder.path(), (port, primary.port, authority())) else {
        return;
    };
    blocks_and_lifts("unbound", &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bind_follows_with_signatures() {
    let port = free_port();
    let primary = Primary::of(vec![secondary(port, true)]);
    let device = primary.open();
    let Some(_running) = bind(primary.folder.path(), (port, primary.port, authority())) else {
        return;
    };
    blocks_and_lifts("BIND", &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn knot_follows_the_file() {
    let port = free_port();
    let primary = Primary::of(vec![secondary(port, false)]);
    let device = primary.open();
    let zone = primary.config.file.clone().unwrap();
    let Some(_running) = knot(primary.folder.path(), (port, &zone, authority())) else {
        return;
    };
    blocks_and_lifts("Knot", &device).await;
}

#[tokio::test]
async fn it_holds_the_contract_and_survives_a_restart() {
    let primary = Primary::of(Vec::new());
    let device = primary.open();
    let state = || primary.state();
    Case {
        enforcer: &device,
        demand: names(&["evil.vn", "EVIL.example."]),
        foreign: block(&["192.0.2.9"]),
        state: &state,
        visible: false,
    }
    .holds()
    .await;
    device.apply(&names(&["evil.vn", "kept.test"])).await.unwrap();
    let serial = device.serial();
    let held = Demand {
        others: BTreeSet::from(["kept.test".to_owned()]),
        ..names(&["evil.vn", "kept.test"])
    };
    device.revert(&held).await.unwrap();
    assert!(device.serial() > serial);
    let desired = BTreeSet::from(["kept.test".to_owned()]);
    assert_eq!(device.drift(&desired).await.unwrap(), Some(Drift::default()));
    fs::remove_dir_all(primary.folder.path().join("zones")).unwrap();
    let again = Primary {
        port: free_port(),
        ..primary
    };
    let again = Primary {
        config: RpzConfig {
            listen: loopback(again.port),
            ..again.config.clone()
        },
        ..again
    };
    let device = again.open();
    assert_eq!(
        device.drift(&desired).await.unwrap().unwrap().missing,
        desired,
        "a lost zone is found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_nothing_and_200_000_names_are_transferred_by_differences() {
    let Some((_, real)) = real("named") else { return };
    let Some(dig) = testkit::on_path("kdig") else {
        return testkit::absent("kdig");
    };
    drop(real);
    let primary = Primary::of(vec![secondary(9, true)]);
    let device = primary.open();
    let many: Vec<String> = (0..200_000).map(|n| format!("bad{n}.example")).collect();
    let begun = Instant::now();
    device
        .apply(&demand(ActionKind::BlockNames { names: many }))
        .await
        .unwrap();
    println!("200,000 names taken in {:?}", begun.elapsed());
    let ask = |arguments: &[&str]| {
        let output = Command::new(&dig)
            .args(["@127.0.0.1", "-p", &primary.port.to_string()])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let signed = format!("hmac-sha256:watchpost:{KEY}");
    assert!(ask(&["rpz.test", "AXFR"]).contains("REFUSED"));
    let wrong = ask(&["-y", "hmac-sha256:watchpost:aHVudGVyMg==", "rpz.test", "AXFR"]);
    assert!(!wrong.contains("CNAME") && !wrong.contains("SOA\tlocalhost"), "{wrong}");
    assert!(ask(&["-y", &signed, "other.test", "SOA"]).contains("REFUSED"));
    let before = device.serial();
    let begun = Instant::now();
    let whole = ask(&["-y", &signed, "rpz.test", "AXFR"]);
    println!("400,000 records transferred and printed in {:?}", begun.elapsed());
    assert_eq!(whole.lines().filter(|line| line.contains("CNAME")).count(), 400_000);
    let begun = Instant::now();
    device.apply(&names(&["one-more.example"])).await.unwrap();
    println!("one more name: {:?}", begun.elapsed());
    let difference = ask(&["-y", &signed, "rpz.test", &format!("IXFR={before}")]);
    assert_eq!(
        difference.lines().filter(|line| line.contains("CNAME")).count(),
        2,
        "{difference}"
    );
}
