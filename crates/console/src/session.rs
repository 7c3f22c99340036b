//! Sessions in the browser's cookies: found, kept alive, made and ended. The ledger keeps a digest, never the token.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, header};
use ledger::Ledger;
use model::{Scope, Timestamp, User};

use operations::people::{SESSION_HOURS, digest};

use crate::{desk::Desk, trouble::Trouble};

/// Which part of the post looks sessions up, before there is a person to act for.
const PART: &str = "console";

/// Somebody who may be let in: by a live session, or by a token that works.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The digest of the session or of the token.
    pub(crate) digest: String,
    pub(crate) scope: Scope,
    pub(crate) user: User,
}

/// When each session was last used. In memory only: after a restart every session counts as used just then.
#[derive(Debug, Default)]
pub(crate) struct LastUses {
    by_digest: Mutex<HashMap<String, Timestamp>>,
}

impl LastUses {
    /// Sessions whose last use is remembered; beyond it the idle ones are forgotten first.
    const SESSIONS_MAX: usize = 10_000;

    /// Notes a use; `false` when the last one is longer ago than a session may idle.
    fn note(&self, digest: &str, now: Timestamp, idle_seconds_max: i64) -> bool {
        let mut uses = self.by_digest.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: &Timestamp| now.as_second() - at.as_second() <= idle_seconds_max;
        if uses.get(digest).is_some_and(|at| !fresh(at)) {
            return false;
        }
        if uses.len() >= Self::SESSIONS_MAX {
            uses.retain(|_, at| fresh(at));
        }
        if uses.len() < Self::SESSIONS_MAX || uses.contains_key(digest) {
            uses.insert(digest.to_owned(), now);
        }
        true
    }
}

/// The session that a request's cookie names, when it is alive and its person may sign in.
pub(crate) async fn find(desk: &Desk, headers: &HeaderMap) -> Result<Option<SignedIn>, Trouble> {
    let Some(token) = cookie(headers, cookie_name(desk.state.tls)) else {
        return Ok(None);
    };
    let digest = digest(token);
    let now = desk.now();
    let found = desk
        .read(move |ledger: &Ledger| ledger.session(&Scope::of_post(PART), &digest, now))
        .await?;
    let idle_seconds_max = i64::from(desk.state.config.session_idle_minutes) * 60;
    Ok(found
        .filter(|(_, user)| user.enabled)
        .filter(|(session, _)| desk.last_uses.note(&session.digest, now, idle_seconds_max))
        .map(|(session, user)| SignedIn {
            digest: session.digest,
            scope: Scope::of_session(&user),
            user,
        }))
}

/// The value of a cookie (RFC 6265, 4.2.1).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The cookie's name; by TLS it is bound to this host and to TLS by its prefix.
fn cookie_name(tls: bool) -> &'static str {
    if tls {
        "__Host-watchpost_session"
    } else {
        "watchpost_session"
    }
}

/// The header that gives the browser a session, or takes it away when there is no token.
pub(crate) fn set_cookie(desk: &Desk, token: Option<&str>) -> HeaderValue {
    let name = cookie_name(desk.state.tls);
    let secure = if desk.state.tls { "; Secure" } else { "" };
    let age = token.map_or(0, |_| SESSION_HOURS * 3600);
    let value = format!(
        "{name}={}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}",
        token.unwrap_or_default()
    );
    HeaderValue::from_str(&value).expect("a cookie of hexadecimal digits is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("theme=dark; watchpost_session=abc"),
        );
        assert_eq!(cookie(&headers, "watchpost_session"), Some("abc"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn a_session_that_idles_too_long_is_over() {
        let uses = LastUses::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(uses.note("a", at(0), 60));
        assert!(uses.note("a", at(60), 60));
        assert!(uses.note("a", at(100), 60));
        assert!(!uses.note("a", at(161), 60));
        assert!(uses.note("b", at(161), 60));
    }
}
