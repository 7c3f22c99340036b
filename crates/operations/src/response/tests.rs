//! Stories of actions and runs in a small world that dies at any moment, and the plans that the post carries.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cacao::Playbook;
use model::{
    Action, ActionKind, ActionState, Change, Decision, Effect, Entropy, Errand, Id, Kept, Language, LiftReason, Noun,
    Proof, Rejected, Role, Scope, Timestamp, User,
};
use proptest::prelude::*;

use super::*;
use crate::Step;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn person(number: u8, role: Role) -> Scope {
    Scope::of_session(&User {
        id: Id::from_bits(u128::from(number)),
        login: format!("p{number}"),
        display_name: format!("P{number}"),
        role,
        password_hash: String::new(),
        language: "vi".into(),
        created_at: at(0),
        enabled: true,
        revision: 1,
    })
}

fn step(scope: &Scope, second: i64) -> Step<'_> {
    Step { scope, at: at(second) }
}

fn policy() -> Policy {
    let protected = |element: &str, what: &str, guard| Protected {
        element: element.into(),
        what: what.into(),
        guard,
        users: Some(900),
    };
    Policy {
        quorum: 1,
        requester_may_approve: false,
        lasts_seconds: Some(3600),
        protection: Protection::new([
            protected("10.0.0.53", "own resolver", Guard::Never),
            protected("10.20.0.0/16", "offices", Guard::Quorum(2)),
            protected("gov.example", "own portal", Guard::Never),
            protected("partner.example", "partner", Guard::Quorum(3)),
        ]),
        head_of_unit: vec![("sms".into(), "+84900000000".into())],
    }
}

fn asked(addresses: &[&str]) -> Asked {
    Asked {
        device: "edge".into(),
        kind: ActionKind::BlockAddresses {
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        },
        why: "dò mật khẩu".into(),
        letter: Some("123/CV-A05".into()),
        incident: None,
        lasts_seconds: None,
    }
}

fn put<T: Kept>(decision: &Decision) -> Vec<T> {
    decision
        .changes
        .iter()
        .filter_map(|change| {
            if let Change::PutNoun { noun } = change {
                noun.read()
            } else {
                None
            }
        })
        .collect()
}

fn one(decision: &Decision) -> Action {
    put(decision).remove(0)
}

fn answered(lines: &[&str]) -> Answered {
    Answered {
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        undoable: true,
    }
}

fn proof(holds: Option<bool>) -> Proof {
    Proof {
        at: at(0),
        holds,
        text: "seen".into(),
    }
}

fn requested(addresses: &[&str]) -> Action {
    let officer = person(1, Role::DutyOfficer);
    one(&request(step(&officer, 0), asked(addresses), &policy(), Id::from_bits(9)).unwrap())
}

fn planned_action(addresses: &[&str]) -> Action {
    one(&planned(&requested(addresses), &answered(&["+ a"]), &policy(), at(1)))
}

