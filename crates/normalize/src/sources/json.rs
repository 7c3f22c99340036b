//! Plain JSON: any object that no other source claims. Its fields stand as they are; well-known names of times are read.

use compact_str::CompactString;
use model::{Fields, Value};

use super::{Reader, Source};
use crate::{draft::Draft, times};

pub(crate) const SOURCE: Source = Source {
    name: "json",
    programs: &[],
    reader: Reader::Json { recognise, read },
};

/// Where loggers put the time, the most exact first.
const TIME_NAMES: [&str; 9] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "datetime",
    "eventTime",
    "event_time",
    "EventTime",
    "date",
];

fn recognise(_: &Fields) -> bool {
    true
}

fn read(draft: &mut Draft) {
    read_time(draft, &TIME_NAMES);
    if let Some(host) = draft.fields.text("host").filter(|host| !host.is_empty()) {
        draft.entities.host_name = Some(CompactString::new(host).to_lowercase());
    }
}

/// Sets the time from the first of these fields that is one: ISO text, or seconds to nanoseconds since 1970.
pub(crate) fn read_time(draft: &mut Draft, names: &[&str]) -> bool {
    for name in names {
        let value = match draft.fields.get(name) {
            Some(Value::List(list)) => list.first(),
            other => other,
        };
        let moment = match value {
            Some(Value::Text(text)) => match times::of_epoch_text(text) {
                Some(at) => Some(at.into()),
                None => draft.iso(text),
            },
            Some(Value::Int(number)) => times::of_epoch(*number).map(Into::into),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "microseconds of a believable time fit 53 bits"
            )]
            Some(Value::Float(seconds)) if seconds.abs() < 1e11 => {
                times::Moment::of_microseconds((seconds * 1e6).round() as i64)
            }
            Some(Value::Null | Value::Bool(_) | Value::Uint(_) | Value::Float(_) | Value::List(_)) | None => None,
        };
        if let Some(moment) = moment {
            draft.happened(moment);
            return true;
        }
        if let Some(Value::Text(text)) = value {
            let text = text.clone();
            draft.unreadable_time(&text);
        }
    }
    false
}
