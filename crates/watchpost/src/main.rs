//! Watchpost: one binary that receives, keeps, understands, detects, and puts a person in charge.

mod clock;
mod exercise;
mod sweep;

fn main() {}
