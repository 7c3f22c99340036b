//! The files of letters that came in: kept in `DATA/letters`, each under its SHA-256, so that none is ever changed.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use console::LetterFiles;

/// The folder of letters.
#[derive(Debug)]
pub(crate) struct LetterFolder(PathBuf);

impl LetterFolder {
    /// The folder below the data folder; it is made with the first letter.
    pub(crate) fn new(data: &Path) -> Self {
        Self(data.join("letters"))
    }

    fn place(&self, sha256: &str) -> Option<PathBuf> {
        let named_right = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        named_right.then(|| self.0.join(sha256))
    }
}

impl LetterFiles for LetterFolder {
    fn put(&self, sha256: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(sha256).ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(&self.0)?;
        if place.exists() {
            return Ok(());
        }
        // Written aside and moved, so that a file under its hash is always whole.
        let aside = place.with_extension("part");
        let mut file = fs::File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(aside, place)
    }

    fn get(&self, sha256: &str) -> Option<Vec<u8>> {
        fs::read(self.place(sha256)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_found_under_its_hash_and_nothing_else_is() {
        let data = tempfile::tempdir().unwrap();
        let folder = LetterFolder::new(data.path());
        let name = "ab".repeat(32);
        assert_eq!(folder.get(&name), None);
        folder.put(&name, b"%PDF").unwrap();
        folder.put(&name, b"%PDF").unwrap();
        assert_eq!(folder.get(&name), Some(b"%PDF".to_vec()));
        for name in ["../ledger.sqlite", "", "ab"] {
            assert_eq!(folder.get(name), None);
            assert!(folder.put(name, b"x").is_err());
        }
    }
}
