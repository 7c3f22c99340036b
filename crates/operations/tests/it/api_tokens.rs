//! Personal tokens of the API: bounds, revoking, and how seldom a use is noted.

use model::{ApiToken, Change, Decision, Rejected, Role, Scope};
use operations::{
    Step,
    people::{
        Secret,
        api_tokens::{self, Draft, VALID_MAX},
    },
};

use crate::memory::{at, entropy, user};

const DAY: i64 = 24 * 3600;

fn made(decision: &Decision) -> ApiToken {
    match decision.changes.as_slice() {
        [Change::PutNoun { noun }] => noun.read().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn draft() -> Draft {
    Draft {
        name: " nightly export ".into(),
        role: Role::Viewer,
        days: 30,
    }
}

fn secret() -> Secret {
    Secret::new("wpa_", entropy(9))
}

#[test]
fn a_token_has_a_name_an_end_and_never_more_than_its_makers_role() {
    let lan = user(2, Role::DutyOfficer);
    let scope = Scope::of_session(&lan);
    let step = Step {
        scope: &scope,
        at: at(0),
    };
    let decision = api_tokens::create(&draft(), (&lan, &[]), &secret(), step).unwrap();
    let token = made(&decision);
    assert_eq!(
        (token.name.as_str(), token.expires_at, token.user),
        ("nightly export", at(30 * DAY), lan.id)
    );
    assert!(token.is_valid(at(30 * DAY - 1)) && !token.is_valid(at(30 * DAY)));
    assert!(
        !format!("{decision:?}").contains(&secret().text),
        "only the digest is kept"
    );
    let edits: [fn(&mut Draft); 5] = [
        |draft| draft.name = " ".into(),
        |draft| draft.name = "x".repeat(201),
        |draft| draft.role = Role::ShiftLead,
        |draft| draft.role = Role::Auditor,
        |draft| draft.days = 3650,
    ];
    for edit in edits {
        let mut wrong = draft();
        edit(&mut wrong);
        let refused = api_tokens::create(&wrong, (&lan, &[]), &secret(), step);
        assert!(matches!(refused, Err(Rejected::Invalid { .. })), "{wrong:?}");
    }
    let many = vec![token; VALID_MAX];
    assert!(api_tokens::create(&draft(), (&lan, &many), &secret(), step).is_err());
    let later = Step {
        scope: &scope,
        at: at(30 * DAY),
    };
    assert!(
        api_tokens::create(&draft(), (&lan, &many), &secret(), later).is_ok(),
        "those that are over do not count"
    );
}

#[test]
fn a_token_is_revoked_once_by_its_owner_or_who_runs_the_post() {
    let lan = user(2, Role::DutyOfficer);
    let scopes = [
        (Scope::of_session(&lan), true),
        (Scope::of_session(&user(1, Role::Administrator)), true),
        (Scope::of_session(&user(3, Role::ShiftLead)), false),
    ];
    let own = Step {
        scope: &scopes[0].0,
        at: at(0),
    };
    let token = made(&api_tokens::create(&draft(), (&lan, &[]), &secret(), own).unwrap());
    for (scope, may) in &scopes {
        let revoked = api_tokens::revoke(&token, Step { scope, at: at(60) });
        assert_eq!(revoked.is_ok(), *may);
    }
    let revoked = made(&api_tokens::revoke(&token, own).unwrap());
    assert!(!revoked.is_valid(at(1)));
    assert_eq!(api_tokens::revoke(&revoked, own), Err(Rejected::AlreadySo));
}

#[test]
fn a_use_is_noted_once_an_hour() {
    let lan = user(2, Role::DutyOfficer);
    let scope = Scope::of_session(&lan);
    let step = |second| Step {
        scope: &scope,
        at: at(second),
    };
    let token = made(&api_tokens::create(&draft(), (&lan, &[]), &secret(), step(0)).unwrap());
    let used = made(&api_tokens::used(&token, "192.0.2.7", step(10)).unwrap());
    assert_eq!(used.last_use.as_ref().unwrap().address, "192.0.2.7");
    assert_eq!(api_tokens::used(&used, "192.0.2.8", step(3609)), None);
    assert!(api_tokens::used(&used, "192.0.2.8", step(3610)).is_some());
}
