//! A plan as people read it: its steps in order, numbered, branches beneath what they belong to, each with what it needs. On a screen, or
//! on paper when there is no screen.

use cacao::{CommandKind, Identifier, Next, Phase, Playbook, Step, StepKind, Undo};
use model::{Language, Phrase};

/// One line of a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookStep {
    /// The step.
    pub id: Identifier,
    /// Its number: `3`, `3.1.2`.
    pub number: String,
    /// How deep it lies.
    pub depth: usize,
    /// When it applies: the condition or the case of its branch, on the first step of it.
    pub when: Option<String>,
    /// The phase of the response.
    pub phase: Option<Phase>,
    /// Its name.
    pub name: String,
    /// What is done.
    pub text: String,
    /// Who does it.
    pub who: String,
    /// Whether a device can do it.
    pub automatic: bool,
    /// How many people must agree first; none when nothing is said.
    pub quorum: Option<u32>,
    /// After how many seconds it ends by itself.
    pub expires_in_seconds: Option<u64>,
    /// How it is undone.
    pub undo: Option<UndoWord>,
}

/// How a step is undone, for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoWord {
    /// The device takes it back.
    Device,
    /// By hand.
    ByHand,
    /// Not at all.
    Never,
}

impl UndoWord {
    /// The word for it.
    #[must_use]
    pub const fn words(self) -> Phrase {
        match self {
            Self::Device => Phrase::new("thiết bị tự gỡ được", "the device takes it back"),
            Self::ByHand => Phrase::new("hoàn tác bằng tay", "undone by hand"),
            Self::Never => Phrase::new("không hoàn tác được", "cannot be undone"),
        }
    }
}

/// A phase in words (VNCERT/CC).
#[must_use]
pub const fn phase_words(phase: Phase) -> Phrase {
    match phase {
        Phase::Preparation => Phrase::new("Chuẩn bị", "Preparation"),
        Phase::Identification => Phrase::new("Nhận diện", "Identification"),
        Phase::Analysis => Phrase::new("Phân tích", "Analysis"),
        Phase::Handling => Phrase::new("Xử lý", "Handling"),
        Phase::Recovery => Phrase::new("Khôi phục", "Recovery"),
        Phase::PostIncident => Phrase::new("Hậu sự cố", "Post-incident"),
    }
}

/// The part of a text in two languages (`tiếng Việt / English`, or two lines) that is in one.
#[must_use]
pub fn in_language<'a>(text: &'a str, between: &str, language: Language) -> &'a str {
    match (text.split_once(between), language) {
        (Some((vi, _)), Language::Vi) => vi,
        (Some((_, en)), Language::En) => en,
        (None, _) => text,
    }
}

/// The name of a step in one language.
#[must_use]
pub fn step_name(playbook: &Playbook, id: &Identifier, language: Language) -> String {
    let Some(step) = playbook.workflow.get(id) else {
        return id.to_string();
    };
    named(id, step, language)
}

fn named(id: &Identifier, step: &Step, language: Language) -> String {
    let english = step.policy.name_en.as_ref().filter(|_| language == Language::En);
    english
        .or(step.name.as_ref())
        .cloned()
        .unwrap_or_else(|| id.to_string())
}

/// What a step asks for in one language.
#[must_use]
pub fn step_text(step: &Step, language: Language) -> String {
    let english = step.policy.description_en.as_ref().filter(|_| language == Language::En);
    english.or(step.description.as_ref()).cloned().unwrap_or_default()
}

/// A text with the values of variables (`__name__:value`) written into it; a name that has none stays as it stands.
#[must_use]
pub fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    const END: &str = "__:value";
    let (mut written, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(end) = rest.find(END) {
        let after = end + END.len();
        let start = rest[..end].rfind("__");
        let found = start.and_then(|start| Some((start, value(&rest[start..end + 2])?)));
        if let Some((start, value)) = found {
            written.push_str(&rest[..start]);
            written.push_str(&value);
        } else {
            written.push_str(&rest[..after]);
        }
        rest = &rest[after..];
    }
    written.push_str(rest);
    written
}

/// The runbook of a plan.
#[must_use]
pub fn runbook(playbook: &Playbook, language: Language) -> Vec<RunbookStep> {
    let mut writing = Writing {
        playbook,
        language,
        steps: Vec::new(),
        written: Vec::new(),
    };
    writing.line(&playbook.start, "", 0, None);
    writing.steps
}

