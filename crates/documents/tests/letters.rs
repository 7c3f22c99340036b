//! Letters as files, made from the forms that ship: read back by other programs where they are on the machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{collections::BTreeMap, path::Path, process::Command};

use documents::{Flaw, Layout, LedgerProof, Proof, TypesetError, verify};
use model::{Language, Letter};
use operations::reports::{Form, Manner, compose};
use serde_json::{Value, json};

fn content() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/forms")
}

fn layout() -> Layout {
    let file = content().join("layouts/decree30.typ");
    Layout {
        main: "decree30.typ".to_owned(),
        files: BTreeMap::from([("decree30.typ".to_owned(), std::fs::read(file).unwrap())]),
    }
}

fn form(id: &str) -> (Form, String) {
    let text = std::fs::read_to_string(content().join(format!("{id}.toml"))).unwrap();
    (Form::read(&format!("{id}.toml"), &text).unwrap(), text)
}

fn facts() -> Value {
    json!({
        "report": {"form": "incident-initial", "number": "12/BC-TTGS", "dated_at": "2026-04-29T23:00:00Z", "compiled_at": "2026-04-29T23:00:00Z"},
        "organisation": {
            "name": "Trung tâm Giám sát an toàn không gian mạng", "parent": "Sở Khoa học và Công nghệ", "abbreviation": "TTGS",
            "address": "12 đường Lý Thường Kiệt, phường Cửa Nam, Hà Nội", "telephone": "024 3999 0000", "email": "truc@ttgs.example.vn",
            "place": "Hà Nội", "contact_name": "Nguyễn Thị Hằng", "contact_telephone": "0912 000 000", "contact_email": "hang@ttgs.example.vn",
            "signer_title": "Giám đốc", "signer_name": "Đặng Hữu Nghĩa",
        },
        "incident": {
            "name": "Web shell in an upload folder – web-01", "description": "POST /uploads/a.php 200 — ặ ễ ự đ Đ ữ", "status": "handling",
            "began_at": "2026-04-29T19:09:12Z", "detected_at": "2026-04-29T19:10:00Z", "reported_at": "2026-04-29T23:00:00Z",
            "found_by": ["log_review"], "notified": ["isp", "coordinator"],
        },
        "system": {"operator": "Văn phòng Ủy ban nhân dân", "name": "web-01", "address": null, "level": "3"},
        "timeline": [
            {"entry": 11, "at": "2026-04-29T19:10:00Z", "who": "watchpost/triage", "action": "triage.batch", "reason": null},
            {"entry": 12, "at": "2026-04-29T19:12:00Z", "who": "Nguyễn Thị Hằng", "action": "alert.acknowledge", "reason": "Đã gọi người trực, cách ly máy khỏi mạng"},
        ],
        "evidence": (0..40).map(|n| json!({"at": "2026-04-29T19:09:12Z", "host": "web-01", "summary": format!("POST /uploads/a{n}.php?cmd=whoami 200")})).collect::<Vec<_>>(),
    })
}

fn letter_of(facts: &Value) -> (Letter, (String, String)) {
    let (form, text) = form("incident-initial");
    let manner = Manner {
        language: Language::Vi,
        zone: jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(7)),
    };
    (compose(&form, facts, &manner), (form.id, text))
}

fn proof() -> (Letter, Proof) {
    let facts = facts();
    let (letter, (id, text)) = letter_of(&facts);
    let hashes: Vec<[u8; 32]> = (0..30_u8).map(|n| [n; 32]).collect();
    let proof = Proof::new((&id, &text), &letter, facts, LedgerProof::of(&hashes, &[11, 12]));
    (letter, proof)
}

fn pdf() -> Vec<u8> {
    let (letter, proof) = proof();
    let set = documents::pdf(&letter, &layout(), &proof.to_json()).unwrap();
    assert_eq!(set.warnings, []);
    assert!(set.without_glyph.is_empty());
    assert!(set.pages >= 2);
    documents::seal_pdf(set.pdf)
}

