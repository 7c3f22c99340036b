//! Registering a letter, and revising what was registered.

use std::fmt::Write as _;

use compact_str::CompactString;
use jiff::civil::Date;
use model::{
    Change, Decision, Directive, DirectiveContact, Entropy, Id, LetterFile, Permission, Phrase, Rejected, Requirement,
    Wording,
};

use sha2::{Digest, Sha256};

use super::{CatalogueEntry, FILE_BYTES_MAX, NUMBER_BYTES_MAX, WORDS_BYTES_MAX};
use crate::Step;

/// Longest name of a file in bytes; what is longer is cut at a letter.
const FILE_NAME_BYTES_MAX: usize = 200;

const NUMBER_MISSING: Phrase = Phrase::new("hãy ghi số văn bản", "give the letter's number");
const NUMBER_LONG: Phrase = Phrase::new("số văn bản quá dài", "the number is too long");
const ISSUER_MISSING: Phrase = Phrase::new("hãy ghi cơ quan ban hành", "say who issued it");
const SUBJECT_MISSING: Phrase = Phrase::new("hãy ghi trích yếu", "say what it is about");
const LONG: Phrase = Phrase::new("quá dài", "too long");
const RECEIVED_BEFORE: Phrase = Phrase::new(
    "ngày đến không thể trước ngày ban hành",
    "it cannot come in before it was issued",
);
const NOTHING_ASKED: Phrase = Phrase::new(
    "văn bản phải có ít nhất một yêu cầu",
    "a directive asks for at least one thing",
);
const TOO_MANY: Phrase = Phrase::new("quá nhiều yêu cầu", "too many requirements");
const KEY_TWICE: Phrase = Phrase::new("hai yêu cầu trùng số", "two requirements have the same key");
const WORDS_MISSING: Phrase = Phrase::new("có yêu cầu chưa ghi nội dung", "a requirement has no words");
const FILE_LARGE: Phrase = Phrase::new("tệp lớn hơn 20 MB", "the file is larger than 20 MB");
const FILE_EMPTY: Phrase = Phrase::new("tệp rỗng", "the file is empty");
const NO_CONTACT: Phrase = Phrase::new("không có đầu mối này", "there is no such contact");
const NOTHING_SHOWS: Phrase = Phrase::new(
    "mỗi yêu cầu cần một phép đo hoặc một câu hỏi",
    "each requirement needs a measurement or a question",
);

/// A letter as its clerk fills it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its number as written.
    pub number: String,
    /// Who issued it.
    pub issuer: String,
    /// The day on it.
    pub issued_on: Date,
    /// The day on which it came in.
    pub received_on: Date,
    /// What it is about.
    pub subject: Wording,
    /// The entry of the catalogue that it was taken from.
    pub catalogue: Option<CompactString>,
    /// The letter's file.
    pub file: Option<LetterFile>,
    /// Whom one may ask.
    pub contacts: Vec<DirectiveContact>,
    /// What it asks for.
    pub requirements: Vec<Requirement>,
}

impl Draft {
    /// A draft from the catalogue, that came in on a day.
    #[must_use]
    pub fn of_catalogue(entry: &CatalogueEntry, received_on: Date) -> Self {
        Self {
            number: entry.number.clone(),
            issuer: entry.issuer.clone(),
            issued_on: entry.issued_on,
            received_on: received_on.max(entry.issued_on),
            subject: entry.subject.clone(),
            catalogue: Some(entry.id.clone()),
            file: None,
            contacts: entry.contacts.clone(),
            requirements: entry.requirements.clone(),
        }
    }
}

/// Registers a letter.
///
/// # Errors
/// When something required is missing or out of bounds, or the role does not allow it.
pub fn register(draft: Draft, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    check(&draft)?;
    let directive = Directive {
        id: Id::born(step.at, entropy),
        number: draft.number.trim().to_owned(),
        issuer: draft.issuer.trim().to_owned(),
        issued_on: draft.issued_on,
        received_on: draft.received_on,
        subject: draft.subject,
        catalogue: draft.catalogue,
        file: draft.file,
        contacts: draft.contacts,
        requirements: draft.requirements,
        registered_by: by,
        registered_at: step.at,
        revision: 1,
    };
    let number = directive.number.clone();
    Ok(step.decides("directive.register", Some(&number), vec![Change::put(&directive)]))
}

