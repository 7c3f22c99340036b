//! E-mail over SMTP: STARTTLS or TLS from the start with checked certificates, one message for each recipient, the key as Message-ID.

mod connections;

use std::{fmt, fs, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use lettre::{
    Address,
    address::Envelope,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use serde::{Deserialize, Serialize};

use self::connections::{Connections, Protection};
use super::{
    Channel, DeliveryError, Message, Pace, Receipt, Sending, Urgency, Wrong,
    message::{one_line, shortened},
};
use crate::SecretReference;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// In the clear until STARTTLS (RFC 3207), which is required.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Not at all: on this machine, or where `allow_plaintext` accepts it.
    None,
}

/// A `[channels.NAME]` section of kind `smtp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// The mail server, by the name in its certificate.
    pub server: String,
    /// Its port; by default 587 with STARTTLS, 465 with TLS, 25 without.
    pub port: Option<u16>,
    /// `"starttls"`, `"tls"` or `"none"`.
    pub security: Security,
    /// Accepts that mail and password can be read on their way to a server elsewhere.
    pub allow_plaintext: bool,
    /// Certificates (PEM) to trust instead of the public authorities.
    pub authorities: Option<PathBuf>,
    /// The account at the server; without it nothing is authenticated.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretReference>,
    /// The sender, `"Watchpost <watch@example.vn>"`.
    pub from: String,
    /// The name that the post greets with; by default the domain of the sender.
    pub hello: Option<String>,
    /// How long one attempt may take.
    pub timeout_seconds: u64,
    /// How many messages at once, and how many a second.
    pub pace: Pace,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: None,
            security: Security::Starttls,
            allow_plaintext: false,
            authorities: None,
            username: None,
            password: None,
            from: String::new(),
            hello: None,
            timeout_seconds: 60,
            pace: Pace::default(),
        }
    }
}

/// A mail server.
pub struct Smtp {
    connections: Arc<Connections>,
    from: Mailbox,
    timeout: Duration,
    server: String,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Smtp");
        shown.field("server", &self.server).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Opens the channel; connections are made when there is something to send.
    ///
    /// # Errors
    /// When the server or the sender is missing, the password or the certificates cannot be read, or mail would travel in the clear.
    pub fn open(config: &SmtpConfig) -> Result<Self, Wrong> {
        if config.server.is_empty() {
            return Err(Wrong::new("server", "is not set"));
        }
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|error| Wrong::new("from", format!("{:?} is no address: {error}", config.from)))?;
        let (protection, port) = match config.security {
            Security::Starttls => (Protection::Starttls(tls_parameters(config)?), smtp::SUBMISSION_PORT),
            Security::Tls => {
                let (connector, name) = crate::tls::connector(&config.server, config.authorities.as_deref())?;
                (Protection::Tls(connector, name), smtp::SUBMISSIONS_PORT)
            }
            Security::None => {
                check_plaintext(config)?;
                (Protection::None, smtp::SMTP_PORT)
            }
        };
        let hello = config.hello.clone().unwrap_or_else(|| from.email.domain().to_owned());
        let mut credentials = None;
        if let Some(username) = &config.username {
            let password = config
                .password
                .as_ref()
                .ok_or_else(|| Wrong::new("password", "is not set, but `username` is"))?
                .read()?;
            credentials = Some(Credentials::new(username.clone(), password.expose().to_owned()));
        }
        Ok(Self {
            connections: Arc::new(Connections::new(
                (config.server.clone(), config.port.unwrap_or(port)),
                protection,
                ClientId::Domain(hello),
                credentials,
            )),
            from,
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 600)),
            server: config.server.clone(),
        })
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, DeliveryError> {
        let to: Address = message
            .to
            .trim()
            .parse()
            .map_err(|error| DeliveryError::permanent(format!("{:?} is no mail address: {error}", message.to)))?;
        let letter = compose(&self.from, &to, message)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to]).map_err(DeliveryError::permanent)?;
        let answer = tokio::time::timeout(self.timeout, self.connections.send(&envelope, &letter))
            .await
            .map_err(|_| DeliveryError::retryable("no answer from the mail server in time"))??;
        Ok(Receipt {
            reference: message_id(message, &self.from),
            note: shortened(
                &one_line(&format!(
                    "{} {}",
                    answer.code(),
                    answer.first_line().unwrap_or_default()
                )),
                DeliveryError::REASON_BYTES_MAX,
            ),
        })
    }
}

