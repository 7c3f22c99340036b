//! The lake under failing disks, killed, and asked for what it holds.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, Write},
    ops::ControlFlow,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use compact_str::CompactString;
use jiff::ToSpan;
use model::{
    Entities, EntityColumn, Fields, FormatHint, LogSource, LogSourceSet, Problem, ProblemKind, RawRecord, RejectReason,
    Rejection, SourceId, Timestamp, Transport, Value,
};
use proptest::prelude::*;

use super::*;
use crate::disk::Room;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(seq: Seq) -> Event {
    let mut fields = Fields::default();
    fields.push("Image", r"C:\Windows\System32\cmd.exe".into());
    fields.push("EventID", Value::Int(1));
    fields.push(
        "Message",
        Value::text(format!("Process {seq} created\r\nwith \"quotes\"")),
    );
    let raw = format!(
        r#"{{"Image":"C:\\Windows\\System32\\cmd.exe","EventID":1,"Message":"Process {seq} created\r\nwith \"quotes\""}}"#
    );
    let received_at = at("2026-11-25T01:00:00Z") + i64::try_from(seq).unwrap().seconds();
    Event {
        seq,
        records: 1,
        source: SourceId::new(if seq.is_multiple_of(3) { "web" } else { "mail" }),
        happened_at: received_at - 2.seconds(),
        received_at,
        format: "sysmon".into(),
        logsources: LogSourceSet::new([
            LogSource::new("process_creation", "windows", ""),
            LogSource::new("", "windows", "sysmon"),
        ]),
        fields,
        entities: Entities {
            host_name: Some(CompactString::from(format!("ws{}", seq % 5))),
            source_ip: format!("203.0.113.{}", seq % 200).parse().ok(),
            process_pid: u32::try_from(seq).ok(),
            ..Entities::default()
        },
        raw: raw.into(),
        problems: vec![Problem::new(ProblemKind::GuessedTime, "no zone: UTC assumed")],
        exercise: seq.is_multiple_of(7),
    }
}

fn refused(seq: Seq) -> Refused {
    let record = RawRecord {
        source: SourceId::new(if seq.is_multiple_of(2) {
            "syslog/192.0.2.9"
        } else {
            "web"
        }),
        received_at: at("2026-11-25T02:00:00Z"),
        transport: Transport::SyslogTcp,
        origin: "192.0.2.9:5140".into(),
        format: FormatHint::Named("nginx".into()),
        exercise: false,
        bytes: vec![0xff, 0x00, b'x'].into(),
    };
    Refused {
        seq,
        rejection: Rejection {
            record,
            reason: RejectReason::BadFraming,
            detail: "99999 > 8192".to_owned(),
        },
    }
}

fn batch(seqs: std::ops::Range<Seq>) -> Batch {
    Batch {
        resume: seqs.end,
        events: seqs.map(event).collect(),
        rejections: Vec::new(),
    }
}

fn patient() -> Config {
    Config {
        flush_seconds: 3600,
        ..Config::default()
    }
}

fn all_seqs(lake: &Lake) -> Vec<Seq> {
    let mut seqs = Vec::new();
    let unreadable = lake.scan(&Filter::default(), |event| {
        seqs.push(event.seq);
        ControlFlow::Continue(())
    });
    assert_eq!(unreadable, []);
    seqs.sort_unstable();
    seqs
}

/// Checks what a reader sees while rows are fresh, after they were written, and after a restart.
fn check_everywhere(batch: Batch, check: impl Fn(&Lake)) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    lake.append(batch).unwrap();
    check(&lake);
    lake.flush().unwrap();
    check(&lake);
    assert_eq!(lake.verify(), []);
    drop(lake);
    check(&Lake::open(folder.path(), patient()).unwrap());
}

#[test]
fn events_come_back_whole() {
    check_everywhere(batch(1..50), |lake| {
        assert_eq!(
            lake.get(7),
            Found {
                rows: vec![event(7)],
                unreadable: vec![]
            }
        );
        assert_eq!(lake.get_many(&[9, 1000, 3, 20]).rows, [event(3), event(9), event(20)]);
        assert_eq!(all_seqs(lake), (1..50).collect::<Vec<_>>());
    });
}

#[test]
fn values_of_all_types_and_repeated_names_come_back() {
    let mut odd = event(1);
    odd.fields = Fields::default();
    for value in [
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Uint(u64::MAX),
        Value::Float(0.1),
        Value::text(""),
        Value::List(vec![
            Value::Int(1),
            Value::Float(1.0),
            Value::Null,
            Value::List(vec![Value::text("x")]),
        ]),
    ] {
        odd.fields.push("same", value);
    }
    odd.logsources = LogSourceSet::new([LogSource::new("a/b", "50%", "%2F")]);
    odd.entities = Entities {
        source_ip: "2001:db8::1".parse().ok(),
        destination_ip: "198.51.100.1".parse().ok(),
        destination_port: Some(u32::MAX),
        event_code: Some("".into()),
        ..Entities::default()
    };
    odd.raw = b"\xff\x00 not text".to_vec().into();
    let expected = odd.clone();
    check_everywhere(
        Batch {
            events: vec![odd],
            resume: 2,
            ..Batch::default()
        },
        move |lake| {
            assert_eq!(lake.get(1).rows, std::slice::from_ref(&expected));
        },
    );
}

