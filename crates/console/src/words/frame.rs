//! Words of the frame around every page: navigation, levels, states, roles, errors.

use model::{Disposition, EntityKind, Role, RuleLevel, SilenceReason};

use super::Words;

super::messages! {
    product: "Watchpost", "Watchpost";
    skip_to_content: "Đến nội dung chính", "Skip to content";
    navigation: "Điều hướng chính", "Main navigation";
    nav_queue: "Cần xử lý", "Queue";
    nav_silences: "Tạm ẩn", "Silences";
    nav_sources: "Nguồn nhật ký", "Sources";
    nav_rules: "Luật phát hiện", "Rules";
    nav_duty_book: "Sổ trực", "Duty book";
    nav_wall: "Màn hình lớn", "Wall display";
    nav_users: "Tài khoản", "Accounts";
    nav_account: "Tài khoản của tôi", "My account";
    sign_out: "Đăng xuất", "Sign out";
    theme_switch: "Đổi giao diện sáng, tối", "Switch between light and dark";
    keyboard_help: "Phím tắt", "Keyboard shortcuts";
    close_dialog: "Đóng lại", "Dismiss";
    cancel: "Thôi", "Cancel";
    save: "Lưu", "Save";
    search: "Tìm", "Search";
    filter: "Lọc", "Filter";
    all: "Tất cả", "All";
    more: "Trang sau", "Next page";
    first_page: "Trang đầu", "First page";
    exercise: "Diễn tập", "Exercise";
    exercise_running: "Có cảnh báo diễn tập trong danh sách: không phải sự cố thật.", "The list has alerts of an exercise: they are not a real incident.";
    exercise_apart: "Các con số phía trên chỉ đếm cảnh báo thật.", "The figures above count real alerts only.";
    live_on: "Đang cập nhật trực tiếp", "Live";
    live_off: "Mất kết nối, đang nối lại…", "Connection lost, reconnecting…";
    undo: "Hoàn tác", "Undo";
    undone: "Đã hoàn tác", "Undone";
    you: "bạn", "you";
    now: "vừa xong", "just now";
    reason: "Lý do", "Reason";
    time: "Thời gian", "Time";
    actions: "Thao tác", "Actions";
    state: "Trạng thái", "State";
    level: "Mức", "Level";
    host: "Máy", "Host";
    rule: "Luật", "Rule";
    entity: "Đối tượng", "About";
    source: "Nguồn", "Source";
    copy: "Sao chép", "Copy";
    copied: "Đã chép", "Copied";
    open: "Mở", "Open";

    keys_move: "xuống, lên một cảnh báo", "next, previous alert";
    keys_select: "chọn cảnh báo", "select the alert";
    keys_open: "mở cảnh báo", "open the alert";
    keys_acknowledge: "nhận xử lý", "acknowledge";
    keys_close: "kết thúc cảnh báo", "close the alert";
    keys_undo: "hoàn tác việc vừa làm", "undo what was just done";
    keys_search: "tìm", "search";
    keys_help: "bảng phím tắt này", "this list";
    keys_go: "đến: cần xử lý, truy tìm, tạm ẩn, nguồn, luật, sổ trực, màn hình lớn", "go to: queue, hunt, silences, sources, rules, duty book, wall";
    keys_escape: "bỏ chọn, đóng hộp thoại", "clear the selection, dismiss a dialog";

    level_critical: "Nghiêm trọng", "Critical";
    level_high: "Cao", "High";
    level_medium: "Trung bình", "Medium";
    level_low: "Thấp", "Low";
    level_informational: "Thông tin", "Info";

    kind_host: "máy", "host";
    kind_user: "người dùng", "user";
    kind_address: "địa chỉ", "address";
    kind_source: "nguồn nhật ký", "log source";
    kind_silence: "lệnh tạm ẩn", "silence";
    kind_team: "đội trực", "duty team";
    kind_deadline: "thời hạn", "deadline";

    true_positive: "Tấn công thật", "True positive";
    benign: "Hoạt động hợp lệ", "Benign";
    false_positive: "Cảnh báo nhầm", "False positive";
    resolved: "Đã tự hết", "Resolved";
    accepted_risk: "Chấp nhận rủi ro", "Accepted risk";
    maintenance: "Bảo trì theo kế hoạch", "Planned maintenance";

    role_viewer: "Người xem", "Viewer";
    role_duty_officer: "Trực ca", "Duty officer";
    role_shift_lead: "Trưởng ca", "Shift lead";
    role_administrator: "Quản trị viên", "Administrator";
    role_auditor: "Kiểm toán viên", "Auditor";

    error_not_found: "Không có trang này", "There is no such page";
    error_not_found_next: "Đường dẫn đã cũ hoặc bị gõ sai. Danh sách cần xử lý vẫn ở chỗ cũ.", "The address is old or was mistyped. The queue is where it always is.";
    error_forbidden: "Vai trò của bạn không cho phép việc này", "Your role does not allow this";
    error_forbidden_next: "Hãy nhờ trưởng ca, hoặc quản trị viên nếu vai trò của bạn cần thay đổi.", "Ask the shift lead, or an administrator if your role should change.";
    error_not_signed_in_next: "Hãy đăng nhập rồi thực hiện lại.", "Sign in and do it again.";
    error_cross_site: "Yêu cầu không đến từ trang này", "The request did not come from this console";
    error_cross_site_next: "Hãy mở lại trang rồi thực hiện lại. Nếu dùng máy chủ trung gian, nó phải giữ nguyên đầu mục Host.", "Reload the page and try again. A reverse proxy in front must pass the Host header unchanged.";
    error_too_large: "Nội dung gửi lên quá dài", "What was sent is too long";
    error_too_large_next: "Hãy rút ngắn rồi gửi lại.", "Shorten it and send it again.";
    error_too_many: "Thử quá nhiều lần", "Too many attempts";
    error_too_many_next: "Hãy chờ một lúc rồi thử lại. Người khác vẫn đăng nhập được.", "Wait a little and try again. Others can still sign in.";
    error_too_fast: "Gửi yêu cầu quá dày", "Too many requests";
    error_too_fast_next: "Mỗi token được 600 yêu cầu một phút. Hãy chờ theo đầu mục Retry-After rồi gửi tiếp.", "A token has 600 requests a minute. Wait as Retry-After says and go on.";
    error_unavailable: "Kho dữ liệu không trả lời", "The store does not answer";
    error_unavailable_next: "Dữ liệu đã nhận không bị mất. Hãy thử lại sau ít giây; nếu vẫn vậy, xem nhật ký của Watchpost trên máy chủ.", "Nothing that was received is lost. Try again in a few seconds; if it stays so, read the log of Watchpost on its machine.";
    error_rejected: "Chưa thực hiện được", "This was not done";
    error_rejected_next: "Không có gì thay đổi. Hãy quay lại và xem trạng thái hiện tại.", "Nothing was changed. Go back and look at the current state.";
    error_bad_request: "Yêu cầu chưa đầy đủ", "Something in the request is missing";
    error_bad_request_next: "Hãy quay lại, điền đủ các ô rồi gửi lại.", "Go back, fill in the form and send it again.";
    to_queue: "Đến danh sách cần xử lý", "Go to the queue";

}

