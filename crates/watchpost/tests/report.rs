//! `watchpost report` as a person runs it: a report is made and checked, and a layout that was spoilt neither stalls nor
//! harms the post.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ledger::{Ledger, Options};
use model::{Change, Decision, Scope};

struct Post {
    data: PathBuf,
}

impl Post {
    fn new(name: &str) -> Self {
        let data = std::env::temp_dir().join(format!("watchpost-report-{name}-{}", std::process::id()));
        fs::create_dir_all(data.join("forms/layouts")).unwrap();
        let at = "2026-04-29T19:00:00Z".parse().unwrap();
        let ledger = Ledger::open(Options::in_folder(&data), at).unwrap();
        let organisation = r#"{"name":"Trung tâm Giám sát","abbreviation":"TTGS","place":"Hà Nội"}"#;
        ledger
            .apply(&Decision {
                at,
                actor: Scope::of_post("test").actor().clone(),
                action: "setting.organisation".to_owned(),
                reason: None,
                changes: vec![Change::PutSetting {
                    name: "organisation".to_owned(),
                    value: organisation.to_owned(),
                    revision: 1,
                }],
                effects: Vec::new(),
            })
            .unwrap();
        Self { data }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_watchpost"))
            .arg("--data")
            .arg(&self.data)
            .arg("report")
            .args(arguments)
            .output()
            .unwrap()
    }

    fn make(&self, file: &Path) -> Output {
        self.run(&["make", "daily", "--out", file.to_str().unwrap()])
    }

    fn with_layout(&self, layout: &str) -> String {
        fs::write(self.data.join("forms/layouts/decree30.typ"), layout).unwrap();
        let output = self.make(&self.data.join("x.pdf"));
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.data);
    }
}

#[test]
fn a_report_is_made_checked_and_held_against_its_ledger() {
    let post = Post::new("made");
    let file = post.data.join("daily.pdf");
    let made = post.make(&file);
    let words = String::from_utf8(made.stdout).unwrap();
    assert!(
        words.contains("gaps, marked in it") && words.contains("assessment"),
        "{words}"
    );
    let path = file.to_str().unwrap();
    let checked = post.run(&["verify", "--ledger", path]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let other = Post::new("other");
    let foreign = other.run(&["verify", path]);
    assert!(foreign.status.success(), "it verifies without its ledger");
    let mut bytes = fs::read(&file).unwrap();
    bytes[5_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let flipped = post.run(&["verify", path]);
    let words = String::from_utf8(flipped.stderr).unwrap();
    assert!(!flipped.status.success() && words.contains("bytes 4096 to "), "{words}");
}

#[test]
fn a_spoilt_layout_is_stopped_or_named() {
    let post = Post::new("spoilt");
    let words = post.with_layout("#let a = \"xxxxxxxxxxxxxxxx\"\n#for i in range(40) { a = a + a }\n#a\n");
    assert!(words.contains("more than 1024 MiB of memory"), "{words}");
    let words = post.with_layout("= ok\n\n#let x = (\n");
    assert!(words.contains("decree30.typ:3:10: unclosed delimiter"), "{words}");
    let words = post.with_layout("#read(\"/etc/hostname\")\n");
    assert!(words.contains("decree30.typ:1:7: file not found"), "{words}");
}

#[test]
fn a_report_is_begun_answered_made_and_noted_as_sent() {
    let post = Post::new("kept");
    let works = |arguments: &[&str]| {
        let output = post.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let named = works(&["organisation", "signer_name=Đặng Hữu Nghĩa"]);
    assert!(named.contains("Đặng Hữu Nghĩa") && named.contains("TTGS"), "{named}");
    let id = works(&["begin", "daily"]);
    works(&["answer", &id, "assessment=Tình hình ổn định", "--number", "12/BC-TTGS"]);
    assert!(
        !post.run(&["answer", &id, "alerts.opened=7"]).status.success(),
        "no fact of the ledger is asked for"
    );
    let file = post.data.join("daily.json");
    let path = file.to_str().unwrap();
    works(&["make", &id, "--format", "json", "--out", path]);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("Tình hình ổn định") && text.contains("12/BC-TTGS"));
    works(&["sent", &id, "--file", path, "--to", "A05", "--how", "thư điện tử"]);
    assert!(works(&["list"]).contains("to A05"));
    let other = works(&["begin", "daily"]);
    let wrong = post.run(&["sent", &other, "--file", path, "--to", "A05", "--how", "tay"]);
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("is not a file of report")
    );
}
