//! The frames of RELP, the reliable event logging protocol of rsyslog (librelp, `doc/relp.html`): `TXNR SP COMMAND SP DATALEN [SP DATA] LF`.
//! The same bytes give the same frames however the network cuts them, and no sender makes the buffer grow beyond one frame's limit.

use bytes::{Buf, Bytes, BytesMut};
use model::RejectReason;

use crate::{framing::Frame, receiving::Refusal};

/// Most digits of a transaction's number and of a length (both `1*9DIGIT`).
const DIGITS_MAX: usize = 9;
/// Longest name of a command (`1*32ALPHA`).
const COMMAND_BYTES_MAX: usize = 32;
/// Longest head: two numbers, a command, and what parts them.
const HEAD_BYTES_MAX: usize = 2 * DIGITS_MAX + COMMAND_BYTES_MAX + 3;
/// Longest data of a command that is no message.
const OFFERS_BYTES_MAX: usize = 4096;
/// What is kept of a stream that is no RELP.
const NONSENSE_BYTES_MAX: usize = 1024;

/// What a sender asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The number that the answer repeats.
    pub(crate) transaction: u32,
    pub(crate) command: Command,
}

/// A command that this side knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Begins a session; what the sender offers needs no look, for there is one version.
    Open,
    /// A message, or one that cannot be kept as such.
    Syslog(Frame),
    /// Ends the session.
    Close,
    /// Something else, by its name.
    Unknown(String),
}

/// The stream is no RELP from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nonsense(pub(crate) Refusal);

/// Cuts a stream into requests. Fill [`Requests::buffer`], then take requests until there is none.
#[derive(Debug)]
pub(crate) struct Requests {
    buffer: BytesMut,
    /// What is left to pass over of a message that is too long, its end included.
    skipping: usize,
    message_bytes_max: usize,
}

/// A head, and where the data begin and end.
struct Head {
    transaction: u32,
    command: String,
    begin: usize,
    length: usize,
}

