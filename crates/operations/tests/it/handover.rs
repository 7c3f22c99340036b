//! A shift is handed over: outgoing signs, incoming signs or refuses with a reason, and nobody else does either.

use model::{Change, Decision, Handover, HandoverState, Id, Kept, Occasion, Rejected, Role, Scope, User};
use operations::{
    Step,
    duty::{HandoverDraft, answer_handover, begin_handover, sign_handover},
};

use crate::{
    duty::{at, person},
    memory::{entropy, user},
};

fn officer(number: u128) -> Scope {
    Scope::of_session(&User {
        id: person(number),
        ..user(9, Role::DutyOfficer)
    })
}

fn step(scope: &Scope) -> Step<'_> {
    Step {
        scope,
        at: at("2026-04-30T06:00:00+07"),
    }
}

fn put<T: Kept>(decision: &Decision) -> T {
    let Change::PutNoun { noun } = &decision.changes[0] else {
        panic!("{decision:?}");
    };
    noun.read().unwrap()
}

fn draft(occasion: Occasion, to: Option<u128>) -> HandoverDraft {
    HandoverDraft {
        team: Id::from_bits(1),
        occasion,
        since: at("2026-04-29T22:00:00+07"),
        to: to.map(person),
        sections: Vec::new(),
    }
}

#[test]
fn a_refused_handover_is_signed_again_and_taken_over_once() {
    let (one, two, three) = (officer(1), officer(2), officer(3));
    let begun: Handover = put(&begin_handover(draft(Occasion::Shift, Some(2)), step(&one), entropy(1)).unwrap());
    assert!(
        matches!(answer_handover(&begun, None, step(&two)), Err(Rejected::NotNow(_))),
        "it is not signed"
    );
    assert!(
        matches!(sign_handover(&begun, "", step(&two)), Err(Rejected::NotNow(_))),
        "it is not theirs"
    );
    let signed: Handover = put(&sign_handover(&begun, " theo dõi máy kế toán ", step(&one)).unwrap());
    assert_eq!(signed.remarks, "theo dõi máy kế toán");
    assert!(matches!(
        answer_handover(&signed, None, step(&three)),
        Err(Rejected::NotNow(_))
    ));
    let bare = answer_handover(&signed, Some(" "), step(&two));
    assert!(matches!(bare, Err(Rejected::Invalid { field: "reason", .. })));
    let refused: Handover = put(&answer_handover(&signed, Some("chưa rõ nguồn"), step(&two)).unwrap());
    assert!(matches!(&refused.state, HandoverState::Refused { reason, .. } if reason == "chưa rõ nguồn"));
    let again: Handover = put(&sign_handover(&refused, "đã bổ sung", step(&one)).unwrap());
    let taken: Handover = put(&answer_handover(&again, None, step(&two)).unwrap());
    assert!(matches!(taken.state, HandoverState::Accepted { .. }));
    assert!(matches!(
        answer_handover(&taken, None, step(&two)),
        Err(Rejected::NotNow(_))
    ));
}

#[test]
fn nobody_hands_over_to_themselves_and_a_report_has_one_signature() {
    let one = officer(1);
    for to in [None, Some(1)] {
        let refused = begin_handover(draft(Occasion::Shift, to), step(&one), entropy(1));
        assert!(matches!(refused, Err(Rejected::Invalid { field: "to", .. })));
    }
    let report: Handover = put(&begin_handover(draft(Occasion::Day, Some(2)), step(&one), entropy(1)).unwrap());
    assert_eq!(report.to, None);
    assert!(sign_handover(&report, "", step(&one)).is_ok());
}
