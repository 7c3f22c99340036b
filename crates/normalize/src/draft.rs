//! An event in the making: what envelopes and sources have found out so far about one record.

use compact_str::CompactString;
use jiff::{Timestamp, civil, tz::Offset};
use model::{Entities, Event, Fields, LogSourceSet, Problem, ProblemKind, RawRecord, Seq, Value};

use crate::{
    assembler::Ending,
    limits,
    settings::Settings,
    times::{self, Moment},
};

/// Collects what is read from one record. Sources push fields under the record's own names; entity columns that a
/// source does not set are filled from the fields by the shared table in `entities.rs`.
pub(crate) struct Draft {
    /// When the record was received: what guesses of years are made from.
    pub(crate) received_at: Timestamp,
    /// The offset of times that name no zone.
    zoneless_offset: Offset,
    /// Whether the time of receipt may tell that they are UTC.
    receipt_tells_utc: bool,
    /// The source module that read it.
    pub(crate) format: &'static str,
    /// The Sigma log sources it belongs to.
    pub(crate) logsources: LogSourceSet,
    /// What was read.
    pub(crate) fields: Fields,
    /// The entity columns that the source sets itself.
    pub(crate) entities: Entities,
    /// Set when the record is only part of an event.
    pub(crate) joins: Option<Joins>,
    problems: Vec<Problem>,
    moment: Option<Moment>,
    time_problem: Option<Problem>,
}

/// Says that a record is a fragment: those with the same id (from the same source and host) become one event.
pub(crate) struct Joins {
    /// What the fragments of one event have in common (auditd's `1731234567.123:4567`).
    pub(crate) id: CompactString,
    /// Whether this fragment says that the group is whole.
    pub(crate) ending: Ending,
    /// Looks at the joined event once it is whole: log sources and fields that need all fragments.
    pub(crate) whole: fn(&mut Event),
}

impl Draft {
    pub(crate) fn new(record: &RawRecord, settings: &Settings, empty: &LogSourceSet) -> Self {
        Self {
            received_at: record.received_at,
            zoneless_offset: settings.zoneless_offset,
            receipt_tells_utc: settings.receipt_tells_utc,
            format: "unknown",
            logsources: empty.clone(),
            fields: Fields::with_capacity(48),
            entities: Entities::default(),
            joins: None,
            problems: Vec::new(),
            moment: None,
            time_problem: None,
        }
    }

    /// Adds a field; past [`limits::FIELDS_MAX`] or [`limits::TEXT_BYTES_MAX`] a problem stands for what is left out.
    pub(crate) fn push(&mut self, name: impl Into<CompactString>, value: Value) {
        if self.fields.len() >= limits::FIELDS_MAX {
            self.limit_reached("fields");
            return;
        }
        self.fields.push(name, value);
    }

    /// Adds a text field, cut to [`limits::TEXT_BYTES_MAX`].
    pub(crate) fn push_text(&mut self, name: impl Into<CompactString>, text: &str) {
        let kept = cut(text);
        if kept.len() < text.len() {
            self.limit_reached("length of a text");
        }
        self.push(name, Value::text(kept));
    }

    /// Adds a field of a format without types: a whole number where the text is one as numbers are written, else text.
    pub(crate) fn push_untyped(&mut self, name: impl Into<CompactString>, text: &str) {
        match whole_number(text) {
            Some(number) => self.push(name, Value::Int(number)),
            None => self.push_text(name, text),
        }
    }

    /// Notes a problem, at most [`limits::PROBLEMS_MAX`].
    pub(crate) fn problem(&mut self, kind: ProblemKind, detail: impl Into<String>) {
        if self.problems.len() < limits::PROBLEMS_MAX {
            self.problems.push(Problem::new(kind, detail));
        }
    }

    /// Notes once that a named limit cut something.
    pub(crate) fn limit_reached(&mut self, what: &str) {
        let is_known = |problem: &Problem| problem.kind == ProblemKind::LimitReached && problem.detail == what;
        if !self.problems.iter().any(is_known) {
            self.problem(ProblemKind::LimitReached, what);
        }
    }

    /// Sets when it happened. What is set later counts: the content knows better than its envelope.
    pub(crate) fn happened(&mut self, moment: impl Into<Moment>) {
        self.moment = Some(moment.into());
    }

    /// Sets when it happened from an ISO 8601 text; a zone that is missing is guessed. False when the text is no time.
    pub(crate) fn happened_iso(&mut self, text: &str) -> bool {
        let moment = self.iso(text);
        self.happened_if_read(moment, &text)
    }

