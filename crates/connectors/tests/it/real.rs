//! Delivery through real servers: Postfix, and the SMSC of npm's `smpp`. `cargo xtask components --install` puts them into `target/real`;
//! with `WATCHPOST_WITHOUT_REAL` set, tests whose server is missing say so and pass, without it they fail.

mod postfix;
mod smsc;

use connectors::channels::{Message, MessageKey};

pub(crate) const TEXT: &str =
    "Kính gửi ca trực: máy chủ «web-01» bị dò mật khẩu từ 192.0.2.9; đề nghị kiểm tra ngay. 😀";

pub(crate) fn message(key: &str, to: &str) -> Message {
    Message::text(
        MessageKey::new(key),
        to,
        TEXT,
        "2024-04-30T02:10:00+07:00".parse().unwrap(),
    )
}
