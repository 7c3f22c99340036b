//! Restoring: the catalogue of services, in what order they come back, which of them is the cause when several are down, how far
//! their clocks are, and what backups and drills prove.

mod backups;
mod order;
mod steps;

use model::Phrase;

pub use backups::{AgeFinding, clean_point, drill_notice, drills_due, judge_snapshots, snapshot_notice};
pub use order::{Cycle, Look, Standing, alarms, restore_order, standings};
pub use steps::{keep_drill, keep_looks, put_backup, put_service};

/// The rule of services that do not work.
pub const DOWN: &str = "watchpost/service-down";
/// Its title.
pub const DOWN_TITLE: Phrase = Phrase::new("Dịch vụ không hoạt động", "A service does not work");
/// The rule of backups that are too old, or shrank.
pub const BACKUP: &str = "watchpost/backup-stale";
/// Its title.
pub const BACKUP_TITLE: Phrase = Phrase::new("Bản sao lưu quá cũ hoặc bất thường", "A backup is too old or odd");
/// The rule of drills that failed.
pub const DRILL: &str = "watchpost/drill-failed";
/// Its title.
pub const DRILL_TITLE: Phrase = Phrase::new("Diễn tập khôi phục thất bại", "A restore drill failed");
/// Why an alert of these closes by itself.
pub const OVER: &str = "Đã trở lại bình thường · It is as it should be again";
