//! Actions and plans as people work them: asked for, agreed to by somebody else, in force, lifted; a plan rehearsed step by step.

use axum::http::StatusCode;
use ledger::NounFilter;
use model::{Action, ActionState, Effect, Proof, Role, Scope};
use operations::response::{self, Answered, PlanRun, advance};

use crate::{
    client::{Client, location, page, post, text},
    pages::words_of,
    post::Post,
};

const PLAN: &str = "/plans/playbook--72c363bb-ba62-5e74-9497-c900b26f123d";
const ASKED: &str =
    "device=edge&elements=203.0.113.9&why=m%C3%A1y+ch%E1%BB%A7+%C4%91i%E1%BB%81u+khi%E1%BB%83n&letter=123%2FCV";

fn scope() -> Scope {
    Scope::of_post("test")
}

fn action(post: &Post, address: &str) -> Action {
    let id = address.trim_start_matches("/actions/");
    let found: Option<Action> = post.state.ledger.kept(&scope(), id).unwrap();
    found.expect("the action is there")
}

/// Answers as the device would.
fn device_plans(post: &Post, address: &str) {
    let answered = Answered {
        lines: vec!["+ inet watchpost blocked4: 203.0.113.9".to_owned()],
        undoable: true,
    };
    let now = post.state.clock.now();
    let decision = response::planned(&action(post, address), &answered, &post.state.response.policy, now);
    post.state.ledger.apply(&decision).unwrap();
}

fn device_applies(post: &Post, address: &str, holds: Option<bool>) {
    let at = post.state.clock.now();
    let text = "nhân giữ đủ mọi địa chỉ và mạng / the kernel holds every address and network".to_owned();
    let decision = response::applied(&action(post, address), Proof { at, holds, text }, at);
    post.state.ledger.apply(&decision).unwrap();
}

#[tokio::test]
async fn a_block_is_asked_for_agreed_to_by_another_person_and_lifted() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let address = location(&lead.post_form("/actions", ASKED).await);
    device_plans(&post, &address);
    let hash = action(&post, &address).plan.unwrap().hash;
    let own = lead
        .post_form(&format!("{address}/approve"), &format!("hash={hash}"))
        .await;
    assert_eq!(own.status(), StatusCode::CONFLICT, "whoever asked cannot agree");
    assert!(page(lead.get(&address).await).await.contains("cần một người khác"));
    let officer = Client::of(&post, Role::DutyOfficer);
    let may_not = officer
        .post_form(&format!("{address}/approve"), &format!("hash={hash}"))
        .await;
    assert_eq!(may_not.status(), StatusCode::FORBIDDEN);
    let head = Client::of(&post, Role::Administrator);
    let other = head.post_form(&format!("{address}/approve"), "hash=another").await;
    assert_eq!(
        other.status(),
        StatusCode::CONFLICT,
        "what was agreed to is not what would happen"
    );
    insta::assert_snapshot!(
        "action_waits",
        words_of(&page(head.get(&address).await).await).replace(&hash[..16], "HASH")
    );
    location(
        &head
            .post_form(&format!("{address}/approve"), &format!("hash={hash}"))
            .await,
    );
    device_applies(&post, &address, Some(true));
    insta::assert_snapshot!("actions_in_force", words_of(&page(head.get("/actions").await).await));
    location(&head.post_form(&format!("{address}/lift"), "why=nh%E1%BA%A7m").await);
    assert!(matches!(action(&post, &address).state, ActionState::Lifting { .. }));
    assert!(page(head.get("/actions").await).await.contains("đang gỡ"));
}

