//! A client without a browser: requests straight into the router.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use console::Clock;
use model::{Role, Timestamp, User};
use operations::people::{Secret, digest, open_session};
use tower::ServiceExt;

use crate::post::{CountingRandomness, Post};

/// When the night of the trial is.
const NIGHT: &str = "2026-11-24T19:14:05Z";

/// A clock that stands.
struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// The trial post, standing in its night.
pub(crate) fn post() -> Post {
    Post::new(
        Arc::new(StandingClock(NIGHT.parse().unwrap())),
        Arc::new(CountingRandomness::default()),
    )
}

/// Somebody with a session, or nobody.
pub(crate) struct Client {
    pub(crate) router: Router,
    pub(crate) cookie: String,
}

impl Client {
    pub(crate) fn nobody(post: &Post) -> Self {
        Self {
            router: console::router(post.state.clone()),
            cookie: String::new(),
        }
    }

    /// Signs somebody in without asking for the password.
    pub(crate) fn of(post: &Post, role: Role) -> Self {
        let user = post.users.iter().find(|user| user.role == role).unwrap();
        Self::of_user(post, user)
    }

    pub(crate) fn of_user(post: &Post, user: &User) -> Self {
        let text = format!("session of {}", user.login).replace(' ', "-");
        let secret = Secret {
            digest: digest(&text),
            text,
        };
        let decision = open_session(user, &secret, ("192.0.2.7", "trial"), post.state.clock.now());
        post.state.ledger.apply(&decision).unwrap();
        Self {
            router: console::router(post.state.clone()),
            cookie: format!("watchpost_session={}", secret.text),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, "", "").await
    }

    pub(crate) async fn post_form(&self, path: &str, form: &str) -> Response {
        self.send(Method::POST, path, "application/x-www-form-urlencoded", form)
            .await
    }

    pub(crate) async fn post_json(&self, path: &str, json: &str) -> Response {
        self.send(Method::POST, path, "application/json", json).await
    }

    /// Sends a form with a file, as browsers do.
    pub(crate) async fn post_file(
        &self,
        path: &str,
        fields: &[(String, String)],
        file: Option<(&str, &str)>,
    ) -> Response {
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(
                body,
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        if let Some((name, text)) = file {
            let _ = write!(
                body,
                "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n{text}\r\n"
            );
        }
        body.push_str("--edge--\r\n");
        self.send(Method::POST, path, "multipart/form-data; boundary=edge", &body)
            .await
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "post.example")
            .header(header::ORIGIN, "http://post.example")
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

pub(crate) async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 8 * 1024 * 1024).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The page of a response that must be one.
pub(crate) async fn page(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    text(response).await
}

/// Where a response sends on to.
pub(crate) fn location(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap().to_owned()
}
