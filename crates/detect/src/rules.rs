//! The rule set: compiled, with what people ask of each rule, and what was refused and why.

use std::{collections::HashMap, sync::Arc};

use compact_str::CompactString;
use model::{LogSource, RuleIdentity, RuleLevel};
use sigma::{
    correlation::CorrelationRule,
    document::{self, RuleDocument, RuleError},
    engine::{Engine, RuleIndex},
    filter::Filter,
    lint::{Linter, Warning},
    pipeline::{Pipeline, Pipelines},
    rule::{Level, Metadata, Rule},
};

use crate::Arrival;

/// A rule file: where it came from and what is in it.
#[derive(Debug, Clone)]
pub struct RuleText {
    /// The file's path, or another name for it in messages.
    pub file: String,
    /// Its YAML.
    pub text: Arc<str>,
}

/// Reads processing pipelines in pySigma's format and orders them by their priority.
///
/// # Errors
/// The first file that is refused, with its place and the reason.
pub fn read_pipelines(texts: &[RuleText]) -> Result<Pipelines, RefusedRule> {
    let read = texts.iter().map(|file| Pipeline::read(&file.file, &file.text));
    let pipelines: Result<Vec<Pipeline>, RuleError> = read.collect();
    pipelines.map(Pipelines::new).map_err(refusal)
}

/// Checks rule files for what is allowed but seldom meant; what does not load is not among it.
#[must_use]
pub fn lint(texts: &[RuleText]) -> Vec<Warning> {
    let mut linter = Linter::new();
    for file in texts {
        let read = document::parse(&file.file, &file.text);
        read.documents.iter().for_each(|document| linter.check(document));
    }
    linter.finish()
}

/// What sort of rule an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Holds on single events.
    Detection,
    /// Holds on several events over time.
    Correlation,
}

/// A rule in force, as people ask for it.
#[derive(Debug, Clone)]
pub struct RuleEntry {
    /// Id, titles, level and tags.
    pub identity: RuleIdentity,
    /// What it detects, in Vietnamese (`description_vi`); empty when it does not say.
    pub description_vi: String,
    /// Whether it looks at one event or several.
    pub kind: RuleKind,
    /// The log source it applies to; a correlation has none.
    pub logsource: Option<LogSource>,
    /// What it detects, in its author's words.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// How mature it is, in the specification's word; empty when it does not say.
    pub status: &'static str,
    /// Known innocent causes.
    pub false_positives: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// The fields it reads.
    pub fields: Vec<String>,
    /// The file it came from.
    pub file: Arc<str>,
    /// The line on which it begins there, from 1.
    pub line: u32,
    /// The whole file.
    pub text: Arc<str>,
}

impl RuleEntry {
    /// Its log source in one line (`windows / process_creation`); empty for a correlation.
    #[must_use]
    pub fn log_source_line(&self) -> String {
        let Some(source) = &self.logsource else {
            return String::new();
        };
        let parts = [&source.product, &source.category, &source.service];
        let named: Vec<&str> = parts.into_iter().flatten().map(CompactString::as_str).collect();
        named.join(" / ")
    }
}

/// A rule that is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRule {
    /// The file it is in.
    pub file: Arc<str>,
    /// The line; 0 when the whole file is meant.
    pub line: u32,
    /// The column in characters.
    pub column: u32,
    /// Its title or id, when it could be read.
    pub rule: Option<String>,
    /// Why, in words its author can act on.
    pub reason: String,
}

/// A compiled rule set. Never changes; a reload makes a new one.
#[derive(Debug)]
pub struct Rules {
    engine: Arc<Engine>,
    /// By [`RuleIndex`].
    identities: Vec<RuleIdentity>,
    pub(crate) correlations: Vec<CorrelationRule>,
    correlation_identities: Vec<RuleIdentity>,
    entries: Vec<RuleEntry>,
    refused: Vec<RefusedRule>,
}

impl Rules {
    /// Compiles rule files. A broken document is refused by itself and its neighbours stand. Where an id comes twice, the later one
    /// is in force, so that a folder of one's own can replace a built-in rule.
    #[must_use]
    pub fn load(texts: &[RuleText]) -> Self {
        Self::load_through(texts, &Pipelines::default())
    }

    /// Compiles rule files after filters and then processing pipelines changed the rules. A rule that a pipeline refuses is refused.
    #[must_use]
    pub fn load_through(texts: &[RuleText], pipelines: &Pipelines) -> Self {
        let mut gathered = Gathered::default();
        for file in texts {
            gathered.read(file);
        }
        gathered.compile(pipelines)
    }

    /// The compiled engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The rules in force, detections first.
    #[must_use]
    pub fn entries(&self) -> &[RuleEntry] {
        &self.entries
    }

    /// The rules not in force, with their reasons.
    #[must_use]
    pub fn refused(&self) -> &[RefusedRule] {
        &self.refused
    }

    /// Id, title, level and tags of a detection rule.
    #[must_use]
    pub fn identity(&self, rule: RuleIndex) -> &RuleIdentity {
        &self.identities[rule.get()]
    }

