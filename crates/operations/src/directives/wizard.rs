//! The wizard: reads a letter's text and proposes its number, its date and its requirements, each with the words that made
//! it think so. It decides nothing.

use compact_str::CompactString;
use jiff::civil::Date;
use model::{Addressee, Requirement, Wording};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::TEXT_BYTES_MAX;

/// Most requirements that are proposed from one letter.
const PROPOSED_MAX: usize = 200;
/// Longest sentence of a proposal in bytes; what is longer is cut at a letter.
const SENTENCE_BYTES_MAX: usize = 2000;
/// A line shorter than this many letters is a heading or a rest, no requirement.
const LETTERS_MIN: usize = 25;

/// What the wizard makes of a letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What the head says.
    pub head: Head,
    /// The requirements it found.
    pub requirements: Vec<Proposed>,
    /// How many further ones there were.
    pub left_out: usize,
}

/// What the head of a letter says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Its number as written.
    pub number: Option<String>,
    /// The day on it.
    pub issued_on: Option<Date>,
    /// What it is about.
    pub subject: Option<String>,
}

/// A requirement that the wizard proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The requirement.
    pub requirement: Requirement,
    /// The words of the letter that chose its controls, tone marks removed.
    pub because: Vec<&'static str>,
}

/// What words of a letter point to.
struct Sign {
    /// Words without tone marks, any of which is a sign.
    words: &'static [&'static str],
    /// The control that shows it; none when only a person can say.
    control: Option<&'static str>,
    /// What a person is asked.
    question: Option<(&'static str, &'static str)>,
}

const SIGNS: &[Sign] = &[
    Sign {
        words: &[
            "truc 24/7",
            "ung truc",
            "24/7",
            "boi tri nhan luc",
            "phan cong truc",
            "on duty",
            "standby",
            "on-call",
        ],
        control: Some("duty.coverage"),
        question: None,
    },
    Sign {
        words: &[
            "he thong giam sat",
            "giam sat an toan thong tin",
            "giam sat lien tuc",
            "monitoring system",
            "24/7 monitoring",
        ],
        control: Some("sources.reporting"),
        question: None,
    },
    Sign {
        words: &[
            "phat hien",
            "xu ly kip thoi",
            "canh bao ma doc",
            "detect",
            "timely handl",
        ],
        control: Some("alerts.waiting"),
        question: None,
    },
    Sign {
        words: &["san lung", "hunt"],
        control: None,
        question: Some((
            "Đã săn lùng mối nguy hại trên toàn bộ máy chủ, máy trạm chưa? Bằng cách nào, thấy gì?",
            "Were all servers and workstations hunted through? How, and what was found?",
        )),
    },
    Sign {
        words: &["ban va", "lo hong", "cap nhat", "patch", "vulnerabilit"],
        control: None,
        question: Some((
            "Đã rà soát và cập nhật bản vá trên bao nhiêu máy? Còn lại máy nào, vì sao?",
            "On how many machines were patches checked and applied? Which remain, and why?",
        )),
    },
    Sign {
        words: &["botnet", "mang may tinh ma", "dia chi ip"],
        control: None,
        question: Some((
            "Các địa chỉ IP trong danh sách botnet đã được xử lý hết chưa?",
            "Were all addresses of the botnet list dealt with?",
        )),
    },
    Sign {
        words: &[
            "ung pho",
            "ung cuu",
            "khoi phuc",
            "sao luu",
            "response plan",
            "restore",
            "backup",
        ],
        control: Some("exercise.age"),
        question: Some((
            "Phương án ứng phó và bản sao lưu đã được diễn tập khôi phục gần đây chưa?",
            "Were the response plan and the restoring of backups rehearsed lately?",
        )),
    },
    Sign {
        words: &["irlab", "nen tang dieu phoi", "coordination platform"],
        control: None,
        question: Some((
            "Ai trực tiếp nhận cảnh báo trên nền tảng điều phối, lần đăng nhập gần nhất khi nào?",
            "Who takes the warnings of the coordination platform, and when did they last sign in?",
        )),
    },
    Sign {
        words: &["tin nhan rac", "cuoc goi rac", "lua dao", "spam", "scam", "fraudulent"],
        control: None,
        question: Some((
            "Bao nhiêu phản ánh về tin nhắn, cuộc gọi rác, lừa đảo đã được xử lý, còn lại bao nhiêu?",
            "How many reports of spam and scam messages and calls were handled, and how many remain?",
        )),
    },
    Sign {
        words: &["bao cao", "gui ve", "report"],
        control: Some("deadlines.kept"),
        question: None,
    },
];

