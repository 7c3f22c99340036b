//! Words of sources, of their accounts and of their tokens.

use model::{ProblemKind, RejectReason};

use super::Words;

super::messages! {
    sources_title: "Nguồn nhật ký", "Sources";
    sources_lead: "Với mỗi nguồn: nhận = lưu + từ chối + thất lạc + đang chờ.", "For each source: received = stored + rejected + lost + pending.";
    sources_empty: "Chưa nguồn nào gửi bản ghi. Hãy tạo token rồi dùng một trong các cấu hình mẫu.", "No source has sent a record yet. Make a token and use one of the configurations.";
    source_received: "Nhận", "Received";
    source_stored: "Lưu", "Stored";
    source_rejected: "Từ chối", "Rejected";
    source_lost: "Thất lạc", "Lost";
    source_pending: "Đang chờ", "Pending";
    source_problems: "Vấn đề", "Problems";
    source_last_heard: "Nghe lần cuối", "Last heard";
    source_first_heard: "Nghe lần đầu", "First heard";
    source_expected: "Nhịp thường ngày", "Usual rate";
    minutes: "phút", "minutes";
    source_per_hour: "bản ghi/giờ", "records/hour";
    source_not_learned: "chưa đủ số liệu", "not learned yet";
    source_ordinary_gap: "Khoảng lặng dài nhất coi là bình thường", "Longest ordinary gap";
    source_speaking: "Đang gửi", "Speaking";
    source_unlearned: "Chưa rõ nhịp", "Rhythm unknown";
    source_unlearned_hint: "Chưa nghe đủ lâu để biết khi nào nguồn này im lặng.", "Not heard for long enough to know when this source is silent.";
    source_silent: "Im lặng", "Silent";
    source_silent_since: "im lặng từ", "silent since";
    source_imbalance: "Sổ không cân", "Does not balance";
    source_imbalance_hint: "Tổng lưu, từ chối và thất lạc lớn hơn số đã nhận.", "Stored, rejected and lost add up to more than was received.";
    source_balance: "Cân đối", "The account";
    source_reasons: "Vì sao bị từ chối", "Why records were rejected";
    source_problem_kinds: "Vấn đề trong bản ghi đã lưu", "Problems in stored records";
    source_recent_problems: "Vấn đề gần đây", "Recent problems";
    source_rejected_records: "Bản ghi bị từ chối gần đây", "Recently rejected records";
    source_rejected_none: "Chưa từ chối bản ghi nào.", "No record was rejected.";
    source_no_problems: "Không có vấn đề nào được ghi nhận.", "No problem was met.";
    source_activity: "Bản ghi theo giờ, 24 giờ qua", "Records an hour, last 24 hours";
    source_origin: "Từ đâu", "Origin";

    tokens_title: "Token của nguồn", "Source tokens";
    tokens_lead: "Mỗi nguồn gửi bằng token của riêng nó. Token chỉ hiện một lần khi tạo.", "Each source sends with its own token. A token is shown once, when it is made.";
    token_source_name: "Tên nguồn", "Name of the source";
    token_source_hint: "Ví dụ: mail-gateways, web-hanoi", "For example: mail-gateways, web-hanoi";
    token_make: "Tạo token", "Make a token";
    token_made: "Token mới", "The new token";
    token_once: "Hãy chép ngay: sau khi rời trang này không xem lại được.", "Copy it now: it cannot be shown again after you leave this page.";
    token_revoke: "Thu hồi", "Revoke";
    token_revoked: "Đã thu hồi", "Revoked";
    token_valid: "Có hiệu lực", "Valid";
    token_digest: "Dấu vân tay", "Fingerprint";
    tokens_empty: "Chưa có token nào.", "There is no token.";
    tokens_snippets: "Cấu hình mẫu", "Configurations to copy";
    tokens_snippet_hint: "Địa chỉ lấy từ cấu hình đang chạy; token được điền sẵn ngay sau khi tạo, lúc khác hãy thay chữ TOKEN.", "The addresses are those of the running configuration; the token is filled in right after it was made, otherwise put it for TOKEN.";
    intake_loopback: "Cổng nhận này chỉ nghe trên chính máy của trạm: máy khác chưa gửi tới được. Muốn mở, đặt listen và chứng chỉ trong [ingest] rồi khởi động lại.", "This listener is heard on the post’s own machine only: other machines cannot reach it yet. To open it, set listen and a certificate in [ingest] and restart.";
    intake_plain: "Không có TLS: bản ghi và token đi qua mạng có thể bị đọc và giả mạo.", "Without TLS: records and tokens can be read and forged on their way.";
    intake_http_off: "Cổng nhận HTTP đang tắt ([ingest.http] listen).", "The HTTP intake is off ([ingest.http] listen).";
    intake_syslog_off: "Không có cổng nhận syslog nào đang mở ([ingest.syslog]).", "No syslog listener is open ([ingest.syslog]).";
    intake_syslog: "Syslog: không cần token", "Syslog: no token is needed";
    intake_authority: "Nếu chứng chỉ do tổ chức tự cấp, máy gửi phải tin cơ quan cấp đó.", "When the certificate comes from an authority of your own, the sender must trust that authority.";

    reject_oversized: "quá dài", "too long";
    reject_framing: "sai khung truyền", "broken framing";
    reject_not_parsable: "không đọc được", "not parsable";
    reject_compression: "nén hỏng hoặc quá lớn", "bad compression";
    reject_too_deep: "lồng quá sâu", "nested too deep";
    reject_operation: "thao tác không hỗ trợ", "unsupported operation";
    reject_truncated: "đứt giữa chừng", "cut off";

    problem_unknown_format: "chưa nhận ra định dạng", "unknown format";
    problem_malformed: "sai định dạng", "malformed";
    problem_utf8: "ký tự không phải UTF-8", "invalid UTF-8";
    problem_no_time: "không có thời gian", "no time";
    problem_guessed_time: "thời gian phải suy đoán", "guessed time";
    problem_implausible_time: "thời gian vô lý", "implausible time";
    problem_duplicate: "tên trường lặp", "duplicate name";
    problem_limit: "vượt giới hạn", "limit reached";
    problem_incomplete: "thiếu phần ghép", "incomplete";
}

impl Words {
    /// The words for why a record was refused.
    pub(crate) fn reject_reason(self, reason: RejectReason) -> &'static str {
        match reason {
            RejectReason::Oversized => self.reject_oversized(),
            RejectReason::BadFraming => self.reject_framing(),
            RejectReason::NotParsable => self.reject_not_parsable(),
            RejectReason::BadCompression => self.reject_compression(),
            RejectReason::TooDeep => self.reject_too_deep(),
            RejectReason::UnsupportedOperation => self.reject_operation(),
            RejectReason::Truncated => self.reject_truncated(),
        }
    }

    /// The words for a kind of problem.
    pub(crate) fn problem_kind(self, kind: ProblemKind) -> &'static str {
        match kind {
            ProblemKind::UnknownFormat => self.problem_unknown_format(),
            ProblemKind::Malformed => self.problem_malformed(),
            ProblemKind::InvalidUtf8 => self.problem_utf8(),
            ProblemKind::NoTime => self.problem_no_time(),
            ProblemKind::GuessedTime => self.problem_guessed_time(),
            ProblemKind::ImplausibleTime => self.problem_implausible_time(),
            ProblemKind::DuplicateName => self.problem_duplicate(),
            ProblemKind::LimitReached => self.problem_limit(),
            ProblemKind::Incomplete => self.problem_incomplete(),
        }
    }
}