#[test]
fn events_are_found_by_what_they_are_about() {
    let filter = |column, value| Filter {
        entities: vec![(column, value)],
        ..Filter::default()
    };
    check_everywhere(batch(1..500), |lake| {
        let about = |filter: &Filter| {
            lake.around(filter, event(250).happened_at, 4)
                .rows
                .iter()
                .map(|e| e.seq)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            about(&filter(EntityColumn::HostName, EntityValue::Text("ws0".into()))),
            [240, 245, 250, 255]
        );
        let address = EntityValue::Address("203.0.113.9".parse().unwrap());
        assert_eq!(about(&filter(EntityColumn::SourceIp, address)), [9, 209, 409]);
        let mapped = EntityValue::Address("::ffff:203.0.113.9".parse().unwrap());
        assert_eq!(about(&filter(EntityColumn::SourceIp, mapped)), [9, 209, 409]);
        assert_eq!(about(&filter(EntityColumn::ProcessPid, EntityValue::Number(77))), [77]);
        assert!(about(&filter(EntityColumn::UserName, EntityValue::Text("root".into()))).is_empty());
        let window = Filter {
            from: Some(event(100).happened_at),
            before: Some(event(110).happened_at),
            source: Some(SourceId::new("web")),
            ..Filter::default()
        };
        assert_eq!(about(&window), [102, 105, 108]);
    });
}

#[test]
fn refused_records_are_kept_beside_the_events() {
    let batch = Batch {
        rejections: (1..30).map(refused).collect(),
        resume: 30,
        ..Batch::default()
    };
    check_everywhere(batch, |lake| {
        assert_eq!(
            lake.rejections(Some(&SourceId::new("web")), 2).rows,
            [refused(29), refused(27)]
        );
        assert_eq!(lake.rejections(None, 100).rows.len(), 29);
        assert!(all_seqs(lake).is_empty());
    });
}

#[test]
fn reading_the_journal_again_adds_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    // Entry 3 waits to be joined with a later one, so reading would begin at 3 although 4 and 5 are there.
    let early = [1, 2, 4, 5].map(event).to_vec();
    let appended = lake
        .append(Batch {
            events: early.clone(),
            resume: 3,
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(appended, Appended { new: 4, known: 0 });
    lake.flush().unwrap();
    drop(lake);
    let lake = Lake::open(folder.path(), patient()).unwrap();
    assert_eq!(
        lake.position(),
        Position {
            resume: 3,
            ahead: [4, 5].into()
        }
    );
    let again = Batch {
        events: [4, 5, 3, 7].map(event).to_vec(),
        resume: 8,
        ..Batch::default()
    };
    assert_eq!(lake.append(again).unwrap(), Appended { new: 2, known: 2 });
    assert_eq!(all_seqs(&lake), [1, 2, 3, 4, 5, 7]);
    lake.flush().unwrap();
    assert_eq!(
        lake.position(),
        Position {
            resume: 8,
            ahead: [].into()
        }
    );
}

#[test]
fn absurd_times_do_not_make_days() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    let times = [
        "1970-01-01T00:00:00Z",
        "2099-12-31T00:00:00Z",
        "-009999-01-02T02:00:00Z",
        "2026-11-20T00:00:00Z",
        "2026-11-26T00:00:00Z",
    ];
    let events: Vec<Event> = (1..)
        .zip(times)
        .map(|(seq, time)| Event {
            happened_at: at(time),
            ..event(seq)
        })
        .collect();
    lake.append(Batch {
        events: events.clone(),
        resume: 6,
        ..Batch::default()
    })
    .unwrap();
    lake.flush().unwrap();
    let days: BTreeSet<String> = fs::read_dir(folder.path().join("events"))
        .unwrap()
        .map(|day| day.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        days,
        ["day=2026-11-20", "day=2026-11-25", "day=2026-11-26"]
            .map(str::to_owned)
            .into()
    );
    let ancient = Filter {
        before: Some(at("1970-01-02T00:00:00Z")),
        ..Filter::default()
    };
    assert_eq!(
        lake.around(&ancient, at("1970-01-01T00:00:00Z"), 9).rows,
        [events[2].clone(), events[0].clone()]
    );
}

#[test]
fn a_missing_or_damaged_manifest_is_an_error_and_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Lake::open(folder.path(), patient());
    let lake = open().unwrap();
    lake.append(batch(1..5)).unwrap();
    drop(lake);
    let root = folder.path().join("manifest.json");
    let whole = fs::read(&root).unwrap();
    fs::write(&root, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(open().err(), Some(OpenError::ManifestDamaged { .. })));
    fs::remove_file(&root).unwrap();
    assert!(matches!(open().err(), Some(OpenError::ManifestMissing(_))));
    fs::write(&root, &whole).unwrap();
    assert_eq!(all_seqs(&open().unwrap()), [1, 2, 3, 4]);
}

#[test]
fn a_damaged_file_is_named_and_the_rest_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    lake.append(batch(1..5)).unwrap();
    lake.flush().unwrap();
    lake.append(batch(5..9)).unwrap();
    lake.flush().unwrap();
    let file = folder.path().join("events/day=2026-11-25/part-0000000001.parquet");
    let bytes = fs::read(&file).unwrap();
    for damage in [&bytes[..bytes.len() / 2], b"".as_slice()] {
        fs::write(&file, damage).unwrap();
        let mut seqs = BTreeSet::new();
        let unreadable = lake.scan(&Filter::default(), |event| {
            seqs.insert(event.seq);
            ControlFlow::Continue(())
        });
        assert_eq!(seqs, (5..9).collect());
        assert_eq!(unreadable[0].file, "events/day=2026-11-25/part-0000000001.parquet");
        assert_eq!(lake.verify().len(), 1);
    }
}

