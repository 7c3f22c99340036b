//! Syslog frames in a byte stream, both framings of RFC 6587 told apart frame by frame: the same bytes give the same frames
//! however the network cuts them, and no sender makes the buffer grow beyond one frame's limit.

use bytes::{Buf, Bytes, BytesMut};
use model::RejectReason;

use crate::receiving::Refusal;

/// One frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A message without its framing; never empty.
    Message(Bytes),
    /// Bytes that are no message that can be kept as one.
    Refused(Refusal),
}

/// Cuts a stream into frames. Fill [`Framer::buffer`], then take frames until there is none.
#[derive(Debug)]
pub(crate) struct Framer {
    buffer: BytesMut,
    /// How far the buffer was searched for a trailer, so that a slow sender does not make the search quadratic.
    searched: usize,
    skipping: Skipping,
    /// Whether the last frame was counted in octets: then bytes without a count are a broken stream, not a line.
    counting: bool,
    message_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipping {
    Nothing,
    /// The rest of an oversized counted message.
    Octets(usize),
    /// The rest of an oversized line.
    Line,
}

/// How the next frame begins.
enum Beginning {
    /// Cannot be told yet.
    Unclear,
    /// `MSG-LEN SP` (RFC 6587, clause 3.4.1; RFC 5425, clause 4.3): header octets and message octets.
    Counted(usize, usize),
    /// A message up to a trailer (RFC 6587, clause 3.4.2).
    Line,
}

/// Most digits of a believable octet count; a longer run of digits is text.
const COUNT_DIGITS_MAX: usize = 8;

impl Framer {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            skipping: Skipping::Nothing,
            counting: false,
            message_bytes_max,
        }
    }

    /// Where received bytes are put.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a frame has begun and not ended.
    pub(crate) fn is_inside_frame(&self) -> bool {
        !self.buffer.is_empty() || self.skipping != Skipping::Nothing
    }

    /// Takes the next whole frame.
    pub(crate) fn next_frame(&mut self) -> Option<Frame> {
        self.skip()?;
        match self.beginning() {
            Beginning::Unclear => None,
            Beginning::Counted(header, octets) => self.counted(header, octets),
            Beginning::Line => self.line(),
        }
    }

    /// Takes what is left when the stream has ended; `in_order` when the sender closed it properly.
    pub(crate) fn finish(&mut self, in_order: bool) -> Option<Frame> {
        if self.skip().is_none() || self.buffer.is_empty() {
            return None;
        }
        let counted = matches!(self.beginning(), Beginning::Counted(..));
        let rest = self.buffer.split().freeze();
        self.searched = 0;
        if in_order && !counted {
            // Many senders close the connection instead of ending their last line.
            return Some(self.line_frame(rest));
        }
        Some(Frame::Refused(Refusal {
            kept: rest,
            reason: RejectReason::Truncated,
            detail: "the connection ended inside a message".to_owned(),
        }))
    }

    /// Passes over what is to be ignored; nothing when the buffer is used up.
    fn skip(&mut self) -> Option<()> {
        match self.skipping {
            Skipping::Nothing => {}
            Skipping::Octets(left) => {
                let here = left.min(self.buffer.len());
                self.buffer.advance(here);
                if here < left {
                    self.skipping = Skipping::Octets(left - here);
                    return None;
                }
            }
            Skipping::Line => {
                let Some(end) = memchr::memchr2(b'\n', 0, &self.buffer) else {
                    self.buffer.clear();
                    return None;
                };
                self.buffer.advance(end);
            }
        }
        self.skipping = Skipping::Nothing;
        if self.searched == 0 {
            let blank = self
                .buffer
                .iter()
                .take_while(|b| matches!(b, b'\n' | b'\r' | 0))
                .count();
            self.buffer.advance(blank);
        }
        (!self.buffer.is_empty()).then_some(())
    }

    fn beginning(&self) -> Beginning {
        let digits = self
            .buffer
            .iter()
            .take(COUNT_DIGITS_MAX + 1)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits == 0 || digits > COUNT_DIGITS_MAX || self.buffer[0] == b'0' {
            return Beginning::Line;
        }
        match self.buffer.get(digits..) {
            None | Some([]) => Beginning::Unclear,
            Some([b' ']) if !self.counting => Beginning::Unclear,
            // A message begins with its PRI; without one, `12 monkeys` is a line unless the sender is known to count.
            Some([b' ', b'<', ..]) => Beginning::Counted(digits + 1, self.count(digits)),
            Some([b' ', ..]) if self.counting => Beginning::Counted(digits + 1, self.count(digits)),
            Some(_) => Beginning::Line,
        }
    }

    fn count(&self, digits: usize) -> usize {
        self.buffer[..digits]
            .iter()
            .fold(0, |count, digit| count * 10 + usize::from(digit - b'0'))
    }

    fn counted(&mut self, header: usize, octets: usize) -> Option<Frame> {
        let kept = octets.min(self.message_bytes_max);
        if self.buffer.len() < header + kept {
            return None;
        }
        self.buffer.advance(header);
        let message = self.buffer.split_to(kept).freeze();
        self.counting = true;
        if octets > kept {
            self.skipping = Skipping::Octets(octets - kept);
            return Some(self.oversized(message));
        }
        Some(Frame::Message(message))
    }

    fn line(&mut self) -> Option<Frame> {
        if let Some(found) = memchr::memchr2(b'\n', 0, &self.buffer[self.searched..]) {
            let end = self.searched + found;
            self.searched = 0;
            let line = self.buffer.split_to(end).freeze();
            self.buffer.advance(1);
            return Some(self.line_frame(line));
        }
        if self.buffer.len() <= self.message_bytes_max {
            self.searched = self.buffer.len();
            return None;
        }
        self.searched = 0;
        let kept = self.buffer.split_to(self.message_bytes_max).freeze();
        self.skipping = Skipping::Line;
        Some(self.oversized(kept))
    }

    fn line_frame(&mut self, line: Bytes) -> Frame {
        if line.len() > self.message_bytes_max {
            return self.oversized(line.slice(..self.message_bytes_max));
        }
        let line = match line.last() {
            Some(b'\r') => line.slice(..line.len() - 1),
            Some(_) | None => line,
        };
        if self.counting && line.first() != Some(&b'<') {
            return Frame::Refused(Refusal {
                kept: line,
                reason: RejectReason::BadFraming,
                detail: "expected an octet count after a counted message".to_owned(),
            });
        }
        self.counting = false;
        Frame::Message(line)
    }

    fn oversized(&self, kept: Bytes) -> Frame {
        Frame::Refused(Refusal {
            kept,
            reason: RejectReason::Oversized,
            detail: format!("longer than {} bytes", self.message_bytes_max),
        })
    }
}

