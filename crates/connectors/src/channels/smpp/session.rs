//! One bound SMPP connection: a task that writes what is asked, gives each answer to who asked, answers the SMSC's own questions, and ends
//! when the line is dead.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use rusmpp::{
    Command, CommandId, CommandStatus, Pdu,
    pdus::{BindTransceiver, DeliverSm, DeliverSmResp},
    tlvs::TlvValue,
    tokio_codec::CommandCodec,
    values::MessageType,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::codec::Framed;

use super::receipts::{ShortReceipt, of_state, read_text};
use crate::channels::{Reported, message::shortened};

/// Longest PDU in bytes.
const PDU_BYTES_MAX: usize = 64 << 10;
/// Requests that wait for their answer at once, whatever the pace; beyond them nothing more is written.
const WINDOW_MAX: usize = 256;
/// The data coding of UCS-2.
const UCS2: u8 = 8;

/// A connection in the clear or in TLS.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

type Wire = Framed<Box<dyn Line>, CommandCodec>;

/// What a session tells of receipts. `false` means: not now, tell me again.
pub(crate) type TakeHeard = Arc<dyn Fn(Heard) -> bool + Send + Sync>;

/// What an SMSC delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// What became of a message.
    Receipt(ShortReceipt),
    /// A telephone wrote.
    Reply {
        /// Its number.
        from: String,
        /// What it wrote.
        text: String,
    },
}

/// Why a session did not come about, or a request was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the SMSC refuses the account: {0:?}")]
    Refused(CommandStatus),
    #[error("the SMSC does not answer in time")]
    TimedOut,
    #[error("the connection to the SMSC is broken: {0}")]
    Broken(String),
}

/// A request and where its answer goes.
struct Ask {
    pdu: Pdu,
    answer: oneshot::Sender<Command>,
}

/// A bound session; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    asks: mpsc::Sender<Ask>,
    answer_timeout: Duration,
}

impl Session {
    /// Binds on a fresh connection.
    pub(crate) async fn bind(
        line: Box<dyn Line>,
        bind: BindTransceiver,
        enquire_every: Duration,
        answer_timeout: Duration,
        take: TakeHeard,
    ) -> Result<Self, SessionError> {
        let mut wire = Framed::new(line, CommandCodec::new().with_max_length(PDU_BYTES_MAX));
        write(&mut wire, Command::new(CommandStatus::EsmeRok, 1, bind), answer_timeout).await?;
        let answer = timeout(answer_timeout, wire.next())
            .await
            .map_err(|_| SessionError::TimedOut)?
            .ok_or_else(|| SessionError::Broken("closed while binding".to_owned()))?
            .map_err(|error| SessionError::Broken(error.to_string()))?;
        if answer.status() != CommandStatus::EsmeRok {
            return Err(SessionError::Refused(answer.status()));
        }
        let (asks, asked) = mpsc::channel(1);
        let running = Running {
            wire,
            asked,
            waiting: HashMap::new(),
            sequence: 1,
            enquired: None,
            write_timeout: answer_timeout,
            take,
        };
        tokio::spawn(running.run(enquire_every));
        Ok(Self { asks, answer_timeout })
    }

    /// Whether it still can be asked.
    pub(crate) fn is_alive(&self) -> bool {
        !self.asks.is_closed()
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, pdu: Pdu) -> Result<Command, SessionError> {
        let (answer, answered) = oneshot::channel();
        let broken = || SessionError::Broken("closed".to_owned());
        let asked = async {
            self.asks.send(Ask { pdu, answer }).await.map_err(|_| broken())?;
            answered.await.map_err(|_| broken())
        };
        timeout(self.answer_timeout, asked)
            .await
            .unwrap_or(Err(SessionError::TimedOut))
    }
}

async fn write(wire: &mut Wire, command: Command, within: Duration) -> Result<(), SessionError> {
    timeout(within, wire.send(command))
        .await
        .map_err(|_| SessionError::TimedOut)?
        .map_err(|error| SessionError::Broken(error.to_string()))
}

struct Running {
    wire: Wire,
    asked: mpsc::Receiver<Ask>,
    waiting: HashMap<u32, oneshot::Sender<Command>>,
    sequence: u32,
    /// The sequence of the question whether the line is alive, while it is unanswered.
    enquired: Option<u32>,
    write_timeout: Duration,
    take: TakeHeard,
}

impl Running {
    async fn run(mut self, enquire_every: Duration) {
        let mut ticks = interval(enquire_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            let went_on = tokio::select! {
                command = self.wire.next() => match command {
                    Some(Ok(command)) => self.hear(command).await,
                    Some(Err(error)) => Err(SessionError::Broken(error.to_string())),
                    None => Err(SessionError::Broken("closed by the SMSC".to_owned())),
                },
                ask = self.asked.recv(), if self.waiting.len() < WINDOW_MAX => {
                    let Some(ask) = ask else {
                        // Nobody needs the session any more.
                        let _ = self.say(Pdu::Unbind).await;
                        return;
                    };
                    self.submit(ask).await
                }
                _ = ticks.tick() => self.enquire().await,
            };
            if let Err(error) = went_on {
                tracing::warn!(%error, "a session with an SMSC ended");
                return;
            }
        }
    }