#[test]
fn what_was_heard_is_told_by_kind() {
    let sshd = |seq| Event {
        logsources: LogSourceSet::new([LogSource::new("", "linux", "sshd/../%")]),
        fields: Fields::default(),
        ..event(seq)
    };
    let mut both = batch(1..30);
    both.events.extend([sshd(30), sshd(31)]);
    both.resume = 32;
    let (from, until) = (at("2026-11-25T01:00:05Z"), at("2026-11-25T01:00:31Z"));
    check_everywhere(both, |lake| {
        let heard = lake.heard(from, until, 1_000);
        // Received are 5 to 30; 7, 14, 21 and 28 are rehearsals.
        assert_eq!((heard.events, heard.left_out, heard.is_whole()), (22, 0, true));
        let [windows, linux] = &heard.kinds[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(windows.logsources, event(1).logsources);
        assert_eq!(windows.events, 21);
        assert_eq!(windows.received_at, (event(5).received_at, event(29).received_at));
        let fields: Vec<(&str, u64)> = windows
            .fields
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(fields, [("EventID", 21), ("Image", 21), ("Message", 21)]);
        let sources: Vec<(&str, u64)> = windows
            .sources
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(sources, [("mail", 14), ("web", 7)]);
        assert_eq!((linux.logsources.clone(), linux.events), (sshd(30).logsources, 1));
        assert_eq!(linux.fields.len(), 0);
    });
}

#[test]
fn what_was_not_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    for seqs in [1..5, 5..7] {
        lake.append(batch(seqs)).unwrap();
        lake.flush().unwrap();
    }
    let heard = lake.heard(Timestamp::MIN, Timestamp::MAX, 2);
    assert_eq!(
        (heard.events, heard.left_out),
        (2, 4),
        "the newest file is looked at first"
    );
    let file = folder.path().join("events/day=2026-11-25/part-0000000001.parquet");
    let bytes = fs::read(&file).unwrap();
    for damage in [&bytes[..bytes.len() / 2], b"".as_slice()] {
        fs::write(&file, damage).unwrap();
        let heard = lake.heard(Timestamp::MIN, Timestamp::MAX, 1_000);
        assert_eq!((heard.events, heard.unreadable.len(), heard.is_whole()), (2, 1, false));
    }
}

#[test]
fn files_of_version_1_are_read_for_good() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/version-1.parquet");
    let rows: Vec<Event> = (1..4).map(event).collect();
    if std::env::var_os("WATCHPOST_WRITE_TESTDATA").is_some() {
        fs::write(path, segment::encode(&rows).unwrap().parquet).unwrap();
    }
    let mut read = Vec::new();
    let outcome = segment::read(
        fs::File::open(path).unwrap(),
        &Filter::default(),
        &mut |event: Event| {
            read.push(event);
            ControlFlow::Continue(())
        },
    );
    assert!(outcome.is_ok());
    read.sort_unstable_by_key(|event| event.seq);
    assert_eq!(read, rows);
}

#[test]
fn only_one_process_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let _lake = Lake::open(folder.path(), patient()).unwrap();
    assert!(Lake::open(folder.path(), patient()).is_err());
}

#[test]
fn events_are_written_when_they_have_waited_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(
        folder.path(),
        Config {
            flush_seconds: 0,
            ..patient()
        },
    )
    .unwrap();
    lake.append(batch(1..5)).unwrap();
    for _ in 0..500 {
        if lake.position().resume == 5 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("was never written");
}

#[test]
fn small_files_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    for seq in 1..=40 {
        lake.append(batch(seq..seq + 1)).unwrap();
        lake.flush().unwrap();
        lake.inner.merge().unwrap();
    }
    let files = lake.stats().events.files;
    assert!(files < 10, "{files}");
    assert_eq!(all_seqs(&lake), (1..=40).collect::<Vec<_>>());
    assert_eq!(lake.verify(), []);
    let day = fs::read_dir(folder.path().join("events/day=2026-11-25")).unwrap();
    assert_eq!(day.count() as u64, files + 1, "the files of the day and their list");
}

#[test]
fn large_segments_are_joined_and_still_found() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    let count = memory::SEGMENT_ROWS as u64 * 2 + 100;
    for seq in (1..=count).step_by(1000) {
        lake.append(batch(seq..(seq + 1000).min(count + 1))).unwrap();
    }
    lake.flush().unwrap();
    let stats = lake.stats();
    assert_eq!(
        (stats.events.files, stats.events.rows, stats.memory_bytes),
        (1, count, 0)
    );
    assert_eq!(
        stats.events.sources[&SourceId::new("web")],
        SourceCount {
            rows: count / 3,
            records: count / 3
        }
    );
    assert_eq!(
        lake.get_many(&[1, count / 2, count]).rows,
        [event(1), event(count / 2), event(count)]
    );
    let filter = Filter {
        entities: vec![(
            EntityColumn::SourceIp,
            EntityValue::Address("203.0.113.9".parse().unwrap()),
        )],
        ..Filter::default()
    };
    assert_eq!(
        lake.around(&filter, event(9).happened_at, usize::MAX).rows.len() as u64,
        (count - 9) / 200 + 1
    );
}