#[test]
fn what_is_protected_is_refused_and_elements_have_one_form() {
    let officer = person(1, Role::DutyOfficer);
    let tried = |kind: ActionKind| {
        let asked = Asked { kind, ..asked(&[]) };
        match request(step(&officer, 0), asked, &policy(), Id::from_bits(9)) {
            Ok(decision) => format!("{:?}", one(&decision).kind.elements()),
            Err(refusal) => refusal.text(Language::En),
        }
    };
    let addresses = |list: &[&str]| ActionKind::BlockAddresses {
        addresses: list.iter().map(|one| (*one).to_owned()).collect(),
    };
    let names = |list: &[&str]| ActionKind::BlockNames {
        names: list.iter().map(|one| (*one).to_owned()).collect(),
    };
    let value = |value: &str| ActionKind::Invoke {
        name: "block".into(),
        values: BTreeMap::from([("x".into(), value.into())]),
    };
    for (kind, expected) in [
        (
            addresses(&["203.0.113.9 ", "203.0.113.9", "198.51.100.7/24"]),
            r#"["198.51.100.0/24", "203.0.113.9"]"#,
        ),
        (
            addresses(&["10.0.0.53"]),
            "10.0.0.53 is protected: own resolver (10.0.0.53)",
        ),
        (
            addresses(&["10.0.0.0/8"]),
            "10.0.0.0/8 is protected: own resolver (10.0.0.53)",
        ),
        (
            addresses(&["::ffff:10.0.0.53"]),
            "10.0.0.53 is protected: own resolver (10.0.0.53)",
        ),
        (addresses(&["web-01"]), "web-01"),
        (addresses(&[]), "—"),
        (names(&["Evil.Example."]), r#"["evil.example"]"#),
        (
            names(&["www.gov.example"]),
            "www.gov.example is protected: own portal (gov.example)",
        ),
        (names(&["example"]), "example"),
        (names(&["192.0.2.1"]), "192.0.2.1"),
        (value("10.0.0.53"), "10.0.0.53 is protected: own resolver (10.0.0.53)"),
        (
            value("gov.example"),
            "gov.example is protected: own portal (gov.example)",
        ),
    ] {
        assert_eq!(tried(kind.clone()), expected, "{kind:?}");
    }
    let viewer = person(2, Role::Viewer);
    let refused = request(step(&viewer, 0), asked(&["203.0.113.9"]), &policy(), Id::from_bits(9));
    assert_eq!(refused.unwrap_err(), Refusal::Rejected(Rejected::NotAllowed));
}

#[test]
fn agreement_is_bound_to_the_plan_and_to_another_person() {
    let action = planned_action(&["203.0.113.9"]);
    let hash = action.plan.clone().unwrap().hash;
    let (requester, lead) = (person(1, Role::ShiftLead), person(2, Role::ShiftLead));
    assert!(matches!(
        approve(step(&requester, 2), &action, &hash),
        Err(Rejected::NotNow(_))
    ));
    assert_eq!(approve(step(&lead, 2), &action, "other"), Err(Rejected::Outdated));
    assert_eq!(
        approve(step(&person(3, Role::DutyOfficer), 2), &action, &hash),
        Err(Rejected::NotAllowed)
    );
    let agreed = approve(step(&lead, 2), &action, &hash).unwrap();
    let approved = one(&agreed);
    assert!(matches!(
        agreed.effects[..],
        [Effect::Enforce {
            errand: Errand::Apply,
            ..
        }]
    ));
    // The same plan, made again at another moment, has the same hash; another one makes the agreement void.
    assert_eq!(void(&approved, &answered(&["+ a"]), &policy(), at(9)), None);
    let voided = one(&void(&approved, &answered(&["= a"]), &policy(), at(9)).unwrap());
    assert_eq!(
        (voided.state.clone(), voided.approvals.len()),
        (ActionState::Planned, 0)
    );
    assert_ne!(voided.plan.unwrap().hash, hash);
}

#[test]
fn protected_targets_need_a_quorum_of_different_people() {
    let action = planned_action(&["10.20.3.4"]);
    let plan = action.plan.clone().unwrap();
    assert_eq!(
        (
            plan.touches[0].what.as_str(),
            plan.touches[0].quorum,
            plan.touches[0].users
        ),
        ("offices", 2, Some(900))
    );
    let first = approve(step(&person(2, Role::ShiftLead), 2), &action, &plan.hash).unwrap();
    assert!(first.effects.is_empty(), "one is not enough");
    let action = one(&first);
    assert_eq!(
        approve(step(&person(2, Role::ShiftLead), 3), &action, &plan.hash),
        Err(Rejected::AlreadySo)
    );
    let second = approve(step(&person(3, Role::Administrator), 3), &action, &plan.hash).unwrap();
    assert_eq!(second.effects.len(), 1);
}

#[test]
fn broken_glass_proceeds_calls_the_head_and_owes_a_review() {
    let action = planned_action(&["203.0.113.9"]);
    let officer = person(1, Role::DutyOfficer);
    assert!(
        break_glass(step(&officer, 2), &action, " ", &policy()).is_err(),
        "a reason is needed"
    );
    let broken = break_glass(step(&officer, 2), &action, "đang mã hóa", &policy()).unwrap();
    let [
        Effect::Enforce {
            errand: Errand::Apply, ..
        },
        Effect::Deliver { delivery },
    ] = &broken.effects[..]
    else {
        panic!("{:?}", broken.effects);
    };
    assert!(delivery.urgent && delivery.text.contains("203.0.113.9") && delivery.text.contains("đang mã hóa"));
    let action = one(&broken);
    assert_eq!(
        void(&action, &answered(&["other"]), &policy(), at(3)),
        None,
        "it proceeds"
    );
    assert!(matches!(
        review(step(&person(1, Role::ShiftLead), 4), &action, "ok"),
        Err(Rejected::NotNow(_))
    ));
    let reviewed = one(&review(step(&person(2, Role::ShiftLead), 4), &action, "đúng").unwrap());
    assert!(reviewed.broken_glass.unwrap().reviewed.is_some());
}

#[test]
fn it_expires_by_itself_unless_it_is_confirmed_and_says_when_it_is_not_effective() {
    let mut action = planned_action(&["203.0.113.9"]);
    action.state = ActionState::Approved { at: at(2) };
    let in_force = one(&applied(&action, proof(Some(false)), at(10)));
    assert!(in_force.is_not_effective());
    assert_eq!(in_force.expires_at, Some(at(3610)));
    assert_eq!(expire(std::slice::from_ref(&in_force), at(3609)), None);
    let over = expire(std::slice::from_ref(&in_force), at(999_999)).unwrap();
    assert!(matches!(
        over.effects[..],
        [Effect::Enforce {
            errand: Errand::Lift,
            ..
        }]
    ));
    let lifting = one(&over);
    let done = one(&lifted(&lifting, proof(Some(true)), at(3612)).unwrap());
    assert_eq!(
        done.state,
        ActionState::Lifted {
            at: at(3612),
            why: LiftReason::Expired
        }
    );
    let stuck = one(&failed(&lifting, "no answer", at(3612)));
    assert!(stuck.holds(), "what could not be taken back may be in force still");
    let lead = person(2, Role::ShiftLead);
    let kept = one(&confirm(step(&lead, 20), &in_force, None).unwrap());
    assert_eq!(expire(&[kept], at(999_999)), None);
    let asked = lift(step(&lead, 30), &in_force, "nhầm").unwrap();
    assert_eq!(asked.effects.len(), 1);
}

/// A ledger, an outbox and devices in memory.
#[derive(Default)]
struct World {
    nouns: BTreeMap<(String, String), Noun>,
    outbox: Vec<Effect>,
    devices: BTreeMap<String, BTreeSet<String>>,
    /// What each device was told, in order.
    told: Vec<String>,
    broken: BTreeSet<String>,
}

impl World {
    /// Commits a decision whole, or refuses it when it was decided on something older.
    fn commit(&mut self, decision: &Decision) -> bool {
        let nouns: Vec<&Noun> = decision
            .changes
            .iter()
            .map(|change| {
                if let Change::PutNoun { noun } = change {
                    &**noun
                } else {
                    panic!("{change:?}")
                }
            })
            .collect();
        let key = |noun: &Noun| (noun.kind.to_string(), noun.key.clone());
        let fits = |noun: &&Noun| self.nouns.get(&key(noun)).map_or(0, |held| held.revision) + 1 == noun.revision;
        if !nouns.iter().all(fits) {
            return false;
        }
        for noun in nouns {
            self.nouns.insert(key(noun), noun.clone());
        }
        self.outbox.extend(decision.effects.iter().cloned());
        true
    }

    fn all<T: Kept>(&self) -> Vec<T> {
        self.nouns.values().filter_map(Noun::read).collect()
    }

    fn action(&self, id: Id<Action>) -> Action {
        self.nouns[&("action".to_owned(), id.to_string())].read().unwrap()
    }

    /// Carries one effect out as the lane does; `dies` before the outcome is kept.
    fn carry_out(&mut self, dies: bool) -> bool {
        let Some(position) = self
            .outbox
            .iter()
            .position(|effect| matches!(effect, Effect::Enforce { .. }))
        else {
            return false;
        };
        let Effect::Enforce { action, errand, .. } = self.outbox[position].clone() else {
            unreachable!()
        };
        let action = self.action(action);
        let works = !self.broken.contains(&action.device);
        let device = self.devices.entry(action.device.clone()).or_default();
        let decision = match (errand, &action.state) {
            (Errand::Plan, ActionState::Requested) => Some(planned(&action, &answered(&["+ x"]), &policy(), at(5))),
            (Errand::Apply, ActionState::Approved { .. }) if works => {
                device.extend(action.kind.elements().iter().cloned());
                self.told.push(format!("+{}", action.device));
                Some(applied(
                    &action,
                    proof(Some(true)),
                    at(6 + i64::try_from(self.told.len()).unwrap()),
                ))
            }
            (Errand::Apply, ActionState::Approved { .. }) => Some(failed(&action, "broken", at(6))),
            (Errand::Lift, ActionState::Lifting { .. }) => {
                for element in action.kind.elements() {
                    device.remove(element);
                }
                self.told.push(format!("-{}", action.device));
                lifted(&action, proof(Some(true)), at(7))
            }
            _ => None,
        };
        if dies {
            return true;
        }
        if let Some(decision) = decision {
            assert!(self.commit(&decision));
        }
        self.outbox.remove(position);
        true
    }

    /// Somebody agrees to what waits.
    fn agree(&mut self) -> bool {
        let lead = person(2, Role::ShiftLead);
        let Some(action) = self
            .all::<Action>()
            .into_iter()
            .find(|action| action.state == ActionState::Planned)
        else {
            return false;
        };
        let hash = action.plan.clone().unwrap().hash;
        let decision = approve(step(&lead, 8), &action, &hash).unwrap();
        self.commit(&decision)
    }

    /// Goes on with every run; `dies` before it is kept. Whether there was anything to do.
    fn go_on(&mut self, library: &[Playbook], dies: bool) -> bool {
        let mut moved = false;
        for run in self.all::<PlanRun>() {
            let playbook = library.iter().find(|playbook| plan_key(playbook) == run.plan).unwrap();
            let actions: Vec<Action> = self
                .all::<Action>()
                .into_iter()
                .filter(|action| action.step.as_ref().is_some_and(|step| step.run == run.id.to_string()))
                .collect();
            let children: Vec<PlanRun> = self
                .all::<PlanRun>()
                .into_iter()
                .filter(|child| child.part_of.is_some_and(|(of, _)| of == run.id))
                .collect();
            let with = Advancing {
                playbook,
                library,
                actions: &actions,
                children: &children,
                devices: &devices(),
                policy: &policy(),
            };
            if let Some(decision) = advance(&run, with, at(10)) {
                moved = true;
                if !dies {
                    assert!(self.commit(&decision));
                }
            }
        }
        moved
    }

    /// A person does the first step that is theirs.
    fn by_hand(&mut self, library: &[Playbook], results: &BTreeMap<&str, &str>) -> bool {
        for run in self.all::<PlanRun>() {
            let playbook = library.iter().find(|playbook| plan_key(playbook) == run.plan).unwrap();
            let orders = run.run.orders();
            let by_hand = orders
                .iter()
                .find(|order| work_of(order, &devices(), run.exercise) == Work::ByHand);
            let Some(order) = by_hand else { continue };
            let cacao::StepKind::Action { out_args, .. } = &playbook.workflow[order.step].kind else {
                unreachable!()
            };
            let value = |name: &String| {
                let plain = name.trim_matches('_');
                let kind = playbook.variables[name].kind.name();
                let value = results
                    .get(plain)
                    .copied()
                    .unwrap_or(if kind == "bool" { "true" } else { "1" });
                (name.clone(), value.to_owned())
            };
            let result = ManualResult {
                execution: order.execution.0,
                done: true,
                results: out_args.iter().map(value).collect(),
                note: "đã làm".into(),
                evidence: vec!["ev-1".into()],
            };
            let officer = person(1, Role::DutyOfficer);
            let decision = finish_by_hand(step(&officer, 9), &run, playbook, result).unwrap();
            return self.commit(&decision);
        }
        false
    }
}

fn devices() -> Vec<DeviceInfo> {
    [("edge", "nftables"), ("dns", "rpz")]
        .map(|(name, kind)| DeviceInfo {
            name: name.into(),
            kind,
            calls: Vec::new(),
        })
        .into()
}

fn library() -> Vec<(String, Playbook)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/plans");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match Playbook::read(&std::fs::read(path).unwrap()) {
            Ok(playbook) => (name, playbook),
            Err(refused) => panic!("{name}: {refused}"),
        }
    };
    files.iter().map(read).collect()
}

