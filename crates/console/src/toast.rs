//! What was just done, carried through the redirect after a change in the address of the page that follows.

use model::{Id, Silence};

use crate::{addresses, form::Form, frame::Toast, words::Words};

/// What was done with alerts, or with a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Acknowledge,
    Unacknowledge,
    Assign,
    Close,
    Reopen,
    Undo,
    SilenceMade,
    SilenceExtended,
    SilenceEnded,
    SilenceUndone,
}

impl Done {
    const ALL: [Done; 10] = [
        Self::Acknowledge,
        Self::Unacknowledge,
        Self::Assign,
        Self::Close,
        Self::Reopen,
        Self::Undo,
        Self::SilenceMade,
        Self::SilenceExtended,
        Self::SilenceEnded,
        Self::SilenceUndone,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Assign => "assign",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Undo => "undo",
            Self::SilenceMade => "silence-made",
            Self::SilenceExtended => "silence-extended",
            Self::SilenceEnded => "silence-ended",
            Self::SilenceUndone => "silence-undone",
        }
    }

    fn word(self, words: Words) -> &'static str {
        match self {
            Self::Acknowledge => words.done_acknowledge(),
            Self::Unacknowledge => words.done_unacknowledge(),
            Self::Assign => words.done_assign(),
            Self::Close => words.done_close(),
            Self::Reopen => words.done_reopen(),
            Self::Undo | Self::SilenceUndone => words.undone(),
            Self::SilenceMade => words.done_silence_made(),
            Self::SilenceExtended => words.done_silence_extended(),
            Self::SilenceEnded => words.done_silence_ended(),
        }
    }
}

/// The address of the page that follows, with what was done in it.
pub(crate) fn address(back: &str, done: Done, changed: usize, refused: usize, undo: Option<&str>) -> String {
    let back = addresses::way_back(back);
    let (changed, refused) = (changed.to_string(), refused.to_string());
    let query = addresses::query(&[
        ("done", done.as_str()),
        ("count", &changed),
        ("refused", &refused),
        ("undo", undo.unwrap_or_default()),
    ]);
    let (path, fragment) = back
        .split_once('#')
        .map_or((back.as_str(), ""), |(path, fragment)| (path, fragment));
    let query = if path.contains('?') {
        query.replacen('?', "&", 1)
    } else {
        query
    };
    let hash = if fragment.is_empty() { "" } else { "#" };
    format!("{path}{query}{hash}{fragment}")
}

/// The address of a silence's page after a step with it.
pub(crate) fn silence_address(silence: Id<Silence>, done: Done, undo: Option<u64>) -> String {
    let undo = undo.map(|entry| entry.to_string()).unwrap_or_default();
    format!(
        "/silences/{silence}{}",
        addresses::query(&[("done", done.as_str()), ("undo", &undo)])
    )
}

/// Reads back what was done with a silence.
pub(crate) fn of_silence_query(words: Words, query: &str, silence: Id<Silence>) -> Option<Toast> {
    let form = Form::parse(query.as_bytes());
    let done = form
        .one("done")
        .and_then(|name| Done::ALL.into_iter().find(|done| done.as_str() == name))?;
    Some(Toast {
        text: done.word(words).to_owned(),
        undo: undo_of(&form),
        undo_at: format!("/silences/{silence}/undo"),
        back: format!("/silences/{silence}"),
    })
}

fn undo_of(form: &Form) -> Option<String> {
    form.one("undo").filter(|undo| !undo.is_empty()).map(str::to_owned)
}

/// Reads it back.
pub(crate) fn of_query(words: Words, query: &str, back: &str) -> Option<Toast> {
    let form = Form::parse(query.as_bytes());
    let done = form
        .one("done")
        .and_then(|name| Done::ALL.into_iter().find(|done| done.as_str() == name))?;
    let count = |name| form.one(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    let mut text = String::new();
    if count("count") > 0 {
        text = format!("{}: {}", done.word(words), words.alerts(count("count")));
    }
    if count("refused") > 0 {
        let separator = if text.is_empty() { "" } else { " · " };
        text = format!("{text}{separator}{}", words.not_changed(count("refused")));
    }
    if text.is_empty() {
        words.nothing_selected().clone_into(&mut text);
    }
    Some(Toast {
        text,
        undo: undo_of(&form),
        undo_at: "/alerts/undo".to_owned(),
        back: back.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_survives_the_redirect() {
        let address = address("/queue?level=high", Done::Close, 2, 1, Some("17"));
        assert_eq!(address, "/queue?level=high&done=close&count=2&refused=1&undo=17");
        let toast = of_query(Words(model::Language::En), address.split_once('?').unwrap().1, "/queue").unwrap();
        assert_eq!(toast.text, "Closed: 2 alerts · 1 alert could not be changed");
        assert_eq!(toast.undo.as_deref(), Some("17"));
        assert_eq!(of_query(Words(model::Language::En), "q=done", "/queue"), None);
    }
}
