//! Details of detections are forgotten when their time is over, openly: the chain verifies before and after, and whatever else goes is found.

use ledger::{Flaw, PageAt};
use model::{Actor, Alert, AlertState, Change, Disposition, RuleLevel};

use crate::world::{World, add_detection, at, post, put_alert, triage};

const DAY: i64 = 86_400;

fn forget(before: i64) -> Change {
    Change::ForgetDetections { before: at(before) }
}

/// The alert closed at a moment.
fn closed(alert: &Alert, second: i64) -> Alert {
    Alert {
        state: AlertState::Closed {
            at: at(second),
            by: Actor::Post {
                part: "test".to_owned(),
            },
            disposition: Disposition::Benign,
            reason: "it was nothing".to_owned(),
            late: 0,
        },
        revision: alert.revision + 1,
        ..alert.clone()
    }
}

/// Three alerts: entry 1 feeds `old` and `open`, entry 2 `old`, entry 3 `young`, entry 4 `old` and `young`, entry 5 `hidden`, which nobody
/// sees; then two are closed, ten days apart.
fn world() -> (World, [Alert; 4]) {
    let mut world = World::new();
    let mut alert = |name: &str| world.alert("Rule", name, RuleLevel::High);
    let (old, open, young, mut hidden) = (alert("old"), alert("open"), alert("young"), alert("hidden"));
    (hidden.detections, hidden.hidden) = (0, 1);
    let feeds = [
        vec![
            put_alert(&old),
            put_alert(&open),
            add_detection(&old, 1, None),
            add_detection(&open, 1, None),
        ],
        vec![add_detection(&old, 2, None)],
        vec![put_alert(&young), add_detection(&young, 1, None)],
        vec![add_detection(&old, 3, None), add_detection(&young, 2, None)],
        vec![put_alert(&hidden), add_detection(&hidden, 1, None)],
    ];
    for changes in feeds {
        world.put(triage(), "triage.batch", changes).unwrap();
    }
    let close = |alert: &Alert, second| vec![put_alert(&closed(alert, second))];
    world.put(triage(), "alert.close", close(&old, DAY)).unwrap();
    world.put(triage(), "alert.close", close(&young, 11 * DAY)).unwrap();
    (world, [old, open, young, hidden])
}

fn details(world: &World, alert: &Alert) -> Vec<u64> {
    let page = world
        .ledger
        .detections(&post(), alert.id, None, PageAt::first(10))
        .unwrap();
    page.items.iter().map(|kept| kept.ordinal).collect()
}

#[test]
fn whole_entries_are_forgotten_when_all_their_alerts_are_done_with() {
    let (world, [old, open, young, hidden]) = world();
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!(
        (verified.broken, verified.detections, verified.detections_forgotten),
        (None, 7, 0)
    );
    assert!(!world.ledger.has_detections_to_forget(&post(), at(0)).unwrap());
    assert!(world.ledger.has_detections_to_forget(&post(), at(5 * DAY)).unwrap());
    world.put(triage(), "detections.forget", vec![forget(5 * DAY)]).unwrap();
    assert!(!world.ledger.has_detections_to_forget(&post(), at(5 * DAY)).unwrap());
    // Entry 1 belongs to an open alert too, entry 4 to one that was closed later.
    assert_eq!(details(&world, &old), [3, 1]);
    assert_eq!((details(&world, &open), details(&world, &young)), (vec![1], vec![2, 1]));
    assert!(details(&world, &hidden).is_empty());
    assert!(world.ledger.alert(&post(), old.id).unwrap().is_some());
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!(
        (verified.broken, verified.detections, verified.detections_forgotten),
        (None, 5, 2)
    );
    world
        .put(triage(), "detections.forget", vec![forget(20 * DAY)])
        .unwrap();
    let verified = world.reopen().ledger.verify(&post(), &[]).unwrap();
    assert_eq!(
        (verified.broken, verified.detections, verified.detections_forgotten),
        (None, 2, 5)
    );
}

#[test]
fn what_goes_without_an_entry_that_says_so_is_found() {
    let cases = [
        ("DELETE FROM detection WHERE entry = 1", 1),
        ("DELETE FROM detection WHERE entry = 4 AND ordinal = 2", 4),
        ("UPDATE detection SET body = replace(body, 'event 3', 'event 4')", 4),
        // A detail that was forgotten does not come back unseen.
        ("UPDATE detection SET entry = 2 WHERE entry = 3", 2),
    ];
    for (sql, number) in cases {
        let (world, _) = world();
        world.put(triage(), "detections.forget", vec![forget(5 * DAY)]).unwrap();
        world.meddle(sql);
        let broken = world.ledger.verify(&post(), &[]).unwrap().broken;
        let broken = broken.unwrap_or_else(|| panic!("{sql}"));
        assert_eq!((broken.number, broken.flaw), (number, Flaw::DetectionsDiffer), "{sql}");
    }
}