    /// Id, title, level and tags of a correlation, by its index in the correlator.
    pub(crate) fn correlation_identity(&self, correlation: usize) -> &RuleIdentity {
        &self.correlation_identities[correlation]
    }

    /// The correlation that an entry stands for.
    pub(crate) fn correlation_of(&self, entry: &RuleEntry) -> Option<&CorrelationRule> {
        let place = self
            .correlation_identities
            .iter()
            .position(|identity| *identity == entry.identity)?;
        self.correlations.get(place)
    }

    /// Finds detection rules by id or name.
    pub(crate) fn by_reference(&self) -> HashMap<&str, usize> {
        let mut found = HashMap::new();
        for (index, rule) in self.engine.rules().iter().enumerate() {
            for key in [&rule.meta.id, &rule.meta.name].into_iter().flatten() {
                found.insert(key.as_str(), index);
            }
        }
        found
    }
}

/// What was read so far, before it is compiled.
#[derive(Default)]
struct Gathered {
    rules: Vec<Rule>,
    /// The files of `rules`, each at the same place.
    texts: Vec<Arc<str>>,
    /// Where in `rules` an id stands.
    by_id: HashMap<String, usize>,
    correlations: Vec<(CorrelationRule, Arc<str>, u32)>,
    filters: Vec<Filter>,
    refused: Vec<RefusedRule>,
}

impl Gathered {
    fn read(&mut self, file: &RuleText) {
        let read = document::parse(&file.file, &file.text);
        self.refused.extend(read.errors.into_iter().map(refusal));
        for document in read.documents {
            match document {
                RuleDocument::Rule(rule) => self.add_rule(*rule, file),
                RuleDocument::Correlation(body) => match CorrelationRule::read(&body) {
                    Ok(rule) => self.correlations.push((rule, Arc::clone(&file.text), body.at.line)),
                    Err(error) => self.refused.push(refusal(error)),
                },
                RuleDocument::Filter(body) => match Filter::read(&body) {
                    Ok(filter) => self.filters.push(filter),
                    Err(error) => self.refused.push(refusal(error)),
                },
            }
        }
    }

    fn add_rule(&mut self, rule: Rule, file: &RuleText) {
        let known = rule.meta.id.as_ref().and_then(|id| self.by_id.get(id).copied());
        if let Some(at) = known {
            let reason = format!("replaced by the rule of the same id in {}", rule.file);
            let replaced = std::mem::replace(&mut self.rules[at], rule);
            self.texts[at] = Arc::clone(&file.text);
            self.refused.push(RefusedRule {
                file: replaced.file,
                line: replaced.at.line,
                column: replaced.at.column,
                rule: Some(replaced.meta.title),
                reason,
            });
            return;
        }
        if let Some(id) = &rule.meta.id {
            self.by_id.insert(id.clone(), self.rules.len());
        }
        self.rules.push(rule);
        self.texts.push(Arc::clone(&file.text));
    }

    /// Filters change the rules they name before these are compiled (Sigma filters specification).
    fn apply_filters(&mut self) {
        for filter in std::mem::take(&mut self.filters) {
            let outcome = filter.apply(&mut self.rules);
            self.refused
                .extend(outcome.unmatched.into_iter().map(|name| RefusedRule {
                    file: Arc::clone(&filter.file),
                    line: filter.at.line,
                    column: filter.at.column,
                    rule: Some(filter.meta.title.clone()),
                    reason: format!("the filter names {name}, which is no loaded rule of its log source"),
                }));
        }
    }

    /// Rewrites rules and correlations for records that do not follow the Sigma taxonomy.
    fn apply_pipelines(&mut self, pipelines: &Pipelines) {
        let rules = std::mem::take(&mut self.rules);
        let texts = std::mem::take(&mut self.texts);
        // Correlations are rewritten by the log sources that the rules they name had before these were rewritten.
        let source_of = |reference: &str| {
            let named = |key: &Option<String>| key.as_deref() == Some(reference);
            let rule = rules.iter().find(|rule| named(&rule.meta.id) || named(&rule.meta.name));
            rule.map(|rule| rule.log_source.clone())
        };
        for (mut correlation, text, line) in std::mem::take(&mut self.correlations) {
            let references = correlation.correlation.rules.iter();
            let sources: Vec<_> = references.filter_map(|rule| source_of(&rule.to)).collect();
            match pipelines.apply_to_correlation(&mut correlation, &sources) {
                Ok(_) => self.correlations.push((correlation, text, line)),
                Err(error) => self.refused.push(refusal(error)),
            }
        }
        for (mut rule, text) in rules.into_iter().zip(texts) {
            match pipelines.apply(&mut rule) {
                Ok(_) => {
                    self.rules.push(rule);
                    self.texts.push(text);
                }
                Err(error) => self.refused.push(refusal(error)),
            }
        }
    }

