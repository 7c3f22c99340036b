//! Probes: whether a service answers as it should. Each is bounded in time, and says in one line what went wrong.

mod ping;
mod tls;

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    process::{Command, Stdio},
    time::Duration,
};

use model::Probe;

use crate::outbound;

/// Longest time of one probe.
pub const LONGEST: Duration = Duration::from_secs(10);
/// Most bytes of a page that are looked through.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;
/// Most bytes of a greeting.
const GREETING_BYTES_MAX: u64 = 512;

/// Asks once. Blocks for at most a few times [`LONGEST`].
///
/// # Errors
/// What went wrong, in one line.
pub fn ask(probe: &Probe) -> Result<(), String> {
    match probe {
        Probe::Http { url, holds } => http(url, holds),
        Probe::Tcp { address } => connect(address).map(|_| ()),
        Probe::Smtp { address } => smtp(address),
        Probe::Dns { name, resolver } => dns(name, resolver.as_deref()),
        Probe::Tls {
            address,
            days,
            authorities,
        } => tls::ask(address, *days, authorities.as_deref()),
        Probe::Ping { host } => ping::ask(host),
        Probe::Command { program, arguments } => command(program, arguments),
    }
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = address
        .to_socket_addrs()
        .map_err(|error| format!("{address}: {error}"))?
        .collect();
    if found.is_empty() {
        return Err(format!("{address}: no address"));
    }
    Ok(found)
}

fn connect(address: &str) -> Result<TcpStream, String> {
    let mut last = String::new();
    for place in resolve(address)?.into_iter().take(4) {
        match TcpStream::connect_timeout(&place, LONGEST) {
            Ok(stream) => {
                let bounded = stream
                    .set_read_timeout(Some(LONGEST))
                    .and(stream.set_write_timeout(Some(LONGEST)));
                return bounded.map(|()| stream).map_err(|error| error.to_string());
            }
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

/// RFC 5321, 4.2: a server that is ready greets with 220.
fn smtp(address: &str) -> Result<(), String> {
    let mut greeting = Vec::new();
    let stream = connect(address)?;
    BufReader::new(stream)
        .take(GREETING_BYTES_MAX)
        .read_until(b'\n', &mut greeting)
        .map_err(|error| format!("{address}: {error}"))?;
    if greeting.starts_with(b"220") {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&greeting);
    Err(format!("{address}: it greets with {:?}", said.trim()))
}

fn http(url: &str, holds: &str) -> Result<(), String> {
    let agent: ureq::Agent = outbound::probing(LONGEST);
    let mut answer = agent.get(url).call().map_err(|error| format!("{url}: {error}"))?;
    let status = answer.status();
    if !(status.is_success() || status.is_redirection()) {
        return Err(format!("{url}: status {}", status.as_u16()));
    }
    if holds.is_empty() {
        return Ok(());
    }
    let mut page = Vec::new();
    answer
        .body_mut()
        .as_reader()
        .take(PAGE_BYTES_MAX)
        .read_to_end(&mut page)
        .map_err(|error| format!("{url}: {error}"))?;
    if page.windows(holds.len()).any(|window| window == holds.as_bytes()) {
        Ok(())
    } else {
        Err(format!("{url}: the page does not hold {holds:?}"))
    }
}

/// Asks for the addresses of a name: a resolver by one question over UDP (RFC 1035, 4.1), or the machine's own way.
fn dns(name: &str, resolver: Option<&str>) -> Result<(), String> {
    let Some(resolver) = resolver else {
        return resolve(&format!("{name}:0")).map(|_| ());
    };
    let question = question(name).ok_or_else(|| format!("{name}: no name that can be asked for"))?;
    let place = resolve(resolver)?[0];
    let any = if place.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let failed = |error: std::io::Error| format!("{resolver}: {error}");
    let socket = UdpSocket::bind(any).map_err(failed)?;
    socket.set_read_timeout(Some(LONGEST)).map_err(failed)?;
    socket.connect(place).map_err(failed)?;
    socket.send(&question).map_err(failed)?;
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer).map_err(failed)?;
    judge(&answer[..length]).map_err(|why| format!("{name} at {resolver}: {why}"))
}

/// A question for the IPv4 addresses of a name.
fn question(name: &str) -> Option<Vec<u8>> {
    // The number of the question says nothing: the socket takes answers from the resolver only.
    let mut bytes = vec![0x57, 0x50, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=63).contains(length))?;
        bytes.push(length);
        bytes.extend(label.bytes());
    }
    bytes.extend([0, 0, 1, 0, 1]);
    (bytes.len() <= 12 + 255 + 4).then_some(bytes)
}

fn judge(answer: &[u8]) -> Result<(), String> {
    let [0x57, 0x50, flags, code, _, _, many, few, ..] = answer else {
        return Err("an answer that cannot be read".to_owned());
    };
    if flags & 0x80 == 0 {
        return Err("a question instead of an answer".to_owned());
    }
    match (code & 0x0f, u16::from_be_bytes([*many, *few])) {
        (0, 1..) => Ok(()),
        (0, 0) => Err("no address".to_owned()),
        (3, _) => Err("no such name".to_owned()),
        (code, _) => Err(format!("the resolver failed with code {code}")),
    }
}

