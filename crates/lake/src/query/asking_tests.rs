//! Search lines asked of a lake: rows, summaries, chosen columns, and how answers are written.

use model::Timestamp;

use super::{
    output::{Format, Output},
    tests::lake,
    *,
};
use crate::{Lake, search::parse};

fn asked(session: &HuntSession, line: &str) -> Asked {
    let search = parse(line, &session.field_names()).unwrap_or_else(|error| panic!("{line}: {error}"));
    Asked {
        search,
        from: None,
        before: None,
    }
}

fn session(lake: &Lake) -> HuntSession {
    lake.session(HuntLimits::default(), &HuntScope::default()).unwrap()
}

fn answer(session: &HuntSession, asked: &Asked, names: &[&str], rows_max: Option<usize>) -> String {
    let known = session.field_names();
    let chosen: Vec<Chosen> = names.iter().map(|name| Chosen::parse(name, &known).unwrap()).collect();
    let mut hunt = session.rows(asked, &chosen, rows_max).unwrap();
    let mut output = Output::begin(Format::Csv, &hunt.schema(), Vec::new()).unwrap();
    for batch in hunt.collect_blocking().unwrap() {
        output.write(&batch).unwrap();
    }
    assert_eq!(hunt.incomplete(), []);
    let text = String::from_utf8(output.finish().unwrap()).unwrap();
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    if rows_max.is_none() {
        lines.sort_unstable();
    }
    lines.join("\n")
}

#[test]
fn lines_find_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = session(&lake);
    for (line, count) in [
        ("", 1100),
        ("mimikatz", 1),
        ("\"cai dat MIMI\"", 1),
        ("NOT mimikatz", 1099),
        ("user.name:AN*", 11),
        ("user.name:an.nguyễn", 11),
        ("user.name=an.nguyen", 11),
        ("user.name=AN.nguyen", 0),
        ("NOT user.name:an*", 1089),
        ("user.name:*", 11),
        ("-user:*", 1089),
        ("host:ws2", 220),
        ("host:(ws2 OR ws3) source=web", 147),
        ("host:ws? -host:ws2", 880),
        ("source.ip:203.0.4.0/23", 301),
        ("ip:203.0.3.177", 1),
        ("NOT ip:203.0.3.177", 1099),
        ("process.pid:>1090", 10),
        ("process.pid:[5 TO 9]", 5),
        ("seq:777", 1),
        (r"Image:*\tool3.exe", 110),
        (r"Image:C:\Windows\*\TOOL3.exe", 110),
        (r#"Image:"C:\Windows\System32\tool3.exe""#, 110),
        ("eventid:1", 1100),
        ("EventID:>1", 0),
        ("EventID:>=1", 1100),
        ("fields.nothing:*", 0),
        ("message:*chặn", 1),
        ("logsources:process_creation*", 1100),
        ("logsources:*", 1100),
        ("problems:*", 0),
        ("exercise:true", 0),
        (
            "happened_at:>=2026-11-25T01:00:10Z happened_at:<2026-11-25T01:00:20Z",
            10,
        ),
        ("hash:abc OR mimikatz", 1),
    ] {
        let asked = asked(&session, line);
        let found = session.summary(&asked, &[]).unwrap();
        assert_eq!(sum(found).total, count, "{line}");
        let rows = answer(&session, &asked, &["seq"], None);
        assert_eq!(rows.lines().count() as u64, count, "{line}");
    }
}

fn sum(mut summing: Summing) -> Summary {
    while summing.advance_blocking().unwrap() {}
    summing.summary(3)
}

#[test]
fn a_line_spares_what_cannot_hold_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = session(&lake);
    for line in [
        "mimikatz",
        "message:*mimikatz*",
        "message:\"Process 300 created\"",
        "ip:203.0.3.177",
        "seq:777",
    ] {
        let mut hunt = session
            .rows(&asked(&session, line), &[Chosen::Column("seq")], None)
            .unwrap();
        hunt.collect_blocking().unwrap();
        let progress = hunt.progress();
        assert!(progress.row_groups_read <= 2, "{line}: {progress:?}");
    }
}

