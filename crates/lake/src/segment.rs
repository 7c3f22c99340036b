//! Parquet in memory: rows become a *segment* of one row group, segments are joined into files by copying their row
//! groups, and both are read the same way.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ArrowPredicate, ArrowPredicateFn, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, RowFilter,
        },
    },
    basic::{Compression, Encoding, ZstdLevel},
    bloom_filter::Sbbf,
    column::writer::ColumnCloseResult,
    errors::{ParquetError, Result},
    file::{
        metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties},
        reader::ChunkReader,
        writer::SerializedFileWriter,
    },
    schema::types::{ColumnPath, SchemaDescriptor},
};

use crate::{
    error::FlushError,
    filter::{Filter, Test, Wantable},
    manifest::Facts,
    row::Row,
    text::{Builder, TextPlace, TextTable},
};

/// Rows that are decoded at once while reading.
const BATCH_ROWS: usize = 512;

/// Bytes of a data page before compression: the unit in which a read decompresses. A quarter of it costs a tenth more on
/// the disk, because what repeats is farther away than a page reaches.
const PAGE_BYTES: usize = 1024 * 1024;

/// How often a bloom filter may say "perhaps" of a value that is not there.
const BLOOM_FALSE_POSITIVES: f64 = 0.005;

/// Rows of one day as Parquet in memory.
pub(crate) struct Segment {
    pub(crate) parquet: Bytes,
    pub(crate) facts: Facts,
}

/// Sorts rows and turns them into a segment.
pub(crate) fn encode<R: Row>(rows: &[R]) -> std::result::Result<Segment, FlushError> {
    let mut sorted: Vec<&R> = rows.iter().collect();
    sorted.sort_unstable_by(|one, other| one.order(other));
    let batch = R::encode(&sorted)?;
    let mut text = Builder::new();
    for row in sorted {
        row.texts(&mut |piece| text.add(piece));
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), R::schema(), Some(properties::<R>(rows.len())?))?;
    writer.write(&batch)?;
    drop(batch);
    writer.flush()?;
    let text = text.finish();
    writer.append_key_value_metadata(text.key_value(writer.bytes_written()));
    writer.write_all(text.bytes())?;
    Ok(Segment {
        parquet: writer.into_inner()?.into(),
        facts: Facts::of(rows),
    })
}

fn properties<R: Row>(rows: usize) -> Result<WriterProperties> {
    let path = |name: &str| ColumnPath::from(vec![name.to_owned()]);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by("watchpost".to_owned())
        .set_column_dictionary_enabled(path("seq"), false)
        .set_column_encoding(path("seq"), Encoding::DELTA_BINARY_PACKED);
    for name in ["happened_at", "received_at"] {
        properties = properties
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    for field in R::schema().fields().iter().filter(|field| R::has_bloom(field.name())) {
        properties = properties
            .set_column_bloom_filter_enabled(path(field.name()), true)
            .set_column_bloom_filter_fpp(path(field.name()), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path(field.name()), rows as u64);
    }
    // Statistics over free text and bytes would be long and would not help to pass anything over.
    Ok(properties.build())
}

/// Joins segments or files into one file by copying their row groups as they are.
pub(crate) fn join(parts: &[Bytes]) -> Result<Vec<u8>> {
    decoding(|| copy_row_groups(parts))
}

fn copy_row_groups(parts: &[Bytes]) -> Result<Vec<u8>> {
    let options = || ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let first = parts
        .first()
        .ok_or_else(|| ParquetError::General("there is nothing to join".to_owned()))?;
    let facts = options().parse_and_finish(first)?;
    let schema = facts.file_metadata().schema_descr().root_schema_ptr();
    let key_values = facts.file_metadata().key_value_metadata().cloned().map(|mut pairs| {
        pairs.retain(|pair| !TextTable::is_key(&pair.key));
        pairs
    });
    let properties = WriterProperties::builder()
        .set_created_by("watchpost".to_owned())
        .set_key_value_metadata(key_values)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        let facts = options().parse_and_finish(part)?;
        texts.push(text_of(part, &facts)?);
        for (index, group) in facts.row_groups().iter().enumerate() {
            let mut out = writer.next_row_group()?;
            for (leaf, column) in group.columns().iter().enumerate() {
                let close = ColumnCloseResult {
                    bytes_written: column.compressed_size().cast_unsigned(),
                    rows_written: group.num_rows().cast_unsigned(),
                    metadata: column.clone(),
                    bloom_filter: Sbbf::read_from_column_chunk(column, part)?,
                    column_index: facts.column_index().and_then(|all| all.get(index)?.get(leaf)).cloned(),
                    offset_index: facts.offset_index().and_then(|all| all.get(index)?.get(leaf)).cloned(),
                };
                out.append_column(part, close)?;
            }
            out.close()?;
        }
    }
    // Where one part has no text filters, as files of earlier versions, the whole has none, and is searched without.
    if let Some(texts) = texts.into_iter().collect::<Option<Vec<_>>>() {
        let text = TextTable::join(&texts);
        writer.append_key_value_metadata(text.key_value(writer.bytes_written()));
        writer.write_all(text.bytes())?;
    }
    writer.into_inner()
}

