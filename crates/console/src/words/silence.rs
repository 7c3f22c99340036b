//! Words of silences and of the duty book.

use model::Language;

use super::Words;

super::messages! {
    silences_title: "Tạm ẩn cảnh báo", "Silences";
    silences_lead: "Phát hiện bị ẩn vẫn được lưu và đếm. Mỗi lệnh ẩn có người chịu trách nhiệm, lý do và ngày hết hạn.", "Hidden detections are kept and counted. Each silence has an owner, a reason and an end.";
    silence_new: "Tạo lệnh tạm ẩn", "New silence";
    silences_active: "Đang có hiệu lực", "In force";
    silences_expiring: "Sắp hết hạn (24 giờ tới)", "Ending within 24 hours";
    silences_ended: "Đã hết", "Over";
    silences_empty: "Chưa có lệnh tạm ẩn nào. Mọi phát hiện đều được hiện.", "There is no silence. Every detection is shown.";
    silence_hides: "Phạm vi", "Scope";
    silence_hidden_count: "Đã ẩn", "Hidden so far";
    silence_hidden_last: "ẩn gần nhất", "last hid";
    silence_owner: "Người chịu trách nhiệm", "Owner";
    silence_expires: "Hết hạn", "Ends";
    silence_ended_by: "Kết thúc sớm bởi", "Ended early by";
    silence_end: "Kết thúc ngay", "End now";
    silence_change: "Gia hạn, kết thúc", "Extend or end";
    silence_extend: "Gia hạn", "Extend";
    silence_extend_by: "Thêm bao lâu, tính từ lúc sắp hết hạn", "How much longer, from its present end";
    silence_extend_why: "Vì sao cần thêm thời gian", "Why it needs more time";
    silence_end_why: "Vì sao không cần ẩn nữa", "Why it is no longer needed";
    silence_made: "Tạo lúc", "Made";
    silence_expected: "Dự kiến ẩn", "Expected to hide";
    silence_hidden_title: "Những gì đã bị ẩn", "What it has hidden";
    silence_hidden_nothing: "Lệnh này chưa ẩn phát hiện nào.", "It has hidden nothing so far.";
    silence_hidden_gone: "Chi tiết của những phát hiện này không còn được giữ; con số vẫn đúng.", "The details of these are no longer kept; their number is right.";
    done_silence_made: "Đã tạo lệnh tạm ẩn", "The silence is in force";
    done_silence_extended: "Đã gia hạn", "Extended";
    done_silence_ended: "Đã kết thúc lệnh tạm ẩn", "The silence was ended";
    silence_rule: "Mã luật", "Rule id";
    silence_rule_hint: "Để trống nghĩa là mọi luật.", "Empty means every rule.";
    silence_entity_kind: "Loại đối tượng", "Kind of entity";
    silence_entity_name: "Tên đối tượng", "Name of the entity";
    silence_entity_hint: "Để trống nghĩa là mọi đối tượng.", "Empty means every entity.";
    silence_fields: "Điều kiện trên trường", "Field conditions";
    silence_fields_hint: "Mỗi dòng một điều kiện, dạng Trường=giá trị; phải khớp tất cả, không phân biệt hoa thường.", "One a line, as Field=value; all must be equal, ASCII case ignored.";
    silence_why: "Vì sao được phép ẩn", "Why may it be hidden";
    silence_comment: "Giải thích", "In your words";
    silence_comment_hint: "Ghi rõ đã kiểm tra gì, với ai. Dòng này được lưu vào sổ trực.", "What was checked, and with whom. It goes into the duty book.";
    silence_duration: "Thời hạn", "For how long";
    silence_create: "Tạm ẩn", "Silence";
    preview_title: "Nếu đã có lệnh này từ đầu", "Had it been in force so far";
    preview_wait: "Điền phạm vi để xem lệnh sẽ ẩn những gì.", "Fill in a scope to see what it would hide.";
    preview_nothing: "Chưa phát hiện nào từng khớp phạm vi này.", "No detection so far fits this scope.";
    preview_alerts: "Cảnh báo liên quan", "Alerts concerned";
    preview_hosts: "Máy liên quan", "Hosts concerned";
    preview_whole_alerts: "sẽ ẩn hẳn", "hidden altogether";
    preview_refresh: "Xem trước", "Preview";
    scope_everything: "mọi thứ", "everything";

    one_hour: "1 giờ", "1 hour";
    eight_hours: "8 giờ (hết ca)", "8 hours (a shift)";
    one_day: "1 ngày", "1 day";
    one_week: "7 ngày", "7 days";
    one_month: "30 ngày", "30 days";
    three_months: "90 ngày", "90 days";

    duty_book_title: "Sổ trực", "Duty book";
    duty_book_lead: "Mọi quyết định theo thứ tự, nối với nhau bằng mã băm: sửa một dòng thì mọi dòng sau đều lộ.", "Every decision in order, chained by hash: altering one shows in all that follow.";
    duty_book_subject: "Về", "Subject";
    duty_book_subject_hint: "Mã của cảnh báo, lệnh ẩn, tài khoản hoặc tên nguồn.", "Id of an alert, a silence or an account, or the name of a source.";
    duty_book_same: "Mọi mục về cùng đối tượng", "All entries about the same";
    duty_book_actor: "Người quyết định", "Who decided";
    duty_book_action: "Việc", "Action";
    duty_book_hash: "Mã băm", "Hash";
    duty_book_number: "Số", "No.";
    duty_book_verify: "Kiểm tra chuỗi băm", "Verify the chain";
    duty_book_intact: "Chuỗi băm nguyên vẹn", "The chain is intact";
    duty_book_broken: "Chuỗi băm bị sửa từ mục số", "The chain was tampered with from entry number";
    duty_book_empty: "Không có mục nào khớp.", "No entry fits.";
    duty_book_older: "Cũ hơn", "Older";
    the_post: "trạm trực", "the post";
    people_only: "Chỉ việc do người làm", "People’s decisions only";
}