    fn compile(mut self, pipelines: &Pipelines) -> Rules {
        self.apply_filters();
        self.apply_pipelines(pipelines);
        let mut builder = Engine::builder();
        let mut identities = Vec::with_capacity(self.rules.len());
        let mut entries = Vec::with_capacity(self.rules.len() + self.correlations.len());
        for (rule, text) in self.rules.into_iter().map(Arc::new).zip(&self.texts) {
            match builder.add(Arc::clone(&rule)) {
                Ok(_) => {
                    let identity = identity_of(&rule.meta, text);
                    identities.push(identity.clone());
                    entries.push(entry_of_rule(&rule, identity, text));
                }
                Err(error) => self.refused.push(refusal(error)),
            }
        }
        let mut correlations = Vec::with_capacity(self.correlations.len());
        let mut correlation_identities = Vec::with_capacity(self.correlations.len());
        for (rule, text, line) in self.correlations {
            let identity = identity_of(&rule.meta, &text);
            entries.push(entry_of_correlation(&rule, identity.clone(), &text, line));
            correlation_identities.push(identity);
            correlations.push(rule);
        }
        let mut rules = Rules {
            engine: Arc::new(builder.build()),
            identities,
            correlations,
            correlation_identities,
            entries,
            refused: self.refused,
        };
        let (_, errors) = crate::detector::correlator(&rules, Arrival::Stream);
        rules.refuse_correlations(errors);
        rules
    }
}

impl Rules {
    /// Takes the correlations that do not compile (an unknown reference) out of the list of rules in force; the correlator leaves
    /// them out by itself, so their place among the others stays.
    fn refuse_correlations(&mut self, errors: Vec<RuleError>) {
        for error in errors {
            let file = Arc::clone(&error.file);
            let title = error.rule.clone();
            self.entries.retain(|entry| {
                let same = entry.file == file && title.as_ref().is_some_and(|title| *title == entry.identity.title);
                entry.kind == RuleKind::Detection || !same
            });
            self.refused.push(refusal(error));
        }
    }
}

fn refusal(error: RuleError) -> RefusedRule {
    RefusedRule {
        file: error.file,
        line: error.at.line,
        column: error.at.column,
        rule: error.rule,
        reason: error.reason,
    }
}

fn identity_of(meta: &Metadata, text: &str) -> RuleIdentity {
    let id = meta
        .id
        .as_deref()
        .map_or_else(|| unnamed(meta, text), CompactString::new);
    RuleIdentity {
        id,
        title: meta.title.clone(),
        title_vi: meta.custom.get("title_vi").cloned().unwrap_or_default(),
        level: meta.level.map_or(RuleLevel::Medium, level_of),
        tags: meta.tags.iter().map(CompactString::new).collect(),
    }
}

/// Names a rule that names itself neither by id nor by name: by its title, and by its text where even that is missing.
fn unnamed(meta: &Metadata, text: &str) -> CompactString {
    match &meta.name {
        Some(name) => CompactString::new(name),
        None if !meta.title.is_empty() => CompactString::new(&meta.title),
        None => CompactString::from(format!("untitled-{}", text.len())),
    }
}

fn level_of(level: Level) -> RuleLevel {
    match level {
        Level::Informational => RuleLevel::Informational,
        Level::Low => RuleLevel::Low,
        Level::Medium => RuleLevel::Medium,
        Level::High => RuleLevel::High,
        Level::Critical => RuleLevel::Critical,
    }
}

fn entry_of_rule(rule: &Rule, identity: RuleIdentity, text: &Arc<str>) -> RuleEntry {
    let source = &rule.log_source;
    let part = |part: &Option<String>| part.as_deref().map(CompactString::new);
    RuleEntry {
        identity,
        kind: RuleKind::Detection,
        logsource: Some(LogSource {
            category: part(&source.category),
            product: part(&source.product),
            service: part(&source.service),
        }),
        description: rule.meta.description.clone().unwrap_or_default(),
        author: rule.meta.author.clone().unwrap_or_default(),
        status: rule.meta.status.map_or("", sigma::rule::Status::word),
        false_positives: rule.meta.false_positives.clone(),
        references: rule.meta.references.clone(),
        description_vi: rule.meta.custom.get("description_vi").cloned().unwrap_or_default(),
        fields: rule.fields_read().into_iter().map(str::to_owned).collect(),
        file: Arc::clone(&rule.file),
        line: rule.at.line,
        text: Arc::clone(text),
    }
}

fn entry_of_correlation(rule: &CorrelationRule, identity: RuleIdentity, text: &Arc<str>, line: u32) -> RuleEntry {
    RuleEntry {
        identity,
        kind: RuleKind::Correlation,
        logsource: None,
        description: rule.meta.description.clone().unwrap_or_default(),
        author: rule.meta.author.clone().unwrap_or_default(),
        status: rule.meta.status.map_or("", sigma::rule::Status::word),
        false_positives: rule.meta.false_positives.clone(),
        references: rule.meta.references.clone(),
        description_vi: rule.meta.custom.get("description_vi").cloned().unwrap_or_default(),
        fields: rule.correlation.group_by.clone(),
        file: Arc::clone(&rule.file),
        line,
        text: Arc::clone(text),
    }
}
