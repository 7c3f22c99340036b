//! The queue: what is found, in which order, page by page.

use ledger::{AlertFilter, AlertOrder, Assignee, Page, PageAt, ReadError, StateKind, Visibility};
use model::{Alert, AlertState, Disposition, Entity, EntityKind, Role, RuleLevel, User};

use crate::world::{World, add_detection, at, person, post, put_alert, triage};

fn titles(page: &Page<Alert>) -> Vec<&str> {
    page.items.iter().map(|alert| alert.rule.title.as_str()).collect()
}

struct Scene {
    world: World,
    lan: User,
}

fn scene() -> Scene {
    let mut world = World::new();
    let lan = world.user("lan", Role::DutyOfficer);
    let low = world.alert("Email lừa đảo", "ws-1", RuleLevel::Low);
    let mut mine = world.alert("Đăng nhập bất thường", "ws-2", RuleLevel::High);
    mine.state = AlertState::Acknowledged { at: at(3), by: lan.id };
    mine.assignee = Some(lan.id);
    let mut hidden = world.alert("Noise", "ws-3", RuleLevel::Medium);
    (hidden.detections, hidden.hidden) = (0, 5);
    let mut closed = world.alert("Old 100%", "ws-2", RuleLevel::Critical);
    closed.state = AlertState::Closed {
        at: at(4),
        by: triage(),
        disposition: Disposition::Benign,
        reason: "planned".into(),
        late: 0,
    };
    let mut drill = world.alert("Drill", "ws-4", RuleLevel::High);
    drill.key.exercise = true;
    drill.rule.title_vi = "Diễn tập dò mật khẩu".into();
    for alert in [&low, &mine, &hidden, &closed, &drill] {
        world.put(triage(), "triage.batch", vec![put_alert(alert)]).unwrap();
    }
    Scene { world, lan }
}

fn check(world: &World, edit: impl FnOnce(&mut AlertFilter), expect: &[&str]) {
    let mut filter = AlertFilter::default();
    edit(&mut filter);
    let page = world.ledger.alerts(&post(), &filter, PageAt::first(10)).unwrap();
    assert_eq!(titles(&page), expect, "{filter:?}");
    let counted = world.ledger.alerts_count(&post(), &filter, 100).unwrap();
    assert_eq!(counted, expect.len() as u64);
}

#[test]
fn every_filter_finds_its_own() {
    let Scene { world, lan } = scene();
    let (phish, sign_in) = ("Email lừa đảo", "Đăng nhập bất thường");
    check(&world, |_| {}, &["Drill", sign_in, phish]);
    check(&world, |f| f.exercise = Some(false), &[sign_in, phish]);
    check(&world, |f| f.exercise = Some(true), &["Drill"]);
    check(&world, |f| f.states = vec![StateKind::Closed], &["Old 100%"]);
    check(&world, |f| f.states = vec![StateKind::New], &["Drill", phish]);
    check(
        &world,
        |f| f.levels = vec![RuleLevel::Low, RuleLevel::Critical],
        &[phish],
    );
    check(&world, |f| f.assignee = Some(Assignee::Person(lan.id)), &[sign_in]);
    check(&world, |f| f.assignee = Some(Assignee::Nobody), &["Drill", phish]);
    check(&world, |f| f.visibility = Visibility::Hidden, &["Noise"]);
    check(
        &world,
        |f| f.visibility = Visibility::All,
        &["Drill", "Noise", sign_in, phish],
    );
    check(&world, |f| f.rule = Some("email lừa đảo".into()), &[phish]);
    let about = Entity {
        kind: EntityKind::Host,
        name: "ws-2".into(),
    };
    check(&world, |f| f.entity = Some(about), &[sign_in]);
    let benign = |f: &mut AlertFilter| {
        f.states = vec![StateKind::Closed];
        f.disposition = Some(Disposition::Benign);
    };
    check(&world, benign, &["Old 100%"]);
}

#[test]
fn search_does_not_mind_tone_marks_and_takes_wildcards_literally() {
    let Scene { world, .. } = scene();
    let cases: [(&str, &[&str]); 8] = [
        ("lua DAO", &["Email lừa đảo"]),
        ("lừa đảo", &["Email lừa đảo"]),
        ("dang ws-2", &["Đăng nhập bất thường"]),
        ("0%", &["Old 100%"]),
        ("100_", &[]),
        ("t1059 203.0.113.7 drill", &["Drill"]),
        ("DO mat khau", &["Drill"]),
        ("drill dò", &["Drill"]),
    ];
    for (text, expect) in cases {
        let everything = |f: &mut AlertFilter| {
            f.states = vec![StateKind::New, StateKind::Acknowledged, StateKind::Closed];
            f.text = text.into();
        };
        check(&world, everything, expect);
    }
}

#[test]
fn the_header_counts_what_is_open_and_keeps_rehearsals_and_hidden_ones_apart() {
    let Scene { world, lan } = scene();
    let counts = world.ledger.counts(&post(), Some(lan.id), at(5)).unwrap();
    assert_eq!(
        (counts.open(), counts.mine, counts.hidden, counts.exercise),
        (2, 1, 1, 1)
    );
    assert_eq!(counts.new.get(&RuleLevel::Low), Some(&1));
    assert_eq!(counts.acknowledged.get(&RuleLevel::High), Some(&1));
    assert_eq!(counts.oldest_new, Some(at(2)));
}

