//! Words of duty: rosters, notifications, and how people are reached.

use model::{AddressState, AnswerWay, SwapState};

use super::Words;

super::messages! {
    nav_duty: "Trực ca", "Duty";
    duty_title: "Ai đang trực", "Who is on duty";
    duty_strip: "Đang trực", "On duty";
    duty_lead: "Cùng một câu trả lời cho trang này và cho việc gọi người: gọi ai thì trang này nêu đúng người đó.", "One answer for this page and for paging: whoever is named here is who is paged.";
    duty_none: "Chưa có đội trực nào. Trưởng ca lập đội và lịch trực tại đây.", "There is no team yet. The shift lead makes the first one here.";
    duty_nobody: "Không có ai trực", "Nobody is on duty";
    duty_until: "đến", "until";
    duty_roster: "Lịch trực", "Roster";
    duty_new_team: "Lập đội trực", "New team";
    duty_edit: "Sửa lịch", "Edit";
    duty_mine: "Ca của tôi", "My duty";
    duty_gaps: "Chỗ trống sắp tới", "Gaps ahead";
    duty_gaps_none: "Không có chỗ trống trong 14 ngày tới.", "No gap within the next 14 days.";
    duty_gap: "Trống", "Gap";
    duty_missing: "Thiếu người", "Missing";
    duty_who_could: "Ai có thể trực thay", "Who could close it";
    duty_nobody_could: "không ai rảnh và đã nghỉ đủ", "nobody is free and rested";
    duty_assign: "Phân công", "Assign";
    duty_unreachable: "chưa đủ hai kênh", "not two channels";
    duty_unreachable_lead: "Giữ vị trí chính nhưng chưa có hai kênh liên lạc được xác nhận", "Holds a primary position without two proven channels";
    duty_reachable: "liên lạc được", "reachable";
    duty_notifications: "Lượt gọi", "Notifications";
    duty_open_notifications: "Đang chờ nhận", "Waiting for an answer";
    duty_policies: "Cách gọi", "Escalation policies";
    duty_team: "Đội", "Team";
    duty_position: "Vị trí", "Position";
    duty_person: "Người trực", "Person";
    duty_month: "Tháng", "Month";
    duty_week: "Tuần", "Week";
    duty_earlier: "Trước", "Earlier";
    duty_later: "Sau", "Later";
    duty_today: "Hôm nay", "Today";
    duty_print: "In: dùng lệnh in của trình duyệt, trang này đã có khổ in.", "Print with your browser: the page has a layout for paper.";
    duty_all_day: "cả ngày", "all day";
    duty_fairness: "Chia đều", "Fairness";
    duty_hours: "Tổng giờ", "Hours";
    duty_nights: "Giờ đêm", "Night hours";
    duty_days_off: "Giờ ngày nghỉ", "Weekend hours";
    duty_rest_breaks: "Nghỉ chưa đủ giữa hai ca", "Too little rest between two turns";
    duty_proof_good: "Đủ người mọi lúc trong khoảng này.", "Covered at every instant of this time.";
    duty_overrides: "Thay đổi tạm thời", "Overrides";
    duty_overrides_none: "Không có thay đổi tạm thời nào còn hiệu lực.", "No override is in force or ahead.";
    duty_override_new: "Thêm thay đổi tạm thời", "Add an override";
    duty_instead_of: "Thay cho", "Instead of";
    duty_extra: "thêm người, không thay ai", "extra, in nobody's place";
    duty_left_empty: "để trống", "left empty";
    duty_from: "Từ", "From";
    duty_to: "Đến", "Until";
    duty_end_override: "Bỏ", "Remove";
    duty_times_hint: "Giờ theo đồng hồ của đội.", "Times are on the team's clock.";

    roster_name: "Tên đội", "Name of the team";
    roster_zone: "Múi giờ", "Time zone";
    roster_zone_hint: "Tên IANA như Asia/Ho_Chi_Minh, hoặc +07:00.", "An IANA name such as Asia/Ho_Chi_Minh, or +07:00.";
    roster_zone_unknown: "không có múi giờ này", "there is no such zone";
    roster_rest: "Nghỉ tối thiểu giữa hai ca (giờ)", "Rest between two turns (hours)";
    roster_policy: "Gọi theo", "Paged by";
    roster_no_policy: "không gọi", "nothing";
    roster_alerts_from: "Cảnh báo mới từ mức", "New alerts from level";
    roster_no_alerts: "không gọi vì cảnh báo", "none page it";
    roster_members: "Người có thể trực thay", "Who may stand in";
    roster_people_hint: "Tên đăng nhập, cách nhau bằng dấu phẩy.", "Sign-in names, separated by commas.";
    roster_person_unknown: "không có tài khoản này", "there is no such account";
    roster_positions: "Vị trí phải có người", "Positions that must be filled";
    roster_key: "Mã", "Key";
    roster_position_name: "Tên vị trí", "Name";
    roster_people_min: "Số người", "People";
    roster_primary: "Vị trí chính", "Primary";
    roster_primary_hint: "Vị trí chính được gọi trước: người giữ phải có hai kênh liên lạc đã xác nhận.", "A primary position is paged first: whoever holds it needs two proven channels.";
    roster_skills: "Kỹ năng cần có", "Skills";
    roster_rotations: "Phiên trực", "Rotations";
    roster_order: "Thứ tự người trực", "People in order";
    roster_begins: "Bắt đầu từ ngày", "Begins on";
    roster_ends: "Đến ngày", "Ends on";
    roster_every: "Mấy ngày đổi một lượt", "Every so many days";
    roster_times: "Giờ đổi ca", "Hand-over times";
    roster_bad_number: "phải là số", "must be a number";
    roster_bad_date: "phải là ngày", "must be a date";
    roster_bad_time: "phải là các giờ như 06:00, 14:00, 22:00", "must be times such as 06:00, 14:00, 22:00";
    roster_as_kept: "Xem bản đang có", "See it as it is kept";
    roster_outdated: "Người khác vừa sửa lịch này. Nội dung bạn nhập chưa được lưu; hãy mở lại để xem bản mới.", "Somebody else has changed this roster. What you typed was not saved; open it again to see how it is now.";

    mine_shifts: "Ca trực sắp tới của tôi", "My next turns";
    mine_shifts_none: "Bạn không có ca trực nào trong 60 ngày tới.", "You have no turn within the next 60 days.";
    mine_offer: "Nhờ người khác trực thay", "Offer to others";
    mine_anybody: "bất kỳ ai trong đội", "anybody of the team";
    mine_swaps: "Đổi ca", "Swaps";
    mine_swaps_none: "Không có lời nhờ trực thay nào.", "No turn is offered.";
    mine_take: "Nhận ca này", "Take it";
    mine_decline: "Từ chối", "Decline";
    mine_withdraw: "Rút lại", "Withdraw";
    mine_leave: "Nghỉ phép", "Leave";
    mine_leave_none: "Không có kỳ nghỉ nào sắp tới.", "No leave ahead.";
    mine_leave_take: "Xin nghỉ", "Take leave";
    mine_leave_cancel: "Huỷ nghỉ", "Take back";
    mine_leave_import: "Nạp lịch nghỉ từ tệp iCalendar (.ics)", "Read leave from an iCalendar file (.ics)";
    mine_leave_paste: "Dán nội dung tệp .ics", "Paste the content of the .ics file";
    mine_import: "Nạp lịch", "Read";
    mine_imported: "Đã nạp", "Read";
    mine_passed_over: "bỏ qua", "passed over";
    mine_note: "Lý do", "Reason";
    mine_contacts: "Cách gọi tôi", "How I am reached";
    mine_contacts_lead: "Cần hai kênh khác nhau đã xác nhận mới giữ được vị trí chính. Kênh đứng đầu được gọi trước.", "A primary position needs two different proven channels. The first one is used first.";
    mine_channel: "Kênh", "Channel";
    mine_address: "Địa chỉ", "Address";
    mine_add: "Thêm địa chỉ", "Add";
    mine_send_code: "Gửi mã thử", "Send a code";
    mine_code: "Mã nhận được", "Code that arrived";
    mine_prove: "Xác nhận", "Confirm";
    mine_first: "Gọi trước", "Use first";
    mine_drop: "Xoá", "Remove";
    mine_browser: "trình duyệt đã đăng ký tại Tài khoản của tôi", "browser subscribed under My account";
    mine_feed: "Lịch trực trên điện thoại", "My duty in a calendar";
    mine_feed_lead: "Đường dẫn iCalendar riêng của bạn. Ai có đường dẫn đều xem được; bỏ bất cứ lúc nào.", "Your own iCalendar link. Whoever has it can read it; revoke it at any time.";
    mine_feed_make: "Tạo đường dẫn mới", "Make a new link";
    mine_feed_revoke: "Bỏ đường dẫn", "Revoke";
    mine_feed_once: "Chỉ hiện một lần. Dán vào ứng dụng lịch:", "Shown once. Paste it into your calendar:";
    mine_feed_active: "Đang có một đường dẫn.", "There is a link.";

    address_new: "chưa thử", "not tested";
    address_asked: "đã gửi mã", "code sent";
    address_proven: "đã xác nhận", "proven";
    address_failed: "gửi không được, cần xác nhận lại", "failed, to be proven again";
    swap_offered: "đang nhờ", "offered";
    swap_accepted: "đã nhận", "taken";
    swap_declined: "đã từ chối", "declined";
    swap_withdrawn: "đã rút", "withdrawn";
    way_link: "bằng đường dẫn", "by link";
    way_reply: "bằng tin nhắn trả lời", "by reply";
    way_console: "tại trang này", "in the console";
    way_handover: "khi nhận bàn giao", "by handover";

    notification_lead: "Ai đã được gọi, qua kênh nào, ai đã nhận. Một lượt gọi kết thúc khi đủ người nhận hoặc khi việc đã xong.", "Who was paged, through which channel, and who has it. A notification ends once enough people have it or the matter is over.";
    notification_none: "Không có lượt gọi nào.", "There is no notification.";
    notification_about: "Về việc", "About";
    notification_step: "Bước", "Step";
    notification_paged: "Đã gọi", "Paged";
    notification_skipped: "Bước không có ai, đã bỏ qua", "Steps with nobody, skipped";
    notification_acknowledgements: "Đã nhận", "Acknowledged by";
    notification_acknowledge: "Tôi nhận", "I have it";
    notification_lapses: "hết hiệu lực", "lapses";
    notification_lapsed: "đã hết hiệu lực", "lapsed";
    notification_bundled: "gộp chung", "bundled";
    notification_escalating: "đang gọi", "paging";
    notification_acknowledged: "đã có người nhận", "acknowledged";
    notification_unanswered: "không ai trả lời", "unanswered";
    notification_over: "việc đã xong", "over";
    notification_started: "Bắt đầu", "Began";
    notification_next: "Xem lại lúc", "Next look";
    page_waiting: "đang gửi", "leaving";
    page_accepted: "kênh đã nhận", "accepted";
    page_failed: "không tới", "failed";

    drills_title: "Đêm trực diễn tập", "Rehearsed nights";
    drills_lead: "Mười giờ trên lịch trực, cách gọi và kênh thật, không gọi ai: có người không trả lời, một kênh hỏng. Chạy bằng", "Ten hours over the real rosters, policies and channels, with nobody paged: some do not answer, a channel fails. Played by";
    drills_none: "Chưa diễn tập đêm nào.", "No night was rehearsed yet.";
    drills_failed_channel: "kênh hỏng:", "channel that failed:";
    drills_pages: "Tin gọi", "Pages";
    drills_points: "Điểm", "Points";
    policy_new: "Thêm cách gọi", "New policy";
    policy_name: "Tên gọi", "Name";
    policy_rounds: "Số vòng", "Rounds";
    policy_steps: "Các bước", "Steps";
    policy_who: "Gọi ai", "Who is paged";
    policy_who_hint: "Mỗi dòng một nơi: đội/vị-trí hoặc tên đăng nhập.", "One a line: team/position, or a sign-in name.";
    policy_who_unknown: "không có đội, vị trí hoặc tài khoản này", "there is no such team, position or account";
    policy_wait: "Chờ (phút)", "Wait (minutes)";
    policy_remind: "Nhắc mỗi (phút, 0 là không)", "Remind every (minutes, 0 is never)";
    policy_needed: "Số người phải nhận", "Acknowledgements";
    policy_none: "Chưa có cách gọi nào.", "There is no policy yet.";

    answer_title: "Xác nhận đã nhận", "Acknowledge";
    answer_over: "Đường dẫn này không còn dùng được", "This link is no longer valid";
    answer_over_next: "Nó đã được dùng, đã quá hạn hoặc không đúng. Hãy đăng nhập để xem.", "It was used, is over, or is not right. Sign in to see.";
    answer_done: "Đã ghi nhận: bạn đang giữ việc này", "Noted: you have it";
    answer_done_next: "Ghi nhận hết hiệu lực khi hết ca, trừ khi bạn bàn giao.", "It lapses at the end of your turn unless you hand it over.";
    answer_all: "Tôi nhận tất cả", "I have them all";
    answer_as: "Ghi nhận với tên", "Noted in the name of";
}

