//! cron and crontab: jobs that ran and tables that changed, `(user) VERB (detail)`.

use super::{Reader, Reading, Source, logsources, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "cron",
    programs: &["cron", "CRON", "crond", "crontab", "anacron", "atd"],
    reader: Reader::Text {
        recognise: |_| false,
        read: |line, draft| {
            draft.logsources = CRON.clone();
            if !pam::read(line.text, draft) {
                read(line.text, draft);
            }
            Reading::Done
        },
    },
};

logsources! {
    static CRON = ("", "linux", "cron"), ("", "linux", "syslog");
}

/// Reads one message of `cron`, `crond`, `CRON`, `anacron` or `crontab`.
fn read(message: &str, draft: &mut Draft) {
    let Some((user, rest)) = message.strip_prefix('(').and_then(|rest| rest.split_once(") ")) else {
        return;
    };
    let (verb, detail) = rest.split_once(" (").unwrap_or((rest, ""));
    let detail = detail.strip_suffix(')').unwrap_or(detail);
    draft.push_text("user", user);
    draft.push_text("action", verb);
    match verb {
        "CMD" => draft.push_text("command", detail),
        "REPLACE" | "BEGIN EDIT" | "END EDIT" | "LIST" | "DELETE" | "RELOAD" => draft.push_text("crontab", detail),
        _ => draft.push_text("detail", detail),
    }
}
