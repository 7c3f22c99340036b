//! What a link or a reply answers: a page or a bundle, sealed with the post's key (HMAC, RFC 2104, over SHA-256), so that the
//! ledger holds no secret and nothing needs to be looked up to tell a forged one.

use model::{Id, Notification, User};
use sha2::{Digest, Sha256};

/// What can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerable {
    /// A page of a notification.
    Page {
        /// The notification.
        notification: Id<Notification>,
        /// The number of the page.
        page: u16,
    },
    /// A bundle of a person.
    Bundle {
        /// Whose it is.
        person: Id<User>,
        /// Its number.
        number: u32,
    },
}

impl Answerable {
    /// As deliveries name it.
    #[must_use]
    pub fn about(self) -> String {
        match self {
            Self::Page { notification, page } => format!("notification:{notification}/{page}"),
            Self::Bundle { person, number } => format!("pager:{person}/{number}"),
        }
    }

    /// Reads what a delivery names; none when it is about something else.
    #[must_use]
    pub fn of_about(about: &str) -> Option<Self> {
        let (kind, rest) = about.split_once(':')?;
        let (id, number) = rest.split_once('/')?;
        match kind {
            "notification" => Some(Self::Page {
                notification: id.parse().ok()?,
                page: number.parse().ok()?,
            }),
            "pager" => Some(Self::Bundle {
                person: id.parse().ok()?,
                number: number.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn bytes(self) -> [u8; 21] {
        let (kind, id, number) = match self {
            Self::Page { notification, page } => (0, notification.bits(), u32::from(page)),
            Self::Bundle { person, number } => (1, person.bits(), number),
        };
        let mut bytes = [kind; 21];
        bytes[1..17].copy_from_slice(&id.to_be_bytes());
        bytes[17..].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    fn of_bytes(bytes: [u8; 21]) -> Option<Self> {
        let id = u128::from_be_bytes(bytes[1..17].try_into().ok()?);
        let number = u32::from_be_bytes(bytes[17..].try_into().ok()?);
        match bytes[0] {
            0 => Some(Self::Page {
                notification: Id::from_bits(id),
                page: number.try_into().ok()?,
            }),
            1 => Some(Self::Bundle {
                person: Id::from_bits(id),
                number,
            }),
            _ => None,
        }
    }
}

/// The post's key for answers.
#[derive(Clone)]
pub struct AnswerKey([u8; 32]);

impl std::fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerKey(…)")
    }
}

/// Digits of a token: four bits each would make links long, so five.
const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Bytes of the seal in a token.
const SEAL_BYTES: usize = 9;

impl AnswerKey {
    /// Makes the key from 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The token of a link: 48 letters and digits.
    #[must_use]
    pub fn token(&self, answerable: Answerable) -> String {
        let body = answerable.bytes();
        let mut whole = body.to_vec();
        whole.extend(&self.seal(b"link", &body)[..SEAL_BYTES]);
        encode(&whole)
    }

    /// What a token answers; none when the post did not make it.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Answerable> {
        let whole = decode(token)?;
        let (body, seal) = whole.split_at_checked(21)?;
        let body: [u8; 21] = body.try_into().ok()?;
        let expected = self.seal(b"link", &body);
        // Every byte is compared, whichever differs first, so that the time of the answer tells nothing.
        let differs = expected[..SEAL_BYTES]
            .iter()
            .zip(seal)
            .fold(usize::from(seal.len() != SEAL_BYTES), |sum, (one, other)| {
                sum | usize::from(one ^ other)
            });
        if differs != 0 {
            return None;
        }
        Answerable::of_bytes(body)
    }

    /// The code with which a message is answered by a reply: four digits, told apart by who writes.
    #[must_use]
    pub fn code(&self, answerable: Answerable) -> String {
        let seal = self.seal(b"code", &answerable.bytes());
        format!("{:04}", u16::from_be_bytes([seal[0], seal[1]]) % 10_000)
    }

    /// HMAC-SHA256 over a purpose and a body.
    fn seal(&self, purpose: &[u8], body: &[u8]) -> [u8; 32] {
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (place, byte) in self.0.iter().enumerate() {
                block[place] ^= byte;
            }
            block
        };
        let mut inner = Sha256::new();
        inner.update(pad(0x36));
        inner.update(purpose);
        inner.update(body);
        let mut outer = Sha256::new();
        outer.update(pad(0x5c));
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// SHA-256 of a text, lower-case hexadecimal.
pub(super) fn digest(text: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    format!("{:032x}{:032x}", halves(&hash).0, halves(&hash).1)
}

fn halves(hash: &[u8; 32]) -> (u128, u128) {
    let half = |part: &[u8]| part.iter().fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    (half(&hash[..16]), half(&hash[16..]))
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(DIGITS[(held << (5 - bits)) as usize & 31]));
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > 64 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit.to_ascii_lowercase())?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_any_other_does_not() {
        let key = AnswerKey::new([7; 32]);
        for answerable in [
            Answerable::Page {
                notification: Id::from_bits(0x0193_0000_0000_0000_0000_0000_0000_0042),
                page: 3,
            },
            Answerable::Bundle {
                person: Id::from_bits(9),
                number: 70_000,
            },
        ] {
            let token = key.token(answerable);
            assert_eq!(token.len(), 48, "{token}");
            assert_eq!(key.read(&token), Some(answerable));
            assert_eq!(key.read(&token.to_uppercase()), Some(answerable), "phones capitalise");
            assert_eq!(AnswerKey::new([8; 32]).read(&token), None, "another post's key");
            assert_eq!(Answerable::of_about(&answerable.about()), Some(answerable));
            for place in 0..token.len() {
                let mut forged: Vec<char> = token.chars().collect();
                forged[place] = if forged[place] == 'a' { 'b' } else { 'a' };
                let forged: String = forged.into_iter().collect();
                assert_eq!(key.read(&forged), None, "{forged}");
            }
            assert_eq!(key.code(answerable).len(), 4);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_taken_for_a_token(text in "\\PC{0,80}") {
            proptest::prop_assert_eq!(AnswerKey::new([7; 32]).read(&text), None);
        }

        #[test]
        fn what_is_encoded_is_decoded(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 30..31)) {
            proptest::prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
