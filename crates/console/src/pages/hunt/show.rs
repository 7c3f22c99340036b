//! `GET /hunt`: the search line with its time, histogram, facets, table and records; the script asks the API for what it shows.

use axum::extract::{RawQuery, State};
use maud::{Markup, html};
use model::{EntityColumn, Event, Permission, SavedHunt, Timestamp};

use crate::{
    assets,
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    saved_hunts,
    trouble::Trouble,
    words::Words,
};

/// The spans of time that are offered, as the address has them.
const RANGES: [&str; 6] = ["15m", "1h", "24h", "7d", "30d", "all"];

/// What stands in an empty search line.
const EXAMPLE: &str = r#"user.name:an* source.ip:203.0.113.0/24 "powershell -enc" NOT host.name:db1"#;

/// What stands in the empty field for columns.
const EXAMPLE_COLUMNS: &str = "host.name,user.name,raw";

/// What the page begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) sql: bool,
    pub(crate) range: String,
    pub(crate) from: String,
    pub(crate) before: String,
    pub(crate) columns: String,
}

impl Asked {
    fn of_query(query: &str) -> Self {
        let form = Form::parse(query.as_bytes());
        let text = |name| form.one(name).unwrap_or_default().to_owned();
        let range = text("range");
        let bounded = form.one("from").is_some() || form.one("before").is_some();
        Self {
            text: text("q"),
            sql: form.one("sql").is_some_and(|sql| sql == "1"),
            range: if RANGES.contains(&range.as_str()) {
                range
            } else if bounded {
                String::new()
            } else {
                "24h".to_owned()
            },
            from: text("from"),
            before: text("before"),
            columns: text("columns"),
        }
    }
}

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let asked = Asked::of_query(&query.unwrap_or_default());
    let saved = saved_hunts::all(&desk, &visit.scope, visit.user.id).await?;
    Ok(render(&visit.view, &asked, &saved))
}

/// The address of a hunt.
pub(crate) fn address(text: &str, from: Option<Timestamp>, before: Option<Timestamp>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::from("/hunt?"));
    query.append_pair("q", text);
    for (name, at) in [("from", from), ("before", before)] {
        if let Some(at) = at {
            query.append_pair(name, &at.to_string());
        }
    }
    query.finish()
}

/// A condition that a field has a value.
pub(crate) fn condition(column: EntityColumn, value: &str) -> String {
    format!("{}:\"{}\"", column.ecs_name(), value.replace('"', "\\\""))
}

/// Ways from an event into the hunt: the minutes around it on its host, its host's timeline, and what else its user and addresses did.
pub(crate) fn pivots(view: &View, event: &Event) -> Markup {
    let words = view.words;
    if !view.may(Permission::Hunt) {
        return html! {};
    }
    let minutes = jiff::SignedDuration::from_mins(5);
    let (from, before) = (
        event.happened_at.checked_sub(minutes).ok(),
        event.happened_at.checked_add(minutes).ok(),
    );
    let value = |column| {
        event
            .entities
            .get(column)
            .map(|value| condition(column, &value.to_string()))
    };
    let host = value(EntityColumn::HostName);
    let others = [
        EntityColumn::UserName,
        EntityColumn::SourceIp,
        EntityColumn::DestinationIp,
    ];
    html! {
        p.pivots {
            (Mark::Search.draw())
            a href=(address(host.as_deref().unwrap_or_default(), from, before)) { (words.hunt_around()) }
            @if let Some(host) = &host { a href=(address(host, None, None) + "&range=7d") { (words.hunt_host_timeline()) } }
            @for condition in others.into_iter().filter_map(value) {
                a href=(address(&condition, None, None) + "&range=7d") { code { (condition) } }
            }
        }
    }
}

