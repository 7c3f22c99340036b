//! Fills the disk under a running post: it must push senders back and stay readable, and go on when there is room, with everything that it
//! acknowledged.

use std::{
    fmt::Write as _,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;

use crate::{
    count::{Count, OF_CLIENT, RULE, configuration},
    run::{output, run as run_command, say},
    server::{Connection, Post, Site, binary, get, metrics, value},
    visitor::Visitor,
};

/// Records in one request.
const RECORDS: u64 = 200;
/// Bytes of noise in a record, which no compression makes smaller.
const NOISE_BYTES: usize = 512;
/// Requests that must be pushed back in a row, and the pause between them, until the disk counts as full.
const REFUSED_IN_A_ROW: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);
/// How many such pauses the post may take to recover.
const RECOVERY_PAUSES_MAX: u32 = 300;
/// Most requests until the disk must be full, and requests after it has room again.
const REQUESTS_MAX: u64 = 20_000;
const REQUESTS_AFTERWARDS: u64 = 50;

#[derive(Args)]
pub(crate) struct Options {
    /// Size of the disk in MiB
    #[arg(long, default_value_t = 160)]
    disk_mib: u64,
    /// Size to which it is enlarged once it was full, in MiB
    #[arg(long, default_value_t = 1024)]
    enlarged_mib: u64,
    /// Pull the plug while the disk is full, and start again before there is room
    #[arg(long)]
    kill: bool,
    /// The binary to try; without it, it is built
    #[arg(long)]
    binary: Option<PathBuf>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    ensure!(
        output(Command::new("id").arg("-u"))?.trim() == "0",
        "only root may mount a disk; run this as root"
    );
    let folder = root.join("target/disk-full");
    fs::create_dir_all(&folder)?;
    let disk = Disk::mount(folder.join("data"), options.disk_mib)?;
    // What is missing at the end must be a fault, and not a day that was dropped to make room.
    let more = configuration(&folder)? + "\n[lake]\ndisk_percent_max = 100\n";
    let site = Site::lay_out(binary(root, options.binary.as_deref())?, &folder, &more)?;
    let mut post = site.start()?;
    let visitor = Visitor::first(&site)?;
    let mut sender = Sender::default();
    sender.fill(&site)?;
    let full_after = sender.acknowledged.len();
    say(&format!(
        "full after {full_after} acknowledged records: {}",
        disk.free()?
    ));
    readable(&site, &visitor)?;
    if options.kill {
        post = restart_when_full(&site, post)?;
        readable(&site, &visitor)?;
    }
    disk.enlarge(options.enlarged_mib)?;
    let pauses = sender.until_taken(&site)?;
    for _ in 0..REQUESTS_AFTERWARDS {
        sender.send(&site)?;
    }
    wait_until_decided(&site)?;
    ensure!(
        get(site.console, "/readyz")?.status == 200,
        "the post is not ready again"
    );
    post.stop()?;
    let mut count = Count::new(sender.acknowledged, 0);
    count.export(&site)?;
    run_command(&mut site.command(&["ledger", "verify"]))?;
    let lost = count.lost();
    for name in lost.iter().take(10) {
        say(&format!("lost: {name}"));
    }
    say(&format!(
        "disk-full acknowledged={} pushed_back={} recovered_ms={} lost={} duplicated={}",
        count.acknowledged(),
        sender.pushed_back,
        u128::from(pauses) * PAUSE.as_millis(),
        lost.len(),
        count.doubled()
    ));
    ensure!(
        lost.is_empty() && count.doubled() == 0,
        "acknowledged records were lost or doubled"
    );
    Ok(())
}

