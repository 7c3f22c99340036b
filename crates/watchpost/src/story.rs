//! A watch told as a story: a dispatch arrives on 17 April 2024, a watch is opened and prepared, an alert at night pages the duty
//! officer, who does not answer, and the lead, who does; the shift is handed over, what is owed is reported in time, and the
//! watch closes with a report that verifies. Real ledger, real content, real paging, chosen moments.

mod world;

use console::LetterFiles as _;
use jiff::civil::{date, time};
use model::{
    About, AlertState, Change, ContactCard, DeadlineState, Directive, Effect, EscalationPolicy, EscalationStep,
    Handover, HandoverState, Notification, Occasion, Position, Rotation, RuleLevel, Scope, Target, Team, User, Waiver,
};
use operations::{
    deadlines, directives,
    duty::{self, Fitness, HandoverDraft, TeamDraft},
    notifications::{self, PolicyDraft},
    watches::{self, Standing},
};

use self::world::{World, at, card, telephone, web_shell};
use crate::papers::Format;

#[test]
fn a_dispatch_becomes_a_watch_that_is_proven_at_its_end() {
    let mut world = World::new("2024-04-17T08:00:00");
    a_dispatch_arrives(&mut world);
    world.until("2024-04-18T09:00:00");
    a_watch_is_opened(&mut world);
    world.until("2024-04-19T09:00:00");
    a_roster_is_kept(&mut world);
    world.until("2024-04-20T10:00:00");
    what_is_missing_becomes_tasks(&mut world);
    world.until("2024-04-27T00:05:00");
    the_watch_runs(&mut world);
    world.until("2024-04-30T02:10:00");
    an_alert_comes_at_night(&mut world);
    what_is_owed_is_sent_in_time(&mut world);
    world.until("2024-04-30T05:55:00");
    the_shift_is_handed_over(&mut world);
    world.until("2024-05-01T20:00:00");
    the_watch_is_closed(&mut world);
    world.until("2024-05-02T08:00:00");
    its_report_verifies(&world);
}

/// 17 April: the dispatch is registered from the catalogue, with the paper that came.
fn a_dispatch_arrives(world: &mut World) {
    let paper = b"%PDF-1.7 1465/BTTTT-CATTT";
    let file = directives::letter_file("1465-BTTTT-CATTT.pdf", paper).unwrap();
    world.letters.put(&file.sha256, paper).unwrap();
    let (lead, catalogue) = (world.lead.clone(), world.catalogue());
    let dispatch = |entry: &&directives::CatalogueEntry| entry.number == "1465/BTTTT-CATTT";
    let entry = catalogue.directives.iter().find(dispatch).unwrap();
    let draft = directives::Draft {
        file: Some(file),
        ..directives::Draft::of_catalogue(entry, date(2024, 4, 17))
    };
    world.does(&lead, |step, entropy| directives::register(draft, step, entropy));
    let directive = world.kept::<Directive>().pop().unwrap();
    assert_eq!(directive.requirements.len(), 11);
    let hash = directive.file.unwrap().sha256;
    assert_eq!(world.letters.get(&hash).as_deref(), Some(&paper[..]));
}

/// 18 April: the calendar proposes the holidays, and a watch is opened from 27 April on.
fn a_watch_is_opened(world: &mut World) {
    let breaks = world.forms.catalogue.calendar.next_breaks(date(2024, 4, 19), 1);
    assert_eq!((breaks[0].first, breaks[0].last), (date(2024, 4, 27), date(2024, 5, 1)));
    let directive = world.kept::<Directive>().pop().unwrap();
    let lead = world.lead.clone();
    let draft = watches::Draft {
        name: "Trực dịp 30/4 và 01/5".to_owned(),
        from: at("2024-04-27T00:00:00"),
        until: at("2024-05-02T00:00:00"),
        people_min: 2,
        acknowledge_minutes: 15,
        directives: vec![(&directive, Vec::new())],
        lead: lead.id,
    };
    world.does(&lead, |step, entropy| watches::open(&draft, step, entropy));
}

