//! Pulls the plug: the post is killed at random moments under load from a real rsyslog, the official Elasticsearch client and a person at the
//! console, and afterwards everything that was acknowledged must be in the lake once, and every decision in the ledger once.

mod duty;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::duty::Duty;
use crate::{
    components,
    count::{Count, OF_CLIENT, OF_RSYSLOG, configuration, number_after},
    run::say,
    server::{Post, Site, binary, metrics, value},
};

const CLIENT: &str = include_str!("client.py");
/// How long a run lasts before the plug is pulled, at least and at most.
const RUN_MILLISECONDS: std::ops::Range<u64> = 200..3000;
/// How often, and at what distance, it is looked whether everything was delivered; and for how many looks nothing may have come.
const LOOKS_MAX: u32 = 600;
const QUIET_LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Lines that rsyslog is given a run.
const LINES_A_RUN: u64 = 300;
/// Names of lost records that are said.
const LOST_NAMED_MAX: usize = 10;

#[derive(Args)]
pub(crate) struct Options {
    /// How often the plug is pulled
    #[arg(long, default_value_t = 50)]
    runs: u64,
    /// Seed of the moments at which it is pulled
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The binary to try; without it, it is built
    #[arg(long)]
    binary: Option<PathBuf>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let missing = components::missing(root);
    if let Some(name) = ["rsyslog", "elasticsearch"].iter().find(|name| missing.contains(name)) {
        bail!("{name} is missing; `cargo xtask components --install` installs it");
    }
    let folder = root.join("target/crash");
    let _ = fs::remove_dir_all(&folder);
    let more = configuration(&folder)?;
    let site = Site::lay_out(binary(root, options.binary.as_deref())?, &folder, &more)?;
    let mut trial = Trial::begin(root, &folder, site)?;
    let mut chance = options.seed;
    for number in 0..options.runs {
        let post = trial.site.start()?;
        trial.run(number, post, &mut chance)?;
    }
    trial.end(options.runs)
}

/// The post, the senders, the person, and the notes of what was sent.
struct Trial {
    site: Site,
    rsyslog: Child,
    duty: Duty,
    python: PathBuf,
    lines: PathBuf,
    noted: PathBuf,
    given: u64,
}

impl Trial {
    fn begin(root: &Path, folder: &Path, site: Site) -> Result<Self> {
        let real = components::folder(root);
        let lines = folder.join("lines.log");
        File::create(&lines)?;
        let client = folder.join("client.py");
        fs::write(&client, CLIENT)?;
        let post = site.start()?;
        let duty = Duty::begin(&site)?;
        post.stop()?;
        let rsyslog = start_rsyslog(&real, folder, &lines, site.intake)?;
        Ok(Self {
            site,
            rsyslog,
            duty,
            python: real.join("python/bin/python"),
            lines,
            noted: folder.join("acknowledged"),
            given: 0,
        })
    }

