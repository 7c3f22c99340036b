//! Syslog and HTTP inside TLS, with and without client certificates.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    Post,
    inbox::{MemoryInbox, receiving_into},
    quiet_config,
};
use crate::{IngestConfig, NoTokens, SyslogTlsConfig, TlsIdentity};

/// An authority, a server's and a client's certificate, valid for a hundred years.
fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls")
}

fn config(folder: &Path, with_clients: bool) -> IngestConfig {
    let mut config = quiet_config();
    let identity = TlsIdentity {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_authorities: with_clients.then(|| folder.join("ca.pem")),
    };
    config.syslog.tls = Some(SyslogTlsConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
        client_authorities: identity.client_authorities.clone(),
    });
    config.http.tls = Some(identity);
    config
}

fn connector(folder: &Path, with_client: bool) -> TlsConnector {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = if with_client {
        let chain = vec![CertificateDer::from_pem_file(folder.join("client.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(folder.join("client.key")).unwrap();
        builder.with_client_auth_cert(chain, key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    TlsConnector::from(Arc::new(config))
}

async fn send(to: std::net::SocketAddr, connector: &TlsConnector, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let stream = TcpStream::connect(to).await?;
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await?;
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn syslog_and_http_inside_tls() {
    let folder = certificates();
    let inbox: Arc<MemoryInbox> = Arc::default();
    let post = Post::start(&config(&folder, false), receiving_into(&inbox, NoTokens)).await;
    let connector = connector(&folder, false);
    let addresses = post.running.addresses;
    send(addresses.syslog_tls.unwrap(), &connector, b"9 <13>count6 <13>cd")
        .await
        .unwrap();
    assert_eq!(
        inbox.wait_for(2).await,
        ["syslog/127.0.0.1 <13>count", "syslog/127.0.0.1 <13>cd"]
    );
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = send(addresses.http.unwrap(), &connector, request).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // Somebody who does not speak TLS is counted and harms nobody.
    let mut plain = TcpStream::connect(addresses.syslog_tls.unwrap()).await.unwrap();
    plain.write_all(b"<13>plain\n").await.unwrap();
    let _ = plain.read_to_end(&mut Vec::new()).await;
    assert_eq!(
        post.receiving.counters.snapshot().listeners["syslog_tls"].connections_refused,
        1
    );
    post.stop().await;
}

#[tokio::test]
async fn a_client_certificate_can_be_required() {
    let folder = certificates();
    let inbox: Arc<MemoryInbox> = Arc::default();
    let post = Post::start(&config(&folder, true), receiving_into(&inbox, NoTokens)).await;
    let to = post.running.addresses.syslog_tls.unwrap();
    let stranger = send(to, &connector(&folder, false), b"<13>stranger\n").await;
    assert!(stranger.is_err());
    send(to, &connector(&folder, true), b"<13>known\n").await.unwrap();
    assert_eq!(inbox.wait_for(1).await, ["syslog/127.0.0.1 <13>known"]);
    post.stop().await;
}