    async fn say(&mut self, pdu: Pdu) -> Result<u32, SessionError> {
        // Sequence numbers go from 1 to 0x7fffffff (SMPP 3.4, 3.2).
        self.sequence = if self.sequence >= 0x7fff_ffff {
            1
        } else {
            self.sequence + 1
        };
        let command = Command::new(CommandStatus::EsmeRok, self.sequence, pdu);
        write(&mut self.wire, command, self.write_timeout).await?;
        Ok(self.sequence)
    }

    async fn submit(&mut self, ask: Ask) -> Result<(), SessionError> {
        let sequence = self.say(ask.pdu).await?;
        self.waiting.insert(sequence, ask.answer);
        Ok(())
    }

    async fn enquire(&mut self) -> Result<(), SessionError> {
        if self.enquired.is_some() {
            return Err(SessionError::TimedOut);
        }
        self.waiting.retain(|_, answer| !answer.is_closed());
        self.enquired = Some(self.say(Pdu::EnquireLink).await?);
        Ok(())
    }

    async fn hear(&mut self, command: Command) -> Result<(), SessionError> {
        let sequence = command.sequence_number();
        if self.enquired == Some(sequence) {
            self.enquired = None;
            return Ok(());
        }
        match (command.id(), command.pdu()) {
            (CommandId::EnquireLink, _) => {
                self.answer(sequence, CommandStatus::EsmeRok, Pdu::EnquireLinkResp)
                    .await
            }
            (CommandId::Unbind, _) => {
                self.answer(sequence, CommandStatus::EsmeRok, Pdu::UnbindResp).await?;
                Err(SessionError::Broken("unbound by the SMSC".to_owned()))
            }
            (CommandId::DeliverSm, Some(Pdu::DeliverSm(delivered))) => {
                let taken = (self.take)(heard(delivered));
                let status = if taken {
                    CommandStatus::EsmeRok
                } else {
                    CommandStatus::EsmeRxTAppn
                };
                self.answer(sequence, status, DeliverSmResp::default().into()).await
            }
            _ => {
                // Somebody's answer; or of a kind that the post does not speak, which is answered with nothing.
                if let Some(answer) = self.waiting.remove(&sequence) {
                    let _ = answer.send(command);
                }
                Ok(())
            }
        }
    }

    async fn answer(&mut self, sequence: u32, status: CommandStatus, pdu: Pdu) -> Result<(), SessionError> {
        write(&mut self.wire, Command::new(status, sequence, pdu), self.write_timeout).await
    }
}

/// The receipt in a delivered message; where there is none, a telephone wrote it.
fn heard(delivered: &DeliverSm) -> Heard {
    let mut id = None;
    let mut state = None;
    for tlv in delivered.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(value)) => id = Some(value.as_str().to_owned()),
            Some(TlvValue::MessageState(value)) => state = Some(u8::from(*value)),
            _ => {}
        }
    }
    if let Some((id, state)) = id.zip(state) {
        return Heard::Receipt(of_state(&id, state));
    }
    let is_receipt = delivered.esm_class.message_type == MessageType::ShortMessageContainsMCDeliveryReceipt;
    if let Some(receipt) = is_receipt.then(|| read_text(delivered.short_message())).flatten() {
        return Heard::Receipt(receipt);
    }
    Heard::Reply {
        from: delivered.source_addr.as_str().to_owned(),
        text: text_of(delivered.short_message(), u8::from(delivered.data_coding)),
    }
}

/// A short message as text: UCS-2 where it says so (5.2.19), otherwise each octet as a sign, which is right for digits and
/// Latin letters in every other coding.
fn text_of(octets: &[u8], coding: u8) -> String {
    let text: String = if coding == UCS2 {
        let units = octets
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or('\u{fffd}'))
            .collect()
    } else {
        octets.iter().copied().map(char::from).collect()
    };
    shortened(&text, Reported::REPLY_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_in_the_coding_it_says() {
        assert_eq!(text_of(b"NHAN 4821", 0), "NHAN 4821");
        let vietnamese: Vec<u8> = "nhận 4821".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text_of(&vietnamese, UCS2), "nhận 4821");
        assert_eq!(text_of(&[0xd8], UCS2), "");
        assert!(text_of(&[0xff; 2000], 3).len() <= Reported::REPLY_BYTES_MAX);
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_a_text(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), coding in 0_u8..16) {
            proptest::prop_assert!(text_of(&octets, coding).len() <= Reported::REPLY_BYTES_MAX);
        }
    }
}
