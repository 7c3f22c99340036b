//! Hunts over rows that are fresh, in memory as Parquet, and in files; limits, damage and wrong questions.

use std::{collections::BTreeSet, fs, path::PathBuf};

use compact_str::CompactString;
use datafusion::arrow::util::pretty::pretty_format_batches;
use model::{Entities, Event, Fields, LogSource, LogSourceSet, Seq, SourceId, Timestamp, Value};

use super::*;
use crate::{Batch, Config, Lake, Table};

pub(super) fn event(seq: Seq) -> Event {
    let at: Timestamp = "2026-11-25T01:00:00Z".parse().unwrap();
    let received_at = at + jiff::SignedDuration::from_secs(i64::try_from(seq).unwrap());
    let image = format!(r"C:\Windows\System32\tool{}.exe", seq % 10);
    let message = if seq == 777 {
        "Cài đặt Mimikatz đã bị chặn".to_owned()
    } else {
        format!("Process {seq} created")
    };
    let mut fields = Fields::default();
    fields.push("Image", Value::text(&image));
    fields.push("EventID", Value::Int(1));
    fields.push("Message", Value::text(&message));
    let raw = format!(
        r#"{{"Image":{},"EventID":1,"Message":{}}}"#,
        serde_json::to_string(&image).unwrap(),
        serde_json::to_string(&message).unwrap()
    );
    Event {
        seq,
        records: 1,
        source: SourceId::new(if seq.is_multiple_of(3) { "web" } else { "mail" }),
        happened_at: received_at,
        received_at,
        format: "sysmon".into(),
        logsources: LogSourceSet::new([LogSource::new("process_creation", "windows", "")]),
        fields,
        entities: Entities {
            host_name: Some(CompactString::from(format!("ws{}", seq % 5))),
            user_name: (seq % 100 == 7).then(|| "an.nguyen".into()),
            source_ip: format!("203.0.{}.{}", seq / 200 % 256, seq % 200).parse().ok(),
            process_pid: u32::try_from(seq).ok(),
            ..Entities::default()
        },
        raw: raw.into(),
        problems: Vec::new(),
        exercise: false,
    }
}

pub(super) fn batch(seqs: std::ops::Range<Seq>) -> Batch {
    Batch {
        resume: seqs.end,
        events: seqs.map(event).collect(),
        rejections: Vec::new(),
    }
}

pub(super) fn patient() -> Config {
    Config {
        flush_seconds: 3600,
        ..Config::default()
    }
}

/// A lake with some events in files, some in Parquet in memory and some fresh.
pub(super) fn lake(folder: &std::path::Path) -> Lake {
    let lake = Lake::open(folder, patient()).unwrap();
    for begin in (1..1000).step_by(250) {
        lake.append(batch(begin..begin + 250)).unwrap();
        lake.flush().unwrap();
    }
    lake.append(batch(1001..1101)).unwrap();
    lake
}

fn answer(lake: &Lake, question: &str) -> (String, Vec<Incomplete>, Progress) {
    let session = lake.session(HuntLimits::default(), &HuntScope::default()).unwrap();
    let mut hunt = session
        .sql(question)
        .unwrap_or_else(|error| panic!("{question}: {error}"));
    let batches = hunt
        .collect_blocking()
        .unwrap_or_else(|error| panic!("{question}: {error}"));
    let rows: Vec<String> = pretty_format_batches(&batches)
        .unwrap()
        .to_string()
        .lines()
        .skip(3)
        .filter(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.join(",")
        })
        .collect();
    (rows.join("\n"), hunt.incomplete(), hunt.progress())
}