impl Channel for Smtp {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

fn check_plaintext(config: &SmtpConfig) -> Result<(), Wrong> {
    let here = config.server == "localhost" || config.server.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if here || config.allow_plaintext {
        return Ok(());
    }
    Err(Wrong::new(
        "security",
        format!(
            "mail to {} could be read on its way; set security = \"starttls\", or accept it with allow_plaintext = true",
            config.server
        ),
    ))
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, Wrong> {
    let mut builder = TlsParameters::builder(config.server.clone());
    if let Some(path) = &config.authorities {
        let wrong = |error: String| Wrong::new("authorities", format!("{}: {error}", path.display()));
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificates = Certificate::from_pem(&text).map_err(|error| wrong(error.to_string()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificates);
    }
    builder.build_rustls().map_err(|error| Wrong::new("authorities", error))
}

fn message_id(message: &Message, from: &Mailbox) -> String {
    format!("<{}@{}>", message.key, from.email.domain())
}

/// The letter as it goes over the wire: text, HTML beside it where there is some, files after it.
fn compose(from: &Mailbox, to: &Address, message: &Message) -> Result<Vec<u8>, DeliveryError> {
    let attached: usize = message.attachments.iter().map(|file| file.content.len()).sum();
    if attached > Message::ATTACHMENT_BYTES_MAX {
        return Err(DeliveryError::permanent(format!(
            "the attachments have {attached} bytes, more than {}",
            Message::ATTACHMENT_BYTES_MAX
        )));
    }
    let mut text = shortened(&message.text, Message::TEXT_BYTES_MAX);
    if let Some(link) = &message.link {
        text = format!("{text}\n\n{}\n", one_line(link));
    }
    let header =
        |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(message.subject_line())
        .message_id(Some(message_id(message, from)))
        .date(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(message.at.as_second().try_into().unwrap_or(0)))
        // RFC 3834: nobody's absence notice needs to answer this.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if message.urgency == Urgency::High {
        builder = builder
            .raw_header(header("Importance", "high"))
            .raw_header(header("X-Priority", "1"));
    }
    let plain = SinglePart::plain(text);
    let body = match &message.html {
        Some(html) if html.len() <= Message::TEXT_BYTES_MAX => MultiPart::alternative()
            .singlepart(plain)
            .singlepart(SinglePart::html(html.clone())),
        Some(_) | None if message.attachments.is_empty() => {
            return built(builder.singlepart(plain));
        }
        Some(_) | None => MultiPart::mixed().singlepart(plain),
    };
    if message.attachments.is_empty() {
        return built(builder.multipart(body));
    }
    let mut whole = match message.html {
        Some(_) => MultiPart::mixed().multipart(body),
        None => body,
    };
    for file in &message.attachments {
        let kind = ContentType::parse(&file.media_type)
            .map_err(|_| DeliveryError::permanent(format!("{:?} is no media type", file.media_type)))?;
        let part = lettre::message::Attachment::new(one_line(&file.name)).body(file.content.clone(), kind);
        whole = whole.singlepart(part);
    }
    built(builder.multipart(whole))
}

fn built(letter: Result<lettre::Message, lettre::error::Error>) -> Result<Vec<u8>, DeliveryError> {
    letter
        .map(|letter| letter.formatted())
        .map_err(|error| DeliveryError::permanent(format!("the letter cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{Attachment, MessageKey};

    #[test]
    fn a_letter_keeps_its_vietnamese_and_lets_nothing_into_its_header() {
        let mut message = Message::text(
            MessageKey::new("notice-7"),
            "truc@example.vn",
            "Kính gửi: Ca trực.\nCó người dò mật khẩu.",
            "2024-04-30T02:10:00+07:00".parse().unwrap(),
        );
        message.subject = "Cảnh báo\r\nBcc: everybody@example.com".into();
        message.html = Some("<p>Có người dò mật khẩu.</p>".into());
        message.attachments.push(Attachment {
            name: "Báo cáo.pdf".into(),
            media_type: "application/pdf".into(),
            content: vec![b'%', 0xff, 0],
        });
        let from = "Trực ca <watch@example.vn>".parse().unwrap();
        let letter = compose(&from, &"truc@example.vn".parse().unwrap(), &message).unwrap();
        let letter = String::from_utf8(letter).unwrap();
        let boundary = |line: &str| line.contains("boundary=") || line.starts_with("--");
        let shown: Vec<&str> = letter.lines().filter(|line| !boundary(line)).collect();
        assert!(!letter.contains("\nBcc:"), "{letter}");
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn a_server_elsewhere_is_not_spoken_to_in_the_clear() {
        let config = |server: &str| SmtpConfig {
            server: server.into(),
            from: "watch@example.vn".into(),
            security: Security::None,
            ..SmtpConfig::default()
        };
        let error = Smtp::open(&config("mail.example.vn")).unwrap_err().to_string();
        assert!(error.contains("allow_plaintext = true"), "{error}");
        assert!(Smtp::open(&config("127.0.0.1")).is_ok());
    }
}
