//! A rehearsed night: how the roster and the policies of the post would have held, kept as evidence.

use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Timestamp};

/// A rehearsed night and its score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightDrill {
    /// Its id.
    pub id: Id<NightDrill>,
    /// When it was played.
    pub played_at: Timestamp,
    /// The first instant of the night that was played.
    pub begins: Timestamp,
    /// The first instant after it.
    pub ends: Timestamp,
    /// The channel that failed that night.
    pub failed_channel: Option<String>,
    /// What happened, matter by matter.
    pub matters: Vec<DrillMatter>,
    /// Of 100 points.
    pub score: u8,
    /// Counts changes.
    pub revision: u64,
}

/// One matter of a rehearsed night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillMatter {
    /// What it was.
    pub subject: String,
    /// The team that was paged.
    pub team: String,
    /// When it came up.
    pub at: Timestamp,
    /// Seconds until somebody was paged; nobody was when absent.
    pub paged_after_seconds: Option<i64>,
    /// Seconds until enough people had it; nobody did when absent.
    pub acknowledged_after_seconds: Option<i64>,
    /// Who had it.
    pub by: Vec<String>,
    /// How many pages were ordered.
    pub pages: u32,
    /// Pages that a channel did not take.
    pub failed: u32,
    /// Steps with nobody.
    pub skipped: u32,
    /// Its points of 100.
    pub points: u8,
}

impl Kept for NightDrill {
    const KIND: &'static str = "night_drill";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "played".into(),
            due_at: Some(self.played_at),
            ..NounIndex::default()
        }
    }
}
