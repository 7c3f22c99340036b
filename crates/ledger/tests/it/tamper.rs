//! Tampering: whatever is done to the file behind the ledger's back, verification names the first entry concerned.

use ledger::{Flaw, Head};
use model::{AlertState, Change, Disposition, Role, RuleLevel};

use crate::world::{World, add_detection, at, person, post, put_alert, triage};

/// Eight entries: an alert with detections, taken, closed; an account; settings.
fn written() -> World {
    let mut world = World::new();
    let user = world.user("lan", Role::DutyOfficer);
    let put_user = Change::PutUser {
        user: Box::new(user.clone()),
    };
    world.put(triage(), "account.create", vec![put_user]).unwrap();
    let mut alert = world.alert("Mimikatz", "ws-7", RuleLevel::High);
    let detections = (1..=3).map(|n| add_detection(&alert, n, None));
    let changes = std::iter::once(put_alert(&alert)).chain(detections).collect();
    world.put(triage(), "triage.batch", changes).unwrap();
    alert.revision = 2;
    alert.state = AlertState::Acknowledged { at: at(3), by: user.id };
    world
        .put(person(&user), "alert.acknowledge", vec![put_alert(&alert)])
        .unwrap();
    alert.revision = 3;
    alert.state = AlertState::Closed {
        at: at(4),
        by: person(&user),
        disposition: Disposition::TruePositive,
        reason: "real".into(),
        late: 0,
    };
    world
        .put(person(&user), "alert.close", vec![put_alert(&alert)])
        .unwrap();
    for revision in 1..=4 {
        let setting = Change::PutSetting {
            name: "webhook".into(),
            value: revision.to_string(),
            revision,
        };
        world.put(person(&user), "setting.put", vec![setting]).unwrap();
    }
    world
}

/// Meddles, then verifies: the first entry concerned and what is wrong with it.
fn found(sql: &str) -> Option<(u64, Flaw)> {
    let world = written();
    world.meddle(sql);
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    verified.broken.map(|broken| (broken.number, broken.flaw))
}

#[test]
fn an_untouched_ledger_verifies() {
    let world = written();
    let verified = world.ledger.verify(&post(), &[]).unwrap();
    assert_eq!((verified.entries, verified.rows, verified.detections), (8, 3, 3));
    assert_eq!(verified.broken, None);
    assert_eq!(verified.head, world.ledger.head(&post()).unwrap());
}

#[test]
fn each_way_of_changing_entries_is_found_at_its_place() {
    let altered = |column: &str, value: &str| format!("UPDATE entry SET {column} = {value} WHERE number = 4");
    let cases: Vec<(String, u64, Flaw)> = vec![
        (altered("reason", "'benign'"), 4, Flaw::Altered),
        (altered("at", "'2020-01-01T00:00:00Z'"), 4, Flaw::Altered),
        (altered("actor", "replace(actor, 'lan', 'minh')"), 4, Flaw::Altered),
        (altered("action", "'alert.reopen'"), 4, Flaw::Altered),
        (altered("content", "replace(content, 'true_positive', 'benign')"), 4, Flaw::Altered),
        (altered("content", "x'00ff'"), 4, Flaw::Altered),
        (altered("prev_hash", "hash"), 4, Flaw::Altered),
        (altered("hash", "prev_hash"), 4, Flaw::Altered),
        ("DELETE FROM entry WHERE number = 4".into(), 4, Flaw::Removed { next: 5 }),
        ("DELETE FROM entry WHERE number = 1".into(), 1, Flaw::Removed { next: 2 }),
        ("DELETE FROM entry WHERE number > 6".into(), 7, Flaw::CutOff { known: 8 }),
        ("DELETE FROM entry".into(), 1, Flaw::CutOff { known: 8 }),
        (
            "UPDATE entry SET number = -4 WHERE number = 4; UPDATE entry SET number = 4 WHERE number = 5;
             UPDATE entry SET number = 5 WHERE number = -4"
                .into(),
            4,
            Flaw::Altered,
        ),
        (
            "UPDATE entry SET number = number + 100 WHERE number > 4; UPDATE entry SET number = number - 99 WHERE number > 100;
             INSERT INTO entry SELECT 5, at, actor, action, reason, content, prev_hash, hash FROM entry WHERE number = 4"
                .into(),
            5,
            Flaw::Altered,
        ),
        (
            "INSERT INTO entry SELECT 0, at, actor, action, reason, content, prev_hash, hash FROM entry WHERE number = 4".into(),
            0,
            Flaw::NotLinked,
        ),
    ];
    for (sql, number, flaw) in cases {
        assert_eq!(found(&sql), Some((number, flaw)), "{sql}");
    }
}