impl Words {
    /// How long a step waits, and for how many.
    pub(crate) fn policy_step(self, wait_minutes: u16, acknowledgements: u8) -> String {
        match self.0 {
            model::Language::Vi => format!("chờ {wait_minutes} phút, cần {acknowledgements} người nhận"),
            model::Language::En => format!("waits {wait_minutes} min for {acknowledgements} to acknowledge"),
        }
    }

    /// How many pages were ordered, failed, and steps were skipped.
    pub(crate) fn drills_counts(self, pages: u32, failed: u32, skipped: u32) -> String {
        match self.0 {
            model::Language::Vi => format!("{pages} tin, {failed} hỏng, {skipped} bước trống"),
            model::Language::En => format!("{pages} pages, {failed} failed, {skipped} steps empty"),
        }
    }

    /// What is known of an address.
    pub(crate) fn address_state(self, state: &AddressState) -> &'static str {
        match state {
            AddressState::New => self.address_new(),
            AddressState::Asked { .. } => self.address_asked(),
            AddressState::Proven { .. } => self.address_proven(),
            AddressState::Failed { .. } => self.address_failed(),
        }
    }

    /// Where a swap stands.
    pub(crate) fn swap_state(self, state: &SwapState) -> &'static str {
        match state {
            SwapState::Offered => self.swap_offered(),
            SwapState::Accepted { .. } => self.swap_accepted(),
            SwapState::Declined { .. } => self.swap_declined(),
            SwapState::Withdrawn { .. } => self.swap_withdrawn(),
        }
    }

    /// How somebody acknowledged.
    pub(crate) fn answer_way(self, way: AnswerWay) -> &'static str {
        match way {
            AnswerWay::Link => self.way_link(),
            AnswerWay::Reply => self.way_reply(),
            AnswerWay::Console => self.way_console(),
            AnswerWay::Handover => self.way_handover(),
        }
    }
}
