//! Files of the content: read as TOML, with the line of what is wrong.

use model::ContentError;

/// Longest file of the content in bytes.
pub const CONTENT_BYTES_MAX: usize = 512 * 1024;

/// Reads a file of the content; an error names its line.
pub(crate) fn read_content<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ContentError> {
    let error = |line, problem: String| ContentError {
        file: file.to_owned(),
        line,
        problem,
    };
    if text.len() > CONTENT_BYTES_MAX {
        return Err(error(1, format!("longer than {CONTENT_BYTES_MAX} bytes")));
    }
    toml::from_str(text).map_err(|cause| {
        let at = cause.span().map_or(0, |span| span.start.min(text.len()));
        let line = text[..text.floor_char_boundary(at)].matches('\n').count() + 1;
        error(line, cause.message().to_owned())
    })
}

/// An error about the first line of a file that has these words.
pub(crate) fn content_error(file: &str, text: &str, near: &str, problem: String) -> ContentError {
    let line = text.lines().position(|line| !near.is_empty() && line.contains(near));
    ContentError {
        file: file.to_owned(),
        line: line.map_or(1, |at| at + 1),
        problem,
    }
}
