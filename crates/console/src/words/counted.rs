//! Messages that carry numbers or names, with the plurals that English needs and Vietnamese does not.

use model::Language;

use super::Words;

impl Words {
    /// A whole number with the language's grouping: `12.345` in Vietnamese, `12,345` in English.
    pub(crate) fn number(self, number: u64) -> String {
        let separator = match self.0 {
            Language::Vi => '.',
            Language::En => ',',
        };
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// A number with one decimal, where the language puts a comma or a point.
    pub(crate) fn decimal(self, number: f64) -> String {
        // A tenth says nothing beside hundreds; groups of digits do.
        let whole = format!("{number:.0}").parse().unwrap_or(0);
        if whole >= 100 {
            return self.number(whole);
        }
        let text = format!("{number:.1}");
        match self.0 {
            Language::Vi => text.replace('.', ","),
            Language::En => text,
        }
    }

    /// Who acted, when a program with a token of theirs did; both languages write it alike.
    pub(crate) fn person_by_program(person: &str, token: &str) -> String {
        format!("{person} (token “{token}”)")
    }

    /// A count of alerts.
    pub(crate) fn alerts(self, count: u64) -> String {
        self.counted(count, "cảnh báo", ["alert", "alerts"])
    }

    /// A count of sources.
    pub(crate) fn sources(self, count: u64) -> String {
        self.counted(count, "nguồn nhật ký", ["source", "sources"])
    }

    /// A count of rules.
    pub(crate) fn rules(self, count: u64) -> String {
        self.counted(count, "luật phát hiện", ["rule", "rules"])
    }

    /// A count of decisions in the duty book.
    pub(crate) fn entries(self, count: u64) -> String {
        self.counted(count, "mục", ["entry", "entries"])
    }

    /// A count of silent sources.
    pub(crate) fn silent_sources(self, count: u64) -> String {
        self.counted(count, "nguồn im lặng", ["silent source", "silent sources"])
    }

    /// A count of sources of which it is not known whether they are silent.
    pub(crate) fn sources_unlearned(self, count: u64) -> String {
        let number = self.number(count);
        match self.0 {
            Language::Vi => format!("{number} chưa rõ nhịp"),
            Language::En => format!("{number} with unknown rhythm"),
        }
    }

    /// A count of open alerts that silences hide.
    pub(crate) fn alerts_hidden(self, count: u64) -> String {
        let alerts = self.alerts(count);
        match self.0 {
            Language::Vi => format!("{alerts} đang bị ẩn"),
            Language::En => format!("{alerts} hidden"),
        }
    }

    /// How many times something was detected.
    pub(crate) fn times(self, count: u64) -> String {
        self.counted(count, "lần", ["time", "times"])
    }

    /// A count of detections that a silence hides.
    pub(crate) fn hidden_detections(self, count: u64) -> String {
        self.counted(count, "lần bị ẩn", ["hidden", "hidden"])
    }

    /// A count of days.
    pub(crate) fn days(self, count: u64) -> String {
        self.counted(count, "ngày", ["day", "days"])
    }

    /// How many detections a day.
    pub(crate) fn a_day(self, count: f64) -> String {
        let count = self.decimal(count);
        match self.0 {
            Language::Vi => format!("khoảng {count} phát hiện mỗi ngày"),
            Language::En => format!("about {count} detections a day"),
        }
    }

    /// What is being watched, for the empty queue.
    pub(crate) fn watching(self, rules: u64, sources: u64) -> String {
        let (rules, sources) = (self.rules(rules), self.sources(sources));
        match self.0 {
            Language::Vi => format!("Đang canh {sources} bằng {rules}."),
            Language::En => format!("Watching {sources} with {rules}."),
        }
    }

    /// What a silence would have hidden.
    pub(crate) fn would_have_hidden(self, hidden: u64, total: u64) -> String {
        let (hidden, total) = (self.number(hidden), self.number(total));
        match self.0 {
            Language::Vi => format!("Lẽ ra đã ẩn {hidden} trên tổng số {total} phát hiện."),
            Language::En => format!("It would have hidden {hidden} of {total} detections."),
        }
    }

    /// That a form's limit cut a preview short.
    pub(crate) fn looked_at_most(self, limit: u64) -> String {
        let limit = self.number(limit);
        match self.0 {
            Language::Vi => format!("Chỉ xét {limit} phát hiện gần nhất."),
            Language::En => format!("Only the newest {limit} detections were looked at."),
        }
    }

    /// That a silence's conditions could not be held against some detections, because their events are gone.
    pub(crate) fn preview_unsure(self, count: u64) -> String {
        let count = self.number(count);
        match self.0 {
            Language::Vi => format!("Không xét được {count} phát hiện vì sự kiện của chúng không còn trong kho."),
            Language::En => format!("{count} detections could not be judged: their events are no longer in the store."),
        }
    }

    /// That some alerts of a bulk action were not changed.
    pub(crate) fn not_changed(self, count: u64) -> String {
        let alerts = self.alerts(count);
        match self.0 {
            Language::Vi => format!("{alerts} không thay đổi được"),
            Language::En => format!("{alerts} could not be changed"),
        }
    }

    /// A page's place among the rows that fit.
    pub(crate) fn rows_of(self, from: u64, to: u64, total: u64) -> String {
        let (from, to, total) = (self.number(from), self.number(to), self.number(total));
        match self.0 {
            Language::Vi => format!("{from}–{to} trên {total}"),
            Language::En => format!("{from}–{to} of {total}"),
        }
    }

    /// How long ago, or how long until (negative seconds), in the largest fitting unit.
    pub(crate) fn ago(self, seconds: i64) -> String {
        let span = self.span(seconds.unsigned_abs());
        match (self.0, seconds) {
            (_, -4..=4) => self.now().to_owned(),
            (Language::Vi, 5..) => format!("{span} trước"),
            (Language::En, 5..) => format!("{span} ago"),
            (Language::Vi, _) => format!("còn {span}"),
            (Language::En, _) => format!("in {span}"),
        }
    }

    /// A length of time in the largest fitting unit.
    pub(crate) fn span(self, seconds: u64) -> String {
        let (count, vi, en) = match seconds {
            0..60 => (seconds, "giây", "s"),
            60..3600 => (seconds / 60, "phút", "min"),
            3600..86_400 => (seconds / 3600, "giờ", "h"),
            86_400.. => (seconds / 86_400, "ngày", "d"),
        };
        match self.0 {
            Language::Vi => format!("{count} {vi}"),
            Language::En => format!("{count} {en}"),
        }
    }

    fn counted(self, count: u64, vi: &str, en: [&str; 2]) -> String {
        let number = self.number(count);
        match self.0 {
            Language::Vi => format!("{number} {vi}"),
            Language::En => format!("{number} {}", en[usize::from(count != 1)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        for (number, vi, en) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1.000", "1,000"),
            (12_345_678, "12.345.678", "12,345,678"),
        ] {
            assert_eq!(Words(Language::Vi).number(number), vi);
            assert_eq!(Words(Language::En).number(number), en);
        }
        assert_eq!(Words(Language::Vi).decimal(12.34), "12,3");
        assert_eq!(Words(Language::Vi).decimal(60_244.3), "60.244");
    }

    #[test]
    fn english_counts_one_and_many() {
        assert_eq!(Words(Language::En).alerts(1), "1 alert");
        assert_eq!(Words(Language::En).alerts(2), "2 alerts");
        assert_eq!(Words(Language::Vi).alerts(2), "2 cảnh báo");
    }

    #[test]
    fn past_and_future_are_said_in_the_largest_unit() {
        for (seconds, vi, en) in [
            (0, "vừa xong", "just now"),
            (59, "59 giây trước", "59 s ago"),
            (3599, "59 phút trước", "59 min ago"),
            (7200, "2 giờ trước", "2 h ago"),
            (-90_000, "còn 1 ngày", "in 1 d"),
        ] {
            assert_eq!(Words(Language::Vi).ago(seconds), vi);
            assert_eq!(Words(Language::En).ago(seconds), en);
        }
    }
}