fn given(playbook: &Playbook) -> BTreeMap<String, String> {
    let value = |name: &str, kind: &str| match (name, kind) {
        (_, "ipv4-addr") | ("__our_address__", _) => "203.0.113.9",
        ("__attack_addresses__", _) => "203.0.113.0/24, 198.51.100.7",
        (name, _) if name.contains("domain") => "evil.example",
        _ => "giá trị",
    };
    playbook
        .wanted()
        .map(|(name, variable)| (name.to_owned(), value(name, variable.kind.name()).to_owned()))
        .collect()
}

fn began(playbook: &Playbook, exercise: bool) -> World {
    let mut world = World::default();
    let start_with = RunStart {
        given: given(playbook),
        exercise,
        ..RunStart::default()
    };
    let officer = person(1, Role::DutyOfficer);
    let id = Id::born(at(0), Entropy([7; 16]));
    let decision = start(step(&officer, 0), playbook, start_with, id).unwrap();
    assert!(world.commit(&decision));
    world
}

/// The answers with which loops end.
fn answers(round: usize) -> BTreeMap<&'static str, &'static str> {
    let again = if round > 40 { "false" } else { "true" };
    BTreeMap::from([
        ("spreading", again),
        ("webshell", again),
        ("under_attack", again),
        ("kind", "chuyen-huong"),
        ("state_secret", "false"),
    ])
}

