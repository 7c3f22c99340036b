//! How long the standing page takes: a watch of 200 requirements, each with two controls and a question, over a year of
//! measurements every quarter of an hour. Prints the middle and the worst of 30 openings through the router.

#[path = "../tests/post/mod.rs"]
mod post;

use std::{io::Write, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Request, StatusCode, header},
};
use console::{Clock, Randomness};
use jiff::SignedDuration;
use model::{Change, Directive, Entropy, Id, Measurement, Requirement, Scope, Timestamp, Watch, Wording};
use operations::{
    Step, directives,
    people::{Secret, digest, open_session},
    watches::{self, Facts},
};
use post::{CountingRandomness, Post};
use tower::ServiceExt;

const REQUIREMENTS: usize = 200;
const DAYS: i64 = 365;
const EVERY_MINUTES: i64 = 15;
const OPENINGS: usize = 30;

struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[tokio::main]
#[expect(clippy::unwrap_used, reason = "a measurement fails where it is made")]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn main() -> std::io::Result<()> {
    let now: Timestamp = "2026-11-24T19:14:05Z".parse().unwrap();
    let randomness: Arc<dyn Randomness> = Arc::new(CountingRandomness::default());
    let post = Post::new(Arc::new(StandingClock(now)), randomness);
    let kept = year(&post, now);
    let id = open(&post, now);
    let secret = Secret {
        digest: digest("standing"),
        text: "standing".to_owned(),
    };
    let decision = open_session(&post.users[1], &secret, ("192.0.2.7", "example"), now);
    post.state.ledger.apply(&decision).unwrap();
    let router = console::router(post.state.clone());
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..OPENINGS {
        let request = Request::builder()
            .uri(format!("/watches/{id}"))
            .header(header::HOST, "post.example")
            .header(header::COOKIE, "watchpost_session=standing")
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 1))))
            .body(Body::empty())
            .unwrap();
        let begun = Instant::now();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        bytes = to_bytes(response.into_body(), 64 << 20).await.unwrap().len();
        times.push(begun.elapsed());
    }
    times.sort();
    writeln!(
        std::io::stdout(),
        "{REQUIREMENTS} requirements, {kept} measurements: {bytes} bytes; middle {:?}, worst {:?} of {OPENINGS}",
        times[OPENINGS / 2],
        times[OPENINGS - 1]
    )
}

/// A year of measurements of all controls, a day a batch.
#[expect(clippy::unwrap_used, reason = "a measurement fails where it is made")]
fn year(post: &Post, now: Timestamp) -> usize {
    let catalogue = post.state.catalogue.borrow().clone();
    let known = post.state.ledger.sources(&Scope::of_post("measuring")).unwrap();
    let mut kept = 0;
    for day in (1..=DAYS).rev() {
        let begins = now - SignedDuration::from_hours(24 * day);
        let mut measurements: Vec<Measurement> = Vec::new();
        for quarter in 0..(24 * 60 / EVERY_MINUTES) {
            let readiness = watches::Readiness::default();
            let facts = Facts {
                now: begins + SignedDuration::from_mins(EVERY_MINUTES * quarter),
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
                last_exercise: Some(begins),
                readiness: &readiness,
                ledger: None,
                lake: None,
            };
            measurements.extend(watches::measure(&catalogue.controls, &facts));
        }
        kept += measurements.len();
        post.decide("watch.measure", begins, vec![Change::AddMeasurements { measurements }]);
    }
    kept
}

/// A watch on a letter of [`REQUIREMENTS`] requirements.
#[expect(clippy::unwrap_used, reason = "a measurement fails where it is made")]
fn open(post: &Post, now: Timestamp) -> Id<Watch> {
    let catalogue = post.state.catalogue.borrow().clone();
    let lead = &post.users[1];
    let scope = Scope::of_session(lead);
    let step = Step { scope: &scope, at: now };
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let controls = &catalogue.controls;
    let requirement = |n: usize| Requirement {
        key: format!("{n}").into(),
        text: Wording::same("Rà soát, kiểm tra, đánh giá, khắc phục lỗ hổng bảo mật trên các hệ thống thông tin"),
        controls: vec![
            controls[n % controls.len()].id.clone(),
            controls[(n + 1) % controls.len()].id.clone(),
        ],
        question: Some(Wording::same("Đã làm chưa, bằng chứng ở đâu?")),
        ..Requirement::default()
    };
    let letter = directives::Draft {
        requirements: (1..=REQUIREMENTS).map(requirement).collect(),
        ..directives::Draft::of_catalogue(&catalogue.directives[0], today)
    };
    let decision = directives::register(letter, step, Entropy([21; 16])).unwrap();
    post.state.ledger.apply(&decision).unwrap();
    let directive: Id<Directive> = Id::born(now, Entropy([21; 16]));
    let directive = post
        .state
        .ledger
        .kept::<Directive>(&scope, &directive.to_string())
        .unwrap()
        .unwrap();
    let draft = watches::Draft {
        name: "200".to_owned(),
        from: now,
        until: now + SignedDuration::from_hours(72),
        people_min: 2,
        acknowledge_minutes: 15,
        directives: vec![(&directive, Vec::new())],
        lead: lead.id,
    };
    let decision = watches::open(&draft, step, Entropy([22; 16])).unwrap();
    post.state.ledger.apply(&decision).unwrap();
    Id::born(now, Entropy([22; 16]))
}
