//! Which files and row groups a hunt need not read: by the manifest, by statistics, by text filters and by bloom filters,
//! in the order of what each of them costs.

use std::{collections::HashSet, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::SchemaRef;
use datafusion::{
    common::{Column, ScalarValue, pruning::PruningStatistics},
    logical_expr::Operator,
    physical_expr::{
        PhysicalExpr, ScalarFunctionExpr, conjunction_opt,
        expressions::{BinaryExpr, Column as ColumnExpr, InListExpr, LikeExpr, Literal},
    },
    physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder},
};
use parquet::{
    arrow::arrow_reader::statistics::StatisticsConverter, bloom_filter::Sbbf, errors::ParquetError,
    file::metadata::RowGroupMetaData,
};

use super::{
    functions,
    input::{Footer, Input},
};
use crate::{columns::UTC, manifest::Facts, search::Pattern, text::Need};

/// Conditions that all must hold, as far as they can be decided without looking at rows.
pub(crate) struct Pruner {
    predicate: Option<PruningPredicate>,
    need: Need,
    schema: SchemaRef,
}

impl Pruner {
    pub(crate) fn new(conditions: &[Arc<dyn PhysicalExpr>], schema: &SchemaRef) -> Self {
        let predicate = conjunction_opt(conditions.iter().cloned())
            .and_then(|all| {
                PruningPredicateBuilder::new()
                    .with_file_schema(SchemaRef::clone(schema))
                    .try_build(all)
                    .ok()
            })
            .filter(|predicate| !predicate.always_true());
        Self {
            predicate,
            need: Need::All(conditions.iter().map(need_of).collect()),
            schema: SchemaRef::clone(schema),
        }
    }

    /// Which of the files may hold wanted rows.
    pub(crate) fn files(&self, facts: &[&Facts], time_column: &'static str) -> Vec<bool> {
        let Some(predicate) = &self.predicate else {
            return vec![true; facts.len()];
        };
        predicate
            .prune(&FileFacts { facts, time_column })
            .unwrap_or_else(|_| vec![true; facts.len()])
    }

    /// The row groups of a file that may hold wanted rows.
    pub(crate) fn row_groups(&self, input: &Input, footer: &Footer) -> Result<Vec<usize>, ParquetError> {
        let groups = footer.metadata.metadata().row_groups();
        let mut kept: Vec<usize> = (0..groups.len()).collect();
        if let Some(predicate) = &self.predicate {
            self.retain(&mut kept, predicate, footer, None);
        }
        if let Some(place) = footer.text.filter(|_| !kept.is_empty() && !self.need.is_nothing()) {
            let found = self.need.groups(place, &|range| input.read(range))?;
            kept.retain(|group| found[*group]);
        }
        if let Some(predicate) = &self.predicate
            && !kept.is_empty()
            && !predicate.literal_guarantees().is_empty()
        {
            self.retain(&mut kept, predicate, footer, Some(input));
        }
        Ok(kept)
    }

    fn retain(&self, kept: &mut Vec<usize>, predicate: &PruningPredicate, footer: &Footer, blooms: Option<&Input>) {
        let facts = GroupFacts {
            groups: kept
                .iter()
                .map(|group| footer.metadata.metadata().row_group(*group))
                .collect(),
            footer,
            schema: &self.schema,
            blooms,
        };
        // What cannot be decided here is decided row by row.
        let mut passed = predicate.prune(&facts).unwrap_or_default().into_iter();
        kept.retain(|_| passed.next().unwrap_or(true));
    }
}

struct FileFacts<'a> {
    facts: &'a [&'a Facts],
    time_column: &'static str,
}

impl FileFacts<'_> {
    fn bounds(&self, column: &Column, time: fn(&Facts) -> i64, seq: fn(&Facts) -> u64) -> Option<ArrayRef> {
        if column.name == self.time_column {
            let times: Int64Array = self.facts.iter().map(|facts| Some(time(facts))).collect();
            let times: TimestampMicrosecondArray = times.reinterpret_cast();
            return Some(Arc::new(times.with_timezone(UTC)));
        }
        if column.name == "seq" {
            return Some(Arc::new(UInt64Array::from_iter_values(
                self.facts.iter().map(|facts| seq(facts)),
            )));
        }
        None
    }
}

impl PruningStatistics for FileFacts<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |facts| facts.happened_at.0, |facts| facts.seqs.0)
    }
    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |facts| facts.happened_at.1, |facts| facts.seqs.1)
    }
    fn num_containers(&self) -> usize {
        self.facts.len()
    }
    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }
    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(
            self.facts.iter().map(|facts| facts.rows),
        )))
    }
    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        if column.name != "source" {
            return None;
        }
        let wanted: Vec<&str> = values.iter().filter_map(|value| value.try_as_str().flatten()).collect();
        let mut any = self
            .facts
            .iter()
            .map(|facts| facts.sources.keys().any(|source| wanted.contains(&source.as_str())));
        Some(any.by_ref().map(|any| if any { None } else { Some(false) }).collect())
    }
}

