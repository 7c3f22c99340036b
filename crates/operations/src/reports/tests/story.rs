//! A watch at its end, as plain data.

use compact_str::CompactString;
use model::{
    Bound, Closing, Deadline, DeadlineState, Directive, Finding, Id, LetterFile, Measurement, Question, Reply,
    Requirement, Task, Unit, Waiver, WaiverState, Watch, WatchRequirement, Wording,
};

use super::at;
use crate::reports::{Judged, Measured, WatchView};

/// What the ledger would hold.
pub(super) struct Story {
    watch: Watch,
    judged: Vec<Judged>,
    measured: Vec<Measured>,
    directives: Vec<Directive>,
    questions: Vec<Question>,
    waivers: Vec<Waiver>,
    deadlines: Vec<Deadline>,
}

fn both(vi: &str, en: &str) -> Wording {
    Wording {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}

impl Story {
    pub(super) fn view(&self) -> WatchView<'_> {
        WatchView {
            watch: &self.watch,
            as_of: self.watch.closed.as_ref().map(|closing| closing.at).unwrap(),
            judged: &self.judged,
            measured: &self.measured,
            directives: &self.directives,
            questions: &self.questions,
            waivers: &self.waivers,
            deadlines: &self.deadlines,
        }
    }

    pub(super) fn new() -> Self {
        let judged = |key, standing, beneath| Judged { key, standing, beneath };
        Self {
            watch: watch(),
            judged: vec![
                judged(1, "holds", "holds"),
                judged(2, "falls_short", "falls_short"),
                judged(3, "waived", "unknown"),
            ],
            measured: vec![Measured {
                title: both("Nguồn log đang gửi", "Log sources reporting"),
                all: vec![
                    measurement("2026-04-30T01:00:00Z", Some(100.0)),
                    measurement("2026-04-30T02:00:00Z", Some(87.5)),
                    measurement("2026-04-30T03:00:00Z", None),
                    measurement("2026-05-03T16:00:00Z", Some(100.0)),
                ],
                cut: false,
            }],
            directives: vec![directive()],
            questions: vec![question()],
            waivers: vec![Waiver {
                id: Id::from_bits(31),
                watch: Id::from_bits(9),
                requirement: 3,
                reason: "Chưa được cấp tài khoản".to_owned(),
                asked_by: Id::from_bits(7),
                asked_at: at("2026-04-28T00:00:00Z"),
                expires_at: at("2026-05-10T00:00:00Z"),
                state: WaiverState::Granted {
                    at: at("2026-04-28T01:00:00Z"),
                    by: Id::from_bits(8),
                },
                revision: 2,
            }],
            deadlines: vec![Deadline {
                id: Id::from_bits(41),
                rule: "incident-notice".into(),
                what: both("Thông báo sự cố", "Notify of the incident"),
                source: "Quyết định 05/2017/QĐ-TTg".to_owned(),
                confirmed: true,
                matter: "web-01".to_owned(),
                started_at: at("2026-04-29T19:10:00Z"),
                due_at: at("2026-05-04T16:59:59Z"),
                warn_at: Vec::new(),
                warned: 0,
                owner: None,
                state: DeadlineState::Met {
                    at: at("2026-04-30T04:00:00Z"),
                    by: Id::from_bits(7),
                    evidence: "Số 12/BC-TTGS".to_owned(),
                },
                revision: 2,
            }],
        }
    }
}

