//! The catalogue: letters that are known, with their requirements, and the authorities behind them.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::civil::Date;
use model::{ContentError, DirectiveContact, Requirement, Wording};
use serde::Deserialize;

/// A letter of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// Its id, which is the name of its file.
    pub id: CompactString,
    /// Its number as written.
    pub number: String,
    /// Who issued it, as written.
    pub issuer: String,
    /// The day on it; for letters of which only the month is known, the first of it.
    pub issued_on: Date,
    /// What it is about.
    pub subject: Wording,
    /// Where it was read.
    pub source: String,
    /// Whether its text was read whole, or only what the press says of it.
    pub complete: bool,
    /// The day on which somebody compared it with its source.
    pub verified_on: Date,
    /// What a reader should know.
    #[serde(default)]
    pub note: Option<Wording>,
    /// The letter that it varies: of that one's requirements it repeats those in `keeps`.
    #[serde(default)]
    pub varies: Option<CompactString>,
    /// The keys of the requirements that it repeats.
    #[serde(default)]
    pub keeps: Vec<CompactString>,
    /// Whom one may ask, as the letter says.
    #[serde(default, rename = "contact")]
    pub contacts: Vec<DirectiveContact>,
    /// What it asks for, in its order; after [`CatalogueEntry::resolve`] with what it repeats in front.
    #[serde(default, rename = "requirement")]
    pub requirements: Vec<Requirement>,
}

/// An authority, by the time in which it is competent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its id.
    pub id: CompactString,
    /// Its name.
    pub name: Wording,
    /// For what it is competent.
    pub role: Wording,
    /// The first day.
    #[serde(default)]
    pub from: Option<Date>,
    /// The last day.
    #[serde(default)]
    pub until: Option<Date>,
    /// Who took over.
    #[serde(default)]
    pub succeeded_by: Option<CompactString>,
    /// From where it is known.
    pub source: String,
    /// Telephone numbers.
    #[serde(default)]
    pub telephones: Vec<String>,
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<String>,
    /// The day on which somebody last reached it so; none when nobody did since it was published.
    #[serde(default)]
    pub confirmed_on: Option<Date>,
}

/// A file of authorities.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthoritiesFile {
    /// The authorities.
    pub authority: Vec<Authority>,
}

impl AuthoritiesFile {
    /// Reads a file of authorities.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, or an id twice.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let read: Self = crate::read_content(file, text)?;
        let mut seen = BTreeSet::new();
        match read.authority.iter().find(|authority| !seen.insert(&authority.id)) {
            Some(twice) => {
                let problem = format!("`{}` is there twice", twice.id);
                Err(crate::content_error(file, text, &twice.id, problem))
            }
            None => Ok(read),
        }
    }
}

impl CatalogueEntry {
    /// Most requirements of a letter.
    pub const REQUIREMENTS_MAX: usize = 300;

    /// Reads a letter; the file's name without `.toml` must be its id.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, keys of requirements twice, or a requirement that nothing shows.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let entry: Self = crate::read_content(file, text)?;
        let error = |near: &str, problem: String| Err(crate::content_error(file, text, near, problem));
        let stem = file.rsplit('/').next().unwrap_or(file);
        if stem.strip_suffix(".toml") != Some(&*entry.id) {
            return error("id", format!("the id `{}` is not the file's name", entry.id));
        }
        if entry.requirements.len() > Self::REQUIREMENTS_MAX {
            return error("id", format!("more than {} requirements", Self::REQUIREMENTS_MAX));
        }
        let mut keys: BTreeSet<&str> = entry.keeps.iter().map(CompactString::as_str).collect();
        for requirement in &entry.requirements {
            let near = format!("\"{}\"", requirement.key);
            if !keys.insert(&requirement.key) {
                return error(&near, format!("the requirement `{}` is there twice", requirement.key));
            }
            if requirement.controls.is_empty() && requirement.question.is_none() {
                return error(
                    &near,
                    format!("nothing shows `{}`: name a control or a question", requirement.key),
                );
            }
        }
        Ok(entry)
    }

    /// Puts the requirements that it repeats in front of its own.
    ///
    /// # Errors
    /// A sentence for people, when the letter that it varies, or a requirement of that, is not there.
    pub fn resolve(mut self, known: &BTreeMap<CompactString, CatalogueEntry>) -> Result<Self, String> {
        let Some(base) = &self.varies else {
            return Ok(self);
        };
        let Some(base) = known.get(base).filter(|base| base.varies.is_none()) else {
            return Err(format!(
                "`{}` varies `{base}`, which is not there or varies another itself",
                self.id
            ));
        };
        let mut requirements = Vec::new();
        for key in &self.keeps {
            match base.requirements.iter().find(|requirement| requirement.key == *key) {
                Some(requirement) => requirements.push(requirement.clone()),
                None => {
                    return Err(format!(
                        "`{}` repeats `{key}`, which `{}` does not have",
                        self.id, base.id
                    ));
                }
            }
        }
        requirements.append(&mut self.requirements);
        self.requirements = requirements;
        if self.contacts.is_empty() {
            self.contacts.clone_from(&base.contacts);
        }
        Ok(self)
    }
}