impl Words {
    /// The word for a rule's level.
    pub(crate) fn level_word(self, level: RuleLevel) -> &'static str {
        match level {
            RuleLevel::Critical => self.level_critical(),
            RuleLevel::High => self.level_high(),
            RuleLevel::Medium => self.level_medium(),
            RuleLevel::Low => self.level_low(),
            RuleLevel::Informational => self.level_informational(),
        }
    }

    /// The word for a kind of entity.
    pub(crate) fn entity_kind(self, kind: EntityKind) -> &'static str {
        match kind {
            EntityKind::Host => self.kind_host(),
            EntityKind::User => self.kind_user(),
            EntityKind::Address => self.kind_address(),
            EntityKind::Source => self.kind_source(),
            EntityKind::Silence => self.kind_silence(),
            EntityKind::Deadline => self.kind_deadline(),
            EntityKind::Team => self.kind_team(),
        }
    }

    /// The words for what an alert turned out to be.
    pub(crate) fn disposition(self, disposition: Disposition) -> &'static str {
        match disposition {
            Disposition::TruePositive => self.true_positive(),
            Disposition::Benign => self.benign(),
            Disposition::FalsePositive => self.false_positive(),
            Disposition::Resolved => self.resolved(),
        }
    }

    /// The words for why something is silenced.
    pub(crate) fn silence_reason(self, reason: SilenceReason) -> &'static str {
        match reason {
            SilenceReason::FalsePositive => self.false_positive(),
            SilenceReason::AcceptedRisk => self.accepted_risk(),
            SilenceReason::Maintenance => self.maintenance(),
        }
    }

    /// The name of a role.
    pub(crate) fn role_word(self, role: Role) -> &'static str {
        match role {
            Role::Viewer => self.role_viewer(),
            Role::DutyOfficer => self.role_duty_officer(),
            Role::ShiftLead => self.role_shift_lead(),
            Role::Administrator => self.role_administrator(),
            Role::Auditor => self.role_auditor(),
        }
    }
}
