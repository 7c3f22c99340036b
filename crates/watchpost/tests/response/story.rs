//! From the first alert to the restored service; the plug is pulled between every two steps.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
};

use model::{Action, ActionState, Incident, ServiceLook};
use operations::response::PlanRun;

use crate::{
    firewall::{Firewall, OUTSIDE},
    post::{Person, Post, free_port, words},
};

/// The first step of a run that waits for a person: the number of its execution, and the results that its form asks for.
pub(crate) fn open_step(page: &str) -> Option<(String, Vec<String>)> {
    let form = page.split("<form").find(|form| form.contains("/step\""))?;
    let form = form.split("</form>").next()?;
    let after = |text: &str, mark: &str| {
        text.split_once(mark)
            .map(|(_, rest)| rest.split('"').next().unwrap_or_default().to_owned())
    };
    let execution = after(form, "name=\"execution\" value=\"")?;
    let mut names: Vec<String> = form
        .split("name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.starts_with("__"))
        .map(str::to_owned)
        .collect();
    names.dedup();
    Some((execution, names))
}

/// Does the next step of a run by hand; whether there was one.
fn does_a_step(person: &Person, run: &str) -> bool {
    let Some((execution, names)) = open_step(&person.reads(run)) else {
        return false;
    };
    let mut form = vec![("execution", execution.as_str()), ("done", "yes"), ("note", "đã làm")];
    for name in &names {
        let value = match name.as_str() {
            "__kind__" => "noi-dung",
            "__webshell__" => "false",
            _ => "true",
        };
        form.push((name, value));
    }
    person.does(&format!("{run}/step"), &form);
    true
}

fn action(post: &Post) -> Option<Action> {
    let mut all: Vec<Action> = post.kept();
    assert!(all.len() <= 1, "one step asks once: {all:?}");
    all.pop()
}

fn services(post: &Post, portal: u16) {
    let file = post.folder.path().join("services.toml");
    let text = format!(
        "[[service]]\nkey = \"portal\"\nname = \"Cổng thông tin\"\nrto_minutes = 240\nprobes = [{{ by = \"tcp\", address = \"127.0.0.1:{portal}\" }}]\n"
    );
    fs::write(&file, text).unwrap();
    post.run(&["service", "import", file.to_str().unwrap()]);
}

fn looks(post: &Post, works: bool) {
    post.wait(if works { "restored" } else { "down" }, |post| {
        post.kept::<ServiceLook>()
            .iter()
            .any(|look| look.fails.is_none() == works)
    });
}

fn is_over(post: &Post) -> bool {
    post.kept::<PlanRun>().iter().all(|run| run.state_word() != "running")
}

struct Night {
    firewall: Firewall,
    post: Post,
    head: Person,
    lead: Person,
}

#[test]
fn from_the_first_alert_to_the_restored_service_though_the_plug_is_pulled_between_every_two_steps() {
    let Some(firewall) = Firewall::lay() else { return };
    let (post, head) = Post::start(&firewall.section(), |_| {});
    let lead = head.hires("minh", "shift_lead");
    let mut night = Night {
        firewall,
        post,
        head,
        lead,
    };
    let portal = free_port();
    services(&night.post, portal);

    let incident = night.alert_to_incident();
    let run = night.plan_to_order(&incident);
    let action = night.order_to_force();
    night.force_to_end(&run);

    // The portal is up again; the first look after the start sees it.
    let _portal = TcpListener::bind(("127.0.0.1", portal)).unwrap();
    night.post.kill_and_start_again();
    looks(&night.post, true);
    night.end_to_closed(&incident, &action);
    night.post.kill();
    night.post.run(&["ledger", "verify"]);
}

impl Night {
    /// The web server says that somebody uses a web shell, and the portal no longer answers.
    fn alert_to_incident(&mut self) -> String {
        let mut sender = TcpStream::connect(("127.0.0.1", self.post.syslog)).unwrap();
        writeln!(
            sender,
            "<134>Mar 14 02:09:38 web nginx: {OUTSIDE} - - [14/Mar/2026:02:09:38 +0000] \"GET /uploads/s.php?cmd=id HTTP/1.1\" 200 153 \"-\" \"Mozilla/5.0\""
        )
        .unwrap();
        let lead = self.lead.clone();
        self.post
            .wait("an alert", |_| lead.reads("/queue").contains("name=\"alert\""));
        self.post.kill_and_start_again();
        looks(&self.post, false);
        let queue = lead.reads("/queue");
        let alert = queue.split("name=\"alert\" value=\"").nth(1).unwrap();
        let incident = lead.does("/incidents", &[("alert", alert.split('"').next().unwrap())]);
        self.post.kill_and_start_again();
        incident.split('#').next().unwrap().to_owned()
    }

    /// Steps by hand until the plan asks the firewall.
    fn plan_to_order(&mut self, incident: &str) -> String {
        let lead = self.lead.clone();
        let number = self.post.kept::<Incident>()[0].number.clone();
        assert!(lead.reads(incident).contains(&number));
        let started = [
            ("__attacker_address__", OUTSIDE),
            ("incident", &number),
            ("letter", "12/CV-TTGS"),
        ];
        let run = lead.does(&format!("{}/start", self.post.plan("web-defacement")), &started);
        assert!(lead.reads(incident).contains(&run), "the incident shows its run");
        self.post.kill_and_start_again();
        for _ in 0..20 {
            if action(&self.post).is_some() {
                break;
            }
            self.post.wait("a step or an order", |post| {
                action(post).is_some() || open_step(&lead.reads(&run)).is_some()
            });
            if does_a_step(&lead, &run) {
                self.post.kill_and_start_again();
            }
        }
        self.post.wait("planned", |post| {
            action(post).is_some_and(|action| matches!(action.state, ActionState::Planned))
        });
        self.post.kill_and_start_again();
        assert!(self.firewall.passes(), "nothing happens before somebody agrees");
        run
    }

    fn order_to_force(&mut self) -> String {
        let asked = action(&self.post).unwrap();
        let address = format!("/actions/{}", asked.id);
        let hash = asked.plan.unwrap().hash;
        let own = self.lead.send(&format!("{address}/approve"), &[("hash", &hash)]);
        assert_eq!(own.status, 409, "whoever started the plan cannot agree");
        self.head.does(&format!("{address}/approve"), &[("hash", &hash)]);
        self.post.kill_and_start_again();
        self.post.wait("in force", |post| {
            action(post).is_some_and(|action| matches!(action.state, ActionState::InForce { .. }))
        });
        assert!(!self.firewall.passes(), "the attacker's packets are dropped");
        let listed = self.head.reads("/actions");
        assert!(
            listed.contains(OUTSIDE) && listed.contains("12/CV-TTGS"),
            "{}",
            words(&listed)
        );
        self.post.kill_and_start_again();
        address
    }

    fn force_to_end(&mut self, run: &str) {
        let lead = self.lead.clone();
        for _ in 0..20 {
            self.post.wait("going on", |post| {
                open_step(&lead.reads(run)).is_some() || is_over(post)
            });
            if !does_a_step(&lead, run) {
                break;
            }
            self.post.kill_and_start_again();
        }
        assert_eq!(self.post.kept::<PlanRun>()[0].state_word(), "succeeded");
    }

    fn end_to_closed(&mut self, incident: &str, address: &str) {
        let advance = format!("{incident}/advance");
        for to in ["confirm", "contain", "eradicate", "recover"] {
            self.lead.does(&advance, &[("to", to), ("how", "đã kiểm tra")]);
            self.post.kill_and_start_again();
        }
        let close = [
            ("to", "close"),
            ("how", "xong"),
            ("outcome", "real"),
            ("cause", "CMS chưa vá"),
        ];
        self.lead.does(&advance, &close);
        self.lead.does(&format!("{address}/lift"), &[("why", "đã khôi phục")]);
        self.post.kill_and_start_again();
        self.post.wait("lifted", |post| {
            action(post).is_some_and(|action| matches!(action.state, ActionState::Lifted { .. }))
        });
        assert!(self.firewall.passes(), "packets pass again");
        assert_eq!(self.post.kept::<Incident>()[0].state.as_str(), "closed");
    }
}
