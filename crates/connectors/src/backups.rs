//! Backups as the programs that made them see them.

pub mod restic;
