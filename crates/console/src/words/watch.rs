//! Words of watches, directives, deadlines, measurements and the calendar.

use jiff::civil::Weekday;
use model::{Addressee, Bound, Language, Measurement, Unit};
use operations::{
    calendar::DayKind,
    watches::{Phase, Standing},
};

use super::Words;

super::messages! {
    nav_watches: "Đợt trực", "Watches";
    nav_directives: "Công văn", "Directives";
    nav_deadlines: "Thời hạn", "Deadlines";
    nav_calendar: "Lịch", "Calendar";

    watches_lead: "Mỗi yêu cầu của công văn gắn với phép đo đang chạy: giờ phút nào cũng biết điều gì đạt, điều gì chưa.", "Each requirement of a dispatch is bound to live measurements: at any minute it is known what holds and what does not.";
    watches_empty: "Chưa có đợt trực nào. Hãy tiếp nhận một công văn rồi mở đợt trực.", "There is no watch. Register a directive, then open one.";
    watch_new: "Mở đợt trực", "Open a watch";
    watch_name: "Tên đợt trực", "Name of the watch";
    watch_name_hint: "Ví dụ: Trực dịp 30/4 và 01/5.", "For example: 30 April and 1 May.";
    watch_from: "Bắt đầu", "Begins";
    watch_until: "Kết thúc", "Ends";
    watch_moment_hint: "Dạng ngày/tháng/năm giờ:phút, ví dụ 27/04/2026 00:00.", "Day/month/year hour:minute, for example 27/04/2026 00:00.";
    watch_people_min: "Số người trực tối thiểu mỗi lúc", "People on duty at every instant";
    watch_acknowledge: "Cảnh báo mức cao phải được nhận trong (phút)", "Alerts of level high must be taken within (minutes)";
    watch_lead: "Người phụ trách", "Lead";
    watch_directives: "Theo công văn", "By these directives";
    watch_no_directives: "Chưa tiếp nhận công văn nào: hãy tiếp nhận trước.", "No directive is registered yet: register one first.";
    watch_close: "Đóng đợt trực", "Close the watch";
    watch_close_words: "Kết luận của đợt trực", "What is said of the watch";
    watch_closed: "Đã đóng", "Closed";
    watch_requirements: "Yêu cầu", "Requirements";
    watch_preflight: "Kiểm tra trước đợt", "Preflight";
    watch_short: "Lúc chưa đủ người trực", "Too few people on duty";
    watch_test_pages: "Gửi tin thử cho mọi người trực", "Send a test page to everybody on duty";
    watch_preflight_lead: "Những gì phải sẵn sàng trước khi đợt trực bắt đầu. Điều còn thiếu trở thành việc có người làm và hạn.", "What must be there before the watch begins. What is missing becomes a task with a name and a due date.";
    watch_make_tasks: "Tạo việc cho những mục còn thiếu", "Make tasks of what is missing";
    watch_tasks: "Việc phải làm", "Tasks";
    watch_no_tasks: "Chưa có việc nào.", "There are no tasks.";
    task_done: "Đã xong", "Done";
    task_finish: "Xong", "Done";
    task_words: "Đã làm gì, kết quả ra sao", "What was done, with what result";
    task_add: "Thêm việc", "Add a task";
    task_title: "Việc", "Task";
    task_owner: "Người làm", "Owner";
    task_due: "Hạn", "Due";
    task_overdue: "quá hạn", "overdue";

    standing_falls_short: "Chưa đạt", "Falls short";
    standing_unknown: "Chưa rõ", "Unknown";
    standing_stale: "Quá cũ", "Stale";
    standing_waived: "Được miễn", "Waived";
    standing_holds: "Đạt", "Holds";
    verdict_all_holds: "Mọi yêu cầu đều đạt", "Every requirement holds";
    verdict_not_all: "Chưa phải mọi yêu cầu đều đạt", "Not every requirement holds";

    phase_ahead: "Sắp tới", "Ahead";
    phase_running: "Đang trực", "Running";
    phase_over: "Hết thời gian, chưa đóng", "Over, not closed";

    requirement_owner: "Người chịu trách nhiệm", "Owner";
    requirement_no_owner: "chưa có", "nobody";
    requirement_give: "Giao", "Give";
    requirement_shown_by: "Bằng chứng", "Shown by";
    question_not_asked: "chưa hỏi ai", "nobody was asked";
    requirement_due: "Hạn theo công văn", "Due by the letter";
    requirement_note: "Lưu ý", "Note";

    question: "Câu hỏi", "Question";
    question_asked: "Hỏi", "Asked of";
    question_unanswered: "chưa trả lời", "not answered";
    question_answer: "Trả lời", "Answer";
    question_holds: "Đạt", "It holds";
    question_falls_short: "Chưa đạt", "It falls short";
    question_words: "Đã thấy gì, bằng chứng ở đâu", "What was seen, and where the proof is";
    question_hand: "Chuyển cho", "Hand to";
    question_good_until: "có giá trị đến", "good until";

    waivers: "Miễn trừ", "Waivers";
    waiver_ask: "Đề nghị miễn", "Ask for a waiver";
    waiver_reason: "Lý do", "Reason";
    waiver_until: "Đến hết", "Until";
    waiver_grant: "Duyệt", "Grant";
    waiver_refuse: "Từ chối", "Refuse";
    waiver_end: "Kết thúc miễn trừ", "End the waiver";
    waiver_asked: "Chờ duyệt", "Asked for";
    waiver_granted: "Đã duyệt", "Granted";
    waiver_expired: "Đã hết hạn", "Expired";
    waiver_refused: "Bị từ chối", "Refused";
    waiver_ended: "Đã kết thúc", "Ended";
    waiver_beneath: "Nếu không được miễn", "Without the waiver";

    control_value: "Giá trị", "Value";
    control_bound: "Ngưỡng", "Bound";
    control_population: "Trên tổng số", "Among";
    control_failed: "Không đạt", "Fall short";
    control_measured: "Đo lúc", "Measured";
    control_expires: "Hết giá trị", "Expires";
    control_never: "chưa đo lần nào", "never measured";
    control_query: "Câu hỏi đã đo", "What was asked";
    control_query_hash: "Mã băm của câu hỏi", "Hash of the question";
    control_trend: "Diễn biến", "Trend";
    control_trend_days: "Từng ngày trong một năm", "Day by day over a year";
    control_recent: "Các lần đo gần đây", "Recent measurements";
    control_no_value: "không đo được", "not measurable";
    control_window: "Khoảng thời gian xét", "Window";

    directives_lead: "Công văn của cơ quan chức năng, từng yêu cầu kèm phép đo hoặc câu hỏi chứng minh.", "Letters of authorities, each requirement with the measurement or question that shows it.";
    directives_empty: "Chưa tiếp nhận công văn nào.", "No directive is registered.";
    directive_register: "Tiếp nhận công văn", "Register a directive";
    directive_number: "Số, ký hiệu", "Number";
    directive_issuer: "Cơ quan ban hành", "Issued by";
    directive_issued_on: "Ngày ban hành", "Issued on";
    directive_received_on: "Ngày đến", "Received on";
    directive_date_hint: "Dạng ngày/tháng/năm, ví dụ 17/04/2024.", "Day/month/year, for example 17/04/2024.";
    directive_subject: "Trích yếu", "Subject";
    directive_subject_en: "Trích yếu bằng tiếng Anh", "Subject in English";
    directive_file: "Bản gốc", "The letter";
    directive_file_hint: "Tệp PDF, ảnh hoặc DOCX, nhiều nhất 20 MB. Tệp được lưu theo mã băm, không sửa được.", "PDF, image or DOCX, at most 20 MB. It is kept under its hash and never changed.";
    directive_file_hash: "SHA-256", "SHA-256 of the file";
    directive_contacts: "Đầu mối hỗ trợ", "Support contacts";
    directive_unconfirmed: "chưa xác nhận", "unconfirmed";
    directive_confirmed: "xác nhận ngày", "confirmed on";
    directive_from_catalogue: "Chọn từ danh mục", "Take one from the catalogue";
    directive_from_text: "Hoặc dán nội dung văn bản", "Or paste the letter’s text";
    directive_text_hint: "Hệ thống đề xuất từng yêu cầu cùng từ khóa làm căn cứ; người tiếp nhận quyết định lấy yêu cầu nào.", "The post proposes requirements with the words that made it think so; you decide which to take.";
    directive_propose: "Đề xuất yêu cầu", "Propose requirements";
    directive_use: "Dùng", "Use";
    directive_press_only: "theo báo chí", "from the press";
    directive_source: "Nguồn", "Source";
    directive_take: "Lấy", "Take";
    directive_because: "căn cứ", "because of";
    directive_controls: "Phép đo", "Controls";
    directive_controls_hint: "Mã phép đo, cách nhau bằng dấu phẩy.", "Ids of controls, parted by commas.";
    directive_question_hint: "Hỏi người phụ trách khi không đo được.", "Asked of a person where nothing can be measured.";
    directive_addressee: "Đối tượng", "Addressee";
    directive_left_out: "Yêu cầu chưa xem đến", "Not looked at";
    directive_authorities: "Cơ quan chức năng", "Authorities";
    authority_from: "từ", "from";
    authority_until: "đến hết", "until";
    authority_succeeded: "nay là", "now";
    authority_reach: "Liên hệ", "Reached by";
    addressee_organisation: "Cơ quan, tổ chức", "Organisations";
    addressee_provider: "Doanh nghiệp viễn thông, Internet", "Telecom and Internet providers";
    addressee_both: "Mọi đối tượng", "All";

    deadlines_lead: "Đồng hồ đang chạy theo luật và công văn. Báo cáo thiếu mà đúng hạn tốt hơn đủ mà trễ.", "Clocks that laws and letters have started. Incomplete in time beats complete too late.";
    deadlines_running: "Đang chạy", "Running";
    deadlines_breached: "Đã quá hạn", "Breached";
    deadlines_ended: "Đã kết thúc", "Ended";
    deadlines_none_running: "Không có thời hạn nào đang chạy.", "No clock is running.";
    deadline_start: "Bắt đầu thời hạn", "Start clocks";
    deadline_matter: "Về việc", "About";
    deadline_matter_hint: "Số văn bản, mã cảnh báo hoặc mô tả ngắn.", "Number of a letter, id of an alert, or a few words.";
    deadline_started: "Bắt đầu từ", "Clock started";
    deadline_started_hint: "Để trống nghĩa là ngay bây giờ.", "Empty means now.";
    deadline_rules: "Các thời hạn, có thể chọn nhiều chế độ cùng lúc", "Deadlines, of several regimes at once";
    deadline_due: "Hạn", "Due";
    deadline_left: "Còn lại", "Left";
    deadline_meet: "Đã thực hiện", "Met";
    deadline_evidence: "Bằng chứng (số văn bản, biên nhận), phần còn thiếu", "Proof (number of the letter, receipt), and what is incomplete";
    deadline_stop: "Dừng", "Stop";
    deadline_late: "Đã làm, muộn", "Done, late";
    deadline_met: "Đúng hạn", "Met";
    deadline_stopped: "Đã dừng", "Stopped";
    deadline_breach: "Quá hạn", "Breached";
    deadline_not_done: "chưa thực hiện", "not done";
    deadline_unconfirmed: "chưa đối chiếu văn bản", "the text was not compared";
    deadline_who: "Đối tượng", "Who";
    deadline_starts: "Tính từ", "From";

    calendar_lead: "Ngày lễ theo luật, nghỉ bù, làm bù. Ngày chưa đối chiếu được tính là ngày làm việc, để không tính hạn muộn hơn thực tế.", "Statutory, compensatory and make-up days. A day that nobody confirmed counts as worked, so that no deadline is reckoned too late.";
    calendar_undecided: "Chưa có tệp của năm này: ngày Tết và ngày hoán đổi theo quy tắc chung.", "This year has no file of its own: the lunar new year and exchanged days follow from the rules alone.";
    calendar_statutory: "Nghỉ lễ", "Holiday";
    calendar_compensatory: "Nghỉ bù", "Day off in its place";
    calendar_make_up: "Làm bù", "Make-up day";
    calendar_working_days: "ngày làm việc", "working days";
    calendar_unconfirmed: "chưa đối chiếu", "not confirmed";
    content_problems: "Tệp nội dung có lỗi; bản tốt gần nhất vẫn có hiệu lực", "Content files with errors; the last good ones stay in force";
    calendar_day: "Ngày", "Day";
    calendar_kind: "Loại", "Kind";
    calendar_name: "Dịp", "Occasion";
    watch_provider: "Đơn vị là doanh nghiệp viễn thông, Internet hoặc nền tảng số: lấy cả yêu cầu cho doanh nghiệp", "We are a telecom, Internet or platform provider: take what is asked of providers too";
    watch_breaks: "Các kỳ nghỉ sắp tới", "The next holidays";
    watch_use_break: "Dùng thời gian này", "Use this time";
    directive_text: "Nội dung văn bản", "Text of the letter";
    directive_by_hand: "Tự nhập từng yêu cầu", "Write it by hand";
    directive_head: "Văn bản", "The letter";
    directive_registered: "Người tiếp nhận", "Registered by";
    directive_revise: "Sửa", "Revise";
    directive_no_file: "chưa có tệp", "no file";
    directive_no_watch: "Chưa mở đợt trực nào theo văn bản này.", "No watch was opened on it.";
    directive_called: "Đã gọi thử, đúng", "Called, and right";
    directive_contacts_hint: "Mỗi dòng một đầu mối: tên; điện thoại; thư điện tử.", "One contact a line: name; telephones; e-mail addresses.";
    directive_decide_hint: "Chỉ những yêu cầu được đánh dấu mới được tiếp nhận.", "Only requirements that are ticked are taken.";
    directive_more: "Tiếng Anh, phần, lưu ý", "English, part, note";
    requirement_key: "Mục", "Key";
    requirement_text: "Nội dung yêu cầu", "What is asked for";
    requirement_text_en: "Nội dung bằng tiếng Anh", "The same in English";
    requirement_part: "Phần của văn bản", "Part of the letter";
    requirement_part_en: "Phần, bằng tiếng Anh", "Part in English";
    requirement_note_en: "Lưu ý bằng tiếng Anh", "Note in English";
    question_en: "Câu hỏi bằng tiếng Anh", "Question in English";
    deadline_close: "Sắp hết hạn", "Close to its end";
    like_date: "ngày/tháng/năm", "dd/mm/yyyy";
    like_moment: "ngày/tháng/năm giờ:phút", "dd/mm/yyyy hh:mm";
    choose_person: "Chọn người", "Choose a person";
}

