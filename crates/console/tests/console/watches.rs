//! A directive comes in, a watch stands on it, clocks run: the pages in both languages, the steps, and what goes wrong.

use axum::http::{StatusCode, header};
use model::{Deadline, DeadlineState, Directive, Kept, Question, Role, Scope, Waiver, Watch};
use operations::directives;
use serde_json::Value;

use crate::{
    client::{Client, location, page, post, text},
    pages::words_of,
    post::Post,
};

/// The kept nouns of a kind.
fn all<T: Kept>(post: &Post) -> Vec<T> {
    post.state
        .ledger
        .all_kept(&Scope::of_post("trial"), &ledger::NounFilter::default())
        .unwrap()
}

/// The fields of the form on a page, as a browser would send them.
fn fields_of(html: &str) -> Vec<(String, String)> {
    let form = html
        .split("<form class=\"form wide\"")
        .nth(1)
        .unwrap()
        .split("</form>")
        .next()
        .unwrap();
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        let value = rest.split('"').next()?;
        Some(value.replace("&quot;", "\"").replace("&amp;", "&"))
    };
    let mut fields = Vec::new();
    for piece in form.split('<').skip(1) {
        let (tag, after) = piece.split_once('>').unwrap();
        let Some(name) = attribute(tag, "name") else { continue };
        let value = if tag.starts_with("input") {
            let ticked = !tag.contains("type=\"checkbox\"") || tag.contains(" checked");
            let value = attribute(tag, "value").unwrap_or_default();
            if !ticked || tag.contains("type=\"file\"") {
                continue;
            }
            value
        } else if tag.starts_with("textarea") {
            after.to_owned()
        } else {
            "organisation".to_owned()
        };
        fields.push((name, value));
    }
    fields
}

#[tokio::test]
async fn watch_pages_read_well_in_both_languages() {
    let post = post();
    let watch = all::<Watch>(&post)[0].id;
    let directive = all::<Directive>(&post)[0].id;
    let pages = [
        ("watches", "/watches".to_owned()),
        ("watch", format!("/watches/{watch}")),
        ("watch_new", "/watches/new".to_owned()),
        ("preflight", format!("/watches/{watch}/preflight")),
        ("requirement", format!("/watches/{watch}/requirements/3")),
        ("control", "/controls/sources.reporting".to_owned()),
        ("directives", "/directives".to_owned()),
        ("directive_new", "/directives/new".to_owned()),
        ("directive", format!("/directives/{directive}")),
        ("deadlines", "/deadlines".to_owned()),
        ("calendar", "/calendar?year=2026".to_owned()),
    ];
    let client = Client::of(&post, Role::ShiftLead);
    for language in ["vi", "en"] {
        client
            .post_form("/account/language", &format!("language={language}"))
            .await;
        for (name, path) in &pages {
            let html = page(client.get(path).await).await;
            for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
                assert!(!html.contains(forbidden), "{path} has {forbidden}");
            }
            insta::assert_snapshot!(format!("{language}_{name}"), words_of(&html));
        }
    }
}

#[tokio::test]
async fn a_letter_is_registered_from_the_catalogue_with_its_file_and_found_again() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let form = page(client.get("/directives/form?catalogue=3993-bkhcn-2025").await).await;
    let fields = fields_of(&form);
    let sent = client
        .post_file("/directives", &fields, Some(("Công văn 3993.pdf", "%PDF-1.7 letter")))
        .await;
    let address = location(&sent);
    let shown = page(client.get(&address).await).await;
    assert!(shown.contains("3993/BKHCN-CVT") && shown.contains("Công văn 3993.pdf"));
    let hash = directives::letter_file("x", b"%PDF-1.7 letter").unwrap().sha256;
    assert!(shown.contains(&hash));
    let file = client.get(&format!("{address}/file")).await;
    assert_eq!(file.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert!(
        file.headers()[header::CONTENT_DISPOSITION]
            .to_str()
            .unwrap()
            .starts_with("attachment; filename*=UTF-8''C%C3%B4ng")
    );
    assert_eq!(text(file).await, "%PDF-1.7 letter");
    let kept = all::<Directive>(&post)
        .into_iter()
        .find(|one| one.number == "3993/BKHCN-CVT")
        .unwrap();
    let entry = post
        .state
        .catalogue
        .borrow()
        .directives
        .iter()
        .find(|entry| entry.id == "3993-bkhcn-2025")
        .unwrap()
        .clone();
    assert_eq!(kept.requirements.len(), entry.requirements.len());
    assert_eq!(kept.file.unwrap().bytes, 15);
}