struct GroupFacts<'a> {
    groups: Vec<&'a RowGroupMetaData>,
    footer: &'a Footer,
    schema: &'a SchemaRef,
    /// Where bloom filters are read, when they are asked.
    blooms: Option<&'a Input>,
}

impl GroupFacts<'_> {
    fn converter(&self, column: &Column) -> Option<StatisticsConverter<'_>> {
        StatisticsConverter::try_new(&column.name, self.schema, self.footer.metadata.parquet_schema()).ok()
    }

    /// Whether one of the values may be in the group, as far as its bloom filter says; nothing where it has none.
    fn may_hold(&self, group: &RowGroupMetaData, leaf: usize, values: &HashSet<ScalarValue>) -> Option<bool> {
        let bloom = Sbbf::read_from_column_chunk(group.column(leaf), self.blooms?).ok()??;
        let mut any = false;
        for value in values {
            any |= if let ScalarValue::FixedSizeBinary(_, Some(bytes)) = value {
                bloom.check(bytes.as_slice())
            } else {
                bloom.check(value.try_as_str().flatten()?)
            };
        }
        Some(any)
    }
}

impl PruningStatistics for GroupFacts<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?.row_group_mins(self.groups.iter().copied()).ok()
    }
    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?
            .row_group_maxes(self.groups.iter().copied())
            .ok()
    }
    fn num_containers(&self) -> usize {
        self.groups.len()
    }
    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self
            .converter(column)?
            .row_group_null_counts(self.groups.iter().copied());
        Some(Arc::new(counts.ok()?))
    }
    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.groups.iter().map(|group| group.num_rows().cast_unsigned());
        Some(Arc::new(UInt64Array::from_iter_values(rows)))
    }
    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        self.blooms?;
        let leaf = self.converter(column)?.parquet_column_index()?;
        let answers = self.groups.iter().map(|group| {
            // A bloom filter never says that a value is there, only that it is not.
            self.may_hold(group, leaf, values)
                .and_then(|may| if may { None } else { Some(false) })
        });
        Some(answers.collect())
    }
}

/// What a condition demands of the text of a row.
fn need_of(condition: &Arc<dyn PhysicalExpr>) -> Need {
    if let Some(both) = condition.downcast_ref::<BinaryExpr>() {
        let sides = || vec![need_of(both.left()), need_of(both.right())];
        if *both.op() == Operator::And {
            return Need::All(sides());
        }
        if *both.op() == Operator::Or {
            return Need::Any(sides());
        }
        let compared = [(both.left(), both.right()), (both.right(), both.left())];
        let text = compared
            .into_iter()
            .find_map(|(one, other)| literal(other).filter(|_| is_text(one)));
        return match text {
            Some(text) if *both.op() == Operator::Eq => Need::of_text(text),
            Some(_) | None => Need::Nothing,
        };
    }
    if let Some(like) = condition.downcast_ref::<LikeExpr>() {
        return match literal(like.pattern()) {
            Some(pattern) if !like.negated() && is_text(like.expr()) => need_of_pattern(pattern),
            Some(_) | None => Need::Nothing,
        };
    }
    if let Some(list) = condition.downcast_ref::<InListExpr>() {
        let values: Option<Vec<Need>> = list
            .list()
            .iter()
            .map(|value| literal(value).map(Need::of_text))
            .collect();
        return match values {
            Some(values) if !list.negated() && is_text(list.expr()) && values.len() <= 64 => Need::Any(values),
            Some(_) | None => Need::Nothing,
        };
    }
    match condition.downcast_ref::<ScalarFunctionExpr>() {
        Some(call) if call.name() == functions::HAS_TEXT => call
            .args()
            .last()
            .and_then(literal)
            .map_or(Need::Nothing, Need::of_text),
        Some(call) if call.name() == functions::MATCHES && call.args().first().is_some_and(is_text) => {
            let pattern = call.args().last().and_then(literal).map(Pattern::new);
            pattern.map_or(Need::Nothing, |pattern| {
                Need::All(pattern.texts().map(Need::of_text).collect())
            })
        }
        Some(_) | None => Need::Nothing,
    }
}

/// The pieces of a pattern that stand between its wildcards.
fn need_of_pattern(pattern: &str) -> Need {
    if pattern.contains('\\') {
        return Need::Nothing;
    }
    Need::All(pattern.split(['%', '_']).map(Need::of_text).collect())
}

fn literal(expression: &Arc<dyn PhysicalExpr>) -> Option<&str> {
    expression.downcast_ref::<Literal>()?.value().try_as_str().flatten()
}

/// Whether all that the expression can yield is in the text filters: a field of the record, or a text of an entity column.
fn is_text(expression: &Arc<dyn PhysicalExpr>) -> bool {
    if let Some(column) = expression.downcast_ref::<ColumnExpr>() {
        return model::EntityColumn::ALL
            .iter()
            .any(|entity| entity.ecs_name() == column.name());
    }
    expression
        .downcast_ref::<ScalarFunctionExpr>()
        .is_some_and(|call| call.name() == functions::FIELD)
}