/// 19 April: two officers take turns from 06:00 and 18:00, the lead stands behind them; who is called in which order is written down.
fn a_roster_is_kept(world: &mut World) {
    let (lead, officer, next) = (world.lead.clone(), world.officer.clone(), world.next_officer.clone());
    let position = |key: &str, name: &str, primary| Position {
        key: key.into(),
        name: name.to_owned(),
        people_min: 1,
        primary,
        skills: Vec::new(),
    };
    let rotation = |position: &str, people: &[&User], times: &[i8]| Rotation {
        position: position.into(),
        people: people.iter().map(|user| user.id).collect(),
        begins_on: date(2024, 4, 19),
        ends_on: None,
        every_days: 1,
        hand_over_at: times.iter().map(|hour| time(*hour, 0, 0, 0)).collect(),
    };
    let cards = [&lead, &officer, &next].map(|user| Change::put(&card(user)));
    world.post_decides("contact.prove", cards.into());
    let team = TeamDraft {
        name: "Ca trực ATTT".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        positions: vec![
            position("officer", "Trực ban", true),
            position("lead", "Trưởng ca", true),
        ],
        rotations: vec![
            rotation("officer", &[&next, &officer], &[6, 18]),
            rotation("lead", &[&lead], &[6]),
        ],
        members: Vec::new(),
        rest_hours: 8,
        policy: None,
        alerts_from: None,
    };
    let fit = |_| Fitness {
        reachable: true,
        skills: Vec::new(),
    };
    world.does(&lead, |step, entropy| {
        duty::edit_team(None, 0, team.clone(), &fit, (step, entropy)).map_err(|refused| refused.why)
    });
    let kept = world.kept::<Team>().pop().unwrap();
    let calls = |position: &str, wait_minutes| EscalationStep {
        who: vec![Target::Position {
            team: kept.id,
            position: position.into(),
        }],
        wait_minutes,
        remind_minutes: 0,
        acknowledgements: 1,
    };
    let policy = PolicyDraft {
        name: "Gọi người trực".to_owned(),
        steps: vec![calls("officer", 5), calls("lead", 10)],
        rounds: 2,
    };
    world.does(&lead, |step, entropy| {
        notifications::edit_policy(None, 0, policy, step, entropy)
    });
    let paged = TeamDraft {
        policy: world.kept::<EscalationPolicy>().pop().map(|policy| policy.id),
        alerts_from: Some(RuleLevel::High),
        ..team
    };
    world.does(&lead, |step, entropy| {
        duty::edit_team(Some(&kept), kept.revision, paged, &fit, (step, entropy)).map_err(|refused| refused.why)
    });
}

/// 20 April: the preflight says what is missing; each becomes a task with a name and a day, once.
fn what_is_missing_becomes_tasks(world: &mut World) {
    let (lead, officer) = (world.lead.clone(), world.officer.clone());
    let checks = world.preflight();
    let missing = checks.iter().filter(|check| check.standing != Standing::Holds);
    assert_eq!(
        missing.map(|check| check.key.as_str()).collect::<Vec<_>>(),
        [
            "exercise.age",
            "duty.reached",
            "backups.drilled",
            "plans.rehearsed",
            "contacts",
            "owners"
        ]
    );
    let watch = world.watch();
    world.does(&lead, |step, _| watches::make_tasks(&watch, &checks, step));
    let prepared = world.watch();
    let due = at("2024-04-26T00:00:00");
    assert_eq!(prepared.tasks.len(), 6);
    assert!(
        prepared
            .tasks
            .iter()
            .all(|task| task.owner == Some(lead.id) && task.due_at == due)
    );
    world.is_refused(&lead, |step, _| watches::make_tasks(&prepared, &checks, step));
    let directive = world.kept::<Directive>().pop().unwrap();
    world.does(&officer, |step, _| {
        directives::confirm_contact(&directive, 0, date(2024, 4, 20), step)
    });
    let words = "Khôi phục máy chủ thư trong 42 phút";
    let is_backup = |task: &model::Task| task.check.as_deref() == Some("backups.drilled");
    let backup_task = prepared.tasks.iter().find(|task| is_backup(task)).unwrap().key;
    world.does(&lead, |step, _| {
        watches::finish_task(&prepared, backup_task, words, step)
    });
    let checks = world.preflight();
    let backups = checks.iter().find(|check| check.key == "backups.drilled").unwrap();
    assert_eq!((backups.standing, backups.detail.vi.as_str()), (Standing::Holds, words));
    // A test page reaches all three on both channels; nobody has to confirm it by hand.
    let cards = world.kept::<ContactCard>();
    world.does(&lead, |step, _| notifications::test_pages(&cards, &prepared.name, step));
    world.pages();
    assert_eq!(world.telephones.len(), 6);
    let checks = world.preflight();
    let reached = checks.iter().find(|check| check.key == "duty.reached").unwrap();
    assert_eq!((reached.standing, reached.detail.vi.as_str()), (Standing::Holds, "3/3"));
}

