//! Times without a zone: read by the configured offset, or as UTC where the time of receipt shows it.

#![expect(clippy::unwrap_used, reason = "a test may stop at what should not be")]

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, RawRecord, SourceId, Transport};
use normalize::{Normalized, Normalizer, Settings};

fn happened(line: &str, received_at: &str, receipt_tells_utc: bool) -> String {
    let record = RawRecord {
        source: SourceId::new("file/var/log/auth.log"),
        received_at: received_at.parse().unwrap(),
        transport: Transport::File,
        origin: CompactString::const_new("/var/log/auth.log"),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: Bytes::copy_from_slice(line.as_bytes()),
    };
    let settings = Settings {
        receipt_tells_utc,
        ..Settings::default()
    };
    let Normalized::Event(event) = Normalizer::new(&settings).normalize(1, &record) else {
        panic!("a whole event");
    };
    let guess = event.problems.first().map_or("", |problem| problem.detail.as_str());
    format!("{} {guess}", event.happened_at)
}

#[test]
fn a_server_on_utc_is_known_by_when_its_records_come() {
    let syslog = "Nov 25 11:01:01 web02 sshd[41]: Failed password for root from 192.0.2.9 port 4242 ssh2";
    let json = r#"{"time":"2026-11-25 11:01:01","message":"x"}"#;
    let zoned = r#"{"time":"2026-11-25 11:01:01+07:00","message":"x"}"#;
    let (utc, vietnam) = ("2026-11-25T11:01:01Z", "2026-11-25T04:01:01Z");
    for (line, received_at, told, expected) in [
        (syslog, "2026-11-25T11:01:03Z", true, utc),
        (syslog, "2026-11-25T04:01:03Z", true, vietnam),
        // An old record, or one from elsewhere: nothing tells its zone.
        (syslog, "2026-11-25T15:30:00Z", true, vietnam),
        (syslog, "2026-11-25T11:01:03Z", false, vietnam),
        (json, "2026-11-25T11:01:03Z", true, utc),
        (json, "2026-11-25T04:02:03Z", true, vietnam),
        (zoned, "2026-11-25T11:01:03Z", true, vietnam),
    ] {
        let told = happened(line, received_at, told);
        assert!(told.starts_with(expected), "{line} received {received_at}: {told}");
    }
}

#[test]
fn which_zone_was_taken_stays_beside_the_time() {
    let line = "Nov 25 11:01:01 web02 sshd[41]: Connection closed by 192.0.2.9 port 4242";
    let told = happened(line, "2026-11-25T11:01:03Z", true);
    assert!(told.ends_with("no year: assumed 2026 and UTC+00"), "{told}");
}
