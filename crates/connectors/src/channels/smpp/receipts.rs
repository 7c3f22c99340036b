//! Delivery receipts of an SMSC (SMPP 3.4, appendix B, and its optional parameters), and which messages they are about.

use std::collections::{HashMap, VecDeque};

use crate::channels::{MessageKey, Report, Reported};

/// Messages whose parts and receipts are remembered.
const MESSAGES_MAX: usize = 10_000;
/// Receipts that came before the SMSC had answered the submission.
const EARLY_MAX: usize = 1_000;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortReceipt {
    /// The SMSC's name of the part.
    pub(crate) id: String,
    /// What became of it; absent while it is still under way.
    pub(crate) reported: Option<Reported>,
}

/// Reads the text of a receipt: `id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:000 text:…`, in any order, any case, and
/// with what SMSCs leave out left out.
pub(crate) fn read_text(text: &[u8]) -> Option<ShortReceipt> {
    let text = String::from_utf8_lossy(&text[..text.len().min(1024)]);
    let lower = text.to_ascii_lowercase();
    let field = |name: &str| {
        let found = lower.match_indices(name).find(|(start, _)| {
            // `id:` must not be found in `message_id:`, nor anything in the text of the message that follows.
            *start == 0 || lower.as_bytes()[start - 1].is_ascii_whitespace()
        })?;
        let value = text[found.0 + name.len()..].trim_start();
        let end = value.find(char::is_whitespace).unwrap_or(value.len());
        (end > 0).then(|| value[..end].to_owned())
    };
    let id = field("id:")?;
    let state = field("stat:").unwrap_or_default();
    let error = field("err:").unwrap_or_default();
    Some(ShortReceipt {
        id,
        reported: outcome(&state.to_ascii_uppercase(), &error),
    })
}

fn outcome(state: &str, error: &str) -> Option<Reported> {
    match state {
        "DELIVRD" => Some(Reported::Delivered),
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" | "UNKNOWN" => {
            Some(Reported::Failed(format!("{state} {error}").trim_end().to_owned()))
        }
        _ => None,
    }
}

/// The state of `message_state` (SMPP 3.4, 5.2.28).
pub(crate) fn of_state(id: &str, state: u8) -> ShortReceipt {
    let word = match state {
        2 => "DELIVRD",
        3 => "EXPIRED",
        4 => "DELETED",
        5 => "UNDELIV",
        7 => "UNKNOWN",
        8 => "REJECTD",
        _ => "ENROUTE",
    };
    ShortReceipt {
        id: id.to_owned(),
        reported: outcome(word, ""),
    }
}

/// What was submitted lately: by message, and by the SMSC's name of each part.
#[derive(Debug, Default)]
pub(crate) struct Submitted {
    messages: HashMap<MessageKey, Progress>,
    order: VecDeque<MessageKey>,
    parts: HashMap<String, MessageKey>,
    early: VecDeque<ShortReceipt>,
}

#[derive(Debug, Default)]
struct Progress {
    ids: Vec<String>,
    delivered: usize,
    total: usize,
}

impl Progress {
    fn reference(&self) -> String {
        self.ids.join(",")
    }
}

impl Submitted {
    /// How many parts of a message were accepted already, and their names.
    pub(crate) fn accepted(&self, key: &MessageKey) -> (usize, String) {
        let progress = self.messages.get(key);
        progress.map_or((0, String::new()), |progress| {
            (progress.ids.len(), progress.reference())
        })
    }

    /// Notes that the next part of a message was accepted under a name, and gives what a receipt that came first said.
    pub(crate) fn accept(&mut self, key: &MessageKey, id: &str, total: usize) -> Option<Report> {
        if !self.messages.contains_key(key) {
            if self.order.len() == MESSAGES_MAX
                && let Some(oldest) = self.order.pop_front()
                && let Some(progress) = self.messages.remove(&oldest)
            {
                for id in progress.ids {
                    self.parts.remove(&id);
                }
            }
            self.order.push_back(key.clone());
        }
        let progress = self.messages.entry(key.clone()).or_default();
        progress.total = total;
        progress.ids.push(id.to_owned());
        self.parts.insert(id.to_owned(), key.clone());
        let early = self.early.iter().position(|receipt| receipt.id == id)?;
        let receipt = self.early.remove(early)?;
        self.receive(receipt)
    }

