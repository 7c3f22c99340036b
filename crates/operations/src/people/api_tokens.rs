//! Personal tokens of the API: made, used and revoked by the person whose they are.

use jiff::SignedDuration;
use model::{ApiToken, ApiTokenUse, Change, Decision, Phrase, Rejected, Role, Timestamp, User};

use super::{NAME_BYTES_MAX, Secret, after, own_or_any};
use crate::Step;

/// Most tokens of one person that are valid at once.
pub const VALID_MAX: usize = 20;
/// For how many days a token may be made; none lives for ever.
pub const DAYS: [u16; 4] = [7, 30, 90, 365];
/// A use is noted when the last noted one is as long ago as this.
const USE_NOTED_SECONDS: i64 = 3600;

const NAME: Phrase = Phrase::new(
    "hãy đặt tên cho token, tối đa 200 byte",
    "the token needs a name, at most 200 bytes",
);
const TOO_MANY: Phrase = Phrase::new(
    "đã có 20 token còn hiệu lực; hãy thu hồi token không dùng nữa",
    "20 tokens are valid already; revoke those that are no longer used",
);
const ROLE: Phrase = Phrase::new(
    "token không được làm nhiều hơn vai trò của bạn",
    "a token may not do more than your own role",
);
const DURATION: Phrase = Phrase::new(
    "hãy chọn thời hạn trong danh sách",
    "choose one of the offered durations",
);

/// A token as its owner asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub name: String,
    /// What it may at most.
    pub role: Role,
    /// For how many days: one of [`DAYS`].
    pub days: u16,
}

/// Makes a token for oneself. `standing` are all tokens of the owner.
///
/// # Errors
/// When the draft is not right, there are too many tokens, or the role does not allow it.
pub fn create(
    draft: &Draft,
    (owner, standing): (&User, &[ApiToken]),
    secret: &Secret,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    step.needs(own_or_any(owner.id, step))?;
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    let name = draft.name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return invalid("name", NAME);
    }
    if !draft.role.is_within(step.scope.role()) {
        return invalid("role", ROLE);
    }
    if !DAYS.contains(&draft.days) {
        return invalid("days", DURATION);
    }
    if standing.iter().filter(|token| token.is_valid(step.at)).count() >= VALID_MAX {
        return Err(Rejected::NotNow(TOO_MANY));
    }
    let token = ApiToken {
        digest: secret.digest.clone(),
        name: name.to_owned(),
        user: owner.id,
        role: draft.role,
        created_at: step.at,
        expires_at: after(step.at, SignedDuration::from_hours(24 * i64::from(draft.days))),
        revoked_at: None,
        last_use: None,
        revision: 1,
    };
    Ok(step.decides("api_token.create", Some(name), vec![Change::put(&token)]))
}

/// Revokes a token: one's own, or anybody's with the permission to make accounts.
///
/// # Errors
/// When it is revoked already, or the role does not allow it.
pub fn revoke(token: &ApiToken, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(own_or_any(token.user, step))?;
    if token.revoked_at.is_some() {
        return Err(Rejected::AlreadySo);
    }
    let revoked = ApiToken {
        revoked_at: Some(step.at),
        revision: token.revision + 1,
        ..token.clone()
    };
    Ok(step.decides("api_token.revoke", Some(&token.name), vec![Change::put(&revoked)]))
}

/// Notes that a token was used from an address; none while the last noted use is fresh.
#[must_use]
pub fn used(token: &ApiToken, address: &str, step: Step<'_>) -> Option<Decision> {
    let fresh = |last: &ApiTokenUse| seconds_between(last.at, step.at) < USE_NOTED_SECONDS;
    if token.last_use.as_ref().is_some_and(fresh) {
        return None;
    }
    let used = ApiToken {
        last_use: Some(ApiTokenUse {
            at: step.at,
            address: address.to_owned(),
        }),
        revision: token.revision + 1,
        ..token.clone()
    };
    Some(step.decides("api_token.use", None, vec![Change::put(&used)]))
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_second() - earlier.as_second()
}