impl Words {
    /// The words for an action of the duty book; `None` for one without words of its own.
    pub(crate) fn ledger_action(self, action: &str) -> Option<&'static str> {
        let (vi, en) = match action {
            "alert.acknowledge" => ("Nhận xử lý cảnh báo", "Acknowledged an alert"),
            "alert.unacknowledge" => ("Trả cảnh báo lại hàng đợi", "Gave an alert back"),
            "alert.assign" => ("Phân công cảnh báo", "Assigned an alert"),
            "alert.close" => ("Kết thúc cảnh báo", "Closed an alert"),
            "alert.reopen" => ("Mở lại cảnh báo", "Reopened an alert"),
            "alert.undo" => ("Hoàn tác", "Undid a step"),
            "silence.create" => ("Tạo lệnh tạm ẩn", "Made a silence"),
            "silence.extend" => ("Gia hạn lệnh tạm ẩn", "Extended a silence"),
            "silence.undo" => ("Hoàn tác với lệnh tạm ẩn", "Undid a step with a silence"),
            "silence.end" => ("Kết thúc lệnh tạm ẩn", "Ended a silence"),
            "token.create" => ("Tạo token cho nguồn", "Made a source token"),
            "token.revoke" => ("Thu hồi token", "Revoked a source token"),
            "api_token.create" => ("Tạo token API", "Made an API token"),
            "api_token.revoke" => ("Thu hồi token API", "Revoked an API token"),
            "api_token.use" => ("Dùng token API", "Used an API token"),
            "account.create" => ("Tạo tài khoản", "Made an account"),
            "account.role" => ("Đổi vai trò", "Changed a role"),
            "account.enable" => ("Mở khoá tài khoản", "Enabled an account"),
            "account.disable" => ("Khoá tài khoản", "Disabled an account"),
            "account.password" => ("Đổi mật khẩu", "Changed a password"),
            "account.profile" => ("Đổi thông tin tài khoản", "Changed an account"),
            "session.open" => ("Đăng nhập", "Signed in"),
            "session.end" => ("Kết thúc phiên", "Ended a session"),
            "setup.link" => ("Tạo liên kết thiết lập", "Made the setup link"),
            "account.first" => ("Tạo tài khoản đầu tiên", "Made the first account"),
            "browser.subscribe" => ("Đăng ký nhận thông báo", "Subscribed a browser"),
            "browser.unsubscribe" => ("Huỷ nhận thông báo", "Unsubscribed a browser"),
            "browser.test" => ("Gửi thử thông báo", "Sent a test message"),
            "delivery.give_up" => ("Bỏ cuộc gửi tin", "Gave up messages"),
            "delivery.retry" => ("Gửi lại tin", "Sent a message again"),
            "triage.batch" => ("Phân loại phát hiện", "Triaged detections"),
            _ => return self.hunt_action(action).or_else(|| self.incident_action(action)),
        };
        Some(match self.0 {
            Language::Vi => vi,
            Language::En => en,
        })
    }

    /// The words for a kind of thing that entries are about; `None` for one without words of its own.
    pub(crate) fn ledger_subject(self, kind: &str) -> Option<&'static str> {
        let (vi, en) = match kind {
            "alert" => ("cảnh báo", "alert"),
            "silence" => ("lệnh tạm ẩn", "silence"),
            "source" => ("nguồn", "source"),
            "account" => ("tài khoản", "account"),
            "source_token" => ("token của nguồn", "source token"),
            "api_token" => ("token API", "API token"),
            "setting" => ("thiết lập", "setting"),
            "setup_link" => ("liên kết thiết lập", "setup link"),
            "session" => ("phiên", "session"),
            "report" => ("báo cáo", "report"),
            _ => return None,
        };
        Some(match self.0 {
            Language::Vi => vi,
            Language::En => en,
        })
    }
}
