//! Lists of indicators in the data folder: a new or changed one is held against everything that is kept, and all of them against what comes from
//! then on. What they find becomes alerts, counted once however often it is found.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use compact_str::CompactString;
use detect::{entity_of, summary_of};
use lake::{
    Lake,
    query::{HuntLimits, HuntScope, HuntSession, output::row},
};
use ledger::Ledger;
use model::{
    Change, Decision, Detection, EntityColumn, Event, FoundBy, MatchedField, RuleIdentity, RuleLevel, Scope, Seq,
};
use normalize::lists::Indicators;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    look_back::{self, Report},
    sealing::hex,
    serve::Stores,
};

/// How often the lists are looked at, and what came since is held against them.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Longest list in bytes.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Lists that are read.
const LISTS_MAX: usize = 64;
/// Events that one look takes; a list that finds more is about what is usual here, and the duty book says so.
const FOUND_MAX: u64 = 20_000;
/// Longest look in seconds.
const SECONDS_MAX: u32 = 600;

const ADDRESSES: [EntityColumn; 2] = [EntityColumn::SourceIp, EntityColumn::DestinationIp];
const DOMAINS: [EntityColumn; 1] = [EntityColumn::UrlDomain];
const HASHES: [EntityColumn; 3] = [
    EntityColumn::FileHashMd5,
    EntityColumn::FileHashSha1,
    EntityColumn::FileHashSha256,
];

/// How far each list was held against what is kept. It is no decision, so it lies beside the ledger: without it everything is looked at again, and
/// nothing is counted twice.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Places {
    lists: BTreeMap<String, Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// SHA-256 of the list.
    sha256: String,
    /// Its bytes and when it was written, by which a list that did not change is not read again.
    #[serde(default)]
    stamp: Option<Stamp>,
    /// Up to which event.
    until: Seq,
}

/// What a file shows of a change without being read: its bytes, and when it was written, in seconds and nanoseconds since 1970.
type Stamp = (u64, u64, u32);

/// Where lists are put.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("indicators")
}

fn places_file(data: &Path) -> PathBuf {
    data.join("indicators.places.json")
}

