//! The named limits of processing pipelines.

/// Most processing items in one pipeline, nested ones included.
pub const ITEMS_MAX: usize = 10_000;
/// Deepest nesting of `nest` transformations.
pub const NEST_DEPTH_MAX: usize = 16;
/// Most memory that one compiled regular expression of a pipeline may take, in bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// Most items that one selection may become when a field is mapped to several or a value is taken apart.
pub const SELECTION_ITEMS_MAX: usize = 20_000;
/// Most values that one item may have after placeholders and mappings.
pub const ITEM_VALUES_MAX: usize = 20_000;
/// Longest value after a replacement, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
