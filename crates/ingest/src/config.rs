//! The `[ingest]` section of the configuration: what is listened on, what is followed, and every limit by name.

use std::{collections::BTreeMap, fmt, net::IpAddr, net::SocketAddr, path::PathBuf};

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The `[ingest]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Most records that may be received and wait for a decision; fewer where that many would wait longer than 0.4 s. Beyond it HTTP senders are answered 429, and TCP senders, files
    /// and the systemd journal are not read further; datagrams are kept all the same.
    pub backlog_entries_max: u64,
    /// Syslog over UDP, TCP and TLS, and RELP.
    pub syslog: SyslogConfig,
    /// The HTTP intake: Elasticsearch `_bulk`, OTLP, NDJSON, EVTX.
    pub http: HttpConfig,
    /// Followed files.
    pub files: FilesConfig,
    /// The systemd journal of this machine.
    pub journald: JournaldConfig,
}

/// The `[ingest.syslog]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyslogConfig {
    /// Where datagrams are received (RFC 5426), or `off`.
    pub udp: Listen,
    /// Where TCP connections are accepted (RFC 6587), or `off`.
    pub tcp: Listen,
    /// Accepts that plain syslog from other machines can be read and forged on its way.
    pub allow_plaintext: bool,
    /// Syslog over TLS (RFC 5425); listens only when it is configured.
    pub tls: Option<SyslogTlsConfig>,
    /// RELP, with which rsyslog sends again what was not acknowledged; listens only when it is configured.
    pub relp: Option<RelpConfig>,
    /// Names and formats of senders by their address.
    pub senders: BTreeMap<IpAddr, SyslogSender>,
    /// Longest message in bytes; the beginning of a longer one is kept as a rejection.
    pub message_bytes_max: usize,
    /// Most open connections, TCP, TLS and RELP together.
    pub connections_max: usize,
    /// Most open connections from one address.
    pub connections_per_peer_max: usize,
    /// How long a message may take from its first byte to its last, and a TLS handshake altogether, in seconds.
    pub message_seconds_max: u64,
}

/// What is known of a syslog sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSender {
    /// The name of the source.
    pub name: CompactString,
    /// The source module of `normalize` that reads its messages; recognised by itself when absent.
    #[serde(default)]
    pub format: Option<CompactString>,
}

/// The `[ingest.syslog.tls]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogTlsConfig {
    /// Where connections are accepted; RFC 5425 gives port 6514.
    pub listen: SocketAddr,
    /// As in [`TlsIdentity`].
    pub certificate: PathBuf,
    /// As in [`TlsIdentity`].
    pub key: PathBuf,
    /// As in [`TlsIdentity`].
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
}

impl SyslogTlsConfig {
    /// What the listener proves itself with.
    #[must_use]
    pub fn identity(&self) -> TlsIdentity {
        TlsIdentity {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            client_authorities: self.client_authorities.clone(),
        }
    }
}

/// The `[ingest.syslog.relp]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelpConfig {
    /// Where connections are accepted; rsyslog's examples have port 2514.
    pub listen: SocketAddr,
    /// Certificate chain and key; with it only TLS is spoken there (rsyslog's `tls="on"`).
    #[serde(default)]
    pub tls: Option<TlsIdentity>,
}

/// What a server proves itself with, and whom it wants to see proof from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsIdentity {
    /// PEM file with the certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// PEM file with the authorities that client certificates must come from; without it no client certificate is asked for.
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
}

/// The `[ingest.http]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where requests are received, or `off`.
    pub listen: Listen,
    /// Certificate chain and key; with it the intake speaks HTTPS only.
    pub tls: Option<TlsIdentity>,
    /// Accepts that records and tokens from other machines can be read and forged on their way.
    pub allow_plaintext: bool,
    /// Who may send without a token.
    pub anonymous: Anonymous,
    /// Longest record in bytes; the beginning of a longer one is kept as a rejection.
    pub record_bytes_max: usize,
    /// Longest body as it is sent, in bytes.
    pub body_bytes_max: usize,
    /// Longest body after unpacking, in bytes.
    pub unpacked_bytes_max: usize,
    /// Memory for all bodies being received or handled, in bytes; beyond it senders are answered 429.
    pub bodies_bytes_max: usize,
    /// Most records in one request.
    pub records_max: usize,
    /// Deepest nesting of a record.
    pub depth_max: usize,
    /// Most open connections.
    pub connections_max: usize,
    /// How long a request's head may take, and a connection may idle, in seconds.
    pub head_seconds_max: u64,
    /// How long the sender may pause within a body, in seconds.
    pub body_pause_seconds_max: u64,
    /// How long a body may take altogether, in seconds.
    pub body_seconds_max: u64,
    /// The version of Elasticsearch that clients are told; some refuse a server older than themselves.
    pub elasticsearch_version: CompactString,
}

