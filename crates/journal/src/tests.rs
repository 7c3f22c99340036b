//! The journal under failing disks, against a model, and killed.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use model::{FormatHint, RawRecord, SourceId, Timestamp, Transport};
use proptest::prelude::*;
use redb::StorageBackend;

use super::*;

fn entry(id: u64, bytes: usize) -> JournalEntry {
    let mut text = format!("{id} ").into_bytes();
    // Not compressible, so that limits in bytes are met.
    let mut state = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    text.resize_with(text.len() + bytes, || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    JournalEntry::Record(RawRecord {
        source: SourceId::new("test"),
        received_at: Timestamp::UNIX_EPOCH,
        transport: Transport::Bulk,
        origin: "192.0.2.1:9200".into(),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: text.into(),
    })
}

fn entries(ids: std::ops::Range<u64>, bytes: usize) -> Vec<JournalEntry> {
    ids.map(|id| entry(id, bytes)).collect()
}

fn id_of(entry: &JournalEntry) -> u64 {
    let JournalEntry::Record(record) = entry else {
        panic!("a record was written")
    };
    let text = String::from_utf8_lossy(&record.bytes);
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Runs an append to its end without a runtime.
fn append(journal: &Journal, entries: Vec<JournalEntry>) -> Result<SeqRange, AppendError> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(journal.append(entries))
}

fn read_all(journal: &Journal) -> BTreeMap<Seq, u64> {
    let mut all = BTreeMap::new();
    let mut from = 1;
    loop {
        let read = journal.read(from, 100, usize::MAX).unwrap();
        let Some((last, _)) = read.last() else { return all };
        from = last + 1;
        all.extend(read.iter().map(|(seq, entry)| (*seq, id_of(entry))));
    }
}

/// A disk in memory that fails on command, and of which a crash leaves what was synced and any part of the rest.
#[derive(Debug, Default)]
struct Platter {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    operations: usize,
    fail_at: Option<usize>,
    fail_from: Option<usize>,
    bytes_max: Option<u64>,
}

impl Platter {
    fn operate(&mut self) -> io::Result<()> {
        let now = self.operations;
        self.operations += 1;
        if self.fail_at == Some(now) || self.fail_from.is_some_and(|from| now >= from) {
            return Err(io::Error::other("the disk fails as the test asked"));
        }
        Ok(())
    }

    fn put(to: &mut Vec<u8>, offset: usize, data: &[u8]) {
        if to.len() < offset + data.len() {
            to.resize(offset + data.len(), 0);
        }
        to[offset..offset + data.len()].copy_from_slice(data);
    }

    /// What the disk has after the power failed: `dice` decides on each write, or part of one, that was not synced.
    fn crash(&self, mut dice: u64) -> Self {
        let mut left = self.durable.clone();
        for (offset, data) in &self.unsynced {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let kept = match (dice >> 33) % 3 {
                0 => 0,
                1 => data.len() / 2 / 512 * 512,
                _ => data.len(),
            };
            Self::put(&mut left, *offset, &data[..kept]);
        }
        left.resize(left.len().max(self.current.len()), 0);
        Self {
            current: left.clone(),
            durable: left,
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Platter>>);

impl Memory {
    /// An empty journal whose disk begins to count operations now.
    fn created(then: impl FnOnce(&mut Platter)) -> Self {
        let disk = Self::default();
        drop(disk.journal(&Config::default()).unwrap());
        let mut platter = disk.0.lock().unwrap();
        platter.operations = 0;
        then(&mut platter);
        drop(platter);
        disk
    }
    fn of(platter: Platter) -> Self {
        Self(Arc::new(Mutex::new(platter)))
    }
    fn journal(&self, config: &Config) -> Result<(Journal, Opened), DiskError> {
        Journal::open_on(Box::new(self.clone()), config, 1)
    }
}

impl Disk for Memory {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        self.0.lock().unwrap().operate()?;
        Ok(Box::new(self.clone()))
    }
    fn len(&self) -> u64 {
        self.0.lock().unwrap().current.len() as u64
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.0.lock().unwrap().current[offset..offset + out.len()]);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.0.lock().unwrap();
        platter.operate()?;
        if platter.bytes_max.is_some_and(|max| len > max) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        platter.current.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.0.lock().unwrap();
        platter.operate()?;
        for (offset, data) in std::mem::take(&mut platter.unsynced) {
            Platter::put(&mut platter.durable, offset, &data);
        }
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.0.lock().unwrap();
        platter.operate()?;
        let offset = usize::try_from(offset).unwrap();
        Platter::put(&mut platter.current, offset, data);
        platter.unsynced.push((offset, data.to_vec()));
        Ok(())
    }
}

/// Appends, releases and appends again; answers what was acknowledged.
fn work(journal: &Journal) -> BTreeMap<Seq, u64> {
    let mut acknowledged = BTreeMap::new();
    for round in 0..5u64 {
        let ids = round * 10..round * 10 + 3;
        if let Ok(range) = append(journal, entries(ids.clone(), 3000)) {
            acknowledged.extend(range.zip(ids));
        }
        if round == 2 {
            journal.release(3);
        }
    }
    acknowledged
}

/// Everything acknowledged and not released is there under its number; numbers have no gaps.
fn verify(journal: &Journal, acknowledged: &BTreeMap<Seq, u64>, context: &str) {
    let present = read_all(journal);
    for (seq, id) in acknowledged.range(4..) {
        assert_eq!(present.get(seq), Some(id), "{context}: entry {seq}");
    }
    let numbers: Vec<Seq> = present.keys().copied().collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{context}: {numbers:?}"
    );
    if let Some(last) = numbers.last() {
        assert_eq!(journal.stats().next, last + 1, "{context}");
    }
}

