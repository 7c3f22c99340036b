//! The steps of a report's life: begun, answered where the ledger has no fact, sent. Sending does not end it: an amended
//! report can be sent again, and each sending is kept with the digest of what left the house.

use model::{
    About, Answer, Change, Decision, Entropy, FieldKind, Id, Organisation, Permission, Rejected, Report, Sending,
};

use super::{Form, Matter, ORGANISATION_FIELDS, invalid, kind_of, read_answer};
use crate::Step;

/// What a new report is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// What it is about.
    pub about: About,
    /// Its number and sign, when there is one.
    pub number: Option<String>,
}

/// One answer to a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The path of the fact.
    pub path: String,
    /// The words; empty ones take the answer back.
    pub text: String,
}

/// What is said about a report that left the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// To whom.
    pub to: String,
    /// How.
    pub how: String,
    /// The receipt's number, or nothing.
    pub receipt: String,
    /// SHA-256 of its facts.
    pub facts_digest: String,
    /// SHA-256 of its file.
    pub file_digest: String,
    /// The gaps it was sent with.
    pub gaps: Vec<String>,
}

/// Longest number, addressee, way and receipt in bytes.
const LINE_BYTES_MAX: usize = 500;

/// Begins a report.
///
/// # Errors
/// When the role does not allow it, or the form is about something else.
pub fn begin(form: &Form, new: NewReport, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteReports)?;
    let matter = match &new.about {
        About::Alert { .. } | About::Incident { .. } => Matter::Alert,
        About::Period { from, to } => {
            if from >= to {
                return Err(invalid(
                    "to",
                    "phải sau thời điểm bắt đầu",
                    "must be after the beginning",
                ));
            }
            Matter::Period
        }
        About::Letter {
            number,
            issuer,
            date,
            subject,
        } => {
            for (field, text) in [
                ("number", number),
                ("issuer", issuer),
                ("date", date),
                ("subject", subject),
            ] {
                line(field, text, true)?;
            }
            read_answer(FieldKind::Date, date).map_err(|problem| Rejected::Invalid { field: "date", problem })?;
            Matter::Letter
        }
        About::Watch { .. } => Matter::Watch,
    };
    if matter != form.about {
        return Err(invalid(
            "form",
            "không phải biểu mẫu cho việc này",
            "is not a form for this",
        ));
    }
    let number = new
        .number
        .map(|number| number.trim().to_owned())
        .filter(|number| !number.is_empty());
    line("number", number.as_deref().unwrap_or_default(), false)?;
    let report = Report {
        id: Id::born(step.at, entropy),
        form: form.id.clone(),
        about: new.about,
        number,
        answers: std::collections::BTreeMap::new(),
        created_at: step.at,
        created_by: step.scope.actor().clone(),
        sent: Vec::new(),
        revision: 1,
    };
    Ok(step.decides("report.begin", None, vec![put(report)]))
}

/// Answers gaps, takes answers back, and gives the report its number.
///
/// # Errors
/// When the role does not allow it, nothing changes, an answer is not of its kind, or there are too many.
pub fn answer(
    report: &Report,
    form: &Form,
    replies: &[Reply],
    number: &str,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteReports)?;
    let mut changed = report.clone();
    line("number", number, false)?;
    changed.number = Some(number.trim().to_owned()).filter(|number| !number.is_empty());
    for reply in replies {
        let text = reply.text.trim();
        if text.is_empty() {
            changed.answers.remove(&reply.path);
            continue;
        }
        let standing = changed.answers.get(&reply.path);
        if standing.is_some_and(|answer| answer.text == text) {
            continue;
        }
        let known = kind_of(form, &reply.path).or(reply.path.starts_with("organisation.").then_some(FieldKind::Text));
        let Some(kind) = known else {
            return Err(invalid(
                "answer",
                "biểu mẫu không hỏi điều này",
                "the form does not ask for this",
            ));
        };
        if text.len() > Report::ANSWER_BYTES_MAX {
            return Err(invalid("answer", "quá dài", "is too long"));
        }
        read_answer(kind, text).map_err(|problem| Rejected::Invalid {
            field: "answer",
            problem,
        })?;
        let answer = Answer {
            text: text.to_owned(),
            by: step.scope.actor().clone(),
            at: step.at,
        };
        changed.answers.insert(reply.path.clone(), answer);
    }
    if changed.answers.len() > Report::ANSWERS_MAX {
        return Err(invalid("answer", "quá nhiều câu trả lời", "there are too many answers"));
    }
    if changed == *report {
        return Err(Rejected::AlreadySo);
    }
    changed.revision += 1;
    Ok(step.decides("report.answer", None, vec![put(changed)]))
}

/// Records that a report left the house, with or without gaps.
///
/// # Errors
/// When the role does not allow it, the addressee or the way is missing, or it was sent too often.
pub fn send(report: &Report, sent: Sent, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::SendReports)?;
    line("to", &sent.to, true)?;
    line("how", &sent.how, true)?;
    line("receipt", &sent.receipt, false)?;
    if report.sent.len() >= Report::SENDINGS_MAX {
        return Err(invalid("to", "đã gửi quá nhiều lần", "it was sent too often"));
    }
    let mut changed = report.clone();
    changed.sent.push(Sending {
        at: step.at,
        by: step.scope.actor().clone(),
        to: sent.to.trim().to_owned(),
        how: sent.how.trim().to_owned(),
        receipt: sent.receipt.trim().to_owned(),
        facts_digest: sent.facts_digest,
        file_digest: sent.file_digest,
        gaps: sent.gaps,
    });
    changed.revision += 1;
    Ok(step.decides("report.send", None, vec![put(changed)]))
}

/// Changes how the organisation is named; `revision` is the setting's as it was read, 0 when there is none.
///
/// # Errors
/// When the role does not allow it, or a field is too long.
///
/// # Panics
/// Never: an organisation is plain texts.
pub fn describe_organisation(organisation: &Organisation, revision: u64, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteUsers)?;
    let value = serde_json::to_value(organisation).expect("an organisation is plain texts");
    for (field, _) in ORGANISATION_FIELDS {
        let length = value.get(field).and_then(serde_json::Value::as_str).map_or(0, str::len);
        if length > Organisation::FIELD_BYTES_MAX {
            return Err(invalid(field, "quá dài", "is too long"));
        }
    }
    let change = Change::PutSetting {
        name: Organisation::SETTING.to_owned(),
        value: value.to_string(),
        revision: revision + 1,
    };
    Ok(step.decides("setting.organisation", None, vec![change]))
}

fn put(report: Report) -> Change {
    Change::PutReport {
        report: Box::new(report),
    }
}

fn line(field: &'static str, text: &str, required: bool) -> Result<(), Rejected> {
    if required && text.trim().is_empty() {
        return Err(invalid(field, "không được để trống", "is required"));
    }
    if text.len() > LINE_BYTES_MAX || text.contains(['\n', '\r']) {
        return Err(invalid(
            field,
            "quá dài hoặc có xuống dòng",
            "is too long or has several lines",
        ));
    }
    Ok(())
}
