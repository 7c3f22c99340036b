//! Delivery through real servers: Postfix, and the SMSC of npm's `smpp`. `cargo xtask components --install` puts them into `target/real`;
//! with `WATCHPOST_WITHOUT_REAL` set, tests whose server is missing say so and pass, without it they fail.

mod postfix;
mod smsc;

use std::path::{Path, PathBuf};

use connectors::channels::{Message, MessageKey};

pub(crate) const TEXT: &str =
    "Kính gửi ca trực: máy chủ «web-01» bị dò mật khẩu từ 192.0.2.9; đề nghị kiểm tra ngay. 😀";

/// The folder that `cargo xtask` fills.
pub(crate) fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/real");
    std::env::var_os("WATCHPOST_REAL").map_or(beside, PathBuf::from)
}

/// Says loudly that a server is missing, and fails unless that was asked for.
pub(crate) fn absent(name: &str) {
    let message = format!("LEFT OUT: {name} is not here; `cargo xtask components --install` installs it");
    assert!(std::env::var_os("WATCHPOST_WITHOUT_REAL").is_some(), "{message}");
    println!("{message}");
}

pub(crate) fn message(key: &str, to: &str) -> Message {
    Message::text(
        MessageKey::new(key),
        to,
        TEXT,
        "2024-04-30T02:10:00+07:00".parse().unwrap(),
    )
}
