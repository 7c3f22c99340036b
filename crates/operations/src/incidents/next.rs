//! What an incident needs next, so that whoever opens its page at two in the morning reads one sentence first.

use model::{Incident, IncidentState, Phrase};

/// The next step, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStep {
    /// What to do.
    pub what: Phrase,
    /// The section of the page where it is done.
    pub place: &'static str,
}

/// The next step of an incident; `open_tasks` are those of its phase, `services_down` the affected services that do not work.
#[must_use]
pub fn next_step(incident: &Incident, open_tasks: usize, services_down: usize) -> Option<NextStep> {
    let step = |vi, en, place| {
        Some(NextStep {
            what: Phrase::new(vi, en),
            place,
        })
    };
    if incident.state.is_open() && incident.owner.is_none() {
        return step(
            "Nhận sự cố: chưa có ai chịu trách nhiệm.",
            "Take it: nobody is in charge.",
            "state",
        );
    }
    match &incident.state {
        IncidentState::Reported(_) => step(
            "Xác minh: có phải sự cố không? Ghi nhận xác nhận, hoặc kết thúc nếu không phải.",
            "Verify: is it an incident? Confirm it, or close it when it is none.",
            "state",
        ),
        IncidentState::Confirmed(_) if incident.criteria.system_level.is_none() => step(
            "Trả lời các tiêu chí (cấp độ hệ thống, bị ảnh hưởng gì, có tự xử lý được không): từ đó tính thời hạn báo cáo.",
            "Answer the criteria (level of the system, what is hit, can we control it alone): the deadlines follow from them.",
            "criteria",
        ),
        IncidentState::Confirmed(_) => step(
            "Ngăn chặn: cô lập, chặn, khoá; trước đó hãy thu thập chứng cứ.",
            "Contain it: isolate, block, lock; acquire evidence before.",
            "tasks",
        ),
        IncidentState::Contained(_) if open_tasks > 0 => step(
            "Hoàn thành các việc xử lý còn mở, rồi ghi nhận đã loại bỏ nguyên nhân.",
            "Finish the open tasks, then say how its cause was removed.",
            "tasks",
        ),
        IncidentState::Contained(_) => step(
            "Loại bỏ nguyên nhân và ghi lại cách làm.",
            "Remove its cause, and say how.",
            "state",
        ),
        IncidentState::Eradicated(_) if services_down > 0 => step(
            "Khôi phục dịch vụ theo thứ tự phụ thuộc, từ điểm khôi phục sạch.",
            "Restore the services in the order of their dependencies, from the clean restore point.",
            "restore",
        ),
        IncidentState::Eradicated(_) => step(
            "Kiểm tra dịch vụ, rồi ghi nhận đã khôi phục.",
            "Check the services, then say that they work again.",
            "state",
        ),
        IncidentState::Recovered(_) => step(
            "Rút kinh nghiệm: ghi bài học thành việc, kết thúc với nguyên nhân gốc, gửi báo cáo kết thúc (Mẫu 04).",
            "Learn: write lessons as tasks, close it with its root cause, send the final report (form 04).",
            "lessons",
        ),
        IncidentState::Closed { .. } | IncidentState::Merged { .. } => None,
    }
}
