//! How moments are written: relative for the eye, absolute (`dd/mm/yyyy hh:mm:ss` in the configured zone) for the record.

use jiff::tz::TimeZone;
use maud::{Markup, html};
use model::Timestamp;

use crate::words::Words;

/// The moment a page is made for, and the zone in which it is read.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) words: Words,
}

impl Moments {
    /// `25/11/2026 02:14:05`.
    pub(crate) fn absolute(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone())
            .strftime("%d/%m/%Y %H:%M:%S")
            .to_string()
    }

    /// `02:14:05` on the page's own day, `25/11 02:14` on another.
    pub(crate) fn short(&self, at: Timestamp) -> String {
        let (zoned, today) = (
            at.to_zoned_datetime(self.zone.clone()),
            self.now.to_zoned_datetime(self.zone.clone()),
        );
        let form = if zoned.date() == today.date() {
            "%H:%M:%S"
        } else {
            "%d/%m %H:%M"
        };
        zoned.strftime(form).to_string()
    }

    /// `02:00 25/11/2026`: what is planned is planned to the minute.
    pub(crate) fn minute(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone())
            .strftime("%H:%M %d/%m/%Y")
            .to_string()
    }

    /// Seconds from the moment until the page was made; negative for what is to come.
    pub(crate) fn seconds_since(&self, at: Timestamp) -> i64 {
        self.now.as_second() - at.as_second()
    }

    /// `3 phút trước`, kept current by the browser, with the absolute time to read on hover and by screen readers.
    pub(crate) fn relative(&self, at: Timestamp) -> Markup {
        html! {
            time datetime=(at) title=(self.absolute(at)) data-relative { (self.words.ago(self.seconds_since(at))) }
        }
    }

    /// How long something has waited since the moment, kept current by the browser.
    pub(crate) fn waiting(&self, since: Timestamp) -> Markup {
        html! {
            time datetime=(since) title=(self.absolute(since)) data-span { (self.words.span(self.seconds_since(since).max(0).unsigned_abs())) }
        }
    }

    /// The absolute time, marked up.
    pub(crate) fn exact(&self, at: Timestamp) -> Markup {
        html! { time datetime=(at) { (self.absolute(at)) } }
    }

    /// Relative above absolute, for tables.
    pub(crate) fn both(&self, at: Timestamp) -> Markup {
        html! { span.moment { (self.relative(at)) small { (self.absolute(at)) } } }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn moments_are_written_in_the_zone_of_the_post() {
        let moments = Moments {
            now: "2026-11-24T20:00:00Z".parse().unwrap(),
            zone: TimeZone::fixed(Offset::constant(7)),
            words: Words(model::Language::Vi),
        };
        let at: Timestamp = "2026-11-24T19:14:05Z".parse().unwrap();
        assert_eq!(moments.absolute(at), "25/11/2026 02:14:05");
        assert_eq!(moments.short(at), "02:14:05");
        let earlier: Timestamp = "2026-11-24T16:59:00Z".parse().unwrap();
        assert_eq!(moments.short(earlier), "24/11 23:59");
        assert!(moments.relative(at).into_string().contains("45 phút trước"));
    }
}