impl Words {
    /// The word for how something stands.
    pub(crate) fn standing(self, standing: Standing) -> &'static str {
        match standing {
            Standing::FallsShort => self.standing_falls_short(),
            Standing::Unknown => self.standing_unknown(),
            Standing::Stale => self.standing_stale(),
            Standing::Waived => self.standing_waived(),
            Standing::Holds => self.standing_holds(),
        }
    }

    /// The word for when a watch is.
    pub(crate) fn watch_phase(self, phase: Phase) -> &'static str {
        match phase {
            Phase::Ahead => self.phase_ahead(),
            Phase::Running => self.phase_running(),
            Phase::Over => self.phase_over(),
            Phase::Closed => self.watch_closed(),
        }
    }

    /// The word for whom a requirement addresses.
    pub(crate) fn addressee(self, addressee: Addressee) -> &'static str {
        match addressee {
            Addressee::Organisation => self.addressee_organisation(),
            Addressee::Provider => self.addressee_provider(),
            Addressee::Both => self.addressee_both(),
        }
    }

    /// The word for a sort of day.
    pub(crate) fn day_kind(self, kind: DayKind) -> &'static str {
        match kind {
            DayKind::Statutory => self.calendar_statutory(),
            DayKind::Compensatory => self.calendar_compensatory(),
            DayKind::MakeUp => self.calendar_make_up(),
        }
    }

    /// The short name of a day of the week.
    pub(crate) fn weekday(self, day: Weekday) -> &'static str {
        let (vi, en) = match day {
            Weekday::Monday => ("Thứ Hai", "Mon"),
            Weekday::Tuesday => ("Thứ Ba", "Tue"),
            Weekday::Wednesday => ("Thứ Tư", "Wed"),
            Weekday::Thursday => ("Thứ Năm", "Thu"),
            Weekday::Friday => ("Thứ Sáu", "Fri"),
            Weekday::Saturday => ("Thứ Bảy", "Sat"),
            Weekday::Sunday => ("Chủ nhật", "Sun"),
        };
        match self.0 {
            Language::Vi => vi,
            Language::En => en,
        }
    }

    /// That a day cannot be read.
    pub(crate) fn directive_bad_date(self, label: &str, text: &str) -> String {
        match self.0 {
            Language::Vi => {
                format!("{label}: \"{text}\" không phải là ngày; hãy ghi ngày/tháng/năm, ví dụ 17/04/2024.")
            }
            Language::En => format!("{label}: \"{text}\" is no day; write day/month/year, for example 17/04/2024."),
        }
    }

    /// That a moment cannot be read.
    pub(crate) fn bad_moment(self, text: &str) -> String {
        match self.0 {
            Language::Vi => {
                format!("\"{text}\" không phải là thời điểm; hãy ghi ngày/tháng/năm giờ:phút, ví dụ 27/04/2026 00:00.")
            }
            Language::En => {
                format!("\"{text}\" is no moment; write day/month/year hour:minute, for example 27/04/2026 00:00.")
            }
        }
    }

    /// That a requirement names a control that cannot be measured.
    pub(crate) fn directive_unknown_control(self, key: &str, control: &str) -> String {
        match self.0 {
            Language::Vi => format!("Yêu cầu {key}: không có phép đo \"{control}\"."),
            Language::En => format!("Requirement {key}: there is no control \"{control}\"."),
        }
    }

    /// A length in bytes, as people read it.
    pub(crate) fn bytes(self, bytes: u64) -> String {
        if bytes < 10 * 1024 {
            return format!("{} B", self.number(bytes));
        }
        format!("{} KiB", self.number(bytes.div_ceil(1024)))
    }

    /// So many requirements.
    pub(crate) fn requirements(self, count: u64) -> String {
        let number = self.number(count);
        match (self.0, count) {
            (Language::Vi, _) => format!("{number} yêu cầu"),
            (Language::En, 1) => format!("{number} requirement"),
            (Language::En, _) => format!("{number} requirements"),
        }
    }

    /// A measured value with its unit.
    pub(crate) fn value(self, value: f64, unit: Unit) -> String {
        match unit {
            Unit::Count => self.number(whole(value)),
            Unit::Percent if value.fract() == 0.0 => format!("{} %", self.number(whole(value))),
            Unit::Percent => format!("{} %", self.decimal(value)),
            Unit::Seconds => self.span(whole(value)),
        }
    }

    /// A measurement's value, or that there is none.
    pub(crate) fn measured_value(self, measurement: &Measurement) -> String {
        measurement.value.map_or_else(
            || self.control_no_value().to_owned(),
            |value| self.value(value, measurement.unit),
        )
    }

    /// How many of the population fell short.
    pub(crate) fn short_of(self, failed: u64, population: u64) -> String {
        let (failed_words, population_words) = (self.number(failed), self.number(population));
        match (self.0, failed) {
            (Language::Vi, 0) => format!("trên {population_words}"),
            (Language::En, 0) => format!("of {population_words}"),
            (Language::Vi, _) => format!("{failed_words} trên {population_words} chưa đạt"),
            (Language::En, _) => format!("{failed_words} of {population_words} fall short"),
        }
    }

    /// A bound with its unit: `≤ 30 min`.
    pub(crate) fn bound(self, bound: Bound, unit: Unit) -> String {
        match bound {
            Bound::AtMost(most) => format!("≤ {}", self.value(most, unit)),
            Bound::AtLeast(least) => format!("≥ {}", self.value(least, unit)),
        }
    }

    /// What a small trend shows, for those who do not see it.
    pub(crate) fn trend_label(self, points: u64, short: u64, unknown: u64) -> String {
        let (points, short, unknown) = (self.number(points), self.number(short), self.number(unknown));
        match self.0 {
            Language::Vi => format!("{points} lần đo gần nhất: {short} lần chưa đạt, {unknown} lần không đo được"),
            Language::En => format!("last {points} measurements: {short} fell short, {unknown} could not be measured"),
        }
    }

    /// The words for an action on letters, watches and deadlines in the duty book; `None` for one without words of its own.
    pub(crate) fn watch_action(self, action: &str) -> Option<&'static str> {
        Some(match action {
            "directive.register" => self.pick("Vào sổ văn bản", "Registered a letter"),
            "directive.revise" => self.pick("Sửa văn bản đã vào sổ", "Revised a letter"),
            "directive.confirm_contact" => self.pick("Xác nhận đầu mối liên hệ", "Confirmed a contact"),
            "watch.open" => self.pick("Mở đợt trực", "Opened a watch"),
            "watch.close" => self.pick("Đóng đợt trực", "Closed a watch"),
            "watch.measure" => self.pick("Đo các chỉ số", "Measured the controls"),
            "watch.forget" => self.pick("Bỏ số đo quá hạn lưu", "Forgot old measurements"),
            "watch.preflight" => self.pick("Kiểm tra trước đợt trực", "Checked before a watch"),
            "watch.add_task" => self.pick("Thêm việc cho đợt trực", "Added a task to a watch"),
            "watch.finish_task" => self.pick("Xong một việc của đợt trực", "Finished a task of a watch"),
            "watch.give_requirement" => self.pick("Giao yêu cầu", "Gave a requirement to somebody"),
            "waiver.ask" => self.pick("Xin miễn yêu cầu", "Asked for a waiver"),
            "waiver.grant" => self.pick("Duyệt miễn yêu cầu", "Granted a waiver"),
            "waiver.refuse" => self.pick("Từ chối miễn yêu cầu", "Refused a waiver"),
            "waiver.end" => self.pick("Kết thúc miễn yêu cầu", "Ended a waiver"),
            "question.answer" => self.pick("Trả lời câu hỏi", "Answered a question"),
            "question.hand_to" => self.pick("Chuyển câu hỏi", "Handed a question on"),
            "deadline.start" => self.pick("Bắt đầu tính hạn", "Started a deadline"),
            "deadline.meet" => self.pick("Hoàn thành đúng hạn", "Met a deadline"),
            "deadline.finish_late" => self.pick("Hoàn thành quá hạn", "Finished late"),
            "deadline.stop" => self.pick("Dừng tính hạn", "Stopped a deadline"),
            "deadline.hand_to" => self.pick("Chuyển người giữ hạn", "Handed a deadline on"),
            "deadline.tick" => self.pick("Nhắc hạn", "Looked at the deadlines"),
            _ => return None,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a span of seconds, held to what a u64 takes"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
