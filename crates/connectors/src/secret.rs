//! Secrets: named in the configuration by where they are, read once, and never shown.

use std::{fmt, fs, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Longest secret in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is kept. The configuration never holds the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretReference {
    /// A file whose content it is, without the line end.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret in {} cannot be read: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The variable is not set.
    #[error("the variable {0} is not set")]
    Variable(String),
    /// It is empty or far too long.
    #[error("the secret in {0} is empty, or longer than {SECRET_BYTES_MAX} bytes")]
    Size(String),
}

impl SecretReference {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not there, empty, or longer than 64 KiB.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (text, place) = match self {
            Self::File(path) => {
                let failed = |cause| SecretError::File {
                    path: path.clone(),
                    cause,
                };
                let place = path.display().to_string();
                if fs::metadata(path).map_err(failed)?.len() > SECRET_BYTES_MAX {
                    return Err(SecretError::Size(place));
                }
                (fs::read_to_string(path).map_err(failed)?, place)
            }
            Self::Variable(name) => (
                std::env::var(name).map_err(|_| SecretError::Variable(name.clone()))?,
                name.clone(),
            ),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Size(place));
        }
        Ok(Secret(text.to_owned()))
    }
}

/// A secret in memory. It shows itself to nobody but the code that asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be handed to the product that asks for it and to nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text in which this secret is blotted out: errors of libraries may name the address that they were given.
    #[must_use]
    pub fn blot(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "mật khẩu \n").unwrap();
        let secret = SecretReference::File(path).read().unwrap();
        assert_eq!(secret.expose(), "mật khẩu ");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.blot("https://chat/mật khẩu /x"), "https://chat/…/x");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = SecretReference::File("/nowhere/password".into()).read().unwrap_err();
        assert!(error.to_string().contains("/nowhere/password"), "{error}");
        let error = SecretReference::Variable("WATCHPOST_NO_SUCH_VARIABLE".into())
            .read()
            .unwrap_err();
        assert!(error.to_string().contains("WATCHPOST_NO_SUCH_VARIABLE"), "{error}");
    }
}
