//! Matching records against an engine: the state of one thread, which allocates nothing once it is warm.

use std::fmt::Write;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::engine::{Engine, FieldId, RuleIndex};
use crate::fold::fold_into;
use crate::index::{AtomId, Found, fold_bytes};
use crate::json::unescape_into;
use crate::memo::{Key, Memo, VALUE_BYTES_MAX};
pub use crate::plan::LogSourceSet;
use crate::plan::{Plan, has_bit};
use crate::program::Truth;
use crate::record::{Record, Value, finite, is_canonical_integer, number_text};

/// Most log-source sets whose plans a matcher keeps.
const PLANS_MAX: usize = 1_024;
/// From this length on, a prefilter is quicker than the memory.
const LONG_BYTES_MIN: usize = 128;
/// Most bytes of values kept of one record for comparisons of fields.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Matches records with an [`Engine`]; one per thread.
#[derive(Debug)]
pub struct Matcher {
    engine: Arc<Engine>,
    plans: HashTable<Plan>,
    memo: Memo,
    state: State,
}

/// The state of the event at hand and the buffers.
#[derive(Debug, Default)]
struct State {
    truth: Truth,
    rule_stamps: Vec<u32>,
    epoch: u32,
    candidates: Vec<u32>,
    /// Keyword searches in which every value of the record is looked up.
    keywords: Vec<FieldId>,
    /// Keyword searches that were or will be made for the record.
    searched: Vec<FieldId>,
    matched: Vec<RuleIndex>,
    text: String,
    folded: String,
    bytes: Vec<u8>,
    found: Found,
    kept: Kept,
}

/// Values of fields that are compared with other fields.
#[derive(Debug, Default)]
struct Kept {
    texts: String,
    values: Vec<(FieldId, u32, u32)>,
    one: String,
    other: String,
}

impl Kept {
    fn clear(&mut self) {
        self.texts.clear();
        self.values.clear();
    }

    fn keep(&mut self, field: FieldId, text: &str) {
        if self.texts.len() + text.len() > KEPT_BYTES_MAX {
            return;
        }
        let narrow = |length: usize| u32::try_from(length).expect("what is kept is limited");
        let start = narrow(self.texts.len());
        self.texts.push_str(text);
        self.values.push((field, start, narrow(self.texts.len())));
    }
}

impl Matcher {
    /// Makes a matcher for an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        let state = State {
            truth: Truth::new(engine.atoms()),
            rule_stamps: vec![0; engine.rules().len()],
            ..State::default()
        };
        let memo = Memo::new(engine.fields.len());
        Self {
            engine,
            plans: HashTable::new(),
            memo,
            state,
        }
    }

    /// Returns the engine.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the rules that match a record of these log sources, in order of their indices.
    pub fn matches<R: Record + ?Sized>(&mut self, record: &R, sources: &LogSourceSet) -> &[RuleIndex] {
        let Self {
            engine,
            plans,
            memo,
            state,
        } = self;
        let plan = plan_of(plans, engine, sources);
        if let Some(names) = record.names() {
            plan.number(engine, names);
        }
        let plan = &*plan;
        state.begin();
        find_keywords(engine, plan, record, state);
        let mut event = Event {
            engine,
            plan,
            memo,
            state,
        };
        record.visit_some(
            |name| plan.fields_called(engine, name),
            |fields, value| event.take(fields, value),
        );
        if !event.state.keywords.is_empty() {
            record.visit(|_, value| event.take_keywords(value));
        }
        event.compare_fields();
        if event.calls_for_keywords() {
            record.visit(|_, value| event.take_keywords(value));
        }
        event.decide();
        &self.state.matched
    }
}

/// Lists the keyword searches by which the record may reach a rule: none if the search for all of them at once says so, else those
/// whose own search does not exclude it.
fn find_keywords<R: Record + ?Sized>(engine: &Engine, plan: &Plan, record: &R, state: &mut State) {
    state.keywords.clear();
    if plan.keywords.is_empty() {
        return;
    }
    let Some(text) = record.haystack() else {
        state.keywords.extend_from_slice(&plan.keywords);
        return;
    };
    let State { keywords, bytes, .. } = state;
    if !fold_bytes(text, bytes) {
        keywords.extend_from_slice(&plan.keywords);
        return;
    }
    if plan
        .keyword_prefilter
        .as_ref()
        .is_some_and(|prefilter| !prefilter.may_match(bytes))
    {
        return;
    }
    keywords.extend(
        plan.keywords
            .iter()
            .filter(|field| engine.keywords[*field].may_match(bytes)),
    );
}

