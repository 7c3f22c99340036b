//! Services and backups: one cause is one alarm, the restore order follows what is needed, circles are refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use model::{Backup, Drill, Id, Service, Snapshot};
use operations::{
    Step,
    recovery::{self, AgeFinding, Look, Standing},
};
use proptest::prelude::*;

use crate::memory::{at, scope};

fn service(key: &str, needs: &[&str], rto: Option<u32>) -> Service {
    Service {
        key: key.to_owned(),
        name: key.to_owned(),
        owner: "Phòng Hạ tầng".to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        level: Some(3),
        rto_minutes: rto,
        rpo_minutes: None,
        probes: Vec::new(),
        backups: Vec::new(),
        restore: String::new(),
        retired: false,
        revision: 1,
    }
}

fn catalogue(services: &[Service]) -> BTreeMap<String, Service> {
    services
        .iter()
        .map(|service| (service.key.clone(), service.clone()))
        .collect()
}

fn office() -> BTreeMap<String, Service> {
    catalogue(&[
        service("power", &[], Some(10)),
        service("dns", &["power"], Some(20)),
        service("db", &["power"], Some(120)),
        service("web", &["db", "dns"], Some(30)),
        service("mail", &["dns"], Some(15)),
    ])
}

fn down(keys: &[&str], services: &BTreeMap<String, Service>) -> BTreeMap<String, Look> {
    let look = |key: &String| {
        if keys.contains(&key.as_str()) {
            let why = "connection refused".to_owned();
            Look::Fails { since: at(60), why }
        } else {
            Look::Works
        }
    };
    services.keys().map(|key| (key.clone(), look(key))).collect()
}

/// Causes with their figures.
type Told = &'static [(&'static str, &'static str)];

#[test]
fn one_cause_is_one_alarm() {
    let office = office();
    let cases: [(&[&str], Told); 4] = [
        (&["dns", "web", "mail"], &[("dns", "connection refused; affected=2")]),
        (&["web"], &[("web", "connection refused; affected=0")]),
        (
            &["db", "dns", "web"],
            &[
                ("db", "connection refused; affected=1"),
                ("dns", "connection refused; affected=1"),
            ],
        ),
        (&[], &[]),
    ];
    for (failing, expected) in cases {
        let alarms = recovery::alarms(&office, &down(failing, &office));
        let told: Vec<(&str, &str)> = alarms
            .iter()
            .map(|notice| (notice.entity.name.as_str(), notice.summary.as_str()))
            .collect();
        assert_eq!(told, expected, "{failing:?}");
    }
    let unlooked = recovery::standings(&office, &BTreeMap::new());
    assert!(unlooked.values().all(|standing| *standing == Standing::Unknown));
}

#[test]
fn services_come_back_after_what_they_need_and_the_most_pressing_first() {
    let office = office();
    let order = recovery::restore_order(&office, &BTreeSet::from(["web".to_owned(), "mail".to_owned()])).unwrap();
    let keys: Vec<&str> = order.iter().map(|service| service.key.as_str()).collect();
    assert_eq!(keys, ["power", "dns", "mail", "db", "web"]);
}

#[test]
fn a_circle_is_refused_and_named() {
    let circle = catalogue(&[
        service("a", &["b"], None),
        service("b", &["c"], None),
        service("c", &["a"], None),
    ]);
    let error = recovery::restore_order(&circle, &BTreeSet::from(["a".to_owned()])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "these services need each other in a circle: a → b → c → a"
    );
    // Down as a whole, it is still one alarm.
    assert_eq!(recovery::alarms(&circle, &down(&["a", "b", "c"], &circle)).len(), 1);
    let standing = catalogue(&[service("a", &[], None), service("b", &["a"], None)]);
    let scope = scope(1);
    let step = Step {
        scope: &scope,
        at: at(0),
    };
    assert!(recovery::put_service(&service("a", &["b"], None), &standing, step).is_err());
    assert!(recovery::put_service(&service("a", &["missing"], None), &standing, step).is_err());
    assert!(recovery::put_service(&service("A b", &[], None), &standing, step).is_err());
    assert!(recovery::put_service(&service("c", &["b"], None), &standing, step).is_ok());
}

fn snapshot(id: &str, second: i64) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        at: at(second),
        host: "db1".to_owned(),
        paths: vec!["/srv".to_owned()],
    }
}

