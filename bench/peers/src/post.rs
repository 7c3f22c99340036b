//! What the running post and a sweep do with each record before its order counts: read the bytes into an event, and match the event. Both
//! halves are timed apart, and together on one thread and on two that share out the lines.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use detect::{RuleMatcher, RuleText, Rules};
use model::{Event, FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{Assembler, Normalized, Normalizer, Settings};

use crate::clock::Stopwatch;
use crate::lanes::Lane;
use crate::ours::{self, Ours};

/// Lines that a thread takes at once, as a sweep hands them out.
const TASK_LINES: usize = 1_000;

fn record(line: &str) -> RawRecord {
    RawRecord {
        source: SourceId::new("bench"),
        received_at: Timestamp::UNIX_EPOCH,
        transport: Transport::Ndjson,
        origin: "bench".into(),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: Bytes::copy_from_slice(line.as_bytes()),
    }
}

/// The best of some rounds, in microseconds an event.
struct Best(f64);

impl Best {
    fn new() -> Best {
        Best(f64::INFINITY)
    }

    fn take(&mut self, seconds: f64, events: usize) {
        self.0 = self.0.min(seconds * 1e6 / events as f64);
    }
}

pub fn run(lane: &Lane, files: &[(String, String)], ours: &mut Ours, rounds: usize) {
    let texts: Vec<RuleText> = files
        .iter()
        .map(|(file, text)| RuleText { file: file.clone(), text: text.as_str().into() })
        .collect();
    let rules = Arc::new(Rules::load(&texts));
    let normalizer = Normalizer::new(&Settings::default());
    let records: Vec<RawRecord> = lane.lines.iter().map(|line| record(&line.text)).collect();
    let hints = ours::hints(&lane.lines);
    let count = records.len();
    let mut matcher = RuleMatcher::new(&rules);
    let [mut reading, mut matching, mut scanning] = [Best::new(), Best::new(), Best::new()];
    let mut factors = Vec::new();
    let mut matches = 0;
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let events = events(&normalizer, &records);
        reading.take(watch.seconds(), count);
        let watch = Stopwatch::start();
        matches = events.iter().map(|event| matcher.matches(event).len()).sum();
        matching.take(watch.seconds(), count);
        let watch = Stopwatch::start();
        for (line, hint) in lane.lines.iter().zip(&hints) {
            black_box(ours.evaluate(&line.text, hint));
        }
        scanning.take(watch.seconds(), count);
        let [one, two] = [1, 2].map(|threads| on_threads(threads, &normalizer, &rules, &records));
        factors.push((one, two));
    }
    let best = |of: fn(&((f64, f64), (f64, f64))) -> f64| factors.iter().map(of).fold(f64::INFINITY, f64::min);
    let (wall_one, wall_two) = (best(|(one, _)| one.0), best(|(_, two)| two.0));
    let (cpu_one, cpu_two) = (best(|(one, _)| one.1), best(|(_, two)| two.1));
    println!(
        "post lane={} read_us={:.2} match_us={:.2} scan_and_match_us={:.2} matches={matches} factor={:.2} factor_cpu={:.2}",
        lane.name,
        reading.0,
        matching.0,
        scanning.0,
        wall_one / wall_two,
        cpu_one / cpu_two,
    );
}

fn events(normalizer: &Normalizer, records: &[RawRecord]) -> Vec<Event> {
    let mut assembler = Assembler::default();
    let mut events = Vec::with_capacity(records.len());
    for (seq, record) in (1..).zip(records) {
        assembler.push(normalizer.normalize(seq, record), &mut events);
    }
    assembler.flush(&mut events);
    events
}

/// Reads and matches all records on so many threads; the wall time and the CPU time of the slowest thread, in seconds.
fn on_threads(threads: usize, normalizer: &Normalizer, rules: &Arc<Rules>, records: &[RawRecord]) -> (f64, f64) {
    let start = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let running = (0..threads).map(|first| {
            let tasks = records.chunks(TASK_LINES).skip(first).step_by(threads);
            let start = &start;
            scope.spawn(move || {
                let mut matcher = RuleMatcher::new(rules);
                let mut pass = |tasks: &mut dyn Iterator<Item = &RawRecord>| {
                    for (seq, record) in (1..).zip(tasks) {
                        if let Normalized::Event(event) = normalizer.normalize(seq, record) {
                            black_box(matcher.matches(&event).len());
                        }
                    }
                };
                pass(&mut tasks.clone().flatten());
                start.wait();
                let (wall, cpu) = (std::time::Instant::now(), Stopwatch::start());
                pass(&mut tasks.flatten());
                (wall.elapsed().as_secs_f64(), cpu.seconds())
            })
        });
        let running: Vec<_> = running.collect();
        let times = running.into_iter().map(|thread| thread.join().expect("reading does not panic"));
        times.fold((0.0_f64, 0.0_f64), |slowest, times| (slowest.0.max(times.0), slowest.1.max(times.1)))
    })
}
