//! Commands through a real OpenSSH server.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use connectors::enforcement::{
    CommandConfig, DeviceConfig, DevicesConfig, Enforcer, Opening, SshConfig, SshDeviceConfig,
};
use std::sync::Arc;
use tempfile::TempDir;

use crate::{
    Running, block, can_make_namespaces,
    contract::{Case, gives_up_in_time},
    free_port, invoke, run,
};

/// An OpenSSH server with one key that it lets in.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    _running: Running,
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        if !can_make_namespaces(&["ssh", "ssh-keygen", "sshd"]) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "client"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]);
        }
        fs::copy(path("client.pub"), path("authorized")).unwrap();
        let host_key = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        fs::write(
            path("config"),
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile {}\nUsePAM no\nStrictModes no\n\
                 PasswordAuthentication no\nPermitRootLogin prohibit-password\n",
                path("host"),
                path("authorized"),
                path("pid")
            ),
        )
        .unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let sshd = testkit::on_path("sshd").unwrap();
        let child = Command::new(sshd)
            .args(["-D", "-e", "-f", &path("config")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            port,
            _running: Running(child),
        };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd does not listen");
    }

    pub(crate) fn config(&self) -> SshConfig {
        SshConfig {
            host: "127.0.0.1".into(),
            port: self.port,
            user: "root".into(),
            identity: self.folder.path().join("client"),
            known_hosts: self.folder.path().join("known"),
        }
    }
}

fn device(config: &SshDeviceConfig) -> Arc<dyn Enforcer> {
    let folder = tempfile::tempdir().unwrap();
    let opening = Opening {
        folder: folder.path(),
        channels: &[],
        clock: Arc::new(|| "2026-11-25T10:00:00Z".parse().unwrap()),
    };
    let devices = [("router".to_owned(), DeviceConfig::Ssh(config.clone()))].into();
    DevicesConfig { devices }.open(&opening).unwrap().remove(0).enforcer
}

#[tokio::test]
async fn a_command_holds_the_contract() {
    let Some(server) = Server::start() else { return };
    let routes = server.folder.path().join("routes");
    fs::write(&routes, "blackhole 203.0.113.1\n").unwrap();
    let file = routes.display().to_string();
    let drop_route = CommandConfig {
        apply: format!("echo blackhole {{{{address}}}} >> {file}"),
        revert: Some(format!("sed -i '/^blackhole {{{{address}}}}$/d' {file}")),
        verify: Some(format!("grep -qx 'blackhole {{{{address}}}}' {file}")),
    };
    let slow = CommandConfig {
        apply: "sleep 60".into(),
        revert: None,
        verify: None,
    };
    let config = SshDeviceConfig {
        ssh: server.config(),
        commands: [("drop".to_owned(), drop_route), ("slow".to_owned(), slow)].into(),
        timeout_seconds: 2,
    };
    let host = device(&config);
    let state = || fs::read_to_string(&routes).unwrap();
    Case {
        enforcer: &*host,
        demand: invoke("drop", &[("address", "192.0.2.9")]),
        foreign: block(&["192.0.2.9"]),
        state: &state,
        visible: true,
    }
    .holds()
    .await;
    gives_up_in_time(&*host, &invoke("slow", &[])).await;

    let before = state();
    for value in ["192.0.2.9; reboot", "$(reboot)", "-x", "a\nb", ""] {
        let refused = host.apply(&invoke("drop", &[("address", value)])).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be a word"), "{refused}");
    }
    let refused = host.apply(&invoke("drop", &[])).await.unwrap_err();
    assert!(refused.to_string().contains("needs a value for address"), "{refused}");
    assert_eq!(state(), before);
}

#[tokio::test]
async fn a_host_with_another_key_is_refused() {
    let Some(server) = Server::start() else { return };
    let other = server.folder.path().join("other");
    fs::write(&other, "").unwrap();
    let ssh = SshConfig {
        known_hosts: other,
        ..server.config()
    };
    let command = CommandConfig {
        apply: "true".into(),
        revert: None,
        verify: None,
    };
    let config = SshDeviceConfig {
        ssh,
        commands: [("true".to_owned(), command)].into(),
        timeout_seconds: 5,
    };
    let error = device(&config).apply(&invoke("true", &[])).await.unwrap_err();
    assert!(error.to_string().contains("Host key verification failed"), "{error}");
}
