//! The parsers of outside input, opened to the fuzz targets.

use crate::channels::smpp_receipts;

/// Reads a delivery receipt; whether it was one.
#[must_use]
pub fn smpp_receipt(text: &[u8]) -> bool {
    smpp_receipts::read_text(text).is_some()
}