/// Goes on until nothing moves, dying where the list says so.
fn play(world: &mut World, library: &[Playbook], deaths: &mut dyn FnMut() -> bool) {
    for round in 0..2_000 {
        let dies = deaths();
        let moved = world.go_on(library, dies)
            || world.carry_out(deaths())
            || world.agree()
            || world.by_hand(library, &answers(round));
        if !moved {
            return;
        }
    }
    panic!("it does not end");
}

fn succeeded(world: &World) -> bool {
    world
        .all::<PlanRun>()
        .iter()
        .all(|run| matches!(run.run.state(), cacao::RunState::Succeeded { .. }))
}

#[test]
fn every_plan_is_sound_bilingual_and_reaches_its_end_on_real_devices_and_in_rehearsal() {
    let library = library();
    assert_eq!(library.len(), 7);
    for (name, playbook) in &library {
        let mut phases = BTreeSet::new();
        for (id, found) in &playbook.workflow {
            phases.extend(found.policy.phase);
            let cacao::StepKind::Action { commands, .. } = &found.kind else {
                continue;
            };
            let policy = &found.policy;
            assert!(found.name.is_some() && found.description.is_some(), "{name} {id}");
            assert!(
                policy.name_en.is_some() && policy.description_en.is_some(),
                "{name} {id}: no English"
            );
            if commands
                .iter()
                .any(|command| command.kind != cacao::CommandKind::Manual)
            {
                assert!(
                    policy.approval.is_some() && policy.undo.is_some() && policy.expires_in_seconds.is_some(),
                    "{name} {id}"
                );
                assert!(policy.post_condition.is_some(), "{name} {id}: nothing shows its effect");
            }
        }
        assert_eq!(phases.len(), 6, "{name} has all six phases: {phases:?}");

        let plans = std::slice::from_ref(playbook);
        let mut world = began(playbook, false);
        play(&mut world, plans, &mut || false);
        assert!(succeeded(&world), "{name}: {:?}", world.all::<PlanRun>());
        assert!(!world.devices.is_empty(), "{name} acts");

        let mut rehearsal = began(playbook, true);
        play(&mut rehearsal, plans, &mut || false);
        assert!(succeeded(&rehearsal), "{name} in rehearsal");
        assert!(
            rehearsal.devices.is_empty() && rehearsal.all::<Action>().is_empty(),
            "{name}: a rehearsal touches no device"
        );
    }
}