/// A small disk in memory, unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, mib: u64) -> Result<Self> {
        fs::create_dir_all(&at)?;
        // What a run before left behind when it was killed.
        let _ = Command::new("umount").arg(&at).output();
        run_command(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "watchpost-trial"])
                .arg(&at),
        )?;
        Ok(Self(at))
    }

    fn enlarge(&self, mib: u64) -> Result<()> {
        run_command(
            Command::new("mount")
                .args(["-o", &format!("remount,size={mib}m")])
                .arg(&self.0),
        )
    }

    fn free(&self) -> Result<String> {
        let told = output(Command::new("df").args(["-h", "--output=size,used,avail"]).arg(&self.0))?;
        Ok(told.lines().last().unwrap_or_default().trim().to_owned() + " (size, used, free)")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

/// Sends numbered records and notes which were acknowledged.
#[derive(Default)]
struct Sender {
    next: u64,
    acknowledged: Vec<u64>,
    pushed_back: u64,
}

impl Sender {
    /// Sends one request; says whether it was taken.
    fn send(&mut self, site: &Site) -> Result<bool> {
        let numbers = self.next..self.next + RECORDS;
        self.next += RECORDS;
        let body = body(numbers.clone())?;
        let head = format!(
            "POST /trial/_bulk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = Connection::open(site.intake)?.ask(&head, body.as_bytes())?;
        match answer.status {
            200 => {
                let told: serde_json::Value = serde_json::from_slice(&answer.body)?;
                let items = told["items"].as_array().context("an answer without items")?;
                let taken = numbers
                    .zip(items)
                    .filter(|(_, item)| item["create"]["status"] == json!(201));
                let before = self.acknowledged.len();
                self.acknowledged.extend(taken.map(|(number, _)| number));
                Ok(self.acknowledged.len() > before)
            }
            429 => {
                self.pushed_back += 1;
                Ok(false)
            }
            status => bail!(
                "a sender was answered {status}: {}",
                String::from_utf8_lossy(&answer.body)
            ),
        }
    }

    /// Sends until the post takes no more.
    fn fill(&mut self, site: &Site) -> Result<()> {
        let mut refused = 0;
        for _ in 0..REQUESTS_MAX {
            if self.send(site)? {
                refused = 0;
                continue;
            }
            refused += 1;
            if refused >= REFUSED_IN_A_ROW {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("the disk was not full after {REQUESTS_MAX} requests")
    }

    /// Sends until the post takes something again; says after how many pauses.
    fn until_taken(&mut self, site: &Site) -> Result<u32> {
        for pauses in 0..RECOVERY_PAUSES_MAX {
            if self.send(site)? {
                return Ok(pauses);
            }
            thread::sleep(PAUSE);
        }
        bail!("the post takes nothing though there is room")
    }
}

fn body(numbers: std::ops::Range<u64>) -> Result<String> {
    let mut noise = vec![0; NOISE_BYTES];
    let mut random = fs::File::open("/dev/urandom")?;
    let mut body = String::new();
    for number in numbers {
        random.read_exact(&mut noise)?;
        let _ = write!(
            body,
            "{{\"create\":{{}}}}\n{{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Hostname\":\"trial-host-{}\",\
             \"Image\":\"C:\\\\Windows\\\\System32\\\\whoami.exe\",\"CommandLine\":\"whoami {OF_CLIENT}{number}. ",
            number / RECORDS % 40
        );
        for byte in &noise {
            let _ = write!(body, "{byte:02x}");
        }
        body.push_str("\"}\n");
    }
    Ok(body)
}

/// Console, API and duty book of a post whose disk is full.
fn readable(site: &Site, visitor: &Visitor) -> Result<()> {
    let alerts = visitor.read(&format!("/api/v1/alerts?rule={RULE}"))?;
    let first = alerts["alerts"][0]["id"]
        .as_str()
        .context("there are no alerts to read")?;
    let alert = visitor.read(&format!("/api/v1/alerts/{first}"))?;
    ensure!(alert["alert"]["id"].as_str() == Some(first), "an alert cannot be read");
    let book = visitor.read("/api/v1/ledger")?;
    ensure!(
        book["entries"].as_array().is_some_and(|entries| !entries.is_empty()),
        "the duty book cannot be read"
    );
    let verified = visitor.read("/api/v1/ledger/verify")?;
    ensure!(
        verified["intact"] == json!(true),
        "the duty book does not verify: {verified}"
    );
    for page in ["/queue", "/sources", "/duty-book"] {
        let status = visitor.page(page)?;
        ensure!(status == 200, "{page} was answered {status}");
    }
    let (status, _) = visitor.step("/api/v1/alerts/acknowledge", &json!({ "alerts": [{ "id": first }] }))?;
    let ready = get(site.console, "/readyz")?.status;
    say(&format!(
        "while it is full: console, API and duty book are read; /readyz says {ready}; a step of a person is answered {status}"
    ));
    Ok(())
}

fn restart_when_full(site: &Site, mut post: Post) -> Result<Post> {
    post.kill()?;
    site.start().context("the post does not start on a full disk")
}

fn wait_until_decided(site: &Site) -> Result<()> {
    for _ in 0..RECOVERY_PAUSES_MAX {
        if value(&metrics(site.console)?, "watchpost_backlog_entries") == Some(0.0) {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    bail!("the post does not catch up")
}