#[test]
fn what_is_too_old_or_too_much_is_dropped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        keep_days: 10,
        lake_bytes_max: Some(0),
        partition_days_back: 60,
        ..patient()
    };
    let lake = Lake::open(folder.path(), config.clone()).unwrap();
    let on = |seq, day: &str| Event {
        happened_at: at(&format!("{day}T00:00:00Z")),
        ..event(seq)
    };
    for (seq, day) in [
        (1, "2026-10-01"),
        (2, "2026-11-20"),
        (3, "2026-11-24"),
        (4, "2026-11-24"),
    ] {
        lake.append(Batch {
            events: vec![on(seq, day)],
            resume: seq + 1,
            ..Batch::default()
        })
        .unwrap();
        lake.flush().unwrap();
    }
    let dropped = lake.retain(at("2026-11-25T00:00:00Z"), &[]).unwrap();
    let told: Vec<_> = dropped
        .iter()
        .map(|d| (d.day.to_string(), d.files, d.rows, d.expired))
        .collect();
    let expected = [
        ("2026-10-01", 1, 1, true),
        ("2026-11-20", 1, 1, false),
        ("2026-11-24", 1, 1, false),
    ];
    assert_eq!(
        told,
        expected.map(|(day, files, rows, expired)| (day.to_owned(), files, rows, expired))
    );
    assert_eq!(all_seqs(&lake), [4], "the newest file stays whatever the limit");
    assert_eq!(
        lake.append(batch(1..4)).unwrap().known,
        3,
        "what was dropped does not come back"
    );
    assert!(
        !folder
            .path()
            .join("events/day=2026-11-20/part-0000000002.parquet")
            .exists()
    );
    drop(lake);
    assert_eq!(all_seqs(&Lake::open(folder.path(), config).unwrap()), [4]);
}

fn by_source(dropped: &Dropped) -> (String, u64, u64, bool, String) {
    let sources: String = dropped.sources.keys().map(ToString::to_string).collect();
    (
        dropped.day.to_string(),
        dropped.files,
        dropped.rows,
        dropped.expired,
        sources,
    )
}

#[test]
fn single_sources_are_kept_for_their_own_time_and_what_is_held_stays() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |days, bytes_max| Keep { days, bytes_max };
    let config = Config {
        keep_days: 30,
        sources: [
            ("web".to_owned(), keep(Some(3), None)),
            ("mai*".to_owned(), keep(None, Some(0))),
        ]
        .into(),
        partition_days_back: 60,
        ..patient()
    };
    let lake = Lake::open(folder.path(), config.clone()).unwrap();
    let on = |seq, source: &str, day: &str| Event {
        happened_at: at(&format!("{day}T00:00:00Z")),
        source: SourceId::new(source),
        ..event(seq)
    };
    let events = vec![
        on(1, "web", "2026-11-20"),
        on(2, "other", "2026-11-20"),
        on(3, "web", "2026-11-24"),
        on(4, "mail", "2026-11-24"),
        on(5, "other", "2026-11-24"),
        on(6, "web", "2026-11-18"),
    ];
    lake.append(Batch {
        events,
        resume: 7,
        ..Batch::default()
    })
    .unwrap();
    lake.flush().unwrap();
    let now = at("2026-11-25T00:00:00Z");
    let held = Hold {
        before: Some(at("2026-11-19T00:00:00Z")),
        sources: Some([SourceId::new("web")].into()),
        ..Hold::default()
    };
    let dropped = lake.retain(now, &[held]).unwrap();
    let told: Vec<_> = dropped.iter().map(by_source).collect();
    assert_eq!(
        told,
        [
            ("2026-11-20".to_owned(), 0, 1, true, "web".to_owned()),
            ("2026-11-24".to_owned(), 0, 1, false, "mail".to_owned()),
        ]
    );
    assert_eq!(all_seqs(&lake), [2, 3, 5, 6]);
    assert_eq!(
        lake.stats()
            .dropped_events
            .values()
            .map(|count| count.records)
            .sum::<u64>(),
        2
    );
    assert_eq!(lake.retain(now, &[Hold::default()]).unwrap(), [], "everything is held");
    assert_eq!(lake.retain(now, &[]).unwrap().len(), 1, "the hold is over");
    assert_eq!(lake.verify(), []);
    drop(lake);
    let lake = Lake::open(folder.path(), config).unwrap();
    assert_eq!(all_seqs(&lake), [2, 3, 5]);
    assert_eq!(
        lake.append(batch(1..7)).unwrap().new,
        0,
        "what was dropped does not come back"
    );
}

#[test]
fn the_oldest_days_are_dropped_when_the_disk_is_too_full() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FailingDisk {
        room: Room {
            bytes: 1000,
            bytes_taken: 801,
        },
        ..FailingDisk::new(|_| false)
    };
    let lake = Lake::open_on(folder.path(), patient(), Box::new(disk)).unwrap();
    for (seq, day) in [(1, "2026-11-20"), (2, "2026-11-24")] {
        let happened_at = at(&format!("{day}T00:00:00Z"));
        let events = vec![Event {
            happened_at,
            ..event(seq)
        }];
        lake.append(Batch {
            events,
            resume: seq + 1,
            ..Batch::default()
        })
        .unwrap();
        lake.flush().unwrap();
    }
    let dropped = lake.retain(at("2026-11-25T00:00:00Z"), &[]).unwrap();
    assert_eq!(
        dropped.len(),
        1,
        "one byte too many costs the oldest day alone: {dropped:?}"
    );
    assert!(!dropped[0].expired);
    assert_eq!(all_seqs(&lake), [2]);
}

