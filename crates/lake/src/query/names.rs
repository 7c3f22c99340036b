//! The names of the fields that records have, learnt by looking into a few files.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use arrow_array::cast::AsArray;
use model::Event;
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};

use super::{input::Input, table::schema_of};
use crate::{
    Inner,
    catalog::Catalog,
    filter::Filter,
    memory::Stored,
    row::{Row, Table},
};

/// Files that are looked into at once, the newest ones.
const FILES_MAX: usize = 12;
/// Rows of a file that are looked at.
const ROWS_MAX: usize = 4096;

impl Inner {
    /// Shows the names of the fields of events in memory and in the newest files. What a file taught is kept in mind.
    pub(crate) fn each_name(&self, mut show: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        let filter = Filter::default();
        let (snapshot, view) = {
            let state = self.lock();
            (Event::rows(&state.memory).snapshot(&filter), Arc::clone(&state.view))
        };
        let waiting = snapshot.pieces.iter().flat_map(|rows| rows.iter());
        for event in snapshot.fresh.iter().chain(waiting) {
            for field in &event.fields {
                show(&field.name)?;
            }
        }
        for segment in snapshot.segments.iter().take(FILES_MAX) {
            for name in names_in(Input::Memory(segment.parquet.clone())) {
                show(&name)?;
            }
        }
        let _alone = self.readers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut files: Vec<_> = view.files(Table::Events).collect();
        files.sort_by_key(|(_, file)| std::cmp::Reverse(file.facts.happened_at.1));
        for (day, file) in files.into_iter().take(FILES_MAX) {
            let path = Catalog::path_of(&self.folder, Table::Events, day, file);
            let key = file.blake3.clone();
            let learnt = self.learnt().get(&key).cloned();
            let names = learnt.unwrap_or_else(|| {
                let names: Arc<BTreeSet<String>> = Arc::new(Input::open(&path).map(names_in).unwrap_or_default());
                let mut learnt = self.learnt();
                if learnt.len() >= 4 * FILES_MAX {
                    learnt.clear();
                }
                learnt.insert(key, Arc::clone(&names));
                names
            });
            for name in names.iter() {
                show(name)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// The names in the first rows of a file; none when it cannot be read, which whoever hunts will be told.
fn names_in(input: Input) -> BTreeSet<String> {
    let reading = std::panic::AssertUnwindSafe(|| read_names(input));
    std::panic::catch_unwind(reading)
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default()
}

fn read_names(input: Input) -> Result<BTreeSet<String>, parquet::errors::ParquetError> {
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new().with_schema(<Event as Row>::schema());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(input, options)?;
    let index = schema_of(Table::Events).index_of("fields")?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
    let groups = builder.metadata().num_row_groups();
    let reader = builder
        .with_projection(mask)
        .with_row_groups(vec![groups.saturating_sub(1)])
        .with_limit(ROWS_MAX)
        .build()?;
    let mut names = BTreeSet::new();
    for batch in reader {
        let batch = batch?;
        let Some(keys) = batch
            .column(0)
            .as_map_opt()
            .and_then(|map| map.keys().as_string_opt::<i32>())
        else {
            continue;
        };
        for name in keys.iter().flatten() {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}
