//! RELP: nothing is acknowledged before it is kept, and what is not acknowledged the sender still has.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Post,
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{NoTokens, Refused, RelpConfig};

const OPEN: &[u8] = b"1 open 30 relp_version=0\ncommands=syslog\n";

async fn post_into(inbox: &Arc<MemoryInbox>) -> Post {
    let mut config = quiet_config();
    config.syslog.message_bytes_max = 40;
    config.syslog.message_seconds_max = 1;
    config.syslog.relp = Some(RelpConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
    });
    Post::start(&config, receiving_into(inbox, NoTokens)).await
}

async fn session(post: &Post) -> TcpStream {
    let mut stream = TcpStream::connect(post.running.addresses.relp.unwrap()).await.unwrap();
    stream.write_all(OPEN).await.unwrap();
    let said = heard(&mut stream).await;
    assert!(said.starts_with("1 rsp ") && said.contains("commands=syslog"), "{said}");
    stream
}

/// What comes within a short while.
async fn heard(stream: &mut TcpStream) -> String {
    let mut said = vec![0; 4096];
    let read = timeout(Duration::from_millis(300), stream.read(&mut said)).await;
    let read = read.map_or(0, Result::unwrap);
    String::from_utf8_lossy(&said[..read]).into_owned()
}

#[tokio::test]
async fn each_message_is_acknowledged_and_the_end_is_answered() {
    let inbox = Arc::default();
    let post = post_into(&inbox).await;
    let mut stream = session(&post).await;
    let long = format!("3 syslog 50 {}\n", "x".repeat(50));
    let sent = [
        "2 syslog 13 <13>xin ch\u{e0}o\n".as_bytes(),
        long.as_bytes(),
        b"4 starttls 0\n5 close 0\n",
    ]
    .concat();
    stream.write_all(&sent).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(
        said,
        "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 23 500 no command starttls\n5 rsp 6 200 OK\n0 serverclose 0\n"
    );
    let oversized = format!("syslog/127.0.0.1 Oversized: {}", "x".repeat(40));
    assert_eq!(inbox.wait_for(2).await, ["syslog/127.0.0.1 <13>xin chào", &oversized]);
    post.stop().await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_kept() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let post = post_into(&inbox).await;
    let mut stream = session(&post).await;
    inbox.set_full(true);
    stream.write_all(b"2 syslog 1 a\n3 syslog 1 b\n").await.unwrap();
    assert_eq!(heard(&mut stream).await, "");
    inbox.set_full(false);
    inbox.refuse([Refused::Failed("disk".into())]);
    inbox.set_pause(Duration::from_millis(20));
    inbox.wait_for(2).await;
    assert_eq!(heard(&mut stream).await, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
    assert_eq!(inbox.shown(), ["syslog/127.0.0.1 a", "syslog/127.0.0.1 b"]);
    assert!(post.receiving.counters.snapshot().listeners["relp"].pushed_back > 0);
    post.stop().await;
}

#[tokio::test]
async fn nonsense_and_dripping_end_the_session() {
    let inbox = Arc::default();
    let post = post_into(&inbox).await;
    let mut nonsense = TcpStream::connect(post.running.addresses.relp.unwrap()).await.unwrap();
    nonsense.write_all(b"<13>plain syslog\n").await.unwrap();
    let mut said = String::new();
    nonsense.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "0 serverclose 0\n");
    assert_eq!(
        inbox.wait_for(1).await,
        ["syslog/127.0.0.1 BadFraming: <13>plain syslog\n"]
    );
    let mut dripping = session(&post).await;
    let drip = async {
        loop {
            if dripping.write_all(b"0").await.is_err() {
                return;
            }
            if heard(&mut dripping).await.contains("serverclose") {
                return;
            }
        }
    };
    timeout(Duration::from_secs(5), drip).await.expect("the session ends");
    post.stop().await;
}