#[test]
fn questions_are_answered_from_files_and_memory_alike() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    for (question, expected) in [
        ("SELECT count(*) FROM events", "1100"),
        ("SELECT seq FROM events WHERE source.ip = '203.0.3.177'", "777"),
        (
            "SELECT seq FROM events WHERE '203.0.3.177' = \"source.ip\" AND host.name = 'ws2'",
            "777",
        ),
        (
            "SELECT e.seq, e.source.ip FROM events e WHERE e.source.ip IN ('203.0.3.177', '2001:db8::1')",
            "777,203.0.3.177",
        ),
        (
            "SELECT count(*) FROM events WHERE cidr_match(source.ip, '203.0.4.0/23')",
            "301",
        ),
        (
            "SELECT count(*) FROM events WHERE NOT cidr_match(source.ip, '203.0.4.0/23')",
            "799",
        ),
        ("SELECT seq FROM events WHERE has_text('mimiKATZ da bi')", "777"),
        (
            "SELECT seq FROM events WHERE has_text('C:\\Windows\\System32\\tool7') AND seq > 1090",
            "1097",
        ),
        (
            "SELECT seq FROM events WHERE has_text('\"EventID\":1,\"Message\":\"Process 1050 ')",
            "1050",
        ),
        (
            "SELECT count(*) FROM events WHERE fields['Image'] LIKE '%tool3.exe'",
            "110",
        ),
        (
            "SELECT fields['EventID'], fields['nothing'] FROM events WHERE seq = 5",
            "1,",
        ),
        (
            "SELECT raw() FROM events WHERE seq = 11",
            r#"{"Image":"C:\\Windows\\System32\\tool1.exe","EventID":1,"Message":"Process 11 created"}"#,
        ),
        (
            "SELECT host.name, count(*) AS n FROM events GROUP BY 1 ORDER BY 1 LIMIT 2",
            "ws0,220\nws1,220",
        ),
        (
            "SELECT seq FROM events ORDER BY happened_at DESC LIMIT 3",
            "1100\n1099\n1098",
        ),
        (
            "SELECT count(*) FROM events WHERE list_has(logsources, 'process_creation/*')",
            "1100",
        ),
        (
            "SELECT date_trunc('hour', happened_at) AS h, count(*) FROM events WHERE happened_at < '2026-11-25T01:00:10Z' GROUP BY h",
            "2026-11-25T01:00:00Z,9",
        ),
        (
            "SELECT a.seq FROM events a JOIN events b ON a.source.ip = b.source.ip WHERE b.seq = 500",
            "500",
        ),
        (
            "SELECT seq FROM events WHERE fold(fields['Message']) LIKE 'cai dat%'",
            "777",
        ),
        ("SELECT count(DISTINCT user.name) FROM events", "1"),
        ("SELECT count(*) FROM rejections", "0"),
        ("EXPLAIN SELECT 1", "logical_plan,Projection: Int64(1)"),
    ] {
        let (rows, incomplete, _) = answer(&lake, question);
        let rows = if question.starts_with("EXPLAIN") {
            rows.lines().next().unwrap_or_default().to_owned()
        } else {
            rows
        };
        assert_eq!(rows, expected, "{question}");
        assert_eq!(incomplete, [], "{question}");
    }
}

#[test]
fn what_cannot_hold_an_answer_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    for (question, spared) in [
        ("SELECT * FROM events WHERE source.ip = '203.0.3.177'", 3),
        ("SELECT * FROM events WHERE has_text('mimikatz')", 3),
        (
            "SELECT * FROM events WHERE fields['Message'] = 'Process 300 created'",
            3,
        ),
        ("SELECT * FROM events WHERE fields['Message'] LIKE '%ess 300 cre%'", 3),
        (
            "SELECT * FROM events WHERE has_text('mimikatz') OR has_text('ess 300 cre')",
            2,
        ),
        (
            "SELECT * FROM events WHERE source.ip = '198.51.100.1' AND happened_at > '2026-11-25T00:00:00Z'",
            4,
        ),
    ] {
        let (_, _, progress) = answer(&lake, question);
        assert_eq!(progress.row_groups_spared, spared, "{question}: {progress:?}");
        assert_eq!((progress.files, progress.files_done), (4, 4), "{question}");
        assert_eq!(progress.bytes, progress.bytes_done, "{question}");
    }
    let (_, _, progress) = answer(&lake, "SELECT * FROM events WHERE happened_at < '2026-11-25T01:01:00Z'");
    assert_eq!(progress.files, 1);
}