/// 27 April: nobody has answered yet: that is unknown, never green. Somebody is on duty at every instant.
fn the_watch_runs(world: &mut World) {
    let (lead, head) = (world.lead.clone(), world.head.clone());
    assert_eq!(watches::phase(&world.watch(), world.now), watches::Phase::Running);
    assert_eq!(world.stands("1.2"), Standing::Holds);
    assert_eq!(world.stands("1.3"), Standing::Unknown);
    assert_eq!(world.stands("1.1"), Standing::Unknown);
    world.answers("1.1", true, "Đủ người theo bảng phân công");
    assert_eq!(world.stands("1.1"), Standing::Holds);
    world.answers("1.3", true, "Đã vá 418/418 máy");
    assert_eq!(world.stands("1.3"), Standing::Holds);
    // What cannot be done is asked to be waived; whoever asks does not decide.
    let platform = world.question("1.6").requirement;
    let watch = world.watch();
    let why = ("Chưa được cấp tài khoản", at("2024-05-10T00:00:00"));
    world.does(&lead, |step, entropy| {
        watches::ask(&watch, platform, why, step, entropy)
    });
    let waiver = world.kept::<Waiver>().pop().unwrap();
    world.is_refused(&lead, |step, _| watches::decide(&waiver, None, step));
    world.does(&head, |step, _| watches::decide(&waiver, None, step));
    assert_eq!(world.stands("1.6"), Standing::Waived);
    // An answer is good for a day.
    world.until("2024-04-28T00:10:00");
    assert_eq!(world.stands("1.3"), Standing::Stale);
}

/// 30 April, 02:10: the alert pages the officer on duty at once. She does not answer; after five minutes the lead is called, who
/// writes back the code that came with it. He has the alert, until his turn ends.
fn an_alert_comes_at_night(world: &mut World) {
    let (lead, officer) = (world.lead.clone(), world.officer.clone());
    assert_eq!(world.on_duty("officer"), [officer.id]);
    world.telephones.clear();
    let alert = web_shell(world.now);
    world.opens(&alert);
    world.pages();
    assert_eq!(
        world.telephones,
        [(
            telephone(&officer),
            "[nghiêm trọng] Web shell in an upload folder".to_owned()
        )]
    );
    world.minutes(4);
    assert_eq!(world.telephones.len(), 1, "the officer has five minutes");
    world.minutes(1);
    assert_eq!(world.telephones.last().unwrap().0, telephone(&lead));
    world.minutes(2);
    world.replies(&lead);
    world.minutes(20);
    assert_eq!(world.telephones.len(), 2, "nobody is woken in vain");
    let taken = world.ledger.alert(&Scope::of_post("story"), alert.id).unwrap().unwrap();
    assert_eq!(
        taken.state,
        AlertState::Acknowledged {
            at: at("2024-04-30T02:17:00"),
            by: lead.id
        }
    );
    let answer = world
        .kept::<Notification>()
        .pop()
        .unwrap()
        .acknowledgements
        .pop()
        .unwrap();
    assert_eq!((answer.person, answer.lapses_at), (lead.id, at("2024-04-30T06:00:00")));
}

