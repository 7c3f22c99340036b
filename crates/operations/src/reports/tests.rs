//! Reports from the forms that ship: what they say, what they mark, who may make them.

use std::{collections::BTreeMap, fmt::Write};

use jiff::tz::{Offset, TimeZone};
use model::{
    About, Actor, Alert, AlertKey, AlertOrigin, AlertState, Block, Disposition, Entity, EntityKind, Entropy, Id,
    Organisation, Role, RuleIdentity, RuleLevel, Scope, SourceId, Timestamp, Urgency, User,
};
use serde_json::json;

mod story;

use self::story::Story;
use super::*;
use model::HistoryItem;

use crate::Step;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn form(id: &str) -> Form {
    let path = format!("{}/../../content/forms/{id}.toml", env!("CARGO_MANIFEST_DIR"));
    Form::read(&path, &std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn manner(language: Language) -> Manner {
    Manner {
        language,
        zone: TimeZone::fixed(Offset::constant(7)),
    }
}

fn lead() -> Scope {
    Scope::of_session(&User {
        id: Id::from_bits(7),
        login: "hang".to_owned(),
        display_name: "Nguyễn Thị Hằng".to_owned(),
        role: Role::ShiftLead,
        password_hash: String::new(),
        language: "vi".to_owned(),
        created_at: at("2026-01-01T00:00:00Z"),
        enabled: true,
        revision: 1,
    })
}

fn organisation() -> Organisation {
    Organisation {
        name: Some("Trung tâm Giám sát an toàn không gian mạng".to_owned()),
        parent: Some("Sở Khoa học và Công nghệ".to_owned()),
        abbreviation: Some("TTGS".to_owned()),
        address: Some("12 đường Lý Thường Kiệt".to_owned()),
        telephone: Some("024 3999 0000".to_owned()),
        email: Some("truc@ttgs.example.vn".to_owned()),
        place: Some("Hà Nội".to_owned()),
        signer_title: Some("Giám đốc".to_owned()),
        ..Organisation::default()
    }
}

fn alert(bits: u128, level: RuleLevel, opened: &str, state: AlertState) -> Alert {
    Alert {
        id: Id::from_bits(bits),
        key: AlertKey {
            rule: "web.shell".into(),
            entity: Entity {
                kind: EntityKind::Host,
                name: "web-01".into(),
            },
            exercise: false,
        },
        origin: AlertOrigin::Rule,
        rule: RuleIdentity {
            id: "web.shell".into(),
            title: "Web shell in an upload folder".to_owned(),
            title_vi: "Web shell trong thư mục tải lên".to_owned(),
            level,
            tags: vec!["attack.t1505.003".into()],
        },
        state,
        assignee: Some(Id::from_bits(7)),
        detections: 3,
        hidden: 0,
        detail_cut: 0,
        urgency: Urgency::default(),
        first_seen: at(opened),
        last_seen: at(opened),
        opened_at: at(opened),
        last_event: 42,
        source: SourceId::new("web-01/nginx"),
        host: Some("web-01".into()),
        summary: "POST /uploads/a.php 200".to_owned(),
        previous: None,
        revision: 1,
    }
}

fn closed(at_text: &str, disposition: Disposition) -> AlertState {
    AlertState::Closed {
        at: at(at_text),
        by: Actor::Post {
            part: "test".to_owned(),
        },
        disposition,
        reason: "Đã cách ly máy và xóa tệp".to_owned(),
        late: 0,
    }
}

struct Post {
    organisation: Organisation,
    names: BTreeMap<Id<User>, String>,
    alerts: Vec<Alert>,
    steps: Vec<HistoryItem>,
    story: Story,
}

impl Post {
    fn new(alerts: Vec<Alert>) -> Self {
        Self {
            story: Story::new(),
            organisation: organisation(),
            names: BTreeMap::from([(Id::from_bits(7), "Nguyễn Thị Hằng".to_owned())]),
            alerts,
            steps: vec![HistoryItem {
                number: 12,
                at: at("2026-04-29T19:12:00Z"),
                actor: lead().actor().clone(),
                action: "alert.acknowledge".to_owned(),
                reason: None,
            }],
        }
    }

    fn view(&self) -> View<'_> {
        View {
            watch: Some(self.story.view()),
            organisation: &self.organisation,
            at: at("2026-04-29T23:00:00Z"),
            language: Language::Vi,
            names: &self.names,
            alerts: &self.alerts,
            steps: &self.steps,
            detections: &[],
            silences: &[],
            sources: &[],
            incident: None,
            incidents: &[],
            earlier: &[],
        }
    }
}

fn begun(form: &Form, about: About) -> Report {
    let scope = lead();
    let step = Step {
        scope: &scope,
        at: at("2026-04-29T22:00:00Z"),
    };
    let new = NewReport { about, number: None };
    reports_of(begin(form, new, step, Entropy([3; 16])).unwrap())
}

fn reports_of(decision: model::Decision) -> Report {
    let model::Change::PutReport { report } = decision.changes.into_iter().next().unwrap() else {
        panic!("the decision is about a report");
    };
    *report
}

/// A letter as plain lines, for people to read in a snapshot.
fn lines(letter: &Letter) -> String {
    let plain = |words: &model::Words| words.iter().map(|run| run.text.as_str()).collect::<String>();
    let mut text = format!(
        "{} | {} | {} | {}\n{} {}\n",
        plain(&letter.issuer),
        plain(&letter.number),
        letter.motto[1],
        plain(&letter.place_and_date),
        letter.type_name.as_deref().unwrap_or("–"),
        plain(&letter.subject)
    );
    for addressee in &letter.addressees {
        let _ = writeln!(text, "{} {}", letter.salutation, plain(addressee));
    }
    for block in &letter.blocks {
        let part = match block {
            Block::Heading { text } => format!("# {text}\n"),
            Block::Paragraph { words } => format!("{}\n", plain(words)),
            Block::Field { label, words } => format!("  {label}: {}\n", plain(words)),
            Block::Choices { label, choices, words } => {
                let ticked: Vec<String> = choices
                    .iter()
                    .map(|choice| format!("[{}] {}", if choice.ticked { "x" } else { " " }, choice.label))
                    .collect();
                format!("  {label}: {} {}\n", plain(words), ticked.join(" "))
            }
            Block::Table { columns, rows, cut } => {
                let heads: Vec<&str> = columns.iter().map(|column| column.label.as_str()).collect();
                let mut table = format!("  | {} |\n", heads.join(" | "));
                for row in rows {
                    let cells: Vec<String> = row.iter().map(plain).collect();
                    let _ = writeln!(table, "  | {} |", cells.join(" | "));
                }
                if *cut > 0 {
                    let _ = writeln!(table, "  … {cut}");
                }
                table
            }
        };
        text.push_str(&part);
    }
    for recipient in &letter.recipients {
        let _ = writeln!(text, "- {}", plain(recipient));
    }
    let _ = writeln!(text, "{} / {}", plain(&letter.signer_title), plain(&letter.signer_name));
    let gaps: Vec<&str> = letter.gaps.iter().map(|gap| gap.path.as_str()).collect();
    let _ = writeln!(text, "gaps: {}", gaps.join(" "));
    text
}

#[test]
fn the_initial_report_says_what_the_ledger_knows_and_marks_the_rest() {
    let form = form("incident-initial");
    let post = Post::new(vec![alert(
        1,
        RuleLevel::Critical,
        "2026-04-29T19:10:00Z",
        AlertState::New,
    )]);
    let report = begun(
        &form,
        About::Alert {
            alert: Id::from_bits(1),
        },
    );
    let standing = make(&report, &form, &post.view(), &manner(Language::Vi)).unwrap();
    insta::assert_snapshot!(lines(&standing.letter));
}

#[test]
fn a_report_about_a_rehearsal_is_marked_as_one() {
    let form = form("incident-initial");
    let mut drill = alert(1, RuleLevel::Critical, "2026-04-29T19:10:00Z", AlertState::New);
    drill.key.exercise = true;
    let post = Post::new(vec![drill]);
    let report = begun(
        &form,
        About::Alert {
            alert: Id::from_bits(1),
        },
    );
    let marked = |language| {
        make(&report, &form, &post.view(), &manner(language))
            .unwrap()
            .letter
            .rehearsal
    };
    assert_eq!(
        marked(Language::Vi).as_deref(),
        Some("DIỄN TẬP – KHÔNG PHẢI SỰ CỐ THẬT")
    );
    assert_eq!(marked(Language::En).as_deref(), Some("EXERCISE – NOT A REAL INCIDENT"));
}

#[test]
fn every_form_makes_a_letter_in_both_languages_and_its_source_is_named() {
    let folder = format!("{}/../../content/forms", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .ok()?
                .strip_suffix(".toml")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    let post = Post::new(vec![
        alert(
            1,
            RuleLevel::Critical,
            "2026-04-29T19:10:00Z",
            closed("2026-04-29T21:00:00Z", Disposition::TruePositive),
        ),
        alert(2, RuleLevel::Low, "2026-04-29T20:10:00Z", AlertState::New),
    ]);
    for name in names {
        let form = form(&name);
        assert!(!form.source.is_empty());
        let about = match form.about {
            Matter::Alert => About::Alert {
                alert: Id::from_bits(1),
            },
            Matter::Period => About::Period {
                from: at("2026-04-29T17:00:00Z"),
                to: at("2026-04-29T23:00:00Z"),
            },
            Matter::Watch => About::Watch {
                watch: Id::from_bits(9),
            },
            Matter::Letter => About::Letter {
                number: "202/TTCNTT&TT-QTHT".to_owned(),
                issuer: "Cục An toàn thông tin".to_owned(),
                date: "17/04/2024".to_owned(),
                subject: "lỗ hổng bảo mật".to_owned(),
            },
        };
        let report = begun(&form, about);
        for language in [Language::Vi, Language::En] {
            let standing = make(&report, &form, &post.view(), &manner(language)).unwrap();
            assert!(standing.letter.blocks.len() > 5, "{name}");
        }
        let vietnamese = make(&report, &form, &post.view(), &manner(Language::Vi)).unwrap();
        insta::assert_snapshot!(format!("form-{name}"), lines(&vietnamese.letter));
    }
}

#[test]
fn an_answer_fills_a_gap_and_never_replaces_a_fact() {
    let form = form("incident-initial");
    let post = Post::new(vec![alert(1, RuleLevel::High, "2026-04-29T19:10:00Z", AlertState::New)]);
    let mut report = begun(
        &form,
        About::Alert {
            alert: Id::from_bits(1),
        },
    );
    let scope = lead();
    let step = Step {
        scope: &scope,
        at: at("2026-04-29T22:30:00Z"),
    };
    let reply = |path: &str, text: &str| Reply {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let replies = [
        reply("system.operator", "Văn phòng"),
        reply("incident.description", "khác với sổ"),
        reply("incident.notified", "isp\ncoordinator"),
    ];
    report = reports_of(answer(&report, &form, &replies, "12/BC-TTGS", step).unwrap());
    let standing = make(&report, &form, &post.view(), &manner(Language::Vi)).unwrap();
    assert_eq!(at_path(&standing.facts, "system.operator"), json!("Văn phòng"));
    assert_eq!(
        at_path(&standing.facts, "incident.description"),
        json!("POST /uploads/a.php 200")
    );
    assert_eq!(
        at_path(&standing.facts, "incident.notified"),
        json!(["isp", "coordinator"])
    );
    assert!(standing.letter.gaps.iter().all(|gap| gap.path != "system.operator"));
    assert_eq!(standing.letter.number, [model::Run::known("Số: 12/BC-TTGS")]);
    assert_eq!(
        answer(&report, &form, &replies, "12/BC-TTGS", step),
        Err(Rejected::AlreadySo)
    );
}

fn at_path(facts: &Value, path: &str) -> Value {
    super::at(facts, path).cloned().unwrap_or_default()
}

#[test]
fn an_answer_must_be_of_its_kind() {
    for (kind, text, right) in [
        (FieldKind::Number, "1.234", true),
        (FieldKind::Number, "nhiều", false),
        (FieldKind::Date, "29/04/2026", true),
        (FieldKind::Date, "31/02/2026", false),
        (FieldKind::Time, "02:10", true),
        (FieldKind::Time, "26:10", false),
        (FieldKind::Moment, "02:10 30/04/2026", true),
        (FieldKind::Moment, "30/04/2026", false),
        (FieldKind::YesNo, "Có", true),
        (FieldKind::YesNo, "có lẽ", false),
    ] {
        assert_eq!(read_answer(kind, text).is_ok(), right, "{kind:?} {text}");
    }
}

#[test]
fn who_may_only_read_makes_and_sends_nothing() {
    let form = form("daily");
    let about = About::Period {
        from: at("2026-04-29T17:00:00Z"),
        to: at("2026-04-30T17:00:00Z"),
    };
    let report = begun(&form, about.clone());
    let mut auditor = User {
        id: Id::from_bits(9),
        login: "kiemtra".to_owned(),
        display_name: String::new(),
        role: Role::Auditor,
        password_hash: String::new(),
        language: "vi".to_owned(),
        created_at: at("2026-01-01T00:00:00Z"),
        enabled: true,
        revision: 1,
    };
    let sent = || Sent {
        to: "a".to_owned(),
        how: "b".to_owned(),
        receipt: String::new(),
        facts_digest: String::new(),
        file_digest: String::new(),
        gaps: vec!["assessment".to_owned()],
    };
    for (role, begins, sends) in [
        (Role::Auditor, false, false),
        (Role::DutyOfficer, true, false),
        (Role::ShiftLead, true, true),
    ] {
        auditor.role = role;
        let scope = Scope::of_session(&auditor);
        let step = Step {
            scope: &scope,
            at: at("2026-04-30T18:00:00Z"),
        };
        let new = NewReport {
            about: about.clone(),
            number: None,
        };
        assert_eq!(begin(&form, new, step, Entropy([1; 16])).is_ok(), begins, "{role:?}");
        assert_eq!(send(&report, sent(), step).is_ok(), sends, "{role:?}");
    }
}

#[test]
fn a_form_is_only_for_its_matter() {
    let scope = lead();
    let step = Step {
        scope: &scope,
        at: at("2026-04-30T18:00:00Z"),
    };
    let new = NewReport {
        about: About::Alert {
            alert: Id::from_bits(1),
        },
        number: None,
    };
    assert!(begin(&form("daily"), new, step, Entropy([1; 16])).is_err());
}

proptest::proptest! {
    #[test]
    fn any_pattern_and_any_path_make_words(pattern in "[{}a-z.|]{0,40}", answer_path in "[a-z.0-9]{0,30}") {
        let mut form = form("daily");
        form.subject = Text { vi: pattern.clone(), en: pattern };
        let mut facts = json!({"a": {"b": [1, {"c": null}]}, "d": "x"});
        super::fill(&mut facts, &answer_path, json!("y"));
        let letter = compose(&form, &facts, &manner(Language::Vi));
        assert!(letter.gaps.len() <= GAPS_MAX);
    }
}
