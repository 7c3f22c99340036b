//! Evidence: taking it in with a record, and a link of the chain of custody for everything that is done with it.

use model::{
    AcquiredBy, Change, Custody, CustodyStep, Decision, Entity, EntityKind, Entropy, Evidence, Id, Incident, Notice,
    Permission, Phrase, Rejected, RuleLevel, SourceId, Timestamp,
};

use crate::{Step, nth};

/// The rule of what does not fit between the store of evidence and the duty book.
pub const STORE: &str = "watchpost/evidence-store";
/// Its title.
pub const STORE_TITLE: Phrase = Phrase::new(
    "Kho chứng cứ không khớp với sổ trực",
    "The store of evidence does not fit the duty book",
);

const NAME_MISSING: Phrase = Phrase::new("hãy đặt tên cho chứng cứ", "the evidence needs a name");
const TOO_LONG: Phrase = Phrase::new("quá dài", "too long");
const OVER: Phrase = Phrase::new(
    "sự cố đã được nhập vào sự cố khác",
    "the incident goes on as part of another",
);

/// Evidence as it is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquisition {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// BLAKE3 of its bytes.
    pub blake3: String,
    /// How it was acquired.
    pub acquired: AcquiredBy,
    /// Where it comes from and why it was taken.
    pub note: String,
    /// Whether it is, or may be, malware.
    pub malware: bool,
}

/// Takes evidence in; its bytes lie in the store already. Gives its record and the decision.
///
/// # Errors
/// When it has no name, something is too long, the incident goes on as another, or the role does not allow it.
pub fn acquire(
    new: &Acquisition,
    incident: Option<&Incident>,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<(Evidence, Decision), Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    let name = new.name.trim();
    if name.is_empty() {
        return invalid("name", NAME_MISSING);
    }
    if name.len() > Evidence::NAME_BYTES_MAX {
        return invalid("name", TOO_LONG);
    }
    if new.note.len() > Evidence::NOTE_BYTES_MAX {
        return invalid("note", TOO_LONG);
    }
    if incident.is_some_and(|incident| incident.state.as_str() == "merged") {
        return Err(Rejected::NotNow(OVER));
    }
    let evidence = Evidence {
        id: Id::born(step.at, entropy),
        incident: incident.map(|incident| incident.id),
        name: name.to_owned(),
        bytes: new.bytes,
        sha256: new.sha256.clone(),
        blake3: new.blake3.clone(),
        acquired: new.acquired.clone(),
        at: step.at,
        by: step.scope.actor().clone(),
        note: new.note.trim().to_owned(),
        malware: new.malware,
        revision: 1,
    };
    let link = custody_of(
        &evidence,
        CustodyStep::Acquired,
        &evidence.note,
        (step, nth(entropy, 1)),
    );
    let changes = vec![Change::put(&evidence), Change::put(&link)];
    let decision = step.decides("evidence.acquire", Some(&evidence.note), changes);
    Ok((evidence, decision))
}

/// Notes what was done with pieces of evidence.
///
/// # Errors
/// When the role does not allow it.
pub fn custody(
    done: &[(&Evidence, CustodyStep)],
    why: &str,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let changes = done
        .iter()
        .enumerate()
        .map(|(n, (evidence, did))| Change::put(&custody_of(evidence, did.clone(), why, (step, nth(entropy, n)))))
        .collect();
    let action = match done.first() {
        Some((_, CustodyStep::Exported { .. })) => "evidence.export",
        Some((_, CustodyStep::Verified { .. })) => "evidence.verify",
        Some((_, CustodyStep::Read | CustodyStep::Acquired)) | None => "evidence.read",
    };
    Ok(step.decides(action, Some(why), changes))
}

fn custody_of(evidence: &Evidence, did: CustodyStep, why: &str, (step, entropy): (Step<'_>, Entropy)) -> Custody {
    Custody {
        id: Id::born(step.at, entropy),
        evidence: evidence.id,
        at: step.at,
        by: step.scope.actor().clone(),
        step: did,
        why: why.trim().to_owned(),
    }
}

/// What people must be told when store and duty book do not fit: how many objects are missing, lie there without a record,
/// or were never finished. None when they fit.
#[must_use]
pub fn misfit(missing: usize, orphans: usize, unfinished: usize, now: Timestamp) -> Option<Notice> {
    if missing + orphans + unfinished == 0 {
        return None;
    }
    Some(Notice {
        rule: STORE,
        title: STORE_TITLE,
        level: if missing > 0 {
            RuleLevel::Critical
        } else {
            RuleLevel::Medium
        },
        entity: Entity {
            kind: EntityKind::Source,
            name: "watchpost/evidence".into(),
        },
        source: SourceId::new("watchpost"),
        summary: format!("missing={missing} without_record={orphans} unfinished={unfinished}"),
        since: now,
    })
}
