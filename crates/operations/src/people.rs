//! People: the first account, accounts and roles, sessions, and the secrets that open doors, of which only digests are kept.

pub mod api_tokens;

use jiff::SignedDuration;
use model::{
    Actor, Change, Decision, Entropy, Id, Permission, Phrase, Rejected, Role, Scope, Session, SetupLink, SourceId,
    SourceToken, Timestamp, User,
};
use sha2::{Digest, Sha256};

use crate::Step;

/// Fewest characters of a password (NIST SP 800-63B-4, 3.1.1.2 asks for 15 where the password stands alone).
pub const PASSWORD_CHARACTERS_MIN: usize = 15;
/// Longest password in bytes: hashing more is work for nothing.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Longest sign-in name in bytes.
pub const LOGIN_BYTES_MAX: usize = 64;
/// Longest name for people in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// The link for the first account works this long.
pub const SETUP_LINK_MINUTES: i64 = 60;
/// A session ends by itself after this long: a shift and its handing over.
pub const SESSION_HOURS: i64 = 14;
/// After so many failed sign-ins with one name within [`SIGN_IN_MINUTES`] the name has to wait.
pub const SIGN_IN_FAILURES_OF_LOGIN_MAX: u64 = 10;
/// After so many failed sign-ins from one address within [`SIGN_IN_MINUTES`] the address has to wait.
pub const SIGN_IN_FAILURES_OF_ADDRESS_MAX: u64 = 30;
/// See the two above.
pub const SIGN_IN_MINUTES: i64 = 15;

const LOGIN_WRONG: Phrase = Phrase::new(
    "tên đăng nhập gồm chữ thường không dấu, số, dấu chấm, gạch ngang, gạch dưới; tối đa 64 ký tự",
    "a sign-in name has lower-case letters a to z, digits, dots, hyphens and underscores, at most 64",
);
const LOGIN_TAKEN: Phrase = Phrase::new(
    "tên đăng nhập này đã có người dùng",
    "somebody has this sign-in name already",
);
const NAME_WRONG: Phrase = Phrase::new("hãy ghi họ tên, tối đa 200 byte", "a name is needed, at most 200 bytes");
const PASSWORD_SHORT: Phrase = Phrase::new(
    "mật khẩu cần ít nhất 15 ký tự",
    "a password needs at least 15 characters",
);
const PASSWORD_LONG: Phrase = Phrase::new("mật khẩu quá dài", "the password is too long");
const PASSWORD_GUESSABLE: Phrase = Phrase::new(
    "mật khẩu quá dễ đoán: chứa tên đăng nhập hoặc chỉ lặp lại vài ký tự",
    "the password is too easy to guess: it has the sign-in name in it or repeats a few characters",
);
const LINK_WRONG: Phrase = Phrase::new(
    "đường dẫn này không đúng, đã dùng hoặc đã hết hạn; hãy khởi động lại máy chủ để có đường dẫn mới",
    "the link is wrong, was used, or is over; restart the server for a new one",
);
const ACCOUNTS_EXIST: Phrase = Phrase::new("đã có tài khoản; hãy đăng nhập", "there are accounts already; sign in");
const LAST_ADMINISTRATOR: Phrase = Phrase::new(
    "đây là quản trị viên cuối cùng còn hoạt động",
    "this is the last administrator who can sign in",
);
const TOKEN_NAME: Phrase = Phrase::new("hãy đặt tên cho token", "the token needs a name");

/// A secret that opens a door: its text is shown once, its digest is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The text to hand out.
    pub text: String,
    /// SHA-256 of the text, lower-case hexadecimal.
    pub digest: String,
}

impl Secret {
    /// Makes a secret of 128 random bits. The prefix (`wps_`) lets scanners for leaked secrets know it.
    #[must_use]
    pub fn new(prefix: &str, entropy: Entropy) -> Self {
        let text = format!("{prefix}{}", hex(&entropy.0));
        let digest = digest(&text);
        Self { text, digest }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// The digest under which a secret is kept and found.
#[must_use]
pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).expect("half a byte is a hexadecimal digit"));
            }
            text
        })
}

/// An account as its maker fills it in. The password comes hashed: hashing is slow on purpose and not decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The sign-in name.
    pub login: String,
    /// The name that others read.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2id hash in PHC string format.
    pub password_hash: String,
    /// `vi` or `en`.
    pub language: String,
}

/// Makes the link for the first account.
///
/// # Errors
/// When there are accounts already.
pub fn setup_link(users: &[User], secret: &Secret, step: Step<'_>) -> Result<Decision, Rejected> {
    if !users.is_empty() {
        return Err(Rejected::NotNow(ACCOUNTS_EXIST));
    }
    let link = SetupLink {
        digest: secret.digest.clone(),
        created_at: step.at,
        expires_at: after(step.at, SignedDuration::from_mins(SETUP_LINK_MINUTES)),
        used_at: None,
    };
    Ok(step.decides("setup.link", None, vec![Change::PutSetupLink { link: Box::new(link) }]))
}

