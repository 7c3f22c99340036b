//! Programs with a personal token: let in, held to their role and rate, noted, and out again when it is revoked.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use ledger::{EntryFilter, PageAt};
use model::{Change, Role, Scope};
use tower::ServiceExt;

use crate::{
    client::{Client, location, page, post, text},
    post::Post,
};

/// A request as a program sends it: without a cookie, without an origin.
async fn calls(client: &Client, method: &str, path: &str, token: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"alerts":[]}"#))
        .unwrap();
    client.router.clone().oneshot(request).await.unwrap()
}

async fn made(client: &Client, role: &str) -> String {
    let form = format!("name=nightly+export&role={role}&days=30");
    let shown = page(client.post_form("/account/tokens", &form).await).await;
    let token = shown.split("id=\"fresh-token\">").nth(1).unwrap();
    token.split('<').next().unwrap().to_owned()
}

fn actions(post: &Post) -> Vec<String> {
    let page = post
        .state
        .ledger
        .entries(&Scope::of_post("test"), &EntryFilter::default(), PageAt::first(20))
        .unwrap();
    page.items.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn a_program_works_under_its_owners_name_until_the_token_is_revoked() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let token = made(&client, "duty_officer").await;
    assert!(token.starts_with("wpa_") && token.len() == 68, "{token}");
    let me = text(calls(&client, "GET", "/api/v1/me", &token).await).await;
    assert!(
        me.contains(r#""login":"lan""#) && me.contains(r#""role":"duty_officer""#),
        "{me}"
    );
    let worked = calls(&client, "POST", "/api/v1/alerts/acknowledge", &token).await;
    assert_eq!(worked.status(), StatusCode::OK, "a program has no origin to show");
    let used = actions(&post);
    assert_eq!(used[..2], ["api_token.use", "api_token.create"], "noted once");
    let auditor = Client::of(&post, Role::Auditor);
    let book = page(auditor.get("/duty-book").await).await;
    assert!(book.contains("(token “nightly export”)"), "who used it, and with what");

    let listed = page(client.get("/account/tokens").await).await;
    assert!(listed.contains("nightly export") && !listed.contains(&token));
    let digest = listed.split("name=\"digest\" value=\"").nth(1).unwrap();
    let digest = digest.split('"').next().unwrap();
    let stranger = Client::of(&post, Role::Viewer);
    let revoke = format!("digest={digest}");
    let not_theirs = stranger.post_form("/account/tokens/revoke", &revoke).await;
    assert_eq!(not_theirs.status(), StatusCode::NOT_FOUND);
    location(&client.post_form("/account/tokens/revoke", &revoke).await);
    let out = calls(&client, "GET", "/api/v1/me", &token).await;
    assert_eq!(out.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(out.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"watchpost\"");
}

#[tokio::test]
async fn a_token_does_what_both_roles_allow_and_opens_no_pages() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let token = made(&client, "viewer").await;
    let read = calls(&client, "GET", "/api/v1/alerts", &token).await;
    assert_eq!(read.status(), StatusCode::OK);
    for (method, path) in [("POST", "/api/v1/alerts/acknowledge"), ("GET", "/api/v1/ledger")] {
        let refused = calls(&client, method, path, &token).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let outside = calls(&client, "GET", "/account", &token).await;
    assert_eq!(outside.status(), StatusCode::SEE_OTHER, "pages are for sessions");
    let more = client
        .post_form("/account/tokens", "name=x&role=administrator&days=30")
        .await;
    assert_eq!(more.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let mut owner = post.users[1].clone();
    (owner.enabled, owner.revision) = (false, 2);
    let locked = Change::PutUser { user: Box::new(owner) };
    post.decide("account.disable", post.state.clock.now(), vec![locked]);
    let locked_out = calls(&client, "GET", "/api/v1/alerts", &token).await;
    assert_eq!(locked_out.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let post = post();
    let client = Client::of(&post, Role::Viewer);
    let token = made(&client, "viewer").await;
    let mut last = StatusCode::OK;
    let mut answered = 0;
    while last == StatusCode::OK {
        let response = calls(&client, "GET", "/api/v1/me", &token).await;
        last = response.status();
        answered += 1;
        if last != StatusCode::OK {
            // The night of the trial stands at five seconds past the minute.
            assert_eq!(response.headers()[header::RETRY_AFTER], "55");
        }
    }
    assert_eq!((last, answered), (StatusCode::TOO_MANY_REQUESTS, 601));
    let mut wrong = Vec::new();
    for _ in 0..31 {
        wrong.push(calls(&client, "GET", "/api/v1/me", "wpa_guess").await.status());
    }
    assert_eq!(wrong[29..], [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS]);
}
