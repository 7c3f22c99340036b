//! What `nft -j list` says about the post's own table.

use std::collections::BTreeSet;

use model::Network;
use serde::Deserialize;
use serde_json::Value;

use super::script::{CHAINS, SETS};

/// What stands in the table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The elements of the post's sets, as networks are written.
    pub(super) elements: BTreeSet<String>,
    chains: usize,
    rules: usize,
}

impl Listing {
    /// Whether the chains and rules are those of the layout, by their number.
    pub(super) fn is_whole(&self) -> bool {
        self.chains == CHAINS.len() && self.rules == CHAINS.len() * SETS.len()
    }
}

#[derive(Deserialize)]
struct Output {
    nftables: Vec<Value>,
}

/// Reads the output.
///
/// # Errors
/// When it is not what `nft` writes.
pub(super) fn read(json: &[u8]) -> Result<Listing, String> {
    let output: Output =
        serde_json::from_slice(json).map_err(|error| format!("nft's answer cannot be read: {error}"))?;
    let mut listing = Listing::default();
    for object in output.nftables {
        let name = |kind: &str| object.get(kind)?.get("name")?.as_str();
        if name("chain").is_some_and(|name| CHAINS.iter().any(|(chain, ..)| *chain == name)) {
            listing.chains += 1;
        }
        let drops = |rule: &Value| {
            let expressions = rule.get("expr").and_then(Value::as_array);
            expressions.is_some_and(|list| list.iter().any(|one| one.get("drop").is_some()))
        };
        if object.get("rule").is_some_and(drops) {
            listing.rules += 1;
        }
        if name("set").is_some_and(|name| SETS.iter().any(|(set, ..)| *set == name)) {
            let elements = object["set"].get("elem").and_then(Value::as_array);
            for element in elements.into_iter().flatten() {
                listing.elements.extend(element_text(element)?);
            }
        }
    }
    Ok(listing)
}

/// An element as a network is written; a range that is no network is written as its two ends.
fn element_text(element: &Value) -> Result<Option<String>, String> {
    let unknown = || {
        format!(
            "an element that is not understood: {}",
            crate::channels::shortened(&element.to_string(), 100)
        )
    };
    if let Some(text) = element.as_str() {
        return Ok(Some(
            text.parse::<Network>()
                .map_or_else(|_| text.to_owned(), |network| network.to_string()),
        ));
    }
    if let Some(inner) = element.get("elem").and_then(|elem| elem.get("val")) {
        // One level only: an element in an element is nothing that nft writes.
        return if inner.get("elem").is_some() {
            Err(unknown())
        } else {
            element_text(inner)
        };
    }
    if let Some(prefix) = element.get("prefix") {
        let address = prefix.get("addr").and_then(Value::as_str).ok_or_else(unknown)?;
        let length = prefix.get("len").and_then(Value::as_u64).ok_or_else(unknown)?;
        let network: Network = format!("{address}/{length}").parse().map_err(|_| unknown())?;
        return Ok(Some(network.to_string()));
    }
    if let Some([first, last]) = element.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        let text = |end: &Value| end.as_str().map(str::to_owned).ok_or_else(unknown);
        return Ok(Some(format!("{}-{}", text(first)?, text(last)?)));
    }
    Err(unknown())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_read_in_every_form() {
        let json = br#"{"nftables":[{"metainfo":{}},{"set":{"name":"addresses4","elem":["192.0.2.9",{"elem":{"val":"192.0.2.10","expires":5}}]}},
            {"set":{"name":"networks4","elem":[{"prefix":{"addr":"10.0.0.0","len":8}},{"range":["10.9.0.1","10.9.0.3"]}]}},
            {"set":{"name":"foreign","elem":["203.0.113.1"]}}]}"#;
        let listing = read(json).unwrap();
        let texts: Vec<&str> = listing.elements.iter().map(String::as_str).collect();
        assert_eq!(texts, ["10.0.0.0/8", "10.9.0.1-10.9.0.3", "192.0.2.10", "192.0.2.9"]);
        assert!(!listing.is_whole());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_elements_are_read_or_refused(text in r#"(\[|\]|\{|\}|"elem"|"val"|"prefix"|"range"|:|,|1|"a"){0,30}"#) {
            let _ = read(format!(r#"{{"nftables":[{{"set":{{"name":"addresses4","elem":[{text}]}}}}]}}"#).as_bytes());
        }
    }
}
