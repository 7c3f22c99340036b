//! Short messages over SMPP 3.4, as a transceiver: UCS-2 for Vietnamese, long texts in joined parts, the SMSC's throttling respected, its
//! receipts reported. SMPP knows no key, so a repeat within this process is not submitted again, and only the missing parts of one are.

pub(crate) mod receipts;
mod session;
pub(crate) mod submission;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusmpp::{
    CommandStatus, Pdu,
    pdus::{BindTransceiver, SubmitSm},
    types::{COctetString, OctetString},
    values::{EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton},
};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use self::{
    receipts::Submitted,
    session::{Heard, Line, Session, SessionError, TakeHeard},
    submission::{Alphabet, Parts, parts},
};
use super::{Channel, DeliveryError, Message, MessageKey, Pace, Receipt, Report, Reported, Sending, Wrong};
use crate::SecretReference;

/// Reports that wait to be fetched; when there are more, the SMSC is asked to say them again.
const REPORTS_MAX: usize = 1_000;
/// The first pause after the SMSC throttled or could not be reached, and the longest; it doubles in between.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// How often a lost session is renewed for the receipts that are still to come.
const RENEW: Duration = Duration::from_secs(15);

/// What an SMSC says when it wants fewer messages.
const THROTTLED: &[CommandStatus] = &[CommandStatus::EsmeRthrottled, CommandStatus::EsmeRmsgqful];
/// What it says of this message or its number, and will say again.
const REFUSED: &[CommandStatus] = &[
    CommandStatus::EsmeRinvdstadr,
    CommandStatus::EsmeRinvdstton,
    CommandStatus::EsmeRinvdstnpi,
    CommandStatus::EsmeRinvsrcadr,
    CommandStatus::EsmeRinvmsglen,
    CommandStatus::EsmeRinvesmclass,
    CommandStatus::EsmeRinvdcs,
];

/// A `[channels.NAME]` section of kind `smpp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmppConfig {
    /// The SMSC.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is in TLS.
    pub tls: bool,
    /// Certificates (PEM) to trust instead of the public authorities.
    pub authorities: Option<PathBuf>,
    /// The account, at most 15 characters.
    pub system_id: String,
    /// Its password, at most 8 characters.
    pub password: Option<SecretReference>,
    /// What the SMSC wants to be told of the kind of system; mostly nothing.
    pub system_type: String,
    /// The sender: a number, or a brand name of at most 11 letters.
    pub sender: String,
    /// The country of numbers that begin with 0.
    pub country_code: String,
    /// `"auto"` keeps tone marks (70 characters a part), `"plain"` drops them (160 characters a part).
    pub alphabet: Alphabet,
    /// Parts of one message; a longer text ends in `…`.
    pub parts_max: u8,
    /// Whether the SMSC is asked for receipts.
    pub receipts: bool,
    /// How often a silent line is tried.
    pub enquire_link_seconds: u64,
    /// How long the SMSC may take for an answer.
    pub timeout_seconds: u64,
    /// How many messages at once, and how many a second.
    pub pace: Pace,
}

impl Default for SmppConfig {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: 2775,
            tls: false,
            authorities: None,
            system_id: String::new(),
            password: None,
            system_type: String::new(),
            sender: "Watchpost".to_owned(),
            country_code: "84".to_owned(),
            alphabet: Alphabet::Auto,
            parts_max: 6,
            receipts: true,
            enquire_link_seconds: 30,
            timeout_seconds: 20,
            pace: Pace::default(),
        }
    }
}

/// An SMSC.
pub struct Smpp {
    shared: Arc<Shared>,
    reports: Mutex<Option<mpsc::Receiver<Report>>>,
}

impl fmt::Debug for Smpp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Smpp");
        shown
            .field("server", &self.shared.config.server)
            .finish_non_exhaustive()
    }
}