/// The page.
pub(crate) fn render(view: &View, asked: &Asked, saved: &[SavedHunt]) -> Markup {
    let words = view.words;
    let offset = view.moments.zone.to_offset(view.moments.now).seconds();
    let content = html! {
        div.page-head { h1 { (words.hunt_title()) } p.muted { (words.hunt_lead()) } }
        div #hunt data-offset-seconds=(offset) data-save[view.may(Permission::WriteHunts)]
            data-word-events=(words.hunt_events()) data-word-found=(words.hunt_found()) data-word-read=(words.hunt_read())
            data-word-spared=(words.hunt_spared()) data-word-incomplete=(words.hunt_incomplete()) data-word-failed=(words.hunt_failed())
            data-word-none=(words.hunt_nothing()) data-word-include=(words.hunt_include()) data-word-exclude=(words.hunt_exclude())
            data-word-column=(words.hunt_as_column()) data-word-missing=(words.hunt_missing()) data-word-others=(words.hunt_others())
            data-word-counted=(words.hunt_counted()) data-word-around=(words.hunt_around()) data-word-host=(words.hunt_host_timeline())
            data-word-too-many=(words.hunt_too_many()) data-word-rows=(words.hunt_rows()) data-word-newest=(words.hunt_newest()) data-word-highest=(words.hunt_highest())
            data-word-elsewhere=(words.hunt_elsewhere()) {
            (search_form(words, asked))
            div #hunt-wrong .notice.bad role="alert" hidden {}
            noscript { p.notice.bad { (words.hunt_needs_script()) } }
            div.hunt-aids {
                (saved_list(view, saved))
                details.hunt-aid { summary { (words.hunt_help()) } (help(words)) }
            }
            p #hunt-state role="status" {}
            progress #hunt-progress max="100" aria-label=(words.hunt_title()) hidden {}
            ul #hunt-incomplete .notice.bad hidden {}
            section.card #hunt-when hidden {
                header { h2 { (words.hunt_when()) } span #hunt-highest .muted {} span.end.muted { (words.hunt_brush()) } }
                div.body {
                    svg #hunt-histogram role="img" aria-label=(words.hunt_when()) viewBox="0 0 1000 100" preserveAspectRatio="none" {}
                    p #hunt-axis .muted aria-hidden="true" {}
                }
            }
            div.hunt-columns {
                aside #hunt-facets aria-label=(words.hunt_facets()) {}
                section.card #hunt-found hidden {
                    header { h2 { (words.hunt_table()) } span.end { (exports(words)) } }
                    div.scroll { table #hunt-rows { thead {} tbody {} } }
                }
            }
        }
        dialog #hunt-record aria-labelledby="hunt-record-title" { div.inner {
            div.hunt-record-head {
                h2 #hunt-record-title { (words.hunt_record()) }
                button.button.small type="button" data-dismiss autofocus { (words.close_dialog()) }
                p #hunt-record-pivots .pivots {}
            }
            div.scroll { table.fields #hunt-record-fields {} }
            h3 { (words.hunt_raw()) } pre.raw #hunt-record-raw {}
        } }
        @if view.may(Permission::WriteHunts) { (save_dialog(words)) }
        script src=(assets::HUNT.address()) defer {}
    };
    frame::page(view, Place::Hunt, words.hunt_title(), &content)
}

