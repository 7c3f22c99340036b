//! Stories of runs, and properties that hold for every run of every sound playbook.

use std::{collections::BTreeMap, fmt::Write as _};

use proptest::prelude::*;

use super::{ExecutionState, FinishError, Order, OrderKind, Outcome, Run, RunState, StartError};
use crate::{EXECUTIONS_MAX, Playbook, ROUNDS_MAX};

const BLOCK: &[u8] = include_bytes!("../../testdata/block-address.json");

fn done(results: &[(&str, &str)]) -> Outcome {
    let results = results
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Outcome::Succeeded { results }
}

fn text(order: &Order<'_>) -> String {
    match order.kind {
        OrderKind::Action { commands, .. } => commands
            .iter()
            .filter_map(|command| command.content.as_ref().or(command.command.as_ref()))
            .cloned()
            .collect(),
        OrderKind::Playbook { playbook, .. } => playbook.to_string(),
    }
}

/// What is to be done now, as texts.
fn todo(run: &mut Run, playbook: &Playbook, now_ms: i64) -> Vec<String> {
    run.proceed(playbook, now_ms).iter().map(text).collect()
}

fn finish(run: &mut Run, playbook: &Playbook, which: usize, outcome: Outcome, now_ms: i64) -> Result<(), FinishError> {
    let execution = run.orders()[which].execution;
    run.finish(playbook, execution, outcome, now_ms)
}

fn blocking() -> (Playbook, Run) {
    let playbook = Playbook::read(BLOCK).unwrap();
    let run = Run::start(&playbook, &[("__address__", "203.0.113.9")], 0).unwrap();
    (playbook, run)
}

#[test]
fn a_block_is_confirmed_applied_and_proven() {
    let (playbook, mut run) = blocking();
    assert_eq!(
        todo(&mut run, &playbook, 0),
        ["Địa chỉ 203.0.113.9 có đúng là của kẻ tấn công không?"]
    );
    finish(&mut run, &playbook, 0, done(&[("__confirmed__", "true")]), 10).unwrap();
    let deny = "{\"action\":\"deny\",\"target\":{\"ipv4_net\":\"203.0.113.9\"}}";
    assert_eq!(todo(&mut run, &playbook, 10), [deny]);
    assert_eq!(run.next_due_ms(), Some(1_010));
    assert_eq!(todo(&mut run, &playbook, 1_010), [deny, "Báo cho chủ hệ thống."]);
    finish(&mut run, &playbook, 0, done(&[("__packets__", "0")]), 2_000).unwrap();
    finish(&mut run, &playbook, 0, done(&[]), 3_000).unwrap();
    assert!(todo(&mut run, &playbook, 3_000).is_empty());
    assert_eq!(run.state(), &RunState::Succeeded { at_ms: 3_000 });
    let undoing: Vec<&str> = run
        .undoing()
        .iter()
        .map(|(execution, _)| execution.step.kind())
        .collect();
    assert_eq!(undoing, ["action"]);
}

#[test]
fn what_was_applied_without_effect_has_failed() {
    let (playbook, mut run) = blocking();
    run.proceed(&playbook, 0);
    finish(&mut run, &playbook, 0, done(&[("__confirmed__", "true")]), 0).unwrap();
    run.proceed(&playbook, 5_000);
    finish(&mut run, &playbook, 0, done(&[("__packets__", "17")]), 5_000).unwrap();
    assert_eq!(
        todo(&mut run, &playbook, 6_000),
        ["Báo cho chủ hệ thống."],
        "the other branch goes on"
    );
    finish(&mut run, &playbook, 0, done(&[]), 6_000).unwrap();
    // The parallel step has failed in the branch of the condition, which goes on whether it failed or not.
    run.proceed(&playbook, 6_000);
    assert_eq!(run.state(), &RunState::Succeeded { at_ms: 6_000 });
    assert_eq!(run.undoing().len(), 1, "it was applied, so it can be undone");
}

#[test]
fn nobody_answers_in_time() {
    let (playbook, mut run) = blocking();
    run.proceed(&playbook, 0);
    finish(
        &mut run,
        &playbook,
        0,
        Outcome::Failed {
            why: "nobody knows".to_owned(),
        },
        7,
    )
    .unwrap();
    assert_eq!(todo(&mut run, &playbook, 7), ["Gọi trưởng ca."]);
    finish(&mut run, &playbook, 0, done(&[]), 9).unwrap();
    run.proceed(&playbook, 9);
    assert_eq!(
        run.state(),
        &RunState::Failed {
            at_ms: 9,
            why: "nobody knows".to_owned()
        }
    );
}