struct Shared {
    config: SmppConfig,
    bind: BindTransceiver,
    source: (COctetString<1, 21>, Ton, Npi),
    tls: Option<(TlsConnector, ServerName<'static>)>,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    held: Mutex<Held>,
    submitted: Arc<Mutex<Submitted>>,
    reporting: mpsc::Sender<Report>,
}

/// Whether the SMSC is left alone for a while.
#[derive(Default)]
struct Held {
    until: Option<Instant>,
    pause: Duration,
}

impl Smpp {
    /// Opens the channel; it binds when there is something to send.
    ///
    /// # Errors
    /// When the server is missing, a field is longer than SMPP allows, or the password or the certificates cannot be read.
    pub fn open(config: &SmppConfig) -> Result<Self, Wrong> {
        if config.server.is_empty() {
            return Err(Wrong::new("server", "is not set"));
        }
        let password = config.password.as_ref().map(SecretReference::read).transpose()?;
        let password = password.as_ref().map_or("", crate::Secret::expose);
        let bind = BindTransceiver::builder()
            .system_id(field("system_id", &config.system_id)?)
            .password(field("password", password)?)
            .system_type(field("system_type", &config.system_type)?)
            .interface_version(InterfaceVersion::Smpp3_4)
            .build();
        let (reporting, reports) = mpsc::channel(REPORTS_MAX);
        let tls = if config.tls {
            Some(crate::tls::connector(&config.server, config.authorities.as_deref())?)
        } else {
            None
        };
        Ok(Self {
            shared: Arc::new(Shared {
                bind,
                source: source(&config.sender)?,
                tls,
                session: tokio::sync::Mutex::default(),
                held: Mutex::default(),
                submitted: Arc::default(),
                reporting,
                config: config.clone(),
            }),
            reports: Mutex::new(Some(reports)),
        })
    }
}

impl Channel for Smpp {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.shared.deliver(message))
    }

    fn reports(&self) -> Option<mpsc::Receiver<Report>> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let shared = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            loop {
                sleep(RENEW).await;
                let Some(shared) = shared.upgrade() else { return };
                let was_bound = shared.session.lock().await.is_some();
                if was_bound && let Err(error) = shared.session().await {
                    tracing::debug!(%error, "the SMSC cannot be reached for its receipts");
                }
            }
        });
        Some(reports)
    }
}

impl Shared {
    async fn deliver(&self, message: &Message) -> Result<Receipt, DeliveryError> {
        let number = number(&message.to, &self.config.country_code)?;
        let reference = message
            .key
            .as_str()
            .bytes()
            .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let cut = parts(
            &message.as_one_text(),
            self.config.alphabet,
            reference,
            self.config.parts_max,
        );
        let total = cut.bodies.len();
        let accepted = self.submitted().accepted(&message.key).0;
        for body in cut.bodies.iter().skip(accepted) {
            self.check_held()?;
            let id = self.submit(&number, &cut, body).await?;
            self.accept(&message.key, &id, total);
        }
        let (_, reference) = self.submitted().accepted(&message.key);
        let note = if cut.was_cut {
            "the end of the text was cut off"
        } else {
            ""
        };
        Ok(Receipt {
            reference,
            note: format!("{total} part(s) {note}").trim_end().to_owned(),
        })
    }

    fn accept(&self, key: &MessageKey, id: &str, total: usize) {
        let early = self.submitted().accept(key, id, total);
        if let Some(report) = early
            && self.reporting.try_send(report).is_err()
        {
            tracing::warn!("a receipt that came before its submission was answered has no place among the reports");
        }
    }

    async fn submit(&self, number: &COctetString<1, 21>, cut: &Parts, body: &[u8]) -> Result<String, DeliveryError> {
        let session = self.session().await?;
        let mut pdu = SubmitSm::builder()
            .source_addr_ton(self.source.1)
            .source_addr_npi(self.source.2)
            .source_addr(self.source.0.clone())
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(number.clone())
            .data_coding(cut.coding)
            .registered_delivery(RegisteredDelivery::from(u8::from(self.config.receipts)))
            .short_message(OctetString::from_slice(body).map_err(DeliveryError::permanent)?)
            .build();
        // 0x40: the body begins with a user data header.
        pdu.esm_class = EsmClass::from(if cut.bodies.len() > 1 { 0x40 } else { 0 });
        let answer = session.ask(pdu.into()).await.map_err(DeliveryError::retryable)?;
        match (answer.status(), answer.pdu()) {
            (CommandStatus::EsmeRok, Some(Pdu::SubmitSmResp(answer))) => {
                self.release();
                Ok(answer.message_id().as_str().to_owned())
            }
            (status, _) => Err(self.judge(status)),
        }
    }

    /// What a status means. What is about this message or its number is for good; everything else may pass.
    fn judge(&self, status: CommandStatus) -> DeliveryError {
        let reason = format!("the SMSC answers {status:?}");
        if THROTTLED.contains(&status) {
            DeliveryError::later(reason, self.hold())
        } else if REFUSED.contains(&status) {
            DeliveryError::permanent(reason)
        } else {
            DeliveryError::retryable(reason)
        }
    }

    async fn session(&self) -> Result<Arc<Session>, DeliveryError> {
        let mut place = self.session.lock().await;
        if let Some(session) = place.as_ref().filter(|session| session.is_alive()) {
            return Ok(Arc::clone(session));
        }
        self.check_held()?;
        match self.connect().await {
            Ok(session) => Ok(Arc::clone(place.insert(Arc::new(session)))),
            Err(error) => Err(DeliveryError::later(error, self.hold())),
        }
    }

    async fn connect(&self) -> Result<Session, SessionError> {
        let within = Duration::from_secs(self.config.timeout_seconds.clamp(1, 120));
        let address = (self.config.server.as_str(), self.config.port);
        let broken = |error: std::io::Error| SessionError::Broken(error.to_string());
        let connecting = async {
            let line = TcpStream::connect(address).await.map_err(broken)?;
            line.set_nodelay(true).map_err(broken)?;
            let line: Box<dyn Line> = match &self.tls {
                None => Box::new(line),
                Some((tls, name)) => Box::new(tls.connect(name.clone(), line).await.map_err(broken)?),
            };
            Ok(line)
        };
        let line = timeout(within, connecting)
            .await
            .unwrap_or(Err(SessionError::TimedOut))?;
        let enquire = Duration::from_secs(self.config.enquire_link_seconds.max(1));
        Session::bind(line, self.bind.clone(), enquire, within, self.receiver()).await
    }

