//! How much a post takes in, end to end: `_bulk` requests of recorded Windows events, answered when durable, with all rules
//! loaded, until everything is in the lake; and how soon after its receipt an alert can be seen.

use std::{
    fmt::Write as _,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    run::{output, say},
    server::{Connection, Site, binary, metrics, value},
};

#[derive(Args)]
pub(crate) struct Options {
    /// How long to send, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Events in one request
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Connections that send at once
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Send at most so many events a second; 0 sends as fast as they are taken
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// The cores that the post may use, as `taskset` takes them (`0`, `0,1`); all when absent
    #[arg(long)]
    cores: Option<String>,
    /// The binary to try; without it, it is built
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What the senders have seen so far.
#[derive(Default)]
struct Sent {
    acknowledged: AtomicU64,
    pushed_back: AtomicU64,
    over: AtomicBool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let data = super::data(root)?;
    let bodies = bodies(&data.join("logs/windows_otrf_30k.ndjson.gz"), options.batch)?;
    let folder = root.join("target/bench/ingest");
    let _ = std::fs::remove_dir_all(&folder);
    let rules = format!(
        "[rules]\nfolders = [\"{}\"]\n\n[ingest.files]\nenabled = false\n\n[ingest.journald]\nenabled = false\n",
        data.join("sigma/rules").display()
    );
    let mut site = Site::lay_out(binary(root, options.binary.as_deref())?, &folder, &rules)?;
    site.cores.clone_from(&options.cores);
    let post = site.start()?;
    let (idle_mib, _) = post.memory_mib()?;
    let cpu_before = post.cpu_seconds()?;
    let sent = Sent::default();
    let began = now();
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..options.connections)
            .map(|number| {
                scope.spawn({
                    let (sent, bodies) = (&sent, &bodies);
                    let intake = site.intake;
                    move || send(intake, bodies, number, options, sent)
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(options.seconds));
        sent.over.store(true, Ordering::Relaxed);
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    let acknowledged = sent.acknowledged.load(Ordering::Relaxed);
    wait_until_stored(site.console, acknowledged)?;
    let seconds = now().duration_since(began).as_secs_f64();
    let (_, peak_mib) = post.memory_mib()?;
    let cpu = post.cpu_seconds()? - cpu_before;
    let metrics = metrics(site.console)?;
    let p99 = percentile(&metrics, "watchpost_receipt_to_alert_seconds", 0.99)
        .map_or_else(|| "none".into(), |seconds| format!("{:.0}", seconds * 1000.0));
    say(&format!(
        "sent for {} s in requests of {} over {} connections; {} requests pushed back; idle {idle_mib} MiB; {:.1} µs of processor an event, {:.2} cores busy",
        options.seconds,
        options.batch,
        options.connections,
        sent.pushed_back.load(Ordering::Relaxed),
        cpu * 1e6 / acknowledged as f64,
        cpu / seconds
    ));
    post.stop()?;
    say(&format!(
        "ingest events_per_second={:.0} rss_mib={peak_mib} p99_visible_ms={p99}",
        acknowledged as f64 / seconds
    ));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// The recorded events as bodies of `_bulk` requests, their times moved to today.
fn bodies(path: &Path, batch: usize) -> Result<Vec<String>> {
    let today = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let mut text = String::new();
    let mut unpack = Command::new("gzip")
        .arg("-dc")
        .stdin(File::open(path)?)
        .stdout(Stdio::piped())
        .spawn()?;
    unpack
        .stdout
        .take()
        .context("gzip gives no output")?
        .read_to_string(&mut text)?;
    if !unpack.wait()?.success() {
        bail!("{} cannot be unpacked", path.display());
    }
    let lines: Vec<String> = text.lines().map(|line| dated(line, today.trim())).collect();
    Ok(lines
        .chunks(batch)
        .map(|chunk| {
            chunk.iter().fold(String::new(), |mut body, line| {
                let _ = writeln!(body, "{{\"create\":{{}}}}\n{line}");
                body
            })
        })
        .collect())
}

/// The record with the date of its `@timestamp` replaced.
fn dated(line: &str, today: &str) -> String {
    const NAME: &str = "\"@timestamp\":\"";
    match line.find(NAME) {
        Some(at) => {
            let date = at + NAME.len();
            format!("{}{today}{}", &line[..date], &line[date + today.len()..])
        }
        None => line.to_owned(),
    }
}

fn send(port: u16, bodies: &[String], number: usize, options: &Options, sent: &Sent) -> Result<()> {
    let mut connection = Connection::open(port)?;
    let began = now();
    let mut own = 0;
    for body in bodies.iter().cycle().skip(number * bodies.len() / options.connections) {
        if sent.over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let head = format!(
            "POST /windows/_bulk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = connection.ask(&head, body.as_bytes())?;
        match answer.status {
            200 if answer.body.windows(14).take(64).any(|part| part == b"\"errors\":false") => {
                own += options.batch as u64;
                sent.acknowledged
                    .fetch_add(body.lines().count() as u64 / 2, Ordering::Relaxed);
            }
            429 => {
                sent.pushed_back.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
            status => bail!(
                "the post answered {status}: {}",
                String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)])
            ),
        }
        keep_to_rate(began, own, options);
    }
    Ok(())
}

fn keep_to_rate(began: Instant, own: u64, options: &Options) {
    if options.rate > 0 {
        let due = Duration::from_secs_f64(own as f64 * options.connections as f64 / options.rate as f64);
        thread::sleep(due.saturating_sub(now().duration_since(began)));
    }
}

fn wait_until_stored(console: u16, acknowledged: u64) -> Result<()> {
    for _ in 0..1200 {
        if value(&metrics(console)?, "watchpost_lake_rows_total").is_some_and(|stored| stored >= acknowledged as f64) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("a minute after the last answer not all of the {acknowledged} acknowledged events are in the lake")
}

/// The upper bound of the histogram bucket that holds the given share of what was observed.
fn percentile(metrics: &str, name: &str, share: f64) -> Option<f64> {
    let prefix = format!("{name}_bucket{{le=\"");
    let buckets: Vec<(f64, f64)> = metrics
        .lines()
        .filter_map(|line| {
            let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
            Some((
                if bound == "+Inf" {
                    f64::INFINITY
                } else {
                    bound.parse().ok()?
                },
                count.trim().parse().ok()?,
            ))
        })
        .collect();
    let total = buckets.last()?.1;
    buckets
        .iter()
        .find(|(_, count)| total > 0.0 && *count >= total * share)
        .map(|(bound, _)| *bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_bound_of_its_bucket() {
        let metrics = "a_bucket{le=\"0.1\"} 50\na_bucket{le=\"0.5\"} 99\na_bucket{le=\"+Inf\"} 100\na_count 100\n";
        assert_eq!(percentile(metrics, "a", 0.5), Some(0.1));
        assert_eq!(percentile(metrics, "a", 0.99), Some(0.5));
        assert_eq!(percentile("", "a", 0.99), None);
        assert_eq!(value(metrics, "a_count"), Some(100.0));
    }

    #[test]
    fn an_event_is_moved_to_today() {
        let line = r#"{"x":1,"@timestamp":"2020-06-10T02:50:56.538Z"}"#;
        assert_eq!(
            dated(line, "2026-01-02"),
            r#"{"x":1,"@timestamp":"2026-01-02T02:50:56.538Z"}"#
        );
    }
}
