//! The compiled rule set: all rules' atoms in one index per field, each rule reached through its rarest required atom.
//! It never changes once built and is shared by threads; each thread matches with a [`crate::matcher::Matcher`].

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::atom::{Atom, Logic, Relation, Test};
use crate::document::{Fault, RuleError};
use crate::index::{AtomId, FieldIndex, FieldIndexBuilder};
use crate::keywords::{KeywordSearch, KeywordSearches, needles_of};
use crate::limits::FILE_EXPRESSIONS_MAX;
use crate::lower::{self, Placeholders};
use crate::modifier::Modifier;
use crate::pattern::Shape;
use crate::program::{self, Programs};
use crate::rule::{LogSource, Rule};

/// The place of a rule in its [`Engine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub u32);

impl RuleIndex {
    /// Returns the index as a `usize`.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The number of a field within the engine.
pub(crate) type FieldId = u32;

/// A comparison of two fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) atom: AtomId,
    pub(crate) field: FieldId,
    pub(crate) other: FieldId,
    pub(crate) relation: Relation,
    pub(crate) is_cased: bool,
}

/// What the engine knows of a rule besides its text.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) root: u32,
    /// The fields that it reads, without keyword searches.
    pub(crate) fields: Vec<FieldId>,
    /// The keyword searches that it reads.
    pub(crate) keywords: Vec<FieldId>,
    /// Whether it can hold without any atom and must always be decided.
    pub(crate) is_unconditional: bool,
}

/// A compiled rule set.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Arc<Rule>>,
    placeholders: Placeholders,
    digest: u64,
    /// For each field name its place in `named`.
    pub(crate) names: HashMap<Box<str>, u32, FixedState>,
    /// The field indexes that go by a name: one for each product whose rules read it.
    pub(crate) named: Vec<Vec<FieldId>>,
    pub(crate) fields: Vec<FieldIndex>,
    /// The fields that are keyword searches.
    pub(crate) keywords: KeywordSearches,
    pub(crate) compiled: Vec<Compiled>,
    pub(crate) programs: Programs,
    pub(crate) references: Vec<Reference>,
    /// For each atom, where the rules reached through it begin in `access_rules`; one more at the end.
    pub(crate) access_starts: Vec<u32>,
    pub(crate) access_rules: Vec<u32>,
}

impl Engine {
    /// Begins a rule set.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Returns the rules, in the order added; a [`RuleIndex`] is a place in this slice.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Returns a rule.
    ///
    /// # Panics
    ///
    /// Panics if the index is of another engine with more rules.
    #[must_use]
    pub fn rule(&self, index: RuleIndex) -> &Arc<Rule> {
        &self.rules[index.get()]
    }

    /// Returns the lists that placeholders stand for.
    #[must_use]
    pub const fn placeholders(&self) -> &Placeholders {
        &self.placeholders
    }

    /// Returns a number that differs when the logic or identity of any rule differs, whatever their order.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// Returns the number of distinct atoms.
    #[must_use]
    pub const fn atoms(&self) -> usize {
        self.access_starts.len() - 1
    }

    /// Returns the number of distinct fields that rules read.
    #[must_use]
    pub fn fields(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn reached_by(&self, atom: AtomId) -> &[u32] {
        let (from, to) = (self.access_starts[atom as usize], self.access_starts[atom as usize + 1]);
        &self.access_rules[from as usize..to as usize]
    }
}

/// Collects rules and compiles them.
#[derive(Debug, Default)]
pub struct EngineBuilder {
    rules: Vec<Arc<Rule>>,
    logics: Vec<Logic<AtomId>>,
    placeholders: Placeholders,
    fields: HashMap<FieldKey, FieldId, FixedState>,
    atoms: HashMap<(FieldId, Test), AtomId, FixedState>,
    atom_uses: Vec<u32>,
    /// The file of the last rule and how many regular expressions its rules have.
    file: Option<(Arc<str>, usize)>,
}

/// What has an index of its own. Rules of different products hardly ever apply to the same event, so a field is indexed for
/// each product by itself; keyword searches, which look at every value, for each log source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FieldKey {
    /// A field by its name, as the rules of a product read it.
    Name(String, Option<String>),
    /// The keyword search of the rules of one log source.
    Keywords(LogSource),
}

impl EngineBuilder {
    /// Sets the lists that placeholders stand for; must come before the rules.
    #[must_use]
    pub fn placeholders(mut self, placeholders: Placeholders) -> Self {
        self.placeholders = placeholders;
        self
    }

    /// Adds a rule.
    ///
    /// # Errors
    ///
    /// Returns the place and reason if the rule does not compile; the set stays as it was.
    ///
    /// # Panics
    ///
    /// Panics at 2^32 rules, fields or atoms.
    pub fn add(&mut self, rule: Arc<Rule>) -> Result<RuleIndex, RuleError> {
        self.count_expressions(&rule)?;
        let logic = lower::lower_detection(&rule.detection, &self.placeholders);
        let logic = logic.map_err(|fault| fault.within(&rule.file, Some(rule.meta.title.clone())))?;
        let index = RuleIndex(u32::try_from(self.rules.len()).expect("fewer rules than 2^32"));
        let logic = logic.map(&mut |atom: Atom| self.intern(atom, &rule.log_source));
        self.logics.push(logic);
        self.rules.push(rule);
        Ok(index)
    }