#[tokio::test]
async fn a_letter_s_text_becomes_proposals_that_a_person_decides() {
    let post = post();
    let client = Client::of(&post, Role::ShiftLead);
    let letter = "Số: 202/TTCNTT&TT-QTHT\nNgày 5/01/2026\nV/v tăng cường bảo đảm an toàn thông tin dịp Tết\n\
        1. Tổ chức trực giám sát an toàn thông tin 24/7, phân công nhân sự ứng trực.\n\
        2. Rà soát, cập nhật bản vá cho toàn bộ máy chủ trước ngày 10/02/2026.\n";
    let body = format!(
        "text={}",
        form_urlencoded::byte_serialize(letter.as_bytes()).collect::<String>()
    );
    let form = page(client.post_form("/directives/propose", &body).await).await;
    let before = all::<Directive>(&post).len();
    let mut fields = fields_of(&form);
    let value = |fields: &[(String, String)], name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(value(&fields, "number").as_deref(), Some("202/TTCNTT&TT-QTHT"));
    assert_eq!(value(&fields, "issued_on").as_deref(), Some("05/01/2026"));
    assert_eq!(value(&fields, "due-1").as_deref(), Some("10/02/2026"));
    assert_eq!(all::<Directive>(&post).len(), before, "nothing is kept by proposing");
    // A date that is none is said with what was typed, and the form keeps the rest.
    for field in &mut fields {
        match field.0.as_str() {
            "issuer" => field.1 = "Trung tâm CNTT&TT".to_owned(),
            "issued_on" => field.1 = "31/02/2026".to_owned(),
            _ => {}
        }
    }
    let again = client.post_file("/directives", &fields, None).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let again = text(again).await;
    assert!(again.contains("31/02/2026") && again.contains("202/TTCNTT&amp;TT-QTHT"));
    for field in &mut fields {
        match field.0.as_str() {
            "issued_on" => field.1 = "5-1-2026".to_owned(),
            "received_on" => field.1 = "06.01.2026".to_owned(),
            _ => {}
        }
    }
    // Only what is ticked is taken.
    fields.retain(|(name, _)| name != "take-0");
    location(&client.post_file("/directives", &fields, None).await);
    let kept = all::<Directive>(&post)
        .into_iter()
        .find(|one| one.number.starts_with("202/"))
        .unwrap();
    assert_eq!(kept.requirements.len(), 1);
    assert_eq!(
        (kept.issued_on, kept.received_on),
        ("2026-01-05".parse().unwrap(), "2026-01-06".parse().unwrap())
    );
}

#[tokio::test]
async fn of_two_editors_the_second_is_told_and_nothing_is_overwritten() {
    let post = post();
    let directive = all::<Directive>(&post)[0].id;
    let (first, second) = (
        Client::of(&post, Role::ShiftLead),
        Client::of(&post, Role::Administrator),
    );
    let edit = format!("/directives/{directive}/edit");
    let (mut of_first, mut of_second) = (
        fields_of(&page(first.get(&edit).await).await),
        fields_of(&page(second.get(&edit).await).await),
    );
    let issuer = |fields: &mut Vec<(String, String)>, name: &str| {
        fields.iter_mut().find(|(field, _)| field == "issuer").unwrap().1 = name.to_owned();
    };
    issuer(&mut of_first, "Bộ TT&TT");
    issuer(&mut of_second, "Cục ATTT");
    let address = format!("/directives/{directive}");
    location(&first.post_file(&address, &of_first, None).await);
    let told = second.post_file(&address, &of_second, None).await;
    assert_eq!(told.status(), StatusCode::CONFLICT);
    assert_eq!(all::<Directive>(&post)[0].issuer, "Bộ TT&TT");
}