#[test]
fn the_clean_point_is_the_last_snapshot_before_the_attacker() {
    let snapshots = [
        snapshot("monday", 0),
        snapshot("tuesday", 86_400),
        snapshot("wednesday", 172_800),
    ];
    let clean = |second, spare| {
        let spare = SignedDuration::from_secs(spare);
        recovery::clean_point(&snapshots, at(second), spare).map(|snapshot| snapshot.id.as_str())
    };
    assert_eq!(clean(100_000, 0), Some("tuesday"));
    assert_eq!(clean(86_400, 0), Some("monday"));
    assert_eq!(clean(86_500, 3600), Some("monday"));
    assert_eq!(clean(-5, 0), None);
}

#[test]
fn old_missing_and_future_snapshots_are_said() {
    let backup = Backup {
        key: "db".to_owned(),
        repository: "/backup".to_owned(),
        password_file: "/etc/p".to_owned(),
        age_hours_max: 24,
        drill_days: 30,
        revision: 1,
    };
    let judge = |snapshots: &[Snapshot]| recovery::judge_snapshots(&backup, snapshots, at(100 * 3600));
    assert_eq!(judge(&[]), Some(AgeFinding::Nothing));
    assert_eq!(judge(&[snapshot("a", 0)]), Some(AgeFinding::TooOld { hours: 100 }));
    assert_eq!(judge(&[snapshot("a", 0), snapshot("b", 90 * 3600)]), None);
    assert_eq!(judge(&[snapshot("a", 200 * 3600)]), Some(AgeFinding::InTheFuture));
    assert!(recovery::drills_due(&backup, None, at(0)));
    assert!(!recovery::drills_due(&backup, Some(at(0)), at(86_400)));
    assert!(recovery::drills_due(&backup, Some(at(0)), at(30 * 86_400)));
}

#[test]
fn a_drill_that_proves_nothing_has_not_passed() {
    let mut drill = Drill {
        id: Id::from_bits(1),
        backup: "db".to_owned(),
        snapshot: None,
        at: at(0),
        by: scope(1).actor().clone(),
        chosen: 0,
        restored: 0,
        bytes: 0,
        took_ms: 0,
        flaws: Vec::new(),
    };
    assert!(recovery::drill_notice(&drill).is_some());
    (drill.chosen, drill.restored) = (5, 5);
    assert_eq!(recovery::drill_notice(&drill), None);
    drill.flaws.push("etc/passwd: its bytes are others".to_owned());
    assert_eq!(
        recovery::drill_notice(&drill).unwrap().summary,
        "restored=5/5 etc/passwd: its bytes are others"
    );
}

proptest! {
    #[test]
    fn an_order_has_each_service_once_after_what_it_needs_or_names_a_circle(edges in prop::collection::vec((0..8_usize, 0..8_usize), 0..20)) {
        let keys: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
        let mut services = catalogue(&keys.iter().map(|key| service(key, &[], None)).collect::<Vec<_>>());
        for (from, to) in &edges {
            services.get_mut(&keys[*from]).unwrap().needs.push(keys[*to].clone());
        }
        let all: BTreeSet<String> = keys.iter().cloned().collect();
        match recovery::restore_order(&services, &all) {
            Ok(order) => {
                let place = |key: &str| order.iter().position(|service| service.key == key).unwrap();
                prop_assert_eq!(order.len(), 8);
                for (from, to) in &edges {
                    prop_assert!(place(&keys[*to]) < place(&keys[*from]));
                }
            }
            Err(circle) => {
                prop_assert_eq!(circle.0.first(), circle.0.last());
                for pair in circle.0.windows(2) {
                    prop_assert!(services[&pair[0]].needs.contains(&pair[1]));
                }
            }
        }
        // Whatever is down, everything that follows names a cause that is one.
        let looks: BTreeMap<String, Look> = down(&keys.iter().step_by(2).map(String::as_str).collect::<Vec<_>>(), &services);
        let standings = recovery::standings(&services, &looks);
        for standing in standings.values() {
            if let Standing::Follows { causes } = standing {
                for cause in causes {
                    let is_cause = matches!(standings[cause], Standing::Cause { .. });
                    prop_assert!(is_cause, "{} is named as a cause and is none", cause);
                }
            }
        }
    }
}
