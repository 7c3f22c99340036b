//! Setting a letter in type. The layout is Typst, and an administrator may have changed it: it sees the files of its own
//! folder and the letter, and nothing else; its errors name file, line and column. How long it may take and how much
//! memory it may use is held by whoever calls, in a process of its own: a layout cannot be interrupted from inside.

use std::collections::BTreeMap;

use model::Letter;
use typst::{
    Library, LibraryExt, World, WorldExt,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Dict, Duration, IntoValue, Smart},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use crate::{PROOF_FILE, fonts::Typeface};

/// A folder of layout files.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    /// The file that is set.
    pub main: String,
    /// All files of the folder, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    /// The endings of the files that belong to a layout: Typst, and fonts.
    pub const ENDINGS: [&str; 4] = ["typ", "ttf", "otf", "ttc"];
    /// Most files of a layout.
    pub const FILES_MAX: usize = 100;
    /// Most bytes of all its files together, fonts among them.
    pub const BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most pages of a letter.
    pub const PAGES_MAX: usize = 500;
}

/// A letter set in type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typeset {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Its pages.
    pub pages: usize,
    /// What the layout's author should look at.
    pub warnings: Vec<LayoutProblem>,
    /// Characters of the letter for which the type has no glyph; they are boxes on paper, and whole in the data.
    pub without_glyph: Vec<char>,
}

/// Something wrong in a layout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct LayoutProblem {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 when it concerns no line.
    pub line: usize,
    /// The column, from 1; 0 when it concerns no line.
    pub column: usize,
    /// What is wrong, and a hint where there is one.
    pub message: String,
}

/// A letter that could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypesetError {
    /// The layout has errors.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Layout(Vec<LayoutProblem>),
    /// The layout has too many files or bytes, or the letter too many pages.
    #[error("{0}")]
    TooLarge(String),
}

/// Sets a letter in type and attaches its proof.
///
/// # Errors
/// When the layout is wrong or a limit is passed.
///
/// # Panics
/// Never: a letter is plain data.
pub fn pdf(letter: &Letter, layout: &Layout, proof: &str) -> Result<Typeset, TypesetError> {
    let total: usize = layout.files.values().map(Vec::len).sum();
    if layout.files.len() > Layout::FILES_MAX || total > Layout::BYTES_MAX {
        return Err(TypesetError::TooLarge(format!(
            "a layout has at most {} files and {} bytes",
            Layout::FILES_MAX,
            Layout::BYTES_MAX
        )));
    }
    let text = serde_json::to_string(letter).expect("a letter is plain data");
    let typeface = Typeface::load(&layout.files);
    let without_glyph = typeface.without_glyph(&text);
    let desk = Desk::new(layout, typeface, text, proof)?;
    let compiled = typst::compile::<PagedDocument>(&desk);
    let problems = |found: &[SourceDiagnostic]| found.iter().take(20).map(|one| desk.problem(one)).collect::<Vec<_>>();
    let document = compiled
        .output
        .map_err(|errors| TypesetError::Layout(problems(&errors)))?;
    let pages = document.pages().len();
    if pages > Layout::PAGES_MAX {
        return Err(TypesetError::TooLarge(format!(
            "the letter has {pages} pages, more than {}",
            Layout::PAGES_MAX
        )));
    }
    let options = PdfOptions {
        ident: Smart::Custom(crate::sha256_hex(proof.as_bytes())),
        creator: Smart::Custom(Some("Watchpost".to_owned())),
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|errors| TypesetError::Layout(problems(&errors)))?;
    Ok(Typeset {
        pdf,
        pages,
        warnings: problems(&compiled.warnings),
        without_glyph,
    })
}

/// All that a layout can see.
struct Desk {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    sources: BTreeMap<String, Source>,
    files: BTreeMap<String, Bytes>,
}

impl Desk {
    fn new(layout: &Layout, typeface: Typeface, letter: String, proof: &str) -> Result<Self, TypesetError> {
        let inputs = Dict::from_iter([("typeface".into(), typeface.family.as_str().into_value())]);
        let mut files: BTreeMap<String, Bytes> = layout
            .files
            .iter()
            .map(|(name, bytes)| (name.clone(), Bytes::new(bytes.clone())))
            .collect();
        files.insert("letter.json".to_owned(), Bytes::from_string(letter));
        files.insert(PROOF_FILE.to_owned(), Bytes::from_string(proof.to_owned()));
        let unreadable = |file: &str, message: &str| {
            TypesetError::Layout(vec![LayoutProblem {
                file: file.to_owned(),
                line: 0,
                column: 0,
                message: message.to_owned(),
            }])
        };
        let mut sources = BTreeMap::new();
        for (name, bytes) in &layout.files {
            if name.rsplit_once('.').is_none_or(|(_, ending)| ending != "typ") {
                continue;
            }
            let text = std::str::from_utf8(bytes).map_err(|_| unreadable(name, "is not UTF-8"))?;
            let id = id(name).ok_or_else(|| unreadable(name, "is no name for a file"))?;
            let text = if *name == layout.main {
                // At the end, so that lines keep their numbers. A carrier of the proof is not left to the layout.
                format!(
                    "{text}\n#pdf.attach(\"/{PROOF_FILE}\", relationship: \"data\", mime-type: \"application/json\")\n"
                )
            } else {
                text.to_owned()
            };
            sources.insert(name.clone(), Source::new(id, text));
        }
        let main = sources
            .get(&layout.main)
            .map(Source::id)
            .ok_or_else(|| unreadable(&layout.main, "is not there"))?;
        Ok(Self {
            library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
            book: LazyHash::new(typeface.book()),
            fonts: typeface.fonts,
            main,
            sources,
            files,
        })
    }

    fn problem(&self, diagnostic: &SourceDiagnostic) -> LayoutProblem {
        let place = diagnostic
            .span
            .id()
            .zip(self.range(diagnostic.span))
            .and_then(|(id, range)| {
                let name = name(id);
                let source = self.sources.get(&name)?;
                let (line, column) = source.lines().byte_to_line_column(range.start)?;
                Some((name, line + 1, column + 1))
            });
        let (file, line, column) = place.unwrap_or_else(|| (name(self.main), 0, 0));
        let mut message = diagnostic.message.to_string();
        for hint in &diagnostic.hints {
            message.push_str(" (");
            message.push_str(&hint.v);
            message.push(')');
        }
        LayoutProblem {
            file,
            line,
            column,
            message,
        }
    }
}

fn id(name: &str) -> Option<FileId> {
    let path = VirtualPath::new(name).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn name(id: FileId) -> String {
    id.get().vpath().get_without_slash().to_owned()
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        match id.get().root() {
            VirtualRoot::Project => self
                .sources
                .get(&name(id))
                .cloned()
                .ok_or_else(|| FileError::NotFound(name(id).into())),
            VirtualRoot::Package(_) => Err(FileError::AccessDenied),
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id.get().root() {
            VirtualRoot::Project => self
                .files
                .get(&name(id))
                .cloned()
                .ok_or_else(|| FileError::NotFound(name(id).into())),
            VirtualRoot::Package(_) => Err(FileError::AccessDenied),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
