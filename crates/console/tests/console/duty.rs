//! Duty as people use it: a roster is made, two edit it, a page is acknowledged by its link, a calendar is read back by a real
//! program, a shift is handed over.

use std::process::{Command, Stdio};

use axum::http::StatusCode;
use console::Rosters;
use ledger::NounFilter;
use model::{
    Change, ContactCard, Decision, EscalationPolicy, Handover, HandoverState, Id, Leave, Notification,
    NotificationState, Role, Scope, Team,
};
use operations::notifications::{Answerable, Ask, start, turn};

use crate::{
    client::{Client, location, page, post, text},
    post::Post,
};

const ROSTER: &str = "name=Ca+trực&zone=Asia%2FHo_Chi_Minh&rest_hours=8&policy=&alerts_from=high&members=&revision=0\
    &position_key=officer&position_name=Trực+ban&position_people=1&position_primary=0&position_skills=\
    &position_key=&position_name=&position_people=&position_primary=0&position_skills=\
    &rotation_position=officer&rotation_people=LOGINS&rotation_begins=2026-11-01&rotation_ends=&rotation_every=1&rotation_times=06%3A00%2C+18%3A00";

fn scope() -> Scope {
    Scope::of_post("test")
}

/// The lead and the officer of the trial post.
fn people(post: &Post) -> (model::User, model::User) {
    let of = |role| {
        post.users
            .iter()
            .find(|user| user.role == role && user.enabled)
            .unwrap()
            .clone()
    };
    (of(Role::ShiftLead), of(Role::DutyOfficer))
}