/// The real disk until an operation fails, once or from then on.
struct FailingDisk {
    operations: AtomicUsize,
    fails: Box<dyn Fn(usize) -> bool + Send + Sync>,
    room: Room,
}

impl FailingDisk {
    fn new(fails: impl Fn(usize) -> bool + Send + Sync + 'static) -> Self {
        Self {
            operations: AtomicUsize::new(0),
            fails: Box::new(fails),
            room: Room {
                bytes: 1 << 40,
                bytes_taken: 0,
            },
        }
    }
    fn operate(&self) -> io::Result<()> {
        if (self.fails)(self.operations.fetch_add(1, Ordering::SeqCst)) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room, as the test asked"));
        }
        Ok(())
    }
}

impl Disk for FailingDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        RealDisk.create_folder(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.operate() {
            fs::write(path, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        // Not synced: a crash of the machine is not what these tests are about, and syncing is slow.
        fs::write(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate()?;
        RealDisk.rename(from, to)
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.operate()
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        RealDisk.remove(path)
    }
    fn room(&self, _: &Path) -> io::Result<Room> {
        self.operate()?;
        Ok(self.room)
    }
}

/// Appends, flushes, merges and drops; answers how many flushes failed.
fn work(lake: &Lake) -> usize {
    let mut failures = 0;
    for seq in (1..=10u64).step_by(2) {
        let mut batch = batch(seq..seq + 1);
        batch.rejections.push(refused(seq + 1));
        batch.resume = seq + 2;
        lake.append(batch).unwrap();
        failures += usize::from(lake.flush().is_err());
        failures += usize::from(lake.inner.merge().is_err());
    }
    failures
}

fn verify_whole(lake: &Lake, context: &str) {
    let resume = lake.position().resume;
    let seqs = all_seqs(lake);
    assert_eq!(seqs, (1..resume).step_by(2).collect::<Vec<_>>(), "{context}");
    let refused: Vec<Seq> = lake.rejections(None, 1000).rows.iter().rev().map(|r| r.seq).collect();
    assert_eq!(refused, (2..resume).step_by(2).collect::<Vec<_>>(), "{context}");
    assert_eq!(lake.verify(), [], "{context}");
}

/// Runs the work with an operation failing, for each operation until the work passes.
fn fail_each(fails: fn(usize, usize) -> bool, check: impl Fn(Lake, &Path, &str)) {
    for n in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let context = format!("failure at operation {n}");
        let disk = FailingDisk::new(move |now| fails(now, n));
        let Ok(lake) = Lake::open_on(folder.path(), patient(), Box::new(disk)) else {
            continue;
        };
        let failed = work(&lake) > 0;
        check(lake, folder.path(), &context);
        if !failed && n > 40 {
            return;
        }
    }
}

#[test]
fn a_failing_operation_loses_nothing_and_doubles_nothing() {
    fail_each(
        |now, n| now == n,
        |lake, folder, context| {
            lake.flush().unwrap();
            assert_eq!(lake.position().resume, 11, "{context}");
            verify_whole(&lake, context);
            drop(lake);
            verify_whole(&Lake::open(folder, patient()).unwrap(), context);
        },
    );
}

#[test]
fn when_every_operation_fails_from_one_on_what_is_there_is_whole() {
    fail_each(
        |now, n| now >= n,
        |lake, folder, context| {
            assert_eq!(
                all_seqs(&lake),
                (1..11).step_by(2).collect::<Vec<_>>(),
                "{context}: memory and files together"
            );
            let known = lake.position();
            drop(lake);
            let lake = Lake::open(folder, patient()).unwrap();
            assert!(lake.position().resume >= known.resume, "{context}");
            verify_whole(&lake, context);
            // The pump reads again from the position.
            let events = (1..11).step_by(2).map(event).collect();
            let rejections = (2..11).step_by(2).map(refused).collect();
            lake.append(Batch {
                events,
                rejections,
                resume: 11,
            })
            .unwrap();
            lake.flush().unwrap();
            verify_whole(&lake, context);
        },
    );
}

#[test]
fn a_damaged_file_stops_neither_merging_nor_dropping_and_is_copied_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let config = dropping();
    let lake = Lake::open(folder.path(), config).unwrap();
    for day in ["2026-11-24", "2026-11-25"] {
        for part in 0..6 {
            let first = lake.position().resume.max(1);
            let events = (first..first + 3).map(|seq| Event {
                happened_at: at(&format!("{day}T00:00:0{part}Z")),
                ..event(seq)
            });
            lake.append(Batch {
                events: events.collect(),
                resume: first + 3,
                ..Batch::default()
            })
            .unwrap();
            lake.flush().unwrap();
        }
    }
    let whole = folder.path().join("events/day=2026-11-24").read_dir().unwrap();
    let mut files: Vec<_> = whole
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|end| end == "parquet"))
        .collect();
    files.sort();
    let mut bytes = fs::read(&files[0]).unwrap();
    let place = bytes.len() / 3;
    bytes[place] ^= 1;
    fs::write(&files[0], &bytes).unwrap();
    lake.compact().unwrap();
    let damaged: Vec<String> = lake.set_aside().into_iter().map(|file| file.file).collect();
    let name = files[0].strip_prefix(folder.path()).unwrap().display().to_string();
    assert_eq!(damaged, [name]);
    assert!(lake.stats().events.files <= 6, "the others were merged");
    lake.retain(at("2027-01-01T00:00:00Z"), &[]).unwrap();
    assert_eq!(lake.verify().len(), 1, "the damage is where it was");
    bytes[place] ^= 1;
    fs::write(&files[0], &bytes).unwrap();
    lake.check_some(u64::MAX);
    assert_eq!(lake.set_aside(), [], "it is whole again");
}

