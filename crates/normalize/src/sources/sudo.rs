//! sudo: who ran what as whom, and who was refused. A command that ran is also a created process, because sudo writes
//! its full path and arguments.

use super::{Reader, Reading, Source, logsources, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "sudo",
    programs: &["sudo"],
    reader: Reader::Text {
        recognise: |_| false,
        read: |line, draft| {
            draft.logsources = SUDO.clone();
            if !pam::read(line.text, draft) && read(line.text, draft) {
                draft.logsources = RAN.clone();
            }
            Reading::Done
        },
    },
};

logsources! {
    static SUDO = ("", "linux", "sudo"), ("", "linux", "auth"), ("", "linux", "syslog");
    /// A command that sudo has run, too.
    static RAN = ("", "linux", "sudo"), ("", "linux", "auth"), ("", "linux", "syslog"), ("process_creation", "linux", "");
}

/// Reads one message; true when it tells of a command that was run.
fn read(message: &str, draft: &mut Draft) -> bool {
    let text = message.trim_start();
    let Some((user, rest)) = text.split_once(" : ") else {
        return false;
    };
    draft.push_text("ruser", user);
    draft.entities.user_name = Some(crate::draft::cut(user).into());
    let mut ran = true;
    let mut rest = rest;
    // The reason of a refusal stands before the pairs: `3 incorrect password attempts ; TTY=…`.
    if !begins_with_pair(rest) {
        let (reason, after) = rest.split_once(" ; ").unwrap_or((rest, ""));
        draft.push_text("reason", reason);
        draft.push_text("outcome", "failure");
        ran = false;
        rest = after;
    }
    draft.push_text("action", "sudo");
    // The command comes last and may contain anything.
    while !rest.is_empty() {
        if let Some(command) = rest.strip_prefix("COMMAND=") {
            command_fields(command, ran, draft);
            return ran;
        }
        let (pair, after) = rest.split_once(" ; ").unwrap_or((rest, ""));
        if let Some((name, value)) = pair.split_once('=') {
            draft.push_text(name, value);
            if name == "USER" {
                draft.push_text(if ran { "User" } else { "target_user" }, value);
            }
        }
        rest = after;
    }
    false
}

fn begins_with_pair(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
}

fn command_fields(command: &str, ran: bool, draft: &mut Draft) {
    draft.push_text("COMMAND", command);
    if ran {
        draft.push_text("outcome", "success");
        draft.push_text("CommandLine", command);
        let program = command.split(' ').next().unwrap_or_default();
        if program.starts_with('/') {
            draft.push_text("Image", program);
        }
    }
}
