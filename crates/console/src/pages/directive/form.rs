//! `GET /directives/form` and `/directives/{id}/edit`: a letter as its clerk fills it in, from the catalogue, from the wizard
//! or by hand.

use axum::extract::{Path, RawQuery, State};
use compact_str::CompactString;
use jiff::civil::Date;
use maud::{Markup, html};
use model::{Addressee, Directive, DirectiveContact, LetterFile, Requirement, Wording};
use operations::{
    Catalogue,
    directives::{CatalogueEntry, Draft, Proposal, written_date},
};

use super::show::day;
use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::watch::{Tab, tabs},
    text::visible,
    trouble::Trouble,
};

/// Empty rows for requirements that are written by hand.
const EMPTY_ROWS: usize = 2;
/// Rows of a letter that has nothing yet.
const FIRST_ROWS: usize = 5;

/// A letter as it was typed so far; the texts are shown again as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The letter that is revised, with the revision that its clerk saw.
    pub(crate) revises: Option<(String, u64)>,
    catalogue: String,
    number: String,
    issuer: String,
    issued_on: String,
    received_on: String,
    subject: Pair,
    contacts: String,
    rows: Vec<Row>,
    left_out: usize,
}

/// Words as typed in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pair {
    vi: String,
    en: String,
}

impl Pair {
    fn of(wording: &Wording) -> Self {
        Self {
            vi: wording.vi.clone(),
            en: if wording.en == wording.vi {
                String::new()
            } else {
                wording.en.clone()
            },
        }
    }

    /// Where nobody translated, both are the Vietnamese.
    fn wording(&self) -> Wording {
        let en = if self.en.is_empty() { &self.vi } else { &self.en };
        Wording {
            vi: self.vi.clone(),
            en: en.clone(),
        }
    }
}

/// A requirement as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    taken: bool,
    key: String,
    part: Pair,
    text: Pair,
    addressee: Addressee,
    controls: String,
    question: Pair,
    due_on: String,
    note: Pair,
    because: String,
}

impl Row {
    fn of(requirement: &Requirement, because: String) -> Self {
        Self {
            taken: true,
            key: requirement.key.to_string(),
            part: Pair::of(&requirement.part),
            text: Pair::of(&requirement.text),
            addressee: requirement.addressee,
            controls: requirement.controls.join(", "),
            question: requirement.question.as_ref().map(Pair::of).unwrap_or_default(),
            due_on: requirement.due_on.map(day).unwrap_or_default(),
            note: requirement.note.as_ref().map(Pair::of).unwrap_or_default(),
            because,
        }
    }
}

/// What keeps a typed letter from being a draft: a field and what is wrong with it, in the reader's language.
pub(crate) struct Mistyped(pub(crate) String);

impl Typed {
    pub(crate) fn of_catalogue(entry: &CatalogueEntry, today: Date) -> Self {
        Self {
            catalogue: entry.id.to_string(),
            number: entry.number.clone(),
            issuer: entry.issuer.clone(),
            issued_on: day(entry.issued_on),
            received_on: day(today.max(entry.issued_on)),
            subject: Pair::of(&entry.subject),
            contacts: contact_lines(&entry.contacts),
            rows: entry
                .requirements
                .iter()
                .map(|one| Row::of(one, String::new()))
                .collect(),
            ..Self::default()
        }
    }

    pub(crate) fn of_proposal(view: &View, proposal: Proposal) -> Self {
        let head = proposal.head;
        let rows = proposal.requirements.iter();
        Self {
            number: head.number.unwrap_or_default(),
            issued_on: head.issued_on.map(day).unwrap_or_default(),
            received_on: day(today(view)),
            subject: Pair {
                vi: head.subject.unwrap_or_default(),
                en: String::new(),
            },
            rows: rows
                .map(|one| Row::of(&one.requirement, one.because.join(", ")))
                .collect(),
            left_out: proposal.left_out,
            ..Self::default()
        }
    }

    fn of_directive(directive: &Directive) -> Self {
        Self {
            revises: Some((directive.id.to_string(), directive.revision)),
            catalogue: directive.catalogue.as_deref().unwrap_or_default().to_owned(),
            number: directive.number.clone(),
            issuer: directive.issuer.clone(),
            issued_on: day(directive.issued_on),
            received_on: day(directive.received_on),
            subject: Pair::of(&directive.subject),
            contacts: contact_lines(&directive.contacts),
            rows: directive
                .requirements
                .iter()
                .map(|one| Row::of(one, String::new()))
                .collect(),
            left_out: 0,
        }
    }