/// The alert was taken within the watch's fifteen minutes. Two regimes start on it; the emergency notice is sent within its
/// hour, with its gaps marked.
fn what_is_owed_is_sent_in_time(world: &mut World) {
    let officer = world.officer.clone();
    world.until("2024-04-30T02:40:00");
    assert_eq!(world.stands("1.2"), Standing::Holds);
    let alert = web_shell(at("2024-04-30T02:10:00"));
    world.starts_clocks(&["incident-emergency", "incident-notice"], "web-01", alert.opened_at);
    assert_eq!(world.clock("incident-emergency").due_at, at("2024-04-30T03:10:00"));
    assert_eq!(world.clock("incident-notice").due_at, at("2024-05-05T23:59:59"));
    world.until("2024-04-30T02:56:00");
    assert_eq!(
        world.clock("incident-emergency").warned,
        2,
        "three quarters of the hour are over"
    );
    let initial = world.report("incident-initial", About::Alert { alert: alert.id }, Format::Docx);
    assert!(!initial.standing.letter.gaps.is_empty());
    let verified = documents::verify(&initial.bytes);
    assert_eq!(verified.flaws, []);
    let running = world.clock("incident-emergency");
    let sent = format!("Số 12/BC-TTGS, sha256 {}", verified.file_digest);
    world.does(&officer, |step, _| deadlines::meet(&running, &sent, step));
    let met = world.clock("incident-emergency");
    assert!(matches!(met.state, DeadlineState::Met { .. }));
    world.is_refused(&officer, |step, _| deadlines::meet(&met, "again", step));
}

/// 05:55: the shift is handed over; the one who comes refuses what is not clear, then takes over, and with it what the lead had
/// acknowledged: at 06:00 nothing lapses, and nobody is woken.
fn the_shift_is_handed_over(world: &mut World) {
    let (lead, next) = (world.lead.clone(), world.next_officer.clone());
    let team = world.kept::<Team>().pop().unwrap();
    let draft = HandoverDraft {
        team: team.id,
        occasion: Occasion::Shift,
        since: at("2024-04-29T18:00:00"),
        to: Some(next.id),
        sections: Vec::new(),
    };
    world.does(&lead, |step, entropy| duty::begin_handover(draft, step, entropy));
    let sheet = |world: &World| world.kept::<Handover>().pop().unwrap();
    let drafted = sheet(world);
    world.is_refused(&next, |step, _| duty::answer_handover(&drafted, None, step));
    world.does(&lead, |step, _| duty::sign_handover(&drafted, "web-01 đã cô lập", step));
    let signed = sheet(world);
    world.is_refused(&next, |step, _| duty::answer_handover(&signed, Some(" "), step));
    world.does(&next, |step, _| {
        duty::answer_handover(&signed, Some("Chưa rõ ai cô lập"), step)
    });
    let refused = sheet(world);
    world.does(&lead, |step, _| {
        duty::sign_handover(&refused, "Minh cô lập web-01 lúc 02:20", step)
    });
    let signed = sheet(world);
    let held = world.kept::<Notification>();
    let lapses = at("2024-04-30T18:00:00");
    world.does(&next, |step, _| {
        let mut taken = duty::answer_handover(&signed, None, step)?;
        let handed = held
            .iter()
            .filter_map(|one| notifications::hand_over(one, (lead.id, next.id), lapses, step.at));
        taken.changes.extend(handed.map(|one| Change::put(&one)));
        Ok(taken)
    });
    assert!(matches!(sheet(world).state, HandoverState::Accepted { .. }));
    let woken = world.telephones.len();
    world.until("2024-04-30T06:00:00");
    world.minutes(30);
    assert_eq!(world.on_duty("officer"), [next.id]);
    assert_eq!(world.telephones.len(), woken);
}

