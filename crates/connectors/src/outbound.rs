//! The one client for HTTP to the outside: bounded in time and size, without redirects or proxies, and where it may not reach into private
//! networks it looks at the address that a name resolved to, not at the name.

use std::{
    fmt, fs,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822};
use ureq::{
    config::Config,
    http::{self, Uri},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::channels::{DeliveryError, one_line, shortened};

/// Longest body of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
const HEAD_BYTES_MAX: usize = 32 << 10;
/// How much of an answer is quoted in a reason, in bytes.
const SAID_BYTES_MAX: usize = 200;
/// Connections kept open to one product.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// How a client is to behave.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// How long a whole request may take.
    pub(crate) timeout: Duration,
    /// Whether addresses in private networks and on this machine may be reached.
    pub(crate) private_addresses: bool,
    /// A file of certificates (PEM) that are trusted instead of the public authorities.
    pub(crate) authorities: Option<PathBuf>,
}

/// A client for probes: it follows no redirect, so that what answers is what was asked.
pub(crate) fn probing(timeout: Duration) -> ureq::Agent {
    let config = Config::builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_response_header_size(HEAD_BYTES_MAX)
        .user_agent("Watchpost")
        .build();
    ureq::Agent::new_with_config(config)
}

/// A bounded client; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    agent: ureq::Agent,
}

/// What the other side answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after_seconds: Option<u64>,
    /// Where it says it keeps what was created (`Location`).
    pub(crate) location: Option<String>,
    /// The begin of its body.
    pub(crate) body: String,
}

/// A request as channels make it.
pub(crate) struct Request {
    pub(crate) method: http::Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The moment of the attempt, against which a date in `Retry-After` is read.
    pub(crate) at: Timestamp,
}

impl Outbound {
    /// Makes a client.
    ///
    /// # Errors
    /// When the file of certificates cannot be read, or has none.
    pub(crate) fn new(bounds: &Bounds) -> Result<Self, String> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &bounds.authorities {
            tls = tls.root_certs(read_authorities(path)?);
        }
        let config = Config::builder()
            .timeout_global(Some(bounds.timeout))
            .timeout_connect(Some(bounds.timeout.min(Duration::from_secs(10))))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_response_header_size(HEAD_BYTES_MAX)
            .max_idle_connections(IDLE_CONNECTIONS_MAX)
            .max_idle_connections_per_host(IDLE_CONNECTIONS_MAX)
            .user_agent("Watchpost")
            .tls_config(tls.build())
            .build();
        let resolver = Guarded {
            private_addresses: bounds.private_addresses,
        };
        Ok(Self {
            agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver),
        })
    }

    /// Asks once, on a thread that may block.
    ///
    /// # Errors
    /// Retryable when nothing was answered; permanent when the address is no address.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, DeliveryError> {
        let agent = self.agent.clone();
        match tokio::task::spawn_blocking(move || ask(&agent, request)).await {
            Ok(answer) => answer,
            Err(error) => Err(DeliveryError::retryable(error)),
        }
    }
}

fn ask(agent: &ureq::Agent, request: Request) -> Result<Answer, DeliveryError> {
    let Request {
        method,
        url,
        headers,
        body,
        at,
    } = request;
    let mut builder = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(body).map_err(DeliveryError::permanent)?;
    let mut answer = agent.run(request).map_err(|error| failed(&error))?;
    let header = |name: &str| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let retry_after_seconds = header("retry-after").and_then(|value| pause(&value, at));
    let location = header("location");
    let status = answer.status().as_u16();
    let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    Ok(Answer {
        status,
        retry_after_seconds,
        location,
        // A status was answered: what became of the message is known, whatever happens to the rest.
        body: read
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default(),
    })
}

fn failed(error: &ureq::Error) -> DeliveryError {
    if matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_)) {
        DeliveryError::permanent("the address is not one")
    } else if matches!(error, ureq::Error::Timeout(_)) {
        DeliveryError::retryable("no answer in time")
    } else {
        DeliveryError::retryable(error)
    }
}

impl Answer {
    /// The answer, unless its status says that it went wrong.
    ///
    /// # Errors
    /// Retryable for 408, 425, 429 and 5xx; permanent for the others.
    pub(crate) fn accepted(self) -> Result<Self, DeliveryError> {
        let said = one_line(&shortened(&self.body, SAID_BYTES_MAX));
        let reason = format!("HTTP {} {said}", self.status);
        match self.status {
            200..=299 => Ok(self),
            408 | 425 | 429 | 500..=599 => Err(match self.retry_after_seconds {
                Some(seconds) => DeliveryError::later(reason, seconds),
                None => DeliveryError::retryable(reason),
            }),
            300..=399 => Err(DeliveryError::permanent(format!(
                "{reason}: it points elsewhere, and redirects are not followed"
            ))),
            _ => Err(DeliveryError::permanent(reason)),
        }
    }
}

/// The pause in `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn pause(value: &str, now: Timestamp) -> Option<u64> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(seconds);
    }
    let until = rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    u64::try_from(until.as_second() - now.as_second()).ok()
}

fn read_authorities(path: &PathBuf) -> Result<RootCerts, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            Ok(_) | Err(_) => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!("{shown} has no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// Resolves names, and passes on only the addresses that may be reached.
#[derive(Debug)]
struct Guarded {
    private_addresses: bool,
}

impl Resolver for Guarded {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        if self.private_addresses {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            return Err(ureq::Error::Other(Box::new(PrivateAddress)));
        }
        Ok(public)
    }
}

#[derive(Debug)]
struct PrivateAddress;

impl fmt::Display for PrivateAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the address is in a private network, which this channel may not reach (private_addresses = true allows it)")
    }
}

impl std::error::Error for PrivateAddress {}

/// Whether an address is one of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second))
                || (first == 198 && (18..20).contains(&second)))
        }
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_public(v4),
            None => {
                !(v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.segments()[..2] == [0x2001, 0x0db8])
            }
        },
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, NAT64 (RFC 6052), 6to4.
fn embedded(v6: Ipv6Addr) -> Option<IpAddr> {
    let four = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::from([a, b, c, d])
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(four(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("10.1.2.3", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("192.168.1.1", false),
            ("0.0.0.0", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("fd00::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now: Timestamp = "2024-04-30T02:10:00Z".parse().unwrap();
        assert_eq!(pause("120", now), Some(120));
        assert_eq!(pause("Tue, 30 Apr 2024 02:11:00 GMT", now), Some(60));
        assert_eq!(pause("Tue, 30 Apr 2024 02:09:00 GMT", now), None);
        assert_eq!(pause("soon", now), None);
    }
}
