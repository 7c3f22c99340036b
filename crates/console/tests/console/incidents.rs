//! Incidents as people work them: made of alerts, taken through their states, merged, split, told when somebody was faster.

use std::sync::Arc;

use axum::http::StatusCode;
use ledger::NounFilter;
use model::{
    Actor, Change, Deadline, Entropy, EntryKind, Id, Incident, IncidentNote, Observable, Role, Scope, TimelineEntry,
};
use operations::Catalogue;
use tokio::sync::watch;

use crate::{
    client::{Client, location, page, post, text},
    post::Post,
};

fn alerts(post: &Post, places: &[usize]) -> String {
    let alerts: Vec<String> = places
        .iter()
        .map(|place| format!("alert={}:1", post.alerts[*place].id))
        .collect();
    alerts.join("&")
}

fn incident(post: &Post, address: &str) -> Incident {
    let id = address.trim_start_matches("/incidents/").split('#').next().unwrap();
    post.state
        .ledger
        .kept(&Scope::of_post("test"), id)
        .unwrap()
        .expect("the incident is there")
}

fn of<T: model::Kept>(post: &Post, incident: &Incident) -> Vec<T> {
    let filter = NounFilter::of_parent(&incident.id.to_string());
    post.state.ledger.all_kept(&Scope::of_post("test"), &filter).unwrap()
}

#[tokio::test]
async fn chosen_alerts_become_an_incident_with_its_clocks_and_its_story() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let address = location(&client.post_form("/incidents", &alerts(&post, &[0, 1])).await);
    let opened = incident(&post, &address);
    assert_eq!(opened.number, "SC-2026-0001");
    let lines: Vec<TimelineEntry> = of(&post, &opened);
    let events = lines
        .iter()
        .filter(|line| matches!(line.kind, EntryKind::Event { .. }))
        .count();
    assert_eq!(events, 2, "{lines:?}");
    let matter = NounFilter::of_parent("incident:SC-2026-0001");
    let clocks: Vec<Deadline> = post.state.ledger.all_kept(&Scope::of_post("test"), &matter).unwrap();
    let rules: Vec<&str> = clocks.iter().map(|clock| clock.rule.as_str()).collect();
    assert!(
        rules.contains(&"incident-notice") && !rules.contains(&"incident-final"),
        "{rules:?}"
    );
    let shown = page(client.get(&address).await).await;
    for expected in [
        "SC-2026-0001",
        "Nhận diện",
        "Việc tiếp theo",
        "Xác minh",
        "5 ngày từ khi phát hiện",
    ] {
        assert!(shown.contains(expected), "{expected}");
    }
    // The alert says where it belongs, and cannot come into another incident.
    let alert = page(client.get(&format!("/alerts/{}", post.alerts[0].id)).await).await;
    assert!(alert.contains("SC-2026-0001"));
    let again = client.post_form("/incidents", &alerts(&post, &[0, 2])).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn clocks_follow_the_content_in_force() {
    let mut post = post();
    post.state.catalogue = watch::channel(Arc::new(Catalogue::default())).1;
    let client = Client::of(&post, Role::DutyOfficer);
    let address = location(&client.post_form("/incidents", &alerts(&post, &[0])).await);
    let matter = NounFilter::of_parent(&format!("incident:{}", incident(&post, &address).number));
    let clocks: Vec<Deadline> = post.state.ledger.all_kept(&Scope::of_post("test"), &matter).unwrap();
    assert_eq!(clocks, [], "an office whose content names no clocks has none");
    let shown = page(client.get(&address).await).await;
    assert!(!shown.contains("5 ngày từ khi phát hiện"));
}

#[tokio::test]
async fn an_incident_goes_through_its_states_and_whoever_was_slower_is_told() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let address = location(
        &client
            .post_form("/incidents", "title=Trang+web+bị+sửa&kind=defacement&severity=high")
            .await,
    );
    let seen = incident(&post, &address).revision;
    let step = |to: &str| format!("to={to}&how=đã+kiểm+tra");
    let advance = format!("{address}/advance");
    let real = "to=close&how=x&outcome=real&cause=y";
    assert_eq!(client.post_form(&advance, real).await.status(), StatusCode::CONFLICT);
    location(
        &client
            .post_form(&advance, &format!("{}&revision={seen}", step("confirm")))
            .await,
    );
    let slower = client
        .post_form(&advance, &format!("{}&revision={seen}", step("contain")))
        .await;
    assert_eq!(slower.status(), StatusCode::CONFLICT);
    for to in ["contain", "eradicate", "recover"] {
        location(&client.post_form(&advance, &step(to)).await);
    }
    location(&client.post_form(&advance, real).await);
    let closed = incident(&post, &address);
    assert_eq!(closed.state.as_str(), "closed");
    location(&client.post_form(&format!("{address}/undo"), "").await);
    assert_eq!(incident(&post, &address).state.as_str(), "recovered");
    let viewer = Client::of(&post, Role::Viewer);
    assert_eq!(
        viewer.post_form(&advance, &step("contain")).await.status(),
        StatusCode::FORBIDDEN
    );
    assert!(
        !page(viewer.get(&address).await)
            .await
            .contains("<form method=\"post\" action=\"/incidents")
    );
}

