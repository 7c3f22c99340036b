//! Words of incidents.

use model::{AssetStanding, Hit, IncidentKind, Language, ObservableKind, Outcome, Phase, Severity};

use super::Words;

super::messages! {
    yes: "có", "yes";
    no: "không", "no";
    nav_incidents: "Sự cố", "Incidents";
    incidents_title: "Sự cố", "Incidents";
    incidents_lead: "Từ cảnh báo đầu tiên đến khi dịch vụ chạy lại. Mọi bước đều nằm trong sổ trực.", "From the first alert to the restored service. Every step is in the duty book.";
    incident_new: "Lập sự cố", "Open an incident";
    incidents_open: "Đang xử lý", "Open";
    incidents_closed: "Đã kết thúc gần đây", "Closed lately";
    incidents_none: "Không có sự cố nào đang mở.", "No incident is open.";
    incidents_proposed: "Đề xuất gộp cảnh báo thành sự cố", "Proposed: alerts that may be one incident";
    incidents_proposed_lead: "Cùng máy, tài khoản hoặc địa chỉ trong 24 giờ, kỹ thuật nối tiếp nhau. Người trực quyết định.", "The same machine, account or address within 24 hours, techniques that follow each other. A person decides.";
    incident_shared: "Điểm chung", "Shared";
    incident_chain: "Chuỗi chiến thuật", "Tactics in order";
    incident_span: "Khoảng thời gian", "From, to";
    incident_number: "Số", "Number";
    incident_name: "Tên sự cố", "Name";
    incident_kind: "Loại sự cố", "Kind of incident";
    incident_severity: "Mức độ", "Severity";
    incident_state: "Trạng thái", "State";
    incident_owner: "Người chịu trách nhiệm", "In charge";
    incident_nobody: "Chưa có ai", "Nobody yet";
    incident_give: "Giao", "Give";
    incident_detected: "Phát hiện lúc", "Detected";
    incident_began: "Bắt đầu lúc", "Began";
    incident_opened: "Lập lúc", "Opened";
    incident_description: "Mô tả", "What happened";
    incident_origin: "Nguồn", "Where it comes from";
    incident_from_letter: "Theo văn bản", "From a letter";
    incident_letter_number: "Số ký hiệu văn bản", "Number of the letter";
    incident_letter_issuer: "Nơi gửi", "Who wrote it";
    incident_by_hand: "Báo trực tiếp", "By hand";
    incident_from_alerts: "Từ cảnh báo", "From alerts";
    incident_split_of: "Tách từ sự cố khác", "Split off another incident";
    incident_next: "Việc tiếp theo", "Next step";
    incident_clocks: "Thời hạn theo luật", "Clocks of the law";
    incident_clock_later: "chưa chạy", "not running yet";
    incident_clock_unsure: "phụ thuộc tiêu chí chưa trả lời", "depends on an open question";
    incident_clock_since: "tính từ", "counts from";
    incident_due: "hạn", "due";
    incident_met: "đã hoàn thành", "met";
    incident_breached: "quá hạn", "overdue";
    incident_stopped: "đã dừng", "stopped";
    incident_class: "Phân loại", "Class";
    incident_class_certain: "theo các tiêu chí đã trả lời", "by the answered criteria";
    incident_class_possible: "chưa loại trừ; còn thiếu", "not ruled out; still open";
    incident_unconfirmed: "chưa đối chiếu với văn bản gốc", "not compared with the original";
    incident_criteria: "Tiêu chí theo phương án quốc gia", "Criteria of the national plan";
    incident_level: "Cấp độ hệ thống", "Level of the system";
    incident_important: "Hệ thống quan trọng quốc gia", "Important to the nation";
    incident_hits: "Bị ảnh hưởng", "What is hit";
    incident_alone: "Tự xử lý được", "Can be controlled alone";
    incident_personal_data: "Có dữ liệu cá nhân bị lộ hoặc có thể bị lộ", "Personal data leaked, or may have";
    incident_bank: "Tổ chức tín dụng", "The organisation is a bank";
    incident_unknown: "chưa rõ", "unknown";
    incident_proposed_severity: "Mức độ suy ra từ tiêu chí", "Severity by the criteria";
    incident_describe: "Sửa thông tin", "Describe";
    incident_save: "Lưu", "Save";
    incident_timeline: "Diễn biến", "Timeline";
    incident_timeline_add: "Ghi một diễn biến", "Write an entry";
    incident_timeline_empty: "Chưa có diễn biến nào.", "Nothing is written yet.";
    incident_lines_all: "Tất cả", "All";
    incident_lines_malicious: "Của kẻ tấn công", "The attacker’s";
    incident_malicious: "kẻ tấn công làm", "the attacker did it";
    incident_not_malicious: "không phải kẻ tấn công", "not the attacker";
    incident_mark_malicious: "là của kẻ tấn công", "was the attacker";
    incident_strike: "Gạch bỏ", "Strike out";
    incident_struck: "đã gạch bỏ", "struck out";
    incident_when: "Thời điểm", "When";
    incident_what: "Nội dung", "What happened";
    incident_observables: "Dấu hiệu", "Observables";
    incident_observable_value: "Giá trị", "Value";
    incident_dismiss: "Bỏ", "Dismiss";
    incident_add: "Thêm", "Add";
    incident_tasks: "Việc phải làm", "Tasks";
    incident_task_title: "Việc", "Task";
    incident_task_phase: "Giai đoạn", "Phase";
    incident_task_done: "Xong", "Done";
    incident_task_drop: "Bỏ việc này", "Drop it";
    incident_task_result: "Kết quả", "What came of it";
    incident_lessons: "Bài học", "Lessons";
    incident_lesson_add: "Ghi một bài học thành việc", "Write a lesson as a task";
    incident_assets: "Máy, tài khoản bị ảnh hưởng", "Affected machines and accounts";
    incident_asset_name: "Tên máy hoặc tài khoản", "Name of a machine or account";
    incident_services: "Dịch vụ bị ảnh hưởng", "Affected services";
    incident_alerts: "Cảnh báo", "Alerts";
    incident_evidence: "Chứng cứ", "Evidence";
    incident_notes: "Ghi chú", "Notes";
    incident_note_add: "Thêm ghi chú", "Add a note";
    incident_history: "Sổ trực", "Duty book";
    incident_reports: "Báo cáo", "Reports";
    incident_reports_hint: "Các mẫu 03, 04 lấy dữ liệu từ sự cố này. Chạy trên máy chủ:", "Forms 03 and 04 are filled from this incident. On the server, run:";
    incident_advance: "Ghi nhận bước tiếp", "Take a step";
    incident_how: "Căn cứ, cách làm", "How it is known";
    incident_outcome: "Kết luận", "What it was";
    incident_cause: "Nguyên nhân gốc", "Root cause";
    incident_to_confirm: "Xác nhận là sự cố", "Confirm";
    incident_to_contain: "Đã ngăn chặn", "Contained";
    incident_to_eradicate: "Đã loại bỏ nguyên nhân", "Eradicated";
    incident_to_recover: "Đã khôi phục", "Recovered";
    incident_to_close: "Kết thúc", "Close";
    incident_to_reopen: "Mở lại", "Reopen";
    incident_merge: "Nhập sự cố khác vào đây", "Take another incident in";
    incident_merged_into: "Đã nhập vào", "Goes on as part of";
    incident_members: "Gồm cả", "Also stands for";
    incident_unmerge: "Tách trở lại", "Take the merge back";
    incident_split: "Tách thành sự cố riêng", "Split off";
    incident_split_hint: "Chọn cảnh báo, dấu hiệu, việc, ghi chú, chứng cứ cần tách. Diễn biến của cảnh báo đi theo cảnh báo.", "Choose alerts, observables, tasks, notes, evidence. What an alert brought into the timeline goes with it.";
    incident_put_into: "Đưa vào sự cố", "Put into an incident";
    incident_belongs_to: "Thuộc sự cố", "Belongs to incident";
    incident_unlink: "Đưa ra", "Take out";
    incident_undo: "Hoàn tác bước cuối", "Undo the last step";
    incident_first_malicious: "Hành vi đầu tiên của kẻ tấn công", "The attacker’s first act";
    incident_clean_point: "Điểm khôi phục sạch: bản sao lưu cuối cùng trước", "Clean restore point: the last backup before";
    incident_more: "Cũ hơn", "Older";
    incident_help: "Hỗ trợ và thiệt hại (Mẫu 05)", "Help and damage (form 05)";
    incident_helpers: "Tổ chức hỗ trợ, mỗi dòng một tên", "Organisations that helped, one a line";
    incident_foreign: "Tổ chức nước ngoài hỗ trợ, mỗi dòng một tên", "Foreign organisations that helped, one a line";
    incident_asked: "Đã đề nghị cơ quan điều phối hỗ trợ", "The coordinator was asked for help";
    incident_damage: "Thiệt hại ước tính", "Estimated damage";
    services_title: "Dịch vụ", "Services";
    services_lead: "Theo thứ tự khôi phục: dịch vụ nền trước. Chưa kiểm tra thì không bao giờ coi là đang chạy.", "In the order in which they are restored. What nobody looked at is never taken for working.";
    services_none: "Danh mục dịch vụ còn trống: watchpost service import FILE.", "The catalogue is empty: watchpost service import FILE.";
    service_needs: "Cần", "Needs";
    service_works: "đang chạy", "works";
    service_unknown: "chưa biết", "unknown";
    service_cause: "ngừng, là nguyên nhân", "down, the cause";
    service_follows: "ngừng do", "down because of";
    service_rto: "RTO còn", "RTO left";
    service_rto_over: "quá RTO", "beyond its RTO";
    service_not_in_catalogue: "không có trong danh mục", "not in the catalogue";
    metrics_title: "Thời gian ứng phó", "Times of response";
    metrics_lead: "Trung vị theo tháng phát hiện, không tính diễn tập và báo nhầm.", "Medians by month of detection, without rehearsals and false alarms.";
    metrics_detect: "Phát hiện", "To detect";
    metrics_acknowledge: "Tiếp nhận", "To acknowledge";
    metrics_contain: "Ngăn chặn", "To contain";
    metrics_recover: "Khôi phục", "To recover";
    metrics_month: "Tháng", "Month";
    metrics_incidents: "Số sự cố", "Incidents";
    metrics_real: "Có thật", "Real";
    metrics_none: "Chưa có sự cố nào để tính.", "There is no incident to count yet.";
    metrics_of: "trên", "of";
}

