//! Runs the tests that lie beside rules.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use detect::{Arrival, Detector, RuleEntry, RuleMatcher, RuleText, Rules, SharedRules};
use model::Event;

use super::case::{Case, shown};
use crate::rule_files::RuleFolders;

/// Runs the tests of all rules below the paths.
///
/// # Errors
/// When a file cannot be read, a rule or a test is wrong, or a rule has no test.
pub(super) fn run(paths: &[PathBuf]) -> Result<()> {
    let files = RuleFolders {
        built_in: false,
        folders: paths.to_vec(),
        pipelines: Vec::new(),
    }
    .files()?;
    let mut out = io::stdout().lock();
    let (mut passed, mut failed, mut untested) = (0, 0, 0);
    for file in &files {
        let tests = file.with_extension("test.yml");
        if !tests.exists() {
            untested += 1;
            writeln!(out, "{}: no test beside it", file.display())?;
            continue;
        }
        for (name, outcome) in run_file(file, &tests)? {
            match outcome {
                Ok(()) => passed += 1,
                Err(why) => {
                    failed += 1;
                    writeln!(out, "{}: {name}: {why}", tests.display())?;
                }
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed, {untested} rules without a test")?;
    if failed > 0 {
        bail!("{failed} tests of rules failed");
    }
    Ok(())
}

type Outcome = (String, Result<(), String>);

fn run_file(file: &Path, tests: &Path) -> Result<Vec<Outcome>> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let cases = fs::read_to_string(tests).with_context(|| format!("{} cannot be read", tests.display()))?;
    let cases: Vec<Case> =
        serde_saphyr::from_str(&cases).with_context(|| format!("{} is no list of cases", tests.display()))?;
    let rules = Arc::new(Rules::load(&[RuleText {
        file: file.display().to_string(),
        text: text.into(),
    }]));
    let Some(tested) = rules.entries().last() else {
        let why = rules
            .refused()
            .first()
            .map_or("there is no rule in it", |refused| refused.reason.as_str());
        return Ok(vec![("the rule".to_owned(), Err(why.to_owned()))]);
    };
    let refused = rules
        .refused()
        .iter()
        .map(|refused| ("the rule".to_owned(), Err(refused.reason.clone())));
    let outcomes = cases
        .iter()
        .map(|case| (case.name.clone(), run_case(&rules, tested, case)));
    Ok(refused.chain(outcomes).collect())
}

fn run_case(rules: &SharedRules, tested: &RuleEntry, case: &Case) -> Result<(), String> {
    let events = case.events(tested)?;
    let holds = holds(rules, tested, &events);
    if holds == case.matches {
        return Ok(());
    }
    let seen = events.iter().map(shown).collect::<Vec<_>>().join("\n    ");
    let what = if holds {
        "holds and must not"
    } else {
        "does not hold and must"
    };
    Err(format!("the rule {what}:\n    {seen}"))
}

fn holds(rules: &SharedRules, tested: &RuleEntry, events: &[Event]) -> bool {
    let mut matcher = RuleMatcher::new(rules);
    let mut detector = Detector::new(Arc::clone(rules), Arrival::Sweep);
    let mut found = Vec::new();
    for event in events {
        let held = matcher.matches(event).to_vec();
        found.extend(detector.observe(event, &held));
    }
    found.extend(detector.finish());
    found.iter().any(|detection| detection.rule.id == tested.identity.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rule_has_tests_that_pass() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content/rules");
        let files = RuleFolders {
            built_in: false,
            folders: vec![folder],
            pipelines: Vec::new(),
        }
        .files()
        .unwrap();
        assert!(!files.is_empty());
        let mut failed = Vec::new();
        for file in files {
            for (name, outcome) in run_file(&file, &file.with_extension("test.yml")).unwrap() {
                failed.extend(outcome.err().map(|why| format!("{}: {name}: {why}", file.display())));
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}
