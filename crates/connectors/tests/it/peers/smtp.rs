//! A mail server that does as it is told; it speaks just enough of RFC 5321 and RFC 4954.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Behaviour, Peer, Seen};

pub(crate) async fn start() -> Peer {
    Peer::serving(serve).await
}

async fn serve(stream: TcpStream, peer: Peer) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 peer ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-peer\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            // RFC 4616: nothing, the account, the password.
            "AUTH" if line.trim_end() == format!("AUTH PLAIN {}", BASE64_STANDARD.encode("\0watch\0hunter2!")) => {
                "235 in"
            }
            "AUTH" => "535 5.7.8 wrong",
            "RCPT" => match peer.behaviour() {
                Behaviour::Refuse => "550 5.1.1 no such user",
                Behaviour::Busy => "451 4.3.0 come back",
                Behaviour::Throttle => "421 4.7.0 too many from you",
                Behaviour::Accept | Behaviour::Hang | Behaviour::Drop => "250 ok",
            },
            "DATA" => {
                stream.write_all(b"354 go\r\n").await?;
                let letter = read_letter(&mut stream).await?;
                match peer.behaviour() {
                    Behaviour::Hang => std::future::pending().await,
                    Behaviour::Drop => return Ok(()),
                    Behaviour::Accept | Behaviour::Refuse | Behaviour::Busy | Behaviour::Throttle => {
                        peer.see(read(&letter));
                    }
                }
                "250 2.0.0 queued as 1"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn read_letter(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut letter = String::new();
    let mut limited = stream.take(64 << 20);
    loop {
        let start = letter.len();
        if limited.read_line(&mut letter).await? == 0 || &letter[start..] == ".\r\n" {
            return Ok(letter);
        }
    }
}

/// The id and the text of a letter whose body is one part in base64.
fn read(letter: &str) -> Seen {
    let (head, body) = letter.split_once("\r\n\r\n").unwrap();
    let id = head.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    let packed: String = body.lines().filter(|line| *line != ".").collect();
    let text = if head.contains("Content-Transfer-Encoding: base64") {
        let bytes = BASE64_STANDARD.decode(packed).unwrap();
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    } else {
        body.to_owned()
    };
    Seen {
        id: id.to_owned(),
        text: Some(text),
    }
}