fn text_of(part: &Bytes, facts: &ParquetMetaData) -> Result<Option<TextTable>> {
    let place = TextPlace::of(facts.file_metadata(), part.len() as u64, facts.num_row_groups());
    let read = |range: std::ops::Range<u64>| {
        let at = |place| usize::try_from(place).map_err(std::io::Error::other);
        Ok(part.slice(at(range.start)?..at(range.end)?))
    };
    Ok(place.map(|place| place.load(read)).transpose()?)
}

/// Reads the wanted rows of a segment or file, until `visit` breaks off.
pub(crate) fn read<R: Wantable, I: ChunkReader + 'static>(
    input: I,
    filter: &Filter,
    visit: &mut impl FnMut(R) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    let Some(mut reader) = decoding(|| reader::<R, I>(input, filter))? else {
        return Ok(ControlFlow::Continue(()));
    };
    let mut next = || decoding(|| Ok(reader.next().map(|batch| R::decode(&batch?)).transpose()?));
    while let Some(rows) = next()? {
        for row in rows {
            if visit(row).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Runs what looks into a file. The Parquet library panics at some damaged files (an offset that lies before its column); for whoever
/// reads, that is a file that cannot be read, and no reason to stop.
pub(crate) fn decoding<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let words = words.unwrap_or("no reason given");
        Err(ParquetError::General(format!("the file is damaged: {words}")))
    })
}

/// The row groups that may hold wanted rows, about to be read; none when no group can.
fn reader<R: Wantable, I: ChunkReader + 'static>(
    input: I,
    filter: &Filter,
) -> Result<Option<ParquetRecordBatchReader>> {
    // The schema that is written in the file is not read: reading a damaged one can panic.
    let options = ArrowReaderOptions::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_schema(R::schema());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(input, options)?;
    let tests = filter.tests(R::TIME_COLUMN);
    let mut placed = Vec::with_capacity(tests.len());
    for test in tests {
        let leaf = leaf_of(builder.parquet_schema(), test.column)
            .ok_or_else(|| ParquetError::General(format!("there is no column {}", test.column)))?;
        placed.push((test, leaf));
    }
    let mut groups = Vec::new();
    for index in 0..builder.metadata().num_row_groups() {
        if may_be_in_group(&builder, index, &placed)? {
            groups.push(index);
        }
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let predicates = placed
        .into_iter()
        .map(|(test, leaf)| {
            let mask = ProjectionMask::leaves(builder.parquet_schema(), [leaf]);
            Box::new(ArrowPredicateFn::new(mask, move |batch: RecordBatch| test.pass(&batch)))
                as Box<dyn ArrowPredicate>
        })
        .collect();
    let reader = builder
        .with_batch_size(BATCH_ROWS)
        .with_row_groups(groups)
        .with_row_filter(RowFilter::new(predicates))
        .build()?;
    Ok(Some(reader))
}

fn leaf_of(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    schema
        .columns()
        .iter()
        .position(|column| column.path().parts() == [name])
}

fn may_be_in_group<I: ChunkReader + 'static>(
    builder: &ParquetRecordBatchReaderBuilder<I>,
    index: usize,
    tests: &[(Test, usize)],
) -> Result<bool> {
    let group = builder.metadata().row_group(index);
    if !tests.iter().all(|(test, leaf)| test.may_be_in(group, *leaf)) {
        return Ok(false);
    }
    for (test, leaf) in tests {
        let Some(bytes) = test.bloom_bytes() else { continue };
        let bloom = builder.get_row_group_column_bloom_filter(index, *leaf)?;
        if bloom.is_some_and(|bloom| !bloom.check(bytes)) {
            return Ok(false);
        }
    }
    Ok(true)
}
