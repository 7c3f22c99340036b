//! Rehearsals: a scripted attack as data, rendered into the records that its senders would have written.

pub(crate) mod night;
mod script;

pub(crate) use script::{Line, Script, Stage};

/// The rehearsals that the binary carries, by name: one whole night, and the training scenarios of the national response network.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[
    (
        "holiday-eve",
        include_str!("../../../../content/exercises/holiday-eve.toml"),
    ),
    (
        "exchange-mining",
        include_str!("../../../../content/exercises/exchange-mining.toml"),
    ),
    (
        "esxi-encryption",
        include_str!("../../../../content/exercises/esxi-encryption.toml"),
    ),
    (
        "sql-log-wipe",
        include_str!("../../../../content/exercises/sql-log-wipe.toml"),
    ),
    (
        "domain-takeover",
        include_str!("../../../../content/exercises/domain-takeover.toml"),
    ),
    (
        "outlook-ntlm-leak",
        include_str!("../../../../content/exercises/outlook-ntlm-leak.toml"),
    ),
    (
        "gambling-redirect",
        include_str!("../../../../content/exercises/gambling-redirect.toml"),
    ),
    (
        "veeam-fortigate-ransomware",
        include_str!("../../../../content/exercises/veeam-fortigate-ransomware.toml"),
    ),
];
