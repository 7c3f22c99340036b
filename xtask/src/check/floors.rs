//! Stairs go down: each crate depends only on the crates that the house's table allows it, and the pure floors on nothing that does I/O.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Objection, PURE};
use crate::run::output;

/// The table of `docs/HOUSE.md`: a crate and the crates of ours that it may depend on.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sigma", &[]),
    ("cacao", &[]),
    ("normalize", &["model"]),
    ("detect", &["model", "sigma"]),
    ("operations", &["model", "cacao"]),
    ("ingest", &["model", "journal"]),
    ("journal", &["model"]),
    ("lake", &["model"]),
    ("ledger", &["model"]),
    ("connectors", &["model"]),
    // Only ever a dev-dependency: it stands in no list.
    ("testkit", &[]),
    ("documents", &["model"]),
    ("evidence", &["model"]),
    ("console", &["model", "detect", "operations", "ledger", "lake"]),
    (
        "watchpost",
        &[
            "model",
            "sigma",
            "cacao",
            "normalize",
            "detect",
            "operations",
            "ingest",
            "journal",
            "lake",
            "ledger",
            "connectors",
            "console",
            "documents",
            "evidence",
        ],
    ),
];

/// What the pure floors must not be able to reach.
const IMPURE: &[&str] = &[
    "tokio", "axum", "hyper", "rusqlite", "reqwest", "rand", "rayon", "notify", "fjall",
];

pub(super) fn check(root: &Path) -> Result<Vec<Objection>> {
    let text =
        output(
            Command::new("cargo")
                .current_dir(root)
                .args(["metadata", "--no-deps", "--format-version", "1"]),
        )?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata did not print JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut objections = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if name == "xtask" {
            continue;
        }
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name) else {
            objections.push(Objection::new(
                name,
                "floors",
                "the crate has no place in the house's table",
            ));
            continue;
        };
        let dependencies = package["dependencies"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let on = dependency["name"].as_str().unwrap_or_default();
            if ours.contains(&on) && !allowed.contains(&on) {
                objections.push(Objection::new(name, "floors", format!("may not depend on `{on}`")));
            }
            if PURE.contains(&name) && IMPURE.contains(&on) {
                objections.push(Objection::new(
                    name,
                    "purity",
                    format!("is on a pure floor and may not depend on `{on}`"),
                ));
            }
        }
    }
    Ok(objections)
}
