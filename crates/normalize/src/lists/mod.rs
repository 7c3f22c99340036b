//! Lists of indicators as they are published, read into what can be looked for.

mod plain;

pub use plain::Indicators;