    /// Sets when it happened from a local time; a zone that is missing is guessed.
    pub(crate) fn happened_civil(&mut self, local: civil::DateTime, zone: Option<Offset>) {
        self.moment = self.zoned(|assumed| Some(times::of_civil(local, zone, assumed)));
    }

    /// Sets when it happened from month, day and time; the year is guessed, and the zone where it is missing.
    pub(crate) fn happened_yearless(&mut self, month: i8, day: i8, time: civil::Time, zone: Option<Offset>) {
        let moment = self.zoned(|assumed| times::of_yearless((month, day, time), zone, assumed, self.received_at));
        self.happened_if_read(moment, &format_args!("{month}-{day} {time}"));
    }

    /// An ISO 8601 text as a time; a zone that is missing is guessed.
    pub(crate) fn iso(&self, text: &str) -> Option<Moment> {
        self.zoned(|assumed| times::of_iso(text, assumed))
    }

    /// Reads a time by the offset of times without a zone, or as UTC where only that is when the record was received.
    fn zoned(&self, read: impl Fn(Offset) -> Option<Moment>) -> Option<Moment> {
        let moment = read(self.zoneless_offset)?;
        let just_then = |moment: &Moment| {
            let late = self.received_at.as_second() - moment.at.as_second();
            late.abs() <= limits::JUST_THEN_SECONDS
        };
        if !self.receipt_tells_utc || moment.guess.is_none() || just_then(&moment) {
            return Some(moment);
        }
        Some(read(Offset::UTC).filter(just_then).unwrap_or(moment))
    }

    /// Whether something was assumed about when it happened.
    pub(crate) fn is_guess(&self) -> bool {
        self.moment.as_ref().is_some_and(|moment| moment.guess.is_some())
    }

    /// Takes back what was set, for a source that prefers a better time if there is one.
    pub(crate) fn take_moment(&mut self) -> Option<Moment> {
        self.moment.take()
    }

    fn happened_if_read(&mut self, moment: Option<Moment>, text: &dyn std::fmt::Display) -> bool {
        let is_read = moment.is_some();
        if is_read {
            self.moment = moment;
        } else {
            self.unreadable_time(text);
        }
        is_read
    }

    /// Notes a text that stands where a time should be; it counts when nothing else says when it happened.
    pub(crate) fn unreadable_time(&mut self, text: &dyn std::fmt::Display) {
        let text: String = text.to_string().chars().take(64).collect();
        self.time_problem = Some(Problem::new(ProblemKind::NoTime, format!("not a time: {text}")));
    }

    /// Makes the event; gives what joins it with others beside it.
    pub(crate) fn into_event(mut self, seq: Seq, record: &RawRecord) -> (Event, Option<Joins>) {
        let happened_at = self.settle_time();
        crate::entities::fill(&self.fields, &mut self.entities);
        let event = Event {
            seq,
            records: 1,
            source: record.source.clone(),
            happened_at,
            received_at: record.received_at,
            format: CompactString::const_new(self.format),
            logsources: self.logsources,
            fields: self.fields,
            entities: self.entities,
            raw: record.bytes.clone(),
            problems: self.problems,
            exercise: record.exercise,
        };
        (event, self.joins)
    }

    fn settle_time(&mut self) -> Timestamp {
        let Some(moment) = self.moment.take() else {
            let problem = self.time_problem.take();
            let problem = problem.unwrap_or_else(|| Problem::new(ProblemKind::NoTime, "the record has no time"));
            self.problem(problem.kind, problem.detail);
            return self.received_at;
        };
        if !times::is_plausible(moment.at, self.received_at) {
            self.problem(ProblemKind::ImplausibleTime, moment.at.to_string());
            return self.received_at;
        }
        if let Some(guess) = moment.guess {
            self.problem(ProblemKind::GuessedTime, guess);
        }
        moment.at
    }
}

/// The number that a text is, when writing the number gives the text again: `007` and `+7` are no numbers.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = digits.len() <= 19 && (digits == "0" && text.len() == 1 || !digits.starts_with('0'));
    if is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The beginning of a text, at most [`limits::TEXT_BYTES_MAX`] bytes, cut at a character boundary.
pub(crate) fn cut(text: &str) -> &str {
    if text.len() <= limits::TEXT_BYTES_MAX {
        return text;
    }
    &text[..text.floor_char_boundary(limits::TEXT_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    #[test]
    fn only_what_is_written_as_a_number_is_one() {
        for (text, number) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("007", None),
            ("+0700", None),
            ("-0", None),
            ("-", None),
            ("", None),
            ("1.5", None),
        ] {
            assert_eq!(whole_number(text), number, "{text}");
        }
    }
}
