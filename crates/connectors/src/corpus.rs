//! Replays the corpora of the fuzz targets in the ordinary test run.

use std::{fs, path::Path};

use crate::channels::{Format, Subscription, Template, smpp_receipts::read_text};

/// The files of a corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn receipts_are_read_or_not() {
    let read: Vec<_> = corpus("connectors_smpp_receipt")
        .into_iter()
        .map(|(name, bytes)| (name, read_text(&bytes).map(|receipt| receipt.id)))
        .collect();
    let expected = [
        ("delivered.txt", Some("7f3a")),
        ("inside-text.txt", None),
        ("not-utf8.txt", Some("��")),
        ("undelivered.txt", Some("12")),
    ];
    assert_eq!(
        read,
        expected.map(|(name, id)| (name.to_owned(), id.map(str::to_owned)))
    );
}

#[test]
fn templates_and_subscriptions_are_taken_or_refused() {
    for (name, bytes) in corpus("connectors_template") {
        let template = Template::parse(str::from_utf8(&bytes).unwrap());
        assert_eq!(template.is_ok(), name == "gateway.txt", "{name}");
        if let Ok(template) = template {
            assert!(template.fill(Format::Json, &|_| Some("x".repeat(1000))).len() > 1000);
        }
    }
    for (name, bytes) in corpus("connectors_subscription") {
        let subscription = Subscription::parse(str::from_utf8(&bytes).unwrap());
        assert_eq!(subscription.is_ok(), name == "chromium.json", "{name}");
    }
}