/// Words that turn a sentence into a requirement.
const ASKING: &[&str] = &[
    "tang cuong",
    "chu dong",
    "kiem tra",
    "ra soat",
    "trien khai",
    "bao dam",
    "dam bao",
    "cung co",
    "uu tien",
    "san sang",
    "thuc hien",
    "to chuc",
    "phan cong",
    "boi tri",
    "xu ly",
    "cap nhat",
    "bao cao",
    "theo doi",
    "thuong truc",
    "phoi hop",
    "yeu cau",
    "de nghi",
    "khan truong",
    "san lung",
    "strengthen",
    "review",
    "ensure",
    "be prepared",
    "implement",
    "report",
    "check",
    "monitor",
    "reinforc",
    "enhanc",
    "update",
    "assign",
    "hunt",
    "prioriti",
];

/// Reads a letter; text beyond [`TEXT_BYTES_MAX`] is not looked at.
#[must_use]
pub fn propose(text: &str) -> Proposal {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut proposal = Proposal {
        head: head(text),
        ..Proposal::default()
    };
    let mut addressee = Addressee::Organisation;
    let mut part = String::new();
    let mut number = 0;
    for sentence in sentences(text) {
        let folded = fold(sentence);
        if let Some(to) = addresses(&folded) {
            addressee = to;
        }
        if is_heading(sentence) {
            cut(strip_mark(sentence)).clone_into(&mut part);
        }
        if sentence.chars().count() < LETTERS_MIN
            || !ASKING.iter().any(|word| folded.contains(word))
            || is_frame(&folded)
        {
            continue;
        }
        let signs: Vec<(&Sign, &'static str)> = SIGNS
            .iter()
            .filter_map(|sign| Some((sign, *sign.words.iter().find(|word| folded.contains(**word))?)))
            .collect();
        if signs.is_empty() && is_heading(sentence) {
            continue;
        }
        if proposal.requirements.len() == PROPOSED_MAX {
            proposal.left_out += 1;
            continue;
        }
        number += 1;
        proposal
            .requirements
            .push(proposed(sentence, number, (&part, addressee), &signs));
    }
    proposal
}

fn proposed(
    sentence: &str,
    number: usize,
    (part, addressee): (&str, Addressee),
    signs: &[(&Sign, &'static str)],
) -> Proposed {
    let controls: Vec<CompactString> = signs
        .iter()
        .filter_map(|(sign, _)| sign.control)
        .map(Into::into)
        .collect();
    let question = signs
        .iter()
        .find_map(|(sign, _)| sign.question)
        .map(|(vi, en)| Wording {
            vi: vi.to_owned(),
            en: en.to_owned(),
        });
    let unsaid = controls.is_empty() && question.is_none();
    let question = if unsaid {
        Some(Wording {
            vi: "Yêu cầu này đã được thực hiện chưa, bằng chứng là gì?".to_owned(),
            en: "Was this done, and what shows it?".to_owned(),
        })
    } else {
        question
    };
    Proposed {
        requirement: Requirement {
            key: number.to_string().into(),
            part: Wording::same(part),
            text: Wording::same(cut(strip_mark(sentence))),
            addressee,
            controls,
            question,
            due_on: dates_in(sentence).next_back(),
            note: None,
        },
        because: signs.iter().map(|(_, word)| *word).collect(),
    }
}

/// The number of a letter in a text: letters, digits and `& - . _` on both sides of a slash, digits first
/// (`1465/BTTTT-CATTT`, `202/TTCNTT&TT-QTHT`, `21/BC-CATTT`).
#[must_use]
pub fn letter_number(text: &str) -> Option<&str> {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '&' | '-' | '.' | '_' | '/' | 'Đ');
    text.split(|c: char| !joins(c)).find_map(|word| {
        let word = word.trim_end_matches(['.', '-', '_', '/']);
        let (digits, sign) = word.split_once('/')?;
        let digits_first = digits.len() <= 6 && digits.starts_with(|c: char| c.is_ascii_digit());
        let letters = sign.chars().filter(|c| c.is_uppercase()).count();
        (digits_first && letters >= 2 && word.len() <= super::NUMBER_BYTES_MAX).then_some(word)
    })
}

/// A day as people write it: `17/4/2024`, `17-04-2024`, `17.04.2024`, `2024-04-17`.
#[must_use]
pub fn written_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
    let &[first, month, last] = parts.as_slice() else {
        return None;
    };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    if year.len() != 4 || day.len() > 2 || month.len() > 2 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn head(text: &str) -> Head {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty()).take(60);
    let subject = lines().find_map(|line| {
        let folded = fold(line);
        let about = ["v/v", "ve viec"].into_iter().find(|mark| folded.starts_with(mark))?;
        let rest: String = line.chars().skip(about.chars().count()).collect();
        Some(cut(rest.trim_start_matches([':', '.', ' '])).to_owned())
    });
    Head {
        number: lines()
            .find(|line| fold(line).starts_with("so"))
            .and_then(letter_number)
            .or_else(|| lines().find_map(letter_number))
            .map(str::to_owned),
        issued_on: lines()
            .find_map(day_in_words)
            .or_else(|| lines().find_map(|line| dates_in(line).next())),
        subject,
    }
}

/// `ngày 17 tháng 4 năm 2024`.
fn day_in_words(line: &str) -> Option<Date> {
    let folded = fold(line);
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(6).find_map(|six| match six {
        ["ngay", day, "thang", month, "nam", year] => {
            Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
        }
        _ => None,
    })
}

/// The days written in a text, in order.
fn dates_in(text: &str) -> impl DoubleEndedIterator<Item = Date> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'))
        .filter_map(|word| written_date(word.trim_end_matches(['.', ':'])))
}