/// Looks at the lists again and again.
pub(crate) async fn follow(stores: Stores, data: PathBuf) {
    loop {
        let (stores, data) = (stores.clone(), data.clone());
        let looked = tokio::task::spawn_blocking(move || look(&data, &stores.lake, &stores.ledger)).await;
        match looked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("indicators were not looked for: {error:#}"),
            Err(error) => tracing::error!("looking for indicators panicked: {error}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Holds every list against what it was not held against yet.
///
/// # Errors
/// The disk or the ledger refuses.
pub(crate) fn look(data: &Path, lake: &Lake, ledger: &Ledger) -> Result<()> {
    let lists = lists(&folder(data)).context("the folder of indicators cannot be read")?;
    if lists.is_empty() {
        return Ok(());
    }
    let before: Places = fs::read(places_file(data))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let scope = Scope::of_post("look-back");
    // What is decided is the stream's no more, and what is durable in the lake will not be read into it again.
    let decided = ledger.pipeline_position(&scope)?.decided;
    let until = decided.min(lake.position().resume.saturating_sub(1));
    let mut places = Places::default();
    for path in lists {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stamp = stamp(&path);
        let unchanged = before
            .lists
            .get(&name)
            .filter(|place| stamp.is_some() && place.stamp == stamp);
        if let Some(place) = unchanged.filter(|place| place.until >= until) {
            places.lists.insert(name, place.clone());
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let sha256 = hex(digest(&SHA256, &bytes).as_ref());
        let known = before.lists.get(&name).filter(|place| place.sha256 == sha256);
        let after = known.map_or(0, |place| place.until);
        if known.is_none() || after < until {
            let list = Indicators::read(&bytes);
            let report = hold(lake, ledger, (&name, &list), (after, until))?;
            if known.is_none() || !report.incomplete.is_empty() {
                tell(ledger, &scope, (&name, &list), &report)?;
            }
        }
        let place = Place {
            sha256,
            stamp,
            until: until.max(after),
        };
        places.lists.insert(name, place);
    }
    if places.lists != before.lists {
        let unfinished = places_file(data).with_extension("unfinished");
        fs::write(&unfinished, serde_json::to_vec(&places)?)?;
        fs::rename(&unfinished, places_file(data))?;
    }
    Ok(())
}

fn stamp(path: &Path) -> Option<Stamp> {
    let known = fs::metadata(path).ok()?;
    let written = known.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((known.len(), written.as_secs(), written.subsec_nanos()))
}

fn lists(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut lists = Vec::new();
    for entry in entries {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let about = fs::metadata(entry.path())?;
        if hidden || !about.is_file() {
            continue;
        }
        if about.len() > LIST_BYTES_MAX {
            tracing::warn!("{} is too long to be a list of indicators", entry.path().display());
            continue;
        }
        lists.push(entry.path());
    }
    lists.sort();
    if lists.len() > LISTS_MAX {
        tracing::warn!("only the first {LISTS_MAX} lists of indicators are read");
        lists.truncate(LISTS_MAX);
    }
    Ok(lists)
}

/// Finds the events after one and up to another that a list names, and makes alerts of them.
fn hold(lake: &Lake, ledger: &Ledger, (name, list): (&str, &Indicators), (after, until): (Seq, Seq)) -> Result<Report> {
    let mut report = Report::default();
    let seqs = found(lake, list, (after, until), &mut report)?;
    let read = lake.get_many(&seqs);
    report.incomplete.extend(
        read.unreadable
            .iter()
            .map(|file| format!("{} could not be read: {}", file.file, file.cause)),
    );
    let found_by = if after == 0 { FoundBy::LookBack } else { FoundBy::Stream };
    let mut events = read.rows;
    events.sort_unstable_by_key(|event| event.seq);
    report.events = events.len() as u64;
    let detections = events
        .iter()
        .map(|event| detection(name, list, event, found_by))
        .collect();
    look_back::alert(ledger, detections, &events, &mut report)?;
    Ok(report)
}

fn found(lake: &Lake, list: &Indicators, between: (Seq, Seq), report: &mut Report) -> Result<Vec<Seq>> {
    let limits = HuntLimits {
        seconds_max: SECONDS_MAX,
        rows_max: FOUND_MAX,
        ..HuntLimits::default()
    };
    let session = lake.session(limits, &HuntScope::default())?;
    let mut seqs = Vec::new();
    if !list.addresses.is_empty() {
        let addresses: Vec<_> = list.addresses.iter().copied().collect();
        let session = session.with_addresses("listed", &addresses)?;
        ask(&session, "address", &ADDRESSES, between, (&mut seqs, report))?;
    }
    for (texts, columns) in [(&list.domains, &DOMAINS[..]), (&list.hashes, &HASHES[..])] {
        if !texts.is_empty() {
            let session = session.with_texts("listed", texts)?;
            ask(&session, "value", columns, between, (&mut seqs, report))?;
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs)
}

fn ask(
    session: &HuntSession,
    listed: &str,
    columns: &[EntityColumn],
    (after, until): (Seq, Seq),
    (seqs, report): (&mut Vec<Seq>, &mut Report),
) -> Result<()> {
    for column in columns.iter().map(|column| column.ecs_name()) {
        let question = format!(
            "SELECT e.seq FROM events e JOIN listed l ON e.{column} = l.{listed} WHERE e.seq > {after} AND e.seq <= {until}"
        );
        let mut hunt = session.sql(&question)?;
        while let Some(batch) = hunt.next_blocking()? {
            seqs.extend((0..batch.num_rows()).filter_map(|number| row(&batch, number).get("seq")?.as_u64()));
        }
        report
            .incomplete
            .extend(hunt.incomplete().iter().map(|why| format!("{column}: {why}")));
    }
    Ok(())
}

fn detection(name: &str, list: &Indicators, event: &Event, found_by: FoundBy) -> Detection {
    let columns = ADDRESSES.iter().chain(&DOMAINS).chain(&HASHES);
    let matched = columns.filter_map(|column| {
        let value = event.entities.get(*column)?.to_string();
        let is_listed = value.parse().is_ok_and(|address| list.addresses.contains(&address))
            || list.domains.contains(&value)
            || list.hashes.contains(&value);
        is_listed.then(|| MatchedField {
            selection: CompactString::const_new("indicator"),
            field: CompactString::from(column.ecs_name()),
            wanted: value.clone(),
            span: u32::try_from(value.len()).ok().map(|end| (0, end)),
            value,
        })
    });
    Detection {
        rule: RuleIdentity {
            id: format!("indicators/{name}").into(),
            title: format!("Indicator of the list {name}"),
            title_vi: format!("Chỉ báo trong danh sách {name}"),
            level: RuleLevel::High,
            tags: Vec::new(),
        },
        entity: entity_of(event),
        event: event.seq,
        contributing: Vec::new(),
        happened_at: event.happened_at,
        received_at: event.received_at,
        source: event.source.clone(),
        host: event.entities.host_name.clone(),
        matched: matched.collect(),
        summary: summary_of(event),
        found_by,
        exercise: event.exercise,
    }
}

/// Writes in the duty book that a list was held against what is kept, and what came of it.
fn tell(ledger: &Ledger, scope: &Scope, (name, list): (&str, &Indicators), report: &Report) -> Result<()> {
    let setting = format!("indicators.{name}");
    let revision = ledger.setting(scope, &setting)?.map_or(0, |(_, revision)| revision);
    let value = serde_json::json!({
        "list": name,
        "addresses": list.addresses.len(),
        "domains": list.domains.len(),
        "hashes": list.hashes.len(),
        "lines_not_read": list.unread,
        "for_example": list.examples,
        "events_found": report.events,
        "known_before": report.known,
        "became_part_of_alerts": report.alerted,
        "incomplete": report.incomplete,
    })
    .to_string();
    let decision = Decision {
        at: clock::now(),
        actor: scope.actor().clone(),
        action: "indicators.look_back".to_owned(),
        reason: Some(value.clone()),
        changes: vec![Change::PutSetting {
            name: setting,
            value,
            revision: revision + 1,
        }],
        effects: Vec::new(),
    };
    ledger
        .apply(&decision)
        .context("what indicators found was not written in the ledger")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use lake::{Batch, Config};
    use ledger::Options;
    use model::{Entities, PipelinePosition, SourceId};

    use super::*;

    struct Trial {
        folder: tempfile::TempDir,
        lake: Lake,
        ledger: Ledger,
    }

    fn event(seq: Seq, address: &str) -> Event {
        let received_at: model::Timestamp = "2026-11-25T01:00:00Z".parse().unwrap();
        Event {
            seq,
            records: 1,
            source: SourceId::new("firewall"),
            happened_at: received_at,
            received_at,
            format: "test".into(),
            logsources: model::LogSourceSet::new([]),
            fields: model::Fields::default(),
            entities: Entities {
                host_name: Some("ws1".into()),
                destination_ip: address.parse().ok(),
                url_domain: Some(format!("d{seq}.example").into()),
                ..Entities::default()
            },
            raw: Bytes::from(format!("to {address}")),
            problems: Vec::new(),
            exercise: false,
        }
    }

    impl Trial {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let ledger = Ledger::open(Options::in_folder(folder.path()), clock::now()).unwrap();
            let lake = Lake::open(&folder.path().join("lake"), Config::default()).unwrap();
            Self { folder, lake, ledger }
        }

        /// Events to one address each are kept, and the stream has decided on them.
        fn receives(&self, first: Seq, addresses: &[&str]) {
            let events: Vec<Event> = (first..)
                .zip(addresses)
                .map(|(seq, address)| event(seq, address))
                .collect();
            let resume = first + addresses.len() as u64;
            self.lake
                .append(Batch {
                    events,
                    resume,
                    ..Batch::default()
                })
                .unwrap();
            self.lake.flush().unwrap();
            let scope = Scope::of_post("test");
            let position = PipelinePosition {
                decided: resume - 1,
                resume,
                ..self.ledger.pipeline_position(&scope).unwrap()
            };
            self.ledger
                .apply(&Decision {
                    at: clock::now(),
                    actor: scope.actor().clone(),
                    action: "triage.batch".to_owned(),
                    reason: None,
                    changes: vec![Change::AdvancePipeline { position }],
                    effects: Vec::new(),
                })
                .unwrap();
        }

        fn lists(&self, text: &str) {
            fs::create_dir_all(super::folder(self.folder.path())).unwrap();
            fs::write(super::folder(self.folder.path()).join("c2.txt"), text).unwrap();
        }

        fn looks(&self) -> BTreeSet<(Seq, bool)> {
            look(self.folder.path(), &self.lake, &self.ledger).unwrap();
            let kept = self
                .ledger
                .recent_detections(&Scope::of_post("test"), model::Timestamp::UNIX_EPOCH, 100)
                .unwrap();
            let all: Vec<_> = kept
                .iter()
                .map(|one| (one.event, one.found_by == FoundBy::LookBack))
                .collect();
            let different: BTreeSet<_> = all.iter().copied().collect();
            assert_eq!(all.len(), different.len(), "each is counted once: {all:?}");
            different
        }
    }

    #[test]
    fn a_new_list_is_looked_for_in_what_is_kept_and_in_what_comes_each_event_once() {
        let trial = Trial::new();
        trial.receives(1, &["198.51.100.1", "203.0.113.9", "198.51.100.2"]);
        assert_eq!(trial.looks(), [].into(), "without lists nothing is looked for");
        trial.lists("203.0.113.9\n# comment\nno indicator\n");
        assert_eq!(trial.looks(), [(2, true)].into());
        trial.receives(4, &["203.0.113.9", "198.51.100.3"]);
        assert_eq!(trial.looks(), [(2, true), (4, false)].into());
        assert_eq!(trial.looks().len(), 2, "looking again finds nothing new");
        trial.lists("203.0.113.9\n198.51.100.3\nd1.example\n");
        assert_eq!(trial.looks(), [(1, true), (2, true), (4, false), (5, true)].into());
        fs::remove_file(places_file(trial.folder.path())).unwrap();
        assert_eq!(
            trial.looks().len(),
            4,
            "nothing is counted twice when the places are lost"
        );
        let (told, _) = trial
            .ledger
            .setting(&Scope::of_post("test"), "indicators.c2.txt")
            .unwrap()
            .unwrap();
        assert!(told.contains("\"known_before\":4"), "{told}");
    }
}
