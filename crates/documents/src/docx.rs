//! A letter as DOCX, for whoever must edit it: the same layout as the PDF's, as far as a word processor has it.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, BreakType, Docx, Header, LineSpacing, PageMargin, PageNum, Paragraph, Run, RunFonts, Shading,
    SpecialIndentType, Table, TableAlignmentType, TableCell, TableLayoutType, TableRow, VAlignType, WidthType,
};
use model::{Align, Block, Choice, Column, Letter, Words};

use crate::{PROOF_FILE, seal_zip};

/// Twentieths of a point in a millimetre, times 100.
const TWIPS_PER_100_MM: usize = 5_669;
/// The width of the text: 210 mm less margins of 30 and 15.
const TEXT_MM: usize = 165;
/// The identifier under which the proof is kept in the file.
const PROOF_ITEM: &str = "57A7C890-5701-4F0E-9D1B-2B5D9C1E2020";

fn twips(mm: usize) -> usize {
    mm * TWIPS_PER_100_MM / 100
}

fn margin(mm: usize) -> i32 {
    i32::try_from(twips(mm)).expect("a margin is small")
}

/// Writes a letter as DOCX with its proof in it, and seals the file.
///
/// # Panics
/// Never: the archive is written to memory.
#[must_use]
pub fn docx(letter: &Letter, proof: &str) -> Vec<u8> {
    let font = "Times New Roman";
    let mut file = Docx::new()
        .page_size(11_906, 16_838)
        .page_margin(
            PageMargin::new()
                .top(margin(20))
                .bottom(margin(20))
                .left(margin(30))
                .right(margin(15))
                .header(margin(10))
                .footer(margin(10)),
        )
        .default_fonts(RunFonts::new().ascii(font).hi_ansi(font).cs(font).east_asia(font))
        .default_size(26)
        .title_pg()
        .first_header(Header::new().add_paragraph(Paragraph::new()))
        .header(
            Header::new().add_paragraph(
                Paragraph::new()
                    .align(AlignmentType::Center)
                    .add_page_num(PageNum::new()),
            ),
        );
    if let Some(words) = &letter.rehearsal {
        file = file.add_paragraph(centred(Run::new().add_text(words).bold().color("B00020")));
    }
    file = file.add_table(head(letter));
    if let Some(name) = &letter.type_name {
        file = file
            .add_paragraph(spaced().add_run(Run::new()))
            .add_paragraph(centred(Run::new().add_text(name).bold().size(28)))
            .add_paragraph(runs(centred_empty(), &letter.subject, |run| run.bold().size(28)));
    }
    for (nth, addressee) in letter.addressees.iter().enumerate() {
        let before = if nth == 0 {
            format!("{} ", letter.salutation)
        } else {
            String::new()
        };
        let paragraph = centred_empty().add_run(Run::new().add_text(before));
        file = file.add_paragraph(runs(paragraph, addressee, |run| run));
    }
    for block in &letter.blocks {
        file = add(file, block);
    }
    file = file.add_paragraph(spaced()).add_table(foot(letter));
    let xml = format!(
        "<report xmlns=\"urn:watchpost:report\"><name>{PROOF_FILE}</name><data>{}</data></report>",
        hexed(proof)
    );
    let mut bytes = Cursor::new(Vec::new());
    file.add_custom_item(PROOF_ITEM, &xml)
        .build()
        .pack(&mut bytes)
        .expect("memory takes every byte");
    seal_zip(bytes.into_inner())
}

