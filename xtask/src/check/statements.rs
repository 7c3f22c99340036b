//! Parameters of SQL stand in their order: SQLite numbers `$2`, `$1` by first appearance, PostgreSQL by digit, so that anything else means one thing
//! here and another there.

use super::{Objection, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Objection> {
    files
        .iter()
        .filter(|file| file.crate_name() == Some("ledger"))
        .flat_map(|file| {
            file.text
                .split('"')
                .scan(1, |line, piece| {
                    let at = *line;
                    *line += piece.matches('\n').count();
                    Some((at, piece))
                })
                .filter(|(_, piece)| !in_order(piece))
                .map(|(at, _)| {
                    let detail = "number the parameters `$1`, `$2` … in the order in which they first stand";
                    Objection::new(format!("{}:{at}", file.path), "statements", detail)
                })
        })
        .collect()
}

/// Whether the numbers after `$` appear for the first time as 1, 2, 3 …
fn in_order(text: &str) -> bool {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    let numbers = text
        .split('$')
        .skip(1)
        .filter_map(|part| digits(part).parse::<usize>().ok());
    let mut highest = 0;
    numbers.into_iter().all(|number| {
        let fits = number <= highest + 1;
        highest = highest.max(number);
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn parameters_out_of_order_are_found() {
        assert!(in_order("SELECT $1, $2, $1, $3"));
        assert!(!in_order("SELECT a FROM t WHERE b < $2 AND c > $1"));
        assert!(in_order("no parameters, $ alone"));
    }
}