#[test]
fn an_overdue_step_fails_and_its_late_answer_is_refused() {
    let (playbook, mut run) = blocking();
    run.proceed(&playbook, 0);
    finish(&mut run, &playbook, 0, done(&[("__confirmed__", "true")]), 0).unwrap();
    let execution = run.proceed(&playbook, 0)[0].execution;
    run.proceed(&playbook, 60_000);
    let state = &run.executions()[execution.0 as usize].state;
    assert!(
        matches!(state, ExecutionState::Failed { why, .. } if why.starts_with("ACTION_TIMEOUT")),
        "{state:?}"
    );
    let late = run.finish(&playbook, execution, done(&[("__packets__", "0")]), 60_001);
    assert_eq!(late, Err(FinishError::NotOpen));
}

#[test]
fn results_are_checked_before_anything_changes() {
    let (playbook, mut run) = blocking();
    run.proceed(&playbook, 0);
    let before = run.clone();
    let other = finish(&mut run, &playbook, 0, done(&[("__packets__", "1")]), 1);
    assert_eq!(other, Err(FinishError::NotAResult("__packets__".to_owned())));
    let wrong = finish(&mut run, &playbook, 0, done(&[("__confirmed__", "vâng")]), 1);
    assert!(matches!(wrong, Err(FinishError::BadValue { .. })), "{wrong:?}");
    assert_eq!(run, before);
}

#[test]
fn a_run_needs_its_external_variables() {
    let playbook = Playbook::read(BLOCK).unwrap();
    let start = |given: &[(&str, &str)]| Run::start(&playbook, given, 0).map(|_| ());
    assert_eq!(start(&[]), Err(StartError::Missing("__address__".to_owned())));
    assert!(matches!(
        start(&[("__address__", "evil.example")]),
        Err(StartError::BadValue { .. })
    ));
    assert_eq!(
        start(&[("__confirmed__", "true")]),
        Err(StartError::NotExternal("__confirmed__".to_owned()))
    );
}

fn id(kind: &str, number: usize) -> String {
    format!("{kind}--{number:08x}-0000-4000-8000-000000000000")
}

/// A playbook around steps, each a key and a body.
fn playbook(first: &str, steps: &str) -> Vec<u8> {
    let (start, agent) = (id("start", 1), id("individual", 2));
    format!(
        r#"{{"type":"playbook","spec_version":"cacao-2.0","id":"{}","name":"x","created_by":"{}",
        "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",
        "playbook_variables":{{"__n__":{{"type":"integer","value":"0"}}}},
        "workflow_start":"{start}","workflow":{{"{start}":{{"type":"start","on_completion":"{first}"}},{steps}}},
        "agent_definitions":{{"{agent}":{{"type":"individual","name":"a"}}}}}}"#,
        id("playbook", 3),
        id("identity", 4),
    )
    .into_bytes()
}

#[test]
fn a_loop_without_end_is_bounded() {
    let (loops, body) = (id("while-condition", 10), id("if-condition", 11));
    let (inner, end) = (id("end", 12), id("end", 13));
    let steps = format!(
        r#""{loops}":{{"type":"while-condition","condition":"__n__:value = 0","on_true":"{body}","on_completion":"{end}"}},
        "{body}":{{"type":"if-condition","condition":"__n__:value = 1","on_true":"{}","on_completion":"{inner}"}},
        "{}":{{"type":"end"}},"{inner}":{{"type":"end"}},"{end}":{{"type":"end"}}"#,
        id("end", 14),
        id("end", 14),
    );
    let playbook = Playbook::read(&playbook(&loops, &steps)).unwrap();
    let mut run = Run::start(&playbook, &[], 0).unwrap();
    run.proceed(&playbook, 0);
    assert_eq!(
        run.state(),
        &RunState::Succeeded { at_ms: 0 },
        "on_completion follows a failure too"
    );
    let failed = run.executions().iter().find_map(|execution| {
        if let ExecutionState::Failed { why, .. } = &execution.state {
            Some(why.clone())
        } else {
            None
        }
    });
    assert_eq!(failed, Some(format!("more than {ROUNDS_MAX} rounds")));
    assert!(run.executions().len() < EXECUTIONS_MAX);
}