impl Words {
    pub(super) fn pick(self, vi: &'static str, en: &'static str) -> &'static str {
        match self.0 {
            Language::Vi => vi,
            Language::En => en,
        }
    }

    /// A severity.
    pub(crate) fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Low => self.pick("Thấp", "Low"),
            Severity::Medium => self.pick("Trung bình", "Medium"),
            Severity::High => self.pick("Cao", "High"),
            Severity::Critical => self.pick("Nghiêm trọng", "Critical"),
        }
    }

    /// A kind of incident, as Form 05 has it.
    pub(crate) fn kind_of_incident(self, kind: IncidentKind) -> &'static str {
        match kind {
            IncidentKind::Dos => self.pick("Từ chối dịch vụ", "Denial of service"),
            IncidentKind::Phishing => self.pick("Tấn công giả mạo", "Phishing, impersonation"),
            IncidentKind::Malware => self.pick("Mã độc", "Malware"),
            IncidentKind::Intrusion => self.pick("Truy cập trái phép, chiếm quyền", "Unauthorised access, takeover"),
            IncidentKind::Defacement => self.pick("Thay đổi giao diện", "Defacement"),
            IncidentKind::Encryption => self.pick("Mã hóa dữ liệu, thiết bị", "Encryption of data, devices"),
            IncidentKind::Destruction => self.pick("Phá hoại thông tin, dữ liệu", "Destruction of information, data"),
            IncidentKind::Espionage => self.pick("Nghe trộm, gián điệp, lấy cắp thông tin", "Espionage, theft of data"),
            IncidentKind::Combined => self.pick("Tấn công tổng hợp", "Combined attack"),
            IncidentKind::Other => self.pick("Khác", "Other"),
        }
    }

    /// A state by its word in the index.
    pub(crate) fn incident_state_word(self, state: &str) -> &'static str {
        match state {
            "reported" => self.pick("Mới báo", "Reported"),
            "confirmed" => self.pick("Đã xác nhận", "Confirmed"),
            "contained" => self.pick("Đã ngăn chặn", "Contained"),
            "eradicated" => self.pick("Đã loại bỏ nguyên nhân", "Eradicated"),
            "recovered" => self.pick("Đã khôi phục", "Recovered"),
            "closed" => self.pick("Đã kết thúc", "Closed"),
            _ => self.pick("Đã nhập", "Merged"),
        }
    }

    /// A phase, as VNCERT/CC's playbooks name it.
    pub(crate) fn phase(self, phase: Phase) -> &'static str {
        match phase {
            Phase::Preparation => self.pick("Chuẩn bị", "Preparation"),
            Phase::Identification => self.pick("Nhận diện", "Identification"),
            Phase::Analysis => self.pick("Phân tích", "Analysis"),
            Phase::Handling => self.pick("Xử lý", "Handling"),
            Phase::Recovery => self.pick("Khôi phục", "Recovery"),
            Phase::PostIncident => self.pick("Hậu sự cố", "Post-incident"),
        }
    }

    /// What is hit.
    pub(crate) fn hit(self, hit: Hit) -> &'static str {
        match hit {
            Hit::ServiceInterrupted => self.pick("Gián đoạn dịch vụ", "Service interrupted"),
            Hit::SecretsMayLeak => self.pick("Dữ liệu bí mật có thể bị lộ", "Secret data may leak"),
            Hit::IntegrityLost => self.pick(
                "Dữ liệu quan trọng bị phá, không khôi phục được",
                "Important data lost beyond repair",
            ),
            Hit::ControlLost => self.pick("Mất quyền điều khiển", "Control lost"),
            Hit::MaySpread => self.pick("Có thể lan rộng", "May spread"),
        }
    }

    /// What a closed incident was.
    pub(crate) fn outcome(self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Real => self.pick("Sự cố có thật", "Real"),
            Outcome::Attempted => self.pick("Tấn công không thành", "Attempted, not successful"),
            Outcome::Benign => self.pick("Hoạt động được phép", "Allowed activity"),
            Outcome::FalseAlarm => self.pick("Báo nhầm", "False alarm"),
        }
    }

    /// How an asset stands.
    pub(crate) fn asset_standing(self, standing: AssetStanding) -> &'static str {
        match standing {
            AssetStanding::Suspected => self.pick("nghi ngờ", "suspected"),
            AssetStanding::Compromised => self.pick("bị xâm nhập", "compromised"),
            AssetStanding::Clean => self.pick("đã sạch", "clean"),
        }
    }

    /// A sort of observable.
    pub(crate) fn observable_kind(self, kind: ObservableKind) -> &'static str {
        match kind {
            ObservableKind::Address => self.pick("Địa chỉ IP", "IP address"),
            ObservableKind::Domain => self.pick("Tên miền", "Domain"),
            ObservableKind::Url => "URL",
            ObservableKind::Hash => self.pick("Mã băm", "Hash"),
            ObservableKind::Email => self.pick("Thư điện tử", "E-mail"),
            ObservableKind::File => self.pick("Tệp", "File"),
            ObservableKind::Account => self.pick("Tài khoản", "Account"),
            ObservableKind::Host => self.pick("Máy", "Machine"),
            ObservableKind::Other => self.pick("Khác", "Other"),
        }
    }

    /// A question of the criteria by its field.
    pub(crate) fn criterion(self, field: &str) -> &'static str {
        match field {
            "system_level" => self.incident_level(),
            "nationally_important" => self.incident_important(),
            "hits" => self.incident_hits(),
            "controls_alone" => self.incident_alone(),
            _ => self.incident_unknown(),
        }
    }

    /// A step with incidents, as the duty book and the timeline have it.
    pub(crate) fn incident_action(self, action: &str) -> Option<&'static str> {
        Some(match action {
            "incident.open" => self.pick("Lập sự cố", "Opened an incident"),
            "incident.link" => self.pick("Đưa cảnh báo vào sự cố", "Put alerts into an incident"),
            "incident.unlink" => self.pick("Đưa cảnh báo ra khỏi sự cố", "Took an alert out of an incident"),
            "incident.assign" => self.pick("Giao sự cố", "Gave an incident"),
            "incident.edit" => self.pick("Sửa thông tin sự cố", "Described an incident"),
            "incident.asset" => self.pick("Ghi máy, tài khoản bị ảnh hưởng", "Noted an affected asset"),
            "incident.confirm" => self.pick("Xác nhận sự cố", "Confirmed an incident"),
            "incident.contain" => self.pick("Ngăn chặn sự cố", "Contained an incident"),
            "incident.eradicate" => self.pick("Loại bỏ nguyên nhân", "Eradicated the cause"),
            "incident.recover" => self.pick("Khôi phục dịch vụ", "Recovered the services"),
            "incident.close" => self.pick("Kết thúc sự cố", "Closed an incident"),
            "incident.reopen" => self.pick("Mở lại sự cố", "Reopened an incident"),
            "incident.undo" => self.pick("Hoàn tác một bước của sự cố", "Undid a step of an incident"),
            "incident.merge" => self.pick("Nhập sự cố", "Merged incidents"),
            "incident.unmerge" => self.pick("Tách trở lại sự cố đã nhập", "Took a merge back"),
            "incident.split" => self.pick("Tách sự cố", "Split an incident"),
            "incident.gather" => self.pick("Đưa diễn biến của cảnh báo vào sự cố", "Brought in what alerts saw"),
            "incident.entry" => self.pick("Ghi diễn biến", "Wrote into the timeline"),
            "incident.strike" => self.pick("Gạch bỏ một diễn biến", "Struck out an entry"),
            "incident.judge" => self.pick("Xét lại một diễn biến", "Judged an entry anew"),
            "incident.observable" => self.pick("Thêm dấu hiệu", "Added an observable"),
            "incident.dismiss" => self.pick("Bỏ dấu hiệu", "Dismissed an observable"),
            "incident.task" => self.pick("Thêm việc", "Added a task"),
            "incident.task_done" => self.pick("Xong một việc", "Finished a task"),
            "incident.task_drop" => self.pick("Bỏ một việc", "Dropped a task"),
            "incident.task_give" => self.pick("Giao một việc", "Gave a task"),
            "incident.note" => self.pick("Ghi chú", "Wrote a note"),
            "evidence.acquire" => self.pick("Tiếp nhận chứng cứ", "Acquired evidence"),
            "evidence.read" => self.pick("Đọc chứng cứ", "Read evidence"),
            "evidence.export" => self.pick("Xuất chứng cứ", "Exported evidence"),
            "evidence.verify" => self.pick("Kiểm tra chứng cứ", "Verified evidence"),
            "service.put" => self.pick("Ghi danh mục dịch vụ", "Wrote a service into the catalogue"),
            "service.look" => self.pick("Kiểm tra dịch vụ", "Looked at services"),
            "backup.put" => self.pick("Theo dõi một kho sao lưu", "Watched a backup repository"),
            "drill.pass" => self.pick("Diễn tập khôi phục đạt", "Passed a restore drill"),
            "drill.fail" => self.pick("Diễn tập khôi phục thất bại", "Failed a restore drill"),
            _ => return self.watch_action(action),
        })
    }
}
