//! A web server that does as it is told.

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
    loop {
        let (mut id, mut length) = (String::new(), 0_usize);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" | "topic" => value.trim().clone_into(&mut id),
                "content-length" => length = value.trim().parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = match peer.behaviour() {
            Behaviour::Accept => {
                let body: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
                let text = body.and_then(|body| Some(body.get("text")?.as_str()?.to_owned()));
                peer.see(Seen { id, text });
                "201 Created\r\nLocation: https://push.example/m/1"
            }
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Drop => return Ok(()),
            Behaviour::Refuse => "403 Forbidden",
            Behaviour::Busy => "503 Service Unavailable",
            Behaviour::Throttle => "429 Too Many Requests\r\nRetry-After: 7",
        };
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await?;
    }
}
