//! Which keyword searches a record calls for. A rule is reached only through its access atoms, so a search whose access atoms the
//! record's raw text excludes is left out unless a rule that was reached by another way reads it.

use crate::atom::Test;
use crate::engine::FieldId;
use crate::fold::fold;
use crate::index::{Prefilter, needle_of};
use crate::regular::required_literals;

/// How a keyword search can be ruled out by the text of the whole record.
#[derive(Debug, Default)]
pub(crate) struct KeywordSearch {
    /// Needles of which a record must show one for an access atom of the search to hold; `None` if one of these has no needle.
    pub(crate) needles: Option<Vec<Box<str>>>,
    /// The search for the needles, if there are not too many.
    pub(crate) prefilter: Option<Prefilter>,
}

impl KeywordSearch {
    /// Makes the filter of a search from the tests of its access atoms.
    pub(crate) fn new<'a>(access: impl Iterator<Item = &'a Test>) -> Self {
        let needles: Option<Vec<Vec<Box<str>>>> = access.map(needles_of).collect();
        let needles: Option<Vec<Box<str>>> = needles.map(|needles| needles.into_iter().flatten().collect());
        let prefilter = needles
            .as_ref()
            .and_then(|needles| Prefilter::new(needles.iter().map(AsRef::as_ref)));
        Self { needles, prefilter }
    }

    /// Tells whether an access atom of the search may hold for a record whose text was folded.
    pub(crate) fn may_match(&self, folded: &[u8]) -> bool {
        let prefilter = self.prefilter.as_ref();
        prefilter.is_none_or(|prefilter| prefilter.may_match(folded))
    }
}

/// Returns needles of which any text that passes the test contains one.
pub(crate) fn needles_of(test: &Test) -> Option<Vec<Box<str>>> {
    let needle = |literal: &str| needle_of(literal).map(Box::from);
    match test {
        Test::Text { pattern, .. } => Some(vec![needle(&fold(pattern.longest_literal()?))?]),
        Test::Regex(regular) => {
            let literals = required_literals(regular.pattern())?;
            literals.iter().map(|literal| needle(literal)).collect()
        }
        Test::Present | Test::Null | Test::Cidr(_) | Test::Compare { .. } | Test::FieldRef { .. } => None,
    }
}

/// Makes one filter for several searches, if each of them has needles and these are not too many.
pub(crate) fn joint_prefilter<'a>(searches: impl Iterator<Item = &'a KeywordSearch>) -> Option<Prefilter> {
    let needles: Option<Vec<&[Box<str>]>> = searches.map(|search| search.needles.as_deref()).collect();
    needles
        .filter(|needles| !needles.is_empty())
        .and_then(|needles| Prefilter::new(needles.into_iter().flatten().map(AsRef::as_ref)))
}

/// The keyword searches of the fields that have one.
pub(crate) type KeywordSearches = hashbrown::HashMap<FieldId, KeywordSearch, foldhash::fast::FixedState>;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::document::{self, RuleDocument};
    use crate::engine::Engine;
    use crate::json::JsonScanner;
    use crate::matcher::{LogSourceSet, Matcher};
    use crate::rule::LogSource;

    const HEAD: &str = "title: t\nlogsource: {product: linux}\ndetection:\n";

    #[test]
    fn keywords_that_reach_no_rule_are_still_asked_where_they_decide() {
        for (detection, line, expect) in [
            (
                "k: ['scp ']\n  f: ['@']\n  condition: k and not f",
                r#"{"a":"scp x"}"#,
                true,
            ),
            (
                "k: ['scp ']\n  f: ['@']\n  condition: k and not f",
                r#"{"a":"scp x","b":"c@d"}"#,
                false,
            ),
            (
                "s: {T: EXECVE}\n  k: [4]\n  condition: s and k",
                r#"{"T":"execve","n":140}"#,
                true,
            ),
            (
                "s: {T: EXECVE}\n  k: [4]\n  condition: s and k",
                r#"{"T":"execve","n":10}"#,
                false,
            ),
            (
                "s: {T: EXECVE}\n  k: [word]\n  condition: s and not k",
                r#"{"T":"EXECVE"}"#,
                true,
            ),
            (
                "s: {T: EXECVE}\n  k: [word]\n  condition: s and not k",
                r#"{"T":"EXECVE","b":"\u0057ORD"}"#,
                false,
            ),
            ("k: [word]\n  condition: not k", r#"{"a":"other"}"#, true),
            ("k: [word]\n  condition: not k", r#"{"a":"a word"}"#, false),
        ] {
            let yaml = format!("{HEAD}  {detection}\n");
            let mut builder = Engine::builder();
            for document in document::parse("t.yml", &yaml).documents {
                if let RuleDocument::Rule(rule) = document {
                    builder.add(Arc::from(rule)).unwrap();
                }
            }
            let mut matcher = Matcher::new(Arc::new(builder.build()));
            let sources = LogSourceSet::new(vec![LogSource::new("", "linux", "auditd")]);
            let mut scanner = JsonScanner::new();
            let record = scanner.scan(line).unwrap();
            assert_eq!(
                matcher.matches(&record, &sources).len(),
                usize::from(expect),
                "{detection}: {line}"
            );
        }
    }
}
