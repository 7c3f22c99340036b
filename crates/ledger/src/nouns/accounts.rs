//! People and how they get in: accounts, sessions, the link for the first account, failed sign-ins.

use model::{Id, Permission, Role, Scope, Session, SetupLink, Timestamp, User};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Versioned, bodies, body};
use crate::{
    ApplyError, Ledger, ReadError,
    apply::Booking,
    database::{big, count, micros},
    entry::{ChangeNote, sha256_hex},
    error::{conflict, conflict_about},
};

/// A person as colleagues see them: without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub id: Id<User>,
    /// Their sign-in name.
    pub login: String,
    /// The name that others read.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Whether signing in is possible.
    pub enabled: bool,
}

/// Failed sign-ins since a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignInFailures {
    /// With this sign-in name, from anywhere.
    pub of_login: u64,
    /// From this address, with any name.
    pub of_address: u64,
}

/// Failed sign-ins older than this are forgotten.
const FAILURE_SECONDS_MAX: i64 = 24 * 3600;
/// Failed sign-ins beyond this many are not kept: by then both limits hold anyway.
const FAILURES_MAX: i64 = 100_000;
/// Sessions that ended this long ago are forgotten; the entries of signing in and out stay.
const SESSION_KEPT_SECONDS: i64 = 30 * 24 * 3600;

