//! A watch of the trial post: opened on the dispatch of 17 April 2024, with a day of measurements, an answer and a waiver.

use std::sync::Arc;

use model::{Deadline, Directive, Measurement, Question, Scope, Watch};
use operations::{
    Catalogue, Step,
    deadlines::{self, Reckoning, Start},
    directives,
    watches::{self, Facts},
};
use tokio::sync::watch;

use super::{Post, ago};
use model::{Change, Decision, Entropy, Id, Timestamp};

/// The directive of the trial.
const DIRECTIVE: Entropy = Entropy([7; 16]);
/// Its watch.
const WATCH: Entropy = Entropy([8; 16]);

/// The content of the program.
pub(super) fn catalogue() -> watch::Receiver<Arc<Catalogue>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = std::collections::BTreeMap::new();
    for below in Catalogue::FOLDERS {
        for entry in std::fs::read_dir(folder.join(below)).expect("the content is there") {
            let path = entry.expect("the content is there").path();
            let name = path
                .file_name()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path).expect("the content is there");
            files.insert(format!("{below}/{name}"), text);
        }
    }
    watch::channel(Arc::new(Catalogue::read(&files))).1
}

/// The shift lead registers the dispatch, opens a watch on it, starts two clocks and answers one question; the post
/// measured itself every hour for a day.
pub(super) fn open(post: &Post, now: Timestamp) {
    let catalogue = post.state.catalogue.borrow().clone();
    let lead = post.users[1].clone();
    let scope = Scope::of_session(&lead);
    let commit = |decision: Decision| {
        post.state.ledger.apply(&decision).expect("the trial post works");
    };
    let step = |minutes| Step {
        scope: &scope,
        at: ago(now, minutes),
    };
    let entry = catalogue
        .directives
        .iter()
        .find(|entry| entry.id == "1465-btttt-2024")
        .expect("the catalogue has the dispatch");
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let draft = directives::Draft::of_catalogue(entry, today);
    commit(directives::register(draft, step(2000), DIRECTIVE).expect("the trial post works"));
    let id: Id<Directive> = Id::born(ago(now, 2000), DIRECTIVE);
    let directive: Directive = post
        .state
        .ledger
        .kept(&scope, &id.to_string())
        .expect("the trial post works")
        .expect("it was registered");
    let draft = watches::Draft {
        name: "Trực dịp Ngày Văn hóa Việt Nam".to_owned(),
        from: ago(now, 1440),
        until: now + jiff::SignedDuration::from_hours(48),
        people_min: 2,
        acknowledge_minutes: 15,
        directives: vec![(&directive, Vec::new())],
        lead: lead.id,
    };
    commit(watches::open(&draft, step(1900), WATCH).expect("the trial post works"));
    measure_a_day(post, &catalogue, now);
    work(post, (&scope, now));
    let rules: Vec<_> = catalogue
        .deadlines
        .iter()
        .filter(|rule| ["incident-emergency", "incident-notice"].contains(&rule.id.as_str()))
        .collect();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(7));
    let working = |date| catalogue.calendar.is_working(date);
    let reckoning = Reckoning {
        zone: &zone,
        working: &working,
    };
    let start = Start {
        rules: &rules,
        matter: "Mã hóa dữ liệu trên máy kế toán",
        at: ago(now, 50),
        owner: None,
    };
    commit(deadlines::start(start, reckoning, step(50), Entropy([9; 16])).expect("the trial post works"));
    let running: Vec<Deadline> = post
        .state
        .ledger
        .all_kept(&scope, &ledger::NounFilter::in_state("running"))
        .expect("the trial post works");
    assert_eq!(running.len(), 2);
}

fn measure_a_day(post: &Post, catalogue: &Catalogue, now: Timestamp) {
    let known: Vec<model::Source> = post
        .state
        .ledger
        .sources(&Scope::of_post("measuring"))
        .expect("the trial post works");
    for hour in (0..24).rev() {
        let at = ago(now, 60 * hour + 2);
        let readiness = watches::Readiness::default();
        let facts = Facts {
            now: at,
            sources: &known,
            rules: 128,
            rules_refused: &[],
            alerts: &post.alerts,
            acknowledge_minutes: Some(15),
            silences: &[],
            silences_outgrown: &[],
            deadlines: &[],
            gaps: None,
            messages: 0,
            messages_dead: &[],
            last_exercise: Some(ago(now, 60 * 24 * 9)),
            readiness: &readiness,
            ledger: None,
            lake: None,
        };
        let measurements: Vec<Measurement> = watches::measure(&catalogue.controls, &facts);
        post.decide("watch.measure", at, vec![Change::AddMeasurements { measurements }]);
    }
}

fn work(post: &Post, (scope, now): (&Scope, Timestamp)) {
    let ledger = &post.state.ledger;
    let id: Id<Watch> = Id::born(ago(now, 1900), WATCH);
    let mine = ledger::NounFilter::of_parent(&id.to_string());
    let mut questions: Vec<Question> = ledger.all_kept(scope, &mine).expect("the trial post works");
    questions.sort_by_key(|question| question.requirement);
    let step = Step {
        scope,
        at: ago(now, 30),
    };
    let seen = "Đã vá 412/418 máy; 6 máy kế toán chờ hết giờ làm việc.";
    let decision = watches::answer(&questions[1], false, seen, step).expect("the trial post works");
    ledger.apply(&decision).expect("the trial post works");
    let watch: Watch = ledger
        .kept(scope, &id.to_string())
        .expect("the trial post works")
        .expect("it was opened");
    let until = now + jiff::SignedDuration::from_hours(24);
    let why = ("Chưa được cấp tài khoản trên nền tảng điều phối mới.", until);
    let decision = watches::ask(&watch, 6, why, step, Entropy([10; 16])).expect("the trial post works");
    ledger.apply(&decision).expect("the trial post works");
    let task = watches::NewTask {
        title: "Gọi thử các đầu mối hỗ trợ".to_owned(),
        owner: post.users[2].id,
        due_at: ago(now, 60),
    };
    let decision = watches::add_task(&watch, &task, step).expect("the trial post works");
    ledger.apply(&decision).expect("the trial post works");
}
