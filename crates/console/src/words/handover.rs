//! Words of handovers and daily reports.

use model::{HandoverAbout, HandoverState, Language, Occasion};

use super::Words;

super::messages! {
    handovers: "Bàn giao", "Handovers";
    handover_lead: "Bản bàn giao do trạm tự lập từ sổ trực: người giao ký, người nhận ký nhận hoặc từ chối có lý do.", "The post writes a handover from its ledger: the outgoing person signs, the incoming one signs or refuses with a reason.";
    handover_none: "Chưa có bản bàn giao nào.", "There is no handover yet.";
    handover_begin: "Lập bản bàn giao ca", "Hand over my shift";
    handover_report: "Lập báo cáo tình hình ngày", "Report the day";
    handover_to: "Người nhận ca", "Who takes over";
    handover_from: "Người giao ca", "Who hands over";
    handover_shift: "Bàn giao ca", "Handover of a shift";
    handover_day: "Báo cáo tình hình ngày", "Report of a day";
    handover_since: "Tính từ", "Since";
    handover_made: "Lập lúc", "Made";
    handover_remarks: "Ghi chú của người giao", "Remarks";
    handover_sign: "Ký giao", "Sign";
    handover_accept: "Ký nhận", "Take over";
    handover_refuse: "Từ chối", "Refuse";
    handover_refuse_reason: "Lý do từ chối", "Reason for refusing";
    handover_nothing: "Không có", "None of these";
    handover_more: "còn lại", "more";
    handover_draft: "chưa ký", "not signed";
    handover_signed: "chờ người nhận ký", "waits for who takes over";
    handover_accepted: "đã nhận bàn giao", "taken over";
    handover_reported: "đã ký", "signed";
    handover_refused: "bị từ chối", "refused";
    handover_owner: "Ai đang giữ", "Owner";
    handover_nobody: "chưa ai nhận", "nobody";
    handover_happened: "Trong thời gian này", "During this time";
    handover_incidents: "Sự cố đang xử lý", "Open incidents";
    handover_next: "Việc tiếp theo", "Next";
    handover_open_alerts: "Cảnh báo đang mở", "Open alerts";
    handover_unacknowledged: "Lượt gọi chưa ai nhận", "Unacknowledged notifications";
    handover_silences: "Lệnh tạm ẩn và số đã ẩn", "Silences and what they hid";
    handover_silent_sources: "Nguồn nhật ký im lặng", "Silent sources";
    handover_deadlines: "Thời hạn đang chạy", "Running deadlines";
    handover_gaps: "Chỗ trống trong lịch trực", "Gaps in the roster";
    handover_hidden: "đã ẩn", "hidden";
}

impl Words {
    /// How many alerts came and went.
    pub(crate) fn happened_alerts(self, opened: usize, closed: usize) -> String {
        match self.0 {
            Language::Vi => format!("Cảnh báo mới: {opened}; đã đóng: {closed}"),
            Language::En => format!("New alerts: {opened}; closed: {closed}"),
        }
    }

    /// How people answered.
    pub(crate) fn happened_pages(self, begun: usize, answered: usize, slowest_seconds: u64) -> String {
        let slowest = self.span(slowest_seconds);
        match self.0 {
            Language::Vi => format!("Lượt gọi: {begun}; có người nhận: {answered}; lâu nhất: {slowest}"),
            Language::En => format!("Notifications: {begun}; acknowledged: {answered}; slowest: {slowest}"),
        }
    }

    /// How many incidents were opened, and deadlines met and missed.
    pub(crate) fn happened_incidents(self, opened: usize, met: usize, breached: usize) -> String {
        match self.0 {
            Language::Vi => format!("Sự cố mới: {opened}; thời hạn đã đạt: {met}; đã quá: {breached}"),
            Language::En => format!("New incidents: {opened}; deadlines met: {met}; missed: {breached}"),
        }
    }

    /// What a part of a handover lists.
    pub(crate) fn handover_about(self, about: HandoverAbout) -> &'static str {
        match about {
            HandoverAbout::OpenAlerts => self.handover_open_alerts(),
            HandoverAbout::Incidents => self.handover_incidents(),
            HandoverAbout::Happened => self.handover_happened(),
            HandoverAbout::Unacknowledged => self.handover_unacknowledged(),
            HandoverAbout::Silences => self.handover_silences(),
            HandoverAbout::SilentSources => self.handover_silent_sources(),
            HandoverAbout::Deadlines => self.handover_deadlines(),
            HandoverAbout::Gaps => self.handover_gaps(),
        }
    }

    /// What a handover is for.
    pub(crate) fn occasion(self, occasion: Occasion) -> &'static str {
        match occasion {
            Occasion::Shift => self.handover_shift(),
            Occasion::Day => self.handover_day(),
        }
    }

    /// Where a handover stands.
    pub(crate) fn handover_state(self, occasion: Occasion, state: &HandoverState) -> &'static str {
        match state {
            HandoverState::Draft => self.handover_draft(),
            HandoverState::Signed { .. } => match occasion {
                Occasion::Shift => self.handover_signed(),
                Occasion::Day => self.handover_reported(),
            },
            HandoverState::Accepted { .. } => self.handover_accepted(),
            HandoverState::Refused { .. } => self.handover_refused(),
        }
    }
}