/// Who may send over HTTP without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anonymous {
    /// Nobody.
    Nobody,
    /// Programs on this machine.
    Loopback,
    /// Anybody who reaches the address.
    Anybody,
}

/// The `[ingest.files]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// Whether files are followed.
    pub enabled: bool,
    /// Which files: glob patterns, `**` for any folders.
    pub include: Vec<String>,
    /// Which of them are left alone: glob patterns.
    pub exclude: Vec<String>,
    /// Formats by glob pattern: the source module of `normalize` that reads the lines; recognised by itself where absent.
    pub formats: BTreeMap<String, CompactString>,
    /// Where a file begins that was there before the very first run. Files that appear later are read from their beginning.
    pub start: StartAt,
    /// Longest line in bytes; the beginning of a longer one is kept as a rejection.
    pub line_bytes_max: usize,
    /// Most files followed at once; the most recently written are chosen.
    pub files_max: usize,
    /// Pause between two looks at the files, in milliseconds.
    pub poll_milliseconds: u64,
}

/// Where reading begins on the very first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// With everything that is there.
    Beginning,
    /// With what comes from now on.
    End,
}

/// The `[ingest.journald]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournaldConfig {
    /// Whether the journal of this machine is followed.
    pub enabled: bool,
    /// The program that reads it.
    pub journalctl: PathBuf,
    /// Where the very first run begins.
    pub start: StartAt,
    /// Longest entry in bytes; the beginning of a longer one is kept as a rejection.
    pub entry_bytes_max: usize,
}

/// An address to listen on, written `127.0.0.1:5514`, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Not at all.
    Off,
    /// There.
    At(SocketAddr),
}

impl Default for SyslogConfig {
    fn default() -> Self {
        Self {
            udp: Listen::At(SocketAddr::from(([127, 0, 0, 1], 5514))),
            tcp: Listen::At(SocketAddr::from(([127, 0, 0, 1], 5514))),
            allow_plaintext: false,
            tls: None,
            relp: None,
            senders: BTreeMap::new(),
            message_bytes_max: 64 * 1024,
            connections_max: 1024,
            connections_per_peer_max: 256,
            message_seconds_max: 60,
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: Listen::At(SocketAddr::from(([127, 0, 0, 1], 8651))),
            tls: None,
            allow_plaintext: false,
            anonymous: Anonymous::Loopback,
            record_bytes_max: 1024 * 1024,
            body_bytes_max: 32 * 1024 * 1024,
            records_max: 100_000,
            unpacked_bytes_max: 64 * 1024 * 1024,
            bodies_bytes_max: 192 * 1024 * 1024,
            depth_max: 64,
            connections_max: 1024,
            head_seconds_max: 60,
            body_pause_seconds_max: 30,
            body_seconds_max: 600,
            elasticsearch_version: CompactString::const_new("8.19.0"),
        }
    }
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            // What two cores decide on in about half a second.
            backlog_entries_max: 10_000,
            syslog: SyslogConfig::default(),
            http: HttpConfig::default(),
            files: FilesConfig::default(),
            journald: JournaldConfig::default(),
        }
    }
}

impl Default for FilesConfig {
    fn default() -> Self {
        let all = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Self {
            enabled: true,
            include: all(&["/var/log/**/*"]),
            exclude: all(&["/var/log/journal/**/*", "/var/log/private/**/*"]),
            formats: BTreeMap::new(),
            start: StartAt::End,
            line_bytes_max: 64 * 1024,
            files_max: 512,
            poll_milliseconds: 500,
        }
    }
}

impl Default for JournaldConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            journalctl: PathBuf::from("journalctl"),
            start: StartAt::End,
            entry_bytes_max: 1024 * 1024,
        }
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            serde::de::Error::custom(format!("`{text}` is neither `off` nor an address like 127.0.0.1:5514"))
        })
    }
}

