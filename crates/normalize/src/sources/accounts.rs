//! The shadow tools: `useradd`, `usermod`, `userdel`, `groupadd`, `groupmod`, `groupdel`, `gpasswd`, `passwd`, `chage`.

use super::{Reader, Reading, Source, logsources, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "accounts",
    programs: &[
        "useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "gpasswd", "passwd", "chpasswd", "chage",
        "chsh", "chfn",
    ],
    reader: Reader::Text {
        recognise: |_| false,
        read: |line, draft| {
            draft.logsources = ACCOUNTS.clone();
            if !pam::read(line.text, draft) {
                read(line.text, draft);
            }
            Reading::Done
        },
    },
};

logsources! {
    static ACCOUNTS = ("", "linux", "auth"), ("", "linux", "syslog");
}

/// Reads one message.
fn read(message: &str, draft: &mut Draft) {
    for (begins, action, subject) in [
        ("new user: ", "user_added", "user"),
        ("new group: ", "group_added", "group"),
        ("failed adding user ", "user_add_failed", "user"),
        ("delete user ", "user_deleted", "user"),
        ("change user ", "user_changed", "user"),
        ("lock user ", "user_locked", "user"),
        ("unlock user ", "user_unlocked", "user"),
        ("password for ", "password_changed", "user"),
        ("changed password expiry for ", "password_expiry_changed", "user"),
        ("removed group ", "group_deleted", "group"),
        ("group ", "group_changed", "group"),
    ] {
        if let Some(rest) = message.strip_prefix(begins) {
            draft.push_text("action", action);
            if rest.contains('=') && begins.ends_with(": ") {
                pairs(rest, subject, draft);
            } else {
                draft.push_text(subject, first_name(rest));
                by(rest, draft);
            }
            return;
        }
    }
    membership(message, draft);
}

/// `name=alice, UID=1001, GID=1001, home=/home/alice, shell=/bin/bash, from=none`.
fn pairs(text: &str, subject: &str, draft: &mut Draft) {
    for pair in text.split(", ") {
        if let Some((name, value)) = pair.split_once('=') {
            draft.push_text(if name == "name" { subject } else { name }, value);
        }
    }
}

/// `'alice'…`, or a bare word.
fn first_name(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next().unwrap_or_default(),
        None => text.split([' ', ',']).next().unwrap_or_default(),
    }
}

/// `… changed by 'root'`, `… by root`.
fn by(text: &str, draft: &mut Draft) {
    if let Some((_, who)) = text.rsplit_once(" by ") {
        draft.push_text("ruser", who.trim_matches('\''));
    }
}

/// `add 'alice' to group 'sudo'`, `user alice added by root to group sudo`, `delete 'alice' from group 'sudo'`.
fn membership(message: &str, draft: &mut Draft) {
    let (action, rest) = if let Some(rest) = message.strip_prefix("add ") {
        ("member_added", rest)
    } else if let Some(rest) = message.strip_prefix("delete ") {
        ("member_removed", rest)
    } else if let Some(rest) = message.strip_prefix("user ") {
        let action = if rest.contains(" added ") {
            "member_added"
        } else if rest.contains(" removed ") {
            "member_removed"
        } else {
            return;
        };
        (action, rest)
    } else {
        return;
    };
    let Some((who, group)) = rest.rsplit_once("group ") else {
        return;
    };
    draft.push_text("action", action);
    draft.push_text("user", first_name(rest));
    draft.push_text("group", group.trim_matches('\''));
    if let Some((_, by)) = who.split_once(" by ") {
        draft.push_text("ruser", first_name(by));
    }
}