#[test]
fn files_are_held_against_their_hashes_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    for seqs in [1..3, 3..5, 5..7] {
        lake.append(batch(seqs)).unwrap();
        lake.flush().unwrap();
    }
    let file = folder.path().join("events/day=2026-11-25/part-0000000003.parquet");
    fs::write(&file, b"PAR1").unwrap();
    let found = (0..3).map(|_| {
        lake.check_some(1);
        lake.set_aside().len()
    });
    assert_eq!(found.collect::<Vec<_>>(), [0, 0, 1]);
    lake.check_some(1);
    fs::remove_file(&file).unwrap();
    lake.check_some(u64::MAX);
    assert_eq!(lake.set_aside().len(), 1);
}

#[test]
fn sealing_that_fails_leaves_no_archive_and_bringing_back_that_fails_brings_back_once() {
    for n in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (place, archive) = (folder.path().join("lake"), folder.path().join("2026.seal"));
        let config = Config {
            keep_days: 10,
            ..patient()
        };
        let failing = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let operations = Arc::new(AtomicUsize::new(0));
        let disk = {
            let (failing, operations) = (Arc::clone(&failing), Arc::clone(&operations));
            FailingDisk::new(move |_| failing.load(Ordering::SeqCst) && operations.fetch_add(1, Ordering::SeqCst) == n)
        };
        let lake = Lake::open_on(&place, config.clone(), Box::new(disk)).unwrap();
        lake.append(batch(1..40)).unwrap();
        lake.flush().unwrap();
        let now = at("2026-11-26T00:00:00Z");
        let is_signed = |list: &[u8], signature: &[u8]| signed(list) == signature;
        failing.store(true, Ordering::SeqCst);
        let mut failed = false;
        if lake.seal(&archive, (None, None), now, &signed).is_err() {
            failed = true;
            if archive.exists() {
                assert_eq!(
                    check_seal(&archive, &is_signed).unwrap().rows(),
                    39,
                    "failure at operation {n}"
                );
            } else {
                lake.seal(&archive, (None, None), now, &signed).unwrap();
            }
        }
        failing.store(false, Ordering::SeqCst);
        lake.retain(at("2027-01-01T00:00:00Z"), &[]).unwrap();
        failing.store(true, Ordering::SeqCst);
        failed |= lake.bring_back(&archive, &is_signed).is_err();
        failing.store(false, Ordering::SeqCst);
        drop(lake);
        let lake = Lake::open(&place, config).unwrap();
        lake.bring_back(&archive, &is_signed).unwrap();
        assert_eq!(all_seqs(&lake), (1..40).collect::<Vec<_>>(), "failure at operation {n}");
        assert_eq!(lake.stats().dropped_events, std::collections::BTreeMap::new());
        assert_eq!(lake.verify(), [], "failure at operation {n}");
        if !failed {
            assert!(n > 10, "{n} operations cannot be all");
            return;
        }
    }
}

/// Stands in for a signature: the hash with a secret before it.
fn signed(list: &[u8]) -> Vec<u8> {
    crate::manifest::hash(&[b"secret", list].concat()).into_bytes()
}

#[test]
fn what_was_sealed_can_be_proven_and_brought_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("2026-11.seal");
    let config = Config {
        keep_days: 10,
        ..patient()
    };
    let lake = Lake::open(&folder.path().join("lake"), config.clone()).unwrap();
    lake.append(batch(1..40)).unwrap();
    lake.flush().unwrap();
    let is_signed = |list: &[u8], signature: &[u8]| signed(list) == signature;
    let now = at("2026-11-26T00:00:00Z");
    let seal = lake.seal(&archive, (None, None), now, &signed).unwrap();
    assert_eq!((seal.files(), seal.rows()), (1, 39));
    assert!(matches!(
        lake.seal(&archive, (None, None), now, &signed),
        Err(SealError::Exists(_))
    ));
    let elsewhere = folder.path().join("nothing.seal");
    assert!(matches!(
        lake.seal(&elsewhere, (Some(now), None), now, &signed),
        Err(SealError::Nothing)
    ));
    assert_eq!(lake.bring_back(&archive, &is_signed).unwrap(), 0, "all is there");
    assert_eq!(lake.retain(at("2027-01-01T00:00:00Z"), &[]).unwrap().len(), 1);
    assert_eq!(all_seqs(&lake), Vec::<Seq>::new());
    assert_eq!(lake.bring_back(&archive, &is_signed).unwrap(), 39);
    assert_eq!(lake.bring_back(&archive, &is_signed).unwrap(), 0, "nothing comes twice");
    assert_eq!(all_seqs(&lake), (1..40).collect::<Vec<_>>());
    assert_eq!(lake.get(7).rows, [event(7)]);
    assert_eq!(lake.stats().dropped_events, std::collections::BTreeMap::new());
    assert_eq!(lake.verify(), []);

    let other = Lake::open(&folder.path().join("other"), config).unwrap();
    assert!(matches!(
        other.bring_back(&archive, &is_signed),
        Err(SealError::Foreign(_))
    ));
    assert!(matches!(check_seal(&archive, &|_, _| false), Err(SealError::NotSigned)));
    let file = archive
        .join("events/day=2026-11-25")
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(
        check_seal(&archive, &is_signed),
        Err(SealError::Broken { .. })
    ));
}