#[tokio::test]
async fn a_watch_is_worked_from_questions_and_waivers_to_its_end() {
    let post = post();
    let (lead, administrator) = (
        Client::of(&post, Role::ShiftLead),
        Client::of(&post, Role::Administrator),
    );
    let watch = all::<Watch>(&post)[0].clone();
    let here = format!("/watches/{}", watch.id);
    // Whoever asked for a waiver cannot grant it; another can.
    let waiver = all::<Waiver>(&post)[0].id;
    let decide = format!("/waivers/{waiver}/decide");
    assert_eq!(
        lead.post_form(&decide, "grant=yes").await.status(),
        StatusCode::CONFLICT
    );
    location(&administrator.post_form(&decide, "grant=yes").await);
    assert!(page(lead.get(&here).await).await.contains("row-waived"));
    // A question is answered by whom it was asked of.
    let question = all::<Question>(&post)
        .into_iter()
        .find(|question| question.answer.is_none())
        .unwrap();
    let answer = format!("/questions/{}/answer", question.id);
    let words = "holds=yes&words=%C4%90%E1%BB%A7+ng%C6%B0%E1%BB%9Di";
    assert_eq!(
        administrator.post_form(&answer, words).await.status(),
        StatusCode::CONFLICT
    );
    location(&lead.post_form(&answer, words).await);
    // Of two who give a requirement away, the second is told.
    let (first, second) = (post.users[2].id, post.users[0].id);
    let give = format!("{here}/requirements/1");
    location(&lead.post_form(&give, &format!("person={first}")).await);
    let told = administrator.post_form(&give, &format!("person={second}")).await;
    assert_eq!(told.status(), StatusCode::CONFLICT);
    assert_eq!(all::<Watch>(&post)[0].requirements[0].owner, Some(first));
    // What is missing becomes tasks, once.
    location(&lead.post_form(&format!("{here}/preflight"), "").await);
    let tasks = all::<Watch>(&post)[0].tasks.len();
    assert!(tasks > watch.tasks.len());
    assert_eq!(
        lead.post_form(&format!("{here}/preflight"), "").await.status(),
        StatusCode::CONFLICT
    );
    location(&lead.post_form(&format!("{here}/tasks/1"), "words=xong").await);
    assert!(all::<Watch>(&post)[0].tasks[0].done.is_some());
    // Closed, it stays as it stood, and nothing more is done in it.
    location(
        &lead
            .post_form(
                &format!("{here}/close"),
                "words=%C4%90%E1%BB%A3t+tr%E1%BB%B1c+an+to%C3%A0n",
            )
            .await,
    );
    assert_eq!(
        lead.post_form(&format!("{here}/tasks/2"), "words=xong").await.status(),
        StatusCode::CONFLICT
    );
    let told: Value =
        serde_json::from_str(&text(lead.get(&format!("/api/v1/watches/{}", watch.id)).await).await).unwrap();
    assert_eq!(told["as_of"], told["watch"]["closed"]["at"]);
    assert_eq!(told["requirements"].as_array().unwrap().len(), watch.requirements.len());
}

