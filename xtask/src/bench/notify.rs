//! How fast a storm of messages leaves: through the running post to a mail server on loopback, while another channel hangs.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    run::{run as run_command, say},
    server::{Site, build},
};

/// How long a storm may take before it is given up.
const SECONDS_MAX: u64 = 300;
/// Messages that wait on the channel that hangs.
const HANGING: u64 = 200;

#[derive(Args)]
pub(crate) struct Options {
    /// Messages in the storm
    #[arg(long, default_value_t = 10_000)]
    messages: u64,
    /// Letters under way at once
    #[arg(long, default_value_t = 8)]
    at_once: u32,
    /// Pull the plug so often on the way, and start again
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// Begin notifications to twenty people instead, which leave bundled
    #[arg(long, conflicts_with = "kills")]
    paged: bool,
}

/// People who are paged, and how long a paged storm may take until all of it has left.
const PAGED_PEOPLE: u64 = 20;
const PAGED_SECONDS_MAX: u64 = 60;

/// What the mail server took.
#[derive(Default)]
struct Taken {
    letters: AtomicU64,
    ids: Mutex<std::collections::HashSet<String>>,
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let folder = root.join("target/bench/notify");
    let _ = fs::remove_dir_all(&folder);
    let taken = Arc::new(Taken::default());
    let mail = serve(&taken)?;
    // Accepts connections into its backlog and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let channels = format!(
        "[ingest.files]\nenabled = false\n\n[ingest.journald]\nenabled = false\n\n\
         [channels.mail]\nkind = \"smtp\"\nserver = \"127.0.0.1\"\nport = {mail}\nsecurity = \"none\"\n\
         from = \"Trực ca <watch@example.vn>\"\npace = {{ at_once = {} }}\n\n\
         [channels.hanging]\nkind = \"http\"\nurl = \"http://127.0.0.1:{}/\"\n",
        options.at_once,
        silent.local_addr()?.port()
    );
    let site = Site::lay_out(build(root)?, &folder, &channels)?;
    if options.paged {
        return paged(root, &site, options.messages);
    }
    run_command(storm_of(root, "storm").arg(&site.data).args([
        "hanging",
        &HANGING.to_string(),
        "mail",
        &options.messages.to_string(),
    ]))?;
    let begun = Instant::now();
    let mut post = site.start()?;
    for kill in 1..=options.kills {
        wait_for(&taken, options.messages * kill / (options.kills + 1), begun)?;
        post.kill()?;
        post = site.start()?;
    }
    wait_for(&taken, options.messages, begun)?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = post.cpu_seconds()?;
    thread::sleep(Duration::from_secs(1));
    post.stop()?;
    let (letters, different) = (taken.letters.load(Ordering::Relaxed), taken.different());
    say(&format!(
        "{letters} letters, {different} different ones, while {HANGING} messages waited on a channel that hangs; killed {} times; {cpu:.1} s of processor since the last start",
        options.kills
    ));
    // What was under way or not yet noted when the plug was pulled comes again, under the same Message-ID.
    let repeats_max = options.kills * u64::from(options.at_once * 8 + 64);
    if different != options.messages || letters - different > repeats_max {
        bail!("each message must leave, and only what was under way may leave again");
    }
    say(&format!(
        "notify messages={different} seconds={seconds:.1} channel=smtp"
    ));
    Ok(())
}

/// An example of `ledger` that puts a storm into a data folder, as a command that still wants its arguments.
fn storm_of(root: &Path, example: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args([
        "run",
        "--quiet",
        "--profile",
        "quick",
        "--package",
        "ledger",
        "--example",
        example,
        "--",
    ]);
    command
}

/// A storm of notifications, each to one of some people: says how long it took until every one had left, alone or in a bundle.
fn paged(root: &Path, site: &Site, notifications: u64) -> Result<()> {
    let storm = |words: &[&str]| -> Result<String> {
        let output = storm_of(root, "paged_storm").arg(&site.data).args(words).output()?;
        if !output.status.success() {
            bail!("the storm: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // Built before the clock of the storm starts.
    let _ = storm(&["put", "0", "1"]);
    fs::remove_dir_all(&site.data)?;
    storm(&["put", &notifications.to_string(), &PAGED_PEOPLE.to_string()])?;
    let post = site.start()?;
    thread::sleep(Duration::from_secs(PAGED_SECONDS_MAX));
    post.stop()?;
    let figures = storm(&["check"])?;
    say(&figures);
    if !figures.contains(&format!("left={notifications} ")) {
        bail!("not every notification left within {PAGED_SECONDS_MAX} s");
    }
    Ok(())
}

impl Taken {
    /// How many different letters there are.
    fn different(&self) -> u64 {
        self.ids.lock().map_or(0, |ids| ids.len() as u64)
    }
}

fn wait_for(taken: &Taken, different: u64, begun: Instant) -> Result<()> {
    while taken.different() < different {
        if begun.elapsed().as_secs() > SECONDS_MAX {
            bail!("only {} letters left in {SECONDS_MAX} s", taken.different());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A mail server that takes everything; gives its port.
fn serve(taken: &Arc<Taken>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("opening a port for the mail server")?;
    let port = listener.local_addr()?.port();
    let taken = Arc::clone(taken);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let taken = Arc::clone(&taken);
            thread::spawn(move || converse(&stream, &taken));
        }
    });
    Ok(port)
}

fn converse(stream: &TcpStream, taken: &Taken) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    out.write_all(b"220 sink ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
            "DATA" => {
                out.write_all(b"354 go\r\n")?;
                take(&mut lines, taken)?;
                b"250 taken\r\n"
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        out.write_all(answer)?;
    }
}

fn take(lines: &mut impl BufRead, taken: &Taken) -> std::io::Result<()> {
    let mut limited = lines.take(1 << 20);
    let mut line = String::new();
    loop {
        line.clear();
        if limited.read_line(&mut line)? == 0 || line == ".\r\n" {
            taken.letters.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        if let Some(id) = line.strip_prefix("Message-ID: ")
            && let Ok(mut ids) = taken.ids.lock()
        {
            ids.insert(id.to_owned());
        }
    }
}