#[test]
fn pages_cover_everything_once_in_either_order() {
    let mut world = World::new();
    for n in 0..23 {
        let mut alert = world.alert(&format!("Rule {n}"), "ws", RuleLevel::Low);
        alert.urgency.rank = n % 4;
        alert.last_seen = at(n % 3);
        world.put(triage(), "triage.batch", vec![put_alert(&alert)]).unwrap();
    }
    for order in [AlertOrder::Urgency, AlertOrder::LastSeen] {
        let filter = AlertFilter {
            order,
            ..AlertFilter::default()
        };
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let at = PageAt {
                cursor: cursor.as_deref(),
                limit: 5,
            };
            let page = world.ledger.alerts(&post(), &filter, at).unwrap();
            seen.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut ids: Vec<_> = seen.iter().map(|alert| alert.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((seen.len(), ids.len()), (23, 23));
        assert!(seen.is_sorted_by(|a, b| match order {
            AlertOrder::Urgency => a.urgency.rank >= b.urgency.rank,
            AlertOrder::LastSeen => a.last_seen >= b.last_seen,
        }));
    }
    for cursor in [
        "",
        "x",
        "5_x",
        "_",
        "9999999999999999999_00000000000000000000000000000001",
    ] {
        let at = PageAt {
            cursor: Some(cursor),
            limit: 5,
        };
        let answer = world.ledger.alerts(&post(), &AlertFilter::default(), at);
        assert_eq!(answer, Err(ReadError::BadCursor), "{cursor:?}");
    }
}

#[test]
fn detections_are_paged_newest_first_and_hidden_ones_lead_to_their_silence() {
    let mut world = World::new();
    let silence = world.id();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut changes = vec![put_alert(&alert)];
    changes.extend((1..=10).map(|n| add_detection(&alert, n, (n % 5 == 0).then_some(silence))));
    world.put(triage(), "triage.batch", changes).unwrap();

    let ordinals = |hidden, cursor: Option<&str>| {
        let page = world
            .ledger
            .detections(&post(), alert.id, hidden, PageAt { cursor, limit: 4 })
            .unwrap();
        let ordinals: Vec<u64> = page.items.iter().map(|kept| kept.ordinal).collect();
        (ordinals, page.next)
    };
    assert_eq!(ordinals(None, None), (vec![10, 9, 8, 7], Some("7".into())));
    assert_eq!(ordinals(None, Some("7")), (vec![6, 5, 4, 3], Some("3".into())));
    assert_eq!(ordinals(None, Some("3")), (vec![2, 1], None));
    assert_eq!(ordinals(Some(true), None), (vec![10, 5], None));
    assert_eq!(ordinals(Some(false), Some("3")), (vec![2, 1], None));
    let hidden = world.ledger.hidden_by(&post(), silence, 10).unwrap();
    assert_eq!(
        hidden.iter().map(|kept| kept.detection.event).collect::<Vec<_>>(),
        [10, 5]
    );
    assert_eq!(world.ledger.detections_on(&post(), 5).unwrap().len(), 1);
    assert_eq!(world.ledger.recent_detections(&post(), at(8), 100).unwrap().len(), 3);
}

#[test]
fn what_an_alert_has_beyond_a_place_is_read_oldest_first() {
    let mut world = World::new();
    let silence = world.id();
    let user = world.user("an", Role::DutyOfficer);
    let mut alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut changes = vec![put_alert(&alert)];
    changes.extend((1..=10).map(|n| add_detection(&alert, n, (n % 5 == 0).then_some(silence))));
    world.put(triage(), "triage.batch", changes).unwrap();
    let mut entries = Vec::new();
    for action in ["alert.acknowledge", "triage.batch", "alert.close"] {
        alert.revision += 1;
        let put = world.put(person(&user), action, vec![put_alert(&alert)]).unwrap();
        entries.push(put.entry.unwrap().number);
    }

    let ordinals = |after, limit| {
        let found = world.ledger.detections_after(&post(), alert.id, after, limit).unwrap();
        found.iter().map(|kept| kept.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(ordinals(0, 3), [1, 2, 3]);
    assert_eq!(ordinals(3, 3), [4, 6, 7], "what a silence hides is passed over");
    assert_eq!(ordinals(9, 3), [0_u64; 0]);
    let steps = |after| {
        let found = world.ledger.alert_steps_after(&post(), alert.id, after, 9).unwrap();
        found.into_iter().map(|step| step.number).collect::<Vec<_>>()
    };
    assert_eq!(steps(0), [entries[0], entries[2]], "what triage counted is no step");
    assert_eq!(steps(entries[0]), [entries[2]]);
}

#[test]
fn triage_learns_what_is_open_closed_and_around() {
    let mut world = World::new();
    let open = world.alert("A", "ws-1", RuleLevel::High);
    let neighbour = world.alert("B", "ws-1", RuleLevel::High);
    let elsewhere = world.alert("A", "ws-2", RuleLevel::High);
    let mut closed = world.alert("C", "ws-1", RuleLevel::High);
    for alert in [&open, &neighbour, &elsewhere, &closed] {
        world.put(triage(), "triage.batch", vec![put_alert(alert)]).unwrap();
    }
    closed.revision = 2;
    closed.state = AlertState::Closed {
        at: at(4),
        by: triage(),
        disposition: Disposition::Benign,
        reason: String::new(),
        late: 0,
    };
    world.put(triage(), "alert.close", vec![put_alert(&closed)]).unwrap();
    let keys = [open.key.clone(), closed.key.clone(), open.key.clone()];
    let contexts = world.ledger.alert_contexts(&post(), keys).unwrap();
    assert_eq!(contexts.len(), 2);
    let context = &contexts[&open.key];
    assert_eq!((context.open.as_ref(), context.closed.as_ref()), (Some(&open), None));
    assert_eq!((context.around.other_rules, context.around.other_entities), (1, 1));
    assert_eq!(context.around.other_tags, ["attack.t1059"]);
    assert_eq!(contexts[&closed.key].closed.as_ref(), Some(&closed));
}