/// Text as hexadecimal digits, so that no reader or writer of XML changes it.
fn hexed(text: &str) -> String {
    use std::fmt::Write;
    let mut digits = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn spaced() -> Paragraph {
    Paragraph::new().line_spacing(LineSpacing::new().before(60).after(60))
}

fn centred_empty() -> Paragraph {
    Paragraph::new().align(AlignmentType::Center)
}

fn centred(run: Run) -> Paragraph {
    centred_empty().add_run(run)
}

fn runs(mut paragraph: Paragraph, words: &Words, style: impl Fn(Run) -> Run) -> Paragraph {
    for part in words {
        let mut run = Run::new();
        for (nth, line) in part.text.split('\n').enumerate() {
            if nth > 0 {
                run = run.add_break(BreakType::TextWrapping);
            }
            run = run.add_text(line);
        }
        if part.gap {
            run = run.italic().shading(Shading::new().fill("E1E1E1"));
        }
        paragraph = paragraph.add_run(style(run));
    }
    paragraph
}

fn plain(words: &Words) -> String {
    words.iter().map(|run| run.text.as_str()).collect()
}

fn half(mm: usize, paragraphs: Vec<Paragraph>) -> TableCell {
    paragraphs.into_iter().fold(
        TableCell::new().width(twips(mm), WidthType::Dxa),
        TableCell::add_paragraph,
    )
}

fn head(letter: &Letter) -> Table {
    let upper = |text: &str| text.to_uppercase();
    let mut left = Vec::new();
    if let Some(parent) = &letter.parent {
        left.push(centred(Run::new().add_text(upper(parent)).size(24)));
    }
    left.push(centred(
        Run::new().add_text(upper(&plain(&letter.issuer))).size(24).bold(),
    ));
    left.push(centred(Run::new().add_text("_______").size(24)));
    left.push(runs(centred_empty(), &letter.number, |run| run));
    if letter.type_name.is_none() {
        left.push(runs(centred_empty(), &letter.subject, |run| run.size(24)));
    }
    let right = vec![
        centred(Run::new().add_text(&letter.motto[0]).size(24).bold()),
        centred(Run::new().add_text(&letter.motto[1]).size(26).bold()),
        centred(Run::new().add_text("______________").size(24)),
        runs(centred_empty(), &letter.place_and_date, Run::italic),
    ];
    unruled(vec![TableRow::new(vec![half(70, left), half(95, right)])], &[70, 95])
}

fn foot(letter: &Letter) -> Table {
    let mut left =
        vec![Paragraph::new().add_run(Run::new().add_text(&letter.recipients_label).size(24).bold().italic())];
    let last = letter.recipients.len().saturating_sub(1);
    for (nth, recipient) in letter.recipients.iter().enumerate() {
        let paragraph = Paragraph::new().add_run(Run::new().add_text("- ").size(22));
        let end = if nth == last { "." } else { ";" };
        left.push(runs(paragraph, recipient, |run| run.size(22)).add_run(Run::new().add_text(end).size(22)));
    }
    let mut right = vec![
        centred(Run::new().add_text(plain(&letter.signer_title).to_uppercase()).bold()),
        centred(Run::new().add_text(&letter.signature_hint).size(24).italic()),
    ];
    right.extend((0..4).map(|_| centred_empty()));
    right.push(runs(centred_empty(), &letter.signer_name, Run::bold));
    unruled(
        vec![TableRow::new(vec![half(75, left), half(90, right)]).cant_split()],
        &[75, 90],
    )
}

fn unruled(rows: Vec<TableRow>, widths_mm: &[usize]) -> Table {
    Table::without_borders(rows)
        .set_grid(widths_mm.iter().map(|mm| twips(*mm)).collect())
        .layout(TableLayoutType::Fixed)
        .width(twips(TEXT_MM), WidthType::Dxa)
}

fn add(file: Docx, block: &Block) -> Docx {
    match block {
        Block::Heading { text } => {
            file.add_paragraph(spaced().keep_next(true).add_run(Run::new().add_text(text).bold()))
        }
        Block::Paragraph { words } => {
            let first = Some(SpecialIndentType::FirstLine(margin(10)));
            let paragraph = spaced().align(AlignmentType::Both).indent(None, first, None, None);
            file.add_paragraph(runs(paragraph, words, |run| run))
        }
        Block::Field { label, words } => file.add_paragraph(labelled(label, words)),
        Block::Choices { label, choices, words } => choices
            .iter()
            .fold(file.add_paragraph(labelled(label, words)), |file, choice| {
                file.add_paragraph(boxed(choice))
            }),
        Block::Table { columns, rows, cut } => {
            let file = file.add_table(table(columns, rows));
            if *cut == 0 {
                file
            } else {
                file.add_paragraph(spaced().add_run(Run::new().add_text(format!("… +{cut}")).italic()))
            }
        }
    }
}

fn labelled(label: &str, words: &Words) -> Paragraph {
    let paragraph = spaced()
        .indent(Some(margin(5)), None, None, None)
        .add_run(Run::new().add_text(format!("{label}: ")));
    runs(paragraph, words, |run| run)
}

fn boxed(choice: &Choice) -> Paragraph {
    let mark = if choice.ticked { "☒ " } else { "☐ " };
    Paragraph::new()
        .indent(Some(margin(11)), None, None, None)
        .add_run(Run::new().add_text(mark))
        .add_run(Run::new().add_text(&choice.label))
}

fn table(columns: &[Column], rows: &[Vec<Words>]) -> Table {
    let all: usize = columns.iter().map(|column| column.width.max(1) as usize).sum();
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| twips(TEXT_MM) * column.width.max(1) as usize / all.max(1))
        .collect();
    let cell = |width: usize, paragraph: Paragraph| {
        TableCell::new()
            .width(width, WidthType::Dxa)
            .vertical_align(VAlignType::Center)
            .add_paragraph(paragraph)
    };
    let heading = columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| cell(*width, centred(Run::new().add_text(&column.label).bold().size(22))))
        .collect();
    let body = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(columns)
            .zip(&widths)
            .map(|((words, column), width)| {
                let align = match column.align {
                    Align::Left => AlignmentType::Left,
                    Align::Centre => AlignmentType::Center,
                    Align::Right => AlignmentType::Right,
                };
                cell(*width, runs(Paragraph::new().align(align), words, |run| run.size(22)))
            })
            .collect();
        TableRow::new(cells).cant_split()
    });
    Table::new(std::iter::once(TableRow::new(heading)).chain(body).collect())
        .set_grid(widths.clone())
        .layout(TableLayoutType::Fixed)
        .align(TableAlignmentType::Center)
        .width(twips(TEXT_MM), WidthType::Dxa)
}