fn command(program: &str, arguments: &[String]) -> Result<(), String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let pause = Duration::from_millis(20);
    for _ in 0..LONGEST.as_millis() / pause.as_millis() {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program}: {status}")),
            Ok(None) => std::thread::sleep(pause),
            Err(error) => return Err(format!("{program}: {error}")),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("{program}: it did not end in time"))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, thread};

    use proptest::prelude::*;

    use super::*;

    /// A server that says one thing to one caller.
    fn says(words: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            if words.starts_with("HTTP") {
                let _ = stream.read(&mut [0; 1024]);
            }
            stream.write_all(words.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn answers_are_judged_and_what_is_wrong_is_said() {
        let refused = "127.0.0.1:1".to_owned();
        let http = |words, holds: &str| Probe::Http {
            url: format!("http://{}/", says(words)),
            holds: holds.to_owned(),
        };
        let command = |program: &str| Probe::Command {
            program: program.to_owned(),
            arguments: Vec::new(),
        };
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nC\u{1ed5}ng th\u{f4}ng";
        let gone = "HTTP/1.1 503 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let cases = [
            (Probe::Tcp { address: says("") }, None),
            (
                Probe::Tcp {
                    address: refused.clone(),
                },
                Some("refused"),
            ),
            (
                Probe::Smtp {
                    address: says("220 mx ready\r\n"),
                },
                None,
            ),
            (
                Probe::Smtp {
                    address: says("554 no\r\n"),
                },
                Some("554 no"),
            ),
            (http(ok, "C\u{1ed5}ng"), None),
            (http(ok, "gambling"), Some("does not hold")),
            (http(gone, ""), Some("503")),
            (command("true"), None),
            (command("false"), Some("exit status: 1")),
            (command("/nonexistent"), Some("/nonexistent")),
        ];
        for (probe, expected) in cases {
            let said = ask(&probe);
            match expected {
                None => assert_eq!(said, Ok(()), "{probe:?}"),
                Some(words) => assert!(
                    said.as_ref().is_err_and(|said| said.contains(words)),
                    "{probe:?}: {said:?}"
                ),
            }
        }
    }

    #[test]
    fn a_host_that_answers_echo_requests_is_there() {
        let ping = |host: &str| ask(&Probe::Ping { host: host.to_owned() });
        // Where the kernel lets nobody but root ask, only root can show it.
        match ping("127.0.0.1") {
            Err(said) if said.contains("ermission") => testkit::absent("the right to send echo requests"),
            said => assert_eq!(said, Ok(())),
        }
        assert!(ping("nowhere.invalid").is_err());
        assert_eq!(
            ping::judge(b"\x03\x01\0\0\0\0\0\0", true),
            Err("it answers with type 3, code 1".to_owned())
        );
        assert!(ping::judge(b"", true).is_err());
    }

    /// A server with a certificate for `localhost` that is good for so many days; gives the file of its authority and its address.
    fn certified(folder: &std::path::Path, days: &str) -> Option<(String, String)> {
        let openssl = testkit::on_path("openssl")?;
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (file("key.pem"), file("certificate.pem"));
        let made = Command::new(&openssl)
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                days,
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=CA:FALSE",
            ])
            .args(["-keyout", &key, "-out", &certificate])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let server = openssl_server(&key, &certificate);
        Some((certificate, server))
    }

    fn openssl_server(key: &str, certificate: &str) -> String {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
        let chain = CertificateDer::pem_file_iter(certificate)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap())
            .unwrap();
        let config = std::sync::Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut connection = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).unwrap();
                while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            }
        });
        format!("localhost:{port}")
    }

    #[test]
    fn a_certificate_that_ends_soon_is_said_before_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let Some((authority, address)) = certified(folder.path(), "30") else {
            testkit::absent("openssl");
            return;
        };
        let probe = |days, authorities: Option<&str>| {
            ask(&Probe::Tls {
                address: address.clone(),
                days,
                authorities: authorities.map(str::to_owned),
            })
        };
        assert_eq!(probe(14, Some(&authority)), Ok(()));
        assert!(probe(31, Some(&authority)).unwrap_err().contains("ends within 31 days"));
        assert!(
            probe(14, None).unwrap_err().contains("UnknownIssuer"),
            "no public authority signed it"
        );
        assert!(probe(14, Some("/nonexistent")).is_err());
    }

    #[test]
    fn names_are_asked_for_at_a_resolver() {
        let resolver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = resolver.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for answers in [1_u8, 0] {
                let mut asked = [0; 512];
                let (length, from) = resolver.recv_from(&mut asked).unwrap();
                asked[2] |= 0x80;
                asked[3] = if answers == 0 { 3 } else { 0 };
                asked[7] = answers;
                resolver.send_to(&asked[..length], from).unwrap();
            }
        });
        assert_eq!(dns("www.example.vn", Some(&address)), Ok(()));
        assert!(
            dns("www.example.vn", Some(&address))
                .unwrap_err()
                .contains("no such name")
        );
        assert!(dns("a..b", Some(&address)).is_err());
    }

    proptest! {
        #[test]
        fn any_answer_is_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), name in ".{0,80}") {
            let _ = judge(&bytes);
            let _ = question(&name);
            let _ = ping::judge(ping::without_header(&bytes), bytes.len() % 2 == 0);
        }
    }
}
