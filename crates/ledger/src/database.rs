//! The SQLite file: how connections are opened, and how the schema comes up to date.

use std::{path::Path, time::Duration};

use model::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use crate::{Ledger, OpenError, StoreError};

/// Every migration in order; its place is its version. Never changed once released, only added to.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_lanes.sql"),
    include_str!("../migrations/0003_reports.sql"),
    include_str!("../migrations/0004_nouns.sql"),
];

/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 64;
/// The write-ahead log is cut back to this size when it is empty again.
const WAL_BYTES_MAX: i64 = 64 * 1024 * 1024;

pub(crate) fn open_writer(path: &Path, now: Timestamp) -> Result<Connection, OpenError> {
    let unusable = |error: rusqlite::Error| OpenError::Unusable {
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    let mut connection = Connection::open(path).map_err(unusable)?;
    prepare(&connection)
        .and_then(|()| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // A decision that was answered is on the disk, also after a power loss.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX)
        })
        .map_err(unusable)?;
    migrate(&mut connection, path, now)?;
    Ok(connection)
}

pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(Ledger::BUSY_SECONDS_MAX))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path, now: Timestamp) -> Result<(), OpenError> {
    let unusable = |error: rusqlite::Error| OpenError::Unusable {
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(unusable)?;
    transaction
        .execute_batch("CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, applied_at TEXT NOT NULL)")
        .map_err(unusable)?;
    let found: i64 = transaction
        .query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))
        .map_err(unusable)?;
    let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
    if found > known {
        return Err(OpenError::NewerSchema {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    for version in found + 1..=known {
        let index = usize::try_from(version - 1).expect("versions begin at 1");
        transaction.execute_batch(MIGRATIONS[index]).map_err(unusable)?;
        transaction
            .execute(
                "INSERT INTO migration (version, applied_at) VALUES ($1, $2)",
                params![version, now.to_string()],
            )
            .map_err(unusable)?;
    }
    transaction.commit().map_err(unusable)
}

/// A count as the store keeps it.
pub(crate) fn big(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A stored count.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A moment as the store sorts by it.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}