/// Makes the first account, an administrator's, with the link. The ledger lets the link be used once, whoever is faster.
///
/// # Errors
/// When the link is not the one that stands, there are accounts already, or the draft is not right.
pub fn create_first_account(
    link: Option<&SetupLink>,
    users: &[User],
    draft: Draft,
    at: Timestamp,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    let usable = link.filter(|link| link.used_at.is_none() && at < link.expires_at);
    let Some(link) = usable else {
        return Err(Rejected::NotNow(LINK_WRONG));
    };
    if !users.is_empty() {
        return Err(Rejected::NotNow(ACCOUNTS_EXIST));
    }
    let scope = Scope::of_post("setup");
    let draft = Draft {
        role: Role::Administrator,
        ..draft
    };
    let user = new_user(draft, users, at, entropy)?;
    let changes = vec![
        Change::UseSetupLink {
            digest: link.digest.clone(),
        },
        put(user),
    ];
    Ok(Step { scope: &scope, at }.decides("account.first", None, changes))
}

/// Makes an account.
///
/// # Errors
/// When the draft is not right or the role does not allow it.
pub fn create(draft: Draft, users: &[User], step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteUsers)?;
    let user = new_user(draft, users, step.at, entropy)?;
    Ok(step.decides("account.create", None, vec![put(user)]))
}

/// Changes what a person may do. `users` are all accounts.
///
/// # Errors
/// When it is so already, nobody could run the post any more, or the role does not allow it.
pub fn change_role(user: &User, role: Role, users: &[User], step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteUsers)?;
    if user.role == role {
        return Err(Rejected::AlreadySo);
    }
    protect_last_administrator(user, users)?;
    Ok(change(user, step, "account.role", |user| user.role = role))
}

/// Locks an account, or lets it sign in again. `users` are all accounts.
///
/// # Errors
/// When it is so already, nobody could run the post any more, or the role does not allow it.
pub fn enable(user: &User, enabled: bool, users: &[User], step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteUsers)?;
    if user.enabled == enabled {
        return Err(Rejected::AlreadySo);
    }
    if !enabled {
        protect_last_administrator(user, users)?;
    }
    let action = if enabled { "account.enable" } else { "account.disable" };
    Ok(change(user, step, action, |user| user.enabled = enabled))
}

/// Changes a password: one's own, or anybody's with the permission to make accounts. `sessions` are the account's other
/// sessions; they end, so that whoever knew the old password is out.
///
/// # Errors
/// When the role does not allow it.
pub fn change_password(user: &User, hash: String, sessions: &[Session], step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(own_or_any(user.id, step))?;
    let mut decision = change(user, step, "account.password", |user| user.password_hash = hash);
    decision
        .changes
        .extend(sessions.iter().filter_map(|session| ended(session, step.at)));
    Ok(decision)
}

/// Changes the name that others read and the language of the console: one's own, or anybody's.
///
/// # Errors
/// When the name is not right or the role does not allow it.
pub fn change_profile(user: &User, display_name: &str, language: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(own_or_any(user.id, step))?;
    check_name(display_name)?;
    Ok(change(user, step, "account.profile", |user| {
        display_name.trim().clone_into(&mut user.display_name);
        language_of(language).clone_into(&mut user.language);
    }))
}

/// Opens a session for a person whose password was right. `from` is their address and their browser's name for itself.
#[must_use]
pub fn open_session(user: &User, secret: &Secret, from: (&str, &str), at: Timestamp) -> Decision {
    let (address, agent) = from;
    let session = Session {
        digest: secret.digest.clone(),
        user: user.id,
        created_at: at,
        expires_at: after(at, SignedDuration::from_hours(SESSION_HOURS)),
        address: address.to_owned(),
        agent: agent[..agent.floor_char_boundary(Session::AGENT_BYTES_MAX)].to_owned(),
        ended_at: None,
    };
    let scope = Scope::of_session(user);
    let change = Change::PutSession {
        session: Box::new(session),
    };
    Step { scope: &scope, at }.decides("session.open", None, vec![change])
}

/// Ends a session: one's own, or anybody's with the permission to make accounts.
///
/// # Errors
/// When it is over already, or the role does not allow it.
pub fn end_session(session: &Session, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(own_or_any(session.user, step))?;
    let change = ended(session, step.at).ok_or(Rejected::AlreadySo)?;
    Ok(step.decides("session.end", None, vec![change]))
}