/// 2 May: the alert's day is over, the watch ends and is closed.
fn the_watch_is_closed(world: &mut World) {
    let lead = world.lead.clone();
    assert_eq!(world.stands("1.2"), Standing::Holds);
    world.answers("1.1", true, "Đủ người mọi ca");
    world.answers("1.3", true, "Không có bản vá mới");
    world.until("2024-05-02T00:30:00");
    assert_eq!(watches::phase(&world.watch(), world.now), watches::Phase::Over);
    let watch = world.watch();
    let words = "Đợt trực an toàn, một sự cố đã xử lý";
    world.does(&lead, |step, _| watches::close(&watch, words, step));
}

/// The report says what was so at the end, whenever it is made, and verifies without the post.
fn its_report_verifies(world: &World) {
    let watch = world.watch();
    let about = || About::Watch { watch: watch.id };
    let made = world.report("watch-closing", about(), Format::Json);
    let facts = &made.standing.facts;
    assert_eq!(facts["watch"]["as_of"], serde_json::json!(at("2024-05-02T00:30:00")));
    let rows = facts["requirements"].as_array().unwrap();
    let standing = |key: &str| {
        let row = rows.iter().find(|row| row["letter_key"] == key).unwrap();
        row["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["1.1", "1.2", "1.3", "1.4", "1.6"].map(standing),
        ["holds", "holds", "holds", "unknown", "waived"]
    );
    assert_eq!(facts["deadlines"].as_array().unwrap().len(), 2);
    let verified = documents::verify(&made.bytes);
    assert_eq!(verified.flaws, []);
    assert!(verified.proof.unwrap().ledger.cited.len() > 10);
    let spoilt = String::from_utf8(made.bytes)
        .unwrap()
        .replacen("\"holds\"", "\"waived\"", 1);
    assert!(!documents::verify(spoilt.as_bytes()).flaws.is_empty());
    for format in [Format::Docx, Format::Oscal] {
        let made = world.report("watch-closing", about(), format);
        assert_eq!(documents::verify(&made.bytes).flaws, []);
    }
    assert_eq!(world.ledger.verify(&Scope::of_post("story"), &[]).unwrap().broken, None);
}

#[test]
fn who_keeps_a_deadline_is_written_to_and_a_breach_stays() {
    let mut world = World::new("2024-04-17T08:00:00");
    let lead = world.lead.clone();
    let subscription = r#"{"endpoint":"https://push.example/1","keys":{"p256dh":"BA","auth":"AA"}}"#;
    let browser = model::Browser {
        subscription: subscription.to_owned(),
        agent: "trial".to_owned(),
        since: world.now,
    };
    world.does(&lead, |step, _| {
        operations::browsers::subscribe(&lead, operations::browsers::Kept::default(), browser, step)
    });
    let now = world.now;
    world.starts_clocks(&["incident-emergency"], "202/TTCNTT&TT-QTHT", now);
    world.until("2024-04-17T10:00:00");
    let clock = world.clock("incident-emergency");
    assert_eq!(
        clock.state,
        DeadlineState::Breached {
            at: at("2024-04-17T09:00:00"),
            done_late: None
        }
    );
    let claimed = world
        .ledger
        .claim(model::Delivery::TO_BROWSERS, world.now, 60, 10)
        .unwrap();
    let told: Vec<String> = claimed
        .iter()
        .filter_map(|claim| {
            let Effect::Deliver { delivery } = &claim.effect else {
                return None;
            };
            Some(delivery.subject.clone())
        })
        .collect();
    assert_eq!(
        told.len(),
        3,
        "at three quarters, at nine tenths, and when it passed: {told:?}"
    );
    assert!(told[2].starts_with("Đã quá thời hạn"));
    world.does(&lead, |step, _| deadlines::finish_late(&clock, "Số 13/BC", step));
    let late = world.clock("incident-emergency");
    assert!(matches!(late.state, DeadlineState::Breached { done_late: Some(_), .. }));
}
