//! Hunts through the API: begun, looked at, ended, written out, saved and shared.

use axum::http::StatusCode;
use model::Role;
use serde_json::Value;

use crate::client::{Client, page, post, text};

async fn json(response: axum::response::Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// Begins a hunt and looks at it until it is over.
async fn hunted(client: &Client, question: &str) -> Value {
    let begun = client.post_json("/api/v1/hunts", question).await;
    assert_eq!(begun.status(), StatusCode::ACCEPTED, "{question}");
    let id = json(begun).await["id"].as_u64().unwrap();
    loop {
        let state = json(client.get(&format!("/api/v1/hunts/{id}")).await).await;
        if state["done"] == true {
            return state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hunt_finds_rows_a_histogram_and_frequent_values() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let everything = hunted(&client, r#"{"text":""}"#).await;
    let total = everything["summary"]["total"].as_u64().unwrap();
    assert!(total > 3, "{everything}");
    assert_eq!(everything["incomplete"], serde_json::json!([]));
    assert_eq!(everything["failure"], Value::Null);
    let counted: u64 = everything["summary"]["histogram"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(counted, total);
    let host = everything["summary"]["facets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|facet| facet["name"] == "host.name")
        .unwrap();
    let (name, count) = (
        host["values"][0][0].as_str().unwrap(),
        host["values"][0][1].as_u64().unwrap(),
    );
    let narrowed = hunted(
        &client,
        &format!(r#"{{"text":"host.name:\"{name}\"","columns":["happened_at","raw"],"rows":2}}"#),
    )
    .await;
    assert_eq!(narrowed["summary"]["total"], count);
    assert_eq!(narrowed["columns"], serde_json::json!(["happened_at", "raw", "seq"]));
    let seq = narrowed["rows"][0]["seq"].as_u64().unwrap();
    let event = json(client.get(&format!("/api/v1/events/{seq}")).await).await;
    assert_eq!(event["entities"]["host.name"], name);
    let by_sql = hunted(&client, r#"{"text":"SELECT count(*) AS n FROM events","sql":true}"#).await;
    assert_eq!(by_sql["rows"][0]["n"], total);
    assert_eq!(by_sql["summary"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_question_is_told_with_its_place() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let wrong = client.post_json("/api/v1/hunts", r#"{"text":"user.nmae:an"}"#).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = json(wrong).await;
    assert_eq!(wrong["at"], serde_json::json!([0, 9]));
    assert_eq!(wrong["near"][0], "user.name");
    assert!(
        wrong["message"].as_str().unwrap().contains("không có trường"),
        "{wrong}"
    );
    for question in [
        r#"{"text":"DROP TABLE events","sql":true}"#,
        r#"{"text":"SELECT nothing FROM events","sql":true}"#,
        r#"{"text":"","columns":["nothing"]}"#,
    ] {
        let refused = client.post_json("/api/v1/hunts", question).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hunt_is_its_hunter_s_and_can_be_ended() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let begun = json(client.post_json("/api/v1/hunts", r#"{"text":""}"#).await).await;
    let path = format!("/api/v1/hunts/{}", begun["id"]);
    let other = Client {
        router: client.router.clone(),
        cookie: Client::of(&post, Role::ShiftLead).cookie,
    };
    assert_eq!(other.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        client.post_json(&format!("{path}/cancel"), "{}").await.status(),
        StatusCode::OK
    );
    let viewer = Client::of(&post, Role::Viewer);
    assert_eq!(viewer.get("/hunt").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_found_can_be_written_out() {
    let post = post();
    let client = Client::of(&post, Role::Auditor);
    let ndjson = page(
        client
            .get("/api/v1/hunts/export?format=ndjson&columns=seq,host.name")
            .await,
    )
    .await;
    let rows: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 3 && rows.iter().all(|row| row["seq"].is_u64()));
    let csv = page(
        client
            .get("/api/v1/hunts/export?format=csv&columns=seq&text=NOT+seq:0")
            .await,
    )
    .await;
    assert_eq!(csv.lines().count(), rows.len() + 1);
    let parquet = client.get("/api/v1/hunts/export?format=parquet").await;
    let bytes = axum::body::to_bytes(parquet.into_body(), 1 << 20).await.unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let wrong = client.get("/api/v1/hunts/export?format=csv&text=a:").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hunts_are_saved_shared_and_dropped() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let saved = client
        .post_json(
            "/api/v1/saved-hunts",
            r#"{"title":"Đêm qua","text":"user:an*","range":"24h"}"#,
        )
        .await;
    let id = json(saved).await["id"].as_str().unwrap().to_owned();
    let lead = Client::of(&post, Role::ShiftLead);
    assert_eq!(json(lead.get("/api/v1/saved-hunts").await).await, serde_json::json!([]));
    let share = format!("/api/v1/saved-hunts/{id}/share");
    assert_eq!(client.post_json(&share, "{}").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(json(lead.get("/api/v1/saved-hunts").await).await[0]["title"], "Đêm qua");
    assert!(page(lead.get("/hunt").await).await.contains("Đêm qua"));
    let drop = format!("/api/v1/saved-hunts/{id}/drop");
    assert_eq!(lead.post_json(&drop, "{}").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        json(client.get("/api/v1/saved-hunts").await).await,
        serde_json::json!([])
    );
    let nameless = client
        .post_json("/api/v1/saved-hunts", r#"{"title":" ","text":"a"}"#)
        .await;
    assert_eq!(nameless.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