/// Whether a sign-in may be tried, given the failures of the last [`SIGN_IN_MINUTES`] minutes.
#[must_use]
pub fn may_try_to_sign_in(failures_of_login: u64, failures_of_address: u64) -> bool {
    failures_of_login < SIGN_IN_FAILURES_OF_LOGIN_MAX && failures_of_address < SIGN_IN_FAILURES_OF_ADDRESS_MAX
}

/// Makes a token with which a source may send.
///
/// # Errors
/// When it has no name or the role does not allow it.
pub fn create_token(source: SourceId, name: &str, secret: &Secret, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSources)?;
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Rejected::Invalid {
            field: "name",
            problem: TOKEN_NAME,
        });
    }
    let token = SourceToken {
        digest: secret.digest.clone(),
        source,
        name: name.to_owned(),
        created_at: step.at,
        revoked_at: None,
        revision: 1,
    };
    Ok(step.decides("token.create", None, vec![Change::PutToken { token: Box::new(token) }]))
}

/// Revokes a token: from now on nothing is taken with it.
///
/// # Errors
/// When it is revoked already or the role does not allow it.
pub fn revoke_token(token: &SourceToken, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSources)?;
    if token.revoked_at.is_some() {
        return Err(Rejected::AlreadySo);
    }
    let mut revoked = token.clone();
    revoked.revoked_at = Some(step.at);
    revoked.revision += 1;
    Ok(step.decides(
        "token.revoke",
        None,
        vec![Change::PutToken {
            token: Box::new(revoked),
        }],
    ))
}

/// Judges a password before it is hashed.
///
/// # Errors
/// When it is too short, too long or too easy to guess.
pub fn check_password(password: &str, login: &str) -> Result<(), Rejected> {
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    let guessable =
        different.len() < 5 || (login.len() >= 3 && password.to_lowercase().contains(&login.to_lowercase()));
    let problem = if password.len() > PASSWORD_BYTES_MAX {
        PASSWORD_LONG
    } else if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        PASSWORD_SHORT
    } else if guessable {
        PASSWORD_GUESSABLE
    } else {
        return Ok(());
    };
    Err(Rejected::Invalid {
        field: "password",
        problem,
    })
}

fn new_user(draft: Draft, users: &[User], at: Timestamp, entropy: Entropy) -> Result<User, Rejected> {
    let login = draft.login.trim().to_owned();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let problem = if login.is_empty() || login.len() > LOGIN_BYTES_MAX || !login.bytes().all(allowed) {
        Some(LOGIN_WRONG)
    } else if users.iter().any(|user| user.login == login) {
        Some(LOGIN_TAKEN)
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(Rejected::Invalid {
            field: "login",
            problem,
        });
    }
    check_name(&draft.display_name)?;
    Ok(User {
        id: Id::born(at, entropy),
        login,
        display_name: draft.display_name.trim().to_owned(),
        role: draft.role,
        password_hash: draft.password_hash,
        language: language_of(&draft.language).to_owned(),
        created_at: at,
        enabled: true,
        revision: 1,
    })
}

fn check_name(name: &str) -> Result<(), Rejected> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Rejected::Invalid {
            field: "display_name",
            problem: NAME_WRONG,
        });
    }
    Ok(())
}

fn language_of(wish: &str) -> &'static str {
    if wish == "en" { "en" } else { "vi" }
}

/// Refuses to take the post's last administrator away.
fn protect_last_administrator(user: &User, users: &[User]) -> Result<(), Rejected> {
    let runs_the_post = |user: &User| user.enabled && user.role == Role::Administrator;
    let another = users.iter().any(|other| other.id != user.id && runs_the_post(other));
    if runs_the_post(user) && !another {
        return Err(Rejected::NotNow(LAST_ADMINISTRATOR));
    }
    Ok(())
}

fn own_or_any(owner: Id<User>, step: Step<'_>) -> Permission {
    match step.scope.actor() {
        Actor::Person { user, .. } if *user == owner => Permission::OwnAccount,
        Actor::Person { .. } | Actor::Post { .. } => Permission::WriteUsers,
    }
}

fn change(user: &User, step: Step<'_>, action: &str, edit: impl FnOnce(&mut User)) -> Decision {
    let mut changed = user.clone();
    edit(&mut changed);
    changed.revision += 1;
    step.decides(action, None, vec![put(changed)])
}

fn put(user: User) -> Change {
    Change::PutUser { user: Box::new(user) }
}

fn ended(session: &Session, at: Timestamp) -> Option<Change> {
    if session.ended_at.is_some() {
        return None;
    }
    Some(Change::PutSession {
        session: Box::new(Session {
            ended_at: Some(at),
            ..session.clone()
        }),
    })
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