    pub(crate) fn of_form(form: &Form) -> Self {
        let text = |name: &str| form.one(name).unwrap_or_default().trim().to_owned();
        let pair = |name: &str, row: &str| Pair {
            vi: text(&format!("{name}_vi{row}")),
            en: text(&format!("{name}_en{row}")),
        };
        let rows = text("rows")
            .parse()
            .unwrap_or(0)
            .min(CatalogueEntry::REQUIREMENTS_MAX + EMPTY_ROWS);
        Self {
            revises: form
                .one("revises")
                .and_then(|id| Some((id.to_owned(), text("revision").parse().ok()?))),
            catalogue: text("catalogue"),
            number: text("number"),
            issuer: text("issuer"),
            issued_on: text("issued_on"),
            received_on: text("received_on"),
            subject: pair("subject", ""),
            contacts: text("contacts"),
            rows: (0..rows)
                .map(|row| {
                    let end = format!("-{row}");
                    Row {
                        taken: form.one(&format!("take{end}")).is_some(),
                        key: text(&format!("key{end}")),
                        part: pair("part", &end),
                        text: pair("text", &end),
                        addressee: addressee_of(&text(&format!("addressee{end}"))),
                        controls: text(&format!("controls{end}")),
                        question: pair("question", &end),
                        due_on: text(&format!("due{end}")),
                        note: pair("note", &end),
                        because: text(&format!("because{end}")),
                    }
                })
                .collect(),
            left_out: 0,
        }
    }

    /// The entry of the catalogue that it was taken from.
    pub(crate) fn entry<'a>(&self, catalogue: &'a Catalogue) -> Option<&'a CatalogueEntry> {
        catalogue.directives.iter().find(|entry| entry.id == self.catalogue)
    }

    /// The letter that this describes. `known` are contacts that keep their translation and confirmation when their line is
    /// unchanged.
    pub(crate) fn draft(
        &self,
        view: &View,
        catalogue: &Catalogue,
        known: &[DirectiveContact],
        file: Option<LetterFile>,
    ) -> Result<Draft, Mistyped> {
        let words = view.words;
        let date =
            |label: &str, text: &str| written_date(text).ok_or_else(|| Mistyped(words.directive_bad_date(label, text)));
        let mut requirements = Vec::new();
        for row in self.rows.iter().filter(|row| row.taken) {
            requirements.push(requirement(row, view, catalogue)?);
        }
        Ok(Draft {
            number: self.number.clone(),
            issuer: self.issuer.clone(),
            issued_on: date(words.directive_issued_on(), &self.issued_on)?,
            received_on: date(words.directive_received_on(), &self.received_on)?,
            subject: self.subject.wording(),
            catalogue: (!self.catalogue.is_empty()).then(|| self.catalogue.as_str().into()),
            file,
            contacts: contacts(&self.contacts, known, &self.number),
            requirements,
        })
    }
}

fn requirement(row: &Row, view: &View, catalogue: &Catalogue) -> Result<Requirement, Mistyped> {
    let words = view.words;
    let controls: Vec<CompactString> = row
        .controls
        .split([',', ' '])
        .filter(|id| !id.is_empty())
        .map(CompactString::new)
        .collect();
    let known = |id: &CompactString| catalogue.controls.iter().any(|control| control.id == *id);
    if let Some(unknown) = controls.iter().find(|id| !known(id)) {
        return Err(Mistyped(words.directive_unknown_control(&row.key, unknown)));
    }
    let due_on = if row.due_on.is_empty() {
        None
    } else {
        let label = format!("{} · {}", row.key, words.requirement_due());
        Some(written_date(&row.due_on).ok_or_else(|| Mistyped(words.directive_bad_date(&label, &row.due_on)))?)
    };
    Ok(Requirement {
        key: row.key.as_str().into(),
        part: row.part.wording(),
        text: row.text.wording(),
        addressee: row.addressee,
        controls,
        question: (!row.question.vi.is_empty()).then(|| row.question.wording()),
        due_on,
        note: (!row.note.vi.is_empty()).then(|| row.note.wording()),
    })
}

