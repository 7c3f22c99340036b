//! Tools of the project: tests, house rules, benchmarks.
fn main() {}