    /// Takes a receipt. A message is delivered when all its parts are, and has failed when one has.
    pub(crate) fn receive(&mut self, receipt: ShortReceipt) -> Option<Report> {
        let Some(key) = self.parts.get(&receipt.id) else {
            if self.early.len() == EARLY_MAX {
                let oldest = self.early.pop_front()?;
                self.early.push_back(receipt);
                return Some(Report {
                    key: None,
                    reference: oldest.id,
                    reported: oldest.reported?,
                });
            }
            self.early.push_back(receipt);
            return None;
        };
        let key = key.clone();
        let progress = self.messages.get_mut(&key)?;
        let reported = receipt.reported?;
        if reported == Reported::Delivered {
            progress.delivered += 1;
            if progress.delivered < progress.total {
                return None;
            }
        }
        Some(Report {
            key: Some(key),
            reference: progress.reference(),
            reported,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn receipts_are_read_as_smscs_write_them() {
        for (text, id, reported) in [
            (
                "id:7f3a sub:001 dlvrd:001 submit date:2404300210 done date:2404300211 stat:DELIVRD err:000 text:Canh bao",
                "7f3a",
                Some(Reported::Delivered),
            ),
            (
                "id: 12 Stat:undeliv Err:011",
                "12",
                Some(Reported::Failed("UNDELIV 011".into())),
            ),
            ("id:9 stat:ENROUTE", "9", None),
            ("id:9 stat:ACCEPTD err:000", "9", None),
            ("stat:EXPIRED id:10", "10", Some(Reported::Failed("EXPIRED".into()))),
        ] {
            let receipt = read_text(text.as_bytes()).unwrap();
            assert_eq!((receipt.id.as_str(), receipt.reported), (id, reported), "{text}");
        }
        assert_eq!(read_text(b"hello"), None);
        assert_eq!(read_text(b"id:"), None);
    }

    #[test]
    fn a_message_is_delivered_when_all_its_parts_are_also_when_a_receipt_comes_first() {
        let key = MessageKey::new("notice-1");
        let mut submitted = Submitted::default();
        assert_eq!(submitted.receive(of_state("b", 2)), None, "nobody knows this part yet");
        assert_eq!(submitted.accept(&key, "a", 2), None);
        assert_eq!(submitted.accept(&key, "b", 2), None);
        assert_eq!(submitted.accepted(&key), (2, "a,b".into()));
        let report = submitted.receive(of_state("a", 2)).unwrap();
        assert_eq!((report.key, report.reported), (Some(key), Reported::Delivered));
    }

    #[test]
    fn memory_is_bounded() {
        let mut submitted = Submitted::default();
        for number in 0..MESSAGES_MAX + 10 {
            submitted.accept(&MessageKey::new(&number.to_string()), &format!("id-{number}"), 1);
        }
        assert_eq!(
            (submitted.messages.len(), submitted.parts.len()),
            (MESSAGES_MAX, MESSAGES_MAX)
        );
        for number in 0..EARLY_MAX + 10 {
            submitted.receive(of_state(&format!("never-{number}"), 2));
        }
        assert_eq!(submitted.early.len(), EARLY_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_receipt_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_text(&bytes);
        }

        #[test]
        fn a_mutated_receipt_is_read_or_not(cut in 0usize..80, sign in any::<char>()) {
            let text = "id:7f3a sub:001 dlvrd:001 submit date:2404300210 stat:DELIVRD err:000 text:x";
            let mut text = text.to_owned();
            text.insert(cut.min(text.len()), sign);
            let _ = read_text(text.as_bytes());
        }
    }
}
