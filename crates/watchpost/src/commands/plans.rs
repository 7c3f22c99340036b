//! `watchpost plans`: lists response plans, checks files, and prints a runbook for the day on which there is no screen.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use cacao::Playbook;
use clap::Subcommand;
use model::Language;
use operations::response::{RunbookStep, in_language, phase_words, runbook};

use crate::{configuration::Configuration, plan_files::Plans};

/// Lists, checks and prints response plans
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the plans that the post carries, and those of DATA/plans
    List {
        /// With their identifiers
        #[arg(long)]
        identifiers: bool,
        #[command(flatten)]
        language: Reading,
    },
    /// Check files of OASIS CACAO 2.0 whole, and name what is wrong with its place
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print a plan as an HTML page for paper, to standard output
    Print {
        /// The plan's name or identifier
        plan: String,
        #[command(flatten)]
        language: Reading,
    },
}

/// The language of what is written
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// vi or en
    #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
    language: String,
}

impl Reading {
    fn language(&self) -> Language {
        if self.language == "en" {
            Language::En
        } else {
            Language::Vi
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a plan is unsound or there is none of that name.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    match action {
        Action::Check { files } => check(files),
        Action::List { identifiers, language } => list(configuration, *identifiers, language.language()),
        Action::Print { plan, language } => {
            let plans = Plans::read(&configuration.data)?;
            let Some(found) = plans.get(plan) else {
                let known: Vec<&str> = plans.all().iter().map(|plan| plan.name.as_str()).collect();
                bail!("there is no plan {plan:?}; there are {}", known.join(", "));
            };
            io::stdout()
                .lock()
                .write_all(page(&found.playbook, language.language()).as_bytes())?;
            Ok(())
        }
    }
}

fn list(configuration: &Configuration, identifiers: bool, language: Language) -> Result<()> {
    let plans = Plans::read(&configuration.data)?;
    let mut out = io::stdout().lock();
    for plan in plans.all() {
        let title = in_language(&plan.playbook.name, " / ", language);
        let steps = runbook(&plan.playbook, language);
        let automatic = steps.iter().filter(|step| step.automatic).count();
        if identifiers {
            writeln!(out, "{:20} {}", plan.name, plan.playbook.id)?;
            continue;
        }
        writeln!(
            out,
            "{:20} {:3} steps, {automatic} automatic  {title}",
            plan.name,
            steps.len()
        )?;
    }
    for problem in &plans.problems {
        writeln!(out, "left out: {problem}")?;
    }
    Ok(())
}

fn check(files: &[PathBuf]) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut wrong = 0;
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        match Playbook::read(&bytes) {
            Ok(playbook) => writeln!(out, "{}: sound, {} steps", file.display(), playbook.workflow.len())?,
            Err(refused) => {
                wrong += 1;
                writeln!(out, "{}: {refused}", file.display())?;
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {} plans are unsound", files.len());
    }
    Ok(())
}

const STYLE: &str = "body{font:11pt/1.45 sans-serif;margin:2cm;max-width:19cm}h1{font-size:18pt}table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #555;padding:3pt 5pt;text-align:left;vertical-align:top}th{background:#eee}tr{break-inside:avoid}.phase{background:#f4f4f4;font-weight:bold}\
.when{font-style:italic}.box{display:inline-block;width:10pt;height:10pt;border:1.2pt solid #000}.notes{width:4.5cm}@page{size:A4;margin:1.5cm}@media print{body{margin:0}}";

/// The runbook as one HTML page that needs nothing else.
fn page(playbook: &Playbook, language: Language) -> String {
    let word = |vi: &'static str, en: &'static str| if language == Language::Vi { vi } else { en };
    let title = escaped(in_language(&playbook.name, " / ", language));
    let lead = escaped(in_language(
        playbook.description.as_deref().unwrap_or_default(),
        "\n",
        language,
    ));
    let tag = if language == Language::Vi { "vi" } else { "en" };
    let mut html = format!(
        "<!DOCTYPE html><html lang=\"{tag}\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{lead}</p>\
         <p>{}: ____________________ &nbsp; {}: ____________________</p><table><tr><th>#</th><th></th><th>{}</th><th>{}</th><th class=\"notes\">{}</th></tr>",
        word("Sự cố số", "Incident"),
        word("Bắt đầu lúc", "Begun at"),
        word("Bước", "Step"),
        word("Ai", "Who"),
        word("Giờ, người làm, ghi chú", "Time, by whom, notes"),
    );
    let mut phase = None;
    for step in runbook(playbook, language) {
        if step.phase.is_some() && step.phase != phase {
            phase = step.phase;
            let words = phase.map(|phase| phase_words(phase).text(language)).unwrap_or_default();
            let _ = write!(html, "<tr class=\"phase\"><td colspan=\"5\">{words}</td></tr>");
        }
        row(&mut html, &step, language);
    }
    html.push_str("</table></html>\n");
    html
}

fn row(html: &mut String, step: &RunbookStep, language: Language) {
    let word = |vi: &'static str, en: &'static str| if language == Language::Vi { vi } else { en };
    let mut needs = Vec::new();
    if step.automatic {
        needs.push(
            word(
                "thiết bị làm được; không có thì làm bằng tay",
                "a device can do it; else by hand",
            )
            .to_owned(),
        );
    }
    if let Some(quorum) = step.quorum {
        needs.push(format!(
            "{} {quorum}",
            word("số người phê duyệt:", "people who must agree:")
        ));
    }
    if let Some(seconds) = step.expires_in_seconds {
        needs.push(format!(
            "{} {} h",
            word("tự hết hạn sau", "ends by itself after"),
            seconds / 3600
        ));
    }
    if let Some(undo) = step.undo {
        needs.push(undo.words().text(language).to_owned());
    }
    let when = step
        .when
        .as_ref()
        .map(|when| format!("<span class=\"when\">({})</span> ", escaped(when)))
        .unwrap_or_default();
    let needs = if needs.is_empty() {
        String::new()
    } else {
        format!("<br><small>{}</small>", escaped(&needs.join(" · ")))
    };
    let _ = write!(
        html,
        "<tr><td>{}</td><td><span class=\"box\"></span></td><td style=\"padding-left:{}pt\">{when}<b>{}</b><br>{}{needs}</td><td>{}</td><td></td></tr>",
        escaped(&step.number),
        5 + 12 * step.depth,
        escaped(&step.name),
        escaped(&step.text),
        escaped(&step.who),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_runbook_prints_in_both_languages_and_text_is_text() {
        let plans = Plans::read(Path::new("/nonexistent")).unwrap();
        let plan = plans.get("phishing").unwrap();
        let vi = page(&plan.playbook, Language::Vi);
        assert!(
            vi.contains("<h1>Lừa đảo qua thư và tin nhắn</h1>")
                && vi.contains("Nhận diện")
                && vi.contains("tự hết hạn sau 336 h")
        );
        let en = page(&plan.playbook, Language::En);
        assert!(en.contains("<h1>Phishing</h1>") && en.contains("Ask for the takedown") && !en.contains("Gỡ thư"));
        assert_eq!(escaped("<b>&\""), "&lt;b&gt;&amp;&quot;");
    }
}