#[test]
fn a_failing_operation_loses_nothing_acknowledged_and_the_journal_goes_on() {
    let config = Config::default();
    for n in 0.. {
        let disk = Memory::created(|platter| platter.fail_at = Some(n));
        let Ok((journal, _)) = disk.journal(&config) else {
            continue;
        };
        let acknowledged = work(&journal);
        verify(&journal, &acknowledged, &format!("failure at {n}"));
        let after = append(&journal, entries(900..901, 10))
            .or_else(|_| append(&journal, entries(900..901, 10)))
            .expect("works again, though the failure may come as late as here");
        drop(journal);
        let failed = disk.0.lock().unwrap().operations > n;
        let (journal, _) = disk.journal(&config).or_else(|_| disk.journal(&config)).unwrap();
        verify(&journal, &acknowledged, &format!("reopened after a failure at {n}"));
        assert_eq!(read_all(&journal).get(&after.start), Some(&900));
        if !failed {
            assert!(n > 30, "the test reached the disk");
            assert_eq!(acknowledged.len(), 15);
            return;
        }
    }
}

#[test]
fn after_a_power_failure_at_any_operation_all_acknowledged_is_there() {
    let config = Config::default();
    for n in 0.. {
        let disk = Memory::created(|platter| platter.fail_from = Some(n));
        let acknowledged = disk
            .journal(&config)
            .map_or_else(|_| BTreeMap::new(), |(journal, _)| work(&journal));
        let failed = disk.0.lock().unwrap().operations > n;
        for dice in 0..4 {
            let left = Memory::of(disk.0.lock().unwrap().crash(dice * 7919 + n as u64));
            let (journal, _) = left
                .journal(&config)
                .unwrap_or_else(|error| panic!("crash at {n}, dice {dice}: {error}"));
            verify(&journal, &acknowledged, &format!("crash at {n}, dice {dice}"));
            append(&journal, entries(900..901, 10)).expect("works after a crash");
        }
        if !failed {
            return;
        }
    }
}

#[test]
fn a_journal_half_made_when_the_power_failed_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("journal.unfinished"), "half a file").unwrap();
    let (journal, opened) = Journal::open(folder.path(), &Config::default(), 1).unwrap();
    assert_eq!((opened.next, opened.repaired), (1, false));
    append(&journal, entries(0..1, 10)).unwrap();
}

#[test]
fn a_full_disk_refuses_and_recovers_when_there_is_room() {
    let disk = Memory::of(Platter {
        bytes_max: Some(4 << 20),
        ..Platter::default()
    });
    let (journal, _) = disk.journal(&Config::default()).unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut id = 100;
    let error = loop {
        match append(&journal, entries(id..id + 4, 50_000)) {
            Ok(range) => acknowledged.extend(range.zip(id..)),
            Err(error) => break error,
        }
        id += 4;
    };
    assert!(
        matches!(
            error,
            AppendError::Disk(DiskError {
                kind: io::ErrorKind::StorageFull,
                ..
            })
        ),
        "{error:?}"
    );
    assert!(append(&journal, entries(id..id + 4, 50_000)).is_err(), "is still full");
    verify(&journal, &acknowledged, "while the disk is full");
    let all = *acknowledged.keys().last().unwrap();
    journal.release(all - 4);
    append(&journal, entries(id..id + 1, 1000)).expect("what was released gives room even on a full disk");
    disk.0.lock().unwrap().bytes_max = None;
    append(&journal, entries(id..id + 40, 50_000)).expect("there is room again");
}