#[test]
fn each_way_of_changing_state_is_found_at_the_entry_that_wrote_it() {
    let cases = [
        ("UPDATE alert SET body = replace(body, 'true_positive', 'benign')", 4),
        ("DELETE FROM alert", 4),
        (
            "UPDATE account SET body = replace(body, 'duty_officer', 'administrator')",
            1,
        ),
        ("UPDATE setting SET body = '9'", 8),
        ("UPDATE detection SET hidden_by = '00' WHERE ordinal = 2", 2),
        ("UPDATE detection SET body = replace(body, 'event 2', 'event 9')", 2),
        ("UPDATE detection SET ordinal = 9 WHERE ordinal = 1", 2),
        ("DELETE FROM detection WHERE ordinal = 2", 2),
        ("DELETE FROM detection", 2),
        ("UPDATE detection SET entry = 3 WHERE ordinal = 3", 2),
    ];
    for (sql, number) in cases {
        assert_eq!(found(sql).map(|(number, _)| number), Some(number), "{sql}");
    }
    let insert = "INSERT INTO account SELECT 'x', revision, 3, 'evil', body FROM account";
    let unknown = Flaw::StateUnknown {
        subject: "account:x".into(),
    };
    assert_eq!(found(insert), Some((3, unknown)));
}

#[test]
fn a_chain_written_anew_does_not_fit_the_head() {
    // Two ledgers with as many entries stand for one whose chain was computed again from some entry on.
    let (world, other) = (written(), World::new());
    for revision in 1..=8 {
        let setting = Change::PutSetting {
            name: "x".into(),
            value: "1".into(),
            revision,
        };
        other.put(triage(), "setting.put", vec![setting]).unwrap();
    }
    let kept = world.ledger.head(&post()).unwrap();
    let broken = other
        .ledger
        .verify(&post(), std::slice::from_ref(&kept))
        .unwrap()
        .broken
        .unwrap();
    assert_eq!((broken.number, broken.flaw), (8, Flaw::Rewritten));
    assert_eq!(kept.to_string().parse::<Head>().unwrap(), kept);

    // Cut off with the head file made to fit: only a head that was kept elsewhere tells.
    std::fs::copy(
        other.folder.path().join("ledger.head"),
        world.folder.path().join("ledger.head"),
    )
    .unwrap();
    world.meddle("DELETE FROM entry WHERE number > 3");
    let later = Head {
        number: 5,
        hash: kept.hash.clone(),
    };
    let broken = world.ledger.verify(&post(), &[later]).unwrap().broken.unwrap();
    assert_eq!((broken.number, broken.flaw), (4, Flaw::CutOff { known: 8 }));
}

#[test]
fn a_missing_head_file_is_said_and_a_lagging_one_is_none() {
    let world = written();
    let head = world.folder.path().join("ledger.head");
    let lagging = std::fs::read(&head).unwrap();
    let user = world.ledger.users(&post()).unwrap().remove(0);
    let setting = Change::PutSetting {
        name: "webhook".into(),
        value: "5".into(),
        revision: 5,
    };
    world.put(person(&user), "setting.put", vec![setting]).unwrap();
    std::fs::write(&head, lagging).unwrap();
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
    std::fs::remove_file(&head).unwrap();
    let broken = world.ledger.verify(&post(), &[]).unwrap().broken.unwrap();
    assert_eq!(broken.flaw, Flaw::NoHead);
}
