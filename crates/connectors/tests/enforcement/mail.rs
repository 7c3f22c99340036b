//! Asking by mail: one letter however often it is asked for, one more when it is taken back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use connectors::{
    channels::{Channel, Message, Receipt, Sending},
    enforcement::{Enforcer as _, MailDevice, MailDeviceConfig},
};
use model::ActionKind;

use crate::{block, contract::Case, demand};

/// A mail server that, as real ones do, keeps one letter for one key.
#[derive(Debug, Default)]
struct Post {
    letters: Mutex<BTreeMap<String, String>>,
}

impl Channel for Post {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let letter = format!("{}: {} {}", message.to, message.subject, message.text);
        self.letters.lock().unwrap().insert(message.key.to_string(), letter);
        let receipt = Receipt {
            reference: message.key.to_string(),
            note: "250".to_owned(),
        };
        Box::pin(async { Ok(receipt) })
    }
}

#[tokio::test]
async fn a_letter_holds_the_contract_as_far_as_letters_can() {
    let post = Arc::new(Post::default());
    let ask = demand(ActionKind::Ask {
        subject: "Đề nghị chặn 192.0.2.9".to_owned(),
        text: "Máy chủ dò mật khẩu.".to_owned(),
    });
    let config = MailDeviceConfig {
        channel: "mail".into(),
        to: "abuse@isp.example".into(),
        lift_prefix: None,
    };
    let isp = MailDevice::open(&config, post.clone()).unwrap();
    let state = || format!("{:#?}", post.letters.lock().unwrap());
    Case {
        enforcer: &isp,
        demand: ask.clone(),
        foreign: block(&["192.0.2.9"]),
        state: &state,
        visible: false,
    }
    .holds()
    .await;

    let config = MailDeviceConfig {
        lift_prefix: Some("Gỡ bỏ:".to_owned()),
        ..config
    };
    let isp = MailDevice::open(&config, post.clone()).unwrap();
    assert!(isp.plan(&ask).await.unwrap().undoable);
    isp.revert(&ask).await.unwrap();
    isp.revert(&ask).await.unwrap();
    let letters = post.letters.lock().unwrap();
    assert_eq!(letters.len(), 2);
    assert!(letters["action-1-lift"].contains("Gỡ bỏ: Đề nghị chặn 192.0.2.9"));
}
