//! Browsers: kept for each person, one entry each, no more than a person needs.

use model::{Browser, Change, Decision, Effect, Phrase, Role, Scope, User};
use operations::{
    Step,
    browsers::{Kept, subscribe, try_out, unsubscribe},
};

use crate::memory::{at, user};

const TEXT: Phrase = Phrase::new("thử", "test");

fn browser(number: usize) -> Browser {
    Browser {
        subscription: format!(r#"{{"endpoint":"https://push.example/{number}","keys":{{"p256dh":"BA","auth":"AA"}}}}"#),
        agent: "Chromium".into(),
        since: at(0),
    }
}

/// What is kept after a decision.
fn after(decision: &Decision) -> Kept {
    let [Change::PutSetting { value, revision, .. }] = decision.changes.as_slice() else {
        panic!("{decision:?}");
    };
    Kept::read(Some((value.clone(), *revision)))
}

fn scene() -> (User, Scope) {
    let user = user(1, Role::Viewer);
    let scope = Scope::of_session(&user);
    (user, scope)
}

#[test]
fn a_browser_is_kept_once_and_the_oldest_makes_room() {
    let (user, scope) = scene();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    let mut kept = Kept::read(None);
    for number in [0, 1, 1, 0] {
        kept = after(&subscribe(&user, kept, browser(number), step).unwrap());
    }
    assert_eq!(kept.browsers, [browser(1), browser(0)]);
    assert_eq!(kept.revision, 4);
    for number in 2..20 {
        kept = after(&subscribe(&user, kept, browser(number), step).unwrap());
    }
    assert_eq!(kept.browsers.len(), Browser::PER_PERSON_MAX);
    assert_eq!(kept.browsers[0], browser(10));
    kept = after(&unsubscribe(&user, kept, 0, step).unwrap());
    assert_eq!(kept.browsers[0], browser(11));
    assert!(unsubscribe(&user, kept, 99, step).is_err());
}

#[test]
fn only_subscriptions_over_https_are_kept() {
    let (user, scope) = scene();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    for subscription in [
        String::new(),
        "{}".into(),
        browser(1).subscription.replace("https", "http"),
        browser(1).subscription.replace("auth", "other"),
        format!("{}{}", browser(1).subscription, " ".repeat(5000)),
    ] {
        let wrong = Browser {
            subscription,
            ..browser(1)
        };
        assert!(
            subscribe(&user, Kept::default(), wrong.clone(), step).is_err(),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_test_goes_the_way_of_every_message() {
    let (user, scope) = scene();
    let step = Step {
        scope: &scope,
        at: at(1),
    };
    let kept = after(&subscribe(&user, Kept::default(), browser(7), step).unwrap());
    let decision = try_out(&kept, 0, TEXT, step).unwrap();
    let [Effect::Deliver { delivery }] = decision.effects.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!(
        (delivery.channel.as_str(), &delivery.to),
        ("web-push", &browser(7).subscription)
    );
    assert!(try_out(&kept, 1, TEXT, step).is_err());
}
