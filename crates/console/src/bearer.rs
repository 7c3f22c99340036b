//! Programs that come with a personal token (RFC 6750): found by its digest, held to its rate, and noted in the duty book.

use axum::http::{HeaderMap, header};
use model::{ApiToken, Scope, User};
use operations::{
    Step,
    people::{self, api_tokens},
};

use crate::{
    desk::Desk,
    rates::{REQUESTS_OF_TOKEN_MAX, WRONG_OF_ADDRESS_MAX},
    session::SignedIn,
    trouble::Trouble,
};

/// What such tokens begin with, so that scanners for leaked secrets know them.
pub(crate) const PREFIX: &str = "wpa_";
/// Longest text that is looked up.
const TEXT_BYTES_MAX: usize = 200;
/// Which part of the post looks tokens up, before there is a person to act for.
const PART: &str = "console";

/// The token in a request, when it carries one (`Authorization: Bearer …`, the scheme in any case).
pub(crate) fn text(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever a token speaks for; nobody when it does not work. `address` is where the request comes from.
pub(crate) async fn find(desk: &Desk, text: &str, address: &str) -> Result<Option<SignedIn>, Trouble> {
    let now = desk.now();
    let count = |key: String, most| {
        let counted = desk.rates.count(&key, most, now);
        counted.map_err(|seconds| Trouble::TooFast { seconds })
    };
    let Some((token, user)) = look_up(desk, text).await? else {
        count(format!("address:{address}"), WRONG_OF_ADDRESS_MAX)?;
        return Ok(None);
    };
    count(format!("token:{}", token.digest), REQUESTS_OF_TOKEN_MAX)?;
    let Some(scope) = Scope::of_token(&user, &token) else {
        return Ok(None);
    };
    note_use(desk, &token, &scope, address).await?;
    let user = User {
        role: scope.role(),
        ..user
    };
    Ok(Some(SignedIn {
        digest: token.digest,
        scope,
        user,
    }))
}

/// The token and its owner, when both may be used now.
async fn look_up(desk: &Desk, text: &str) -> Result<Option<(ApiToken, User)>, Trouble> {
    if !text.starts_with(PREFIX) || text.len() > TEXT_BYTES_MAX {
        return Ok(None);
    }
    let (digest, now) = (people::digest(text), desk.now());
    desk.read(move |ledger| {
        let scope = Scope::of_post(PART);
        let token = ledger.kept::<ApiToken>(&scope, &digest)?;
        let Some(token) = token.filter(|token| token.is_valid(now)) else {
            return Ok(None);
        };
        let user = ledger.user(&scope, token.user)?.filter(|user| user.enabled);
        Ok(user.map(|user| (token, user)))
    })
    .await
}

/// Notes the use, seldom; another request may have been faster, and one note is enough.
async fn note_use(desk: &Desk, token: &ApiToken, scope: &Scope, address: &str) -> Result<(), Trouble> {
    let step = Step { scope, at: desk.now() };
    let Some(decision) = api_tokens::used(token, address, step) else {
        return Ok(());
    };
    match desk.apply(decision).await {
        Ok(_) | Err(Trouble::Outdated) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_is_read() {
        for (header, found) in [
            ("Bearer wpa_1", Some("wpa_1")),
            ("bearer   wpa_1 ", Some("wpa_1")),
            ("Basic d3A6d3A=", None),
            ("Bearer", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(header));
            assert_eq!(text(&headers), found, "{header}");
        }
    }
}
