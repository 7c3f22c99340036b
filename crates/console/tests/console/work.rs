//! The work of a night: alerts taken, closed, undone; silences tried, made, ended; tokens shown once.

use axum::http::StatusCode;
use model::{AlertState, Role, Scope};

use crate::{
    client::{Client, location, page, post, text},
    post::Post,
};

fn state_of(post: &Post, place: usize) -> AlertState {
    post.state
        .ledger
        .alert(&Scope::of_post("test"), post.alerts[place].id)
        .unwrap()
        .unwrap()
        .state
}

fn seen(post: &Post, places: &[usize]) -> String {
    let alerts: Vec<String> = places
        .iter()
        .map(|place| format!("alert={}:1", post.alerts[*place].id))
        .collect();
    alerts.join("&")
}

#[tokio::test]
async fn several_alerts_are_taken_in_one_decision_and_given_back_by_undo() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let response = client
        .post_form(
            "/alerts/acknowledge",
            &format!("{}&back=/queue%3Flevel%3Dhigh", seen(&post, &[0, 1, 3])),
        )
        .await;
    let next = location(&response);
    assert!(
        next.starts_with("/queue?level=high&done=acknowledge&count=2&refused=1&undo="),
        "{next}"
    );
    assert!(matches!(state_of(&post, 0), AlertState::Acknowledged { .. }));
    let toast = page(client.get(&next).await).await;
    assert!(
        toast.contains("Đã nhận: 2 cảnh báo · 1 cảnh báo không thay đổi được"),
        "{toast}"
    );
    let undo = next.rsplit_once("undo=").unwrap().1;
    let stranger = Client::of(&post, Role::ShiftLead);
    assert_eq!(
        stranger
            .post_form("/alerts/undo", &format!("undo={undo}"))
            .await
            .status(),
        StatusCode::FORBIDDEN
    );
    client.post_form("/alerts/undo", &format!("undo={undo}")).await;
    assert_eq!(state_of(&post, 0), AlertState::New);
    assert_eq!(state_of(&post, 1), AlertState::New);
}

#[tokio::test]
async fn what_somebody_else_changed_first_is_not_changed_again() {
    let post = post();
    let (lan, minh) = (Client::of(&post, Role::DutyOfficer), Client::of(&post, Role::ShiftLead));
    let close = format!("{}&disposition=benign&reason=quen", seen(&post, &[0]));
    location(&minh.post_form("/alerts/close", &close).await);
    let next = location(&lan.post_form("/alerts/acknowledge", &seen(&post, &[0])).await);
    assert!(next.contains("count=0&refused=1"), "{next}");
}

#[tokio::test]
async fn closing_needs_a_verdict_and_a_reason() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let next = location(
        &client
            .post_form(
                "/alerts/close",
                &format!("{}&disposition=benign&reason=+", seen(&post, &[0])),
            )
            .await,
    );
    assert!(next.contains("count=0&refused=1"), "{next}");
    assert_eq!(
        client
            .post_form("/alerts/close", &format!("{}&reason=x", seen(&post, &[0])))
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(state_of(&post, 0), AlertState::New);
}

#[tokio::test]
async fn search_ignores_tone_marks() {
    let post = post();
    let client = Client::of(&post, Role::Viewer);
    for typed in ["lua+dao", "l%E1%BB%ABa+%C4%91%E1%BA%A3o", "DAO+ngan+HANG"] {
        let found = page(client.get(&format!("/queue?q={typed}")).await).await;
        assert_eq!(found.matches("<li class=\"alert\">").count(), 1, "{typed}");
        assert!(found.contains("Trang web lừa đảo mạo danh ngân hàng"));
    }
}

fn silence_scope(post: &Post) -> String {
    format!(
        "rule={}&entity_kind=address&entity_name=203.0.113.77",
        post.alerts[1].key.rule
    )
}

/// A silence that was just made: the address of its page, and what undoes it.
async fn made_silence(post: &Post, client: &Client) -> (String, String) {
    let form = format!("{}&reason=accepted_risk&hours=24&comment=thu", silence_scope(post));
    let made = location(&client.post_form("/silences", &form).await);
    let (address, undo) = made.split_once("?done=silence-made&undo=").unwrap();
    (address.to_owned(), undo.to_owned())
}

fn undo_in(next: &str) -> String {
    format!("undo={}", next.rsplit_once("undo=").unwrap().1)
}

