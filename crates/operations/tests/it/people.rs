//! People: the first account, the last administrator, passwords, sessions, tokens.

use model::{Change, Decision, Language, Rejected, Role, Scope, Session, SetupLink, SourceId, User};
use operations::{Step, people};

use crate::memory::{at, entropy, user};

fn draft(login: &str) -> people::Draft {
    people::Draft {
        login: login.into(),
        display_name: "Lan".into(),
        role: Role::Viewer,
        password_hash: "$argon2id$".into(),
        language: "vi".into(),
    }
}

fn administrator() -> (User, Scope) {
    let user = user(1, Role::Administrator);
    let scope = Scope::of_session(&user);
    (user, scope)
}

fn put_user(decision: &Decision) -> User {
    let mut users = decision.changes.iter().filter_map(|change| {
        let Change::PutUser { user } = change else { return None };
        Some((**user).clone())
    });
    users.next_back().unwrap()
}

#[test]
fn the_first_account_needs_the_link_in_time_and_is_an_administrators() {
    let secret = people::Secret::new("wpl_", entropy(5));
    let post = Scope::of_post("setup");
    let step = Step {
        scope: &post,
        at: at(0),
    };
    let made = people::setup_link(&[], &secret, step).unwrap();
    let Change::PutSetupLink { link } = &made.changes[0] else {
        panic!("{made:?}");
    };
    assert_eq!(link.digest, people::digest(&secret.text));
    let first = |link: Option<&SetupLink>, users: &[User], second| {
        people::create_first_account(link, users, draft("lan"), at(second), entropy(6))
    };
    let decision = first(Some(link), &[], 3599).unwrap();
    assert_eq!(put_user(&decision).role, Role::Administrator);
    assert!(matches!(decision.changes[0], Change::UseSetupLink { .. }));
    assert!(first(Some(link), &[], 3600).is_err(), "over");
    assert!(first(None, &[], 0).is_err());
    assert!(
        first(Some(link), &[user(1, Role::Viewer)], 0).is_err(),
        "there are accounts"
    );
    assert!(people::setup_link(&[user(1, Role::Viewer)], &secret, step).is_err());
    assert!(!format!("{secret:?}").contains(&secret.text), "a secret is not printed");
}

#[test]
fn the_last_administrator_cannot_be_taken_away() {
    let (own, scope) = administrator();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    let officer = user(2, Role::DutyOfficer);
    let mut second = user(3, Role::Administrator);
    let alone = [own.clone(), officer.clone()];
    assert!(people::change_role(&own, Role::Viewer, &alone, step).is_err());
    assert!(people::enable(&own, false, &alone, step).is_err());
    second.enabled = false;
    let with_locked = [own.clone(), second.clone()];
    assert!(
        people::enable(&own, false, &with_locked, step).is_err(),
        "a locked one does not count"
    );
    second.enabled = true;
    let two = [own.clone(), second];
    let decision = people::change_role(&own, Role::Viewer, &two, step).unwrap();
    assert_eq!(
        (put_user(&decision).role, put_user(&decision).revision),
        (Role::Viewer, 2)
    );
    assert!(people::enable(&officer, false, &alone, step).is_ok());
}

#[test]
fn what_is_wrong_with_a_draft_or_a_password_is_said() {
    let (own, scope) = administrator();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    let users = [own];
    let long = "a".repeat(65);
    let mut lines = Vec::new();
    let mut say = |what: &str, answer: Result<(), Rejected>| {
        let words = match answer {
            Ok(()) => "ok".to_owned(),
            Err(why) => format!("{} / {}", why.text(Language::Vi), why.text(Language::En)),
        };
        lines.push(format!("{what}: {words}"));
    };
    for login in ["lan.2", "", "Lan", "lân", "a b", long.as_str(), "user1"] {
        say(
            login,
            people::create(draft(login), &users, step, entropy(1)).map(|_| ()),
        );
    }
    for password in [
        "short",
        "mười lăm ký tự đó",
        "lan-lan-lan-lan-lan",
        "aaaaaaaaaaaaaaaaaaa",
        "một câu dài dễ nhớ khó đoán",
    ] {
        say(password, people::check_password(password, "lan"));
    }
    say("very long", people::check_password(&"abcdefgh".repeat(200), "lan"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_new_password_ends_the_other_sessions_and_only_owners_and_administrators_set_it() {
    let (_, administrator) = administrator();
    let lan = user(2, Role::DutyOfficer);
    let own = Scope::of_session(&lan);
    let other = Scope::of_session(&user(3, Role::ShiftLead));
    let secret = people::Secret::new("wpc_", entropy(9));
    let opened = people::open_session(&lan, &secret, ("203.0.113.7", &"Đ".repeat(300)), at(0));
    let Change::PutSession { session } = &opened.changes[0] else {
        panic!("{opened:?}");
    };
    assert!(session.agent.len() <= Session::AGENT_BYTES_MAX);
    assert_eq!(session.expires_at, at(14 * 3600));
    let change = |scope: &Scope| {
        people::change_password(
            &lan,
            "new".into(),
            std::slice::from_ref(session),
            Step { scope, at: at(5) },
        )
    };
    for scope in [&own, &administrator] {
        let decision = change(scope).unwrap();
        assert_eq!(put_user(&decision).password_hash, "new");
        assert!(matches!(&decision.changes[1], Change::PutSession { session } if session.ended_at == Some(at(5))));
    }
    assert_eq!(change(&other), Err(Rejected::NotAllowed));
    let step = Step { scope: &own, at: at(6) };
    assert!(people::end_session(session, step).is_ok());
    assert_eq!(
        people::end_session(
            session,
            Step {
                scope: &other,
                at: at(6)
            }
        ),
        Err(Rejected::NotAllowed)
    );
}

#[test]
fn tokens_are_made_once_and_revoked_once() {
    let (_, scope) = administrator();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    let secret = people::Secret::new("wps_", entropy(4));
    assert!(people::create_token(SourceId::new("gw"), " ", &secret, step).is_err());
    let made = people::create_token(SourceId::new("gw"), "gateway", &secret, step).unwrap();
    let Change::PutToken { token } = &made.changes[0] else {
        panic!("{made:?}");
    };
    let revoked = people::revoke_token(token, step).unwrap();
    let Change::PutToken { token } = &revoked.changes[0] else {
        panic!("{revoked:?}");
    };
    assert_eq!((token.revoked_at, token.revision), (Some(at(1)), 2));
    assert_eq!(people::revoke_token(token, step), Err(Rejected::AlreadySo));
    assert!(
        people::may_try_to_sign_in(9, 29) && !people::may_try_to_sign_in(10, 0) && !people::may_try_to_sign_in(0, 30)
    );
}
