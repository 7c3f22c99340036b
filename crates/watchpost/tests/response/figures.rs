//! Figures for `docs/BENCHMARKS.md`: many runs at once, and how long a decision takes to the wire.
#![expect(
    clippy::disallowed_methods,
    reason = "the times are what is measured, and they are told"
)]

use std::time::Instant;

use model::{Action, Id, Role, Scope, Timestamp, User};
use operations::{
    Step,
    response::{self, Playbook, RunStart},
};

use crate::{
    duties::short_plan,
    firewall::{Firewall, OUTSIDE},
    post::Post,
};

const RUNS: u32 = 1_000;
/// Blocks that are waited for: a device is asked for one after the other.
const IN_FORCE: usize = 100;

#[test]
#[ignore = "measures: cargo test -p watchpost --test response -- --ignored --nocapture"]
fn a_thousand_runs_at_once() {
    let Some(firewall) = Firewall::lay() else { return };
    let free = format!("[response]\nquorum = 0\n{}", firewall.section());
    let (mut post, _) = Post::start(&free, |folder| short_plan(folder, 3600));
    post.kill();
    let text = std::fs::read(post.data().join("plans/short.json")).unwrap();
    let playbook = Playbook::read(&text).unwrap();
    let ledger = post.ledger();
    let at: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
    let scope = Scope::of_session(&User {
        id: Id::from_bits(7),
        login: "minh".to_owned(),
        display_name: "Minh".to_owned(),
        role: Role::ShiftLead,
        password_hash: String::new(),
        language: "vi".to_owned(),
        created_at: at,
        enabled: true,
        revision: 1,
    });
    for number in 0..RUNS {
        let step = Step { scope: &scope, at };
        let start = RunStart {
            given: [(
                "__address__".to_owned(),
                format!("203.0.{}.{}", number / 250, number % 250 + 1),
            )]
            .into(),
            ..RunStart::default()
        };
        let id = Id::from_bits(u128::from(number) + 1);
        ledger
            .apply(&response::start(step, &playbook, start, id).unwrap())
            .unwrap();
    }
    drop(ledger);
    let begun = Instant::now();
    post.again();
    let ready = begun.elapsed();
    post.wait("asked", |post| post.kept::<Action>().len() == RUNS as usize);
    println!(
        "{RUNS} runs: the post is ready after {ready:?}, each has asked its device after {:?}",
        begun.elapsed()
    );
    post.wait("in force", |post| {
        let all: Vec<Action> = post.kept();
        let holds = all.iter().filter(|action| action.holds()).count();
        holds >= IN_FORCE
    });
    println!(
        "{RUNS} runs: {IN_FORCE} blocks are in force after {:?}",
        begun.elapsed()
    );
}

#[test]
#[ignore = "measures: cargo test -p watchpost --test response -- --ignored --nocapture"]
fn from_the_decision_to_the_packet() {
    let Some(firewall) = Firewall::lay() else { return };
    let (_post, head) = Post::start(&format!("[response]\nquorum = 0\n{}", firewall.section()), |_| {});
    for _ in 0..5 {
        let begun = Instant::now();
        let address = head.does("/actions", &[("device", "edge"), ("elements", OUTSIDE), ("why", "đo")]);
        firewall.wait("dropped", |firewall| !firewall.passes());
        println!(
            "from asking at the console to the packet dropped: {:?} (0.3 s of it is how long the test waits for an answer)",
            begun.elapsed()
        );
        let begun = Instant::now();
        head.does(&format!("{address}/lift"), &[("why", "đo")]);
        firewall.wait("passing", Firewall::passes);
        println!("from the lift to the packet passing: {:?}", begun.elapsed());
    }
}
