//! Who makes a request: the token in its `Authorization` header, or the address and program when it has none.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header, request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use model::Transport;

use crate::{Anonymous, KnownSource, receiving::Sender};

use super::IntakeState;

/// The address at the other end of a connection, put on each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The request has no token that is known, and needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unauthorized;

/// A request without its body.
pub(crate) struct Call {
    pub(crate) peer: IpAddr,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
}

impl Call {
    pub(crate) fn of(parts: Parts) -> Self {
        let unknown = IpAddr::from([0, 0, 0, 0]);
        Self {
            peer: parts.extensions.get::<Peer>().map_or(unknown, |peer| peer.0.ip()),
            headers: parts.headers,
            uri: parts.uri,
        }
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether this is rsyslog's omelasticsearch, which says nothing of itself but always sends these headers.
    pub(crate) fn is_omelasticsearch(&self) -> bool {
        let is = |name, value| self.header(name) == Some(value);
        !self.headers.contains_key(header::USER_AGENT)
            && is(header::ACCEPT, "*/*")
            && is(header::CONTENT_TYPE, "application/json; charset=utf-8")
    }

    /// The value of a query parameter, as it stands.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.uri.query()?.split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Names the sender.
    ///
    /// # Errors
    /// When the token is unknown, or there is none and the configuration does not let this peer send without one.
    pub(crate) fn sender(&self, state: &IntakeState, transport: Transport) -> Result<Sender, Unauthorized> {
        let source = self.source(state).ok_or_else(|| {
            state
                .receiving
                .counters
                .listener(transport, |counts| counts.unauthorized += 1);
            Unauthorized
        })?;
        Ok(Sender {
            source,
            transport,
            origin: compact_str::format_compact!("{}", self.peer.to_canonical()),
        })
    }

    fn source(&self, state: &IntakeState) -> Option<KnownSource> {
        if let Some(authorization) = self.header(header::AUTHORIZATION) {
            return state.receiving.tokens.source_of(&token(authorization)?);
        }
        let allowed = match state.config.anonymous {
            Anonymous::Nobody => false,
            Anonymous::Loopback => self.peer.to_canonical().is_loopback(),
            Anonymous::Anybody => true,
        };
        let name = || state.receiving.names.http(self.peer, self.header(header::USER_AGENT));
        allowed.then(|| KnownSource::named(name()))
    }
}

/// The token in an `Authorization` header: a bearer's (RFC 6750), the key of Elasticsearch's `ApiKey base64(id:key)`, or the
/// password of `Basic` (RFC 7617).
fn token(authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") || scheme.eq_ignore_ascii_case("apikey") {
        let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        return pair.split_once(':').map(|(_, token)| token.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_in_their_wrappings() {
        let cases = [
            ("Bearer s3cret", Some("s3cret")),
            ("bearer  s3cret ", Some("s3cret")),
            ("ApiKey aWQ6czNjcmV0", Some("s3cret")),
            ("Basic d2F0Y2hwb3N0OnMzY3JldDp4", Some("s3cret:x")),
            ("Basic d2F0Y2hwb3N0", None),
            ("Basic ???", None),
            ("Digest x", None),
            ("", None),
        ];
        for (authorization, expected) in cases {
            assert_eq!(token(authorization).as_deref(), expected, "{authorization}");
        }
    }
}