struct Writing<'a> {
    playbook: &'a Playbook,
    language: Language,
    steps: Vec<RunbookStep>,
    written: Vec<&'a Identifier>,
}

impl<'a> Writing<'a> {
    /// Writes the steps of one line, from its first to its end.
    fn line(&mut self, first: &'a Identifier, prefix: &str, depth: usize, mut when: Option<String>) {
        let (mut at, mut count) = (Some(first), 0);
        while let Some(id) = at {
            // Lines of a playbook that was checked end; two of them may join, and are written once.
            if self.written.contains(&id) {
                return;
            }
            self.written.push(id);
            let Some(step) = self.playbook.workflow.get(id) else {
                return;
            };
            if !matches!(step.kind, StepKind::Start | StepKind::End) {
                count += 1;
                let number = if prefix.is_empty() {
                    count.to_string()
                } else {
                    format!("{prefix}.{count}")
                };
                self.write(id, step, (number.clone(), depth, when.take()));
                self.branches(step, &number, depth + 1);
            }
            at = match &step.next {
                Next::Completion(next) | Next::ByResult { success: next, .. } => Some(next),
                Next::Nothing => None,
            };
        }
    }

    fn branches(&mut self, step: &'a Step, number: &str, depth: usize) {
        let word = |vi: &str, en: &str| Some(if self.language == Language::Vi { vi } else { en }.to_owned());
        match &step.kind {
            StepKind::Start | StepKind::End | StepKind::Action { .. } | StepKind::PlaybookAction { .. } => {}
            StepKind::Parallel { branches } => {
                let at_once = word("cùng lúc", "at the same time");
                for (branch, letter) in branches.iter().zip('a'..) {
                    self.line(branch, &format!("{number}{letter}"), depth, at_once.clone());
                }
            }
            StepKind::If { on_true, on_false, .. } => {
                let (yes, no) = (word("nếu có", "if so"), word("nếu không", "if not"));
                self.line(on_true, &format!("{number}a"), depth, yes);
                if let Some(on_false) = on_false {
                    self.line(on_false, &format!("{number}b"), depth, no);
                }
            }
            StepKind::While { on_true, .. } => {
                let again = word("lặp lại khi còn", "again as long as it is so");
                self.line(on_true, &format!("{number}a"), depth, again);
            }
            StepKind::Switch { cases, .. } => {
                for ((case, branch), letter) in cases.iter().zip('a'..) {
                    self.line(branch, &format!("{number}{letter}"), depth, Some(format!("= {case}")));
                }
            }
        }
    }

    fn write(&mut self, id: &Identifier, step: &Step, (number, depth, when): (String, usize, Option<String>)) {
        let (automatic, who) = match &step.kind {
            StepKind::Action { commands, agent, .. } => {
                let who = self.playbook.agents.get(agent);
                let who = who.map(|agent| in_language(&agent.name, " / ", self.language).to_owned());
                (
                    commands.iter().all(|command| command.kind != CommandKind::Manual),
                    who.unwrap_or_default(),
                )
            }
            StepKind::Start
            | StepKind::End
            | StepKind::PlaybookAction { .. }
            | StepKind::Parallel { .. }
            | StepKind::If { .. }
            | StepKind::While { .. }
            | StepKind::Switch { .. } => (false, String::new()),
        };
        self.steps.push(RunbookStep {
            id: id.clone(),
            number,
            depth,
            when,
            phase: step.policy.phase,
            name: named(id, step, self.language),
            text: filled(&step_text(step, self.language), |name| {
                let text = self.playbook.variables.get(name)?.description.as_deref()?;
                Some(format!("‹{}›", in_language(text, " / ", self.language)))
            }),
            who,
            automatic,
            quorum: step.policy.approval.as_ref().map(|approval| approval.quorum),
            expires_in_seconds: step.policy.expires_in_seconds,
            undo: step.policy.undo.as_ref().map(|undo| match undo {
                Undo::ByConnector => UndoWord::Device,
                Undo::Commands(_) => UndoWord::ByHand,
                Undo::Irreversible => UndoWord::Never,
            }),
        });
    }
}
