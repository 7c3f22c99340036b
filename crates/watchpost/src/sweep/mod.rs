//! A sweep: a folder of evidence through the pipeline of the post, without a server. One thread reads the files, all cores
//! normalise and match, and one thread joins, correlates and reports in the order of the evidence.

mod files;
mod lines;
pub(crate) mod report;
mod tasks;
mod values;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    thread,
};

use anyhow::Result;
use crossbeam_channel::{Receiver, Sender, bounded};
use detect::{Arrival, RuleMatcher, SharedRules};
use indicatif::ProgressBar;
use model::{Detection, FormatHint, RawRecord, RuleLevel, Seq, Transport};
use normalize::Normalizer;

pub(crate) use self::files::Found;
use self::{
    report::{Finding, Summary},
    tasks::{FileEnd, Origin, Payload, Place, Task},
};
use crate::pipeline::{Reading, Sequence, Taken, read_one};

/// Tasks and results that wait between threads.
const WAITING_MAX: usize = 16;

/// What to sweep, and with what.
pub(crate) struct Sweep {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The rules.
    pub rules: SharedRules,
    /// How records are read.
    pub normalizer: Normalizer,
    /// Threads that normalise and match.
    pub threads: usize,
}

/// A task that was read: every record of it with its place.
struct Done {
    number: u64,
    origin: Arc<Origin>,
    readings: Vec<(Place, Reading)>,
    refused: Vec<&'static str>,
}

/// What the reading thread says about whole files.
#[derive(Default)]
struct FileAccount {
    files: u64,
    bytes: u64,
    broken: Vec<(String, String)>,
    unknown: Vec<String>,
}

impl Sweep {
    /// All files that are to be swept.
    ///
    /// # Errors
    /// When a path that was named cannot be read.
    pub(crate) fn find(&self) -> Result<Found> {
        files::find(&self.paths)
    }

    /// Sweeps what was found; hands each finding of at least `level` to `each` as it is made, and gives the summary of all of them.
    ///
    /// # Errors
    /// When `each` fails, for example because its output is closed.
    pub(crate) fn run(
        &self,
        evidence: Found,
        level: RuleLevel,
        progress: &ProgressBar,
        each: &mut dyn FnMut(&Finding<'_>) -> Result<()>,
    ) -> Result<Summary> {
        let Found {
            files: evidence,
            unread,
        } = evidence;
        progress.set_length(evidence.iter().map(|file| file.bytes).sum());
        let (give, tasks) = bounded::<Task>(WAITING_MAX);
        let (hand, results) = bounded::<Done>(WAITING_MAX);
        thread::scope(|scope| {
            let reader = scope.spawn({
                let (evidence, progress) = (&evidence, progress.clone());
                move || read_files(evidence, &progress, &give)
            });
            for _ in 0..self.threads.max(1) {
                let (tasks, hand) = (tasks.clone(), hand.clone());
                scope.spawn(move || self.work(&tasks, &hand));
            }
            drop((tasks, hand));
            let mut collector = Collector::new(&self.rules, level, each);
            let outcome = collector.collect(&results);
            drop(results);
            let account = reader.join().expect("reading files does not panic");
            outcome?;
            collector.finish(account, unread)
        })
    }

    fn work(&self, tasks: &Receiver<Task>, hand: &Sender<Done>) {
        let mut matcher = RuleMatcher::new(&self.rules);
        for task in tasks {
            let Task {
                number,
                origin,
                payload,
                mut refused,
            } = task;
            let mut readings = Vec::new();
            let mut read = |place: Place, record: RawRecord| {
                let seq = tasks::number(number, readings.len());
                readings.push((place, read_one(&self.normalizer, &mut matcher, seq, &record)));
            };
            match payload {
                Payload::Records(records, hint) => {
                    for (place, bytes) in records {
                        read(place, origin.record(bytes, Transport::File, hint.clone()));
                    }
                }
                Payload::Evtx(log) => {
                    for record in normalize::evtx_records(log.as_slice()) {
                        match record {
                            Ok(record) => read(
                                Place::Record(record.record_id),
                                origin.record(record.json, Transport::Evtx, FormatHint::Unknown),
                            ),
                            Err(_) => refused.push("part of an event log that cannot be read"),
                        }
                    }
                }
            }
            if hand
                .send(Done {
                    number,
                    origin,
                    readings,
                    refused,
                })
                .is_err()
            {
                return;
            }
        }
    }
}

fn read_files(evidence: &[files::Evidence], progress: &ProgressBar, give: &Sender<Task>) -> FileAccount {
    let mut account = FileAccount::default();
    let mut next = 0;
    let mut wanted = true;
    for file in evidence {
        if !wanted {
            break;
        }
        let bar = progress.clone();
        let end = tasks::cut_file(file, &mut next, move |bytes| bar.inc(bytes), &mut |task| {
            wanted = give.send(task).is_ok();
            wanted
        });
        account.files += 1;
        account.bytes += file.bytes;
        match end {
            FileEnd::Whole => {}
            FileEnd::UnknownFormat => account.unknown.push(file.path.display().to_string()),
            FileEnd::Broken(reason) => account.broken.push((file.path.display().to_string(), reason)),
        }
    }
    account
}

/// The thread that sees everything in order.
struct Collector<'a> {
    sequence: Sequence,
    summary: Summary,
    level: RuleLevel,
    each: &'a mut dyn FnMut(&Finding<'_>) -> Result<()>,
    /// Tasks that came before their turn.
    early: BTreeMap<u64, Done>,
    next: u64,
    /// Where the records are that a later finding may name.
    places: HashMap<Seq, (Arc<Origin>, Place)>,
    taken: Vec<Taken>,
}

