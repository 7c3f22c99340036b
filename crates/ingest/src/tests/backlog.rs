//! Senders and the bound on what is received but not decided on: over HTTP they are told to come back, over TCP they wait, and datagrams
//! are kept.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
};

use super::{
    Post,
    http::call,
    inbox::{MemoryInbox, receiving_with},
    quiet_config,
};
use crate::Backlog;

const BODY: &[u8] = b"{\"create\":{}}\n{\"a\":1}\n{\"create\":{}}\n{\"a\":2}\n{\"create\":{}}\n{\"a\":3}\n";

async fn post_with(entries_max: u64) -> (Post, Arc<MemoryInbox>) {
    let inbox: Arc<MemoryInbox> = Arc::default();
    let receiving = receiving_with(&inbox, Backlog::new(entries_max, 0, 0));
    (Post::start(&quiet_config(), receiving).await, inbox)
}

#[tokio::test]
async fn http_senders_come_back_when_decisions_have_caught_up() {
    let (post, inbox) = post_with(3).await;
    let to = post.running.addresses.http.unwrap();
    assert_eq!(call(to, "POST /logs/_bulk", "", BODY).await.status, 200);
    let refused = call(to, "POST /logs/_bulk", "", BODY).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["type"].as_str()),
        (429, Some("es_rejected_execution_exception"))
    );
    assert!(refused.head.contains("retry-after"));
    for path in ["POST /v1/ndjson", "POST /logs/_doc"] {
        assert_eq!(call(to, path, "", b"{\"a\":1}").await.status, 429, "{path}");
    }
    assert_eq!(inbox.entries().len(), 3);
    post.receiving.backlog.decided(1);
    assert_eq!(call(to, "POST /logs/_bulk", "", BODY).await.status, 200);
    assert_eq!(post.receiving.backlog.entries(), 5);
    assert_eq!(post.receiving.counters.snapshot().listeners["bulk"].pushed_back, 2);
    post.stop().await;
}

#[tokio::test]
async fn a_short_lag_is_waited_for_and_not_answered() {
    let (post, inbox) = post_with(3).await;
    let to = post.running.addresses.http.unwrap();
    call(to, "POST /logs/_bulk", "", BODY).await;
    let backlog = Arc::clone(&post.receiving.backlog);
    let deciding = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        backlog.decided(3);
    });
    assert_eq!(call(to, "POST /logs/_bulk", "", BODY).await.status, 200);
    deciding.await.unwrap();
    assert_eq!(inbox.entries().len(), 6);
    post.stop().await;
}

#[tokio::test]
async fn tcp_waits_and_datagrams_do_not() {
    let (post, inbox) = post_with(2).await;
    let mut tcp = TcpStream::connect(post.running.addresses.syslog_tcp.unwrap())
        .await
        .unwrap();
    tcp.write_all(b"<13>1\n<13>2\n").await.unwrap();
    inbox.wait_for(2).await;
    tcp.write_all(b"<13>3\n").await.unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let datagrams = post.running.addresses.syslog_udp.unwrap();
    udp.send_to(b"<13>datagram", datagrams).await.unwrap();
    inbox.wait_for(3).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(inbox.shown()[2..], ["syslog/127.0.0.1 <13>datagram"]);
    post.receiving.backlog.decided(3);
    assert_eq!(inbox.wait_for(4).await[3], "syslog/127.0.0.1 <13>3");
    assert_eq!(
        post.receiving.counters.snapshot().listeners["syslog_tcp"].pushed_back,
        1
    );
    post.stop().await;
}

/// A pump that is slower than its senders: what waits stays near the limit, and everything is taken in the end.
#[tokio::test]
async fn senders_faster_than_decisions_are_held_to_their_pace() {
    let (post, inbox) = post_with(50).await;
    let to = post.running.addresses.http.unwrap();
    let backlog = Arc::clone(&post.receiving.backlog);
    let pump = tokio::spawn(async move {
        let (mut decided, mut highest) = (0, 0);
        while decided < 600 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            highest = highest.max(backlog.entries());
            decided += backlog.entries().min(7);
            backlog.decided(decided);
        }
        highest
    });
    let senders: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn(async move {
                let mut taken = 0;
                while taken < 50 {
                    if call(to, "POST /logs/_bulk", "", BODY).await.status == 200 {
                        taken += 1;
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let highest = pump.await.unwrap();
    assert_eq!(inbox.entries().len(), 600);
    assert!(
        (50..50 + 3).contains(&highest),
        "{highest} entries waited at a limit of 50"
    );
    post.stop().await;
}