/// Listening where others can read and forge what is sent was not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "không lắng nghe trên {address} khi không có TLS: cấu hình chứng thư trong [{tls_section}], \
     hoặc chấp nhận rủi ro bằng dòng `{line}` trong [{section}]\n\
     refusing to listen on {address} without TLS: configure a certificate in [{tls_section}], \
     or accept the risk with the line `{line}` in [{section}]"
)]
pub struct UnsafeBinding {
    /// The address.
    pub address: SocketAddr,
    /// The section of the configuration that it stands in.
    pub section: String,
    /// The section that configures TLS for it.
    pub tls_section: String,
    /// The line of configuration that allows it.
    pub line: &'static str,
}

/// How an address is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// TLS is spoken there.
    pub tls: bool,
    /// The configuration says `allow_plaintext = true`.
    pub allow_plaintext: bool,
}

/// Checks that an address is loopback, protected by TLS, or plainly allowed to be neither.
///
/// # Errors
/// Names the line of configuration that would allow it.
pub fn check_binding(section: &str, address: SocketAddr, protection: Protection) -> Result<(), UnsafeBinding> {
    if address.ip().to_canonical().is_loopback() || protection.tls || protection.allow_plaintext {
        return Ok(());
    }
    Err(UnsafeBinding {
        address,
        section: section.to_owned(),
        tls_section: format!("{section}.tls"),
        line: "allow_plaintext = true",
    })
}

impl IngestConfig {
    /// Checks all addresses with [`check_binding`].
    ///
    /// # Errors
    /// The first address that is refused.
    pub fn check_bindings(&self) -> Result<(), UnsafeBinding> {
        let syslog = Protection {
            tls: false,
            allow_plaintext: self.syslog.allow_plaintext,
        };
        let http = Protection {
            tls: self.http.tls.is_some(),
            allow_plaintext: self.http.allow_plaintext,
        };
        let all = [
            ("ingest.syslog", self.syslog.udp, syslog),
            ("ingest.syslog", self.syslog.tcp, syslog),
            ("ingest.http", self.http.listen, http),
        ];
        if let Some(relp) = &self.syslog.relp {
            let protection = Protection {
                tls: relp.tls.is_some(),
                ..syslog
            };
            check_binding("ingest.syslog.relp", relp.listen, protection)?;
        }
        for (section, listen, protection) in all {
            if let Listen::At(address) = listen {
                check_binding(section, address, protection)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_configuration_survives_being_written_and_read() {
        let text = toml::to_string(&IngestConfig::default()).unwrap();
        assert_eq!(toml::from_str::<IngestConfig>(&text).unwrap(), IngestConfig::default());
        assert_eq!(toml::from_str::<IngestConfig>("").unwrap(), IngestConfig::default());
    }

    #[test]
    fn the_example_for_operators_can_be_read() {
        let text = include_str!("../../../docs/operating/senders.md");
        let example = text
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let config: BTreeMap<String, IngestConfig> = toml::from_str(example).unwrap();
        config["ingest"].check_bindings().unwrap();
        assert_eq!(
            config["ingest"].syslog.senders[&IpAddr::from([192, 0, 2, 1])].name,
            "edge-firewall"
        );
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in ["[sylog]\n", "[syslog]\nupd = \"off\"\n", "[http]\nlisten = \"here\"\n"] {
            assert!(toml::from_str::<IngestConfig>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_that_others_reach_needs_tls_or_permission() {
        let cases = [
            ("[syslog]\nudp = \"0.0.0.0:514\"", false),
            ("[syslog]\nudp = \"0.0.0.0:514\"\nallow_plaintext = true", true),
            ("[syslog]\nudp = \"[::1]:514\"", true),
            ("[syslog]\ntcp = \"[::ffff:127.0.0.1]:514\"", true),
            ("[syslog]\ntcp = \"off\"", true),
            ("[http]\nlisten = \"192.0.2.1:9200\"", false),
            (
                "[http]\nlisten = \"192.0.2.1:9200\"\ntls = { certificate = \"c\", key = \"k\" }",
                true,
            ),
        ];
        for (text, allowed) in cases {
            let config: IngestConfig = toml::from_str(text).unwrap();
            assert_eq!(config.check_bindings().is_ok(), allowed, "{text}");
        }
        let config: IngestConfig = toml::from_str(cases[0].0).unwrap();
        insta::assert_snapshot!(config.check_bindings().unwrap_err());
    }
}
