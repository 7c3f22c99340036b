//! Feeds any bytes to pipelines and filters: a pipeline, then after a line of `%%%` a rule file whose rules it is applied to.

use std::sync::Arc;

use sigma::correlation::CorrelationRule;
use sigma::document::{self, RuleDocument};
use sigma::engine::Engine;
use sigma::filter::Filter;
use sigma::pipeline::{Pipeline, Pipelines};
use sigma::rule::{LogSource, Rule};

/// Reads, applies and compiles; returns how many rules came through.
pub(crate) fn feed(input: &[u8]) -> usize {
    let text = String::from_utf8_lossy(input);
    let (pipeline, rules) = text.split_once("\n%%%\n").unwrap_or((&text, ""));
    let Ok(pipeline) = Pipeline::read("pipeline.yml", pipeline) else {
        return 0;
    };
    let pipelines = Pipelines::new(vec![pipeline]);
    let mut rewritten: Vec<Rule> = Vec::new();
    let mut filters = Vec::new();
    for document in document::parse("rules.yml", rules).documents {
        match document {
            RuleDocument::Rule(mut rule) => {
                if pipelines.apply(&mut rule).is_ok() {
                    rewritten.push(*rule);
                }
            }
            RuleDocument::Correlation(body) => {
                if let Ok(mut correlation) = CorrelationRule::read(&body) {
                    let _ = pipelines.apply_to_correlation(&mut correlation, &[LogSource::new("", "windows", "")]);
                }
            }
            RuleDocument::Filter(body) => filters.extend(Filter::read(&body)),
        }
    }
    for filter in &filters {
        let _ = filter.apply(&mut rewritten);
    }
    let mut builder = Engine::builder();
    let compiled = rewritten
        .into_iter()
        .filter(|rule| builder.add(Arc::new(rule.clone())).is_ok())
        .count();
    let _ = builder.build();
    compiled
}