fn watch() -> Watch {
    let requirement = |key: u32, letter_key: &str, control: Option<&str>, text: Wording| WatchRequirement {
        key,
        directive: Id::from_bits(5),
        number: "1465/BTTTT-CATTT".to_owned(),
        requirement: Requirement {
            key: letter_key.into(),
            text,
            controls: control.into_iter().map(CompactString::new).collect(),
            ..Requirement::default()
        },
        owner: (key == 1).then(|| Id::from_bits(7)),
    };
    let closing = |moment: &str, words: &str| Closing {
        at: at(moment),
        by: Id::from_bits(7),
        words: words.to_owned(),
    };
    Watch {
        id: Id::from_bits(9),
        name: "Trực dịp 30/4 và 01/5".to_owned(),
        from: at("2026-04-26T17:00:00Z"),
        until: at("2026-05-03T17:00:00Z"),
        people_min: 2,
        acknowledge_minutes: 15,
        requirements: vec![
            requirement(
                1,
                "1.2",
                Some("sources.reporting"),
                both("Theo dõi liên tục", "Watch continuously"),
            ),
            requirement(2, "1.3", None, both("Cập nhật bản vá", "Apply patches")),
            requirement(
                3,
                "1.6",
                None,
                both("Trực nền tảng điều phối", "Stand by on the platform"),
            ),
        ],
        tasks: vec![Task {
            key: 1,
            title: both("Gọi thử đầu mối", "Call the contacts"),
            check: None,
            owner: Some(Id::from_bits(7)),
            due_at: at("2026-04-25T17:00:00Z"),
            done: Some(closing("2026-04-25T03:00:00Z", "Cả hai đầu mối trả lời")),
        }],
        lead: Id::from_bits(7),
        opened_by: Id::from_bits(7),
        opened_at: at("2026-04-20T02:00:00Z"),
        closed: Some(closing("2026-05-03T17:30:00Z", "Đợt trực an toàn; một sự cố đã xử lý.")),
        revision: 5,
    }
}

fn measurement(moment: &str, value: Option<f64>) -> Measurement {
    let short = value.is_some_and(|value| value < 100.0);
    Measurement {
        control: "sources.reporting".into(),
        at: at(moment),
        window_from: at(moment),
        value,
        unit: Unit::Percent,
        bound: Bound::AtLeast(100.0),
        population: 8,
        failed: if short {
            vec!["source/syslog/203.0.113.7".into()]
        } else {
            Vec::new()
        },
        failed_count: u64::from(short),
        query: "sources unusually silent, of all sources".to_owned(),
        query_hash: "00".repeat(32),
        finding: match value {
            None => Finding::Unknown,
            Some(_) if short => Finding::FallsShort,
            Some(_) => Finding::Holds,
        },
        note: None,
        expires_at: at("2026-05-04T00:00:00Z"),
    }
}

fn directive() -> Directive {
    Directive {
        id: Id::from_bits(5),
        number: "1465/BTTTT-CATTT".to_owned(),
        issuer: "Bộ Thông tin và Truyền thông".to_owned(),
        issued_on: "2024-04-17".parse().unwrap(),
        received_on: "2024-04-17".parse().unwrap(),
        subject: both(
            "Tăng cường bảo đảm an toàn thông tin mạng",
            "Strengthening network information security",
        ),
        catalogue: None,
        file: Some(LetterFile {
            name: "1465.pdf".to_owned(),
            bytes: 1000,
            sha256: "ab".repeat(32),
        }),
        contacts: Vec::new(),
        requirements: Vec::new(),
        registered_by: Id::from_bits(7),
        registered_at: at("2026-04-17T02:00:00Z"),
        revision: 1,
    }
}

fn question() -> Question {
    Question {
        id: Id::from_bits(21),
        watch: Id::from_bits(9),
        requirement: 2,
        words: both("Còn máy nào chưa vá?", "Which machines remain?"),
        person: Id::from_bits(7),
        asked_by: Id::from_bits(7),
        asked_at: at("2026-04-20T02:00:00Z"),
        due_at: at("2026-04-26T17:00:00Z"),
        good_for_hours: 24,
        answer: Some(Reply {
            at: at("2026-05-03T10:00:00Z"),
            by: Id::from_bits(7),
            holds: false,
            words: "Còn 6 máy kế toán".to_owned(),
            expires_at: at("2026-05-04T10:00:00Z"),
        }),
        revision: 2,
    }
}