/// The pieces of a letter that may be requirements: its lines, and within them what semicolons part.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
}

/// Whether a line begins a part: `1.`, `2)`, `(1)`, `I.`
fn is_heading(sentence: &str) -> bool {
    let mark: String = sentence.chars().take_while(|c| !c.is_whitespace()).take(6).collect();
    let inner = mark.trim_matches(['(', ')', '.', ':']);
    mark != inner
        && !inner.is_empty()
        && (inner.chars().all(|c| c.is_ascii_digit()) || inner.chars().all(|c| "IVX".contains(c)))
}

/// Whether a line belongs to the frame of a letter: addressees, recipients, signature.
fn is_frame(folded: &str) -> bool {
    [
        "kinh gui",
        "noi nhan",
        "cong hoa xa hoi",
        "doc lap",
        "luu:",
        "so:",
        "v/v",
        "ve viec",
    ]
    .iter()
    .any(|mark| folded.starts_with(mark))
}

/// Whom a sentence addresses from here on, when it says so.
fn addresses(folded: &str) -> Option<Addressee> {
    let provider = [
        "doanh nghiep vien thong",
        "dich vu vien thong",
        "dich vu internet",
        "telecommunication",
        "internet service provider",
    ];
    let organisation = [
        "co quan, to chuc",
        "bo, nganh",
        "don vi chuyen trach",
        "agencies, organi",
    ];
    if provider.iter().any(|word| folded.contains(word)) {
        Some(Addressee::Provider)
    } else if organisation.iter().any(|word| folded.contains(word)) {
        Some(Addressee::Organisation)
    } else {
        None
    }
}

/// The sentence without its bullet or number.
fn strip_mark(sentence: &str) -> &str {
    let bullets = sentence.trim_start_matches(['-', '+', '*', '•', '–', '—', ' ']);
    let rest = bullets.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '(' | ')' | '.'));
    let rest = rest.trim_start();
    if rest.is_empty() { bullets } else { rest }
}

