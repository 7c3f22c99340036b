//! Measures what the ledger costs under a flood of detections: batches of a pump, committed at a steady rate, and the share of
//! one core that they take. `cargo run --profile quick -p ledger --example pressure -- 5000 10 100`
//! (detections a second, batches a second, alerts).
#![expect(clippy::print_stdout, reason = "it prints its result")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::time::{Duration, Instant};

use ledger::{Ledger, Options};
use model::{
    Actor, Alert, AlertKey, AlertOrigin, AlertState, Change, Decision, Detection, Entity, EntityKind, Entropy, FoundBy,
    Id, MatchedField, PipelinePosition, RuleIdentity, RuleLevel, Scope, SourceId, Timestamp, Urgency,
};

/// How long it runs.
const SECONDS: u64 = 10;
/// Details kept of one alert, as triage does at first.
const DETAILS: u64 = 512;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let mut argument = |usual| arguments.next().unwrap_or(usual);
    let (per_second, batches, alerts) = (argument(5000), argument(10), argument(100));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ledger = Ledger::open(Options::in_folder(folder.path()), at(0)).expect("a new ledger");
    let mut standing: Vec<Alert> = (0..alerts).map(alert).collect();
    let (cpu, begun) = (cpu_seconds(), Instant::now());
    let mut slowest = Duration::ZERO;
    let mut event = 0;
    for batch in 0..SECONDS * batches {
        let due = Duration::from_micros(batch * 1_000_000 / batches);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let decision = decide(&mut standing, &mut event, per_second / batches);
        let before = Instant::now();
        ledger.apply(&decision).expect("nothing is in the way");
        slowest = slowest.max(before.elapsed());
    }
    let (cpu, seconds) = (cpu_seconds() - cpu, begun.elapsed().as_secs_f64());
    let kept: u64 = standing.iter().map(|alert| alert.detections - alert.detail_cut).sum();
    let size: u64 = std::fs::read_dir(folder.path())
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    let verify = Instant::now();
    let verified = ledger.verify(&Scope::of_post("measure"), &[]).expect("it can be read");
    println!(
        "ledger detections_per_second={:.0} alerts={alerts} kept={kept} core_percent={:.1} slowest_commit_ms={} \
         bytes={size} verify_ms={} broken={}",
        f64::from(u32::try_from(event).unwrap_or(u32::MAX)) / seconds,
        100.0 * cpu / seconds,
        slowest.as_millis(),
        verify.elapsed().as_millis(),
        verified.broken.is_some()
    );
}

fn decide(standing: &mut [Alert], event: &mut u64, detections: u64) -> Decision {
    let mut touched = std::collections::BTreeSet::new();
    let mut changes = Vec::new();
    for _ in 0..detections {
        *event += 1;
        let place = usize::try_from(*event).expect("a small number") % standing.len();
        let alert = &mut standing[place];
        if touched.insert(place) {
            alert.revision += 1;
        }
        alert.detections += 1;
        alert.last_event = *event;
        if alert.detections <= DETAILS {
            changes.push(Change::AddDetection {
                alert: alert.id,
                ordinal: alert.detections,
                detection: Box::new(detection(alert, *event)),
                hidden_by: None,
            });
        } else {
            alert.detail_cut += 1;
        }
    }
    changes.extend(touched.into_iter().map(|place| Change::PutAlert {
        alert: Box::new(standing[place].clone()),
    }));
    changes.push(Change::AdvancePipeline {
        position: PipelinePosition {
            decided: *event,
            resume: *event + 1,
            correlated_us: 0,
        },
    });
    Decision {
        at: at(1),
        actor: Actor::Post {
            part: "triage".to_owned(),
        },
        action: "triage.batch".to_owned(),
        reason: None,
        changes,
        effects: Vec::new(),
    }
}

fn alert(n: u64) -> Alert {
    Alert {
        id: Id::born(at(0), Entropy((u128::from(n + 1) << 48).to_be_bytes())),
        key: AlertKey {
            rule: format!("rule-{n}").into(),
            entity: Entity {
                kind: EntityKind::Host,
                name: format!("ws-{n}").into(),
            },
            exercise: false,
        },
        origin: AlertOrigin::Rule,
        rule: RuleIdentity {
            id: format!("rule-{n}").into(),
            title: "Suspicious Encoded PowerShell Command Line".to_owned(),
            title_vi: "PowerShell chạy lệnh mã hoá đáng ngờ".to_owned(),
            level: RuleLevel::High,
            tags: vec!["attack.execution".into(), "attack.t1059.001".into()],
        },
        state: AlertState::New,
        assignee: None,
        detections: 0,
        hidden: 0,
        detail_cut: 0,
        urgency: Urgency::default(),
        first_seen: at(0),
        last_seen: at(0),
        opened_at: at(0),
        last_event: 0,
        source: SourceId::new("wef"),
        host: Some(format!("ws-{n}").into()),
        summary: "powershell.exe -NoP -NonI -W Hidden -Enc SQBFAFgA…".repeat(3),
        previous: None,
        revision: 0,
    }
}

fn detection(alert: &Alert, event: u64) -> Detection {
    let matched = |field: &str| MatchedField {
        selection: "selection_img".into(),
        field: field.into(),
        wanted: "endswith \\powershell.exe".to_owned(),
        value: "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe".to_owned(),
        span: Some((42, 57)),
    };
    Detection {
        rule: alert.rule.clone(),
        entity: alert.key.entity.clone(),
        event,
        contributing: Vec::new(),
        happened_at: at(1),
        received_at: at(1),
        source: alert.source.clone(),
        host: alert.host.clone(),
        matched: vec![matched("Image"), matched("OriginalFileName"), matched("CommandLine")],
        summary: alert.summary.clone(),
        found_by: FoundBy::Stream,
        exercise: false,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("within range")
}

/// Processor time of this process so far, from `/proc` (clock ticks of 10 ms).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| {
        after_name
            .split(' ')
            .nth(field)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