/// A random tree of steps, written as a workflow.
#[derive(Debug, Clone)]
enum Part {
    Action { fails: bool, handled: bool },
    Both(Vec<Vec<Part>>),
    If(bool, Vec<Part>),
    Rounds(Vec<Part>),
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let leaf = (any::<bool>(), any::<bool>()).prop_map(|(fails, handled)| Part::Action { fails, handled });
    let part = leaf.prop_recursive(3, 24, 3, |inner| {
        let line = prop::collection::vec(inner, 1..3);
        prop_oneof![
            prop::collection::vec(line.clone(), 2..4).prop_map(Part::Both),
            (any::<bool>(), line.clone()).prop_map(|(holds, line)| Part::If(holds, line)),
            line.prop_map(Part::Rounds),
        ]
    });
    prop::collection::vec(part, 1..4)
}

struct Writer {
    json: String,
    number: usize,
    fails: BTreeMap<String, bool>,
}

impl Writer {
    fn next(&mut self, kind: &str) -> String {
        self.number += 1;
        id(kind, 100 + self.number)
    }

    fn put(&mut self, id: &str, body: &str) {
        let comma = if self.json.is_empty() { "" } else { "," };
        write!(self.json, "{comma}\"{id}\":{{{body}}}").unwrap();
    }

    /// Writes a line and answers its first step.
    fn line(&mut self, parts: &[Part]) -> String {
        let Some((part, rest)) = parts.split_first() else {
            let end = self.next("end");
            self.put(&end, "\"type\":\"end\"");
            return end;
        };
        let after = self.line(rest);
        match part {
            Part::Action { fails, handled } => {
                let step = self.next("action");
                self.fails.insert(step.clone(), *fails);
                let next = if *handled { "on_completion" } else { "on_success" };
                let agent = id("individual", 2);
                self.put(&step, &format!(
                    r#""type":"action","{next}":"{after}","agent":"{agent}","commands":[{{"type":"manual","command":"{step}"}}]"#
                ));
                step
            }
            Part::Both(lines) => {
                let firsts: Vec<String> = lines.iter().map(|line| format!("\"{}\"", self.line(line))).collect();
                let step = self.next("parallel");
                self.put(
                    &step,
                    &format!(
                        r#""type":"parallel","on_success":"{after}","next_steps":[{}]"#,
                        firsts.join(",")
                    ),
                );
                step
            }
            Part::If(holds, line) => {
                let first = self.line(line);
                let step = self.next("if-condition");
                let value = u8::from(!holds);
                self.put(&step, &format!(
                    r#""type":"if-condition","condition":"__n__:value = {value}","on_true":"{first}","on_success":"{after}""#
                ));
                step
            }
            Part::Rounds(line) => {
                let first = self.line(line);
                let step = self.next("while-condition");
                self.put(&step, &format!(
                    r#""type":"while-condition","condition":"__n__:value = 1","on_true":"{first}","on_success":"{after}""#
                ));
                step
            }
        }
    }
}

/// What should be carried out, by the plainest reading: answers whether the line succeeded.
fn expected(parts: &[Part], carried_out: &mut usize) -> bool {
    parts.iter().all(|part| match part {
        Part::Action { fails, handled } => {
            *carried_out += 1;
            !fails || *handled
        }
        Part::Both(lines) => {
            let results: Vec<bool> = lines.iter().map(|line| expected(line, carried_out)).collect();
            results.into_iter().all(|succeeded| succeeded)
        }
        Part::If(holds, line) => !holds || expected(line, carried_out),
        Part::Rounds(_) => true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_run_does_what_the_plain_reading_says_also_when_it_is_kept_and_read_back_at_every_step(
        parts in parts(), backwards in any::<bool>(),
    ) {
        let mut writer = Writer { json: String::new(), number: 0, fails: BTreeMap::new() };
        let first = writer.line(&parts);
        let playbook = Playbook::read(&playbook(&first, &writer.json)).unwrap();
        let mut run = Run::start(&playbook, &[], 0).unwrap();
        let (mut now_ms, mut carried_out) = (0, 0);
        while *run.state() == RunState::Running {
            now_ms += 1;
            run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
            run.proceed(&playbook, now_ms);
            run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
            let orders = run.orders();
            let order = if backwards { orders.last() } else { orders.first() };
            let Some(order) = order else { break };
            let (execution, fails) = (order.execution, writer.fails[&text(order)]);
            let outcome = if fails { Outcome::Failed { why: "no".to_owned() } } else { done(&[]) };
            run.finish(&playbook, execution, outcome, now_ms).unwrap();
            carried_out += 1;
        }
        let mut expected_count = 0;
        let succeeds = expected(&parts, &mut expected_count);
        let succeeded = matches!(run.state(), RunState::Succeeded { .. });
        prop_assert_ne!(run.state(), &RunState::Running);
        prop_assert_eq!(succeeded, succeeds);
        prop_assert_eq!(carried_out, expected_count);
    }
}