/// The text of a PDF as another program reads it; none, loudly, where that was left out.
fn text_of(pdf: &[u8]) -> Option<String> {
    let Some(program) = testkit::on_path("pdftotext") else {
        testkit::absent("pdftotext (Debian: poppler-utils)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(program)
        .args(["-layout"])
        .arg(&file)
        .arg("-")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_letter_about_a_rehearsal_says_so_on_every_page() {
    let mut facts = facts();
    facts["alert"] = json!({"exercise": true});
    let (letter, _) = letter_of(&facts);
    let words = letter.rehearsal.clone().unwrap();
    let docx = documents::docx(&letter, "{}");
    assert_ne!(docx, documents::docx(&letter_of(&self::facts()).0, "{}"));
    let set = documents::pdf(&letter, &layout(), "{}").unwrap();
    let Some(text) = text_of(&set.pdf) else { return };
    let pages: Vec<&str> = text.trim_end_matches('\u{c}').split('\u{c}').collect();
    assert!(
        pages.len() >= 2 && pages.iter().all(|page| page.contains(&words)),
        "{text}"
    );
    assert_eq!(letter_of(&self::facts()).0.rehearsal, None);
}

#[test]
fn the_pdf_reads_as_the_letter_does() {
    let Some(text) = text_of(&pdf()) else { return };
    for words in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số: 12/BC-TTGS",
        "Hà Nội, ngày 30 tháng 4 năm 2026",
        "ặ ễ ự đ Đ ữ",
        "Đặng Hữu Nghĩa",
        "[chưa có]",
        "Nơi nhận:",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    let second = text.split('\u{c}').nth(1).unwrap();
    assert_eq!(
        second.trim_start().lines().next().unwrap().trim(),
        "2",
        "the second page is numbered on top"
    );
    assert!(
        text.split('\u{c}')
            .next()
            .unwrap()
            .trim_start()
            .starts_with("SỞ KHOA HỌC"),
        "the first page is not numbered"
    );
}

#[test]
fn every_file_verifies_and_a_flipped_byte_is_named() {
    let (letter, proof) = proof();
    let whole = pdf();
    for (format, file) in [
        ("pdf", whole.clone()),
        ("docx", documents::docx(&letter, &proof.to_json())),
        ("json", proof.to_json().into_bytes()),
        ("oscal", documents::oscal("Báo cáo", proof.clone()).into_bytes()),
    ] {
        let verified = verify(&file);
        assert_eq!((verified.format, verified.flaws), (format, vec![]), "{format}");
        assert_eq!(verified.proof.unwrap().facts, facts(), "{format}");
        let step = (file.len() / 150).max(1);
        for at in (0..file.len()).step_by(step) {
            let mut flipped = file.clone();
            flipped[at] ^= 0x10;
            let space = matches!(format, "json" | "oscal") && file[at].is_ascii_whitespace();
            assert!(
                space || !verify(&flipped).flaws.is_empty(),
                "{format}: byte {at} was flipped and nothing is wrong"
            );
        }
    }
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let flaws = verify(&flipped).flaws;
    assert!(
        flaws
            .iter()
            .any(|flaw| matches!(flaw, Flaw::Bytes { from, to } if (*from..=*to).contains(&middle))),
        "{flaws:?}"
    );
}

#[test]
fn what_was_altered_on_purpose_is_named() {
    let (_, proof) = proof();
    let altered = |change: fn(&mut Proof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        verify(proof.to_json().as_bytes()).flaws
    };
    assert_eq!(
        altered(|proof| proof.facts["incident"]["status"] = json!("handled")),
        [Flaw::Facts("incident.status".to_owned())]
    );
    assert_eq!(
        altered(|proof| proof.ledger.cited[0].hash = "00".repeat(32)),
        [Flaw::Entry(11)]
    );
    assert_eq!(altered(|proof| proof.ledger.head = "00".repeat(32)), [Flaw::Entry(30)]);
    assert_eq!(altered(|proof| proof.gaps.clear()), [Flaw::Proof]);
    let oscal = documents::oscal("Báo cáo", proof.clone()).replace("Web shell in an upload", "Nothing in an upload");
    assert_eq!(verify(oscal.as_bytes()).flaws, [Flaw::Carrier]);
}

#[test]
fn an_error_in_a_layout_names_its_file_and_line_and_no_other_file_is_read() {
    let (letter, proof) = proof();
    for (text, expected) in [
        ("= ok\n\n#let x = (\n", "my.typ:3:"),
        ("#read(\"/etc/passwd\")", "my.typ:1:7: file not found"),
        ("#read(\"../../../etc/passwd\")", "my.typ:1:7: "),
        (
            "#import \"@preview/cetz:0.3.0\": *",
            "my.typ:1:9: failed to load file (access denied)",
        ),
        ("\n#datetime.today()", "my.typ:2:"),
        ("#let f(x) = f(x + 1)\n#f(1)", "maximum function call depth exceeded"),
        (
            "#let x = 0\n#while x < 1 { [a] }",
            "my.typ:2:2: loop seems to be infinite",
        ),
    ] {
        let layout = Layout {
            main: "my.typ".to_owned(),
            files: BTreeMap::from([("my.typ".to_owned(), text.as_bytes().to_vec())]),
        };
        match documents::pdf(&letter, &layout, &proof.to_json()) {
            Err(TypesetError::Layout(problems)) => {
                let words = TypesetError::Layout(problems).to_string();
                assert!(words.contains(expected), "{words} for {text:?}");
            }
            other => panic!("{other:?} for {text:?}"),
        }
    }
}

/// What a script of Python says of a file; none, loudly, where its module was left out.
fn python(module: &str, script: &str, file: &Path) -> Option<String> {
    let Some(program) = testkit::python(module) else {
        testkit::absent(&format!("Python's {module}"));
        return None;
    };
    let output = Command::new(program)
        .args(["-W", "ignore", "-c", script])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn oscal_is_what_the_models_of_nists_schema_accept() {
    let (_, proof) = proof();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.oscal.json");
    std::fs::write(&file, documents::oscal("Báo cáo ban đầu", proof)).unwrap();
    let script = "import sys, json\nfrom trestle.oscal.assessment_results import Model\nd = json.load(open(sys.argv[1]))\nm = Model.model_validate(d)\nprint(len(d['assessment-results']['results'][0]['observations']))\nd['assessment-results']['results'][0]['unknown'] = 1\ntry:\n    Model.model_validate(d)\nexcept ValueError:\n    print('strict')";
    let Some(text) = python("trestle", script, &file) else {
        return;
    };
    assert_eq!(text.trim(), "6\nstrict");
}

#[test]
fn a_watch_in_oscal_has_a_finding_for_each_requirement_that_names_its_measurements() {
    let (letter, _) = proof();
    let (watch, text) = form("watch-closing");
    let requirement = |key: u32, standing: &str, controls: &[&str]| {
        json!({ "key": key, "number": "1465/BTTTT-CATTT", "letter_key": format!("1.{key}"), "standing": standing,
            "text": { "vi": "Theo dõi liên tục", "en": "Watch continuously" }, "controls": controls })
    };
    let facts = json!({
        "report": { "compiled_at": "2026-05-03T17:30:00Z" },
        "period": { "from": "2026-04-26T17:00:00Z", "to": "2026-05-03T17:30:00Z" },
        "requirements": [requirement(1, "holds", &["sources.reporting"]), requirement(2, "waived", &["duty.coverage"])],
        "measurements": [{ "control": "sources.reporting", "at": "2026-05-03T16:00:00Z", "value": 100, "query": "sources unusually silent" }],
    });
    let proof = Proof::new((&watch.id, &text), &letter, facts, LedgerProof::of(&[[0_u8; 32]], &[]));
    let text = documents::oscal("Báo cáo kết thúc", proof);
    assert_eq!(verify(text.as_bytes()).flaws, []);
    let document: Value = serde_json::from_str(&text).unwrap();
    let result = &document["assessment-results"]["results"][0];
    let states = |n: usize| result["findings"][n]["target"]["status"]["state"].as_str().unwrap();
    assert_eq!((states(0), states(1)), ("satisfied", "not-satisfied"));
    let observed = &result["findings"][0]["related-observations"][0]["observation-uuid"];
    let observations = result["observations"].as_array().unwrap();
    let measured = observations.iter().find(|one| one["uuid"] == *observed).unwrap();
    assert_eq!(
        (measured["title"].as_str(), measured["collected"].as_str()),
        (Some("sources.reporting"), Some("2026-05-03T16:00:00Z"))
    );
    // What was never measured is not named as if it were.
    assert_eq!(
        result["findings"][1]["related-observations"].as_array().unwrap().len(),
        1
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("watch.oscal.json");
    std::fs::write(&file, text).unwrap();
    let script = "import sys, json\nfrom trestle.oscal.assessment_results import Model\nm = Model.model_validate(json.load(open(sys.argv[1])))\nprint(len(m.assessment_results.results[0].findings))";
    if let Some(said) = python("trestle", script, &file) {
        assert_eq!(said.trim(), "2");
    }
}

#[test]
fn word_processors_read_the_docx() {
    let (letter, proof) = proof();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.docx");
    std::fs::write(&file, documents::docx(&letter, &proof.to_json())).unwrap();
    let script = "import sys, docx\nd = docx.Document(sys.argv[1])\nprint('\\n'.join(p.text for p in d.paragraphs))\nprint('\\n'.join(c.text for t in d.tables for r in t.rows for c in r.cells))\ns = d.sections[0]\nprint(round(s.left_margin.mm), round(s.right_margin.mm), round(s.top_margin.mm), round(s.page_width.mm), s.different_first_page_header_footer)";
    let Some(text) = python("docx", script, &file) else {
        return;
    };
    for words in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Số: 12/BC-TTGS",
        "ặ ễ ự đ Đ ữ",
        "☒ Kiểm tra dữ liệu lưu lại (log)",
        "30 15 20 210 True",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_checked(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000), at in 0_usize..4_000, which in 0_usize..4) {
        let _ = verify(&bytes);
        let (letter, proof) = proof();
        let mut file = match which {
            0 => documents::docx(&letter, &proof.to_json()),
            1 => documents::oscal("x", proof).into_bytes(),
            2 => documents::seal_pdf(b"%PDF-1.7\n1 0 obj\nstream\n{\"format\": \"watchpost-report-1\"}\nendstream\n%%EOF\n".to_vec()),
            _ => proof.to_json().into_bytes(),
        };
        let at = at % file.len();
        let end = (at + bytes.len()).min(file.len());
        file.splice(at..end, bytes);
        proptest::prop_assert!(!verify(&file).flaws.is_empty() || at == end);
    }
}

#[test]
fn the_corpus_is_checked_without_a_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/documents_verify");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let whole = path.file_name().unwrap().to_str().unwrap().starts_with("whole");
        let flaws = verify(&std::fs::read(&path).unwrap()).flaws;
        assert_eq!(flaws.is_empty(), whole, "{}: {flaws:?}", path.display());
        read += 1;
    }
    assert!(read >= 5);
}
