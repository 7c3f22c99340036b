//! Every route has its permission, every role meets it, and nothing is served beside the table.

use axum::http::{Method, StatusCode};
use console::{RouteInfo, routes};
use model::Role;

use crate::client::{Client, post, text};

fn concrete(route: &RouteInfo) -> String {
    route
        .path
        .replace("{id}", "00000000000000000000000000000001")
        .replace("{key}", "1")
        .replace("{token}", "none")
        .replace("{file}", "none")
        .replace("{step}", "undo")
}

async fn ask(client: &Client, route: &RouteInfo) -> StatusCode {
    let path = concrete(route);
    if route.method == Method::GET {
        client.get(&path).await.status()
    } else {
        client.post_form(&path, "").await.status()
    }
}

#[tokio::test]
async fn every_role_passes_exactly_where_its_permissions_say() {
    let post = post();
    for role in Role::ALL {
        for route in routes() {
            // A client each: signing out ends the session.
            let client = Client::of(&post, role);
            let status = ask(&client, &route).await;
            let allowed = route.permission.is_none_or(|permission| role.allows(permission));
            let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
            let public_refusal = route.permission.is_none() && route.path == "/sign-in";
            assert_eq!(
                refused && !public_refusal,
                !allowed,
                "{role:?} {} {} answered {status}",
                route.method,
                route.path
            );
        }
    }
}

#[tokio::test]
async fn nobody_passes_without_a_session_but_to_public_routes() {
    let post = post();
    let client = Client::nobody(&post);
    for route in routes().into_iter().filter(|route| route.permission.is_some()) {
        let status = ask(&client, &route).await;
        let expected = if route.path.starts_with("/api/") {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::SEE_OTHER
        };
        assert_eq!(status, expected, "{} {}", route.method, route.path);
    }
    let public: Vec<&str> = routes()
        .iter()
        .filter(|route| route.permission.is_none())
        .map(|route| route.path)
        .collect();
    assert_eq!(
        public,
        [
            "/",
            "/setup/{token}",
            "/sign-in",
            "/setup/{token}",
            "/sign-in",
            "/api/v1/openapi.json",
            "/a/{token}",
            "/a/{token}",
            "/calendar/{token}",
            "/assets/{file}",
            "/service-worker.js",
            "/healthz",
            "/readyz",
            "/metrics"
        ]
    );
}

#[test]
fn routes_are_registered_in_the_table_only() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    let mut registering = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let code = std::fs::read_to_string(&entry).unwrap();
            for call in [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge("] {
                registering.extend(
                    code.matches(call)
                        .map(|_| (entry.file_name().unwrap().to_owned(), call)),
                );
            }
        }
    }
    assert_eq!(registering, [("routes.rs".into(), ".route(")]);
}

#[tokio::test]
async fn the_description_of_the_api_is_the_api() {
    let post = post();
    let document = text(Client::nobody(&post).get("/api/v1/openapi.json").await).await;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let mut described: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        described.extend(
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let mut served: Vec<String> = routes()
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
}

#[tokio::test]
async fn another_site_s_page_changes_nothing() {
    use axum::{
        body::Body,
        http::{Request, header},
    };
    use tower::ServiceExt;
    let post = post();
    let client = Client::of(&post, Role::Administrator);
    for route in routes().into_iter().filter(|route| route.method == Method::POST) {
        let request = Request::post(concrete(&route))
            .header(header::HOST, "post.example")
            .header(header::ORIGIN, "https://evil.example")
            .header(header::COOKIE, &client.cookie)
            .body(Body::empty())
            .unwrap();
        let status = client.router.clone().oneshot(request).await.unwrap().status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{}", route.path);
    }
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let post = post();
    let client = Client::of(&post, Role::Viewer);
    for path in ["/queue", "/nowhere", "/sign-in", "/api/v1/me", "/users", "/healthz"] {
        let response = client.get(path).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "cache-control",
        ] {
            assert!(headers.contains_key(name), "{path} lacks {name}");
        }
    }
}
