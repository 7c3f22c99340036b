//! Faults: the disk fills up, a write fails at any point, the process is killed. A decision is there whole or not at all.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use ledger::{ApplyError, Ledger, OpenError, Options, PageAt};
use model::{Change, PipelinePosition, RuleLevel};

use crate::world::{World, add_detection, at, decision, post, put_alert, triage};

/// Fills the disk: the file may not grow any more, until it may again.
fn let_grow(world: &World, pages: i64) {
    world.ledger.limit_pages(pages);
}

#[test]
fn a_full_disk_refuses_decisions_answers_queries_and_recovers() {
    let mut world = World::new();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    world.put(triage(), "triage.batch", vec![put_alert(&alert)]).unwrap();
    let_grow(&world, 1);
    let mut big = world.alert("Big", "ws-8", RuleLevel::High);
    big.summary = "x".repeat(100_000);
    assert_eq!(
        world.put(triage(), "triage.batch", vec![put_alert(&big)]),
        Err(ApplyError::DiskFull)
    );
    assert_eq!(
        world.ledger.alert(&post(), alert.id).unwrap().unwrap(),
        alert,
        "reading goes on"
    );
    assert_eq!(world.ledger.head(&post()).unwrap().number, 1);
    let_grow(&world, 1_000_000);
    world.put(triage(), "triage.batch", vec![put_alert(&big)]).unwrap();
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
}

#[test]
fn wherever_the_disk_fills_up_a_decision_is_there_whole_or_not_at_all() {
    let mut world = World::new();
    let mut failed = 0;
    for round in 0..200_u64 {
        let mut alert = world.alert(&format!("Rule {round}"), "ws-7", RuleLevel::High);
        alert.summary = "x".repeat(3000);
        let mut changes = vec![put_alert(&alert)];
        changes.extend((1..=5).map(|n| add_detection(&alert, n, None)));
        // One page more each time: it fails at the first page that is needed, then at the second …
        let mut extra = 0;
        loop {
            let pages = world.ledger.pages();
            let_grow(&world, pages + extra);
            let before = world.ledger.head(&post()).unwrap();
            match world.put(triage(), "triage.batch", changes.clone()) {
                Ok(_) => break,
                Err(error) => {
                    assert_eq!(error, ApplyError::DiskFull);
                    assert_eq!(world.ledger.alert(&post(), alert.id).unwrap(), None);
                    assert_eq!(world.ledger.head(&post()).unwrap(), before);
                    failed += 1;
                    extra += 1;
                }
            }
        }
        let kept = world
            .ledger
            .detections(&post(), alert.id, None, PageAt::first(10))
            .unwrap();
        assert_eq!(kept.items.len(), 5);
    }
    assert!(failed > 200, "the fault must have been met: {failed}");
    let verified = world.reopen().ledger.verify(&post(), &[]).unwrap();
    assert_eq!((verified.entries, verified.broken), (200, None));
}

#[test]
fn wherever_a_write_is_interrupted_a_decision_is_there_whole_or_not_at_all() {
    let mut world = World::new();
    let alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let mut changes = vec![put_alert(&alert)];
    changes.extend((1..=3).map(|n| add_detection(&alert, n, None)));
    let mut steps = 1;
    let mut places = 0;
    loop {
        world.ledger.interrupt_after(Some(steps));
        let answer = world.put(triage(), "triage.batch", changes.clone());
        world.ledger.interrupt_after(None);
        if answer.is_ok() {
            break;
        }
        assert_eq!(
            world.ledger.alert(&post(), alert.id).unwrap(),
            None,
            "after {steps} steps"
        );
        assert_eq!(world.ledger.head(&post()).unwrap().number, 0);
        assert!(steps < 1_000_000, "it never passes: {answer:?}");
        // Every step at first, then ever wider strides: a decision takes thousands.
        steps += 1 + steps / 50;
        places += 1;
    }
    assert!(places > 50, "it was interrupted at {places} places");
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
}

#[test]
fn a_ledger_of_a_newer_program_is_refused_with_its_version() {
    let world = World::new();
    world.meddle("INSERT INTO migration (version, applied_at) VALUES (99, 'later')");
    let error = Ledger::open(Options::in_folder(world.folder.path()), at(0)).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }));
    assert!(error.to_string().contains("start the newer program again"), "{error}");
}

const CHILD: &str = "WATCHPOST_LEDGER_CHILD";

/// What the killed process does: decides without end, and says each decision that was answered.
#[test]
fn child_that_decides_until_it_is_killed() {
    use std::io::Write;
    let Ok(folder) = std::env::var(CHILD) else { return };
    let mut world = World::in_folder(folder.as_ref());
    let start = world.ledger.pipeline_position(&post()).unwrap().decided;
    world.skip_ids(start);
    for number in start + 1.. {
        let alert = world.alert(&format!("Rule {number}"), "ws-7", RuleLevel::High);
        let position = PipelinePosition {
            decided: number,
            resume: number + 1,
            correlated_us: 0,
        };
        let changes = vec![
            put_alert(&alert),
            add_detection(&alert, 1, None),
            Change::AdvancePipeline { position },
        ];
        let mut step = decision(triage(), "triage.batch", changes);
        step.effects.push(model::Effect::AnnounceAlert { alert: alert.id });
        world.ledger.apply(&step).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "answered {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_was_answered_survives_a_kill_and_nothing_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut answered = 0;
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "faults::child_that_decides_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = answered + 5 + round * 3;
        while answered < wanted {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, number)) = line.split_once("answered ") {
                answered = number.trim().parse().unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some((_, number)) = line.split_once("answered ") {
                answered = number.trim().parse().unwrap_or(answered);
            }
        }
        let world = World::in_folder(folder.path());
        let decided = world.ledger.pipeline_position(&post()).unwrap().decided;
        assert!(
            decided >= answered,
            "round {round}: {answered} were answered, {decided} are there"
        );
        let verified = world.ledger.verify(&post(), &[]).unwrap();
        assert_eq!(
            (verified.entries, verified.rows, verified.detections),
            (decided, decided, decided)
        );
        assert_eq!(verified.broken, None, "round {round}");
        let waiting = world
            .ledger
            .claim(model::Effect::ANNOUNCEMENTS, at(20), 0, 100_000)
            .unwrap();
        assert_eq!(waiting.len() as u64, decided, "every effect is there once");
    }
}