#[test]
fn a_merged_file_keeps_its_text_filters() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    for begin in [1, 9001, 18001] {
        lake.append(batch(begin..begin + 9000)).unwrap();
    }
    lake.flush().unwrap();
    let (rows, _, progress) = answer(&lake, "SELECT seq FROM events WHERE has_text('mimikatz')");
    assert_eq!(rows, "777");
    assert_eq!((progress.files, progress.row_groups_read), (1, 1), "{progress:?}");
    assert!(progress.row_groups_spared >= 2, "{progress:?}");
}

#[test]
fn only_the_sources_of_the_scope_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let scope = HuntScope {
        sources: Some(BTreeSet::from([SourceId::new("web")])),
    };
    let session = lake.session(HuntLimits::default(), &scope).unwrap();
    let mut hunt = session.sql("SELECT DISTINCT source FROM events").unwrap();
    let batches = hunt.collect_blocking().unwrap();
    let rows: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
    assert_eq!(rows, 1);
}

#[test]
fn wrong_questions_are_answered_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), patient()).unwrap();
    let session = lake.session(HuntLimits::default(), &HuntScope::default()).unwrap();
    for (question, expected) in [
        ("SELEC 1", "at line 1, column 1"),
        ("SELECT * FROM events WHERE (seq = 1", "at line 1, column 36"),
        ("SELECT * FROM event", "did you mean events?"),
        ("SELECT \"host.nam\" FROM events", "host.name"),
        ("SELECT nofunction(1) FROM events", "nofunction"),
        ("SELECT 1; SELECT 2", "one question"),
        ("", "one question"),
        ("DROP TABLE events", "only reads"),
        ("INSERT INTO events SELECT * FROM events", "only reads"),
        ("CREATE TABLE t AS SELECT 1", "only reads"),
        ("COPY events TO 'stolen.csv'", "only reads"),
        ("SET datafusion.execution.batch_size = 1", "only reads"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "only reads",
        ),
        ("SELECT * FROM '/etc/passwd'", "not known"),
    ] {
        let error = session.sql(question).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{question}: {error}");
    }
    for (question, expected) in [
        ("SELECT * FROM events WHERE source.ip = 'many'", "not an address"),
        ("SELECT * FROM events WHERE source.ip = '10.0.0.0/8'", "cidr_match"),
        (
            "SELECT * FROM events WHERE cidr_match(source.ip, '10.0.0.0/99')",
            "at most 32 bits",
        ),
    ] {
        let mut hunt = session.sql(question).unwrap();
        let error = hunt.collect_blocking().unwrap_err().to_string();
        assert!(error.contains(expected), "{question}: {error}");
    }
}

fn files_of(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("events/day=2026-11-25"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    files.sort();
    files
}

#[test]
fn damaged_files_are_named_set_aside_and_the_rest_is_answered() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 4] = [
        ("emptied", |_| Vec::new()),
        ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("footer overwritten", |mut bytes| {
            let length = bytes.len();
            bytes[length - 400..length - 8].fill(0x5a);
            bytes
        }),
        ("pages overwritten", |mut bytes| {
            bytes[4..3000].fill(0xa5);
            bytes
        }),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(folder.path());
        let file = files_of(folder.path())[1].clone();
        fs::write(&file, damage(fs::read(&file).unwrap())).unwrap();
        for _again in 0..2 {
            let (_, incomplete, _) = answer(&lake, "SELECT seq, raw() FROM events WHERE fields['Image'] IS NOT NULL");
            let [Incomplete::SetAside(set_aside)] = incomplete.as_slice() else {
                panic!("{name}: {incomplete:?}")
            };
            assert!(file.ends_with(&set_aside.file), "{name}: {set_aside:?}");
            assert_eq!(lake.set_aside().len(), 1, "{name}");
        }
        let (rows, _, _) = answer(&lake, "SELECT count(*) FROM events WHERE fields['Image'] IS NOT NULL");
        assert_eq!(rows, "850", "{name}");
    }
}

