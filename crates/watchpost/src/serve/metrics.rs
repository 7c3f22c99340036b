//! What the post counts about itself, in Prometheus' text format, and whether it can do its work.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use compact_str::CompactString;
use ingest::{ListenerCounts, Receiving};
use lake::Appended;
use model::{Detection, RuleLevel, Timestamp};

use super::pump::Stores;

/// Upper bounds of the time from receipt to alert, in seconds.
const BOUNDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 30.0];

/// Rules whose hits are counted one by one.
const RULES_COUNTED_MAX: usize = 100_000;

/// The counters of the pump.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    lake_rows: AtomicU64,
    lake_rows_known: AtomicU64,
    /// Detections by level.
    detections: Mutex<BTreeMap<RuleLevel, u64>>,
    /// Time from receipt to decision, one count for each bound and one beyond.
    waits: [AtomicU64; BOUNDS.len() + 1],
    waits_milliseconds: AtomicU64,
    /// Detections by rule, at most [`RULES_COUNTED_MAX`] rules.
    hits: Mutex<HashMap<CompactString, u64>>,
    trouble: Mutex<Option<String>>,
}

impl Metrics {
    /// Notes that the pump gets on.
    pub(crate) fn pump_works(&self) {
        self.trouble().take();
    }

    /// Notes that the pump had to begin again.
    pub(crate) fn pump_fails(&self, error: &anyhow::Error) {
        *self.trouble() = Some(format!("{error:#}"));
    }

    /// Notes detections at the moment when their alerts became visible.
    pub(crate) fn decided<'d>(&self, detections: impl Iterator<Item = &'d Detection>, now: Timestamp) {
        let mut levels = self.detections.lock().unwrap_or_else(PoisonError::into_inner);
        for detection in detections {
            *levels.entry(detection.rule.level).or_default() += 1;
            self.count_hit(&detection.rule.id);
            let waited = now.duration_since(detection.received_at).as_millis().max(0);
            let waited = u32::try_from(waited).unwrap_or(u32::MAX);
            let bucket = BOUNDS
                .iter()
                .position(|bound| f64::from(waited) <= bound * 1000.0)
                .unwrap_or(BOUNDS.len());
            self.waits[bucket].fetch_add(1, Ordering::Relaxed);
            self.waits_milliseconds.fetch_add(u64::from(waited), Ordering::Relaxed);
        }
    }

    fn count_hit(&self, rule: &CompactString) {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = hits.get_mut(rule) {
            *count += 1;
        } else if hits.len() < RULES_COUNTED_MAX {
            hits.insert(rule.clone(), 1);
        }
    }

    /// How often a rule held since the start.
    pub(crate) fn hits(&self, rule: &str) -> u64 {
        self.hits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(rule)
            .copied()
            .unwrap_or(0)
    }

    /// Notes rows that the lake took.
    pub(crate) fn stored(&self, appended: Appended) {
        self.lake_rows.fetch_add(appended.new, Ordering::Relaxed);
        self.lake_rows_known.fetch_add(appended.known, Ordering::Relaxed);
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that is asked for the post's health.
#[derive(Clone)]
pub(crate) struct PostHealth {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) receiving: Arc<Receiving>,
    pub(crate) stores: Stores,
}

impl console::Health for PostHealth {
    fn prometheus(&self) -> String {
        let mut page = Page::default();
        self.write_intake(&mut page);
        self.write_backlog(&mut page);
        self.write_stores(&mut page);
        self.write_detections(&mut page);
        page.0
    }

    fn ready(&self) -> Result<(), String> {
        match &*self.metrics.trouble() {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(()),
        }
    }
}

const WAIT_NAME: &str = "watchpost_receipt_to_alert_seconds";

