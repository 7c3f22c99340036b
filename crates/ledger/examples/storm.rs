//! Puts a storm of messages into the outbox of a data folder, as one decision of a post that is not running. Used by
//! `cargo xtask bench notify`: `cargo run --profile quick -p ledger --example storm -- FOLDER CHANNEL MESSAGES …` (pairs of channel and number).
#![expect(clippy::disallowed_methods, reason = "a decision is made now")]

use ledger::{Ledger, Options};
use model::{Actor, Decision, Delivery, Effect, Timestamp};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, storms) = arguments.split_first().expect("a folder, then channels and numbers");
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let ledger = Ledger::open(Options::in_folder(folder.as_ref()), Timestamp::now()).expect("the ledger opens");
    let effects = storms
        .chunks(2)
        .flat_map(|storm| {
            let messages: u64 = storm[1].parse().expect("a number after each channel");
            (0..messages).map(|number| message(&storm[0], number))
        })
        .collect();
    let decision = Decision {
        at: Timestamp::now(),
        actor: Actor::Post { part: "bench".into() },
        action: "bench.storm".into(),
        reason: Some("a storm to be measured".into()),
        changes: Vec::new(),
        effects,
    };
    ledger.apply(&decision).expect("nothing is in the way");
}

fn message(channel: &str, number: u64) -> Effect {
    Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: channel.to_owned(),
            to: format!("nguoi.{number}@example.vn"),
            subject: format!("[high] Dò mật khẩu SSH trên máy chủ {number}"),
            text: "Có người dò mật khẩu SSH từ 192.0.2.9; 214 lần trong 10 phút, chưa lần nào vào được.".to_owned(),
            link: Some(format!("https://watch.example.vn/alerts/{number}")),
            urgent: true,
            about: None,
        }),
    }
}
