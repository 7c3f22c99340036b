//! Directives: letters of authorities, from the catalogue or as they come in, and what they ask for. The wizard proposes
//! requirements from a letter's text; a person decides.

mod catalogue;
mod register;
mod wizard;

pub use catalogue::{AuthoritiesFile, Authority, CatalogueEntry};
pub use register::{Draft, confirm_contact, letter_file, register, revise};
pub use wizard::{Head, Proposal, Proposed, letter_number, propose, written_date};

/// Longest text that the wizard reads, in bytes.
pub const TEXT_BYTES_MAX: usize = 200_000;
/// Longest number of a letter in bytes.
pub const NUMBER_BYTES_MAX: usize = 100;
/// Longest words in a field in bytes.
pub const WORDS_BYTES_MAX: usize = 4000;
/// Largest file of a letter in bytes.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
