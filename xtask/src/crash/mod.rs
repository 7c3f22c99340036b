//! Pulls the plug: the post is killed at random moments under load from a real rsyslog and the official Elasticsearch client,
//! and afterwards everything that was acknowledged must be in the lake once, and every decision in the ledger once.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    components,
    run::say,
    server::{Post, Site, build},
};

const CLIENT: &str = include_str!("client.py");
/// How long a run lasts before the plug is pulled, at least and at most.
const RUN_MILLISECONDS: std::ops::Range<u64> = 200..3000;
/// How often, and after how long, it is looked whether everything was delivered.
const LOOKS_MAX: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// Lines that rsyslog is given a run.
const LINES_A_RUN: u64 = 300;

#[derive(Args)]
pub(crate) struct Options {
    /// How often the plug is pulled
    #[arg(long, default_value_t = 50)]
    runs: u64,
    /// Seed of the moments at which it is pulled
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let missing = components::missing(root);
    if let Some(name) = ["rsyslog", "elasticsearch"].iter().find(|name| missing.contains(name)) {
        bail!("{name} is missing; `cargo xtask components --install` installs it");
    }
    let folder = root.join("target/crash");
    let _ = fs::remove_dir_all(&folder);
    let more = "[ingest.files]\nenabled = false\n\n[ingest.journald]\nenabled = false\n";
    let site = Site::lay_out(build(root)?, &folder, more)?;
    let mut trial = Trial::begin(root, &folder, site)?;
    let mut chance = options.seed;
    for number in 0..options.runs {
        let post = trial.site.start()?;
        trial.run(number, post, &mut chance)?;
    }
    trial.end(options.runs)
}

/// The post, the senders, and the notes of what was sent.
struct Trial {
    site: Site,
    rsyslog: Child,
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
        let rsyslog = start_rsyslog(&real, folder, &lines, site.intake)?;
        Ok(Self {
            site,
            rsyslog,
            python: real.join("python/bin/python"),
            lines,
            noted: folder.join("acknowledged"),
            given: 0,
        })
    }

    /// One run: load from both senders, then the plug.
    fn run(&mut self, number: u64, mut post: Post, chance: &mut u64) -> Result<()> {
        let mut client = self.start_client(number * 1_000_000)?;
        let lasts = RUN_MILLISECONDS.start + next(chance) % (RUN_MILLISECONDS.end - RUN_MILLISECONDS.start);
        let mut file = File::options().append(true).open(&self.lines)?;
        for _ in 0..LINES_A_RUN {
            writeln!(
                file,
                "Failed password for root from 192.0.2.9 port 4242 ssh2 crash-rsyslog-{}.",
                self.given
            )?;
            self.given += 1;
        }
        thread::sleep(Duration::from_millis(lasts));
        post.kill()?;
        drop(client.stdin.take());
        client.wait().context("waiting for the client")?;
        if (number + 1).is_multiple_of(10) {
            say(&format!("{} runs", number + 1));
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

    /// Lets rsyslog deliver what it still holds, stops everything and counts.
    fn end(mut self, runs: u64) -> Result<()> {
        let stored = self.deliver_the_rest()?;
        self.rsyslog.kill()?;
        self.rsyslog.wait()?;
        let acknowledged: Vec<String> = BufReader::new(File::open(&self.noted)?)
            .lines()
            .collect::<Result<_, _>>()?;
        let from_rsyslog = (0..self.given).map(|number| format!("crash-rsyslog-{number}."));
        let every = acknowledged.iter().cloned().chain(from_rsyslog);
        let lost: Vec<String> = every.filter(|id| !stored.contains_key(id)).collect();
        let twice = acknowledged
            .iter()
            .filter(|id| stored.get(*id).is_some_and(|count| *count > 1))
            .count();
        let resent = stored
            .iter()
            .filter(|(id, count)| id.starts_with("crash-rsyslog") && **count > 1)
            .count();
        if let Some(first) = lost.first() {
            say(&format!("the first of the lost: {first}"));
        }
        say(&format!(
            "rsyslog sent {resent} of its {} lines again after an answer that it never saw",
            self.given
        ));
        crate::run::run(&mut self.site.command(&["ledger", "verify"]))?;
        say(&format!(
            "crash runs={runs} acknowledged={} lost={} duplicated={twice}",
            acknowledged.len() as u64 + self.given,
            lost.len()
        ));
        if lost.is_empty() && twice == 0 {
            Ok(())
        } else {
            bail!("acknowledged records were lost or doubled")
        }
    }

    /// Runs the post until the last line given to rsyslog has arrived; between looks it is stopped, for the lake has one owner.
    fn deliver_the_rest(&self) -> Result<HashMap<String, u32>> {
        let last = format!("crash-rsyslog-{}.", self.given - 1);
        for _ in 0..LOOKS_MAX {
            let post = self.site.start()?;
            thread::sleep(BETWEEN_LOOKS);
            post.stop()?;
            let stored = self.stored()?;
            if stored.contains_key(&last) {
                return Ok(stored);
            }
        }
        bail!(
            "rsyslog did not deliver its last line in {LOOKS_MAX} runs of {} s",
            BETWEEN_LOOKS.as_secs()
        )
    }

    /// How often each number is in the lake.
    fn stored(&self) -> Result<HashMap<String, u32>> {
        let mut export = self.site.command(&["lake", "export"]);
        let mut child = export
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the export of the lake")?;
        let out = BufReader::new(child.stdout.take().context("the export has no output")?);
        let mut stored = HashMap::new();
        for line in out.lines() {
            let line = line?;
            let whole = |at: usize| Some(&line[at..=at + line[at..].find('.')?]);
            let id = ["crash-es-", "crash-rsyslog-"]
                .iter()
                .find_map(|prefix| whole(line.find(prefix)?));
            if let Some(id) = id {
                *stored.entry(id.to_owned()).or_insert(0) += 1;
            }
        }
        if !child.wait()?.success() {
            bail!("the lake cannot be exported");
        }
        Ok(stored)
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
