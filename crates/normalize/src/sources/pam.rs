//! Linux-PAM's modules, which write through the program that uses them: `pam_unix(sshd:auth): authentication failure; …`.

use super::{Reader, Reading, Source, logsources};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "pam",
    programs: &[],
    reader: Reader::Text {
        recognise: |line| line.program.is_some() && line.text.starts_with("pam_"),
        read: |line, draft| {
            if !read(line.text, draft) {
                return Reading::NotMine;
            }
            draft.logsources = AUTH.clone();
            Reading::Done
        },
    },
};

logsources! {
    static AUTH = ("", "linux", "auth"), ("", "linux", "syslog");
}

/// Reads a message of a PAM module; false when it is none.
pub(super) fn read(message: &str, draft: &mut Draft) -> bool {
    let Some((module, rest)) = message.split_once('(') else {
        return false;
    };
    if !module.starts_with("pam_") || module.contains(' ') {
        return false;
    }
    let Some((place, text)) = rest.split_once("): ") else {
        return false;
    };
    let (service, stage) = place.split_once(':').unwrap_or((place, ""));
    draft.push_text("pam_module", module);
    draft.push_text("pam_service", service);
    draft.push_text("pam_type", stage);
    if let Some(rest) = text.strip_prefix("session opened for user ") {
        session(rest, "session_opened", draft);
    } else if let Some(rest) = text.strip_prefix("session closed for user ") {
        session(rest, "session_closed", draft);
    } else if let Some(name) = text.strip_prefix("password changed for ") {
        draft.push_text("action", "password_changed");
        draft.push_text("user", name);
    } else if let Some((_, pairs)) = text.split_once("authentication failure") {
        draft.push_text("action", "pam_authentication");
        draft.push_text("outcome", "failure");
        failure(pairs, draft);
    }
    true
}

/// `root(uid=0) by alice(uid=1000)`; older versions leave the numbers out.
fn session(text: &str, action: &str, draft: &mut Draft) {
    draft.push_text("action", action);
    let (user, by) = text.split_once(" by ").unwrap_or((text, ""));
    for (name_field, id_field, who) in [("user", "uid", user), ("ruser", "ruid", by)] {
        let (name, id) = who.split_once('(').unwrap_or((who, ""));
        if !name.is_empty() {
            draft.push_text(name_field, name);
        }
        if let Some(id) = id.strip_prefix("uid=").and_then(|id| id.strip_suffix(')')) {
            draft.push_text(id_field, id);
        }
    }
}

/// `; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.7  user=root`.
fn failure(text: &str, draft: &mut Draft) {
    for pair in text.trim_start_matches(';').split_ascii_whitespace() {
        if let Some((name, value)) = pair.split_once('=')
            && !value.is_empty()
            && ["logname", "uid", "euid", "tty", "ruser", "rhost", "user"].contains(&name)
        {
            draft.push_text(name, value);
        }
    }
}