#[tokio::test]
async fn what_has_no_effect_is_never_shown_as_good() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let address = location(&lead.post_form("/actions", ASKED).await);
    device_plans(&post, &address);
    let hash = action(&post, &address).plan.unwrap().hash;
    location(
        &Client::of(&post, Role::Administrator)
            .post_form(&format!("{address}/approve"), &format!("hash={hash}"))
            .await,
    );
    device_applies(&post, &address, Some(false));
    for shown in [
        page(lead.get("/actions").await).await,
        page(lead.get(&address).await).await,
    ] {
        assert!(
            shown.contains("đã áp dụng, không có tác dụng") && !shown.contains("badge-good"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn protected_addresses_and_nonsense_are_refused_with_the_reason() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let cases = [
        (
            "device=edge&elements=192.0.2.53&why=x",
            "192.0.2.53 được bảo vệ: máy phân giải tên",
        ),
        ("device=edge&elements=192.0.2.0%2F24&why=x", "192.0.2.0/24 được bảo vệ"),
        (
            "device=edge&elements=nonsense&why=x",
            "không phải địa chỉ hay tên miền: nonsense",
        ),
        (
            "device=dns&elements=203.0.113.9&why=x",
            "không phải địa chỉ hay tên miền: 203.0.113.9",
        ),
    ];
    for (form, expected) in cases {
        let answer = lead.post_form("/actions", form).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        let shown = text(answer).await;
        assert!(shown.contains(expected), "{form}: {shown}");
    }
    let none = post
        .state
        .ledger
        .all_kept::<Action>(&scope(), &NounFilter::default())
        .unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn broken_glass_acts_at_once_calls_the_head_of_unit_and_owes_a_review_by_another() {
    let post = post();
    let officer = Client::of(&post, Role::DutyOfficer);
    let address = location(&officer.post_form("/actions", ASKED).await);
    device_plans(&post, &address);
    location(
        &officer
            .post_form(&format!("{address}/break-glass"), "why=%C4%91ang+m%C3%A3+h%C3%B3a")
            .await,
    );
    let broken = action(&post, &address);
    assert!(matches!(broken.state, ActionState::Approved { .. }) && broken.owes_review());
    let called = post.state.ledger.claim("sms", post.state.clock.now(), 60, 10).unwrap();
    let Effect::Deliver { delivery } = &called[0].effect else {
        panic!("a message is expected");
    };
    assert!(delivery.urgent && delivery.to == "+84900000001" && delivery.text.contains("203.0.113.9"));
    let own = officer.post_form(&format!("{address}/review"), "why=ok").await;
    assert_eq!(own.status(), StatusCode::FORBIDDEN);
    let lead = Client::of(&post, Role::ShiftLead);
    assert!(page(lead.get("/actions").await).await.contains("nợ xem xét lại"));
    location(&lead.post_form(&format!("{address}/review"), "why=%C4%91%C3%BAng").await);
    assert!(!action(&post, &address).owes_review());
}

/// Goes on with the run as the post would.
fn go_on(post: &Post, address: &str) -> PlanRun {
    let id = address.trim_start_matches("/runs/");
    let run: PlanRun = post.state.ledger.kept(&scope(), id).unwrap().unwrap();
    let with = response::Advancing {
        playbook: &post.state.response.plans[0],
        library: &post.state.response.plans,
        actions: &[],
        children: &[],
        devices: &post.state.response.devices,
        policy: &post.state.response.policy,
    };
    if let Some(decision) = advance(&run, with, post.state.clock.now()) {
        post.state.ledger.apply(&decision).unwrap();
    }
    post.state.ledger.kept(&scope(), id).unwrap().unwrap()
}

/// What somebody fills into the first form of a run's page: yes to everything that is asked.
fn answers(shown: &str) -> String {
    let form = shown.split("<form").find(|form| form.contains("/step\"")).unwrap();
    let form = form.split("</form>").next().unwrap();
    let execution = form.split("name=\"execution\" value=\"").nth(1).unwrap();
    let mut filled = format!("execution={}&done=yes&note=xong", execution.split('"').next().unwrap());
    let mut names: Vec<&str> = form
        .split("name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    names.dedup();
    for name in names.iter().filter(|name| name.starts_with("__")) {
        filled.extend(["&", name, "=true"]);
    }
    filled
}

#[tokio::test]
async fn a_plan_is_rehearsed_by_hand_from_its_first_step_to_its_end() {
    let post = post();
    let officer = Client::of(&post, Role::DutyOfficer);
    let missing = officer.post_form(&format!("{PLAN}/start"), "exercise=yes").await;
    assert_eq!(
        missing.status(),
        StatusCode::UNPROCESSABLE_ENTITY,
        "a plan is not begun without what it needs"
    );
    let start = "exercise=yes&__phishing_domain__=dang-nhap.example&__phishing_address__=203.0.113.9";
    let address = location(&officer.post_form(&format!("{PLAN}/start"), start).await);
    let mut run = go_on(&post, &address);
    insta::assert_snapshot!("run_begun", words_of(&page(officer.get(&address).await).await));
    for _ in 0..100 {
        if run.run.orders().is_empty() {
            break;
        }
        location(
            &officer
                .post_form(
                    &format!("{address}/step"),
                    &answers(&page(officer.get(&address).await).await),
                )
                .await,
        );
        run = go_on(&post, &address);
    }
    assert_eq!(run.state_word(), "succeeded", "{run:?}");
    let asked = post
        .state
        .ledger
        .all_kept::<Action>(&scope(), &NounFilter::default())
        .unwrap();
    assert_eq!(asked, [], "an exercise touches no device");
    assert!(page(officer.get(&address).await).await.contains("Diễn tập"));
}
