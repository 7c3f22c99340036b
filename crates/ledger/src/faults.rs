//! Faults on request, for tests: a disk that is full, a write that is interrupted at any of its steps.

use rusqlite::Connection;

use crate::Ledger;

impl Ledger {
    /// How many pages the file has.
    ///
    /// # Panics
    /// When the store cannot be read.
    #[must_use]
    pub fn pages(&self) -> i64 {
        pragma(&self.writer().connection, "PRAGMA page_count")
    }

    /// Fills the disk: the file cannot grow beyond so many pages.
    ///
    /// # Panics
    /// When the store cannot be read.
    pub fn limit_pages(&self, pages: i64) {
        pragma(&self.writer().connection, &format!("PRAGMA max_page_count = {pages}"));
    }

    /// Interrupts whatever is written after so many steps of the store's machine, until told otherwise.
    ///
    /// # Panics
    /// When the store cannot be told.
    pub fn interrupt_after(&self, steps: Option<u32>) {
        let mut writer = self.writer();
        let told = match steps {
            Some(steps) => {
                let mut left = steps;
                let handler = move || {
                    left = left.saturating_sub(1);
                    left == 0
                };
                writer.connection.progress_handler(1, Some(handler))
            }
            None => writer.connection.progress_handler(0, None::<fn() -> bool>),
        };
        told.expect("the connection is open");
    }
}

fn pragma(connection: &Connection, sql: &str) -> i64 {
    connection
        .query_row(sql, [], |row| row.get(0))
        .expect("a pragma gives its value")
}