#[test]
fn a_full_journal_pushes_back_until_released() {
    let config = Config {
        journal_bytes_max: 1 << 20,
        ..Config::default()
    };
    let disk = Memory::default();
    let (journal, _) = disk.journal(&config).unwrap();
    let mut appended = 0;
    for round in 0..20u64 {
        let refused = (0..200).find_map(|i| {
            let done = append(&journal, entries(appended + i * 2..appended + i * 2 + 2, 40_000));
            done.err().map(|error| (i, error))
        });
        let (taken, error) = refused.expect("the limit is met");
        assert_eq!(error, AppendError::Full);
        appended += taken * 2;
        assert_eq!(journal.stats().next, appended + 1, "round {round}");
        assert!(journal.stats().bytes <= config.journal_bytes_max);
        journal.release(appended);
    }
    assert!(appended > 200, "{appended}");
    assert!(
        journal.stats().file_bytes < 4 * config.journal_bytes_max,
        "{:?}",
        journal.stats()
    );
}

#[test]
fn an_entry_over_the_limit_is_refused_before_it_is_queued() {
    let (journal, _) = Memory::default()
        .journal(&Config {
            waiting_bytes_max: 1000,
            ..Config::default()
        })
        .unwrap();
    assert!(matches!(
        append(&journal, entries(1..2, 2000)),
        Err(AppendError::TooLarge { bytes_max: 1000, .. })
    ));
    assert_eq!(append(&journal, vec![]), Ok(1..1));
}

#[test]
fn numbers_go_on_after_the_readers_positions_when_the_journal_was_lost() {
    let disk = Memory::default();
    let (journal, opened) = Journal::open_on(Box::new(disk.clone()), &Config::default(), 500).unwrap();
    assert_eq!(
        opened,
        Opened {
            first: 500,
            next: 500,
            repaired: false
        }
    );
    assert_eq!(append(&journal, entries(0..2, 10)), Ok(500..502));
    drop(journal);
    let (_, opened) = disk.journal(&Config::default()).unwrap();
    assert_eq!((opened.first, opened.next), (500, 502));
}