/// Rows of every third source are over; files are rewritten without them while an operation fails, for each operation.
#[test]
fn dropping_that_fails_drops_a_day_or_nothing() {
    for n in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep {
            days: Some(0),
            bytes_max: None,
        };
        let config = Config {
            sources: [("web".to_owned(), keep)].into(),
            ..patient()
        };
        let failing = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let disk = {
            let (failing, from) = (Arc::clone(&failing), AtomicUsize::new(0));
            FailingDisk::new(move |_| failing.load(Ordering::SeqCst) && from.fetch_add(1, Ordering::SeqCst) == n)
        };
        let lake = Lake::open_on(folder.path(), config.clone(), Box::new(disk)).unwrap();
        for begin in [1, 31] {
            lake.append(batch(begin..begin + 30)).unwrap();
            lake.flush().unwrap();
        }
        failing.store(true, Ordering::SeqCst);
        let later = at("2027-01-01T00:00:00Z");
        let failed = lake.retain(later, &[]).is_err();
        let accounted = |lake: &Lake| {
            let dropped: u64 = lake.stats().dropped_events.values().map(|count| count.records).sum();
            (all_seqs(lake).len() as u64 + dropped, dropped)
        };
        assert_eq!(accounted(&lake).0, 60, "failure at operation {n}");
        drop(lake);
        let lake = Lake::open(folder.path(), config).unwrap();
        let (all, dropped) = accounted(&lake);
        assert_eq!(all, 60, "failure at operation {n}");
        assert!(dropped == 0 || dropped == 20, "{dropped} at operation {n}");
        assert_eq!(lake.verify(), [], "failure at operation {n}");
        if !failed && n > 10 {
            return;
        }
    }
}

#[test]
fn a_full_disk_pushes_back_when_memory_is_full_and_recovers() {
    static FULL: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        memory_bytes_max: 200_000,
        flush_seconds: 0,
        ..Config::default()
    };
    let lake = Lake::open_on(
        folder.path(),
        config,
        Box::new(FailingDisk::new(|_| FULL.load(Ordering::SeqCst))),
    )
    .unwrap();
    FULL.store(true, Ordering::SeqCst);
    let mut next = 1;
    let full = loop {
        match lake.append(batch(next..next + 10)) {
            Ok(_) => next += 10,
            Err(full) => break full,
        }
    };
    assert!(matches!(full, AppendError::Full(cause) if cause.contains("no room")));
    assert!(lake.stats().failure.is_some());
    assert_eq!(
        all_seqs(&lake),
        (1..next).collect::<Vec<_>>(),
        "readable while the disk is full"
    );
    FULL.store(false, Ordering::SeqCst);
    while lake.append(batch(next..next + 10)).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    lake.flush().unwrap();
    assert_eq!((lake.position().resume, lake.stats().failure), (next + 10, None));
    assert_eq!(all_seqs(&lake), (1..next + 10).collect::<Vec<_>>());
}

const KILLED_FOLDER: &str = "WATCHPOST_TEST_LAKE_KILLED_FOLDER";

/// The process that `killed_while_dropping…` kills: takes events in, merges files, and drops a source again and again.
#[test]
fn dropping_child() {
    let Some(folder) = std::env::var_os(DROPPING_FOLDER) else {
        return;
    };
    let lake = Lake::open(Path::new(&folder), dropping()).unwrap();
    let mut next = lake.position().resume.max(1);
    loop {
        lake.append(batch(next..next + 20)).unwrap();
        next += 20;
        lake.compact().unwrap();
        lake.retain(at("2027-01-01T00:00:00Z"), &[]).unwrap();
        io::stdout().write_all(b"\nround\n").unwrap();
    }
}

const DROPPING_FOLDER: &str = "WATCHPOST_TEST_LAKE_DROPPING_FOLDER";

fn dropping() -> Config {
    let keep = Keep {
        days: Some(0),
        bytes_max: None,
    };
    Config {
        sources: [("web".to_owned(), keep)].into(),
        ..patient()
    }
}

#[test]
fn killed_while_dropping_and_merging_each_event_is_there_or_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    for run in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::dropping_child", "--exact", "--nocapture"])
            .env(DROPPING_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = io::BufReader::new(child.stdout.take().unwrap()).lines();
        let rounds = lines
            .by_ref()
            .map_while(Result::ok)
            .filter(|line| line.contains("round"));
        assert_eq!(rounds.take(5).count(), 5);
        std::thread::sleep(std::time::Duration::from_millis(3 * run));
        child.kill().unwrap();
        child.wait().unwrap();
        let lake = Lake::open(folder.path(), dropping()).unwrap();
        let dropped: u64 = lake.stats().dropped_events.values().map(|count| count.records).sum();
        let seqs = all_seqs(&lake);
        assert_eq!(seqs.len() as u64 + dropped, lake.position().resume - 1, "run {run}");
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "run {run}");
        assert_eq!(lake.verify(), [], "run {run}");
    }
}

