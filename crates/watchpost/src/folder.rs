//! Folders that an administrator fills.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// Most files of one folder; with more it is an error, so that none is passed over unseen.
const FILES_MAX: usize = 2000;

/// The files of a folder with one of some endings, in order of their names.
///
/// # Errors
/// When the folder cannot be read, or has more than 2,000 such files.
pub(crate) fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if endings
            .iter()
            .any(|ending| path.extension().is_some_and(|known| known == *ending))
        {
            ensure!(
                found.len() < FILES_MAX,
                "{} has more than {FILES_MAX} files",
                folder.display()
            );
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
