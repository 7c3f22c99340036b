//! AWS CloudTrail: one record of the log files, or a whole file that was not split into its records.

use compact_str::CompactString;
use model::{Fields, ProblemKind};

use super::{Reader, Source, json::read_time, logsources};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "cloudtrail",
    programs: &[],
    reader: Reader::Json { recognise, read },
};

logsources! {
    static CLOUDTRAIL = ("", "aws", "cloudtrail"), ("", "aws", "");
}

/// Before each name when a file's `Records` array came as one record.
const UNSPLIT: &str = "Records.";

fn recognise(fields: &Fields) -> bool {
    let has = |name| fields.get(name).is_some();
    has("eventSource") && has("eventName") && has("eventVersion")
        || has("Records.eventSource") && has("Records.eventName")
}

fn read(draft: &mut Draft) {
    if draft.fields.get("Records.eventName").is_some() {
        for field in &mut draft.fields {
            if let Some(name) = field.name.strip_prefix(UNSPLIT) {
                field.name = CompactString::new(name);
            }
        }
        draft.problem(
            ProblemKind::Malformed,
            "a Records array that was not split: its records are mixed here",
        );
    }
    draft.logsources = CLOUDTRAIL.clone();
    read_time(draft, &["eventTime"]);
    if draft.fields.text("userIdentity.type") == Some("Root") {
        draft.entities.user_name = Some(CompactString::const_new("root"));
    }
}
