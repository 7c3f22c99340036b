//! What a post owes its devices though it was killed, came late, or somebody else changed them.

use std::{fs, path::Path, thread, time::Duration};

use model::{Action, ActionState};

use crate::{
    firewall::{Firewall, OUTSIDE},
    post::{Person, Post, words},
};

const FREE: &str = "[response]\nquorum = 0\n";

/// A plan with one order for a given address, which ends by itself after some seconds.
pub(crate) fn short_plan(folder: &Path, seconds: u32) {
    let plans = folder.join("data/plans");
    fs::create_dir_all(&plans).unwrap();
    let plan = format!(
        r#"{{"type":"playbook","spec_version":"cacao-2.0","id":"playbook--11111111-2222-4333-8444-555555555555","name":"Ngắn / Short",
        "created_by":"identity--11111111-2222-4333-8444-555555555556","created":"2026-11-25T00:00:00.000Z","modified":"2026-11-25T00:00:00.000Z",
        "playbook_variables":{{"__address__":{{"type":"ipv4-addr","external":true}}}},"workflow_start":"start--11111111-2222-4333-8444-555555555557","workflow":{{
        "start--11111111-2222-4333-8444-555555555557":{{"type":"start","on_completion":"action--11111111-2222-4333-8444-555555555558"}},
        "action--11111111-2222-4333-8444-555555555558":{{"type":"action","name":"Chặn","on_completion":"end--11111111-2222-4333-8444-555555555559",
        "commands":[{{"type":"openc2-http","content":"{{\"action\":\"deny\",\"target\":{{\"ipv4_net\":\"__address__:value\"}}}}"}}],
        "agent":"security-category--11111111-2222-4333-8444-55555555555a",
        "step_extensions":{{"extension-definition--6f1c7a52-93d4-4f0e-8a3b-5d0c2e7b9a41":{{"expires_in_seconds":{seconds},"undo":"by-connector"}}}}}},
        "end--11111111-2222-4333-8444-555555555559":{{"type":"end"}}}},
        "agent_definitions":{{"security-category--11111111-2222-4333-8444-55555555555a":{{"type":"security-category","name":"edge","category":["firewall"]}}}}}}"#
    );
    fs::write(plans.join("short.json"), plan).unwrap();
}

fn block(person: &Person, address: &str) -> String {
    person.does(
        "/actions",
        &[("device", "edge"), ("elements", address), ("why", "quét cổng")],
    )
}

fn in_force(post: &Post) -> usize {
    let all: Vec<Action> = post.kept();
    all.iter()
        .filter(|action| matches!(action.state, ActionState::InForce { .. }))
        .count()
}

#[test]
fn what_ended_while_the_post_was_down_is_lifted_at_its_start() {
    let Some(firewall) = Firewall::lay() else { return };
    let (mut post, head) = Post::start(&format!("{FREE}{}", firewall.section()), |folder| short_plan(folder, 3));
    head.does(
        "/plans/playbook--11111111-2222-4333-8444-555555555555/start",
        &[("__address__", OUTSIDE)],
    );
    post.wait("in force", |post| in_force(post) == 1);
    assert!(!firewall.passes());
    post.kill();
    thread::sleep(Duration::from_secs(4));
    assert!(!firewall.passes(), "nobody lifts it while the post is down");
    post.again();
    post.wait("lifted", |post| {
        let all: Vec<Action> = post.kept();
        matches!(all[0].state, ActionState::Lifted { .. })
    });
    assert!(firewall.passes());
}

#[test]
fn killed_at_any_moment_it_loses_no_block_and_doubles_none() {
    let Some(firewall) = Firewall::lay() else { return };
    let (mut post, head) = Post::start(&format!("{FREE}{}", firewall.section()), |_| {});
    let mut asked = Vec::new();
    for (number, milliseconds) in [0, 3, 10, 25, 60].into_iter().enumerate() {
        let address = format!("203.0.113.{}", 10 + number);
        block(&head, &address);
        asked.push(address);
        thread::sleep(Duration::from_millis(milliseconds));
        post.kill_and_start_again();
    }
    post.wait("in force", |post| in_force(post) == asked.len());
    let rules = firewall.rules();
    for address in &asked {
        assert_eq!(rules.matches(address.as_str()).count(), 1, "{address} once in {rules}");
    }
    assert_eq!(post.kept::<Action>().len(), asked.len());
}

#[test]
fn what_a_device_lost_is_put_back_and_what_others_wrote_stays() {
    let Some(firewall) = Firewall::lay() else { return };
    firewall.nft(&["add table inet theirs { chain input { type filter hook input priority 5; tcp dport 23 drop; }; }"]);
    let (mut post, head) = Post::start(&format!("{FREE}{}", firewall.section()), |_| {});
    block(&head, OUTSIDE);
    post.wait("in force", |post| in_force(post) == 1);
    let before = firewall.rules();
    post.kill();
    // The device restarts, somebody adds an address of their own to the post's set.
    firewall.nft(&["delete table inet watchpost"]);
    assert!(firewall.passes());
    post.again();
    firewall.wait("put back", |firewall| !firewall.passes());
    post.wait("noted", |post| post.kept::<Action>()[0].restored == 1);
    assert_eq!(
        firewall.rules(),
        before,
        "the post's table as it was, the others' untouched"
    );
}

#[test]
fn own_addresses_are_refused_at_the_console() {
    let Some(firewall) = Firewall::lay() else { return };
    let protected = "[response]\nprotected = [{ element = \"198.51.100.0/24\", what = \"máy chủ nghiệp vụ\" }]\n";
    let (post, head) = Post::start(&format!("{protected}{}", firewall.section()), |_| {});
    for address in ["127.0.0.1", "0.0.0.0/0", "198.51.100.7", "198.51.0.0/16", "::1"] {
        let answer = head.send("/actions", &[("device", "edge"), ("elements", address), ("why", "x")]);
        assert_eq!(answer.status, 422, "{address}: {}", words(&answer.body));
    }
    assert_eq!(post.kept::<Action>(), []);
    assert!(firewall.passes());
}