/// Writes an account. The password's hash never gets into the entry, only a digest of it.
pub(crate) fn put(booking: &Booking<'_>, user: &User) -> Result<ChangeNote, ApplyError> {
    let key = user.id.to_string();
    let text = serde_json::to_string(user)?;
    let row = Versioned {
        table: "account",
        key_column: "id",
        key: &key,
        revision: user.revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    booking
        .connection
        .prepare_cached(
            "INSERT INTO account (id, revision, entry, login, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, entry = excluded.entry,
             login = excluded.login, body = excluded.body",
        )?
        .execute(params![key, big(user.revision), big(booking.number), user.login, text])
        .map_err(conflict_about(&format!("account:{}", user.login)))?;
    let before = before.map(|text| serde_json::from_str(&text)).transpose()?;
    row.note(
        "put_user",
        before.as_ref().map(without_secret).transpose()?,
        Some(without_secret(user)?),
    )
}

fn without_secret(user: &User) -> Result<String, ApplyError> {
    let shown = User {
        password_hash: format!("sha256:{}", sha256_hex(user.password_hash.as_bytes())),
        ..user.clone()
    };
    Ok(serde_json::to_string(&shown)?)
}

/// Writes a session, and forgets those that ended long ago.
pub(crate) fn put_session(booking: &Booking<'_>, session: &Session) -> Result<ChangeNote, ApplyError> {
    let text = serde_json::to_string(session)?;
    booking
        .connection
        .prepare_cached(
            "INSERT INTO session (digest, account, expires_us, ended, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (digest) DO UPDATE SET expires_us = excluded.expires_us, ended = excluded.ended, body = excluded.body",
        )?
        .execute(params![
            session.digest,
            session.user.to_string(),
            micros(session.expires_at),
            i64::from(session.ended_at.is_some()),
            text
        ])?;
    let forgotten = micros(booking.decision.at) - SESSION_KEPT_SECONDS * 1_000_000;
    booking
        .connection
        .prepare_cached("DELETE FROM session WHERE expires_us < $1")?
        .execute(params![forgotten])?;
    note_of("put_session", format!("account:{}", session.user), text)
}

/// Writes the link for the first account; older links stop working.
pub(crate) fn put_setup_link(booking: &Booking<'_>, link: &SetupLink) -> Result<ChangeNote, ApplyError> {
    let text = serde_json::to_string(link)?;
    booking
        .connection
        .prepare_cached("DELETE FROM setup_link")?
        .execute([])?;
    booking
        .connection
        .prepare_cached("INSERT INTO setup_link (digest, expires_us, used_us, body) VALUES ($1, $2, NULL, $3)")?
        .execute(params![link.digest, micros(link.expires_at), text])?;
    note_of("put_setup_link", "setup_link".to_owned(), text)
}

/// Uses the link for the first account: once, and in time.
pub(crate) fn use_setup_link(booking: &Booking<'_>, digest: &str) -> Result<ChangeNote, ApplyError> {
    let now = micros(booking.decision.at);
    let used = booking
        .connection
        .prepare_cached("UPDATE setup_link SET used_us = $1 WHERE digest = $2 AND used_us IS NULL AND expires_us > $1")?
        .execute(params![now, digest])?;
    if used != 1 {
        return Err(conflict("setup_link"));
    }
    note_of(
        "use_setup_link",
        "setup_link".to_owned(),
        serde_json::to_string(digest)?,
    )
}

fn note_of(change: &'static str, subject: String, after: String) -> Result<ChangeNote, ApplyError> {
    Ok(ChangeNote {
        change,
        subject: Some(subject),
        after: Some(serde_json::value::RawValue::from_string(after)?),
        ..ChangeNote::default()
    })
}

impl Ledger {
    /// All accounts by sign-in name, with their secrets.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn users(&self, scope: &Scope) -> Result<Vec<User>, ReadError> {
        self.read(scope, Permission::WriteUsers, |connection| {
            bodies(connection, "SELECT body FROM account ORDER BY login", [])
        })
    }

    /// All people by sign-in name, as colleagues see them.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn people(&self, scope: &Scope) -> Result<Vec<Person>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let users: Vec<User> = bodies(connection, "SELECT body FROM account ORDER BY login", [])?;
            Ok(users
                .into_iter()
                .map(|user| Person {
                    id: user.id,
                    login: user.login,
                    display_name: user.display_name,
                    role: user.role,
                    enabled: user.enabled,
                })
                .collect())
        })
    }

    /// One account, with its secrets: for those who make accounts, and for everybody their own.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn user(&self, scope: &Scope, id: Id<User>) -> Result<Option<User>, ReadError> {
        let own = match scope.actor() {
            model::Actor::Person { user, .. } => *user == id,
            model::Actor::Post { .. } => false,
        };
        let permission = if own {
            Permission::OwnAccount
        } else {
            Permission::WriteUsers
        };
        self.read(scope, permission, |connection| {
            body(
                connection,
                "SELECT body FROM account WHERE id = $1",
                params![id.to_string()],
            )
        })
    }

    /// The account with a sign-in name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn user_by_login(&self, scope: &Scope, login: &str) -> Result<Option<User>, ReadError> {
        self.read(scope, Permission::WriteUsers, |connection| {
            body(connection, "SELECT body FROM account WHERE login = $1", params![login])
        })
    }

    /// The session of a token's digest with its account, when both still stand at a moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn session(&self, scope: &Scope, digest: &str, at: Timestamp) -> Result<Option<(Session, User)>, ReadError> {
        self.read(scope, Permission::WriteUsers, |connection| {
            let session: Option<Session> = body(
                connection,
                "SELECT body FROM session WHERE digest = $1 AND ended = 0 AND expires_us > $2",
                params![digest, micros(at)],
            )?;
            let Some(session) = session else { return Ok(None) };
            let user: Option<User> = body(
                connection,
                "SELECT body FROM account WHERE id = $1",
                params![session.user.to_string()],
            )?;
            Ok(user.filter(|user| user.enabled).map(|user| (session, user)))
        })
    }

    /// The sessions of one person that stand at a moment, newest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn sessions_of(&self, scope: &Scope, user: Id<User>, at: Timestamp) -> Result<Vec<Session>, ReadError> {
        let own = match scope.actor() {
            model::Actor::Person { user: own, .. } => *own == user,
            model::Actor::Post { .. } => false,
        };
        let permission = if own {
            Permission::OwnAccount
        } else {
            Permission::WriteUsers
        };
        self.read(scope, permission, |connection| {
            let mut sessions: Vec<Session> = bodies(
                connection,
                "SELECT body FROM session WHERE account = $1 AND ended = 0 AND expires_us > $2",
                params![user.to_string(), micros(at)],
            )?;
            sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
            Ok(sessions)
        })
    }

    /// The link for the first account with this digest, when it can still be used at a moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn setup_link(&self, scope: &Scope, digest: &str, at: Timestamp) -> Result<Option<SetupLink>, ReadError> {
        self.read(scope, Permission::WriteUsers, |connection| {
            body(
                connection,
                "SELECT body FROM setup_link WHERE digest = $1 AND used_us IS NULL AND expires_us > $2",
                params![digest, micros(at)],
            )
        })
    }

    /// Notes a failed sign-in. Not a decision: it makes no entry, and is forgotten after a day.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_sign_in_failure(&self, login: &str, address: &str, at: Timestamp) -> Result<(), ApplyError> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM sign_in_failure WHERE at_us < $1")?
                .execute(params![micros(at) - FAILURE_SECONDS_MAX * 1_000_000])?;
            connection
                .prepare_cached(
                    "INSERT INTO sign_in_failure (login, address, at_us)
                 SELECT $1, $2, $3 WHERE (SELECT count(*) FROM sign_in_failure) < $4",
                )?
                .execute(params![login, address, micros(at), FAILURES_MAX])?;
            Ok(())
        })
    }

    /// Forgets the failed sign-ins of a name after a successful one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_sign_in_failures(&self, login: &str) -> Result<(), ApplyError> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM sign_in_failure WHERE login = $1")?
                .execute(params![login])?;
            Ok(())
        })
    }

    /// Counts failed sign-ins since a moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn sign_in_failures(
        &self,
        scope: &Scope,
        login: &str,
        address: &str,
        since: Timestamp,
    ) -> Result<SignInFailures, ReadError> {
        self.read(scope, Permission::WriteUsers, |connection| {
            let since = micros(since);
            let of_login = connection
                .prepare_cached("SELECT count(*) FROM sign_in_failure WHERE login = $1 AND at_us >= $2")?
                .query_row(params![login, since], |row| row.get(0))?;
            let of_address = connection
                .prepare_cached("SELECT count(*) FROM sign_in_failure WHERE address = $1 AND at_us >= $2")?
                .query_row(params![address, since], |row| row.get(0))?;
            Ok(SignInFailures {
                of_login: count(of_login),
                of_address: count(of_address),
            })
        })
    }
}