impl PostHealth {
    fn write_intake(&self, page: &mut Page) {
        let counts = self.receiving.counters.snapshot();
        let of = |read: fn(&ListenerCounts) -> u64| {
            counts
                .listeners
                .iter()
                .map(move |(name, counts)| (vec![("listener", *name)], read(counts)))
                .collect::<Vec<_>>()
        };
        page.family(
            "watchpost_received_records_total",
            "counter",
            "Records that became durable, kept or refused.",
            of(|counts| counts.records.received),
        );
        page.family(
            "watchpost_received_bytes_total",
            "counter",
            "Bytes of those records.",
            of(|counts| counts.records.bytes),
        );
        page.family(
            "watchpost_lost_records_total",
            "counter",
            "Records known to be lost before they could be read.",
            of(|counts| counts.records.lost),
        );
        page.family(
            "watchpost_pushed_back_total",
            "counter",
            "Times a sender was told to wait.",
            of(|counts| counts.pushed_back),
        );
        page.family(
            "watchpost_connections_open",
            "gauge",
            "Open connections.",
            of(|counts| counts.connections_open),
        );
        page.family(
            "watchpost_connections_refused_total",
            "counter",
            "Connections closed at once.",
            of(|counts| counts.connections_refused),
        );
        page.family(
            "watchpost_unauthorized_total",
            "counter",
            "Requests without a valid token.",
            of(|counts| counts.unauthorized),
        );
        let rejected = counts.listeners.iter().flat_map(|(name, counts)| {
            counts
                .records
                .rejected
                .iter()
                .map(move |(reason, count)| (*name, format!("{reason:?}"), *count))
        });
        let rejected: Vec<(&str, String, u64)> = rejected.collect();
        let rows = rejected
            .iter()
            .map(|(name, reason, count)| (vec![("listener", *name), ("reason", reason.as_str())], *count));
        page.family(
            "watchpost_rejected_records_total",
            "counter",
            "Refused records by reason.",
            rows.collect(),
        );
    }

    fn write_backlog(&self, page: &mut Page) {
        let backlog = &self.receiving.backlog;
        page.single(
            "watchpost_backlog_entries",
            "gauge",
            "Entries received and not decided on yet.",
            backlog.entries(),
        );
        page.single(
            "watchpost_backlog_entries_allowed",
            "gauge",
            "Such entries at which senders are pushed back, as fast as they are decided on now.",
            backlog.allowed(),
        );
    }

    fn write_stores(&self, page: &mut Page) {
        let journal = self.stores.journal.stats();
        page.single(
            "watchpost_journal_bytes",
            "gauge",
            "Bytes that the journal holds.",
            journal.bytes,
        );
        page.single(
            "watchpost_journal_bytes_max",
            "gauge",
            "Bytes at which senders are pushed back.",
            journal.bytes_max,
        );
        page.single(
            "watchpost_journal_next",
            "counter",
            "Number of the journal's next entry.",
            journal.next,
        );
        page.single(
            "watchpost_lake_rows_total",
            "counter",
            "Rows taken by the lake since the start.",
            self.metrics.lake_rows.load(Ordering::Relaxed),
        );
        page.single(
            "watchpost_lake_rows_known_total",
            "counter",
            "Rows read again that the lake had.",
            self.metrics.lake_rows_known.load(Ordering::Relaxed),
        );
        let lake = self.stores.lake.stats();
        page.single(
            "watchpost_lake_bytes",
            "gauge",
            "Bytes of the lake's files.",
            lake.events.bytes + lake.rejections.bytes,
        );
        page.single(
            "watchpost_lake_memory_bytes",
            "gauge",
            "Bytes of rows not yet in a file.",
            lake.memory_bytes,
        );
        page.single(
            "watchpost_lake_files",
            "gauge",
            "Files of the lake.",
            lake.events.files + lake.rejections.files,
        );
    }

    fn write_detections(&self, page: &mut Page) {
        let levels = self.metrics.detections.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = levels
            .iter()
            .map(|(level, count)| (vec![("level", level.as_str())], *count))
            .collect();
        page.family(
            "watchpost_detections_total",
            "counter",
            "Detections by level, shown and hidden.",
            rows,
        );
        page.head(
            WAIT_NAME,
            "histogram",
            "Time from the receipt of an event to its visible alert.",
        );
        let mut count = 0;
        for (wait, bound) in self.metrics.waits.iter().zip(
            BOUNDS
                .map(|bound| bound.to_string())
                .iter()
                .map(String::as_str)
                .chain(["+Inf"]),
        ) {
            count += wait.load(Ordering::Relaxed);
            page.line(&format!("{WAIT_NAME}_bucket"), &[("le", bound)], &count.to_string());
        }
        let milliseconds = self.metrics.waits_milliseconds.load(Ordering::Relaxed);
        page.line(
            &format!("{WAIT_NAME}_sum"),
            &[],
            &format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000),
        );
        page.line(&format!("{WAIT_NAME}_count"), &[], &count.to_string());
    }
}

/// A page in the text format, version 0.0.4.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn family(&mut self, name: &str, kind: &str, help: &str, rows: Vec<(Vec<(&str, &str)>, u64)>) {
        self.head(name, kind, help);
        for (labels, value) in rows {
            self.line(name, &labels, &value.to_string());
        }
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help, vec![(Vec::new(), value)]);
    }
}
