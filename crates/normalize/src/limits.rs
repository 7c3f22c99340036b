//! The named limits of reading a record. What passes one stays in the raw record only, and a
//! [`LimitReached`](model::ProblemKind::LimitReached) problem says so.

/// How long after it was written a record counts as received just then, in seconds.
pub const JUST_THEN_SECONDS: i64 = 120;

/// Deepest nesting of objects and lists that is flattened into fields.
pub const DEPTH_MAX: usize = 32;

/// Most fields that one event gets.
pub const FIELDS_MAX: usize = 2_048;

/// Most values that one event gets, the elements of lists included.
pub const VALUES_MAX: usize = 16_384;

/// Longest name of a field in bytes, path included.
pub const NAME_BYTES_MAX: usize = 512;

/// Longest text that is copied into one field, in bytes; longer text is cut at a character boundary.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Most problems that are kept with one event.
pub const PROBLEMS_MAX: usize = 16;

/// Most envelopes inside each other (JSON in syslog in a shipper's JSON); deeper ones are left as text.
pub const ENVELOPES_MAX: usize = 4;

/// Most groups of fragments that wait at a time; the oldest goes out incomplete when one more begins.
pub const GROUPS_MAX: usize = 4_096;

/// Most fragments of one group; it goes out when it has so many.
pub const FRAGMENTS_MAX: u32 = 512;

/// Most bytes of raw fragments in one group; it goes out when it has so many.
pub const GROUP_BYTES_MAX: usize = 1024 * 1024;

/// How long a group waits for its end, counted from the receipt of its first fragment by the receipt of later records.
pub const GROUP_WAIT_SECONDS: i64 = 5;

/// How far after its receipt an event may claim to have happened: wrong zones and clocks are that far off.
pub const FUTURE_SECONDS_MAX: i64 = 26 * 3600;

/// Before this moment (1990-01-01T00:00:00Z) nothing that the post reads can have happened.
pub const EARLIEST_SECOND: i64 = 631_152_000;