    /// Keeps the regular expressions of one file within their limit; rules of a file are added one after the other.
    fn count_expressions(&mut self, rule: &Rule) -> Result<(), RuleError> {
        let mut expressions = 0;
        for named in &rule.detection.selections {
            named.selection.for_each_item(&mut |item| {
                expressions += if item.modifiers.contains(&Modifier::Re) {
                    item.values.len()
                } else {
                    0
                };
            });
        }
        let before = self
            .file
            .as_ref()
            .filter(|(file, _)| *file == rule.file)
            .map_or(0, |(_, count)| *count);
        if before + expressions > FILE_EXPRESSIONS_MAX {
            let reason = format!("the rules of the file have more than {FILE_EXPRESSIONS_MAX} regular expressions");
            return Err(Fault::new(rule.at, reason).within(&rule.file, Some(rule.meta.title.clone())));
        }
        self.file = Some((Arc::clone(&rule.file), before + expressions));
        Ok(())
    }

    fn field(&mut self, key: FieldKey) -> FieldId {
        let next = FieldId::try_from(self.fields.len()).expect("fewer fields than 2^32");
        *self.fields.entry(key).or_insert(next)
    }

    fn intern(&mut self, atom: Atom, source: &LogSource) -> AtomId {
        let of_product = |name: String| FieldKey::Name(name, source.product.clone());
        let field = match atom.field {
            Some(name) => self.field(of_product(name)),
            None => self.field(FieldKey::Keywords(source.clone())),
        };
        if let Test::FieldRef { other, .. } = &atom.test {
            self.field(of_product(other.clone()));
        }
        let next = AtomId::try_from(self.atoms.len()).expect("fewer atoms than 2^32");
        let id = *self.atoms.entry((field, atom.test)).or_insert(next);
        if id == next {
            self.atom_uses.push(0);
        }
        self.atom_uses[id as usize] += 1;
        id
    }

    /// Compiles the rule set.
    ///
    /// # Panics
    ///
    /// Panics at 2^32 entries in one of its tables.
    #[must_use]
    pub fn build(self) -> Engine {
        let mut tests: Vec<(FieldId, Test)> = vec![(0, Test::Null); self.atoms.len()];
        for ((field, test), id) in self.atoms {
            tests[id as usize] = (field, test);
        }
        let (indexes, references) = index_fields(&tests, &self.fields);
        let is_keyword = keyword_flags(&self.fields);
        let mut programs = Programs::default();
        let cost = |atom: AtomId| {
            let (field, test) = &tests[atom as usize];
            let is_filtered = is_keyword[*field as usize] && needles_of(test).is_some();
            cost_of(test, self.atom_uses[atom as usize]) * if is_filtered { FILTERED_KEYWORD_COST } else { 1.0 }
        };
        let mut reached: Vec<Vec<u32>> = vec![Vec::new(); tests.len()];
        let mut compiled = Vec::with_capacity(self.logics.len());
        for (rule, logic) in (0..).zip(&self.logics) {
            let access = program::access(logic, &cost);
            for atom in access.iter().flat_map(|(_, atoms)| atoms) {
                if reached[*atom as usize].last() != Some(&rule) {
                    reached[*atom as usize].push(rule);
                }
            }
            let mut fields = fields_of(logic, &tests, &references);
            fields.sort_unstable();
            fields.dedup();
            let (keywords, fields) = fields.into_iter().partition(|field| is_keyword[*field as usize]);
            compiled.push(Compiled {
                root: programs.add(logic),
                fields,
                keywords,
                is_unconditional: access.is_none(),
            });
        }
        let keywords = keyword_searches(&is_keyword, &tests, &reached);
        let mut access_starts = vec![0];
        let mut access_rules = Vec::new();
        for rules in reached {
            access_rules.extend(rules);
            access_starts.push(u32::try_from(access_rules.len()).expect("fewer entries than 2^32"));
        }
        let mut names: HashMap<Box<str>, u32, FixedState> = HashMap::default();
        let mut indexes_by_name: Vec<Vec<FieldId>> = Vec::new();
        for (key, id) in self.fields {
            if let FieldKey::Name(name, _) = key {
                let next = u32::try_from(indexes_by_name.len()).expect("fewer names than 2^32");
                let place = *names.entry(name.into_boxed_str()).or_insert(next);
                if place == next {
                    indexes_by_name.push(Vec::new());
                }
                indexes_by_name[place as usize].push(id);
            }
        }
        Engine {
            digest: self
                .rules
                .iter()
                .map(|rule| crate::digest::digest_rule(rule))
                .fold(0, u64::wrapping_add),
            rules: self.rules,
            placeholders: self.placeholders,
            names,
            named: indexes_by_name,
            fields: indexes.into_iter().map(FieldIndexBuilder::build).collect(),
            keywords,
            compiled,
            programs,
            references,
            access_starts,
            access_rules,
        }
    }
}