impl<'a> Collector<'a> {
    fn new(rules: &SharedRules, level: RuleLevel, each: &'a mut dyn FnMut(&Finding<'_>) -> Result<()>) -> Self {
        Self {
            sequence: Sequence::new(rules, Arrival::Sweep),
            summary: Summary::default(),
            level,
            each,
            early: BTreeMap::new(),
            next: 0,
            places: HashMap::new(),
            taken: Vec::new(),
        }
    }

    fn collect(&mut self, results: &Receiver<Done>) -> Result<()> {
        for done in results {
            self.early.insert(done.number, done);
            while let Some(done) = self.early.remove(&self.next) {
                self.next += 1;
                self.take(done)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, done: Done) -> Result<()> {
        for reason in done.refused {
            *self.summary.problems.refused.entry(reason).or_default() += 1;
        }
        self.summary.records += done.readings.len() as u64;
        for (index, (place, reading)) in done.readings.into_iter().enumerate() {
            if reading.may_be_named_later(self.sequence.detector()) {
                self.places
                    .insert(tasks::number(done.number, index), (Arc::clone(&done.origin), place));
            }
            self.sequence.take(reading, &mut self.taken);
            self.report_taken(Some((&done.origin, place)))?;
        }
        Ok(())
    }

    /// Counts the events that are whole now and reports what was detected on them.
    fn report_taken(&mut self, here: Option<(&Origin, Place)>) -> Result<()> {
        for Taken { event, detections } in std::mem::take(&mut self.taken) {
            self.summary.events += 1;
            for problem in &event.problems {
                *self.summary.problems.in_events.entry(problem.kind).or_default() += 1;
            }
            for detection in &detections {
                self.report(detection, here)?;
            }
        }
        Ok(())
    }

    fn report(&mut self, detection: &Detection, here: Option<(&Origin, Place)>) -> Result<()> {
        if detection.rule.level < self.level {
            return Ok(());
        }
        let named = self
            .places
            .get(&detection.event)
            .map(|(origin, place)| (&**origin, *place));
        let (file, place) = match named.or(here) {
            Some((origin, place)) => (origin.path.as_str(), place.to_string()),
            None => ("", String::new()),
        };
        let finding = Finding {
            detection,
            file,
            place: &place,
        };
        self.summary.add(&finding);
        (self.each)(&finding)
    }

    fn finish(mut self, account: FileAccount, unread: Vec<(String, String)>) -> Result<Summary> {
        let correlated = self.sequence.finish(&mut self.taken);
        self.report_taken(None)?;
        correlated
            .iter()
            .try_for_each(|detection| self.report(detection, None))?;
        self.summary.files = account.files;
        self.summary.bytes = account.bytes;
        self.summary.problems.files = unread;
        self.summary.problems.files.extend(account.broken);
        self.summary.problems.unknown_files = account.unknown;
        Ok(self.summary)
    }
}
