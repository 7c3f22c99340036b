//! Words of hunting.

use super::Words;

super::messages! {
    nav_hunt: "Truy tìm", "Hunt";
    hunt_title: "Truy tìm trong sự kiện", "Hunt in all events";
    hunt_lead: "Tìm trong mọi sự kiện đã nhận, không phân biệt hoa thường và dấu.", "Looks through every event received; case and tone marks do not matter.";
    hunt_line: "Dòng tìm kiếm", "Search line";
    hunt_range: "Khoảng thời gian", "Span of time";
    hunt_range_own: "Từ … đến …", "From … to …";
    hunt_go: "Truy tìm", "Hunt";
    hunt_stop: "Dừng", "Stop";
    hunt_from: "Từ", "From";
    hunt_before: "Trước", "Before";
    hunt_columns: "Cột", "Columns";
    hunt_help: "Cách viết dòng tìm kiếm", "How to write a search line";
    hunt_help_text: "văn bản ở bất cứ đâu trong bản ghi", "this text anywhere in the record";
    hunt_help_wildcard: "cả giá trị khớp; * thay cho mọi thứ, ? cho một chữ", "the whole value matches; * is anything, ? one letter";
    hunt_help_exact: "đúng từng chữ, kể cả hoa thường; nhanh nhất", "exactly so, case included; the quickest";
    hunt_help_network: "địa chỉ nguồn hoặc đích trong mạng này", "source or destination in this network";
    hunt_help_range: "từ … đến …, kể cả hai đầu; cũng có > >= < <=", "from … to …, both included; also > >= < <=";
    hunt_help_boolean: "OR (HOẶC), NOT (KHÔNG) hoặc -, dấu ngoặc; viết liền nhau nghĩa là cùng có", "OR, NOT or -, brackets; side by side means all of them";
    hunt_help_present: "có giá trị bất kỳ", "has any value";
    hunt_help_field: "trường riêng của bản ghi; tên đã biết thì không cần fields.", "a field of the record; known names need no fields.";
    hunt_events: "sự kiện", "events";
    hunt_found: "tìm thấy", "found";
    hunt_read: "đã đọc", "read";
    hunt_spared: "phần không cần đọc", "parts spared";
    hunt_incomplete: "Chưa đầy đủ", "Not complete";
    hunt_failed: "Truy tìm không xong", "The hunt failed";
    hunt_nothing: "Không tìm thấy sự kiện nào trong khoảng thời gian này.", "No event was found in this span of time.";
    hunt_include: "chỉ giá trị này", "only this value";
    hunt_exclude: "bỏ giá trị này", "not this value";
    hunt_as_column: "thêm thành cột", "as a column";
    hunt_missing: "không có", "without";
    hunt_others: "khác", "others";
    hunt_counted: "đếm trên các sự kiện mới nhất", "counted over the newest events";
    hunt_around: "5 phút trước và sau", "Five minutes before and after";
    hunt_host_timeline: "Dòng thời gian của máy", "Timeline of the host";
    hunt_too_many: "Bạn đang có quá nhiều lần truy tìm; hãy dừng một lần.", "You have too many hunts running; stop one.";
    hunt_newest: "hiện những sự kiện mới nhất", "the newest shown";
    hunt_rows: "dòng", "rows";
    hunt_highest: "cao nhất", "most";
    hunt_elsewhere: "giá trị này còn xuất hiện ở đâu", "where else this value appears";
    hunt_needs_script: "Trang này cần JavaScript; không có thì dùng lệnh watchpost hunt.", "This page needs JavaScript; without it, use the command watchpost hunt.";
    hunt_when: "Khi nào", "When";
    hunt_brush: "kéo trên biểu đồ để thu hẹp thời gian", "drag across the chart to narrow the time";
    hunt_facets: "Giá trị hay gặp", "Frequent values";
    hunt_table: "Sự kiện", "Events";
    hunt_record: "Bản ghi đầy đủ", "The whole record";
    hunt_raw: "Nguyên văn", "As it came";
    hunt_export: "Xuất tất cả:", "Export all:";
    hunt_saved: "Truy tìm đã lưu", "Saved hunts";
    hunt_saved_none: "Chưa lưu lần truy tìm nào.", "No hunt was saved yet.";
    hunt_shared: "dùng chung", "shared";
    hunt_share: "Dùng chung", "Share";
    hunt_unshare: "Thôi dùng chung", "Share no more";
    hunt_drop: "Bỏ", "Drop";
    hunt_save: "Lưu truy tìm này", "Save this hunt";
    hunt_save_title: "Tên", "Title";
    hunt_save_shared: "mọi người truy tìm đều thấy", "everybody who hunts sees it";
    hunt_time_limit: "đã hết thời gian cho phép", "the time limit was reached";
    hunt_row_limit: "chỉ hiện số dòng đầu", "only so many rows are shown";
    hunt_memory_limit: "đã hết bộ nhớ và chỗ tạm trên đĩa cho phép; hãy thu hẹp câu hỏi", "the memory and the room on the disk that it may take are used up; ask for less";
    hunt_unknown_name: "không có cột, bảng hay hàm này", "there is no such column, table or function";
    hunt_did_you_mean: "có phải ý bạn là", "did you mean";
    hunt_cannot_be_read: "không đọc được câu hỏi", "the question cannot be read";
    hunt_at_line: "dòng", "line";
    hunt_at_column: "cột", "column";
    hunt_only_reads: "truy tìm chỉ đọc và chỉ hỏi một câu", "a hunt only reads, and asks one question";
    hunt_makes_no_sense: "câu hỏi không hợp với các cột này", "the question does not fit these columns";
    hunt_cancelled: "đã dừng theo yêu cầu", "stopped on request";
    hunt_set_aside: "tệp hỏng đã được để riêng, phần còn lại vẫn được trả lời", "a damaged file was set aside, the rest is answered";
}