/// A contact a line: name; telephones; addresses.
fn contact_lines(contacts: &[DirectiveContact]) -> String {
    let line = |contact: &DirectiveContact| {
        let parts = [
            contact.name.vi.clone(),
            contact.telephones.join(", "),
            contact.emails.join(", "),
        ];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    };
    contacts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn contacts(lines: &str, known: &[DirectiveContact], number: &str) -> Vec<DirectiveContact> {
    lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut parts = line.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let ways: Vec<String> = parts
                .flat_map(|part| part.split(','))
                .map(|way| way.trim().to_owned())
                .filter(|way| !way.is_empty())
                .collect();
            let (emails, telephones): (Vec<String>, Vec<String>) = ways.into_iter().partition(|way| way.contains('@'));
            let same = known
                .iter()
                .find(|one| one.name.vi == name && one.telephones == telephones && one.emails == emails);
            same.cloned().unwrap_or_else(|| DirectiveContact {
                name: Wording::same(name),
                telephones,
                emails,
                source: number.to_owned(),
                confirmed_on: None,
            })
        })
        .collect()
}

/// Answers with the form: filled in from the catalogue's entry in the address, or empty.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let asked = Form::parse(query.unwrap_or_default().as_bytes());
    let catalogue = desk.state.catalogue.borrow().clone();
    let typed = match asked.one("catalogue") {
        None => Typed {
            received_on: day(today(&visit.view)),
            rows: vec![Row::default(); FIRST_ROWS - EMPTY_ROWS],
            ..Typed::default()
        },
        Some(id) => {
            let entry = catalogue.directives.iter().find(|entry| entry.id == id);
            Typed::of_catalogue(entry.ok_or(Trouble::NotFound)?, today(&visit.view))
        }
    };
    Ok(render(&visit.view, &catalogue, &typed, None))
}

/// Answers with the form of what was registered.
pub(crate) async fn edit(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let directive: Directive = desk.found(&visit.scope, &id).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    Ok(render(&visit.view, &catalogue, &Typed::of_directive(&directive), None))
}

/// Today, on the post's clock.
pub(crate) fn today(view: &View) -> Date {
    view.moments.now.to_zoned_datetime(view.moments.zone.clone()).date()
}

