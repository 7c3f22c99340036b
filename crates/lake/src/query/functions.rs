//! The functions that hunts have beside those of SQL: the record as it came, its fields by name, text anywhere in it,
//! and addresses.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, LazyLock},
};

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, MapArray, StringArray,
    builder::StringViewBuilder, cast::AsArray,
};
use arrow_schema::DataType;
use datafusion::{
    common::{Result, ScalarValue, exec_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility},
};

use crate::{
    entities::address_bytes,
    raw::raw_of,
    search::Pattern,
    text::{fold, fold_into},
};

pub(crate) const RAW: &str = "raw";
pub(crate) const HAS_TEXT: &str = "has_text";
pub(crate) const FIELD: &str = "field";
pub(crate) const CIDR_MATCH: &str = "cidr_match";
pub(crate) const ADDRESS_TEXT: &str = "address_text";
pub(crate) const LIST_HAS: &str = "list_has";
pub(crate) const FOLD: &str = "fold";
pub(crate) const MATCHES: &str = "matches";

/// All of them.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    let kinds = [
        Kind::Raw,
        Kind::HasText,
        Kind::Field,
        Kind::CidrMatch,
        Kind::AddressText,
        Kind::ListHas,
        Kind::Fold,
        Kind::Matches,
    ];
    kinds
        .into_iter()
        .map(|kind| Arc::new(ScalarUDF::new_from_impl(Function::new(kind))))
        .collect()
}

/// One of them by its name.
pub(crate) fn named(name: &str) -> Option<Arc<ScalarUDF>> {
    static ALL: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(all);
    ALL.iter().find(|function| function.name() == name).cloned()
}

/// The function `field(fields, name)`, which `fields['name']` stands for.
pub(crate) fn field() -> ScalarUDF {
    ScalarUDF::new_from_impl(Function::new(Kind::Field))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Raw,
    HasText,
    Field,
    CidrMatch,
    AddressText,
    ListHas,
    Fold,
    Matches,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    kind: Kind,
    signature: Signature,
}

impl Function {
    fn new(kind: Kind) -> Self {
        let arguments = match kind {
            Kind::AddressText | Kind::Fold => 1,
            Kind::Raw | Kind::Field | Kind::CidrMatch | Kind::ListHas | Kind::Matches => 2,
            Kind::HasText => 3,
        };
        let signature = if kind == Kind::Fold {
            TypeSignature::String(1)
        } else {
            TypeSignature::Any(arguments)
        };
        Self {
            kind,
            signature: Signature::new(signature, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Raw => RAW,
            Kind::HasText => HAS_TEXT,
            Kind::Field => FIELD,
            Kind::CidrMatch => CIDR_MATCH,
            Kind::AddressText => ADDRESS_TEXT,
            Kind::ListHas => LIST_HAS,
            Kind::Fold => FOLD,
            Kind::Matches => MATCHES,
        }
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Raw | Kind::AddressText | Kind::Fold => DataType::Utf8,
            Kind::Field => DataType::Utf8View,
            Kind::HasText | Kind::CidrMatch | Kind::ListHas | Kind::Matches => DataType::Boolean,
        })
    }
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = |count: usize| -> Result<Vec<ArrayRef>> {
            let first = arguments.args.iter().take(count);
            first.map(|value| value.to_array(rows)).collect()
        };
        let text = |index: usize| text_of(&arguments.args[index], self.name());
        let answer: ArrayRef = match self.kind {
            Kind::Raw => raw(&Record::of(&arrays(2)?)?)?,
            Kind::HasText => Arc::new(has_text(&Record::of(&arrays(2)?)?, &text(2)?)?),
            Kind::Field => field_of(map_of(&arrays(1)?[0])?, &text(1)?)?,
            Kind::CidrMatch => Arc::new(cidr_match(&arrays(1)?[0], &text(1)?)?),
            Kind::AddressText => address_texts(&arrays(1)?[0])?,
            Kind::ListHas => Arc::new(list_has(&arrays(1)?[0], &text(1)?)?),
            Kind::Fold => folded(&arrays(1)?[0])?,
            Kind::Matches => Arc::new(matches(&arrays(1)?[0], &Pattern::new(&text(1)?))?),
        };
        Ok(ColumnarValue::Array(answer))
    }
}

fn text_of(value: &ColumnarValue, function: &str) -> Result<String> {
    let text = match value {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str().flatten(),
        ColumnarValue::Array(_) => None,
    };
    let Some(text) = text else {
        return exec_err!("the last argument of {function} must be a text in quotes");
    };
    Ok(text.to_owned())
}