const SEALING_FOLDER: &str = "WATCHPOST_TEST_LAKE_SEALING_FOLDER";

/// The process that `killed_while_sealing…` kills: takes events in, seals all of them, drops them and brings them back.
#[test]
fn sealing_child() {
    let Some(folder) = std::env::var_os(SEALING_FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let config = Config {
        keep_days: 10,
        ..patient()
    };
    let lake = Lake::open(&folder.join("lake"), config).unwrap();
    let is_signed = |list: &[u8], signature: &[u8]| signed(list) == signature;
    loop {
        let next = lake.position().resume.max(1);
        lake.append(batch(next..next + 20)).unwrap();
        let archive = folder.join(format!("{next}.seal"));
        let now = at("2026-11-26T00:00:00Z");
        lake.seal(&archive, (None, None), now, &signed).unwrap();
        lake.retain(at("2027-01-01T00:00:00Z"), &[]).unwrap();
        lake.bring_back(&archive, &is_signed).unwrap();
        io::stdout().write_all(b"\nround\n").unwrap();
    }
}

#[test]
fn killed_while_sealing_and_bringing_back_archives_are_whole_and_each_event_comes_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let is_signed = |list: &[u8], signature: &[u8]| signed(list) == signature;
    for run in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::sealing_child", "--exact", "--nocapture"])
            .env(SEALING_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = io::BufReader::new(child.stdout.take().unwrap()).lines();
        let rounds = lines.by_ref().map_while(Result::ok);
        assert_eq!(rounds.filter(|line| line.contains("round")).take(2).count(), 2);
        std::thread::sleep(std::time::Duration::from_millis(5 * run));
        child.kill().unwrap();
        child.wait().unwrap();
        let lake = Lake::open(&folder.path().join("lake"), patient()).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_some_and(|end| end == "seal") {
                check_seal(&entry, &is_signed).unwrap();
                lake.bring_back(&entry, &is_signed).unwrap();
            }
        }
        assert_eq!(
            all_seqs(&lake),
            (1..lake.position().resume).collect::<Vec<_>>(),
            "run {run}"
        );
        assert_eq!(
            lake.stats().dropped_events,
            std::collections::BTreeMap::new(),
            "run {run}"
        );
        assert_eq!(lake.verify(), [], "run {run}");
    }
}

/// The process that `killed_at_any_moment…` kills: goes on from the lake's position like the pump does.
#[test]
fn killed_child() {
    let Some(folder) = std::env::var_os(KILLED_FOLDER) else {
        return;
    };
    let lake = Lake::open(
        Path::new(&folder),
        Config {
            flush_seconds: 0,
            ..Config::default()
        },
    )
    .unwrap();
    let mut next = lake.position().resume.max(1);
    loop {
        lake.append(batch(next..next + 20)).unwrap();
        next += 20;
        let line = format!("\nposition {}\n", lake.position().resume);
        io::stdout().write_all(line.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn killed_at_any_moment_each_event_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut reached = 0;
    for run in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::killed_child", "--exact", "--nocapture"])
            .env(KILLED_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = 0;
        let mut changes = 0;
        for line in io::BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(position) = line.strip_prefix("position ") else {
                continue;
            };
            let position: Seq = position.parse().unwrap();
            changes += u64::from(position > told);
            told = told.max(position);
            if changes == 3 + run {
                std::thread::sleep(std::time::Duration::from_micros(run * 900));
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let lake = Lake::open(folder.path(), patient()).unwrap();
        reached = lake.position().resume;
        assert!(reached >= told, "run {run}");
        assert_eq!(all_seqs(&lake), (1..reached).collect::<Vec<_>>(), "run {run}");
        assert_eq!(lake.verify(), []);
    }
    assert!(reached > 500, "{reached}");
}

/// The Parquet library panics at some of these; whoever reads must hear of a damaged file instead.
#[test]
fn a_file_at_which_the_decoder_panics_is_a_damaged_one() {
    let rows: Vec<Event> = (1..20).map(event).collect();
    let whole = segment::encode(&rows).unwrap().parquet.to_vec();
    let read_with_damage_at = |place: usize| {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xb0;
        let mut visit = |_: Event| ControlFlow::Continue(());
        segment::read(bytes::Bytes::from(bytes), &Filter::default(), &mut visit)
    };
    let told: Vec<String> = (0..whole.len())
        .step_by(20)
        .filter_map(|place| read_with_damage_at(place).err())
        .map(|error| error.to_string())
        .collect();
    assert!(
        told.iter().any(|words| words.contains("the file is damaged")),
        "{told:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_damage_to_a_file_is_an_error_or_the_right_events(place in any::<prop::sample::Index>(), flip in 1u8..) {
        let rows: Vec<Event> = (1..20).map(event).collect();
        let mut bytes = segment::encode(&rows).unwrap().parquet.to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let mut read = Vec::new();
        let _ = segment::read(bytes::Bytes::from(bytes), &Filter::default(), &mut |event: Event| {
            read.push(event);
            ControlFlow::Continue(())
        });
        prop_assert!(read.len() <= rows.len());
    }
}
