//! Questions to named people: their answers are evidence, are measured like everything else, and expire.

use jiff::SignedDuration;
use model::{
    Bound, Change, Decision, Finding, Id, Measurement, Permission, Phrase, Question, Rejected, Reply, Unit, User,
};

use super::{measure::sha256, words::required};
use crate::Step;

const NOT_YOURS: Phrase = Phrase::new(
    "câu hỏi này hỏi người khác; hãy chuyển cho mình trước",
    "somebody else was asked; hand it to yourself first",
);

/// Answers a question. The answer is kept with the question and, as a measurement, for good.
///
/// # Errors
/// When somebody else was asked, the words are missing, or the role does not allow it.
pub fn answer(question: &Question, holds: bool, words: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    if question.person != by {
        return Err(Rejected::NotNow(NOT_YOURS));
    }
    let words = required("words", words)?;
    let expires_at = step.at + SignedDuration::from_hours(i64::from(question.good_for_hours));
    let mut answered = question.clone();
    answered.revision += 1;
    answered.answer = Some(Reply {
        at: step.at,
        by,
        holds,
        words: words.clone(),
        expires_at,
    });
    let measurement = Measurement {
        control: question.control(),
        at: step.at,
        window_from: step.at,
        value: Some(if holds { 1.0 } else { 0.0 }),
        unit: Unit::Count,
        bound: Bound::AtLeast(1.0),
        population: 1,
        failed: if holds {
            Vec::new()
        } else {
            vec![format!("question/{}", question.id).into()]
        },
        failed_count: u64::from(!holds),
        query: question.words.vi.clone(),
        query_hash: sha256(&question.words.vi),
        finding: if holds { Finding::Holds } else { Finding::FallsShort },
        note: Some(words.clone()),
        expires_at,
    };
    let changes = vec![
        Change::put(&answered),
        Change::AddMeasurements {
            measurements: vec![measurement],
        },
    ];
    Ok(step.decides("question.answer", Some(&words), changes))
}

/// Asks somebody else.
///
/// # Errors
/// When they are asked already, or the role does not allow it.
pub fn hand_to(question: &Question, person: Id<User>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    if question.person == person {
        return Err(Rejected::AlreadySo);
    }
    let mut handed = question.clone();
    handed.revision += 1;
    handed.person = person;
    Ok(step.decides("question.hand_to", None, vec![Change::put(&handed)]))
}
