//! Finds and runs the real senders.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use testkit::real_folder;

/// rsyslogd, its modules and its libraries.
pub(crate) fn rsyslog() -> Option<(PathBuf, String, String)> {
    let libraries = real_folder().join("usr/lib/x86_64-linux-gnu");
    unpacked("usr/sbin/rsyslogd", &libraries.join("rsyslog"), &[libraries])
}

/// syslog-ng, its modules and its libraries.
pub(crate) fn syslog_ng() -> Option<(PathBuf, String, String)> {
    let own = real_folder().join("usr/lib/syslog-ng");
    let modules = std::fs::read_dir(&own)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_dir())?;
    unpacked(
        "usr/sbin/syslog-ng",
        &modules,
        &[own, real_folder().join("usr/lib/x86_64-linux-gnu")],
    )
}

fn unpacked(program: &str, modules: &Path, libraries: &[PathBuf]) -> Option<(PathBuf, String, String)> {
    let program = real_folder().join(program);
    let libraries = std::env::join_paths(libraries).ok()?;
    let found = program.is_file() && modules.is_dir();
    found.then(|| {
        (
            program,
            modules.display().to_string(),
            libraries.to_string_lossy().into_owned(),
        )
    })
}

pub(crate) async fn run_python(python: &Path, script: &str, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new(python)
        .arg("-c")
        .arg(script)
        .args(arguments)
        .output()
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program that runs until it is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn start(program: &Path, arguments: &[String], libraries: &str, output: &Path) -> Self {
        let output = File::create(output).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .env("LD_LIBRARY_PATH", libraries)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
