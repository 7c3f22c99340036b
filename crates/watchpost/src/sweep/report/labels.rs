//! What the report says, in both languages.

use model::{Language, Phrase, ProblemKind};

pub(super) const RULES: Phrase = Phrase::new("Luật đã khớp", "Rules that held");
pub(super) const HOSTS: Phrase = Phrase::new("Máy", "Hosts");
pub(super) const TECHNIQUES: Phrase = Phrase::new("Kỹ thuật ATT&CK", "ATT&CK techniques");
pub(super) const UNREAD: Phrase = Phrase::new("Không đọc được, hoặc không đọc hết", "Not read, or not wholly");
pub(super) const UNKNOWN_FORMAT: Phrase = Phrase::new("không rõ định dạng", "of no known format");
pub(super) const CUT_SHORT: Phrase = Phrase::new("không đọc được đến cuối", "not read to its end");
pub(super) const REFUSED: Phrase = Phrase::new("bản ghi bị từ chối", "refused records");
pub(super) const PROBLEMS: Phrase = Phrase::new("vấn đề trong sự kiện", "problems in events");
pub(super) const NOT_NAMED: Phrase = Phrase::new("(không nêu tên)", "(not named)");
pub(super) const SWEEP: Phrase = Phrase::new("Rà soát", "Sweep");
pub(super) const UTC: Phrase = Phrase::new("Giờ trong báo cáo là UTC.", "Times are UTC.");
pub(super) const NOTHING: Phrase = Phrase::new("Không luật nào khớp.", "No rule held.");

/// The columns of the list of levels.
pub(super) const LEVEL_COLUMNS: [Phrase; 3] = [
    Phrase::new("Mức", "Level"),
    Phrase::new("Phát hiện", "Detections"),
    Phrase::new("Luật", "Rules"),
];

/// The columns of the list of rules.
pub(super) const RULE_COLUMNS: [Phrase; 7] = [
    Phrase::new("Mức", "Level"),
    Phrase::new("Luật", "Rule"),
    Phrase::new("Số lần", "Count"),
    Phrase::new("Máy", "Hosts"),
    Phrase::new("Lần đầu", "First seen"),
    Phrase::new("Lần cuối", "Last seen"),
    Phrase::new("Ví dụ đầu tiên", "First example"),
];

/// The columns of the list of hosts.
pub(super) const HOST_COLUMNS: [Phrase; 9] = [
    Phrase::new("Máy", "Host"),
    Phrase::new("Nghiêm trọng", "Critical"),
    Phrase::new("Cao", "High"),
    Phrase::new("Trung bình", "Medium"),
    Phrase::new("Thấp", "Low"),
    Phrase::new("Thông tin", "Info"),
    Phrase::new("Luật", "Rules"),
    Phrase::new("Lần đầu", "First seen"),
    Phrase::new("Lần cuối", "Last seen"),
];

/// The columns of the list of techniques.
pub(super) const TECHNIQUE_COLUMNS: [Phrase; 3] = [
    Phrase::new("Kỹ thuật", "Technique"),
    Phrase::new("Phát hiện", "Detections"),
    Phrase::new("Luật", "Rules"),
];

/// The words for a kind of problem.
pub(super) fn problem(kind: ProblemKind, language: Language) -> &'static str {
    let phrase = match kind {
        ProblemKind::UnknownFormat => Phrase::new("chưa nhận ra định dạng", "unknown format"),
        ProblemKind::Malformed => Phrase::new("sai định dạng", "malformed"),
        ProblemKind::InvalidUtf8 => Phrase::new("ký tự không phải UTF-8", "invalid UTF-8"),
        ProblemKind::NoTime => Phrase::new("không có thời gian", "no time"),
        ProblemKind::GuessedTime => Phrase::new("thời gian phải suy đoán", "guessed time"),
        ProblemKind::ImplausibleTime => Phrase::new("thời gian vô lý", "implausible time"),
        ProblemKind::DuplicateName => Phrase::new("tên trường lặp", "duplicate name"),
        ProblemKind::LimitReached => Phrase::new("vượt giới hạn", "limit reached"),
        ProblemKind::Incomplete => Phrase::new("thiếu phần ghép", "incomplete"),
    };
    phrase.text(language)
}

/// That a list is cut, and how to see all of it.
pub(super) fn first_of(shown: usize, count: usize, language: Language) -> String {
    match language {
        Language::Vi => format!(" ({shown} dòng đầu trong {count}; thêm --all để xem hết)"),
        Language::En => format!(" (first {shown} of {count}; --all lists them)"),
    }
}

/// How many more hosts there are than are named.
pub(super) fn more_hosts(more: usize, uncounted: bool, language: Language) -> String {
    match (language, uncounted) {
        (_, false) => format!(" +{more}"),
        (Language::Vi, true) => format!(" +{more} trở lên"),
        (Language::En, true) => format!(" +{more} or more"),
    }
}

/// Numbers of the whole sweep, as far as a head says them.
pub(super) struct Head {
    pub(super) files: u64,
    pub(super) records: u64,
    pub(super) events: u64,
    pub(super) detections: u64,
    pub(super) rules: usize,
    pub(super) hosts: usize,
}

/// The whole sweep in one sentence, in two halves: what was read, what was found. `size` is how much was read.
pub(super) fn head(head: &Head, size: &str, language: Language) -> (String, String) {
    let Head {
        files,
        records,
        events,
        detections,
        rules,
        hosts,
    } = head;
    match language {
        Language::Vi => (
            format!("{files} tệp, {size}, {records} bản ghi, {events} sự kiện: "),
            format!("{detections} phát hiện của {rules} luật trên {hosts} máy"),
        ),
        Language::En => (
            format!(
                "{}, {size}, {}, {}: ",
                counted(*files, "file"),
                counted(*records, "record"),
                counted(*events, "event")
            ),
            format!(
                "{} of {} on {}",
                counted(*detections, "detection"),
                counted(*rules as u64, "rule"),
                counted(*hosts as u64, "host")
            ),
        ),
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
