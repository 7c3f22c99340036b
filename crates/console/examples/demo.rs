//! Serves the console over a seeded temporary post on loopback, for trials in a browser: sign in as `ha`, `minh`,
//! `lan`, `khach` or `kiem` with the password that is printed.

#[path = "../tests/post/mod.rs"]
mod post;

use std::{io::Write, net::SocketAddr, sync::Arc};

use console::{Clock, Randomness};
use post::{PASSWORD, Post};

struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the demo is its own composition root")]
    fn now(&self) -> model::Timestamp {
        model::Timestamp::now()
    }
}

/// Randomness of the operating system.
struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        std::fs::File::open("/dev/urandom")
            .and_then(|mut source| std::io::Read::read_exact(&mut source, bytes))
            .expect("the system has randomness");
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8480".to_owned());
    let post = Post::new(Arc::new(WallClock), Arc::new(SystemRandomness));
    let listener = tokio::net::TcpListener::bind(&address).await?;
    writeln!(std::io::stdout(), "http://{}/  ha / {PASSWORD}", listener.local_addr()?)?;
    let router = console::router(post.state.clone());
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
}
