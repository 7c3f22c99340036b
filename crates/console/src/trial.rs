//! What a silence would have hidden: its scope held against the detections that are kept.

use std::collections::HashMap;

use jiff::SignedDuration;
use model::{AlertKey, Event, Scope, Seq, SilenceScope};
use operations::silences::{Preview, covers};

use crate::{desk::Desk, pages::silence::Trial, trouble::Trouble};

/// Detections that a trial looks at, newest first.
const DETECTIONS_MAX: usize = 20_000;
/// Events that a trial reads for conditions on fields.
const EVENTS_MAX: usize = 5_000;
/// How far back a trial looks, in days.
pub(crate) const DAYS: u32 = 30;

/// Runs the trial.
pub(crate) async fn run(desk: &Desk, scope: &Scope, wanted: SilenceScope) -> Result<Trial, Trouble> {
    let since = desk
        .now()
        .saturating_sub(SignedDuration::from_hours(24 * i64::from(DAYS)))
        .unwrap_or_default();
    let reader = scope.clone();
    let kept = desk
        .read(move |ledger| ledger.recent_detections(&reader, since, DETECTIONS_MAX))
        .await?;
    let cut = kept.len() == DETECTIONS_MAX;
    let (preview, by_key, by_host) = desk
        .fetch(move |lake| {
            // Only what the scope covers but for its fields needs its event.
            let bare = SilenceScope {
                fields: Vec::new(),
                ..wanted.clone()
            };
            let seqs: Vec<Seq> = if wanted.fields.is_empty() {
                Vec::new()
            } else {
                kept.iter()
                    .filter(|detection| covers(&bare, detection, None))
                    .take(EVENTS_MAX)
                    .map(|detection| detection.event)
                    .collect()
            };
            let events: HashMap<Seq, Event> = lake
                .get_many(&seqs)
                .rows
                .into_iter()
                .map(|event| (event.seq, event))
                .collect();
            let (mut preview, mut by_key, mut by_host) = (Preview::default(), HashMap::new(), HashMap::new());
            for detection in &kept {
                let event = events.get(&detection.event);
                preview.observe(&wanted, detection, event);
                if covers(&wanted, detection, event) {
                    *by_key.entry(AlertKey::of(detection)).or_insert(0_u64) += 1;
                    if let Some(host) = &detection.host {
                        *by_host.entry(host.to_string()).or_insert(0_u64) += 1;
                    }
                }
            }
            (preview, by_key, by_host)
        })
        .await;
    let mut hosts: Vec<(String, u64)> = by_host.into_iter().collect();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut keys: Vec<(AlertKey, u64)> = by_key.into_iter().collect();
    keys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let reader = scope.clone();
    desk.read(move |ledger| {
        let mut alerts = Vec::new();
        for (key, hidden) in keys.into_iter().take(Trial::NAMED_MAX) {
            alerts.extend(ledger.open_alert(&reader, &key)?.map(|alert| (alert, hidden)));
        }
        Ok(Trial {
            preview,
            cut,
            alerts,
            hosts,
        })
    })
    .await
}
