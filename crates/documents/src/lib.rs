//! Letters become files: PDF by a real typesetter, DOCX, and data as JSON, CSV and OSCAL; each with a proof of what it
//! says, which anybody can check later. Pure: a letter and bytes in, bytes out.

mod csv;
mod docx;
mod fonts;
mod merkle;
mod oscal;
mod proof;
mod seal;
mod typeset;
mod verify;

pub use csv::csv;
pub use docx::docx;
pub use merkle::{Inclusion, Tree};
pub use oscal::oscal;
pub use proof::{Cited, LedgerProof, PROOF_FILE, Proof, canonical, sha256_hex};
pub use seal::{seal_pdf, seal_zip};
pub use typeset::{Layout, LayoutProblem, Typeset, TypesetError, pdf};
pub use verify::{Flaw, Verified, verify};
