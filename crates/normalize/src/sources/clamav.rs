//! `ClamAV`: malware that its scanners found, and signatures that grew old. What was found is an event of an antivirus in Sigma's sense.

use super::{Line, Reader, Reading, Source, logsources};
use crate::{draft::Draft, envelopes::stamp};

pub(super) const SOURCE: Source = Source {
    name: "clamav",
    programs: &[
        "clamd",
        "clamav",
        "clamscan",
        "clamdscan",
        "clamonacc",
        "freshclam",
        "clamav-daemon",
        "clamav-milter",
    ],
    reader: Reader::Text { recognise, read },
};

logsources! {
    static CLAMAV = ("", "linux", "clamav"), ("", "linux", "syslog");
    /// It found something.
    static FOUND = ("antivirus", "", ""), ("antivirus", "linux", "clamav"), ("", "linux", "clamav"), ("", "linux", "syslog");
}

/// Lines of the daemon's own log file, `Sat Mar 14 09:09:40 2026 -> SelfCheck: Database status OK.`, and findings in that of `clamscan`, which
/// writes no time.
fn recognise(line: &Line<'_>) -> bool {
    stamped(line.text).is_some() || found(line.text).is_some()
}

fn stamped(text: &str) -> Option<(stamp::Stamp, &str)> {
    let (stamp, rest) = stamp::bsd(text)?;
    Some((stamp, rest.strip_prefix("-> ")?))
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let message = match stamped(line.text) {
        Some((stamp, message)) => {
            stamp.settle(draft);
            message
        }
        None if line.program.is_some() || recognise(line) => line.text,
        None => return Reading::NotMine,
    };
    if line.program.is_none() {
        draft.push_text("message", message);
    }
    draft.logsources = CLAMAV.clone();
    if let Some(found) = found(message) {
        draft.logsources = FOUND.clone();
        draft.push_text("action", "malware_found");
        match client(found.file) {
            Some((address, port)) => {
                draft.push_text("src_ip", address);
                draft.push_untyped("src_port", port);
            }
            None => draft.push_text("Filename", found.file),
        }
        draft.push_text("Signature", found.signature);
        hashes(found.details, draft);
    } else if let Some((from, signature)) = infected_mail(message) {
        draft.logsources = FOUND.clone();
        draft.push_text("action", "malware_found");
        draft.push_text("from", from);
        draft.push_text("Signature", signature);
    } else if let Some((file, to)) = moved(message) {
        draft.push_text("action", "quarantined");
        draft.push_text("Filename", file);
        draft.push_text("moved_to", to);
    } else if let Some(file) = message.strip_suffix(": Removed.") {
        draft.push_text("action", "removed");
        draft.push_text("Filename", file);
    } else if message.contains("installation is OUTDATED") {
        draft.push_text("action", "outdated");
    } else if let Some((database, rest)) = message.split_once(" updated (version: ") {
        draft.push_text("action", "signatures_updated");
        draft.push_text("database", database);
        draft.push_untyped("version", rest.split([',', ')']).next().unwrap_or_default());
    }
    Reading::Done
}

/// A finding: what, where, and what stands in brackets behind the signature.
struct Found<'a> {
    file: &'a str,
    signature: &'a str,
    details: &'a str,
}

/// `/srv/up/x.php: Webshell.PHP-1 FOUND`; with `ExtendedDetectionInfo` the signature is followed by `(digest:size)`.
fn found(message: &str) -> Option<Found<'_>> {
    let (file, what) = message.strip_suffix(" FOUND")?.rsplit_once(": ")?;
    let (signature, details) = what.split_once('(').unwrap_or((what, ""));
    (!signature.is_empty() && !signature.contains(' ')).then(|| Found {
        file: file.strip_prefix("ScanOnAccess: ").unwrap_or(file),
        signature,
        details: details.trim_end_matches(')'),
    })
}

/// Who sent the bytes when they came over the network: `instream(203.0.113.9@40112)`.
fn client(file: &str) -> Option<(&str, &str)> {
    file.strip_prefix("instream(")?.strip_suffix(')')?.rsplit_once('@')
}

/// The digest of the file by its length: MD5 in older versions, SHA-256 in newer ones.
fn hashes(details: &str, draft: &mut Draft) {
    let Some((digest, size)) = details.split_once(':') else {
        return;
    };
    if !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return;
    }
    let name = match digest.len() {
        32 => "md5",
        40 => "sha1",
        64 => "sha256",
        _ => return,
    };
    draft.push_text(name, digest);
    draft.push_untyped("size", size);
}

/// `Message 4F1 from <a@example.vn> to <b@example.vn> infected by Win.Test`, of the milter.
fn infected_mail(message: &str) -> Option<(&str, &str)> {
    let (head, signature) = message.split_once(" infected by ")?;
    let (_, addresses) = head.strip_prefix("Message ")?.split_once(" from ")?;
    let from = addresses.split_once(" to ").map_or(addresses, |(from, _)| from);
    Some((from.trim_matches(['<', '>']), signature))
}

/// `/srv/up/x.php: moved to '/var/quarantine/x.php'`
fn moved(message: &str) -> Option<(&str, &str)> {
    let (file, rest) = message.split_once(": moved to '")?;
    Some((file, rest.strip_suffix('\'')?))
}
