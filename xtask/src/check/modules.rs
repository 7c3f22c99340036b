//! Modules of `operations` meet in `model`, never in each other, so that one can become a crate by moving a folder.

use super::{Objection, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Objection> {
    let rooms = rooms_of_operations(files);
    let mut objections = Vec::new();
    for file in files {
        let Some(own) = room_of(&file.path) else { continue };
        for (at, line) in file.lines_before_tests() {
            for other in rooms.iter().filter(|other| **other != own) {
                if line.contains(&format!("crate::{other}::")) || line.contains(&format!("super::super::{other}")) {
                    let detail = format!("`{own}` opens into `{other}`; they meet in `model`");
                    objections.push(Objection::new(format!("{}:{at}", file.path), "rooms", detail));
                }
            }
        }
    }
    objections
}

fn rooms_of_operations(files: &[SourceFile]) -> Vec<&str> {
    let mut rooms: Vec<&str> = files.iter().filter_map(|file| room_of(&file.path)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

/// The room that a file of `operations` lies in; `lib.rs` is the hall and belongs to none.
fn room_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("crates/operations/src/")?;
    let first = below.split('/').next()?.trim_end_matches(".rs");
    (first != "lib").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_between_two_rooms_is_named() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.into(),
            text: text.into(),
        };
        let files = [
            file(
                "crates/operations/src/alerts/triage.rs",
                "//! T.\nuse crate::silences::covers;",
            ),
            file("crates/operations/src/silences.rs", "//! S."),
        ];
        let places: Vec<String> = check(&files).into_iter().map(|objection| objection.place).collect();
        assert_eq!(places, ["crates/operations/src/alerts/triage.rs:2"]);
    }
}