    /// One run: load from both senders and a person at work, then the plug.
    fn run(&mut self, number: u64, mut post: Post, chance: &mut u64) -> Result<()> {
        let mut client = self.start_client(number * 1_000_000)?;
        let lasts = RUN_MILLISECONDS.start + next(chance) % (RUN_MILLISECONDS.end - RUN_MILLISECONDS.start);
        self.give_lines()?;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| self.duty.work(&over));
            thread::sleep(Duration::from_millis(lasts));
            let killed = post.kill();
            over.store(true, Ordering::Relaxed);
            killed
        })?;
        drop(client.stdin.take());
        client.wait().context("waiting for the client")?;
        if (number + 1).is_multiple_of(10) {
            say(&format!("{} runs", number + 1));
        }
        Ok(())
    }

    fn give_lines(&mut self) -> Result<()> {
        let mut file = File::options().append(true).open(&self.lines)?;
        for _ in 0..LINES_A_RUN {
            writeln!(
                file,
                "Failed password for root from 192.0.2.9 port 4242 ssh2 {OF_RSYSLOG}{}.",
                self.given
            )?;
            self.given += 1;
        }
        Ok(())
    }

    fn start_client(&self, first: u64) -> Result<Child> {
        Command::new(&self.python)
            .arg(self.lines.with_file_name("client.py"))
            .arg(format!("http://127.0.0.1:{}", self.site.intake))
            .arg(&self.noted)
            .arg(first.to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the Elasticsearch client")
    }

    /// Lets rsyslog deliver what it still holds, looks into the duty book, stops everything and counts the lake.
    fn end(mut self, runs: u64) -> Result<()> {
        let post = self.site.start()?;
        // So that this life of the post, too, hears from rsyslog.
        self.give_lines()?;
        self.wait_until_delivered()?;
        let audit = self.duty.audit()?;
        let detections = self.duty.detections()?;
        post.stop()?;
        self.rsyslog.kill()?;
        self.rsyslog.wait()?;
        let count = self.count()?;
        crate::run::run(&mut self.site.command(&["ledger", "verify"]))?;
        let lost = count.lost();
        for name in lost.iter().take(LOST_NAMED_MAX) {
            say(&format!("lost: {name}"));
        }
        let undecided = count.client_rows.abs_diff(detections);
        say(&format!(
            "rsyslog sent {} of its {} lines again after an answer that it never saw",
            count.sent_again(),
            self.given
        ));
        say(&format!(
            "decisions of the post: {} records in the lake, {detections} detections in alerts",
            count.client_rows
        ));
        say(&format!(
            "decisions of a person: answered={} unanswered={} lost={} duplicated={}",
            audit.answered, audit.unanswered, audit.lost, audit.doubled
        ));
        say(&format!(
            "crash runs={runs} acknowledged={} lost={} duplicated={}",
            count.acknowledged(),
            lost.len(),
            count.doubled()
        ));
        if lost.len() + count.doubled() > 0 || audit.lost + audit.doubled + undecided > 0 {
            bail!("what was acknowledged was lost or doubled");
        }
        Ok(())
    }

    /// Waits until rsyslog has nothing more to deliver and everything is decided on.
    fn wait_until_delivered(&self) -> Result<()> {
        let (mut known, mut quiet) = (0.0, 0);
        for _ in 0..LOOKS_MAX {
            thread::sleep(BETWEEN_LOOKS);
            let page = metrics(self.site.console)?;
            let received = value(&page, "watchpost_received_records_total{listener=\"bulk\"}").unwrap_or(0.0);
            let decided = value(&page, "watchpost_backlog_entries") == Some(0.0);
            quiet = if received > 0.0 && received <= known && decided {
                quiet + 1
            } else {
                0
            };
            known = received;
            if quiet >= QUIET_LOOKS {
                return Ok(());
            }
        }
        bail!("rsyslog did not come to an end in {LOOKS_MAX} s")
    }

    /// How often each record is in the lake, by one export.
    fn count(&self) -> Result<Count> {
        let noted = BufReader::new(File::open(&self.noted)?);
        let acknowledged: Vec<u64> = noted
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| number_after(&line, OF_CLIENT))
            .collect();
        let mut count = Count::new(acknowledged, usize::try_from(self.given)?);
        count.export(&self.site)?;
        Ok(count)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.rsyslog.kill();
        let _ = self.rsyslog.wait();
    }
}

/// A real rsyslog that follows a file and delivers it through `omelasticsearch`, trying again until it is acknowledged.
fn start_rsyslog(real: &Path, folder: &Path, lines: &Path, intake: u16) -> Result<Child> {
    let configuration = folder.join("rsyslog.conf");
    let text = format!(
        "global(workDirectory=\"{folder}\")\n\
         module(load=\"{modules}/imfile\")\nmodule(load=\"{modules}/omelasticsearch\")\n\
         template(name=\"line\" type=\"string\" string=\"{{\\\"message\\\":\\\"%msg:::json%\\\",\\\"program\\\":\\\"sshd\\\"}}\")\n\
         input(type=\"imfile\" file=\"{lines}\" tag=\"crash:\" ruleset=\"out\")\n\
         ruleset(name=\"out\" queue.type=\"LinkedList\" queue.dequeueBatchSize=\"50\") {{\n\
         action(type=\"omelasticsearch\" server=\"127.0.0.1\" serverport=\"{intake}\" searchIndex=\"crash\" searchType=\"\" \
         template=\"line\" bulkmode=\"on\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" queue.type=\"Direct\")\n}}\n",
        folder = folder.display(),
        modules = real.join("usr/lib/x86_64-linux-gnu/rsyslog").display(),
        lines = lines.display(),
    );
    fs::write(&configuration, text)?;
    let log = File::create(folder.join("rsyslog.out"))?;
    Command::new(real.join("usr/sbin/rsyslogd"))
        .arg("-n")
        .arg("-f")
        .arg(&configuration)
        .arg("-i")
        .arg(folder.join("rsyslog.pid"))
        .arg("-M")
        .arg(real.join("usr/lib/x86_64-linux-gnu/rsyslog"))
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting rsyslog")
}

/// The next number of a small seeded sequence (xorshift64), so that a run can be repeated.
fn next(chance: &mut u64) -> u64 {
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    *chance
}