#[test]
fn rows_come_newest_first_with_the_chosen_columns() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = session(&lake);
    let mut question = asked(&session, "host:ws2");
    question.before = Some("2026-11-25T01:13:00Z".parse::<Timestamp>().unwrap());
    let rows = answer(
        &session,
        &question,
        &["happened_at", "seq", "source.ip", "Image", "fields.EventID", "raw"],
        Some(2),
    );
    assert_eq!(
        rows,
        r#"2026-11-25T01:12:57Z,777,203.0.3.177,C:\Windows\System32\tool7.exe,1,"{""Image"":""C:\\Windows\\System32\\tool7.exe"",""EventID"":1,""Message"":""Cài đặt Mimikatz đã bị chặn""}"
2026-11-25T01:12:52Z,772,203.0.3.172,C:\Windows\System32\tool2.exe,1,"{""Image"":""C:\\Windows\\System32\\tool2.exe"",""EventID"":1,""Message"":""Process 772 created""}""#
    );
    let wrong = Chosen::parse("Imge", &session.field_names());
    assert_eq!(wrong.unwrap_err().to_string(), "Imge is not known; did you mean Image?");
}

#[test]
fn a_summary_counts_bars_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = session(&lake);
    let facets = [
        Chosen::Column("host.name"),
        Chosen::Column("user.name"),
        Chosen::Column("source.ip"),
        Chosen::Record("EventID".into()),
    ];
    let summary = sum(session.summary(&asked(&session, "seq:[101 TO 700]"), &facets).unwrap());
    assert_eq!(summary.total, 600);
    assert_eq!(summary.histogram.iter().sum::<u64>(), 600);
    assert_eq!(summary.span.seconds, 30);
    let [host, user, address, code] = summary.facets.as_slice() else {
        panic!("{:?}", summary.facets);
    };
    assert_eq!(
        host.values,
        [
            ("ws0".to_owned(), 120),
            ("ws1".to_owned(), 120),
            ("ws2".to_owned(), 120)
        ]
    );
    assert_eq!((host.others, host.missing, host.distinct), (240, 0, 5));
    assert_eq!(
        (user.values.as_slice(), user.missing),
        ([("an.nguyen".to_owned(), 6)].as_slice(), 594)
    );
    assert_eq!(address.distinct, 600);
    assert_eq!(code.values, [("1".to_owned(), 600)]);
}

#[test]
fn spans_are_cut_into_bars_that_cover_them() {
    for (from, before, seconds) in [
        ("2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z", 1),
        ("2026-11-25T00:00:00Z", "2026-11-25T00:01:00Z", 1),
        ("2026-11-25T00:00:30Z", "2026-11-25T01:00:00Z", 60),
        ("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z", 1800),
        ("1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", 54_432_000),
    ] {
        let (from, before): (Timestamp, Timestamp) = (from.parse().unwrap(), before.parse().unwrap());
        let span = Span::of((from, before));
        let end = span.first + span.seconds * i64::try_from(span.bars).unwrap();
        assert!(
            span.first <= from.as_second() && before.as_second() <= end,
            "{from} {span:?}"
        );
        assert!(span.bars <= BARS_MAX, "{span:?}");
        assert!(span.seconds <= seconds, "{from} {before} {span:?}");
    }
}

#[test]
fn answers_are_written_for_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path());
    let session = session(&lake);
    let mut written = Vec::new();
    for format in [Format::Ndjson, Format::Csv, Format::Parquet] {
        let mut hunt = session
            .sql("SELECT seq, source.ip, logsources, fields, '=1+1' AS formula, -5 AS number, NULL AS nothing FROM events WHERE seq = 7")
            .unwrap();
        let mut output = Output::begin(format, &hunt.schema(), Vec::new()).unwrap();
        for batch in hunt.collect_blocking().unwrap() {
            output.write(&batch).unwrap();
        }
        written.push(output.finish().unwrap());
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let row: serde_json::Value = serde_json::from_slice(&written[0]).unwrap();
    assert_eq!(
        row,
        serde_json::json!({
            "seq": 7, "source.ip": "203.0.0.7", "logsources": ["process_creation/windows/"],
            "fields": {"Image": r"C:\Windows\System32\tool7.exe", "EventID": "1", "Message": "Process 7 created"},
            "formula": "=1+1", "number": -5, "nothing": null,
        })
    );
    let csv = text(&written[1]);
    assert!(
        csv.starts_with("seq,source.ip,logsources,fields,formula,number,nothing\r\n7,203.0.0.7,"),
        "{csv}"
    );
    assert!(csv.ends_with(",\"'=1+1\",-5,\r\n"), "{csv}");
    let read =
        parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes::Bytes::from(written[2].clone()), 10);
    let rows: usize = read.unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 1);
}