/// All frames of a stream that arrives in the given pieces and is then closed in order: what tests and the fuzzer drive.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, message_bytes_max: usize) -> Vec<Frame> {
    let mut framer = Framer::new(message_bytes_max);
    let mut all = Vec::new();
    for piece in pieces {
        framer.buffer().extend_from_slice(piece);
        all.extend(std::iter::from_fn(|| framer.next_frame()));
    }
    all.extend(framer.finish(true));
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(stream: &[u8], max: usize) -> Vec<String> {
        frames([stream], max)
            .into_iter()
            .map(|frame| match frame {
                Frame::Message(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Frame::Refused(refusal) => {
                    format!("{:?}: {}", refusal.reason, String::from_utf8_lossy(&refusal.kept))
                }
            })
            .collect()
    }

    #[test]
    fn streams_and_their_frames() {
        let cases: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"<13>a\n<13>b\n", &["<13>a", "<13>b"]),
            (b"<13>a\r\n\r\n<13>b\0<13>c", &["<13>a", "<13>b", "<13>c"]),
            (b"5 <13>a6 <13>bc", &["<13>a", "<13>bc"]),
            (b"7 <13>a\nb<13>c\n5 <13>d", &["<13>a\nb", "<13>c", "<13>d"]),
            (b"5 <13>a\n5 <13>b\n", &["<13>a", "<13>b"]),
            (b"5 <13>a3 abc", &["<13>a", "abc"]),
            (b"12 monkeys\n", &["12 monkeys"]),
            (b"2024-01-01 hello\n", &["2024-01-01 hello"]),
            (b"123456789 <13>x\n", &["123456789 <13>x"]),
            (b"12", &["12"]),
            (b"9 <13>a", &["Truncated: 9 <13>a"]),
            (b"4 <13>a\n<13>b\n", &["<13>", "BadFraming: a", "<13>b"]),
            (
                b"18 <13>abcdefghijklmn<13>next\n",
                &["Oversized: <13>abcdefghijkl", "<13>next"],
            ),
            (
                b"<13>abcdefghijklmn\n<13>next\n",
                &["Oversized: <13>abcdefghijkl", "<13>next"],
            ),
            (b"<13>abcdefghijklmnopq", &["Oversized: <13>abcdefghijkl"]),
            (b"99999999 <13>abcdefghijklmn\nx", &["Oversized: <13>abcdefghijkl"]),
        ];
        for (stream, expected) in cases {
            assert_eq!(shown(stream, 16), *expected, "{}", String::from_utf8_lossy(stream));
        }
    }

    #[test]
    fn a_stream_that_breaks_off_is_not_a_message() {
        let mut framer = Framer::new(100);
        framer.buffer().extend_from_slice(b"<13>half");
        assert_eq!(framer.next_frame(), None);
        assert!(framer.is_inside_frame());
        let Some(Frame::Refused(refusal)) = framer.finish(false) else {
            panic!("a half message was taken for a whole one");
        };
        assert_eq!(refusal.reason, RejectReason::Truncated);
    }

    #[test]
    fn an_endless_line_does_not_fill_the_memory() {
        let mut framer = Framer::new(1000);
        let mut refused = 0;
        for _ in 0..10_000 {
            framer.buffer().extend_from_slice(&[b'x'; 500]);
            refused += std::iter::from_fn(|| framer.next_frame()).count();
            assert!(framer.buffer().len() <= 1500);
        }
        assert_eq!(refused, 1);
    }

    fn pieces<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        let mut all = Vec::new();
        for cut in cuts.into_iter().chain([stream.len()]) {
            all.push(&stream[from..cut]);
            from = cut;
        }
        all
    }

    proptest! {
        #[test]
        fn the_same_bytes_give_the_same_frames(
            stream in prop::collection::vec(prop_oneof![
                4 => Just(b"<13>hello".to_vec()),
                3 => Just(b"\n".to_vec()),
                3 => (0_usize..30).prop_map(|n| format!("{n} ").into_bytes()),
                1 => Just(b"\r\n".to_vec()),
                2 => prop::collection::vec(any::<u8>(), 0..20),
            ], 0..20),
            cuts in prop::collection::vec(any::<usize>(), 0..30),
        ) {
            let stream = stream.concat();
            prop_assert_eq!(frames(pieces(&stream, &cuts), 16), frames([&stream[..]], 16));
        }

        #[test]
        fn counted_messages_come_out_as_they_went_in(messages in prop::collection::vec("<[0-9]{1,3}>[ -~\n]{0,40}", 0..10)) {
            let counted: Vec<String> = messages.iter().map(|m| format!("{} {m}", m.len())).collect();
            let stream = counted.concat();
            prop_assert_eq!(shown(stream.as_bytes(), 100), messages);
        }
    }
}
