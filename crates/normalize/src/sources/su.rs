//! su and login: changes of user on a terminal.

use super::{Reader, Reading, Source, logsources, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "su",
    programs: &["su", "login", "su-l"],
    reader: Reader::Text {
        recognise: |_| false,
        read: |line, draft| {
            draft.logsources = SU.clone();
            if !pam::read(line.text, draft) {
                read(line.text, draft);
            }
            Reading::Done
        },
    },
};

logsources! {
    static SU = ("", "linux", "auth"), ("", "linux", "syslog");
}

/// Reads one message of `su` or `login`.
fn read(message: &str, draft: &mut Draft) {
    if let Some((outcome, rest)) = switched(message) {
        draft.push_text("action", "authentication");
        draft.push_text("outcome", outcome);
        // `(to root) alice on pts/0`
        if let Some((target, rest)) = rest.strip_prefix("(to ").and_then(|rest| rest.split_once(") ")) {
            let (user, terminal) = rest.split_once(" on ").unwrap_or((rest, ""));
            draft.push_text("ruser", user);
            draft.entities.user_name = Some(crate::draft::cut(user).into());
            draft.push_text("user", target);
            draft.push_text("tty", terminal);
        }
    } else if let Some((user, terminal)) = root_login(message) {
        draft.push_text("action", "authentication");
        draft.push_text("outcome", "success");
        draft.push_text("user", user);
        draft.push_text("tty", terminal);
    } else if let Some((_, rest)) = message.split_once("FAILED LOGIN ") {
        // `FAILED LOGIN (1) on '/dev/tty1' FOR 'bob', Authentication failure`
        draft.push_text("action", "authentication");
        draft.push_text("outcome", "failure");
        if let Some((_, rest)) = rest.split_once(" FOR '")
            && let Some((user, _)) = rest.rsplit_once('\'')
        {
            draft.push_text("user", user);
        }
    }
}

fn switched(message: &str) -> Option<(&'static str, &str)> {
    if let Some(rest) = message.strip_prefix("FAILED SU ") {
        return Some(("failure", rest));
    }
    let rest = message.strip_prefix("Successful su ").unwrap_or(message);
    rest.starts_with("(to ").then_some(("success", rest))
}

/// `ROOT LOGIN  on '/dev/tty1'` and `LOGIN ON tty1 BY bob`.
fn root_login(message: &str) -> Option<(&str, &str)> {
    if let Some(rest) = message.strip_prefix("ROOT LOGIN") {
        return Some(("root", rest.trim_start().trim_start_matches("on ").trim_matches('\'')));
    }
    let (terminal, user) = message.strip_prefix("LOGIN ON ")?.split_once(" BY ")?;
    Some((user.split(' ').next().unwrap_or(user), terminal))
}
