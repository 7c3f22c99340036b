//! The content about law, letters and calendar: the files in the program, and those of `DATA/content`, which win over them
//! by name. A file with an error is named, and the last good one of its name stays in force.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use operations::Catalogue;

use crate::folder::files;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content");

/// Where content comes from, and what of it was good last.
#[derive(Debug)]
pub(crate) struct ContentFiles {
    folder: PathBuf,
    good: BTreeMap<String, String>,
}

impl ContentFiles {
    /// The content of the program and of a folder; the folder need not be there.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            good: built_in(),
        }
    }

    /// Reads all files anew.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn read(&mut self) -> Result<Catalogue> {
        let mut problems = Vec::new();
        let own = own(&self.folder)?;
        let mut wanted = built_in();
        for (path, text) in own {
            match Catalogue::check(&path, &text) {
                Ok(()) => {
                    wanted.insert(path, text);
                }
                Err(error) => {
                    let last = self.good.get(&path).cloned();
                    let stays = if last.is_some() {
                        "the last good one stays in force"
                    } else {
                        "it is left out"
                    };
                    problems.push(format!("{}/{error}; {stays}", self.folder.display()));
                    wanted.extend(last.map(|last| (path, last)));
                }
            }
        }
        let mut catalogue = Catalogue::read(&wanted);
        problems.append(&mut catalogue.problems);
        catalogue.problems = problems;
        self.good = wanted;
        Ok(catalogue)
    }

    /// A figure that changes when a file of the folder is added, removed or written.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn fingerprint(&self) -> Result<u64> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for path in paths(&self.folder)? {
            let about = fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            (path, about.len(), about.modified().ok()).hash(&mut hasher);
        }
        Ok(hasher.finish())
    }
}

fn built_in() -> BTreeMap<String, String> {
    Catalogue::FOLDERS
        .iter()
        .filter_map(|folder| BUILT_IN.get_dir(folder))
        .flat_map(Dir::files)
        .filter_map(|file| Some((file.path().display().to_string(), file.contents_utf8()?.to_owned())))
        .collect()
}

fn own(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for path in paths(folder)? {
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let below = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        files.push((below, String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(files)
}

/// The TOML files of the content's folders below a folder, in order.
fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for below in Catalogue::FOLDERS.map(|name| folder.join(name)) {
        if below.is_dir() {
            found.extend(files(&below, &["toml"])?);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_right() {
        let catalogue = ContentFiles::new(PathBuf::from("/nonexistent")).read().unwrap();
        assert_eq!(catalogue.problems, Vec::<String>::new());
        assert!(catalogue.directives.len() >= 8 && catalogue.deadlines.len() >= 20);
        assert_eq!(catalogue.directives[0].number, "3993/BKHCN-CVT");
    }

    #[test]
    fn the_last_good_file_stays_in_force_until_a_better_one_comes() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("deadlines");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("own.toml");
        let rule = |hours: &str| {
            format!(
                "[[deadline]]\nid = \"own\"\nwho = {{ vi = \"a\", en = \"b\" }}\nwhat = {{ vi = \"a\", en = \"b\" }}\nstarts = {{ vi = \"a\", en = \"b\" }}\nwithin = {{ hours = {hours} }}\nsource = \"s\"\nconfirmed = true\nverified_on = \"2026-11-23\"\n"
            )
        };
        let own = |catalogue: &Catalogue| {
            let rule = catalogue.deadlines.iter().find(|rule| rule.id == "own");
            rule.and_then(|rule| rule.within.hours)
        };
        let mut files = ContentFiles::new(data.path().to_owned());
        fs::write(&file, rule("\"many\"")).unwrap();
        let catalogue = files.read().unwrap();
        assert_eq!(own(&catalogue), None);
        assert!(
            catalogue.problems[0].contains("deadlines/own.toml:6: ")
                && catalogue.problems[0].ends_with("it is left out")
        );
        fs::write(&file, rule("12")).unwrap();
        let before = files.fingerprint().unwrap();
        assert_eq!(own(&files.read().unwrap()), Some(12));
        fs::write(&file, rule("0")).unwrap();
        let catalogue = files.read().unwrap();
        assert_eq!(own(&catalogue), Some(12), "the last good one stays");
        assert!(
            catalogue.problems[0].contains("deadlines/own.toml:2: "),
            "{:?}",
            catalogue.problems
        );
        fs::write(&file, rule("144")).unwrap();
        assert_eq!(own(&files.read().unwrap()), Some(144));
        assert_ne!(files.fingerprint().unwrap(), before);
    }
}
