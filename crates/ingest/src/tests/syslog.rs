//! Syslog over UDP and TCP.

use std::{sync::Arc, time::Duration};

use model::{JournalEntry, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    Post,
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{NoTokens, Refused};

async fn post_into(inbox: &Arc<MemoryInbox>) -> Post {
    Post::start(&quiet_config(), receiving_into(inbox, NoTokens)).await
}

#[tokio::test]
async fn datagrams_become_records() {
    let inbox = Arc::default();
    let post = post_into(&inbox).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = post.running.addresses.syslog_udp.unwrap();
    let big = vec![b'x'; 65_507];
    for datagram in [&b"<13>one\n"[..], b"<13>two\0", b"", b"\n", b"\xff\x00\x01", &big] {
        socket.send_to(datagram, to).await.unwrap();
    }
    let shown = inbox.wait_for(4).await;
    assert_eq!(shown[..2], ["syslog/127.0.0.1 <13>one", "syslog/127.0.0.1 <13>two"]);
    assert_eq!(shown[2], "syslog/127.0.0.1 \u{fffd}\0\u{1}");
    let JournalEntry::Record(record) = &inbox.entries()[3] else {
        panic!("the longest datagram fits")
    };
    assert_eq!(
        (record.bytes.len(), record.transport, record.origin.as_str()),
        (65_507, Transport::SyslogUdp, "127.0.0.1")
    );
    post.stop().await;
}

#[tokio::test]
async fn a_datagram_above_the_limit_keeps_its_beginning() {
    let inbox = Arc::default();
    let mut config = quiet_config();
    config.syslog.message_bytes_max = 5;
    let post = Post::start(&config, receiving_into(&inbox, NoTokens)).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = post.running.addresses.syslog_udp.unwrap();
    socket.send_to(b"<13>abcdef", to).await.unwrap();
    assert_eq!(inbox.wait_for(1).await, ["syslog/127.0.0.1 Oversized: <13>a"]);
    let counts = post.receiving.counters.snapshot();
    let listener = &counts.listeners["syslog_udp"].records;
    assert_eq!((listener.received, listener.rejected.values().sum::<u64>()), (1, 1));
    post.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_datagram_is_kept_or_accounted_for_as_lost() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    inbox.set_full(true);
    let post = post_into(&inbox).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = post.running.addresses.syslog_udp.unwrap();
    let sent = 20_000;
    for _ in 0..sent {
        socket.send_to(&[b'x'; 1024], to).await.unwrap();
    }
    inbox.set_full(false);
    let account = || {
        inbox.entries().iter().fold((0, 0), |(kept, lost), entry| match entry {
            JournalEntry::Record(_) | JournalEntry::Rejection(_) => (kept + 1, lost),
            JournalEntry::Loss(loss) => (kept, lost + loss.records),
            JournalEntry::Tick(_) => (kept, lost),
        })
    };
    for _ in 0..100 {
        let (kept, lost) = account();
        if kept + lost >= sent {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (kept, lost) = account();
    assert_eq!(kept + lost, sent, "kept {kept}, lost {lost}");
    assert!(lost > 0, "more was sent than any buffer here holds");
    post.stop().await;
}

#[tokio::test]
async fn both_framings_on_one_connection_and_an_unfinished_end() {
    let inbox = Arc::default();
    let post = post_into(&inbox).await;
    let mut stream = TcpStream::connect(post.running.addresses.syslog_tcp.unwrap())
        .await
        .unwrap();
    for piece in [&b"<13>li"[..], b"ne\n9 <13>coun", b"t6 <13>cd<13>last"] {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.shutdown().await.unwrap();
    assert_eq!(
        stream.read(&mut [0; 1]).await.unwrap(),
        0,
        "the post closes what was half closed"
    );
    let expected = ["<13>line", "<13>count", "<13>cd", "<13>last"].map(|m| format!("syslog/127.0.0.1 {m}"));
    assert_eq!(inbox.wait_for(4).await, expected);
    post.stop().await;
}

#[tokio::test]
async fn a_full_journal_stops_the_reading_and_loses_nothing() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    inbox.set_full(true);
    let post = post_into(&inbox).await;
    let mut stream = TcpStream::connect(post.running.addresses.syslog_tcp.unwrap())
        .await
        .unwrap();
    let line = format!("<13>{}\n", "x".repeat(1000));
    let mut sent = 0_usize;
    // The sender's window fills: at some point no more can be written.
    while timeout(Duration::from_millis(300), stream.write_all(line.as_bytes()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 100_000, "a full journal must push back");
    }
    assert!(inbox.entries().is_empty());
    inbox.set_full(false);
    // The last line was cut short by the time limit.
    drop(stream);
    let shown = inbox.wait_for(sent).await;
    assert!(shown.len() >= sent, "{} of {sent}", shown.len());
    assert!(post.receiving.counters.snapshot().listeners["syslog_tcp"].pushed_back > 0);
    post.stop().await;
}

#[tokio::test]
async fn a_failing_journal_is_tried_again() {
    let inbox: Arc<MemoryInbox> = Arc::default();
    inbox.refuse([Refused::Failed("disk".into()), Refused::Full]);
    let post = post_into(&inbox).await;
    let mut stream = TcpStream::connect(post.running.addresses.syslog_tcp.unwrap())
        .await
        .unwrap();
    stream.write_all(b"<13>a\n").await.unwrap();
    assert_eq!(inbox.wait_for(1).await, ["syslog/127.0.0.1 <13>a"]);
    post.stop().await;
}

#[tokio::test]
async fn a_dripping_sender_is_cut_and_a_silent_one_is_not() {
    let inbox = Arc::default();
    let mut config = quiet_config();
    config.syslog.message_seconds_max = 1;
    let post = Post::start(&config, receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.syslog_tcp.unwrap();
    let mut silent = TcpStream::connect(to).await.unwrap();
    let mut dripping = TcpStream::connect(to).await.unwrap();
    let drip = async {
        for _ in 0..30 {
            let _ = dripping.write_all(b"x").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    drip.await;
    let shown = inbox.wait_for(1).await;
    assert!(shown[0].starts_with("syslog/127.0.0.1 Truncated: xxxx"), "{shown:?}");
    silent.write_all(b"<13>still here\n").await.unwrap();
    assert_eq!(inbox.wait_for(2).await[1], "syslog/127.0.0.1 <13>still here");
    post.stop().await;
}

#[tokio::test]
async fn connections_are_limited_per_address() {
    let inbox = Arc::default();
    let mut config = quiet_config();
    config.syslog.connections_per_peer_max = 2;
    let post = Post::start(&config, receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.syslog_tcp.unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(to).await.unwrap());
    }
    let mut third = TcpStream::connect(to).await.unwrap();
    let closed = timeout(Duration::from_secs(5), third.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
    held.pop();
    for _ in 0..100 {
        let mut again = TcpStream::connect(to).await.unwrap();
        let _ = again.write_all(b"<13>in\n").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !inbox.shown().is_empty() {
            break;
        }
    }
    assert_eq!(inbox.shown()[0], "syslog/127.0.0.1 <13>in");
    let counts = post.receiving.counters.snapshot();
    assert!(counts.listeners["syslog_tcp"].connections_refused >= 1);
    post.stop().await;
}
