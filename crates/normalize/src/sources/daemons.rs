//! Programs of a Linux machine whose messages are plain sentences: what they need is the right log source, so that
//! rules with keywords look at them.

use model::LogSourceSet;

use super::{Line, Reader, Reading, Source, auditd, logsources, netfilter, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "linux",
    programs: &[
        "kernel",
        "systemd",
        "systemd-logind",
        "init",
        "polkitd",
        "pkexec",
        "gdm-password",
        "lightdm",
        "dovecot",
        "vsftpd",
        "guacd",
        "guacamole",
    ],
    reader: Reader::Text {
        recognise: |_| false,
        read,
    },
};

logsources! {
    static AUTH = ("", "linux", "auth"), ("", "linux", "syslog");
    static GUACAMOLE = ("", "linux", "guacamole"), ("", "linux", "syslog");
    static KERNEL = ("", "linux", "kernel"), ("", "linux", "syslog");
    static SYSTEMD = ("", "linux", "systemd"), ("", "linux", "syslog");
    static VSFTPD = ("", "linux", "vsftpd"), ("", "linux", "auth"), ("", "linux", "syslog");
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let program = line.program.unwrap_or_default();
    // The kernel also carries what other sources read.
    if program == "kernel" && (netfilter::is_packet(line.text) || auditd::recognise(line.text)) {
        return Reading::NotMine;
    }
    draft.logsources = logsources_of(program);
    if !pam::read(line.text, draft) {
        match program {
            "systemd" => unit(line.text, draft),
            "systemd-logind" => session(line.text, draft),
            _ => {}
        }
    }
    Reading::Done
}

fn logsources_of(program: &str) -> LogSourceSet {
    match program {
        "kernel" => KERNEL.clone(),
        "systemd" | "init" => SYSTEMD.clone(),
        "vsftpd" => VSFTPD.clone(),
        "guacd" | "guacamole" => GUACAMOLE.clone(),
        _ => AUTH.clone(),
    }
}

/// `Started nginx.service - A high performance web server.`, `nginx.service: Failed with result 'exit-code'.`
fn unit(message: &str, draft: &mut Draft) {
    if let Some((name, _)) = message.split_once(": ")
        && is_unit(name)
    {
        draft.push_text("unit", name);
    }
    for (begins, action) in [
        ("Started ", "unit_started"),
        ("Starting ", "unit_starting"),
        ("Stopped ", "unit_stopped"),
        ("Stopping ", "unit_stopping"),
        ("Failed to start ", "unit_failed"),
        ("Reloading", "reloading"),
    ] {
        if let Some(rest) = message.strip_prefix(begins) {
            draft.push_text("action", action);
            let name = rest.split(" - ").next().unwrap_or(rest);
            if is_unit(name) {
                draft.push_text("unit", name);
            }
            return;
        }
    }
}

fn is_unit(name: &str) -> bool {
    let kinds = [
        ".service", ".socket", ".timer", ".mount", ".scope", ".slice", ".target", ".path", ".device",
    ];
    !name.contains(' ') && kinds.iter().any(|kind| name.ends_with(kind))
}

/// `New session 12 of user alice.`
fn session(message: &str, draft: &mut Draft) {
    if let Some((number, user)) = message
        .strip_prefix("New session ")
        .and_then(|rest| rest.split_once(" of user "))
    {
        draft.push_text("action", "session_opened");
        draft.push_text("session", number);
        draft.push_text("user", user.trim_end_matches('.'));
    }
}