impl Requests {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            skipping: 0,
            message_bytes_max,
        }
    }

    /// Where received bytes are put.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a request has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        !self.buffer.is_empty() || self.skipping > 0
    }

    /// Takes the next whole request; nothing while more bytes are needed.
    ///
    /// # Errors
    /// When the bytes are no frame; nothing can be read after that.
    pub(crate) fn next(&mut self) -> Result<Option<Request>, Nonsense> {
        if self.skipping > 0 {
            let here = self.skipping.min(self.buffer.len());
            self.buffer.advance(here);
            self.skipping -= here;
            if self.skipping > 0 {
                return Ok(None);
            }
        }
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        if head.command != "syslog" && head.length > OFFERS_BYTES_MAX {
            return Err(self.nonsense("a command with more data than any has"));
        }
        if head.command == "syslog" && head.length > self.message_bytes_max {
            return Ok(self.oversized(&head));
        }
        let end = head.begin + head.length;
        match self.buffer.get(end) {
            None => return Ok(None),
            Some(b'\n') => {}
            Some(_) => return Err(self.nonsense("the data do not end where their length says")),
        }
        let mut frame = self.buffer.split_to(end + 1).freeze();
        frame.truncate(end);
        Ok(Some(request(head.transaction, head.command, frame.slice(head.begin..))))
    }

    /// A message that is too long: its beginning is kept as soon as it is there, and the rest passed over.
    fn oversized(&mut self, head: &Head) -> Option<Request> {
        let kept_end = head.begin + self.message_bytes_max;
        if self.buffer.len() < kept_end {
            return None;
        }
        self.skipping = head.begin + head.length + 1 - kept_end;
        let kept = self.buffer.split_to(kept_end).freeze().slice(head.begin..);
        let refused = Frame::Refused(Refusal {
            kept,
            reason: RejectReason::Oversized,
            detail: format!("{} bytes, {} are the most", head.length, self.message_bytes_max),
        });
        Some(Request {
            transaction: head.transaction,
            command: Command::Syslog(refused),
        })
    }

    /// Each word is looked at as soon as it is whole, so that a sender of something else is told at its first line.
    fn head(&self) -> Result<Option<Head>, Nonsense> {
        let Some((transaction, at)) = self.word(0, b" ")? else {
            return Ok(None);
        };
        let transaction = number(transaction).ok_or_else(|| self.nonsense("no number begins it"))?;
        let Some((command, at)) = self.word(at, b" ")? else {
            return Ok(None);
        };
        let is_command = (1..=COMMAND_BYTES_MAX).contains(&command.len())
            && command.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !is_command {
            return Err(self.nonsense("no command follows its number"));
        }
        let command = String::from_utf8_lossy(command).into_owned();
        let Some((length, at)) = self.word(at, b" \n")? else {
            return Ok(None);
        };
        let length = number(length).ok_or_else(|| self.nonsense("no length follows its command"))?;
        // Without data, the end may follow the length at once.
        let ends_at_once = self.buffer[at - 1] == b'\n';
        if ends_at_once && length > 0 {
            return Err(self.nonsense("it ends before its data"));
        }
        Ok(Some(Head {
            transaction,
            command,
            begin: at - usize::from(ends_at_once),
            length: length as usize,
        }))
    }

    /// A word of the head up to one of these bytes, and where the next one begins; nothing while its end is not there.
    fn word(&self, from: usize, ends: &[u8]) -> Result<Option<(&[u8], usize)>, Nonsense> {
        let seen = &self.buffer[from..self.buffer.len().min(HEAD_BYTES_MAX + 1)];
        match seen.iter().position(|byte| matches!(byte, b' ' | b'\n')) {
            Some(length) if ends.contains(&seen[length]) => Ok(Some((&seen[..length], from + length + 1))),
            Some(_) => Err(self.nonsense("its head ends too early")),
            None if self.buffer.len() > HEAD_BYTES_MAX => Err(self.nonsense("its head does not end")),
            None => Ok(None),
        }
    }

    fn nonsense(&self, what: &str) -> Nonsense {
        let kept = Bytes::copy_from_slice(&self.buffer[..self.buffer.len().min(NONSENSE_BYTES_MAX)]);
        Nonsense(Refusal {
            kept,
            reason: RejectReason::BadFraming,
            detail: format!("no RELP: {what}"),
        })
    }
}

fn request(transaction: u32, command: String, data: Bytes) -> Request {
    let command = match command.as_str() {
        "open" => Command::Open,
        "close" => Command::Close,
        "syslog" => Command::Syslog(message(data)),
        _ => Command::Unknown(command),
    };
    Request { transaction, command }
}

/// The message, without the line end that some senders leave on it.
fn message(mut data: Bytes) -> Frame {
    let length = data.trim_ascii_end().len();
    if length == 0 {
        return Frame::Refused(Refusal {
            kept: data,
            reason: RejectReason::NotParsable,
            detail: "an empty message".to_owned(),
        });
    }
    if data.ends_with(b"\n") {
        data.truncate(data.len() - 1);
    }
    Frame::Message(data)
}