fn plan_of<'a>(plans: &'a mut HashTable<Plan>, engine: &Engine, sources: &LogSourceSet) -> &'a mut Plan {
    if plans.len() >= PLANS_MAX && plans.find(sources.hash, |plan| plan.sources == *sources).is_none() {
        plans.clear();
    }
    plans
        .entry(sources.hash, |plan| plan.sources == *sources, |plan| plan.sources.hash)
        .or_insert_with(|| Plan::new(engine, sources))
        .into_mut()
}

impl State {
    fn begin(&mut self) {
        self.truth.begin();
        self.candidates.clear();
        self.matched.clear();
        self.kept.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.rule_stamps.fill(0);
            self.epoch = 1;
        }
    }
}

/// An event on its way through the engine.
#[derive(Debug)]
struct Event<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    memo: &'a mut Memo,
    state: &'a mut State,
}

impl Event<'_> {
    #[inline]
    fn take(&mut self, (from, to): (u32, u32), value: Value<'_>) {
        for field in &self.plan.fields[from as usize..to as usize] {
            self.value(*field, value);
        }
    }

    #[inline]
    fn take_keywords(&mut self, value: Value<'_>) {
        for place in 0..self.state.keywords.len() {
            self.value(self.state.keywords[place], value);
        }
    }

    /// Lists the keyword searches that were left out although a rule that is to be decided reads them, in place of those made, and
    /// tells whether there are any. They reach no further rules: what was left out has no access atom that holds.
    fn calls_for_keywords(&mut self) -> bool {
        let Self {
            engine, plan, state, ..
        } = self;
        if plan.keywords.len() == state.keywords.len() {
            return false;
        }
        let State {
            keywords,
            searched,
            candidates,
            ..
        } = &mut **state;
        searched.clear();
        searched.append(keywords);
        for rule in plan.unconditional.iter().chain(&*candidates) {
            for field in &engine.compiled[*rule as usize].keywords {
                if !searched.contains(field) {
                    searched.push(*field);
                    keywords.push(*field);
                }
            }
        }
        !keywords.is_empty()
    }

    #[inline]
    fn value(&mut self, field: FieldId, value: Value<'_>) {
        let index = &self.engine.fields[field as usize];
        if let Some(present) = index.present {
            self.hit(present);
        }
        match value {
            Value::Str(text) => self.text(field, text, false),
            Value::JsonStr(raw) => self.text(field, raw, true),
            Value::JsonNumber(raw) if is_canonical_integer(raw) => self.text(field, raw, false),
            Value::Bool(value) => self.text(field, if value { "true" } else { "false" }, false),
            Value::Null => {
                if let Some(null) = index.null {
                    self.hit(null);
                }
            }
            Value::EmptyList => {}
            Value::JsonNumber(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => self.number(field, value),
        }
    }

    /// Writes a number out and takes it as a text.
    fn number(&mut self, field: FieldId, value: Value<'_>) {
        let mut text = std::mem::take(&mut self.state.text);
        text.clear();
        let written = match value {
            Value::Int(int) => write!(text, "{int}"),
            Value::Uint(int) => write!(text, "{int}"),
            Value::Float(float) => write!(text, "{}", number_text(float)),
            Value::JsonNumber(raw) => match finite(raw) {
                Some(float) => write!(text, "{}", number_text(float)),
                None => write!(text, "{raw}"),
            },
            Value::Str(_) | Value::JsonStr(_) | Value::Bool(_) | Value::Null | Value::EmptyList => Ok(()),
        };
        written.expect("writing to a String does not fail");
        self.text(field, &text, false);
        self.state.text = text;
    }

    #[inline]
    fn text(&mut self, field: FieldId, text: &str, is_escaped: bool) {
        if self.engine.fields[field as usize].is_referenced && !self.plan.references.is_empty() {
            self.keep(field, text, is_escaped);
        }
        if text.len() >= LONG_BYTES_MIN
            && let Some(prefilter) = &self.engine.fields[field as usize].prefilter
            && fold_bytes(text, &mut self.state.bytes)
            && !prefilter.may_match(&self.state.bytes)
        {
            return;
        }
        if text.len() > VALUE_BYTES_MAX || self.engine.fields[field as usize].is_quick {
            self.search(field, text, is_escaped);
            self.hit_found();
            return;
        }
        let key = Key {
            field,
            is_escaped,
            text,
        };
        let hash = key.hash();
        if !self.memo.is_for(key, hash) {
            self.search(field, text, is_escaped);
            self.hit_found();
            return;
        }
        if let Some(atoms) = self.memo.find(key, hash) {
            for atom in atoms {
                hit(self.engine, self.plan, self.state, *atom);
            }
            return;
        }
        self.search(field, text, is_escaped);
        self.memo.insert(key, hash, &self.state.found.atoms);
        self.hit_found();
    }

    /// Finds the atoms that a value satisfies, into `state.found`.
    fn search(&mut self, field: FieldId, text: &str, is_escaped: bool) {
        let index = &self.engine.fields[field as usize];
        let State {
            text: resolved,
            folded,
            found,
            ..
        } = self.state;
        if is_escaped && crate::json::has_escapes(text) {
            resolved.clear();
            unescape_into(text, resolved);
            index.find(resolved, folded, found);
        } else {
            index.find(text, folded, found);
        }
    }

    fn hit_found(&mut self) {
        let atoms = std::mem::take(&mut self.state.found.atoms);
        for atom in &atoms {
            self.hit(*atom);
        }
        self.state.found.atoms = atoms;
    }

    #[inline]
    fn hit(&mut self, atom: AtomId) {
        hit(self.engine, self.plan, self.state, atom);
    }

    fn keep(&mut self, field: FieldId, text: &str, is_escaped: bool) {
        if is_escaped && crate::json::has_escapes(text) {
            let mut resolved = String::new();
            unescape_into(text, &mut resolved);
            self.state.kept.keep(field, &resolved);
        } else {
            self.state.kept.keep(field, text);
        }
    }

    /// Decides the atoms that compare two fields: any value of the one with any value of the other.
    fn compare_fields(&mut self) {
        for place in 0..self.plan.references.len() {
            let reference = self.engine.references[self.plan.references[place] as usize];
            let Kept {
                texts,
                values,
                one,
                other,
            } = &mut self.state.kept;
            let holds = values.iter().filter(|value| value.0 == reference.field).any(|value| {
                let value = &texts[value.1 as usize..value.2 as usize];
                values
                    .iter()
                    .filter(|against| against.0 == reference.other)
                    .any(|against| {
                        let against = &texts[against.1 as usize..against.2 as usize];
                        if reference.is_cased {
                            return reference.relation.holds(value, against);
                        }
                        fold_into(value, one);
                        fold_into(against, other);
                        reference.relation.holds(one, other)
                    })
            });
            if holds {
                self.hit(reference.atom);
            }
        }
    }

    fn decide(&mut self) {
        let Self {
            engine, plan, state, ..
        } = self;
        let rules = plan.unconditional.iter().chain(&state.candidates);
        let holds = |rule: &&u32| {
            engine
                .programs
                .holds(engine.compiled[**rule as usize].root, &state.truth)
        };
        state.matched.extend(rules.filter(holds).map(|rule| RuleIndex(*rule)));
        state.matched.sort_unstable();
    }
}

#[inline]
fn hit(engine: &Engine, plan: &Plan, state: &mut State, atom: AtomId) {
    if !state.truth.set(atom) {
        return;
    }
    for rule in engine.reached_by(atom) {
        let stamp = &mut state.rule_stamps[*rule as usize];
        if *stamp != state.epoch && has_bit(&plan.rules, *rule) {
            *stamp = state.epoch;
            state.candidates.push(*rule);
        }
    }
}