#[tokio::test]
async fn a_watch_opens_with_times_as_people_write_them() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let directive = all::<Directive>(&post)[0].id;
    let user = post.users[1].id;
    let form = |from: &str, provider: &str| {
        format!(
            "name=T%E1%BA%BFt&directive={directive}&from={from}&until=08/02/2027+00:00&people_min=2&acknowledge_minutes=10&person={user}{provider}"
        )
    };
    for odd in ["2027-13-01", "31/02/2027+00:00", "05/02/2027+25:00", ""] {
        let again = lead.post_form("/watches/new", &form(odd, "")).await;
        assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY, "{odd}");
    }
    for (provider, requirements) in [("", 8), ("&provider=yes", 11)] {
        let opened = location(
            &lead
                .post_form("/watches/new", &form("05/02/2027+00:00", provider))
                .await,
        );
        let id = opened.rsplit('/').next().unwrap().to_owned();
        let watch = all::<Watch>(&post)
            .into_iter()
            .find(|watch| watch.id.to_string() == id)
            .unwrap();
        assert_eq!(watch.requirements.len(), requirements);
        // Midnight in Việt Nam.
        assert_eq!(watch.from, "2027-02-04T17:00:00Z".parse().unwrap());
    }
}

#[tokio::test]
async fn clocks_are_started_and_each_ends_once() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let running = |post: &Post| {
        all::<Deadline>(post)
            .into_iter()
            .filter(|one| one.state == DeadlineState::Running)
            .collect::<Vec<_>>()
    };
    let before = running(&post).len();
    let form = "matter=alert&rule=incident-notice&rule=incident-emergency&started_at=25/11/2026+01:00";
    location(&lead.post_form("/deadlines/new", form).await);
    assert_eq!(running(&post).len(), before + 2);
    let again = lead
        .post_form("/deadlines/new", "matter=x&rule=incident-notice&started_at=hôm+qua")
        .await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let clock = running(&post).into_iter().max_by_key(|one| one.due_at).unwrap();
    let meet = format!("/deadlines/{}/meet", clock.id);
    location(&lead.post_form(&meet, "evidence=S%E1%BB%91+12/BC").await);
    assert_eq!(
        lead.post_form(&meet, "evidence=again").await.status(),
        StatusCode::CONFLICT
    );
    let api = format!("/api/v1/deadlines/{}/stop", running(&post)[0].id);
    assert_eq!(
        lead.post_json(&api, r#"{"words":"nhầm"}"#).await.status(),
        StatusCode::NO_CONTENT
    );
    let unknown = lead
        .post_json("/api/v1/deadlines", r#"{"rules":["no-such-rule"],"matter":"x"}"#)
        .await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_registers_opens_and_tells() {
    let post = post();
    let lead = Client::of(&post, Role::ShiftLead);
    let letter = vec![(
        "letter".to_owned(),
        r#"{"catalogue":"1465-btttt-2024","received_on":"2024-04-17"}"#.to_owned(),
    )];
    let made = lead.post_file("/api/v1/directives", &letter, None).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = serde_json::from_str(&text(made).await).unwrap();
    let id = made["id"].as_str().unwrap();
    let draft = format!(
        r#"{{"name":"Lễ","from":"2026-11-26T00:00:00Z","until":"2026-11-28T00:00:00Z","people_min":1,"acknowledge_minutes":15,"directives":[{{"id":"{id}","requirements":["1.1","1.2"]}}]}}"#
    );
    let opened = lead.post_json("/api/v1/watches", &draft).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let list: Value = serde_json::from_str(&text(lead.get("/api/v1/watches").await).await).unwrap();
    assert_eq!(list["watches"].as_array().unwrap().len(), 2);
    let measured: Value =
        serde_json::from_str(&text(lead.get("/api/v1/measurements?control=alerts.waiting&days=2").await).await)
            .unwrap();
    assert_eq!(measured["measurements"].as_array().unwrap().len(), 24);
    let proposal = lead
        .post_json(
            "/api/v1/directives/propose",
            r#"{"text":"Số: 9/CV-AB\nRà soát, cập nhật bản vá toàn bộ máy chủ."}"#,
        )
        .await;
    let proposal: Value = serde_json::from_str(&text(proposal).await).unwrap();
    assert_eq!(proposal["number"], "9/CV-AB");
    assert_eq!(
        lead.post_file("/api/v1/directives", &[("letter".to_owned(), "{".to_owned())], None)
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
}