#[tokio::test]
async fn a_silence_is_tried_before_it_is_made() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let scope = silence_scope(&post);
    let tried = page(client.get(&format!("/silences/new?{scope}")).await).await;
    assert!(tried.contains("Lẽ ra đã ẩn 1 trên tổng số 9 phát hiện."), "{tried}");
    let refused = client
        .post_form("/silences", &format!("{scope}&reason=accepted_risk&hours=24&comment="))
        .await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (address, undo) = made_silence(&post, &client).await;
    let shown = page(client.get(&format!("{address}?done=silence-made&undo={undo}")).await).await;
    assert!(
        shown.contains("Đã tạo lệnh tạm ẩn") && shown.contains("Hoàn tác"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_silence_is_extended_with_a_reason_and_that_is_undone_by_the_same_person() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let (address, undo_made) = made_silence(&post, &client).await;
    let expires = || {
        let id = address.rsplit_once('/').unwrap().1.parse().unwrap();
        let silence = post.state.ledger.silence(&Scope::of_post("test"), id);
        silence.unwrap().unwrap().expires_at
    };
    let first_end = expires();
    let (extend, undo) = (format!("{address}/extend"), format!("{address}/undo"));
    let refused = client.post_form(&extend, "hours=24&reason=").await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(refused).await.contains("role=\"alert\""));
    let extended = location(&client.post_form(&extend, "hours=24&reason=chua+xong").await);
    assert_eq!(expires().as_second() - first_end.as_second(), 24 * 3600);
    let stale = client.post_form(&undo, &format!("undo={undo_made}")).await;
    assert_eq!(stale.status(), StatusCode::CONFLICT, "it was extended since");
    let stranger = Client::of(&post, Role::Administrator);
    let theirs = stranger.post_form(&undo, &undo_in(&extended)).await;
    assert_eq!(theirs.status(), StatusCode::FORBIDDEN);
    location(&client.post_form(&undo, &undo_in(&extended)).await);
    assert_eq!(expires(), first_end);
}

#[tokio::test]
async fn a_silence_is_ended_and_that_is_undone() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let (address, _) = made_silence(&post, &client).await;
    let end = format!("{address}/end");
    let ended = location(&client.post_form(&end, "reason=xong").await);
    assert_eq!(client.post_form(&end, "").await.status(), StatusCode::CONFLICT);
    let undone = location(&client.post_form(&format!("{address}/undo"), &undo_in(&ended)).await);
    let shown = page(client.get(&undone).await).await;
    for words in [
        "Đang có hiệu lực",
        "Tạo lệnh tạm ẩn",
        "Kết thúc lệnh tạm ẩn",
        "Hoàn tác với lệnh tạm ẩn",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn an_alert_is_given_back_and_that_is_undone() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let alert = format!("alert={}:1", post.alerts[0].id);
    location(&client.post_form("/alerts/acknowledge", &alert).await);
    let shown = page(client.get(&format!("/alerts/{}", post.alerts[0].id)).await).await;
    assert!(shown.contains("/alerts/unacknowledge"), "{shown}");
    let alert = format!("alert={}:2", post.alerts[0].id);
    let next = location(&client.post_form("/alerts/unacknowledge", &alert).await);
    assert_eq!(state_of(&post, 0), AlertState::New);
    let undo = next.rsplit_once("undo=").unwrap().1;
    client.post_form("/alerts/undo", &format!("undo={undo}")).await;
    assert!(matches!(state_of(&post, 0), AlertState::Acknowledged { .. }));
}

#[tokio::test]
async fn a_trial_on_fields_reads_the_events() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let body = format!(
        r#"{{"rule":"{}","fields":"User=taichinh\\THANH.PT"}}"#,
        post.alerts[0].key.rule
    );
    let answer = text(client.post_json("/api/v1/silences/preview", &body).await).await;
    assert!(answer.contains(r#""hidden":1,"looked_at":9"#), "{answer}");
    let other = body.replace("THANH.PT", "other");
    assert!(
        text(client.post_json("/api/v1/silences/preview", &other).await)
            .await
            .contains(r#""hidden":0"#)
    );
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let post = post();
    let client = Client::of(&post, Role::Administrator);
    let made = page(client.post_form("/tokens", "source=mail-gateways").await).await;
    let token = made
        .split("id=\"fresh-token\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(token.len(), 67);
    assert!(
        made.contains(&format!("Bearer {token}")),
        "the configurations have the token filled in"
    );
    for address in [
        "https://post.example:8651/v1/ndjson",
        "target=\"127.0.0.1\" port=\"5514\" protocol=\"udp\"",
    ] {
        assert!(
            made.contains(&address.replace('"', "&quot;")),
            "the configurations have {address}"
        );
    }
    let listed = page(client.get("/tokens").await).await;
    assert!(!listed.contains(token) && listed.contains("mail-gateways"));
}

#[tokio::test]
async fn the_api_takes_the_same_steps() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let id = post.alerts[0].id;
    let answer = text(
        client
            .post_json(
                "/api/v1/alerts/acknowledge",
                &format!(r#"{{"alerts":[{{"id":"{id}","revision":1}}]}}"#),
            )
            .await,
    )
    .await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["changed"], 1);
    let undone = text(
        client
            .post_json("/api/v1/alerts/undo", &format!(r#"{{"undo":{}}}"#, answer["undo"]))
            .await,
    )
    .await;
    assert!(undone.contains(r#""changed":1"#), "{undone}");
    let detail = text(client.get(&format!("/api/v1/alerts/{id}")).await).await;
    assert!(detail.contains("comsvcs.dll") && !detail.contains("password_hash"));
    assert_eq!(
        client.post_json("/api/v1/alerts/close", "{").await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(client.get("/api/v1/alerts/1").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_duty_book_says_that_its_chain_holds() {
    let post = post();
    let book = page(Client::of(&post, Role::Auditor).get("/duty-book?verify=1").await).await;
    assert!(book.contains("Chuỗi băm nguyên vẹn"));
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let response = client.post_form("/alerts/close", &"x".repeat(300 * 1024)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(response).await.contains("Nội dung gửi lên quá dài"));
}