fn search_form(words: Words, asked: &Asked) -> Markup {
    html! {
        form #hunt-form .hunt-form method="get" action="/hunt" {
            label.seek { span.visually-hidden { (words.hunt_line()) } (Mark::Search.draw())
                input #hunt-q type="search" name="q" value=(asked.text) maxlength="8192" spellcheck="false" autocomplete="off" autocapitalize="none"
                    placeholder=(EXAMPLE) autofocus; }
            label { span.visually-hidden { (words.hunt_range()) }
                select #hunt-range name="range" {
                    @for range in RANGES { option value=(range) selected[asked.range == range] { (words.hunt_range_of(range)) } }
                    option value="" selected[asked.range.is_empty()] { (words.hunt_range_own()) }
                } }
            button.button.primary type="submit" { (words.hunt_go()) }
            button.button type="button" #hunt-cancel hidden { (words.hunt_stop()) }
            div.hunt-more {
                label.hunt-time { (words.hunt_from()) " " input #hunt-from type="datetime-local" step="1" data-at=(asked.from); }
                label.hunt-time { (words.hunt_before()) " " input #hunt-before type="datetime-local" step="1" data-at=(asked.before); }
                label { (words.hunt_columns()) " " input #hunt-columns name="columns" value=(asked.columns) list="hunt-names" size="40" placeholder=(EXAMPLE_COLUMNS); }
                label.check { input #hunt-sql type="checkbox" name="sql" value="1" checked[asked.sql]; " SQL" }
            }
            datalist #hunt-names {}
        }
    }
}

fn help(words: Words) -> Markup {
    let lines = [
        ("mimikatz", words.hunt_help_text()),
        ("user.name:an*", words.hunt_help_wildcard()),
        ("user.name=An.Nguyen", words.hunt_help_exact()),
        ("ip:203.0.113.0/24", words.hunt_help_network()),
        ("destination.port:[1 TO 1024]", words.hunt_help_range()),
        ("host:(db1 OR db2) NOT user:root", words.hunt_help_boolean()),
        ("file.hash.sha256:*", words.hunt_help_present()),
        ("fields.Image:*\\powershell.exe", words.hunt_help_field()),
    ];
    html! { dl.keys { @for (line, meaning) in lines { dt { code { (line) } } dd { (meaning) } } } }
}

fn exports(words: Words) -> Markup {
    html! {
        span.muted { (words.hunt_export()) }
        @for (format, name) in [("csv", "CSV"), ("ndjson", "NDJSON"), ("parquet", "Parquet")] {
            " " a.button.small data-export=(format) href="#" download { (name) }
        }
    }
}

fn saved_list(view: &View, saved: &[SavedHunt]) -> Markup {
    let words = view.words;
    let mine = |hunt: &SavedHunt| view.user.as_ref().is_some_and(|user| user.id == hunt.owner);
    html! {
        details #hunt-saved .hunt-aid {
            summary { (words.hunt_saved()) " (" (words.number(saved.len() as u64)) ")" }
            @if saved.is_empty() { p.muted { (words.hunt_saved_none()) } }
            ul.hunt-saved { @for hunt in saved { li {
                a href=(saved_address(hunt)) { (hunt.title) }
                " " code { (hunt.text) }
                @if hunt.shared { " " span.badge { (words.hunt_shared()) } }
                @if !mine(hunt) { " " span.muted { (hunt.owner_login) } }
                @if view.may(Permission::WriteHunts) && (mine(hunt) || view.may(Permission::WriteSilences)) {
                    " " button.button.small type="button" data-hunt-step="share" data-hunt=(hunt.id) { @if hunt.shared { (words.hunt_unshare()) } @else { (words.hunt_share()) } }
                    " " button.button.small type="button" data-hunt-step="drop" data-hunt=(hunt.id) { (words.hunt_drop()) }
                }
            } } }
            @if view.may(Permission::WriteHunts) { button.button.small type="button" data-dialog="hunt-save" { (words.hunt_save()) } }
        }
    }
}

fn saved_address(hunt: &SavedHunt) -> String {
    let mut query = form_urlencoded::Serializer::new(String::from("/hunt?"));
    query.append_pair("q", &hunt.text).append_pair("range", &hunt.range);
    if hunt.sql {
        query.append_pair("sql", "1");
    }
    if !hunt.columns.is_empty() {
        query.append_pair("columns", &hunt.columns.join(","));
    }
    query.finish()
}

fn save_dialog(words: Words) -> Markup {
    html! {
        dialog #hunt-save aria-labelledby="hunt-save-title" { form.inner #hunt-save-form {
            h2 #hunt-save-title { (words.hunt_save()) }
            label { (words.hunt_save_title()) " " input name="title" required maxlength="120"; }
            label.check { input type="checkbox" name="shared"; " " (words.hunt_save_shared()) }
            p.problem #hunt-save-wrong role="alert" hidden {}
            div.form-actions { button.button type="button" data-dismiss { (words.close_dialog()) } button.button.primary type="submit" { (words.hunt_save()) } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_begins_a_hunt() {
        for (query, text, range) in [
            ("", "", "24h"),
            ("q=a%20b&range=7d", "a b", "7d"),
            ("q=x&from=2026-11-25T00:00:00Z", "x", ""),
            ("q=x&range=nonsense", "x", "24h"),
        ] {
            let asked = Asked::of_query(query);
            assert_eq!((asked.text.as_str(), asked.range.as_str()), (text, range), "{query}");
        }
        let from = "2026-11-25T00:00:00Z".parse().unwrap();
        let host = condition(EntityColumn::HostName, "a\"b");
        let address = address(&host, Some(from), None);
        let asked = Asked::of_query(address.split_once('?').unwrap().1);
        assert_eq!(asked.text, r#"host.name:"a\"b""#);
        assert_eq!(
            (asked.from.as_str(), asked.range.as_str()),
            ("2026-11-25T00:00:00Z", "")
        );
    }
}
