//! A person at work while the plug is pulled: takes steps with alerts and silences through the console's API, notes which were answered, and
//! afterwards looks for each of them in the duty book.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{count::RULE, run::say, server::Site, visitor::Visitor};

/// Pause after a step that had no answer.
const PAUSE: Duration = Duration::from_millis(20);

/// What a step did, and to what: an alert, or a reason that is given only once.
type Step = (&'static str, String);

/// How often a step was answered with success, and how often not at all.
#[derive(Default)]
struct Tries {
    answered: u64,
    unanswered: u64,
}

/// The person and the notes.
pub(super) struct Duty {
    visitor: Visitor,
    me: String,
    tries: HashMap<Step, Tries>,
    number: u64,
}

/// What the duty book says about the notes.
pub(super) struct Audit {
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

impl Duty {
    /// Makes the first account of the running post.
    pub(super) fn begin(site: &Site) -> Result<Self> {
        let visitor = Visitor::first(site)?;
        let me = visitor.read("/api/v1/me")?;
        let me = me["id"]
            .as_str()
            .context("the console does not say who asks")?
            .to_owned();
        Ok(Self {
            visitor,
            me,
            tries: HashMap::new(),
            number: 0,
        })
    }

    /// Works until it is over; errors are what it is all about.
    pub(super) fn work(&mut self, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            if self.take_turn().is_err() {
                thread::sleep(PAUSE);
            }
        }
    }

    fn take_turn(&mut self) -> Result<()> {
        let open = self.visitor.read(&format!("/api/v1/alerts?rule={RULE}"))?;
        let open = open["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
        if open.is_empty() {
            bail!("there is nothing to do yet");
        }
        self.number += 1;
        if self.number.is_multiple_of(5) {
            return self.silence();
        }
        let place = usize::try_from(self.number).unwrap_or(0) % open.len();
        let id = open[place]["id"].as_str().context("an alert without an id")?.to_owned();
        let alerts = json!([{ "id": id }]);
        match self.number % 5 {
            1 => self
                .step("alert.acknowledge", id, &json!({ "alerts": alerts }))
                .map(|_| ()),
            2 => {
                let body = json!({ "alerts": alerts, "assignee": self.me });
                self.step("alert.assign", id, &body).map(|_| ())
            }
            closing => {
                let reason = format!("crash trial, step {}", self.number);
                let body = json!({ "alerts": alerts, "disposition": "benign", "reason": reason });
                let closed = self.step("alert.close", reason, &body)?;
                if let (3, Some(entry)) = (closing, closed["undo"].as_u64()) {
                    self.step("alert.undo", id, &json!({ "undo": entry }))?;
                }
                Ok(())
            }
        }
    }

    fn silence(&mut self) -> Result<()> {
        let comment = format!("crash trial, silence {}", self.number);
        let body = json!({
            "rule": RULE,
            "entity_kind": "host",
            "entity_name": format!("quiet-host-{}", self.number),
            "reason": "accepted_risk",
            "comment": comment,
            "hours": 1,
        });
        self.step("silence.create", comment, &body).map(|_| ())
    }

    /// Takes a step and notes what became of it. An answer that the post is unwell leaves open what became of it.
    fn step(&mut self, action: &'static str, about: String, body: &Value) -> Result<Value> {
        let path = match action {
            "silence.create" => "/api/v1/silences".to_owned(),
            of_alert => of_alert.replace("alert.", "/api/v1/alerts/"),
        };
        let answer = self.visitor.step(&path, body);
        let tries = self.tries.entry((action, about)).or_default();
        match answer {
            Ok((200..300, answered)) => {
                tries.answered += u64::from(answered["changed"].as_u64() != Some(0));
                Ok(answered)
            }
            Ok((300..500, answered)) => Ok(answered),
            Ok((status, _)) => {
                tries.unanswered += 1;
                bail!("answered {status}")
            }
            Err(error) => {
                tries.unanswered += 1;
                Err(error)
            }
        }
    }

    /// Looks for each step in the duty book: once where it was answered, at most once where it was not.
    pub(super) fn audit(&self) -> Result<Audit> {
        let entries = self.visitor.read_all("/api/v1/ledger?people=1", "entries")?;
        let mut found: HashMap<(String, String), u64> = HashMap::new();
        for entry in &entries {
            let action = entry["action"].as_str().unwrap_or_default();
            let about = match action {
                "alert.close" | "silence.create" => entry["reason"].as_str(),
                "alert.acknowledge" | "alert.assign" | "alert.undo" => entry["subjects"][0]
                    .as_str()
                    .map(|subject| subject.trim_start_matches("alert:")),
                _of_setup => continue,
            };
            let about = about.context("an entry does not say what it is about")?;
            *found.entry((action.to_owned(), about.to_owned())).or_default() += 1;
        }
        let mut audit = Audit {
            answered: 0,
            unanswered: 0,
            lost: 0,
            doubled: 0,
        };
        for ((action, about), tries) in &self.tries {
            let times = found.remove(&((*action).to_owned(), about.clone())).unwrap_or(0);
            audit.answered += tries.answered;
            audit.unanswered += tries.unanswered;
            let lost = tries.answered.saturating_sub(times);
            let doubled = times.saturating_sub(tries.answered + tries.unanswered);
            if lost + doubled > 0 {
                say(&format!(
                    "{action} of {about}: answered {}, in the book {times}",
                    tries.answered
                ));
            }
            audit.lost += lost;
            audit.doubled += doubled;
        }
        // Steps that nobody took.
        audit.doubled += found.into_values().sum::<u64>();
        Ok(audit)
    }

    /// Detections that all alerts of the trial's rule count, shown and hidden.
    pub(super) fn detections(&self) -> Result<u64> {
        let mut sum = 0;
        for state in ["", "closed"] {
            let alerts = self
                .visitor
                .read_all(&format!("/api/v1/alerts?rule={RULE}&state={state}"), "alerts")?;
            sum += alerts
                .iter()
                .map(|alert| alert["detections"].as_u64().unwrap_or(0) + alert["hidden"].as_u64().unwrap_or(0))
                .sum::<u64>();
        }
        Ok(sum)
    }
}
