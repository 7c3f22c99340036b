//! The training scenarios of the national response network: each is played into the running post, is seen there, and has a plan that is
//! rehearsed to its end.

use ledger::{AlertFilter, PageAt};
use model::{Action, Scope};
use operations::response::PlanRun;

use crate::{
    post::{Person, Post, words},
    story::open_step,
};

const MOST: usize = 200;

fn alerts(post: &Post) -> usize {
    let page = post
        .ledger()
        .alerts(&Scope::of_post("test"), &AlertFilter::default(), PageAt::first(MOST));
    page.unwrap().items.len()
}

/// Name, plans.
fn scenarios(post: &Post) -> Vec<(String, Vec<String>)> {
    let listed = post.run(&["exercise", "--list"]);
    let mut found = Vec::new();
    let mut name = String::new();
    for line in listed.lines() {
        if let Some(plans) = line.strip_prefix("  plans: ") {
            found.push((name.clone(), plans.split(", ").map(str::to_owned).collect()));
        } else if !line.starts_with(' ') {
            line.clone_into(&mut name);
        }
    }
    found
}

/// Rehearses a plan to its end, every step by hand.
fn rehearse(post: &Post, officer: &Person, page: &str) {
    let form = officer.reads(page);
    let form = form.split("/start\"").nth(1).unwrap().split("</form>").next().unwrap();
    let names: Vec<&str> = form
        .split("name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.starts_with("__"))
        .collect();
    let mut given = vec![("exercise", "yes")];
    for name in &names {
        let value = if name.contains("domain") {
            "dang-nhap.example"
        } else if name.contains("address") {
            "203.0.113.9"
        } else {
            "lan.nt"
        };
        given.push((name, value));
    }
    let run = officer.does(&format!("{page}/start"), &given);
    let id = run.trim_start_matches("/runs/").to_owned();
    let state = |post: &Post| {
        let all: Vec<PlanRun> = post.kept();
        all.iter().find(|run| run.id.to_string() == id).unwrap().state_word()
    };
    for _ in 0..60 {
        post.wait("going on", |post| {
            open_step(&officer.reads(&run)).is_some() || state(post) != "running"
        });
        let Some((execution, names)) = open_step(&officer.reads(&run)) else {
            break;
        };
        let mut form = vec![("execution", execution.as_str()), ("done", "yes"), ("note", "diễn tập")];
        for name in &names {
            let value = match name.as_str() {
                "__kind__" => "chuyen-huong",
                "__webshell__" | "__spreading__" | "__under_attack__" => "false",
                _ => "true",
            };
            form.push((name, value));
        }
        officer.does(&format!("{run}/step"), &form);
    }
    assert_eq!(state(post), "succeeded", "{page}: {}", words(&officer.reads(&run)));
}

#[test]
fn each_training_scenario_is_seen_and_has_a_plan_that_is_rehearsed_to_its_end() {
    let (post, head) = Post::start("", |_| {});
    let officer = head.hires("lan", "duty_officer");
    let training: Vec<(String, Vec<String>)> = scenarios(&post)
        .into_iter()
        .filter(|(name, _)| name != "holiday-eve")
        .collect();
    assert_eq!(training.len(), 7);
    let mut rehearsed = Vec::new();
    for (name, plans) in training {
        let before = alerts(&post);
        post.run(&["exercise", &name, "--minutes", "0.02"]);
        post.wait(&format!("seen ({name})"), |post| alerts(post) >= before + 2);
        let plan = plans[0].clone();
        if rehearsed.contains(&plan) {
            continue;
        }
        rehearse(&post, &officer, &post.plan(&plan));
        rehearsed.push(plan);
    }
    assert_eq!(post.kept::<Action>(), [], "a rehearsal touches no device");
}
