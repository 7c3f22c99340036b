//! The proof of coverage: a sweep over all instants at which who is on duty can change.

use compact_str::CompactString;
use model::Timestamp;

use super::{Roster, on_duty, turns};

/// A stretch on which a position has too few people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The position.
    pub position: CompactString,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// How many people are missing, at least at one instant of it.
    pub missing: u32,
}

/// All gaps of a team between two instants, in order of positions, then of time; none proves that it is covered throughout.
/// A position whose minimum is 0 has no gaps.
#[must_use]
pub fn gaps(roster: Roster<'_>, from: Timestamp, until: Timestamp) -> Vec<Gap> {
    let mut found = Vec::new();
    for position in &roster.team.positions {
        let mut open: Option<Gap> = None;
        for (begin, end) in stretches(roster, &position.key, from, until) {
            let there = u32::try_from(on_duty(roster, &position.key, begin).len()).unwrap_or(u32::MAX);
            let missing = position.people_min.saturating_sub(there);
            if missing == 0 {
                found.extend(open.take());
                continue;
            }
            let gap = open.get_or_insert_with(|| Gap {
                position: position.key.clone(),
                from: begin,
                until: end,
                missing,
            });
            gap.until = end;
            gap.missing = gap.missing.max(missing);
        }
        found.extend(open);
    }
    found
}

/// The stretches between two instants on each of which nothing changes in a position.
pub(super) fn stretches(
    roster: Roster<'_>,
    position: &str,
    from: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let mut cuts = Vec::new();
    for rotation in roster
        .team
        .rotations
        .iter()
        .filter(|rotation| rotation.position == position)
    {
        cuts.extend(turns::hand_overs(rotation, roster.zone, from, until));
    }
    for over in roster.team.overrides.iter().filter(|over| over.position == position) {
        cuts.extend([over.from, over.until]);
    }
    for away in roster.absences {
        cuts.push(away.from);
        cuts.extend(away.until);
    }
    cuts.retain(|cut| from < *cut && *cut < until);
    if from < until {
        cuts.extend([from, until]);
    }
    cuts.sort_unstable();
    cuts.dedup();
    let ends: Vec<Timestamp> = cuts.iter().skip(1).copied().collect();
    cuts.into_iter().zip(ends)
}