/// The page; `problem` says what kept it from being saved.
pub(crate) fn render(view: &View, catalogue: &Catalogue, typed: &Typed, problem: Option<&str>) -> Markup {
    let words = view.words;
    let title = if typed.revises.is_some() {
        words.directive_revise()
    } else {
        words.directive_register()
    };
    let action = match &typed.revises {
        Some((id, _)) => format!("/directives/{id}"),
        None => "/directives".to_owned(),
    };
    let mut rows = typed.rows.clone();
    rows.extend(vec![Row::default(); EMPTY_ROWS]);
    let content = html! {
        (tabs(view, Tab::Directives))
        div.page-head { h1 { (title) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        form.form.wide method="post" action=(action) enctype="multipart/form-data" {
            @if let Some((id, revision)) = &typed.revises {
                input type="hidden" name="revises" value=(id);
                input type="hidden" name="revision" value=(revision);
            }
            input type="hidden" name="catalogue" value=(typed.catalogue);
            input type="hidden" name="rows" value=(rows.len());
            section.card { header { h2 { (words.directive_head()) } } div.body { div.form.wide { (head_fields(view, typed)) } } }
            section.card {
                header { h2 { (words.watch_requirements()) } span.muted { (words.requirements(typed.rows.len() as u64)) } }
                div.body.muted { (words.directive_decide_hint()) " " (words.directive_controls_hint()) ": "
                    @for (n, control) in catalogue.controls.iter().enumerate() { @if n > 0 { ", " } code title=(control.title.text(words.0)) { (control.id) } } }
                ol.asked { @for (n, row) in rows.iter().enumerate() { li { (row_fields(view, n, row, n >= typed.rows.len())) } } }
                @if typed.left_out > 0 { div.body { p.notice.bad { (Mark::Warning.draw()) span { (words.directive_left_out()) ": " (words.number(typed.left_out as u64)) } } } }
            }
            div.form-actions { button.button.primary type="submit" { (title) } a.button href="/directives" { (words.cancel()) } }
        }
    };
    frame::page(view, Place::Watches, title, &content)
}

fn head_fields(view: &View, typed: &Typed) -> Markup {
    let words = view.words;
    html! {
        div.pair {
            div.field { label for="number" { (words.directive_number()) } input #number name="number" value=(typed.number) required maxlength="100"; }
            div.field { label for="issuer" { (words.directive_issuer()) } input #issuer name="issuer" value=(typed.issuer) required maxlength="300"; }
        }
        div.pair.even {
            div.field { label for="issued_on" { (words.directive_issued_on()) } input #issued_on name="issued_on" value=(typed.issued_on) required placeholder=(words.like_date()); p.hint { (words.directive_date_hint()) } }
            div.field { label for="received_on" { (words.directive_received_on()) } input #received_on name="received_on" value=(typed.received_on) required placeholder=(words.like_date()); }
        }
        div.field { label for="subject_vi" { (words.directive_subject()) } input #subject_vi name="subject_vi" value=(typed.subject.vi) required maxlength="2000"; }
        div.field { label for="subject_en" { (words.directive_subject_en()) } input #subject_en name="subject_en" value=(typed.subject.en) maxlength="2000"; }
        div.field { label for="file" { (words.directive_file()) } input #file name="file" type="file" accept=".pdf,.docx,.odt,.png,.jpg,.jpeg,.txt,application/pdf"; p.hint { (words.directive_file_hint()) } }
        div.field { label for="contacts" { (words.directive_contacts()) } textarea #contacts name="contacts" maxlength="4000" { (typed.contacts) } p.hint { (words.directive_contacts_hint()) } }
    }
}

fn row_fields(view: &View, n: usize, row: &Row, empty: bool) -> Markup {
    let words = view.words;
    let name = |field: &str| format!("{field}-{n}");
    html! {
        div.asked-head {
            label.take { input type="checkbox" name=(name("take")) value="yes" checked[row.taken]; (words.directive_take()) }
            input.key name=(name("key")) value=(row.key) aria-label=(words.requirement_key()) placeholder=(words.requirement_key()) maxlength="20";
            select name=(name("addressee")) aria-label=(words.directive_addressee()) { @for one in [Addressee::Organisation, Addressee::Provider, Addressee::Both] {
                option value=(addressee_name(one)) selected[row.addressee == one] { (words.addressee(one)) }
            } }
            input name=(name("due")) value=(row.due_on) aria-label=(words.requirement_due()) placeholder={ (words.requirement_due()) ": " (words.like_date()) };
            @if !row.because.is_empty() { span.badge { (words.directive_because()) ": " (visible(&row.because)) } input type="hidden" name=(name("because")) value=(row.because); }
        }
        textarea name=(name("text_vi")) aria-label=(words.requirement_text()) placeholder=(words.requirement_text()) maxlength="4000" { (row.text.vi) }
        div.pair.even {
            input.mono name=(name("controls")) value=(row.controls) aria-label=(words.directive_controls()) placeholder=(words.directive_controls()) maxlength="400";
            input name=(name("question_vi")) value=(row.question.vi) aria-label=(words.question()) placeholder={ (words.question()) ": " (words.directive_question_hint()) } maxlength="1000";
        }
        details open[empty && !row.text.en.is_empty()] { summary { (words.directive_more()) } div.form.wide {
            textarea name=(name("text_en")) aria-label=(words.requirement_text_en()) placeholder=(words.requirement_text_en()) maxlength="4000" { (row.text.en) }
            input name=(name("question_en")) value=(row.question.en) aria-label=(words.question_en()) placeholder=(words.question_en()) maxlength="1000";
            div.pair.even {
                input name=(name("part_vi")) value=(row.part.vi) aria-label=(words.requirement_part()) placeholder=(words.requirement_part()) maxlength="300";
                input name=(name("part_en")) value=(row.part.en) aria-label=(words.requirement_part_en()) placeholder=(words.requirement_part_en()) maxlength="300";
            }
            div.pair.even {
                input name=(name("note_vi")) value=(row.note.vi) aria-label=(words.requirement_note()) placeholder=(words.requirement_note()) maxlength="1000";
                input name=(name("note_en")) value=(row.note.en) aria-label=(words.requirement_note_en()) placeholder=(words.requirement_note_en()) maxlength="1000";
            }
        } }
    }
}

fn addressee_name(addressee: Addressee) -> &'static str {
    match addressee {
        Addressee::Organisation => "organisation",
        Addressee::Provider => "provider",
        Addressee::Both => "both",
    }
}

fn addressee_of(name: &str) -> Addressee {
    match name {
        "provider" => Addressee::Provider,
        "both" => Addressee::Both,
        _ => Addressee::Organisation,
    }
}
