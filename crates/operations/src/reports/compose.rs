//! A form and its facts become a letter. What is missing is marked where it belongs and listed; nothing is left out.

use jiff::tz::TimeZone;
use model::{Block, Choice, Column, FieldKind, Language, Letter, MissingFact, Run, Timestamp, Words};
use serde_json::Value;

use super::form::{BlockForm, ColumnForm, Form, Offer};

/// Most rows of a table on paper; all rows are in the report's data.
pub const ROWS_MAX: usize = 300;
/// Longest text of one fact on paper, in characters; the whole is in the report's data.
pub const FACT_CHARACTERS_MAX: usize = 4_000;
/// Most gaps that are listed one by one.
pub const GAPS_MAX: usize = 500;

/// How a letter is written.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Its language.
    pub language: Language,
    /// The zone of its times.
    pub zone: TimeZone,
}

/// Writes the letter of a form.
#[must_use]
pub fn compose(form: &Form, facts: &Value, manner: &Manner) -> Letter {
    let mut writing = Writing {
        form,
        facts,
        manner,
        gaps: Vec::new(),
    };
    let vi = manner.language == Language::Vi;
    let said = |vi_words: &str, en: &str| if vi { vi_words } else { en }.to_owned();
    let (number, issuer) = (writing.number(), writing.words("{organisation.name}"));
    let place_and_date = writing.place_and_date();
    let subject = writing.words(form.subject.in_language(manner.language));
    let each = |writing: &mut Writing<'_>, texts: &[super::form::Text]| -> Vec<Words> {
        texts
            .iter()
            .map(|text| writing.words(text.in_language(manner.language)))
            .collect()
    };
    let addressees = each(&mut writing, &form.addressees);
    let blocks = form.blocks.iter().filter_map(|block| writing.block(block)).collect();
    let mut recipients = each(&mut writing, &form.recipients);
    recipients.insert(0, vec![Run::known(said("Như trên", "As above"))]);
    recipients.push(vec![Run::known(said("Lưu: VT", "Filed: clerk's office"))]);
    let signer_title = writing.words("{organisation.signer_title}");
    let signer_name = writing.words("{organisation.signer_name}");
    Letter {
        language: manner.language,
        form: form.id.clone(),
        rehearsal: (at(facts, "alert.exercise") == Some(&Value::Bool(true)))
            .then(|| said("DIỄN TẬP – KHÔNG PHẢI SỰ CỐ THẬT", "EXERCISE – NOT A REAL INCIDENT")),
        parent: text_at(facts, "organisation.parent"),
        issuer,
        number,
        motto: [
            said("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "SOCIALIST REPUBLIC OF VIET NAM"),
            said("Độc lập - Tự do - Hạnh phúc", "Independence - Freedom - Happiness"),
        ],
        place_and_date,
        type_name: form
            .type_name
            .as_ref()
            .map(|text| text.in_language(manner.language).to_owned()),
        subject,
        salutation: said("Kính gửi:", "To:"),
        addressees,
        blocks,
        recipients_label: said("Nơi nhận:", "Recipients:"),
        recipients,
        signer_title,
        signature_hint: said("(Ký, đóng dấu)", "(Signature and seal)"),
        signer_name,
        gaps: writing.gaps,
    }
}

/// The value at a dotted path; none for null and for what is not there.
#[must_use]
pub fn at<'a>(facts: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(facts, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            Value::Object(fields) => fields.get(step),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
        .filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
        })
}

fn text_at(facts: &Value, path: &str) -> Option<String> {
    at(facts, path).and_then(Value::as_str).map(str::to_owned)
}

struct Writing<'a> {
    form: &'a Form,
    facts: &'a Value,
    manner: &'a Manner,
    gaps: Vec<MissingFact>,
}