fn keyword_flags(fields: &HashMap<FieldKey, FieldId, FixedState>) -> Vec<bool> {
    let mut is_keyword = vec![false; fields.len()];
    for (key, id) in fields {
        is_keyword[*id as usize] = matches!(key, FieldKey::Keywords(_));
    }
    is_keyword
}

/// Makes the keyword searches' filters from the atoms through which rules are reached.
fn keyword_searches(is_keyword: &[bool], tests: &[(FieldId, Test)], reached: &[Vec<u32>]) -> KeywordSearches {
    let mut access: HashMap<FieldId, Vec<&Test>, FixedState> = HashMap::default();
    for ((field, test), rules) in tests.iter().zip(reached) {
        if is_keyword[*field as usize] {
            let tests = access.entry(*field).or_default();
            tests.extend((!rules.is_empty()).then_some(test));
        }
    }
    let search = |(field, tests): (FieldId, Vec<&Test>)| (field, KeywordSearch::new(tests.into_iter()));
    access.into_iter().map(search).collect()
}

/// Sorts the atoms into the indexes of their fields and lists those that compare two fields, in order of atoms.
fn index_fields(
    tests: &[(FieldId, Test)],
    fields: &HashMap<FieldKey, FieldId, FixedState>,
) -> (Vec<FieldIndexBuilder>, Vec<Reference>) {
    let mut indexes: Vec<FieldIndexBuilder> = Vec::new();
    indexes.resize_with(fields.len(), FieldIndexBuilder::default);
    let mut references = Vec::new();
    let mut keys: Vec<(&FieldKey, FieldId)> = fields.iter().map(|(key, id)| (key, *id)).collect();
    keys.sort_unstable_by_key(|(_, id)| *id);
    let keys: Vec<&FieldKey> = keys.into_iter().map(|(key, _)| key).collect();
    for (atom, (field, test)) in (0..).zip(tests) {
        indexes[*field as usize].add(test, atom);
        if let Test::FieldRef { other, relation, cased } = test {
            let FieldKey::Name(_, product) = keys[*field as usize] else {
                continue;
            };
            let other = fields[&FieldKey::Name(other.clone(), product.clone())];
            indexes[other as usize].reference();
            references.push(Reference {
                atom,
                field: *field,
                other,
                relation: *relation,
                is_cased: *cased,
            });
        }
    }
    (indexes, references)
}

fn fields_of(logic: &Logic<AtomId>, tests: &[(FieldId, Test)], references: &[Reference]) -> Vec<FieldId> {
    let mut fields = Vec::new();
    visit_atoms(logic, &mut |atom| {
        let (field, test) = &tests[atom as usize];
        fields.push(*field);
        if matches!(test, Test::FieldRef { .. }) {
            let place = references.binary_search_by_key(&atom, |reference| reference.atom);
            fields.push(references[place.expect("each comparison of fields is listed, in order of atoms")].other);
        }
    });
    fields
}

fn visit_atoms(logic: &Logic<AtomId>, visit: &mut impl FnMut(AtomId)) {
    match logic {
        Logic::And(parts) | Logic::Or(parts) | Logic::AtLeast(_, parts) => {
            for part in parts {
                visit_atoms(part, visit);
            }
        }
        Logic::Not(inner) => visit_atoms(inner, visit),
        Logic::Atom(atom) => visit(*atom),
    }
}

/// What reaching a rule through a keyword costs that the filter over the whole record can rule out, in parts of what it costs through
/// a field: the filter runs anyway, and a keyword search that it leaves out is not made.
const FILTERED_KEYWORD_COST: f64 = 0.01;

/// Estimates how often an atom holds, as events in a million: long literals are rare, and what many rules ask is common.
fn cost_of(question: &Test, uses: u32) -> f64 {
    let by_length =
        |length: usize, at_one: f64| at_one / f64::from(u32::try_from(length.max(1)).unwrap_or(u32::MAX)).powi(2);
    let base = match question {
        Test::Present | Test::Null => 800_000.0,
        Test::Compare { .. } => 200_000.0,
        Test::FieldRef { .. } => 50_000.0,
        Test::Cidr(network) => 1_000.0 * f64::from(129 - u32::from(network.length)),
        Test::Regex(regular) => {
            let literals = crate::regular::required_literals(regular.pattern());
            let shortest = literals.and_then(|literals| literals.iter().map(String::len).min());
            shortest.map_or(100_000.0, |length| by_length(length, 100_000.0))
        }
        Test::Text { pattern, .. } => match pattern.shape() {
            Shape::Exact(text) => by_length(text.len(), 100_000.0),
            Shape::Prefix(text) | Shape::Suffix(text) => by_length(text.len(), 300_000.0),
            Shape::Contains(text) => by_length(text.len(), 500_000.0),
            Shape::Anything => 900_000.0,
            Shape::Glob => by_length(pattern.longest_literal().map_or(0, str::len), 500_000.0),
        },
    };
    base * (1.0 + f64::from(uses).ln())
}