fn number(digits: &[u8]) -> Option<u32> {
    let plausible = (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    plausible
        .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

/// The answer to a request: 200 when it was done, 500 with a reason when not.
pub(crate) fn answer(transaction: u32, said: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{transaction} rsp {} {said}\n", said.len()).as_bytes());
}

/// What a session begins with: the one version, and the one command besides opening and closing.
pub(crate) const OFFERS: &str = "200 OK\nrelp_version=0\nrelp_software=watchpost\ncommands=syslog";
/// Everything went well.
pub(crate) const DONE: &str = "200 OK";
/// Says unasked that this side closes.
pub(crate) const SERVER_CLOSES: &[u8] = b"0 serverclose 0\n";

/// All requests in a stream that arrives in these pieces, and how it ended when it was no RELP.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn requests<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    message_bytes_max: usize,
) -> (Vec<Request>, Option<Nonsense>) {
    let mut requests = Requests::new(message_bytes_max);
    let mut found = Vec::new();
    for piece in pieces {
        requests.buffer().extend_from_slice(piece);
        loop {
            match requests.next() {
                Ok(Some(request)) => found.push(request),
                Ok(None) => break,
                Err(nonsense) => return (found, Some(nonsense)),
            }
        }
    }
    (found, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(stream: &[u8]) -> String {
        let (found, wrong) = requests([stream], 8);
        let mut lines: Vec<String> = found
            .iter()
            .map(|request| match &request.command {
                Command::Syslog(Frame::Message(bytes)) => format!("{} {bytes:?}", request.transaction),
                Command::Syslog(Frame::Refused(refusal)) => {
                    format!("{} {:?} {:?}", request.transaction, refusal.reason, refusal.kept)
                }
                other @ (Command::Open | Command::Close | Command::Unknown(_)) => {
                    format!("{} {other:?}", request.transaction)
                }
            })
            .collect();
        lines.extend(wrong.map(|Nonsense(refusal)| refusal.detail));
        lines.join(" | ")
    }

    #[test]
    fn frames_are_read_and_what_is_none_is_named() {
        for (stream, expected) in [
            (
                &b"1 open 14 relp_version=0\n2 syslog 3 abc\n3 close 0\n"[..],
                "1 Open | 2 b\"abc\" | 3 Close",
            ),
            (b"1 open 0\n", "1 Open"),
            (b"1 close 0 \n", "1 Close"),
            (b"2 syslog 4 abc\n\n", "2 b\"abc\""),
            (b"2 syslog 8 a\nb\0\xc3\xa1 c\n", "2 b\"a\\nb\\0\\xc3\\xa1 c\""),
            (b"2 syslog 1  \n", "2 NotParsable b\" \""),
            (
                b"2 syslog 10 0123456789\n3 syslog 1 x\n",
                "2 Oversized b\"01234567\" | 3 b\"x\"",
            ),
            (
                b"2 syslog 3 abcd\n",
                "no RELP: the data do not end where their length says",
            ),
            (b"2 syslog x abc\n", "no RELP: no length follows its command"),
            (b"1234567890 syslog 3 abc\n", "no RELP: no number begins it"),
            (b"2 sy-log 3 abc\n", "no RELP: no command follows its number"),
            (b"2\nsyslog 3 abc\n", "no RELP: its head ends too early"),
            (b"<13>hello\n", "no RELP: its head ends too early"),
            (b"<13>hello world\n", "no RELP: no number begins it"),
            (b"2 syslog 3\nabc\n", "no RELP: it ends before its data"),
            (&[b'1'; 80], "no RELP: its head does not end"),
            (
                b"1 open 5000 relp_version=0",
                "no RELP: a command with more data than any has",
            ),
            (b"4 starttls 0\n", "4 Unknown(\"starttls\")"),
            (b"2 syslog 3 ab", ""),
        ] {
            assert_eq!(shown(stream), expected, "{}", String::from_utf8_lossy(stream));
        }
    }

    proptest! {
        #[test]
        fn the_cut_does_not_matter(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6),
            cut in 1usize..9,
            tail in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut stream = Vec::new();
            for (at, message) in messages.iter().enumerate() {
                stream.extend_from_slice(format!("{at} syslog {} ", message.len()).as_bytes());
                stream.extend_from_slice(message);
                stream.push(b'\n');
            }
            let (whole, _) = requests([&stream[..]], 8);
            prop_assert_eq!(whole.len(), messages.len());
            stream.extend_from_slice(&tail);
            let (one, two) = (requests([&stream[..]], 8), requests(stream.chunks(cut), 8));
            // What is kept of nonsense is what was there when it was noticed.
            prop_assert_eq!(one.0, two.0);
            prop_assert_eq!(one.1.is_some(), two.1.is_some());
        }
    }
}
