//! Who may read what; sign-in, sessions and the link for the first account.

use ledger::{ApplyError, ReadError};
use model::{Change, Permission, Role, Scope, Session, SetupLink, SourceId, SourceToken};

use crate::world::{World, at, person, post, triage};

#[test]
fn a_query_without_the_permission_has_no_answer() {
    let mut world = World::new();
    let viewer = world.user("xem", Role::Viewer);
    let scope = Scope::of_session(&viewer);
    assert_eq!(
        world.ledger.head(&scope).unwrap_err(),
        ReadError::NotAllowed(Permission::ReadLedger)
    );
    assert_eq!(
        world.ledger.users(&scope).unwrap_err(),
        ReadError::NotAllowed(Permission::WriteUsers)
    );
    assert_eq!(
        world.ledger.tokens(&scope).unwrap_err(),
        ReadError::NotAllowed(Permission::WriteSources)
    );
    assert!(world.ledger.people(&scope).is_ok());
    assert!(world.ledger.user(&scope, viewer.id).is_ok(), "their own");
    let other = world.id();
    assert!(world.ledger.user(&scope, other).is_err());
}

#[test]
fn the_link_for_the_first_account_works_once_and_in_time() {
    let mut world = World::new();
    let link = SetupLink {
        digest: "d1".into(),
        created_at: at(0),
        expires_at: at(60),
        used_at: None,
    };
    let put_link = |link: &SetupLink| Change::PutSetupLink {
        link: Box::new(link.clone()),
    };
    let use_link = |digest: &str| Change::UseSetupLink { digest: digest.into() };
    world.put(triage(), "setup.link", vec![put_link(&link)]).unwrap();
    assert!(world.ledger.setup_link(&post(), "d1", at(59)).unwrap().is_some());
    assert!(world.ledger.setup_link(&post(), "d1", at(60)).unwrap().is_none());
    let user = world.user("lan", Role::Administrator);
    let first = vec![
        use_link("d1"),
        Change::PutUser {
            user: Box::new(user.clone()),
        },
    ];
    world.put(triage(), "account.first", first.clone()).unwrap();
    let again = world.put(triage(), "account.first", first);
    assert_eq!(
        again,
        Err(ApplyError::Conflict {
            subject: "setup_link".into()
        })
    );

    let entry = world.ledger.entry(&post(), 2).unwrap().unwrap();
    assert!(
        !entry.content.contains("argon2id"),
        "no secret in the duty book: {}",
        entry.content
    );
    assert!(entry.content.contains("sha256:"));
    let stale = SetupLink {
        digest: "d2".into(),
        expires_at: at(10),
        ..link
    };
    world.put(triage(), "setup.link", vec![put_link(&stale)]).unwrap();
    assert!(
        world.put(triage(), "account.first", vec![use_link("d2")]).is_err(),
        "over by then"
    );
    assert_eq!(world.ledger.verify(&post(), &[]).unwrap().broken, None);
}

#[test]
fn a_session_stands_until_it_ends_or_its_account_does() {
    let mut world = World::new();
    let mut user = world.user("lan", Role::DutyOfficer);
    let mut session = Session {
        digest: "s1".into(),
        user: user.id,
        created_at: at(0),
        expires_at: at(100),
        address: "203.0.113.7".into(),
        agent: "Firefox".into(),
        ended_at: None,
    };
    let put_session = |session: &Session| Change::PutSession {
        session: Box::new(session.clone()),
    };
    let put_user = |user: &model::User| Change::PutUser {
        user: Box::new(user.clone()),
    };
    world.put(triage(), "account.create", vec![put_user(&user)]).unwrap();
    world
        .put(person(&user), "session.open", vec![put_session(&session)])
        .unwrap();
    let stands = |moment| world.ledger.session(&post(), "s1", at(moment)).unwrap().is_some();
    assert!(stands(99) && !stands(100));
    assert_eq!(
        world
            .ledger
            .sessions_of(&Scope::of_session(&user), user.id, at(5))
            .unwrap()
            .len(),
        1
    );
    user.enabled = false;
    user.revision = 2;
    world.put(triage(), "account.disable", vec![put_user(&user)]).unwrap();
    assert!(!stands(50), "the account is disabled");
    user.enabled = true;
    user.revision = 3;
    world.put(triage(), "account.enable", vec![put_user(&user)]).unwrap();
    assert!(stands(50));
    session.ended_at = Some(at(50));
    world
        .put(person(&user), "session.end", vec![put_session(&session)])
        .unwrap();
    assert!(!stands(51));
}

#[test]
fn failed_sign_ins_are_counted_by_name_and_address_and_forgotten() {
    let world = World::new();
    for n in 0..5 {
        world.ledger.note_sign_in_failure("lan", "203.0.113.7", at(n)).unwrap();
    }
    world.ledger.note_sign_in_failure("minh", "203.0.113.7", at(5)).unwrap();
    let failures = |since| {
        world
            .ledger
            .sign_in_failures(&post(), "lan", "203.0.113.7", at(since))
            .unwrap()
    };
    assert_eq!((failures(0).of_login, failures(0).of_address), (5, 6));
    assert_eq!((failures(3).of_login, failures(3).of_address), (2, 3));
    world.ledger.forget_sign_in_failures("lan").unwrap();
    assert_eq!((failures(0).of_login, failures(0).of_address), (0, 1));
    world.ledger.note_sign_in_failure("lan", "x", at(25 * 3600)).unwrap();
    assert_eq!(failures(0).of_address, 0, "after a day they are forgotten");
}

#[test]
fn tokens_and_settings_keep_their_revision() {
    let world = World::new();
    let mut token = SourceToken {
        digest: "t1".into(),
        source: SourceId::new("mail-gw"),
        name: "gateway".into(),
        created_at: at(0),
        revoked_at: None,
        revision: 1,
    };
    let put_token = |token: &SourceToken| Change::PutToken {
        token: Box::new(token.clone()),
    };
    world.put(triage(), "token.create", vec![put_token(&token)]).unwrap();
    assert!(world.put(triage(), "token.create", vec![put_token(&token)]).is_err());
    token.revoked_at = Some(at(3));
    token.revision = 2;
    world.put(triage(), "token.revoke", vec![put_token(&token)]).unwrap();
    assert_eq!(world.ledger.token(&post(), "t1").unwrap(), Some(token));

    let set = |value: &str, revision| {
        let setting = Change::PutSetting {
            name: "webhook".into(),
            value: value.into(),
            revision,
        };
        world.put(triage(), "setting.put", vec![setting])
    };
    set(r#"{ "url": "https://example.org" }"#, 1).unwrap();
    assert!(set("1", 1).is_err() && set("not json", 2).is_err());
    let stored = world.ledger.setting(&post(), "webhook").unwrap().unwrap();
    assert_eq!(stored, (r#"{"url":"https://example.org"}"#.to_owned(), 1));
}
