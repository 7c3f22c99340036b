//! Which files are followed: what the patterns find, without what rotation left behind, what is packed, and what is no file.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};

use crate::FilesConfig;

/// Names a file however it is called: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// A file to be followed.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
}

const PACKED: &[&str] = &["gz", "xz", "zst", "bz2", "lz4", "zip", "tgz", "Z"];

/// What rotation and editors append to the name of a log that is finished.
const FINISHED: &[&str] = &[".old", ".bak", ".save", ".swp", ".tmp", "~"];

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Finds the files, most recently written first, at most as many as configured.
pub(crate) fn find(config: &FilesConfig) -> Vec<Candidate> {
    let excluded: Vec<Pattern> = config
        .exclude
        .iter()
        .filter_map(|text| Pattern::new(text).ok())
        .collect();
    let mut found: Vec<(SystemTime, Candidate)> = Vec::new();
    for text in &config.include {
        let literal = Pattern::escape(text) == *text;
        let Ok(paths) = glob::glob_with(text, OPTIONS) else {
            continue;
        };
        for path in paths.flatten() {
            if excluded.iter().any(|pattern| pattern.matches_path_with(&path, OPTIONS)) {
                continue;
            }
            if !literal && is_finished(&path) {
                continue;
            }
            let Some((written, id)) = regular(&path) else { continue };
            found.push((written, Candidate { path, id }));
        }
    }
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    let mut ids = std::collections::HashSet::new();
    found.retain(|(_, candidate)| ids.insert(candidate.id));
    found.truncate(config.files_max);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Opening a pipe or a device could block or take its content away.
fn regular(path: &Path) -> Option<(SystemTime, FileId)> {
    let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
    Some((metadata.modified().ok()?, FileId::of(&metadata)))
}

/// Whether a name says that the file is packed or was rotated away: `x.gz`, `x.1`, `x-20240131`, `x.old`.
fn is_finished(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    if path
        .extension()
        .is_some_and(|e| PACKED.iter().any(|packed| e == *packed))
    {
        return true;
    }
    if FINISHED.iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = &name[..name.len() - digits];
    (before.ends_with('.') && (1..=3).contains(&digits)) || (before.ends_with('-') && matches!(digits, 8 | 10))
}

/// Finds where a file went that is no longer at its path: renamed beside it, as rotation does.
pub(crate) fn find_renamed(path: &Path, id: FileId) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    fs::read_dir(path.parent()?)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|other| {
            let other = other.file_name().and_then(|other| other.to_str());
            other.is_some_and(|other| other.starts_with(name))
        })
        .find(|other| regular(other).is_some_and(|(_, other)| other == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotation_left_behind() {
        let cases = [
            ("auth.log", false),
            ("auth.log.1", true),
            ("auth.log.2.gz", true),
            ("messages-20240131", true),
            ("access.log-2024013112", true),
            ("dpkg.log.old", true),
            ("postgresql-15-main.log", false),
            ("port-8080", false),
            ("app.2024", false),
            ("syslog", false),
            ("7", false),
        ];
        for (name, finished) in cases {
            assert_eq!(is_finished(&Path::new("/var/log").join(name)), finished, "{name}");
        }
    }

    #[test]
    fn patterns_find_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("nginx/old")).unwrap();
        for name in [
            "a.log",
            "a.log.1",
            "b.gz",
            "nginx/access.log",
            "nginx/old/x.log",
            "skip.log",
        ] {
            fs::write(at(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("a.log"), at("same.log")).unwrap();
        let config = FilesConfig {
            include: vec![
                format!("{}/**/*", folder.path().display()),
                at("a.log.1").display().to_string(),
            ],
            exclude: vec![
                at("nginx/old/**").display().to_string(),
                at("skip.*").display().to_string(),
            ],
            ..FilesConfig::default()
        };
        let mut names: Vec<PathBuf> = find(&config)
            .into_iter()
            .map(|candidate| fs::canonicalize(candidate.path).unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [at("a.log"), at("a.log.1"), at("nginx/access.log")]);
    }
}
