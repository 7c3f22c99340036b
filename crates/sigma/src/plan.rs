//! The log sources of an event and what the engine has for them: the rules that apply and the fields that these read.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::engine::{Engine, FieldId};
use crate::index::Prefilter;
use crate::keywords::joint_prefilter;
use crate::names::{Name, Names, Numbering};
use crate::rule::LogSource;

/// The set of log sources that an event belongs to. Make it once and use it for all events of the kind.
#[derive(Debug, Clone)]
pub struct LogSourceSet {
    sources: Arc<[LogSource]>,
    pub(crate) hash: u64,
}

impl LogSourceSet {
    /// Makes a set.
    #[must_use]
    pub fn new(mut sources: Vec<LogSource>) -> Self {
        sources.sort_unstable();
        sources.dedup();
        let hash = FixedState::with_seed(0).hash_one(&sources);
        Self {
            sources: sources.into(),
            hash,
        }
    }

    /// Returns the log sources, sorted.
    #[must_use]
    pub fn sources(&self) -> &[LogSource] {
        &self.sources
    }

    /// Tells whether a rule with the log source applies to events of the set.
    #[must_use]
    pub fn is_covered_by(&self, rule: &LogSource) -> bool {
        self.sources.iter().any(|source| rule.covers(source))
    }
}

impl PartialEq for LogSourceSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.sources, &other.sources) || (self.hash == other.hash && self.sources == other.sources)
    }
}

impl Eq for LogSourceSet {}

impl Hash for LogSourceSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// What applies to the events of one log-source set.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sources: LogSourceSet,
    /// One bit per rule.
    pub(crate) rules: Vec<u64>,
    /// For each name of [`Engine::named`], where its fields that rules of the plan read begin and end in `fields`.
    pub(crate) named: Vec<(u32, u32)>,
    pub(crate) fields: Vec<FieldId>,
    /// For each number of `numbering` the place of its name in `named`'s form; what a record calls by number is looked up once.
    numbered: Vec<(u32, u32)>,
    numbering: Option<Numbering>,
    /// By the first byte of a name, one bit for each length (from 63 on the same) of the names that rules of the plan read.
    pub(crate) name_shapes: Vec<u64>,
    pub(crate) keywords: Vec<FieldId>,
    /// Rules whole records out for all keyword searches at once.
    pub(crate) keyword_prefilter: Option<Prefilter>,
    pub(crate) unconditional: Vec<u32>,
    /// Places in [`Engine::references`].
    pub(crate) references: Vec<u32>,
}

fn set_bit(bits: &mut [u64], index: u32) {
    bits[index as usize / 64] |= 1 << (index % 64);
}

#[inline]
fn first_byte(name: &str) -> u8 {
    name.as_bytes().first().copied().unwrap_or_default()
}

#[inline]
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

#[inline]
pub(crate) fn has_bit(bits: &[u64], index: u32) -> bool {
    bits[index as usize / 64] & 1 << (index % 64) != 0
}

impl Plan {
    pub(crate) fn new(engine: &Engine, sources: &LogSourceSet) -> Self {
        let mut plan = Self {
            sources: sources.clone(),
            rules: vec![0; engine.compiled.len().div_ceil(64)],
            named: Vec::with_capacity(engine.named.len()),
            fields: Vec::new(),
            numbered: Vec::new(),
            numbering: None,
            name_shapes: vec![0; 256],
            keywords: Vec::new(),
            keyword_prefilter: None,
            unconditional: Vec::new(),
            references: Vec::new(),
        };
        let mut is_read = vec![false; engine.fields.len()];
        for (index, (rule, compiled)) in (0..).zip(engine.rules().iter().zip(&engine.compiled)) {
            if !sources.is_covered_by(&rule.log_source) {
                continue;
            }
            set_bit(&mut plan.rules, index);
            if compiled.is_unconditional {
                plan.unconditional.push(index);
            }
            for field in &compiled.fields {
                is_read[*field as usize] = true;
            }
            plan.keywords.extend_from_slice(&compiled.keywords);
        }
        for fields in &engine.named {
            let narrow = |length: usize| u32::try_from(length).expect("fewer fields than 2^32");
            let from = narrow(plan.fields.len());
            plan.fields
                .extend(fields.iter().filter(|field| is_read[**field as usize]));
            plan.named.push((from, narrow(plan.fields.len())));
        }
        for (name, place) in &engine.names {
            let (from, to) = plan.named[*place as usize];
            if from < to {
                plan.name_shapes[usize::from(first_byte(name))] |= length_bit(name);
            }
        }
        plan.keywords.sort_unstable();
        plan.keywords.dedup();
        plan.keyword_prefilter = joint_prefilter(plan.keywords.iter().map(|field| &engine.keywords[field]));
        plan.references = (0..)
            .zip(&engine.references)
            .filter(|(_, reference)| is_read[reference.field as usize] && is_read[reference.other as usize])
            .map(|(place, _)| place)
            .collect();
        plan
    }

    /// Learns the numbers of a record's names.
    #[inline]
    pub(crate) fn number(&mut self, engine: &Engine, names: &Names) {
        let is_known = self
            .numbering
            .as_ref()
            .is_some_and(|known| known.is_same(names.numbering()));
        if !is_known {
            self.numbering = Some(names.numbering().clone());
            self.numbered.clear();
        }
        while self.numbered.len() < names.len() {
            let number = u32::try_from(self.numbered.len()).expect("fewer names than 2^32");
            let range = self.fields_of(engine, names.text(number));
            self.numbered.push(range.unwrap_or_default());
        }
    }

    /// Returns where the fields of a name that rules of the plan read begin and end in `fields`, if there are any.
    #[inline]
    pub(crate) fn fields_called(&self, engine: &Engine, name: Name<'_>) -> Option<(u32, u32)> {
        match name {
            Name::Numbered(number) => {
                let range = self.numbered[number as usize];
                (range.0 < range.1).then_some(range)
            }
            Name::Text(text) => self.fields_of(engine, text),
        }
    }

    #[inline]
    fn fields_of(&self, engine: &Engine, name: &str) -> Option<(u32, u32)> {
        if self.name_shapes[usize::from(first_byte(name))] & length_bit(name) == 0 {
            return None;
        }
        let place = engine.names.get(name)?;
        let range = self.named[*place as usize];
        (range.0 < range.1).then_some(range)
    }
}
