//! `GET /duty-book`: decisions newest first, by subject and by person, and whether the chain holds.

use axum::extract::{RawQuery, State};
use ledger::{Entry, PageAt, Verified};
use maud::{Markup, html};

use super::action;
use crate::desk::Desk;
use crate::form::Form;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks::Mark,
    people::People,
    text::visible,
    words::Words,
};
use ledger::EntryFilter;

/// What is looked for, as it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BookFilter {
    pub(crate) subject: String,
    pub(crate) people_only: bool,
    /// The ledger's cursor of the page; empty for the first.
    pub(crate) after: String,
}

/// What the page shows.
pub(crate) struct Book {
    pub(crate) filter: BookFilter,
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins, when there is one.
    pub(crate) older: Option<String>,
    /// The result of verifying, when it was asked for.
    pub(crate) chain: Option<Verified>,
    pub(crate) people: People,
}

impl Book {
    /// Entries on a page.
    pub(crate) const ENTRIES_MAX: usize = 100;
}

impl BookFilter {
    /// Longest filter text in characters; the rest is ignored.
    const CHARACTERS_MAX: usize = 200;

    /// Reads the query of an address.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = value.trim().chars().take(Self::CHARACTERS_MAX).collect();
            match name.as_ref() {
                "subject" => filter.subject = text,
                "people" => filter.people_only = value == "1",
                "after" => filter.after = text,
                _ => {}
            }
        }
        filter
    }

    fn address(&self, after: &str) -> String {
        let people = if self.people_only { "1" } else { "" };
        format!(
            "/duty-book{}",
            addresses::query(&[("subject", &self.subject), ("people", people), ("after", after)])
        )
    }
}

/// Answers with a page of the duty book; `verify=1` in the address also walks the whole chain.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let query = query.unwrap_or_default();
    let filter = BookFilter::of_query(&query);
    let verify = Form::parse(query.as_bytes()).one("verify") == Some("1");
    let Visit { view, scope, .. } = visit;
    let wanted = filter.clone();
    let (page, chain, people) = desk
        .read(move |ledger| {
            let cursor = (!wanted.after.is_empty()).then_some(wanted.after.as_str());
            let entries = EntryFilter {
                subject: (!wanted.subject.is_empty()).then(|| wanted.subject.clone()),
                people_only: wanted.people_only,
            };
            let page = ledger.entries(
                &scope,
                &entries,
                PageAt {
                    cursor,
                    limit: Book::ENTRIES_MAX,
                },
            )?;
            let chain = if verify {
                Some(ledger.verify(&scope, &[])?)
            } else {
                None
            };
            Ok((page, chain, ledger.people(&scope)?))
        })
        .await?;
    let book = Book {
        filter,
        entries: page.items,
        older: page.next,
        chain,
        people: People::new(&people),
    };
    Ok(render(&view, &book))
}

/// The page.
pub(crate) fn render(view: &View, book: &Book) -> Markup {
    let words = view.words;
    let filter = &book.filter;
    let content = html! {
        div.page-head { h1 { (words.duty_book_title()) }
            form.end method="get" action="/duty-book" { button.button type="submit" name="verify" value="1" { (Mark::Check.draw()) (words.duty_book_verify()) } }
            p { a href="/channels" { (words.channels_title()) } }
            p.lead { (words.duty_book_lead()) }
        }
        @if let Some(chain) = &book.chain { (chain_state(view, chain)) }
        form.filters method="get" action="/duty-book" role="search" {
            div.seek { (Mark::Search.draw()) input type="search" name="subject" value=(filter.subject) placeholder=(words.duty_book_subject_hint()) aria-label=(words.duty_book_subject()) data-search; }
            label.button { input type="checkbox" name="people" value="1" checked[filter.people_only]; (words.people_only()) }
            button.button type="submit" { (words.filter()) }
        }
        section.card {
            @if book.entries.is_empty() { div.empty { (Mark::DutyBook.draw()) strong { (words.duty_book_empty()) } } }
            @else { div.scroll { table.stacked {
                thead { tr {
                    th.num scope="col" { (words.duty_book_number()) } th scope="col" { (words.time()) } th scope="col" { (words.duty_book_actor()) }
                    th scope="col" { (words.duty_book_action()) } th scope="col" { (words.duty_book_subject()) } th scope="col" { (words.duty_book_hash()) }
                } }
                tbody { @for entry in &book.entries { (row(view, book, entry)) } }
            } } }
        }
        @if let Some(older) = &book.older { nav.pages { a href=(filter.address(older)) rel="next" { (words.duty_book_older()) } } }
    };
    frame::page(view, Place::DutyBook, words.duty_book_title(), &content)
}

fn row(view: &View, book: &Book, entry: &Entry) -> Markup {
    let words = view.words;
    html! {
        @let subjects = entry.subjects();
        tr #{ "e-" (entry.number) } {
            td.num data-label=(words.duty_book_number()) { (entry.number) }
            td data-label=(words.time()) { (view.moments.exact(entry.at)) }
            td data-label=(words.duty_book_actor()) { (visible(&book.people.actor(words, &entry.actor))) }
            td data-label=(words.duty_book_action()) { strong { (action(words, &entry.action)) } @if let Some(reason) = &entry.reason { br; span { (visible(reason)) } } }
            td.break data-label=(words.duty_book_subject()) { @for named in subjects.iter().take(3) { (subject(words, named)) } @if subjects.len() > 3 { span.muted { "+" (subjects.len() - 3) } } }
            td data-label=(words.duty_book_hash()) { span.hash title=(entry.hash) { (entry.hash.chars().take(12).collect::<String>()) "…" } }
        }
    }
}

/// What an entry is about: a link to its page where it has one, and one to all entries about the same.
fn subject(words: Words, subject: &str) -> Markup {
    let (kind, key) = subject.split_once(':').unwrap_or(("", subject));
    let page = match kind {
        "alert" => Some(format!("/alerts/{}", addresses::segment(key))),
        "silence" => Some(format!("/silences/{}", addresses::segment(key))),
        "source" => Some(format!("/sources/{}", addresses::segment(key))),
        _ => None,
    };
    let is_id = key.len() >= 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = if is_id { &key[key.len() - 8..] } else { key };
    let name = words.ledger_subject(kind).unwrap_or(kind);
    html! {
        span.about-link {
            @match &page {
                Some(page) => a href=(page) title=(subject) { (name) " " code { (visible(shown)) } },
                None => span title=(subject) { (name) " " code { (visible(shown)) } },
            }
            a.tool href={ "/duty-book" (addresses::query(&[("subject", subject)])) } title=(words.duty_book_same()) aria-label={ (words.duty_book_same()) ": " (name) " " (visible(shown)) } { (Mark::Search.draw()) }
        }
    }
}

fn chain_state(view: &View, verified: &Verified) -> Markup {
    let words = view.words;
    html! {
        @match &verified.broken {
            None => p.notice.good role="status" { (Mark::Check.draw()) span { strong { (words.duty_book_intact()) } " · " (words.entries(verified.entries)) " · " span.hash { (verified.head.hash) } } },
            Some(broken) => p.notice.bad role="alert" { (Mark::Warning.draw()) span { strong { (words.duty_book_broken()) " " (broken.number) } " · " (broken.flaw) } },
        }
    }
}