#[test]
fn a_run_is_undone_in_reverse_order() {
    let (_, playbook) = library().remove(4);
    let plans = std::slice::from_ref(&playbook);
    let mut world = began(&playbook, false);
    play(&mut world, plans, &mut || false);
    let (run, actions) = (world.all::<PlanRun>().remove(0), world.all::<Action>());
    assert_eq!(actions.len(), 2);
    let lead = person(2, Role::ShiftLead);
    let decision = undo(step(&lead, 20), &run, &actions).unwrap();
    assert!(world.commit(&decision));
    let applied: Vec<String> = world.told.clone();
    play(&mut world, plans, &mut || false);
    let lifted: Vec<String> = world.told[applied.len()..]
        .iter()
        .map(|told| told.replace('-', "+"))
        .collect();
    assert_eq!(lifted, applied.into_iter().rev().collect::<Vec<_>>());
    assert!(world.devices.values().all(BTreeSet::is_empty));
    let run = world.all::<PlanRun>().remove(0);
    assert!(
        run.undoing
            .unwrap()
            .by_hand
            .iter()
            .any(|text| text.contains("Nối lại mạng"))
    );
}

#[test]
fn a_step_whose_device_failed_is_replayed_or_done_by_hand() {
    let (_, playbook) = library().into_iter().find(|(name, _)| name == "botnet-notice").unwrap();
    let plans = std::slice::from_ref(&playbook);
    let mut world = began(&playbook, false);
    world.broken.insert("edge".into());
    play(&mut world, plans, &mut || false);
    let run = world.all::<PlanRun>().remove(0);
    let (execution, why) = run.stuck.first_key_value().unwrap();
    assert_eq!(why, "broken");
    world.broken.clear();
    let officer = person(1, Role::DutyOfficer);
    let decision = replay(step(&officer, 30), &run, *execution).unwrap();
    assert!(world.commit(&decision));
    play(&mut world, plans, &mut || false);
    assert!(succeeded(&world));
    assert_eq!(
        world.all::<Action>().len(),
        2,
        "the failed one is kept, the replay is another"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn dying_anywhere_loses_nothing_and_doubles_nothing(which in 0_usize..7, deaths in proptest::collection::vec(any::<bool>(), 0..200)) {
        let (name, playbook) = library().remove(which);
        let plans = std::slice::from_ref(&playbook);
        let mut calm = began(&playbook, false);
        play(&mut calm, plans, &mut || false);
        let mut deaths = deaths.into_iter();
        let mut stormy = began(&playbook, false);
        play(&mut stormy, plans, &mut || deaths.next().unwrap_or(false));
        prop_assert!(succeeded(&stormy), "{}", name);
        prop_assert_eq!(&stormy.devices, &calm.devices);
        let actions = |world: &World| world.all::<Action>().into_iter().map(|action| action.kind).collect::<Vec<_>>();
        prop_assert_eq!(actions(&stormy).len(), actions(&calm).len(), "each action is asked for once");
        let executions = |world: &World| world.all::<PlanRun>().iter().map(|run| run.run.executions().iter().map(|one| one.step.clone()).collect::<BTreeSet<_>>()).collect::<Vec<_>>();
        prop_assert_eq!(executions(&stormy), executions(&calm));
    }
}

#[test]
fn a_runbook_has_every_step_once_in_both_languages() {
    for (name, playbook) in library() {
        let [vi, en] = [Language::Vi, Language::En].map(|language| runbook(&playbook, language));
        let written: BTreeSet<_> = vi.iter().map(|step| step.id.clone()).collect();
        let reached = playbook.workflow.iter().filter(|(id, step)| {
            !matches!(step.kind, cacao::StepKind::Start | cacao::StepKind::End)
                && Some(*id) != playbook.exception.as_ref()
        });
        assert_eq!(vi.len(), written.len());
        assert_eq!(written.len(), reached.count(), "{name}");
        assert!(
            vi.iter()
                .zip(&en)
                .all(|(vi, en)| vi.number == en.number && vi.name != en.name),
            "{name}"
        );
    }
    let (_, playbook) = library().into_iter().find(|(name, _)| name == "botnet-notice").unwrap();
    let lines: Vec<String> = runbook(&playbook, Language::En)
        .iter()
        .map(|step| {
            format!(
                "{} {}{}",
                step.number,
                step.when.as_ref().map(|when| format!("[{when}] ")).unwrap_or_default(),
                step.name
            )
        })
        .collect();
    assert_eq!(
        lines[..4],
        [
            "1 Open the case",
            "2 Verify the incident",
            "3 Is it real?",
            "3a.1 [if so] Find the host behind NAT"
        ]
    );
}

#[test]
fn values_are_written_into_texts_and_what_has_none_stays() {
    let value = |name: &str| (name == "__a_b__").then(|| "203.0.113.9".to_owned());
    for (text, expected) in [
        ("chặn __a_b__:value ngay", "chặn 203.0.113.9 ngay"),
        ("__a_b__:value__a_b__:value", "203.0.113.9203.0.113.9"),
        ("__other__:value, __a_b__", "__other__:value, __a_b__"),
        ("__:value ừ __:value", "__:value ừ __:value"),
    ] {
        assert_eq!(filled(text, value), expected);
    }
}