fn map_of(array: &ArrayRef) -> Result<&MapArray> {
    let Some(map) = array.as_map_opt() else {
        return exec_err!("this is not the column `fields`");
    };
    Ok(map)
}

/// The columns that make up the record as it came.
struct Record<'a> {
    map: &'a MapArray,
    values: &'a StringArray,
    shapes: &'a BinaryArray,
}

impl<'a> Record<'a> {
    fn of(arrays: &'a [ArrayRef]) -> Result<Self> {
        let [fields, shapes] = arrays else {
            return exec_err!("the columns `fields` and `raw_shape` are needed");
        };
        let map = map_of(fields)?;
        let (Some(values), Some(shapes)) = (map.values().as_string_opt::<i32>(), shapes.as_binary_opt::<i32>()) else {
            return exec_err!("the columns `fields` and `raw_shape` are needed");
        };
        Ok(Self { map, values, shapes })
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.map.value_offsets();
        let at = |index: usize| usize::try_from(offsets[index]).unwrap_or(0);
        at(row)..at(row + 1)
    }

    fn bytes(&self, row: usize) -> Result<Vec<u8>> {
        let range = self.range(row);
        let text_at = |index: usize| {
            let index = range.start + index;
            (index < range.end && self.values.is_valid(index)).then(|| self.values.value(index))
        };
        raw_of(self.shapes.value(row), text_at).or_else(|error| exec_err!("{error}"))
    }
}

fn raw(record: &Record<'_>) -> Result<ArrayRef> {
    let texts: Vec<String> = (0..record.map.len())
        .map(|row| {
            record
                .bytes(row)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect::<Result<_>>()?;
    Ok(Arc::new(StringArray::from(texts)))
}

/// In which rows a text is in the value of a field, or in the record as it came.
fn has_text(record: &Record<'_>, text: &str) -> Result<BooleanArray> {
    let needle = fold(text);
    let finder = memchr::memmem::Finder::new(needle.as_bytes());
    let mut found = values_with(record, &finder);
    let mut folded = Vec::new();
    for (row, found) in found.iter_mut().enumerate().filter(|(_, found)| !**found) {
        folded.clear();
        fold_into(&record.bytes(row)?, &mut folded);
        *found = finder.find(&folded).is_some();
    }
    Ok(found.into())
}

/// In which rows a text is in the value of a field. The values of a batch lie one after the other, so that they are folded
/// and searched in one go; what is found across the border of two is not counted.
fn values_with(record: &Record<'_>, finder: &memchr::memmem::Finder<'_>) -> Vec<bool> {
    let mut found = vec![false; record.map.len()];
    let offsets = record.values.value_offsets();
    let at = |index: usize| usize::try_from(offsets[index]).unwrap_or(0);
    let mut folded = Vec::new();
    for (row, found) in found.iter_mut().enumerate() {
        let range = record.range(row);
        let bytes = &record.values.value_data()[at(range.start)..at(range.end)];
        folded.clear();
        if bytes.is_ascii() {
            fold_into(bytes, &mut folded);
            let begin = at(range.start);
            *found = finder.find_iter(&folded).any(|place| {
                let (first, end) = (begin + place, begin + place + finder.needle().len());
                let value = range.start
                    + offsets[range.start..=range.end]
                        .partition_point(|offset| usize::try_from(*offset).unwrap_or(0) <= first)
                    - 1;
                end <= at(value + 1)
            });
        } else {
            *found = range.into_iter().any(|index| {
                folded.clear();
                fold_into(record.values.value(index).as_bytes(), &mut folded);
                finder.find(&folded).is_some()
            });
        }
    }
    found
}

/// The value of the first field with a name; the texts are not copied.
fn field_of(map: &MapArray, name: &str) -> Result<ArrayRef> {
    let (Some(names), Some(values)) = (map.keys().as_string_opt::<i32>(), map.values().as_string_opt::<i32>()) else {
        return exec_err!("this is not the column `fields`");
    };
    let mut views = StringViewBuilder::with_capacity(map.len());
    let block = views.append_block(values.values().clone());
    let offsets = map.value_offsets();
    for row in 0..map.len() {
        let mut range = offsets[row]..offsets[row + 1];
        let index = range.find_map(|index| {
            let index = usize::try_from(index).unwrap_or(0);
            (names.value(index) == name).then_some(index)
        });
        match index.filter(|index| values.is_valid(*index)) {
            None => views.append_null(),
            Some(index) => {
                let at = u32::try_from(values.value_offsets()[index]).unwrap_or(0);
                let length = u32::try_from(values.value_length(index)).unwrap_or(0);
                views.try_append_view(block, at, length)?;
            }
        }
    }
    Ok(Arc::new(views.finish()))
}

/// First and last address of a network in CIDR notation (RFC 4632, RFC 4291), as they are stored.
pub(crate) fn network(text: &str) -> Result<([u8; 16], [u8; 16])> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let (Ok(address), Ok(bits)) = (
        address.trim().parse::<IpAddr>(),
        bits.map(|bits| bits.trim().parse::<u32>()).transpose(),
    ) else {
        return plan_err!("'{text}' is not a network like '203.0.113.0/24' or '2001:db8::/32'");
    };
    let (width, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
    let bits = bits.unwrap_or(width);
    if bits > width {
        return plan_err!("'{text}' is not a network: a prefix has at most {width} bits");
    }
    let mask = u128::MAX.checked_shl(128 - before - bits).unwrap_or(0);
    let number = u128::from_be_bytes(address_bytes(address));
    Ok(((number & mask).to_be_bytes(), (number | !mask).to_be_bytes()))
}

/// An address as it is stored, from its text.
pub(crate) fn address(text: &str) -> Result<ScalarValue> {
    match text.trim().parse::<IpAddr>() {
        Ok(address) => Ok(stored(address_bytes(address))),
        Err(_) if text.contains('/') => {
            plan_err!("'{text}' is a network; write cidr_match(column, '{text}')")
        }
        Err(_) => plan_err!("'{text}' is not an address like '203.0.113.7' or '2001:db8::7'"),
    }
}

pub(crate) fn stored(bytes: [u8; 16]) -> ScalarValue {
    ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec()))
}

