//! The systemd journal through a stand-in for `journalctl` that keeps its entries in a file.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use super::{
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{IngestConfig, NoTokens, Running, StartAt, Stopper, start};

/// Prints the entries after the cursor, then ends, as `journalctl` does when its journal is taken away.
const STAND_IN: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
for argument in "$@"; do
    case "$argument" in
        --lines=1) tail -n 1 entries; exit ;;
        --after-cursor=*) cursor="${argument#--after-cursor=}" ;;
    esac
done
if [ -n "$cursor" ]; then sed "1,/\"__CURSOR\":\"$cursor\"/d" entries; else cat entries; fi
sleep 0.2
"#;

fn entry(n: u32) -> String {
    format!("{{\"__CURSOR\":\"s=1;i={n}\",\"MESSAGE\":\"m{n}\"}}\n")
}

fn config(folder: &Path, from: StartAt) -> IngestConfig {
    let program = folder.join("journalctl");
    fs::write(&program, STAND_IN).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = quiet_config();
    config.journald.enabled = true;
    config.journald.journalctl = program;
    config.journald.start = from;
    config
}

async fn run(config: &IngestConfig, folder: &Path, inbox: &Arc<MemoryInbox>) -> (Running, Stopper) {
    let (stopper, stop) = Stopper::new();
    let receiving = receiving_into(inbox, NoTokens);
    let running = start(config, receiving, &folder.join("state"), stop).await.unwrap();
    (running, stopper)
}

fn messages(shown: &[String]) -> String {
    let parts = shown
        .iter()
        .map(|line| line.split("\"m").nth(1).unwrap_or("?").trim_end_matches("\"}"));
    parts.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn entries_come_once_across_restarts_and_crashes() {
    let folder = tempfile::tempdir().unwrap();
    let inbox: Arc<MemoryInbox> = Arc::default();
    let entries = folder.path().join("entries");
    let append = |from: u32, to: u32| {
        let old = fs::read_to_string(&entries).unwrap_or_default();
        fs::write(&entries, old + &(from..=to).map(entry).collect::<String>()).unwrap();
    };
    append(1, 3);
    let config = config(folder.path(), StartAt::End);
    let (running, stopper) = run(&config, folder.path(), &inbox).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(inbox.entries().is_empty(), "the first run begins at the end");
    append(4, 5);
    // The program ends by itself and is started again after a pause.
    assert_eq!(messages(&inbox.wait_for(2).await), "4 5");
    let checkpoint = folder.path().join("state/journald.json");
    stopper.stop();
    running.ended().await;
    let early = fs::read(&checkpoint).unwrap();
    append(6, 7);
    let (running, stopper) = run(&config, folder.path(), &inbox).await;
    assert_eq!(messages(&inbox.wait_for(4).await), "4 5 6 7");
    stopper.stop();
    running.ended().await;
    // As after a crash before the checkpoint was written.
    fs::write(&checkpoint, early).unwrap();
    append(8, 8);
    let (running, stopper) = run(&config, folder.path(), &inbox).await;
    assert_eq!(messages(&inbox.wait_for(5).await), "4 5 6 7 8");
    stopper.stop();
    running.ended().await;
}

#[tokio::test]
async fn a_machine_without_journalctl_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let inbox: Arc<MemoryInbox> = Arc::default();
    let mut config = config(folder.path(), StartAt::Beginning);
    config.journald.journalctl = folder.path().join("absent");
    let (running, stopper) = run(&config, folder.path(), &inbox).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    stopper.stop();
    running.ended().await;
    assert!(inbox.entries().is_empty());
}
