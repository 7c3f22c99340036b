//! The guard of every route: who asks, whether they may, whether their own browser page asked, and how trouble is told.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use model::{Permission, Scope, User};
use operations::Step;

use crate::{
    addresses, bearer,
    desk::Desk,
    frame::View,
    moments::Moments,
    on_duty,
    session::{self, SignedIn, cookie},
    trouble::Trouble,
    words::Words,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody who reaches the console.
    Public,
    /// Whoever is signed in with a role that has the permission.
    Needs(Permission),
}

/// A signed-in person's visit; only the guard makes one, so a handler that takes it is behind a permission.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) view: View,
    pub(crate) scope: Scope,
    pub(crate) user: User,
    /// The digest of the session, or of the token.
    pub(crate) session: String,
}

impl Visit {
    /// The step that this person takes now.
    pub(crate) fn step(&self, desk: &Desk) -> Step<'_> {
        Step {
            scope: &self.scope,
            at: desk.now(),
        }
    }
}

/// Where a request comes from, for the duty book and for limits: the address of the connection. Headers that a proxy
/// or anybody else may set are not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) String);

/// The route's guard.
pub(crate) async fn guard(State((desk, access)): State<(Desk, Access)>, mut request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let method = request.method().clone();
    let uri = request.uri().clone();
    // A token is sent by a program on purpose, never by a browser for somebody else's page.
    let token = api.then(|| bearer::text(request.headers())).flatten();
    let by_session = token.is_none();
    let signed_in = match token {
        Some(token) => bearer::find(&desk, token, &address_of(request.extensions())).await,
        None => session::find(&desk, request.headers()).await,
    };
    let (signed_in, mut trouble) = match signed_in {
        Ok(signed_in) => (signed_in, None),
        Err(found) => (None, Some(found)),
    };
    let mut view = view(
        &desk,
        request.headers(),
        &uri,
        signed_in.as_ref().map(|signed_in| &signed_in.user),
    );
    if signed_in.is_some() && method == Method::GET && !api {
        match on_duty::now(&desk).await {
            Ok(lines) => view.on_duty = lines,
            Err(found) => trouble = Some(found),
        }
    }
    if trouble.is_none() && by_session && unsafe_method(&method) && !same_origin(request.headers()) {
        trouble = Some(Trouble::CrossSite);
    }
    if trouble.is_none() {
        trouble = admit(&mut request, access, view.clone(), signed_in);
    }
    let mut response = match trouble {
        Some(trouble) => trouble.into_response(),
        None => next.run(request).await,
    };
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        response = tell(&trouble, &view, api, &method, &uri);
    }
    remember_language(&uri, &mut response);
    response
}

/// Lets the request in, with what its handler may know, or says why not.
fn admit(request: &mut Request, access: Access, view: View, signed_in: Option<SignedIn>) -> Option<Trouble> {
    match (access, signed_in) {
        (Access::Public, _) => {
            request.extensions_mut().insert(view);
            None
        }
        (Access::Needs(_), None) => Some(Trouble::NotSignedIn),
        (Access::Needs(permission), Some(SignedIn { digest, scope, user })) => {
            if !scope.allows(permission) {
                return Some(Trouble::Forbidden);
            }
            request.extensions_mut().insert(Visit {
                view,
                scope,
                user,
                session: digest,
            });
            None
        }
    }
}

fn tell(trouble: &Trouble, view: &View, api: bool, method: &Method, uri: &Uri) -> Response {
    if api {
        return trouble.json(view);
    }
    if *trouble == Trouble::NotSignedIn {
        let back = if *method == Method::GET {
            uri.path_and_query().map_or("/", |path| path.as_str())
        } else {
            "/"
        };
        return Redirect::to(&format!("/sign-in{}", addresses::query(&[("back", back)]))).into_response();
    }
    trouble.page(view)
}

fn unsafe_method(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the page that sent the request is this console's own: by `Sec-Fetch-Site`, which browsers set and pages
/// cannot, and otherwise by `Origin` against `Host`. A request with neither is refused.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin").and_then(|origin| origin.split_once("://")), text("host")) {
        (Some((_, authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// How a page is made for this reader: in their language, or the one asked for, in their theme, at this moment.
fn view(desk: &Desk, headers: &HeaderMap, uri: &Uri, user: Option<&User>) -> View {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let words = user
        .map(Words::of_user)
        .or_else(|| asked_language(uri))
        .or_else(|| cookie(headers, LANGUAGE_COOKIE).and_then(Words::of_tag))
        .or_else(|| header(header::ACCEPT_LANGUAGE).and_then(Words::of_header))
        .unwrap_or(Words(desk.state.config.language));
    View {
        words,
        moments: Moments {
            now: desk.now(),
            zone: desk.state.config.zone(),
            words,
        },
        theme: cookie(headers, "watchpost_theme")
            .and_then(|theme| ["light", "dark"].into_iter().find(|known| *known == theme)),
        rules: desk.state.rules.catalog(),
        user: user.cloned(),
        revision: *desk.state.ledger.subscribe().borrow(),
        waiting: 0,
        toast: None,
        on_duty: Arc::default(),
    }
}

const LANGUAGE_COOKIE: &str = "watchpost_language";

fn asked_language(uri: &Uri) -> Option<Words> {
    form_urlencoded::parse(uri.query()?.as_bytes())
        .find_map(|(name, value)| (name == "language").then(|| Words::of_tag(&value)).flatten())
}

/// Keeps the language that was asked for in the address for the pages before signing in.
fn remember_language(uri: &Uri, response: &mut Response) {
    if let Some(words) = asked_language(uri) {
        let value = format!(
            "{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
            words.tag()
        );
        let value = HeaderValue::from_str(&value).expect("a cookie of ASCII letters is a header value");
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        // A handler that takes a visit on a public route would be a mistake; it answers as if nobody were signed in.
        parts.extensions.get::<Self>().cloned().ok_or(Trouble::NotSignedIn)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for View {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        parts.extensions.get::<Self>().cloned().ok_or(Trouble::NotFound)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        Ok(Self(address_of(&parts.extensions)))
    }
}

fn address_of(extensions: &Extensions) -> String {
    let connection = extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map_or_else(|| "unknown".to_owned(), |ConnectInfo(address)| address.ip().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_console_s_own_pages_may_change_anything() {
        for (headers, fits) in [
            (vec![("sec-fetch-site", "same-origin"), ("host", "post.example")], true),
            (
                vec![
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://post.example"),
                    ("host", "post.example"),
                ],
                false,
            ),
            (vec![("sec-fetch-site", "same-site"), ("host", "post.example")], false),
            (
                vec![("origin", "https://post.example:8443"), ("host", "post.example:8443")],
                true,
            ),
            (
                vec![("origin", "https://evil.example"), ("host", "post.example")],
                false,
            ),
            (vec![("origin", "null"), ("host", "post.example")], false),
            (vec![("host", "post.example")], false),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(same_origin(&map), fits, "{headers:?}");
        }
    }
}
