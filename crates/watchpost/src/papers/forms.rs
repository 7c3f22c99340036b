//! The forms: those in the program, and those of `DATA/forms`, which win over them by name. A form of the folder with an
//! error is named, and the built-in one stays in force.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use documents::Layout;
use include_dir::{Dir, include_dir};
use operations::{Catalogue, reports::Form};

use crate::{content_files::ContentFiles, folder::files};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/forms");

/// The file that lays letters out.
const LAYOUT: &str = "decree30.typ";

/// All forms, and the layout of letters.
#[derive(Debug, Clone)]
pub(crate) struct Forms {
    by_id: BTreeMap<String, (Form, String)>,
    layouts: BTreeMap<String, Vec<u8>>,
    /// What the content says of law and letters: reports name controls by it.
    pub(crate) catalogue: Catalogue,
    /// What is wrong with the files of the folder, each with its file and line.
    pub(crate) problems: Vec<String>,
}

impl Forms {
    /// Reads the forms in the program, and those in the data folder.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn read(data: &Path) -> Result<Self> {
        let mut forms = Self {
            by_id: BTreeMap::new(),
            layouts: BTreeMap::new(),
            catalogue: ContentFiles::new(data.join("content")).read()?,
            problems: Vec::new(),
        };
        for file in BUILT_IN.files() {
            let (name, text) = (
                file.path().display().to_string(),
                file.contents_utf8().unwrap_or_default(),
            );
            forms.add(&name, text.to_owned());
        }
        for file in BUILT_IN.get_dir("layouts").into_iter().flat_map(Dir::files) {
            if let Some(name) = file.path().file_name().and_then(|name| name.to_str()) {
                forms.layouts.insert(name.to_owned(), file.contents().to_vec());
            }
        }
        let folder = data.join("forms");
        if folder.is_dir() {
            for path in files(&folder, &["toml"])? {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                forms.add(&path.display().to_string(), text);
            }
        }
        let layouts = folder.join("layouts");
        if layouts.is_dir() {
            for path in files(&layouts, &Layout::ENDINGS)? {
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                    forms.layouts.insert(name.to_owned(), bytes);
                }
            }
        }
        Ok(forms)
    }

    fn add(&mut self, file: &str, text: String) {
        match Form::read(file, &text) {
            Ok(form) => {
                self.by_id.insert(form.id.clone(), (form, text));
            }
            Err(error) => self.problems.push(error.to_string()),
        }
    }

    /// A form and the text it was read from.
    pub(crate) fn get(&self, id: &str) -> Option<(&Form, &str)> {
        self.by_id.get(id).map(|(form, text)| (form, text.as_str()))
    }

    /// All forms by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Form> {
        self.by_id.values().map(|(form, _)| form)
    }

    /// The layout of letters.
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            main: LAYOUT.to_owned(),
            files: self.layouts.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_form_is_right() {
        let forms = Forms::read(Path::new("/nonexistent")).unwrap();
        assert_eq!(forms.problems, Vec::<String>::new());
        assert!(forms.all().count() >= 8);
        assert!(forms.layout().files.contains_key(LAYOUT));
    }

    #[test]
    fn a_wrong_form_of_the_folder_is_named_and_the_built_in_one_stays() {
        let data = std::env::temp_dir().join(format!("watchpost-forms-{}", std::process::id()));
        fs::create_dir_all(data.join("forms")).unwrap();
        fs::write(data.join("forms/daily.toml"), "id = \"daily\"\nabout = 3\n").unwrap();
        let forms = Forms::read(&data).unwrap();
        fs::remove_dir_all(&data).unwrap();
        assert!(forms.problems[0].contains("daily.toml:2: "), "{:?}", forms.problems);
        assert!(forms.get("daily").is_some());
    }
}