#[test]
fn a_damaged_block_is_named_and_can_be_passed_over() {
    let disk = Memory::default();
    let (journal, _) = disk.journal(&Config::default()).unwrap();
    append(&journal, entries(0..3, 3000)).unwrap();
    append(&journal, entries(3..5, 3000)).unwrap();
    drop(journal);
    let needle = {
        let JournalEntry::Record(record) = entry(1, 3000) else {
            unreachable!()
        };
        record.bytes.slice(100..140)
    };
    let mut platter = disk.0.lock().unwrap();
    let at = platter
        .current
        .windows(needle.len())
        .position(|w| w == needle)
        .expect("was written as it is");
    platter.current[at] ^= 0xff;
    drop(platter);
    let (journal, _) = disk.journal(&Config::default()).unwrap();
    let error = journal.read(1, 100, usize::MAX).unwrap_err();
    assert!(
        matches!(error, ReadError::Damaged { first: 1, last: 3, .. }),
        "{error:?}"
    );
    assert_eq!(journal.read(4, 100, usize::MAX).unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_woken_and_many_senders_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path(), &Config::default(), 1).unwrap();
    let waiting = tokio::spawn({
        let journal = journal.clone();
        async move { journal.wait_beyond(39).await }
    });
    let mut senders = tokio::task::JoinSet::new();
    for id in 0..20 {
        let journal = journal.clone();
        senders.spawn(async move { journal.append(entries(id * 2..id * 2 + 2, 100)).await.unwrap() });
    }
    let mut ranges: Vec<_> = senders.join_all().await;
    ranges.sort_by_key(|range| range.start);
    assert_eq!(
        ranges.iter().map(|r| r.start).collect::<Vec<_>>(),
        (0..20).map(|i| i * 2 + 1).collect::<Vec<_>>()
    );
    assert_eq!(waiting.await.unwrap(), Ok(40));
    assert_eq!(journal.read(1, usize::MAX, usize::MAX).unwrap().len(), 40);
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64, usize),
    Read(u64, usize, usize),
    Release(u64),
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..40, 0usize..9000).prop_map(|(n, bytes)| Step::Append(n, bytes)),
        3 => (0u64..400, 0usize..50, 0usize..100_000).prop_map(|(f, n, b)| Step::Read(f, n, b)),
        2 => (0u64..400).prop_map(Step::Release),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_behaves_like_a_list(steps in prop::collection::vec(any_step(), 1..25)) {
        let disk = Memory::default();
        let mut journal = disk.journal(&Config::default()).unwrap().0;
        let mut next = 1u64;
        let mut released = 0;
        for step in steps {
            match step {
                Step::Append(count, bytes) => {
                    prop_assert_eq!(append(&journal, entries(next..next + count, bytes)), Ok(next..next + count));
                    next += count;
                }
                Step::Read(from, entries_max, bytes_max) => {
                    let read = journal.read(from, entries_max, bytes_max).unwrap();
                    prop_assert!(read.len() <= entries_max);
                    let first = read.first().map(|(seq, _)| *seq);
                    if entries_max > 0 && bytes_max > 0 && from < next && from > released {
                        prop_assert_eq!(first, Some(from.max(1)), "nothing unreleased is passed over");
                    }
                    for (place, (seq, entry)) in (first.unwrap_or(0)..).zip(&read) {
                        prop_assert_eq!((*seq, id_of(entry)), (place, place));
                    }
                }
                Step::Release(up_to) => {
                    journal.release(up_to.min(next - 1));
                    released = released.max(up_to.min(next - 1));
                }
                Step::Reopen => {
                    drop(journal);
                    let (again, opened) = disk.journal(&Config::default()).unwrap();
                    prop_assert_eq!(opened.next, next);
                    prop_assert!(opened.first <= released + 1);
                    journal = again;
                }
            }
        }
    }
}

const KILLED_FOLDER: &str = "WATCHPOST_TEST_JOURNAL_KILLED_FOLDER";

/// The process that `killed_at_any_moment…` kills: appends from several tasks and prints each acknowledged number and id.
#[test]
fn killed_child() {
    let Some(folder) = std::env::var_os(KILLED_FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (journal, opened) = Journal::open(Path::new(&folder), &Config::default(), 1).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4u64 {
            let journal = journal.clone();
            tasks.spawn(async move {
                for round in 0.. {
                    let id = (opened.next * 4 + task) * 1_000_000 + round * 10;
                    let range = journal.append(entries(id..id + 7, 900)).await.unwrap();
                    if round % 16 == 15 {
                        journal.release(range.start.saturating_sub(2000));
                    }
                    let line = format!("\nack {} {id}\n", range.start);
                    io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
}

#[test]
fn killed_at_any_moment_it_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged_in_all = 0;
    for run in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::killed_child", "--exact", "--nocapture"])
            .env(KILLED_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let Some(ack) = line.strip_prefix("ack ") else { continue };
            let (seq, id) = ack.split_once(' ').unwrap();
            acknowledged.push((seq.parse::<Seq>().unwrap(), id.parse::<u64>().unwrap()));
            // Different moments of the write: after this many acknowledgements, and a run-dependent pause.
            if acknowledged.len() as u64 == 5 + run * 23 {
                std::thread::sleep(std::time::Duration::from_micros(run * 370));
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let (journal, opened) = Journal::open(folder.path(), &Config::default(), 1).unwrap();
        for (seq, id) in acknowledged.iter().filter(|(seq, _)| *seq >= opened.first) {
            let read = journal.read(*seq, 7, usize::MAX).unwrap();
            let ids: Vec<u64> = read.iter().map(|(_, entry)| id_of(entry)).collect();
            assert_eq!(ids, (*id..*id + 7).collect::<Vec<_>>(), "run {run}, entry {seq}");
            acknowledged_in_all += 1;
        }
        let numbers: Vec<Seq> = read_all(&journal).into_keys().collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    }
    assert!(acknowledged_in_all > 400, "{acknowledged_in_all}");
}