/// Changes what was registered; watches that were opened on it keep what they were opened with.
///
/// # Errors
/// As [`register`].
pub fn revise(directive: &Directive, draft: Draft, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    step.person()?;
    check(&draft)?;
    let revised = Directive {
        number: draft.number.trim().to_owned(),
        issuer: draft.issuer.trim().to_owned(),
        issued_on: draft.issued_on,
        received_on: draft.received_on,
        subject: draft.subject,
        file: draft.file.or_else(|| directive.file.clone()),
        contacts: draft.contacts,
        requirements: draft.requirements,
        revision: directive.revision + 1,
        ..directive.clone()
    };
    Ok(step.decides("directive.revise", None, vec![Change::put(&revised)]))
}

/// What is kept of a letter's file: the last part of its name, its length and its hash.
///
/// # Errors
/// When it is empty or larger than [`FILE_BYTES_MAX`].
pub fn letter_file(name: &str, bytes: &[u8]) -> Result<LetterFile, Rejected> {
    let problem = match bytes.len() {
        0 => Some(FILE_EMPTY),
        length if length > FILE_BYTES_MAX => Some(FILE_LARGE),
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(Rejected::Invalid { field: "file", problem });
    }
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|letter| !letter.is_control()).collect();
    let cut = &plain[..plain.floor_char_boundary(FILE_NAME_BYTES_MAX)];
    let mut sha256 = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(LetterFile {
        name: if cut.is_empty() { "letter" } else { cut }.to_owned(),
        bytes: bytes.len() as u64,
        sha256,
    })
}

/// Notes that somebody reached a contact today and found it right.
///
/// # Errors
/// When there is no such contact, it was noted today already, or the role does not allow it.
pub fn confirm_contact(
    directive: &Directive,
    contact: usize,
    today: Date,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    let mut confirmed = directive.clone();
    let Some(reached) = confirmed.contacts.get_mut(contact) else {
        return Err(Rejected::NotNow(NO_CONTACT));
    };
    if reached.confirmed_on == Some(today) {
        return Err(Rejected::AlreadySo);
    }
    reached.confirmed_on = Some(today);
    let name = reached.name.vi.clone();
    confirmed.revision += 1;
    Ok(step.decides("directive.confirm_contact", Some(&name), vec![Change::put(&confirmed)]))
}

fn check(draft: &Draft) -> Result<(), Rejected> {
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    let long = |text: &str| text.len() > WORDS_BYTES_MAX;
    if draft.number.trim().is_empty() {
        return invalid("number", NUMBER_MISSING);
    }
    if draft.number.len() > NUMBER_BYTES_MAX {
        return invalid("number", NUMBER_LONG);
    }
    if draft.issuer.trim().is_empty() {
        return invalid("issuer", ISSUER_MISSING);
    }
    if draft.subject.vi.trim().is_empty() {
        return invalid("subject", SUBJECT_MISSING);
    }
    if long(&draft.issuer) || long(&draft.subject.vi) || long(&draft.subject.en) {
        return invalid("subject", LONG);
    }
    if draft.received_on < draft.issued_on {
        return invalid("received_on", RECEIVED_BEFORE);
    }
    if draft.requirements.is_empty() {
        return invalid("requirements", NOTHING_ASKED);
    }
    if draft.requirements.len() > CatalogueEntry::REQUIREMENTS_MAX {
        return invalid("requirements", TOO_MANY);
    }
    for (at, requirement) in draft.requirements.iter().enumerate() {
        let problem = if draft.requirements[..at]
            .iter()
            .any(|before| before.key == requirement.key)
        {
            KEY_TWICE
        } else if requirement.text.vi.trim().is_empty() {
            WORDS_MISSING
        } else if long(&requirement.text.vi) || long(&requirement.text.en) {
            LONG
        } else if requirement.controls.is_empty() && requirement.question.is_none() {
            NOTHING_SHOWS
        } else {
            continue;
        };
        return invalid("requirements", problem);
    }
    Ok(())
}
