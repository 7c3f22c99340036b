//! What a sweep found, for people and for programs: a readable table, JSON lines, CSV, or one HTML page.

mod html;
mod labels;
mod rows;
mod summary;
mod table;

pub(crate) use html::write as write_html;
pub(crate) use rows::{write_csv_header, write_csv_row, write_json_row};
pub(crate) use summary::{Finding, Summary, techniques};
pub(crate) use table::{Style, write as write_table, write_problems};
