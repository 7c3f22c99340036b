//! Getting in: the one-time link, passwords, limits, sessions.

use axum::http::{StatusCode, header};
use model::{Role, Scope};
use operations::{Step, people};

use crate::{
    client::{Client, location, page, post, text},
    post::PASSWORD,
};

fn encoded(password: &str) -> String {
    password.replace(' ', "+")
}

#[tokio::test]
async fn the_right_password_gives_a_session_that_scripts_cannot_read() {
    let post = post();
    let client = Client::nobody(&post);
    let response = client
        .post_form(
            "/sign-in",
            &format!("login=Lan&password={}&back=/alerts", encoded(PASSWORD)),
        )
        .await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert_eq!(location(&response), "/alerts");
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let client = Client {
        cookie: cookie.split(';').next().unwrap().to_owned(),
        ..client
    };
    assert!(page(client.get("/account").await).await.contains("Lê Ngọc Lan"));
    client.post_form("/sign-out", "").await;
    assert_eq!(location(&client.get("/queue").await), "/sign-in?back=%2Fqueue");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_answer_and_then_must_wait() {
    let post = post();
    let client = Client::nobody(&post);
    let wrong = text(client.post_form("/sign-in", "login=lan&password=wrong").await).await;
    let unknown = text(client.post_form("/sign-in", "login=lax&password=wrong").await).await;
    let without_name = |page: &str, name: &str| page.replace(&format!("value=\"{name}\""), "");
    assert_eq!(without_name(&wrong, "lan"), without_name(&unknown, "lax"));
    for _ in 1..people::SIGN_IN_FAILURES_OF_LOGIN_MAX {
        client.post_form("/sign-in", "login=lan&password=wrong").await;
    }
    let right = client
        .post_form("/sign-in", &format!("login=lan&password={}", encoded(PASSWORD)))
        .await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
    let other = client
        .post_form("/sign-in", &format!("login=minh&password={}", encoded(PASSWORD)))
        .await;
    assert_eq!(other.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_way_back_after_signing_in_stays_on_the_console() {
    let post = post();
    let client = Client::nobody(&post);
    let response = client
        .post_form(
            "/sign-in",
            &format!("login=lan&password={}&back=//evil.example", encoded(PASSWORD)),
        )
        .await;
    assert_eq!(location(&response), "/queue");
}

#[tokio::test]
async fn the_first_account_is_made_once_with_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let seeded = post();
    let now = seeded.state.clock.now();
    let mut state = seeded.state.clone();
    state.ledger = ledger::Ledger::open(ledger::Options::in_folder(folder.path()), now).unwrap();
    let mut bytes = [0; 16];
    state.randomness.fill(&mut bytes);
    let secret = people::Secret::new("", model::Entropy(bytes));
    let scope = Scope::of_post("setup");
    state
        .ledger
        .apply(&people::setup_link(&[], &secret, Step { scope: &scope, at: now }).unwrap())
        .unwrap();
    let client = Client {
        router: console::router(state),
        cookie: String::new(),
    };
    let address = format!("/setup/{}", secret.text);
    assert_eq!(client.get("/setup/0123").await.status(), StatusCode::GONE);
    assert!(
        page(client.get(&address).await)
            .await
            .contains("Tạo tài khoản đầu tiên")
    );
    let short = client
        .post_form(&address, "login=ha&display_name=H%C3%A0&password=short")
        .await;
    assert_eq!(short.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let made = client
        .post_form(&address, "login=ha&display_name=H%C3%A0&password=mot+cau+dai+de+nho")
        .await;
    assert_eq!(location(&made), "/queue");
    let cookie = made.headers()[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let signed_in = Client { cookie, ..client };
    assert!(
        text(signed_in.get("/api/v1/me").await)
            .await
            .contains(r#""role":"administrator""#)
    );
    let again = signed_in
        .post_form(&address, "login=eve&display_name=Eve&password=mot+cau+dai+de+nho")
        .await;
    assert_eq!(again.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let post = post();
    let lan = post.users.iter().find(|user| user.login == "lan").unwrap();
    let client = Client::of_user(&post, lan);
    let other = Client::nobody(&post);
    let response = other
        .post_form("/sign-in", &format!("login=lan&password={}", encoded(PASSWORD)))
        .await;
    let cookie = response.headers()[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let other = Client { cookie, ..other };
    let form = format!("current={}&new=mot+cau+moi+dai+hon", encoded(PASSWORD));
    assert_eq!(
        client.post_form("/account/password", &form).await.status(),
        StatusCode::OK
    );
    assert_eq!(client.get("/queue").await.status(), StatusCode::OK);
    assert_eq!(other.get("/queue").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let post = post();
    let lan = post.users.iter().find(|user| user.login == "lan").unwrap();
    let client = Client::of_user(&post, lan);
    let administrator = Client::of(&post, Role::Administrator);
    let response = administrator
        .post_form(&format!("/users/{}/enabled", lan.id), "revision=1&enabled=0")
        .await;
    assert_eq!(location(&response), "/users");
    assert_eq!(client.get("/queue").await.status(), StatusCode::SEE_OTHER);
}
