//! SMPP against the SMSC of npm's `smpp`: bind, Vietnamese in joined parts, throttling, receipts, a connection that breaks.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use connectors::{
    SecretReference,
    channels::{Channel, DeliveryError, Reported, Smpp, SmppConfig},
};
use serde_json::Value;
use tempfile::TempDir;

use super::{TEXT, message};

struct Smsc {
    child: Child,
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Smsc {
    fn start() -> Option<Self> {
        let modules = testkit::real_folder().join("node/node_modules");
        if !modules.join("smpp").is_dir() {
            testkit::absent("npm's smpp");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/smsc.js");
        let mut child = Command::new("node")
            .arg(script)
            .env("NODE_PATH", modules)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                hearing.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self { child, port, heard })
    }

    async fn heard(&self, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() >= count {
                return heard;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the SMSC heard only {:?}", self.heard.lock().unwrap());
    }

    fn channel(&self, password: &str) -> (Smpp, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, password).unwrap();
        let channel = Smpp::open(&SmppConfig {
            server: "127.0.0.1".into(),
            port: self.port,
            system_id: "watch".into(),
            password: Some(SecretReference::File(path)),
            timeout_seconds: 3,
            enquire_link_seconds: 1,
            ..SmppConfig::default()
        })
        .unwrap();
        (channel, folder)
    }
}

#[tokio::test]
async fn vietnamese_arrives_whole_and_is_reported_delivered() {
    let Some(smsc) = Smsc::start() else { return };
    let (channel, _folder) = smsc.channel("hunter2!");
    let mut reports = channel.reports().unwrap();
    let receipt = channel.send(&message("notice-1", "0912 345 670")).await.unwrap();
    assert_eq!(receipt.reference, "m1,m2");
    let heard = smsc.heard(1).await;
    assert_eq!(heard[0]["text"], TEXT);
    assert_eq!(heard[0]["to"], "84912345670");
    assert_eq!(heard[0]["from"], "Watchpost");
    assert_eq!(heard[0]["coding"], 8);
    let report = tokio::time::timeout(Duration::from_secs(5), reports.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report.reference, "m1,m2");
    assert_eq!(report.reported, Reported::Delivered);

    let mut plain = message("notice-2", "+84912345678");
    plain.text = "Watch {1} [ok]".into();
    channel.send(&plain).await.unwrap();
    assert_eq!(smsc.heard(2).await[1]["coding"], 0);
    let report = tokio::time::timeout(Duration::from_secs(5), reports.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report.reported, Reported::Failed("UNDELIV 011".into()));
}

#[tokio::test]
async fn what_a_telephone_writes_back_is_heard() {
    let Some(smsc) = Smsc::start() else { return };
    let (channel, _folder) = smsc.channel("hunter2!");
    let mut reports = channel.reports().unwrap();
    let mut plain = message("notice-3", "84912345673");
    plain.text = "Watch".into();
    channel.send(&plain).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..2 {
        let report = tokio::time::timeout(Duration::from_secs(5), reports.recv())
            .await
            .unwrap()
            .unwrap();
        heard.push(report.reported);
    }
    let reply = Reported::Reply {
        from: "84912345673".into(),
        text: "Nhận 4821".into(),
    };
    assert!(
        heard.contains(&reply) && heard.contains(&Reported::Delivered),
        "{heard:?}"
    );
}

#[tokio::test]
async fn throttling_is_respected_and_a_broken_connection_is_renewed() {
    let Some(smsc) = Smsc::start() else { return };
    let (channel, _folder) = smsc.channel("hunter2!");
    let throttled = message("notice-1", "84912345677");
    let error = channel.send(&throttled).await.unwrap_err();
    let DeliveryError::Retryable {
        retry_after_seconds: Some(seconds),
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(100)).await;
    channel.send(&throttled).await.unwrap();
    // The SMSC closes the line after a number that ends in 9.
    let mut short = message("notice-2", "84912345679");
    short.text = "một".into();
    channel.send(&short).await.unwrap();
    // Long enough for a silent line to have been tried.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    short = message("notice-3", "84912345671");
    channel.send(&short).await.unwrap();
    assert_eq!(smsc.heard(3).await.len(), 3);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_the_smsc_left_alone() {
    let Some(smsc) = Smsc::start() else { return };
    let (channel, _folder) = smsc.channel("wrong");
    let error = channel.send(&message("notice-1", "84912345670")).await.unwrap_err();
    assert!(
        error.to_string().contains("refuses the account: EsmeRinvpaswd"),
        "{error}"
    );
    assert!(matches!(
        error,
        DeliveryError::Retryable {
            retry_after_seconds: Some(_),
            ..
        }
    ));
}