#[test]
fn limits_end_a_hunt_with_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let begin = |limits: HuntLimits, question: &str| {
        let session = lake.session(limits, &HuntScope::default()).unwrap();
        session.sql(question).unwrap()
    };
    let few_rows = HuntLimits {
        rows_max: 10,
        ..HuntLimits::default()
    };
    let mut hunt = begin(few_rows, "SELECT seq FROM events");
    let rows: usize = hunt
        .collect_blocking()
        .unwrap()
        .iter()
        .map(arrow_array::RecordBatch::num_rows)
        .sum();
    assert_eq!(rows, 10);
    assert_eq!(hunt.incomplete(), [Incomplete::RowLimit { rows: 10 }]);

    let no_time = HuntLimits {
        seconds_max: 0,
        ..HuntLimits::default()
    };
    let endless = "SELECT count(*) FROM events a, events b, events c WHERE a.seq + b.seq + c.seq = 7";
    let mut hunt = begin(no_time, endless);
    hunt.collect_blocking().unwrap();
    assert_eq!(hunt.incomplete(), [Incomplete::TimeLimit { seconds: 0 }]);

    let no_memory = HuntLimits {
        memory_bytes_max: 64 * 1024,
        spill_bytes_max: 0,
        ..HuntLimits::default()
    };
    let mut hunt = begin(
        no_memory,
        "SELECT a.seq, a.raw_shape FROM events a JOIN events b ON a.seq = b.seq ORDER BY a.raw_shape",
    );
    hunt.collect_blocking().unwrap();
    assert!(
        matches!(hunt.incomplete().as_slice(), [Incomplete::MemoryLimit { .. }]),
        "{:?}",
        hunt.incomplete()
    );

    let mut hunt = begin(HuntLimits::default(), endless);
    hunt.handle().cancel();
    hunt.collect_blocking().unwrap();
    assert!(hunt.incomplete().contains(&Incomplete::Cancelled));
}

#[test]
fn plans_are_asked_like_questions() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = lake.session(HuntLimits::default(), &HuntScope::default()).unwrap();
    let has_text = session.function("has_text").unwrap();
    let condition = has_text.call(vec![ident("fields"), ident("raw_shape"), lit("mimikatz")]);
    let plan = session
        .table(Table::Events)
        .unwrap()
        .filter(condition.or(ident("source.ip").eq(lit("203.0.0.1"))))
        .unwrap()
        .select_columns(&["seq"])
        .unwrap()
        .into_unoptimized_plan();
    let mut hunt = session.query(plan).unwrap();
    let rows: usize = hunt
        .collect_blocking()
        .unwrap()
        .iter()
        .map(arrow_array::RecordBatch::num_rows)
        .sum();
    assert_eq!(rows, 2);
}

#[test]
fn files_are_not_removed_under_a_hunt() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = lake.session(HuntLimits::default(), &HuntScope::default()).unwrap();
    let pin = std::sync::Arc::clone(&lake.inner.pins);
    for begin in (1101..1301).step_by(50) {
        lake.append(batch(begin..begin + 50)).unwrap();
        lake.flush().unwrap();
    }
    lake.inner.merge().unwrap();
    let listed = usize::try_from(lake.stats().events.files).unwrap();
    assert!(files_of(folder.path()).len() > listed);
    drop(pin);
    lake.append(batch(1301..1302)).unwrap();
    lake.flush().unwrap();
    assert_eq!(
        files_of(folder.path()).len(),
        usize::try_from(lake.stats().events.files).unwrap()
    );
    let mut hunt = session.sql("SELECT count(*) FROM events").unwrap();
    hunt.collect_blocking().unwrap();
    assert_eq!(hunt.incomplete(), []);
}