fn cut(text: &str) -> &str {
    text[..text.floor_char_boundary(SENTENCE_BYTES_MAX)]
        .trim()
        .trim_end_matches([';', ','])
}

/// Lower case without tone marks: `Săn lùng` is `san lung`, `đ` is `d`.
fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found_however_odd() {
        for (text, number) in [
            ("Số: 1465/BTTTT-CATTT", Some("1465/BTTTT-CATTT")),
            ("Số: 202/TTCNTT&TT-QTHT ngày 14/9/2023", Some("202/TTCNTT&TT-QTHT")),
            ("theo công văn 21/BC-CATTT, 3993/BKHCN-CVT", Some("21/BC-CATTT")),
            ("Số 365/QĐ-UBND.", Some("365/QĐ-UBND")),
            ("ngày 30/4 và 1/5", None),
            ("24/7", None),
            ("tỷ lệ 3/4 ABC", None),
        ] {
            assert_eq!(letter_number(text), number, "{text}");
        }
    }

    #[test]
    fn dates_are_read_day_first() {
        for (text, date) in [
            ("17/4/2024", Some("2024-04-17")),
            ("07/04/2024", Some("2024-04-07")),
            ("17-04-2024", Some("2024-04-17")),
            ("17.04.2024", Some("2024-04-17")),
            ("2024-04-17", Some("2024-04-17")),
            ("31/02/2024", None),
            ("13/13/2024", None),
            ("30/4", None),
            ("17/4/24", None),
        ] {
            assert_eq!(
                written_date(text).map(|date| date.to_string()).as_deref(),
                date,
                "{text}"
            );
        }
    }

    const LETTER: &str = "BỘ THÔNG TIN VÀ TRUYỀN THÔNG\nSố: 1465/BTTTT-CATTT\nHà Nội, ngày 17 tháng 4 năm 2024\nV/v tăng cường bảo đảm an toàn thông tin mạng dịp lễ\nKính gửi: Các cơ quan, tổ chức, doanh nghiệp\n1. Các cơ quan, tổ chức tăng cường triển khai:\n- Củng cố, ưu tiên nguồn lực, nhân lực cho nhiệm vụ ứng trực, giám sát 24/7;\n- Săn lùng mối nguy hại và bóc gỡ phần mềm độc hại cho toàn bộ máy chủ, máy trạm; báo cáo kết quả trước ngày 26/04/2024.\n2. Doanh nghiệp viễn thông, Internet:\n- Tăng cường xử lý phản ánh về tin nhắn rác, cuộc gọi rác, lừa đảo.\nNơi nhận: như trên; lưu: VT";

    #[test]
    fn a_letter_becomes_proposals_with_the_words_that_made_them() {
        let proposal = propose(LETTER);
        assert_eq!(proposal.head.number.as_deref(), Some("1465/BTTTT-CATTT"));
        assert_eq!(proposal.head.issued_on, Some(Date::constant(2024, 4, 17)));
        assert_eq!(
            proposal.head.subject.as_deref(),
            Some("tăng cường bảo đảm an toàn thông tin mạng dịp lễ")
        );
        let lines: Vec<String> = proposal
            .requirements
            .iter()
            .map(|found| {
                let requirement = &found.requirement;
                format!(
                    "{} {:?} {:?} {:?} {}{}",
                    requirement.key,
                    requirement.addressee,
                    requirement.controls,
                    found.because,
                    requirement.text.vi,
                    requirement.due_on.map(|day| format!(" [{day}]")).unwrap_or_default()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
        // The letter decomposed (as PDF readers give it) reads the same.
        let decomposed: String = LETTER.nfd().collect();
        assert_eq!(propose(&decomposed).requirements.len(), proposal.requirements.len());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,400}", noise in proptest::collection::vec(any::<char>(), 0..200)) {
            let noise: String = noise.into_iter().collect();
            let proposal = propose(&format!("{text}\n{noise}\n{LETTER}{text}"));
            prop_assert!(proposal.requirements.len() <= PROPOSED_MAX);
        }
    }
}