fn addresses_of(array: &ArrayRef) -> Result<&FixedSizeBinaryArray> {
    match array.as_fixed_size_binary_opt() {
        Some(addresses) if addresses.value_length() == 16 => Ok(addresses),
        Some(_) | None => exec_err!("this is not a column of addresses"),
    }
}

fn cidr_match(array: &ArrayRef, text: &str) -> Result<BooleanArray> {
    let (first, last) = network(text)?;
    let addresses = addresses_of(array)?.iter();
    Ok(addresses
        .map(|address| address.map(|address| first.as_slice() <= address && address <= last.as_slice()))
        .collect())
}

/// Addresses as people write them.
pub(crate) fn address_texts(array: &ArrayRef) -> Result<ArrayRef> {
    let addresses = addresses_of(array)?.iter();
    let texts: StringArray = addresses
        .map(|address| {
            let octets: [u8; 16] = address?.try_into().ok()?;
            Some(Ipv6Addr::from(octets).to_canonical().to_string())
        })
        .collect();
    Ok(Arc::new(texts))
}

/// Whether a list has an item that is the text, or with a text that ends in `*`, one that begins so.
fn list_has(array: &ArrayRef, text: &str) -> Result<BooleanArray> {
    let Some(lists) = array.as_list_opt::<i32>() else {
        return exec_err!("this is not a column of lists");
    };
    let is_it = |item: &str| {
        text.strip_suffix('*')
            .map_or_else(|| item == text, |start| item.starts_with(start))
    };
    (0..lists.len())
        .map(|row| {
            let items = lists.value(row);
            let Some(items) = items.as_string_opt::<i32>() else {
                return exec_err!("this is not a list of texts");
            };
            Ok(Some(items.iter().flatten().any(is_it)))
        })
        .collect()
}

/// Which texts match a pattern, or which lists hold one that does; case and tone marks do not matter.
fn matches(array: &ArrayRef, pattern: &Pattern) -> Result<BooleanArray> {
    let mut folded = Vec::new();
    let mut is_match = |text: &str| {
        folded.clear();
        fold_into(text.as_bytes(), &mut folded);
        pattern.matches(&folded)
    };
    if let Some(lists) = array.as_list_opt::<i32>() {
        let rows = lists.iter().map(|items| {
            let items = items?;
            let items = items.as_string_opt::<i32>()?;
            Some(items.iter().flatten().any(&mut is_match))
        });
        return Ok(rows.collect());
    }
    let texts = datafusion::arrow::compute::cast(array, &DataType::Utf8View)?;
    Ok(texts
        .as_string_view()
        .iter()
        .map(|text| text.map(&mut is_match))
        .collect())
}

fn folded(array: &ArrayRef) -> Result<ArrayRef> {
    let texts = datafusion::arrow::compute::cast(array, &DataType::Utf8)?;
    let texts: StringArray = texts.as_string::<i32>().iter().map(|text| text.map(fold)).collect();
    Ok(Arc::new(texts))
}