#[tokio::test]
async fn what_hangs_on_incidents_is_shown_merged_and_goes_apart_again() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let one = location(&client.post_form("/incidents", &alerts(&post, &[0])).await);
    let other = location(&client.post_form("/incidents", &alerts(&post, &[1])).await);
    location(
        &client
            .post_form(&format!("{other}/observable"), "kind=address&value=198.51.100.231")
            .await,
    );
    location(&client.post_form(&format!("{other}/note"), "text=ghi+chú+đầu").await);
    let twice = client
        .post_form(&format!("{other}/observable"), "kind=address&value=198.51.100.231")
        .await;
    assert_eq!(twice.status(), StatusCode::CONFLICT);
    let source = incident(&post, &other);
    location(
        &client
            .post_form(&format!("{one}/merge"), &format!("source={}", source.id))
            .await,
    );
    let merged = page(client.get(&one).await).await;
    assert!(merged.contains("198.51.100.231") && merged.contains("SC-2026-0002"));
    assert!(page(client.get(&other).await).await.contains("SC-2026-0001"));
    let known: Vec<Observable> = of(&post, &source);
    let split = format!("title=riêng&observable={}", known[0].id);
    let apart = location(&client.post_form(&format!("{one}/split"), &split).await);
    assert!(page(client.get(&apart).await).await.contains("198.51.100.231"));
    assert!(!page(client.get(&one).await).await.contains("198.51.100.231"));
    location(
        &client
            .post_form(&format!("{one}/unmerge"), &format!("source={}", source.id))
            .await,
    );
    assert_eq!(incident(&post, &other).state.as_str(), "reported");
    let notes: Vec<IncidentNote> = of(&post, &source);
    let edit = |seen: u64, words: &str| format!("note={}&seen={seen}&text={words}", notes[0].id);
    location(&client.post_form(&format!("{other}/note-edit"), &edit(1, "mới")).await);
    let outdated = client.post_form(&format!("{other}/note-edit"), &edit(1, "khác")).await;
    assert_eq!(outdated.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_api_opens_writes_advances_and_pages() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let opened = text(
        client
            .post_json("/api/v1/incidents", r#"{"title":"Lộ tài khoản","kind":"intrusion"}"#)
            .await,
    )
    .await;
    let opened: Incident = serde_json::from_str(&opened).unwrap();
    let address = format!("/api/v1/incidents/{}", opened.id);
    let entry = r#"{"at":"2026-11-24T18:00:00Z","text":"đăng nhập lạ","malicious":true}"#;
    assert_eq!(
        client.post_json(&format!("{address}/entries"), entry).await.status(),
        StatusCode::OK
    );
    let wrong = client
        .post_json(&format!("{address}/advance"), r#"{"to":"recover","how":"x"}"#)
        .await;
    assert_eq!(wrong.status(), StatusCode::CONFLICT);
    let contain = r#"{"to":"contain","how":"khoá tài khoản"}"#;
    assert_eq!(
        client.post_json(&format!("{address}/advance"), contain).await.status(),
        StatusCode::OK
    );
    let lines = text(client.get(&format!("{address}/timeline")).await).await;
    assert!(
        lines.contains("đăng nhập lạ") && lines.contains("incident.contain"),
        "{lines}"
    );
    let list = text(client.get("/api/v1/incidents?state=open").await).await;
    assert!(list.contains("Lộ tài khoản"));
}

/// Writes many entries into an incident.
fn fill(post: &Post, incident: &Incident, entries: u64) {
    let at = post.state.clock.now();
    for begin in (0..entries).step_by(10_000) {
        let changes = (begin..(begin + 10_000).min(entries))
            .map(|n| {
                let happened = model::Timestamp::from_second(at.as_second() - i64::try_from(n).unwrap()).unwrap();
                Change::put(&TimelineEntry {
                    id: Id::born(happened, Entropy(u128::from(n).rotate_left(64).to_be_bytes())),
                    incident: incident.id,
                    at: happened,
                    noted_at: at,
                    by: Actor::Post {
                        part: "test".to_owned(),
                    },
                    kind: EntryKind::Event {
                        alert: None,
                        event: Some(n),
                        host: Some("WEB01".into()),
                    },
                    text: format!("Failed password for root from 203.0.113.{} port 22", n % 250),
                    malicious: n % 3 == 0,
                    struck: None,
                    revision: 1,
                })
            })
            .collect();
        post.decide("incident.gather", at, changes);
    }
}

#[tokio::test]
#[ignore = "a measurement: cargo test --profile quick -p console@0.1.0 --test console 100_000 -- --ignored --nocapture"]
async fn an_incident_of_100_000_entries_opens_in_time() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let address = location(&client.post_form("/incidents", "title=lớn&kind=dos&severity=high").await);
    fill(&post, &incident(&post, &address), 100_000);
    let mut slowest = std::time::Duration::ZERO;
    for path in [address.clone(), format!("{address}?lines=malicious"), address.clone()] {
        #[expect(clippy::disallowed_methods, reason = "a measurement")]
        let began = std::time::Instant::now();
        let shown = page(client.get(&path).await).await;
        slowest = slowest.max(began.elapsed());
        assert!(
            shown.contains("100.001") || shown.contains("100.000"),
            "the count is shown"
        );
    }
    println!("opens in at most {slowest:?}");
    assert!(slowest.as_millis() <= 300, "{slowest:?}");
}
