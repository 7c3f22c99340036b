//! Where rules come from: those the binary carries, and folders of YAML files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, anyhow};
use detect::{RuleText, Rules, SharedRules};
use include_dir::{Dir, include_dir};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/rules");

/// Which rules are to be in force.
#[derive(Debug, Clone)]
pub(crate) struct RuleFolders {
    /// Whether the rules that the binary carries are among them.
    pub built_in: bool,
    /// Folders of Sigma rules; a rule there replaces one of the same id before it.
    pub folders: Vec<PathBuf>,
    /// Processing pipelines in pySigma's format, through which all rules go.
    pub pipelines: Vec<PathBuf>,
}

impl RuleFolders {
    /// Reads and compiles all rules.
    ///
    /// # Errors
    /// When a folder or file that was named cannot be read, or a pipeline is wrong. A rule that does not load is no error: it is listed
    /// as refused.
    pub(crate) fn load(&self) -> Result<SharedRules> {
        let texts: Result<Vec<RuleText>> = self.pipelines.iter().map(|path| text_of(path)).collect();
        let pipelines = detect::read_pipelines(&texts?).map_err(|refused| {
            anyhow!(
                "the pipeline {}:{}:{} is refused: {}",
                refused.file,
                refused.line,
                refused.column,
                refused.reason
            )
        })?;
        Ok(Arc::new(Rules::load_through(&self.texts()?, &pipelines)))
    }

    /// The text of every rule file.
    ///
    /// # Errors
    /// When a folder or file that was named cannot be read.
    pub(crate) fn texts(&self) -> Result<Vec<RuleText>> {
        let mut texts = Vec::new();
        if self.built_in {
            built_in(&BUILT_IN, &mut texts);
        }
        for path in self.files()? {
            texts.push(text_of(&path)?);
        }
        Ok(texts)
    }

    /// The rule files of the folders, in order.
    ///
    /// # Errors
    /// When a folder that was named cannot be listed.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in &self.folders {
            let mut below = Vec::new();
            walk(folder, &mut below)?;
            below.sort();
            files.extend(below);
        }
        Ok(files)
    }

    /// A figure that changes when a rule file or pipeline is added, removed or written.
    ///
    /// # Errors
    /// When a folder that was named cannot be listed.
    pub(crate) fn fingerprint(&self) -> Result<u64> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for path in self.files()?.into_iter().chain(self.pipelines.iter().cloned()) {
            let about = fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            (path, about.len(), about.modified().ok()).hash(&mut hasher);
        }
        Ok(hasher.finish())
    }
}

fn text_of(path: &Path) -> Result<RuleText> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(RuleText {
        file: path.display().to_string(),
        text: String::from_utf8_lossy(&bytes).into(),
    })
}

fn built_in(folder: &'static Dir<'static>, texts: &mut Vec<RuleText>) {
    for file in folder.files().filter(|file| is_rule(file.path())) {
        if let Some(text) = file.contents_utf8() {
            texts.push(RuleText {
                file: format!("built-in/{}", file.path().display()),
                text: text.into(),
            });
        }
    }
    for below in folder.dirs() {
        built_in(below, texts);
    }
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let about = fs::metadata(path).with_context(|| format!("the rules at {} cannot be read", path.display()))?;
    if about.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("{} cannot be listed", path.display()))? {
        let below = entry
            .with_context(|| format!("{} cannot be listed", path.display()))?
            .path();
        if below.is_dir() {
            walk(&below, files)?;
        } else if is_rule(&below) {
            files.push(below);
        }
    }
    Ok(())
}

/// YAML files, but for the tests that lie beside rules.
fn is_rule(path: &Path) -> bool {
    let yaml = path
        .extension()
        .is_some_and(|extension| extension == "yml" || extension == "yaml");
    yaml && !is_rule_test(path)
}

/// Whether a file is the test of a rule (`<rule>.test.yml`).
pub(crate) fn is_rule_test(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(".test.yml"))
}

#[cfg(test)]
mod tests {
    use model::Language;

    use super::*;

    #[test]
    fn every_built_in_rule_is_titled_and_described_in_vietnamese() {
        let folders = RuleFolders {
            built_in: true,
            folders: Vec::new(),
            pipelines: Vec::new(),
        };
        let rules = folders.load().unwrap();
        assert!(rules.refused().is_empty(), "{:?}", rules.refused());
        for rule in rules.entries() {
            let (vi, en) = (
                rule.identity.title_in(Language::Vi),
                rule.identity.title_in(Language::En),
            );
            assert!(vi != en && !vi.is_empty(), "{}: {vi:?}", rule.file);
            assert!(!rule.description_vi.is_empty(), "{}", rule.file);
        }
    }
}
