//! What the header lines of a file say of its columns. What such a header means is known elsewhere; the follower only shows it the
//! lines in their order.

use std::fmt;

use model::FormatHint;

/// The header lines of one file so far. Header lines begin with `#`; no other line is shown.
pub trait ColumnHeader: fmt::Debug + Send {
    /// Looks at the next header line.
    fn observe(&mut self, line: &[u8]);

    /// What is to be said of the format of the lines that follow.
    fn hint(&self) -> FormatHint;

    /// The same header once more.
    fn duplicate(&self) -> Box<dyn ColumnHeader>;
}

/// For a post that knows of no header lines.
#[derive(Debug, Clone, Copy)]
pub struct NoHeader;

impl NoHeader {
    /// As [`NewHeader`] wants it.
    #[must_use]
    pub fn boxed() -> Box<dyn ColumnHeader> {
        Box::new(Self)
    }
}

impl ColumnHeader for NoHeader {
    fn observe(&mut self, _line: &[u8]) {}

    fn hint(&self) -> FormatHint {
        FormatHint::Unknown
    }

    fn duplicate(&self) -> Box<dyn ColumnHeader> {
        Self::boxed()
    }
}

/// Makes the header of a file of which no line was seen yet; the composition root knows how.
pub type NewHeader = fn() -> Box<dyn ColumnHeader>;
