//! An HTTP API that keeps a list: the contract, nonsense answers, and a secret that is never shown.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
};

use connectors::{
    SecretReference,
    channels::DeliveryError,
    enforcement::{
        CallConfig, CheckConfig, DeviceConfig, DevicesConfig, Enforcer, HttpDeviceConfig, Opening, RequestConfig,
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    SECRET, block,
    contract::{Case, gives_up_in_time},
    invoke,
};

type Held = Arc<Mutex<BTreeSet<String>>>;

/// Serves `PUT`, `GET` and `DELETE /list/…`; `/nonsense/…` answers what is no JSON, `/hang/…` nothing.
async fn serve(held: Held) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&held)));
        }
    });
    port
}

async fn answer(stream: TcpStream, held: Held) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length, mut known) = (String::new(), 0, false);
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            known |= line == format!("authorization: bearer {SECRET}");
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let name = path.rsplit('/').next().unwrap().to_owned();
        let (status, body) = if path.starts_with("/hang/") {
            std::future::pending().await
        } else if path.starts_with("/nonsense/") {
            ("200 OK", "<html>not what you think".to_owned())
        } else if !known {
            ("401 Unauthorized", format!("wrong token {SECRET}"))
        } else {
            let mut held = held.lock().unwrap();
            match method {
                "PUT" => drop(held.insert(name.clone())),
                "DELETE" => drop(held.remove(&name)),
                _ => {}
            }
            if method == "GET" && !held.contains(&name) {
                ("404 Not Found", String::new())
            } else {
                ("200 OK", format!("{{\"item\":{{\"address\":\"{name}\"}}}}"))
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn request(method: &str, port: u16, path: &str) -> RequestConfig {
    RequestConfig {
        method: method.to_owned(),
        url: format!("http://127.0.0.1:{port}/{path}/{{{{address}}}}"),
        headers: [("authorization".to_owned(), "Bearer {{secret}}".to_owned())].into(),
        body: (method == "PUT").then(|| r#"{"why":"{{reason}}","token":"{{secret}}"}"#.to_owned()),
        format: connectors::channels::Format::Json,
    }
}

fn call(port: u16, path: &str) -> CallConfig {
    CallConfig {
        apply: request("PUT", port, path),
        revert: Some(request("DELETE", port, path)),
        verify: Some(CheckConfig {
            ask: request("GET", port, path),
            pointer: Some("/item/address".to_owned()),
            equals: Some("{{address}}".to_owned()),
        }),
    }
}

#[tokio::test]
async fn an_api_holds_the_contract() {
    let held = Held::default();
    let port = serve(Arc::clone(&held)).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    fs::write(&secret, SECRET).unwrap();
    let calls = ["list", "nonsense", "hang"].map(|path| (path.to_owned(), call(port, path)));
    let config = HttpDeviceConfig {
        calls: calls.into(),
        secret: Some(SecretReference::File(secret.clone())),
        timeout_seconds: 1,
        ..HttpDeviceConfig::default()
    };
    let open = |config: HttpDeviceConfig| {
        let opening = Opening {
            folder: folder.path(),
            channels: &[],
            clock: Arc::new(|| "2026-11-25T10:00:00Z".parse().unwrap()),
        };
        let devices = [("waf".to_owned(), DeviceConfig::Http(config))].into();
        DevicesConfig { devices }.open(&opening).unwrap().remove(0).enforcer
    };
    let waf: Arc<dyn Enforcer> = open(config.clone());
    let state = || format!("{:?}", held.lock().unwrap());
    Case {
        enforcer: &*waf,
        demand: invoke("list", &[("address", "192.0.2.9")]),
        foreign: block(&["192.0.2.9"]),
        state: &state,
        visible: true,
    }
    .holds()
    .await;
    gives_up_in_time(&*waf, &invoke("hang", &[("address", "x")])).await;
    gives_up_in_time(&*waf, &invoke("nonsense", &[("address", "x")])).await;

    fs::write(&secret, format!("{SECRET}-wrong")).unwrap();
    let error = open(config)
        .apply(&invoke("list", &[("address", "x")]))
        .await
        .unwrap_err();
    assert!(matches!(error, DeliveryError::Permanent { .. }), "{error:?}");
    assert!(
        error.to_string().contains("401") && !error.to_string().contains("-wrong"),
        "{error}"
    );
}
