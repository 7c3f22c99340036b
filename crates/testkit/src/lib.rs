//! What the tests of several crates share: where the real programs are that they speak to, and what becomes of a test when
//! one is missing. `cargo xtask components --install` puts them there.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The folder that `cargo xtask` fills: `WATCHPOST_REAL`, or `target/real`.
#[must_use]
pub fn real_folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/real");
    std::env::var_os("WATCHPOST_REAL").map_or(beside, PathBuf::from)
}

/// Says loudly that a program is missing.
///
/// # Panics
/// Unless `WATCHPOST_WITHOUT_REAL` asks for the tests without it.
#[expect(clippy::print_stdout, reason = "whoever runs the tests must see what was left out")]
pub fn absent(name: &str) {
    let message = format!("LEFT OUT: {name} is not here; `cargo xtask components --install` installs it");
    assert!(std::env::var_os("WATCHPOST_WITHOUT_REAL").is_some(), "{message}");
    println!("{message}");
}

/// A program of the machine.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
}

/// The Python that has a module.
#[must_use]
pub fn python(module: &str) -> Option<PathBuf> {
    let python = real_folder().join("python/bin/python");
    let imported = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output()
        .ok()?;
    imported.status.success().then_some(python)
}