impl Words {
    /// The words for a step with hunts, and with what is kept; `None` for other steps.
    pub(crate) fn hunt_action(self, action: &str) -> Option<&'static str> {
        Some(match action {
            "triage.look_back" => self.pick("Tìm lại trong kho", "Looked back"),
            "indicators.look_back" => self.pick("Tìm lại chỉ báo trong kho", "Looked back for indicators"),
            "hunt.save" => self.pick("Lưu lần truy tìm", "Saved a hunt"),
            "hunt.share" => self.pick(
                "Dùng chung hoặc thôi dùng chung lần truy tìm",
                "Shared a hunt, or no more",
            ),
            "hunt.drop" => self.pick("Bỏ lần truy tìm", "Dropped a saved hunt"),
            "lake.hold" => self.pick("Giữ lại sự kiện", "Held events"),
            "lake.release" => self.pick("Thôi giữ sự kiện", "Released held events"),
            "lake.drop" => self.pick("Bỏ sự kiện cũ khỏi kho", "Dropped old events"),
            "lake.damaged" => self.pick("Có tệp trong kho bị hỏng", "Found damaged files in the lake"),
            "lake.whole" => self.pick("Tệp trong kho lại nguyên vẹn", "Found the lake whole again"),
            _others => return None,
        })
    }

    /// A span of time as it is offered.
    pub(crate) fn hunt_range_of(self, range: &str) -> &'static str {
        let (vi, en) = match range {
            "15m" => ("15 phút qua", "last 15 minutes"),
            "1h" => ("1 giờ qua", "last hour"),
            "24h" => ("24 giờ qua", "last 24 hours"),
            "7d" => ("7 ngày qua", "last 7 days"),
            "30d" => ("30 ngày qua", "last 30 days"),
            _all => ("tất cả", "all"),
        };
        match self.0 {
            model::Language::Vi => vi,
            model::Language::En => en,
        }
    }
}
