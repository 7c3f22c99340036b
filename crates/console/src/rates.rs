//! How often programs may ask: requests counted by the minute, in memory, under bounded keys.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::Timestamp;

/// Requests of one token in a minute.
pub(crate) const REQUESTS_OF_TOKEN_MAX: u32 = 600;
/// Requests with a token that does not work, from one address in a minute.
pub(crate) const WRONG_OF_ADDRESS_MAX: u32 = 30;

/// Counts by key: `token:DIGEST`, `address:ADDRESS`.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    windows: Mutex<HashMap<String, Window>>,
}

/// One minute of one key.
#[derive(Debug, Clone, Copy)]
struct Window {
    minute: i64,
    count: u32,
}

impl Rates {
    /// Keys that are remembered; beyond it those of past minutes are forgotten, and new ones are refused until then.
    const KEYS_MAX: usize = 20_000;

    /// Counts one under a key; the seconds to wait when there were more than `most` in this minute.
    pub(crate) fn count(&self, key: &str, most: u32, now: Timestamp) -> Result<(), u64> {
        let minute = now.as_second().div_euclid(60);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= Self::KEYS_MAX && !windows.contains_key(key) {
            windows.retain(|_, window| window.minute == minute);
            if windows.len() >= Self::KEYS_MAX {
                return Err(wait(now));
            }
        }
        let window = windows.entry(key.to_owned()).or_insert(Window { minute, count: 0 });
        if window.minute != minute {
            *window = Window { minute, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        if window.count > most { Err(wait(now)) } else { Ok(()) }
    }
}

/// Until the next minute begins.
fn wait(now: Timestamp) -> u64 {
    60 - now.as_second().rem_euclid(60).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_number_of_requests_and_the_next_one_begins_anew() {
        let rates = Rates::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(rates.count("a", 2, at(0)), Ok(()));
        assert_eq!(rates.count("a", 2, at(10)), Ok(()));
        assert_eq!(rates.count("a", 2, at(59)), Err(1));
        assert_eq!(rates.count("b", 2, at(59)), Ok(()));
        assert_eq!(rates.count("a", 2, at(60)), Ok(()));
    }
}