    /// Takes receipts and replies as long as there is room for what they report.
    fn receiver(&self) -> TakeHeard {
        let (submitted, reporting) = (Arc::clone(&self.submitted), self.reporting.clone());
        Arc::new(move |heard| match reporting.try_reserve() {
            Err(_) => false,
            Ok(place) => {
                let report = match heard {
                    Heard::Receipt(receipt) => submitted
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .receive(receipt),
                    Heard::Reply { from, text } => Some(Report {
                        key: None,
                        reference: String::new(),
                        reported: Reported::Reply { from, text },
                    }),
                };
                if let Some(report) = report {
                    place.send(report);
                }
                true
            }
        })
    }

    fn submitted(&self) -> std::sync::MutexGuard<'_, Submitted> {
        self.submitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the SMSC alone for a while, twice as long as the last time; gives the seconds.
    fn hold(&self) -> u64 {
        let mut held = self.held();
        held.pause = (held.pause * 2).clamp(PAUSE, PAUSE_MAX);
        held.until = Some(Instant::now() + held.pause);
        held.pause.as_secs()
    }

    fn release(&self) {
        *self.held() = Held::default();
    }

    fn check_held(&self) -> Result<(), DeliveryError> {
        let left = self
            .held()
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if !left.is_zero() => Err(DeliveryError::later(
                "the SMSC asked to be left alone, or could not be reached",
                left.as_secs() + 1,
            )),
            Some(_) | None => Ok(()),
        }
    }
}

fn field<const MIN: usize, const MAX: usize>(key: &'static str, text: &str) -> Result<COctetString<MIN, MAX>, Wrong> {
    // The error of the type would show the text, which may be the password.
    text.parse()
        .map_err(|_| Wrong::new(key, format!("is longer than {} characters, or not ASCII", MAX - 1)))
}

/// The sender as SMPP has it: a number in international form, a short code, or letters.
fn source(sender: &str) -> Result<(COctetString<1, 21>, Ton, Npi), Wrong> {
    let digits = sender.strip_prefix('+').unwrap_or(sender);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (text, ton, npi) = match (is_number, sender.starts_with('+')) {
        (true, true) => (digits, Ton::International, Npi::Isdn),
        (true, false) => (digits, Ton::Unknown, Npi::Unknown),
        (false, _) if sender.len() <= 11 => (sender, Ton::Alphanumeric, Npi::Unknown),
        (false, _) => return Err(Wrong::new("sender", "a name has at most 11 letters")),
    };
    Ok((field("sender", text)?, ton, npi))
}

/// A telephone number in international form: `+84 912 345 678`, `0084…` and `0912…` all become `84912…`.
fn number(written: &str, country_code: &str) -> Result<COctetString<1, 21>, DeliveryError> {
    let wrong = || DeliveryError::permanent(format!("{written:?} is no telephone number"));
    let is_filler = |sign: char| matches!(sign, ' ' | '.' | '-' | '(' | ')' | '\u{a0}');
    let plain: String = written.chars().filter(|sign| !is_filler(*sign)).collect();
    let digits = if let Some(digits) = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")) {
        digits.to_owned()
    } else if let Some(digits) = plain.strip_prefix('0') {
        format!("{country_code}{digits}")
    } else {
        plain
    };
    // E.164: at most 15 digits.
    if !(6..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (written, expected) in [
            ("+84 912 345 678", Some("84912345678")),
            ("0912.345.678", Some("84912345678")),
            ("0084-912345678", Some("84912345678")),
            ("84912345678", Some("84912345678")),
            ("12", None),
            ("+84 912 345 678 901 234", None),
            ("truc@example.vn", None),
        ] {
            let read = number(written, "84").ok();
            assert_eq!(read.as_ref().map(COctetString::as_str), expected, "{written}");
        }
    }

    #[test]
    fn a_password_that_smpp_cannot_hold_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "far-too-long-for-smpp").unwrap();
        let error = Smpp::open(&SmppConfig {
            server: "127.0.0.1".into(),
            password: Some(SecretReference::File(path)),
            ..SmppConfig::default()
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "password: is longer than 8 characters, or not ASCII");
    }

    #[test]
    fn a_sender_is_a_number_or_a_short_name() {
        for (sender, ton) in [
            ("+84912345678", Some(Ton::International)),
            ("8088", Some(Ton::Unknown)),
            ("Watchpost", Some(Ton::Alphanumeric)),
            ("A name too long", None),
        ] {
            assert_eq!(source(sender).ok().map(|source| source.1), ton, "{sender}");
        }
    }
}
