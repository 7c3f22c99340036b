//! The Linux audit system: each line by itself, then, when all lines of an event are together, as what they mean: a
//! started process, a network connection, a written file.

use model::{ProblemKind, Value};

use super::{Line, Reader, Reading, Source, logsources};
use crate::{
    assembler::Ending,
    draft::{Draft, Joins},
};

mod line;
mod whole;

pub(super) const SOURCE: Source = Source {
    name: "auditd",
    programs: &["audispd", "audit", "auditd", "audisp-syslog"],
    reader: Reader::Text {
        recognise: |line| recognise(line.text),
        read: |line, draft| read(line, draft),
    },
};

logsources! {
    static AUDITD = ("", "linux", "auditd");
}

/// Whether the text has the header of an audit record.
pub(crate) fn recognise(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(400)];
    head.contains("type=") && head.contains("audit(")
}

fn read(text: &Line<'_>, draft: &mut Draft) -> Reading {
    let Some(line) = line::read(text.text) else {
        return Reading::NotMine;
    };
    draft.logsources = AUDITD.clone();
    draft.happened(line.at);
    if let Some(node) = line.node {
        draft.push_text("node", node);
        draft.entities.host_name = Some(node.to_lowercase().into());
    }
    draft.entities.event_code = Some(line.kind.as_ref().into());
    draft.push_text("type", &line.kind);
    if line.cut {
        draft.limit_reached("values of an audit record");
    }
    for (name, value) in &line.values {
        if name == "key" && value.contains(',') {
            draft.push("key", Value::List(value.split(',').map(Value::text).collect()));
        } else {
            draft.push_text(name.as_ref(), value);
        }
    }
    match ending(&line.kind) {
        Some(ending) => {
            draft.joins = Some(Joins {
                id: line.id.into(),
                ending,
                whole: whole::complete,
            });
        }
        None => by_itself(draft),
    }
    Reading::Done
}

/// How a record ends its event; nothing for a record that is always alone, which are those that programs send.
fn ending(kind: &str) -> Option<Ending> {
    const ALONE: [&str; 14] = [
        "USER", "CRED_", "ADD_", "DEL_", "GRP_", "SERVICE_", "DAEMON_", "SYSTEM_", "USYS_", "CRYPTO_", "VIRT_",
        "ACCT_", "CHUSER_", "TTY",
    ];
    match kind {
        "EOE" => Some(Ending::Last),
        "PROCTITLE" => Some(Ending::Ripe),
        "SECCOMP" | "ANOM_ABEND" | "CHGRP_ID" => None,
        _ if ALONE.iter().any(|begins| kind.starts_with(begins)) => None,
        _ => Some(Ending::Open),
    }
}

/// `acct` is who it is about, `res` whether it succeeded.
fn by_itself(draft: &mut Draft) {
    let result = draft.fields.text("res").map(str::to_owned);
    match result.as_deref() {
        Some("success" | "1" | "yes") => draft.push_text("outcome", "success"),
        Some("failed" | "0" | "no") => draft.push_text("outcome", "failure"),
        Some(other) => draft.problem(ProblemKind::Malformed, format!("res={other}")),
        None => {}
    }
}
