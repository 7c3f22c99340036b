//! Programs as devices are reached by them: started here or through the system's `ssh`, fed, bounded in time and size, and ended when
//! nobody waits any more.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::channels::{DeliveryError, Wrong, one_line, shortened};

/// Longest output that is read, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;
/// How much of what a program says is quoted, in bytes.
const SAID_BYTES_MAX: usize = 300;
/// The exit status with which `ssh` says that it did not get there.
const SSH_FAILED: i32 = 255;

/// How a host is reached over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SshConfig {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user there.
    pub user: String,
    /// The file of the private key.
    pub identity: PathBuf,
    /// The file of the keys that hosts must have; an unknown host is refused.
    pub known_hosts: PathBuf,
}

impl Default for SshConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 22,
            user: String::from("watchpost"),
            identity: PathBuf::new(),
            known_hosts: PathBuf::new(),
        }
    }
}

impl SshConfig {
    fn check(&self) -> Result<(), Wrong> {
        let word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
        };
        if !word(&self.host) {
            return Err(Wrong::new("host", "is no name and no address"));
        }
        if !word(&self.user) {
            return Err(Wrong::new("user", "is no user"));
        }
        for (key, path) in [("identity", &self.identity), ("known_hosts", &self.known_hosts)] {
            if !path.is_file() {
                return Err(Wrong::new(key, format!("there is no file {:?}", path.display())));
            }
        }
        Ok(())
    }

    /// What is started to run something there. Nothing is asked of a person, and no file of the user's configuration is read.
    fn program(&self, seconds: u64) -> Vec<String> {
        let options = [
            "BatchMode=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            "LogLevel=ERROR".to_owned(),
            format!("UserKnownHostsFile={}", self.known_hosts.display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            format!("ConnectTimeout={}", seconds.clamp(1, 30)),
            "ServerAliveInterval=5".to_owned(),
        ];
        let mut program: Vec<String> = ["ssh", "-F", "none", "-T", "-p", &self.port.to_string(), "-i"]
            .map(str::to_owned)
            .into();
        program.push(self.identity.display().to_string());
        for option in options {
            program.extend(["-o".to_owned(), option]);
        }
        program.extend(["-l".to_owned(), self.user.clone(), "--".to_owned(), self.host.clone()]);
        program
    }
}

/// Where programs are started.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    /// What comes before each command; empty for this host.
    before: Vec<String>,
    remote: bool,
    timeout: Duration,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: i32,
    pub(super) out: Vec<u8>,
    pub(super) said: String,
}

impl Shell {
    pub(super) fn here(timeout_seconds: u64) -> Self {
        Self {
            before: Vec::new(),
            remote: false,
            timeout: Duration::from_secs(timeout_seconds.clamp(1, 300)),
        }
    }

    pub(super) fn over_ssh(config: &SshConfig, timeout_seconds: u64) -> Result<Self, Wrong> {
        config.check()?;
        Ok(Self {
            before: config.program(timeout_seconds),
            remote: true,
            ..Self::here(timeout_seconds)
        })
    }

    /// Runs a command with its input. On this host it is a program and its arguments; over SSH the words are joined, and the shell there
    /// reads them: whoever calls makes sure that they are harmless.
    ///
    /// # Errors
    /// Retryable when it did not answer in time or the host was not reached; permanent when the program is missing.
    pub(super) async fn run(&self, command: &[String], input: &[u8]) -> Result<Ran, DeliveryError> {
        let mut words = self.before.iter().chain(command);
        let program = words
            .next()
            .ok_or_else(|| DeliveryError::permanent("there is no command"))?;
        let child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| DeliveryError::permanent(format!("{program} cannot be started: {error}")))?;
        let ran = match timeout(self.timeout, converse(child, input)).await {
            Ok(ran) => ran.map_err(DeliveryError::retryable)?,
            Err(_) => return Err(DeliveryError::retryable("no answer in time")),
        };
        if self.remote && ran.status == SSH_FAILED {
            return Err(DeliveryError::retryable(format!("ssh: {}", ran.said)));
        }
        Ok(ran)
    }
}

async fn converse(mut child: Child, input: &[u8]) -> std::io::Result<Ran> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(pipe) = &mut stdin {
            // Whoever has read enough closes the pipe: what it says then counts, not the pipe.
            let _ = pipe.write_all(input).await;
        }
        drop(stdin);
    };
    let ((), out, said) = tokio::join!(feed, read(stdout), read(stderr));
    let status = child.wait().await?.code().unwrap_or(-1);
    Ok(Ran {
        status,
        out: out?,
        said: one_line(&shortened(String::from_utf8_lossy(&said?).trim(), SAID_BYTES_MAX)),
    })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut read).await?;
    }
    Ok(read)
}