impl Writing<'_> {
    fn said(&self, vi: &str, en: &str) -> String {
        match self.manner.language {
            Language::Vi => vi,
            Language::En => en,
        }
        .to_owned()
    }

    /// `Số: 12/BC-TTGS`; the number is the clerk's to give.
    fn number(&mut self) -> Words {
        let label = self.said("Số: ", "No.: ");
        if let Some(number) = text_at(self.facts, "report.number") {
            return vec![Run::known(label + &number)];
        }
        let unit = self.words("{organisation.abbreviation}");
        let sign = match &self.form.sign {
            Some(sign) => format!("/{sign}-"),
            None => "/".to_owned(),
        };
        let mut words = vec![Run::known(format!("{label}……{sign}"))];
        words.extend(unit);
        words
    }

    fn place_and_date(&mut self) -> Words {
        let mut words = self.words("{organisation.place}");
        let date = text_at(self.facts, "report.dated_at")
            .and_then(|text| text.parse::<Timestamp>().ok())
            .map(|at| at.to_zoned_datetime(self.manner.zone.clone()).date());
        let rest = match (date, self.manner.language) {
            (Some(date), Language::Vi) => {
                // Decree 30/2020, Annex I: days below 10 and the months January and February are written with a zero.
                let month = if date.month() < 3 {
                    format!("0{}", date.month())
                } else {
                    date.month().to_string()
                };
                format!(", ngày {:02} tháng {month} năm {}", date.day(), date.year())
            }
            (Some(date), Language::En) => format!(", {}", date.strftime("%-d %B %Y")),
            (None, Language::Vi) => ", ngày …… tháng …… năm ……".to_owned(),
            (None, Language::En) => ", …… …… ……".to_owned(),
        };
        words.push(Run::known(rest));
        words
    }

    /// Text with facts in place of `{path}` and `{path|kind}`; `{{` is a brace.
    fn words(&mut self, pattern: &str) -> Words {
        let mut words = Words::new();
        let mut rest = pattern;
        while let Some(open) = rest.find('{') {
            push_known(&mut words, &rest[..open]);
            rest = &rest[open + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                push_known(&mut words, "{");
                rest = after;
                continue;
            }
            let Some(close) = rest.find('}') else {
                push_known(&mut words, "{");
                break;
            };
            let (path, kind) = match rest[..close].split_once('|') {
                Some((path, kind)) => (path, kind_named(kind)),
                None => (&rest[..close], None),
            };
            self.fact(path, kind, &mut words);
            rest = &rest[close + 1..];
        }
        push_known(&mut words, rest);
        words
    }

    /// A fact in the midst of words; a gap when it is missing, whether demanded or not: the sentence needs it.
    fn fact(&mut self, path: &str, kind: Option<FieldKind>, words: &mut Words) {
        let described = self.form.fact(path);
        let kind = kind.or(described.map(|fact| fact.kind)).unwrap_or_default();
        let options = described.map_or(&[][..], |fact| fact.options.as_slice());
        if let Some(value) = at(self.facts, path) {
            push_known(words, &self.shown(value, kind, options));
            return;
        }
        let label = described.map_or_else(
            || {
                super::organisation_label(path, self.manner.language)
                    .unwrap_or(path)
                    .to_owned()
            },
            |fact| fact.label.in_language(self.manner.language).to_owned(),
        );
        words.push(self.gap(path, &label, kind, options));
    }

    fn gap(&mut self, path: &str, label: &str, kind: FieldKind, options: &[Offer]) -> Run {
        if self.gaps.len() < GAPS_MAX && !self.gaps.iter().any(|gap| gap.path == path) {
            self.gaps.push(MissingFact {
                path: path.to_owned(),
                label: label.to_owned(),
                kind,
                options: options
                    .iter()
                    .map(|offer| (offer.value.clone(), offer.in_language(self.manner.language).to_owned()))
                    .collect(),
            });
        }
        Run {
            text: self.said("[chưa có]", "[missing]"),
            gap: true,
        }
    }

    fn block(&mut self, block: &BlockForm) -> Option<Block> {
        let language = self.manner.language;
        if let Some(text) = &block.heading {
            return Some(Block::Heading {
                text: text.in_language(language).to_owned(),
            });
        }
        if let Some(text) = &block.paragraph {
            return Some(Block::Paragraph {
                words: self.words(text.in_language(language)),
            });
        }
        if let Some(path) = &block.field {
            return self.field(path);
        }
        block.table.as_ref().map(|path| self.table(path, block))
    }

    fn field(&mut self, path: &str) -> Option<Block> {
        let form = self.form;
        let fact = form.fact(path)?;
        let label = fact.label.in_language(self.manner.language).to_owned();
        let found = at(self.facts, path);
        let absent = |writing: &mut Self| -> Words {
            if fact.required {
                vec![writing.gap(path, &label, fact.kind, &fact.options)]
            } else {
                vec![Run::known("–")]
            }
        };
        if fact.options.is_empty() {
            let words = match found {
                Some(value) => vec![Run::known(self.shown(value, fact.kind, &[]))],
                None => absent(self),
            };
            return Some(Block::Field { label, words });
        }
        let chosen = |offer: &Offer| match found {
            Some(Value::String(value)) => *value == offer.value,
            Some(Value::Array(values)) => values.iter().any(|value| value.as_str() == Some(&offer.value)),
            Some(_) | None => false,
        };
        let choices = fact
            .options
            .iter()
            .map(|offer| Choice {
                label: offer.in_language(self.manner.language).to_owned(),
                ticked: chosen(offer),
            })
            .collect();
        let words = match found {
            Some(value) => Self::unoffered(value, &fact.options),
            None => absent(self),
        };
        Some(Block::Choices { label, choices, words })
    }

    /// What the facts say beyond the boxes of the form.
    fn unoffered(value: &Value, options: &[Offer]) -> Words {
        let all = match value {
            Value::Array(values) => values.as_slice(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                std::slice::from_ref(value)
            }
        };
        let others: Vec<&str> = all
            .iter()
            .filter_map(Value::as_str)
            .filter(|value| !options.iter().any(|offer| offer.value == *value))
            .collect();
        if others.is_empty() {
            Words::new()
        } else {
            vec![Run::known(others.join("; "))]
        }
    }

    fn table(&mut self, path: &str, block: &BlockForm) -> Block {
        let language = self.manner.language;
        let columns = block
            .columns
            .iter()
            .map(|column| Column {
                label: match language {
                    Language::Vi => column.vi.clone(),
                    Language::En => column.en.clone(),
                },
                width: column.width,
                align: column.align,
            })
            .collect();
        let mut rows = Vec::new();
        let mut cut = 0;
        if block.rows.is_empty() {
            let all = at(self.facts, path).and_then(Value::as_array).map_or(0, Vec::len);
            cut = all.saturating_sub(ROWS_MAX) as u64;
            for nth in 0..all.min(ROWS_MAX) {
                rows.push(self.row(&format!("{path}.{nth}"), nth, "", block));
            }
        } else {
            for (nth, row) in block.rows.iter().enumerate() {
                let words = match language {
                    Language::Vi => &row.vi,
                    Language::En => &row.en,
                };
                rows.push(self.row(&format!("{path}.{}", row.key), nth, words, block));
            }
        }
        match &block.empty {
            Some(empty) if rows.is_empty() => Block::Paragraph {
                words: self.words(empty.in_language(language)),
            },
            Some(_) | None => Block::Table { columns, rows, cut },
        }
    }

    fn row(&mut self, row: &str, nth: usize, fixed: &str, block: &BlockForm) -> Vec<Words> {
        block
            .columns
            .iter()
            .map(|column| match column.path.as_str() {
                "#" => vec![Run::known((nth + 1).to_string())],
                "@" => vec![Run::known(fixed)],
                cell => vec![self.cell(&format!("{row}.{cell}"), fixed, column)],
            })
            .collect()
    }

    fn cell(&mut self, path: &str, fixed: &str, column: &ColumnForm) -> Run {
        match at(self.facts, path) {
            Some(value) => Run::known(self.shown(value, column.kind, &column.options)),
            None if column.required => {
                let heading = self.said(&column.vi, &column.en);
                let label = if fixed.is_empty() {
                    heading
                } else {
                    format!("{fixed} – {heading}")
                };
                self.gap(path, &label, column.kind, &column.options)
            }
            None => Run::known("–"),
        }
    }

    fn shown(&self, value: &Value, kind: FieldKind, options: &[Offer]) -> String {
        let text = match value {
            Value::Null => String::new(),
            Value::Bool(true) => self.said("Có", "Yes"),
            Value::Bool(false) => self.said("Không", "No"),
            Value::Number(number) => self.number_shown(number),
            Value::String(text) => options.iter().find(|offer| offer.value == *text).map_or_else(
                || self.text_shown(text, kind),
                |offer| offer.in_language(self.manner.language).to_owned(),
            ),
            Value::Array(values) => values
                .iter()
                .map(|value| self.shown(value, kind, options))
                .collect::<Vec<_>>()
                .join("; "),
            Value::Object(fields) => self.wording(fields).unwrap_or_else(|| value.to_string()),
        };
        cut(text)
    }

    /// Words that the facts have in both languages.
    fn wording(&self, fields: &serde_json::Map<String, Value>) -> Option<String> {
        let in_language = |key| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        match (fields.len(), in_language("vi"), in_language("en")) {
            (2, Some(vi), Some(en)) => Some(self.said(&vi, &en)),
            _ => None,
        }
    }

    fn text_shown(&self, text: &str, kind: FieldKind) -> String {
        let pattern = match kind {
            FieldKind::Date => "%d/%m/%Y",
            FieldKind::Time => "%H:%M",
            FieldKind::Moment => "%H:%M %d/%m/%Y",
            FieldKind::Text
            | FieldKind::LongText
            | FieldKind::Number
            | FieldKind::YesNo
            | FieldKind::List
            | FieldKind::Choice
            | FieldKind::Choices => return text.to_owned(),
        };
        match text.parse::<Timestamp>() {
            Ok(at) => at
                .to_zoned_datetime(self.manner.zone.clone())
                .strftime(pattern)
                .to_string(),
            // A person's answer is shown as they wrote it.
            Err(_) => text.to_owned(),
        }
    }

    /// With a mark between thousands: a point in Vietnamese, a comma in English.
    fn number_shown(&self, number: &serde_json::Number) -> String {
        let Some(whole) = number.as_i64() else {
            return match self.manner.language {
                Language::Vi => number.to_string().replace('.', ","),
                Language::En => number.to_string(),
            };
        };
        let mark = match self.manner.language {
            Language::Vi => '.',
            Language::En => ',',
        };
        let digits = whole.unsigned_abs().to_string();
        let mut shown = String::from(if whole < 0 { "-" } else { "" });
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                shown.push(mark);
            }
            shown.push(digit);
        }
        shown
    }
}

fn push_known(words: &mut Words, text: &str) {
    if text.is_empty() {
        return;
    }
    match words.last_mut() {
        Some(last) if !last.gap => last.text.push_str(text),
        Some(_) | None => words.push(Run::known(text)),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(FACT_CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn kind_named(name: &str) -> Option<FieldKind> {
    match name.trim() {
        "date" => Some(FieldKind::Date),
        "time" => Some(FieldKind::Time),
        "moment" => Some(FieldKind::Moment),
        _ => None,
    }
}
