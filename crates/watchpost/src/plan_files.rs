//! Response plans: those in the program, and those of `DATA/plans`, which win over them by identifier. A plan of the folder with an error
//! is named, and the built-in one stays in force.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use cacao::Playbook;
use include_dir::{Dir, include_dir};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/plans");
/// Most plans of the folder.
const PLANS_MAX: usize = 1_000;

/// A plan, with the text that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The name of its file without the ending.
    pub(crate) name: String,
    pub(crate) playbook: Playbook,
}

/// All plans.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plans {
    by_id: BTreeMap<String, Plan>,
    /// What is wrong with files of the folder, each with its file and place.
    pub(crate) problems: Vec<String>,
}

impl Plans {
    /// Reads the plans in the program, and those in the data folder.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn read(data: &Path) -> Result<Self> {
        let mut plans = Self::default();
        for file in BUILT_IN.files() {
            plans.add(file.path(), file.contents());
        }
        let folder = data.join("plans");
        if folder.is_dir() {
            let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
            let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
            paths.sort();
            for path in paths.into_iter().take(PLANS_MAX) {
                match fs::metadata(&path) {
                    Ok(found) if found.len() > cacao::PLAYBOOK_BYTES_MAX as u64 => {
                        plans
                            .problems
                            .push(format!("{}: larger than a plan may be", path.display()));
                    }
                    Ok(_) => {
                        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                        plans.add(&path, &bytes);
                    }
                    Err(error) => plans.problems.push(format!("{}: {error}", path.display())),
                }
            }
        }
        Ok(plans)
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) {
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        match Playbook::read(bytes) {
            Ok(playbook) => {
                self.by_id.insert(playbook.id.to_string(), Plan { name, playbook });
            }
            Err(refused) => self.problems.push(format!("{}: {refused}", path.display())),
        }
    }

    /// All plans, by the names of their files.
    pub(crate) fn all(&self) -> Vec<&Plan> {
        let mut all: Vec<&Plan> = self.by_id.values().collect();
        all.sort_by_key(|plan| &plan.name);
        all
    }

    /// The plan of a name or identifier.
    pub(crate) fn get(&self, name: &str) -> Option<&Plan> {
        self.by_id
            .values()
            .find(|plan| plan.name == name || plan.playbook.id.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_plan_is_sound_and_a_wrong_one_of_the_folder_is_named() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("plans")).unwrap();
        let text = BUILT_IN.get_file("phishing.json").unwrap().contents_utf8().unwrap();
        fs::write(
            data.path().join("plans/phishing.json"),
            text.replacen("\"type\": \"parallel\"", "\"type\": \"paralel\"", 1),
        )
        .unwrap();
        let plans = Plans::read(data.path()).unwrap();
        assert_eq!(plans.all().len(), 7);
        assert_eq!(plans.problems.len(), 1);
        assert!(plans.problems[0].contains("paralel"), "{:?}", plans.problems);
        assert!(plans.get("phishing").is_some());
    }
}