async fn make_roster(post: &Post) -> Team {
    let (lead, officer) = people(post);
    let form = ROSTER.replace("LOGINS", &format!("{}%2C+{}", officer.login, lead.login));
    let answer = Client::of(post, Role::ShiftLead).post_form("/duty/teams", &form).await;
    assert_eq!(location(&answer), "/duty");
    let teams: Vec<Team> = post.state.ledger.all_kept(&scope(), &NounFilter::default()).unwrap();
    teams.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_roster_is_made_and_says_on_every_page_who_is_on_duty() {
    let post = post();
    let client = Client::of(&post, Role::Viewer);
    assert!(page(client.get("/duty").await).await.contains("Chưa có đội trực nào"));
    let team = make_roster(&post).await;
    let rosters = Rosters::read(&post.state.ledger, &scope(), post.state.clock.now()).unwrap();
    let shift = operations::duty::shifts_at(rosters.team(team.id).unwrap(), post.state.clock.now()).remove(0);
    let name = rosters.name(shift.people[0]);
    // A client of its own: what was asked before is kept for two seconds of the standing clock.
    for path in ["/queue", "/duty", "/sources"] {
        let html = page(Client::of(&post, Role::Viewer).get(path).await).await;
        assert!(html.contains("Đang trực") && html.contains(&name), "{path}");
    }
    let month = page(
        client
            .get(&format!("/duty/roster/{}?view=month&from=2026-11-24", team.id))
            .await,
    )
    .await;
    assert!(month.contains("06:00–18:00") && month.contains(&name));
    let week = page(client.get(&format!("/duty/roster/{}?view=week", team.id)).await).await;
    assert!(week.contains("23/11 – 29/11/2026"));
    let now = text(client.get("/api/v1/duty/now").await).await;
    assert!(now.contains(&name), "{now}");
    assert_eq!(
        text(client.get("/api/v1/duty/gaps?days=30").await).await,
        "{\"gaps\":[]}"
    );
}

#[tokio::test]
async fn the_second_of_two_editors_is_told_and_a_mistake_is_named() {
    let post = post();
    let team = make_roster(&post).await;
    let (lead, officer) = people(&post);
    let client = Client::of(&post, Role::ShiftLead);
    let path = format!("/duty/teams/{}", team.id);
    let first = ROSTER
        .replace("LOGINS", &lead.login)
        .replace("revision=0", "revision=1");
    assert_eq!(location(&client.post_form(&path, &first).await), "/duty");
    let second = client
        .post_form(&path, &first.replace(&lead.login, &officer.login))
        .await;
    assert_eq!(second.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(second).await.contains("Người khác vừa sửa lịch này"));
    let unknown = ROSTER.replace("LOGINS", "khong-co").replace("revision=0", "revision=2");
    let answer = client.post_form(&path, &unknown).await;
    assert!(text(answer).await.contains("khong-co: không có tài khoản này"));
    // Nobody has two proven channels yet.
    let primary = ROSTER
        .replace("LOGINS", &lead.login)
        .replace("revision=0", "revision=2")
        .replacen("position_primary=0", "position_primary=1", 1);
    let answer = text(client.post_form(&path, &primary).await).await;
    assert!(
        answer.contains(&lead.display_name) && answer.contains("hai kênh"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_watch_says_when_people_are_missing_who_could_come_and_whom_a_test_reaches() {
    let post = post();
    make_roster(&post).await;
    let (lead, officer) = people(&post);
    let client = Client::of(&post, Role::ShiftLead);
    let directives: Vec<model::Directive> = post.state.ledger.all_kept(&scope(), &NounFilter::default()).unwrap();
    let form = format!(
        "name=T%E1%BA%BFt&directive={}&from=05/02/2027+00:00&until=06/02/2027+00:00&people_min=2&acknowledge_minutes=10&person={}",
        directives[0].id, lead.id
    );
    let watch = location(&client.post_form("/watches/new", &form).await);
    let preflight = format!("{watch}/preflight");
    let html = page(client.get(&preflight).await).await;
    // One officer at a time, from 18:00 to 06:00 and from 06:00 to 18:00: three stretches of a day with one of two people.
    assert_eq!(html.matches("1/2</span>").count(), 3, "{html}");
    assert!(html.contains("0/2"), "nobody was reached: {html}");
    let nobody = client.post_form(&format!("{watch}/test-pages"), "").await;
    assert!(text(nobody).await.contains("không có địa chỉ nào đã xác nhận"));
    let now = post.state.clock.now();
    let proven = |channel: &str| model::ContactAddress {
        channel: channel.to_owned(),
        to: "x".to_owned(),
        state: model::AddressState::Proven {
            at: now,
            reached_at: now,
            tested_at: now,
        },
    };
    let cards = [&lead, &officer].map(|user| {
        Change::put(&ContactCard {
            addresses: vec![proven("sms"), proven("mail")],
            revision: 1,
            ..ContactCard::empty(user.id)
        })
    });
    decide(&post, cards.into());
    assert!(page(client.get(&preflight).await).await.contains("2/2"));
    assert_eq!(
        location(&client.post_form(&format!("{watch}/test-pages"), "").await),
        preflight
    );
    for lane in ["sms", "mail"] {
        assert_eq!(post.state.ledger.claim(lane, now, 60, 10).unwrap().len(), 2, "{lane}");
    }
}

#[tokio::test]
async fn a_rehearsed_night_is_shown_with_what_went_wrong() {
    let post = post();
    let client = Client::of(&post, Role::Viewer);
    assert!(
        page(client.get("/duty/drills").await)
            .await
            .contains("Chưa diễn tập đêm nào")
    );
    let now = post.state.clock.now();
    let matter = |acknowledged: Option<i64>, points| model::DrillMatter {
        subject: "Xoá nhật ký".to_owned(),
        team: "Ca trực".to_owned(),
        at: now,
        paged_after_seconds: Some(0),
        acknowledged_after_seconds: acknowledged,
        by: acknowledged.map(|_| "Lan".to_owned()).into_iter().collect(),
        pages: 3,
        failed: 1,
        skipped: 0,
        points,
    };
    let drill = model::NightDrill {
        id: Id::from_bits(5),
        played_at: now,
        begins: now,
        ends: now + jiff::SignedDuration::from_hours(10),
        failed_channel: Some("sms".to_owned()),
        matters: vec![matter(Some(160), 100), matter(None, 40)],
        score: 70,
        revision: 1,
    };
    decide(&post, vec![Change::put(&drill)]);
    let html = page(client.get("/duty/drills").await).await;
    for expected in [
        "70/100",
        "100/100",
        "40/100",
        "2 phút",
        "không ai trả lời",
        "3 tin, 1 hỏng",
        "sms",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
}

/// A notification about an alert of the night that paged the officer, and the number of the page.
fn paged(post: &Post, person: Id<model::User>) -> Id<Notification> {
    let now = post.state.clock.now();
    let alert = post
        .alerts
        .iter()
        .find(|alert| alert.state == model::AlertState::New)
        .unwrap();
    let policy = EscalationPolicy {
        id: Id::from_bits(1),
        name: "Gọi".to_owned(),
        steps: vec![model::EscalationStep {
            who: vec![model::Target::Person { person }],
            wait_minutes: 10,
            remind_minutes: 0,
            acknowledgements: 1,
        }],
        rounds: 1,
        revision: 1,
    };
    let ask = Ask {
        about: format!("alert:{}", alert.id),
        subject: alert.rule.title.clone(),
        text: alert.summary.clone(),
        link: format!("/alerts/{}", alert.id),
        urgent: true,
        exercise: false,
    };
    let id = Id::from_bits(77);
    let begun = start(ask, &policy, None, id, now);
    decide(post, vec![Change::put(&begun)]);
    let turned = turn(vec![begun], Vec::new(), &Everybody, now);
    let mut changes: Vec<Change> = turned.notifications.iter().map(Change::put).collect();
    changes.extend(turned.pagers.iter().map(Change::put));
    decide(post, changes);
    id
}

/// Everybody is reached by mail.
struct Everybody;

impl operations::notifications::Knowledge for Everybody {
    fn who(&self, target: &model::Target, _: model::Timestamp) -> Vec<Id<model::User>> {
        match target {
            model::Target::Person { person } => vec![*person],
            model::Target::Position { .. } => Vec::new(),
        }
    }

    fn addresses(&self, _: Id<model::User>) -> Vec<model::ContactAddress> {
        vec![model::ContactAddress {
            channel: "mail".to_owned(),
            to: "truc@example.vn".to_owned(),
            state: model::AddressState::New,
        }]
    }

    fn standing(&self, _: &str) -> operations::notifications::Standing {
        operations::notifications::Standing::Open
    }

    fn turn_ends(&self, _: Id<model::User>, _: model::Timestamp) -> Option<model::Timestamp> {
        None
    }

    fn wants_answer(&self, _: Id<Notification>) -> Option<String> {
        None
    }
}

fn decide(post: &Post, changes: Vec<Change>) {
    let decision = Decision {
        at: post.state.clock.now(),
        actor: scope().actor().clone(),
        action: "test.put".to_owned(),
        reason: None,
        changes,
        effects: Vec::new(),
    };
    post.state.ledger.apply(&decision).unwrap();
}

#[tokio::test]
async fn a_page_is_acknowledged_once_by_its_link_without_signing_in() {
    let post = post();
    let (_, officer) = people(&post);
    let id = paged(&post, officer.id);
    let token = post.state.reach.answer_key.token(Answerable::Page {
        notification: id,
        page: 0,
    });
    let nobody = Client::nobody(&post);
    let path = format!("/a/{token}");
    let question = page(nobody.get(&path).await).await;
    assert!(
        question.contains("Tôi nhận") && question.contains(&officer.display_name),
        "{question}"
    );
    let standing = || -> Notification { post.state.ledger.kept(&scope(), &id.to_string()).unwrap().unwrap() };
    assert!(standing().wants_answer(), "looking changes nothing");
    let done = page(nobody.post_form(&path, "").await).await;
    assert!(done.contains("Đã ghi nhận"));
    assert!(matches!(standing().state, NotificationState::Acknowledged { .. }));
    let alert = post
        .state
        .ledger
        .alert(&scope(), standing().about["alert:".len()..].parse().unwrap());
    assert!(matches!(alert.unwrap().unwrap().state, model::AlertState::Acknowledged { by, .. } if by == officer.id));
    for answer in [nobody.get(&path).await, nobody.post_form(&path, "").await] {
        assert_eq!(answer.status(), StatusCode::GONE, "it works once");
    }
    let forged = nobody.get(&format!("/a/{}", token.replace(&token[..1], "z"))).await;
    assert_eq!(forged.status(), StatusCode::NOT_FOUND);
    let shown = page(
        Client::of(&post, Role::Viewer)
            .get(&format!("/duty/notifications/{id}"))
            .await,
    )
    .await;
    assert!(shown.contains("bằng đường dẫn"));
}

#[tokio::test]
async fn a_calendar_is_read_back_by_a_real_program_until_its_link_is_revoked() {
    let post = post();
    make_roster(&post).await;
    let (_, officer) = people(&post);
    let client = Client::of(&post, Role::DutyOfficer);
    let made = page(client.post_form("/duty/me/calendar", "").await).await;
    let link = made
        .split("https://watch.example.vn")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    let feed = page(Client::nobody(&post).get(&link).await).await;
    let Some(python) = testkit::python("icalendar") else {
        testkit::absent("Python's icalendar");
        return;
    };
    let script = "import sys, icalendar\ncalendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())\n\
        events = list(calendar.walk('VEVENT'))\nprint(len(events), events[0]['SUMMARY'], events[0].decoded('DTSTART').isoformat())";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), feed.as_bytes()).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let rosters = Rosters::read(&post.state.ledger, &scope(), post.state.clock.now()).unwrap();
    let day = jiff::SignedDuration::from_hours(24);
    let now = post.state.clock.now();
    let expected = rosters.shifts_of(officer.id, now - day * 30, now + day * 180).len();
    assert!(
        said.starts_with(&format!("{expected} Trực ban · Ca trực 2026-10-31T23:00:00+00:00")),
        "{said}"
    );
    client.post_form("/duty/me/calendar/revoke", "").await;
    assert_eq!(Client::nobody(&post).get(&link).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn leave_is_read_from_a_calendar_and_an_address_is_added_and_asked() {
    let post = post();
    let client = Client::of(&post, Role::DutyOfficer);
    let calendar = "BEGIN:VCALENDAR%0D%0ABEGIN:VEVENT%0D%0AUID:a%0D%0ADTSTART:20261130T010000Z%0D%0ADTEND:20261201T010000Z%0D%0ASUMMARY:Ngh%E1%BB%89%0D%0AEND:VEVENT%0D%0AEND:VCALENDAR";
    let read = page(
        client
            .post_form("/duty/leave/import", &format!("calendar={calendar}"))
            .await,
    )
    .await;
    assert!(read.contains("Đã nạp 1"));
    let leaves: Vec<Leave> = post.state.ledger.all_kept(&scope(), &NounFilter::default()).unwrap();
    assert_eq!((leaves.len(), leaves[0].note.as_str()), (1, "Nghỉ"));
    client
        .post_form("/duty/me/addresses", "channel=sms&to=0912345678")
        .await;
    client.post_form("/duty/me/addresses/test", "place=0").await;
    let cards: Vec<ContactCard> = post.state.ledger.all_kept(&scope(), &NounFilter::default()).unwrap();
    assert!(matches!(cards[0].addresses[0].state, model::AddressState::Asked { .. }));
    let wrong = client.post_form("/duty/me/addresses/prove", "place=0&code=1").await;
    assert!(text(wrong).await.contains("mã không đúng"));
}

#[tokio::test]
async fn a_shift_is_handed_over_with_what_was_acknowledged_or_refused_with_a_reason() {
    let post = post();
    let team = make_roster(&post).await;
    let (lead, officer) = people(&post);
    let id = paged(&post, officer.id);
    let outgoing = Client::of(&post, Role::DutyOfficer);
    outgoing
        .post_form(&format!("/duty/notifications/{id}/acknowledge"), "")
        .await;
    let begun = outgoing
        .post_form(
            "/duty/handovers",
            &format!("team={}&to={}&occasion=shift", team.id, lead.id),
        )
        .await;
    let path = location(&begun);
    let sheet = page(outgoing.get(&path).await).await;
    assert!(sheet.contains("Cảnh báo đang mở") && sheet.contains("Nguồn nhật ký im lặng"));
    let incoming = Client::of(&post, Role::ShiftLead);
    let early = incoming.post_form(&format!("{path}/answer"), "").await;
    assert!(text(early).await.contains("người bàn giao chưa ký"));
    outgoing
        .post_form(&format!("{path}/sign"), "remarks=Theo+dõi+máy+kế+toán")
        .await;
    let bare = incoming.post_form(&format!("{path}/answer"), "refuse=1&reason=").await;
    assert_eq!(bare.status(), StatusCode::UNPROCESSABLE_ENTITY);
    incoming
        .post_form(&format!("{path}/answer"), "refuse=1&reason=Chưa+rõ+nguồn")
        .await;
    let handover = || -> Handover {
        let all: Vec<Handover> = post.state.ledger.all_kept(&scope(), &NounFilter::default()).unwrap();
        all.into_iter().next().unwrap()
    };
    assert!(matches!(handover().state, HandoverState::Refused { .. }));
    outgoing.post_form(&format!("{path}/sign"), "remarks=Đã+bổ+sung").await;
    incoming.post_form(&format!("{path}/answer"), "").await;
    assert!(matches!(handover().state, HandoverState::Accepted { .. }));
    let notification: Notification = post.state.ledger.kept(&scope(), &id.to_string()).unwrap().unwrap();
    assert!(notification.acknowledged_by(lead.id) && !notification.acknowledged_by(officer.id));
}
