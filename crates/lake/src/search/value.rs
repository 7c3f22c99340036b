//! The value behind a field's name, read as what the field holds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{civil::Date, tz::Offset};
use model::Timestamp;

use super::{ColumnKind, Fault, Field, Order, Pattern, Test, token::Comparison};

/// A value as written.
pub(super) struct Written<'a> {
    pub(super) text: &'a str,
    /// Whether it stood in quotes; then a star is a star.
    pub(super) quoted: bool,
}

/// What must hold of a field.
pub(super) fn test(field: &Field, comparison: Comparison, written: &Written<'_>) -> Result<Test, Fault> {
    let text = written.text;
    if comparison == Comparison::Has && text == "*" && !written.quoted {
        return Ok(Test::Present);
    }
    match field {
        Field::Record(name) => match order(comparison) {
            None => Ok(text_test(comparison, written)),
            Some(order) => {
                number(text).map_or_else(|| Err(Fault::NoOrder(name.clone())), |n| Ok(Test::Number(order, n)))
            }
        },
        Field::Column(column) => match column.kind {
            ColumnKind::Text | ColumnKind::List => match order(comparison) {
                None => Ok(text_test(comparison, written)),
                Some(_) => Err(Fault::NoOrder(column.name.to_owned())),
            },
            ColumnKind::Address => match order(comparison) {
                None => network(text).ok_or_else(|| Fault::NotAnAddress(text.to_owned())),
                Some(_) => Err(Fault::NoOrder(column.name.to_owned())),
            },
            ColumnKind::Number => number(text)
                .map(|n| Test::Number(order(comparison).unwrap_or(Order::Equal), n))
                .ok_or_else(|| Fault::NotANumber(text.to_owned())),
            ColumnKind::Time => moment(text)
                .map(|at| Test::Time(order(comparison).unwrap_or(Order::Equal), at))
                .ok_or_else(|| Fault::NotATime(text.to_owned())),
            ColumnKind::Flag => match text.to_lowercase().as_str() {
                "true" | "yes" | "1" | "có" => Ok(Test::Flag(true)),
                "false" | "no" | "0" | "không" => Ok(Test::Flag(false)),
                _others => Err(Fault::NotAFlag(text.to_owned())),
            },
        },
    }
}

fn text_test(comparison: Comparison, written: &Written<'_>) -> Test {
    if comparison == Comparison::Is {
        return Test::Is(written.text.to_owned());
    }
    // In a line a backslash is a backslash, so that paths can be written as they are, and a star in quotes is a star.
    let mut pattern = String::with_capacity(written.text.len());
    let mut letters = written.text.chars().peekable();
    while let Some(letter) = letters.next() {
        let before_special = letters.peek().is_some_and(|next| matches!(next, '*' | '?' | '\\'));
        if (written.quoted && matches!(letter, '*' | '?')) || (letter == '\\' && before_special) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    Test::Matches(Pattern::new(&pattern))
}

fn order(comparison: Comparison) -> Option<Order> {
    match comparison {
        Comparison::Has | Comparison::Is => None,
        Comparison::Less => Some(Order::Less),
        Comparison::LessOrEqual => Some(Order::LessOrEqual),
        Comparison::Greater => Some(Order::Greater),
        Comparison::GreaterOrEqual => Some(Order::GreaterOrEqual),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A moment: RFC 3339, or a day, which begins at midnight UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let day: Date = text.parse().ok()?;
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// An address, or a network in CIDR notation.
fn network(text: &str) -> Option<Test> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let bits: Option<u32> = bits.map(str::parse).transpose().ok()?;
    match address {
        IpAddr::V4(v4) => {
            let bits = bits.unwrap_or(32);
            let mask = u32::MAX.checked_shl(32u32.checked_sub(bits)?).unwrap_or(0);
            let (first, last) = (v4.to_bits() & mask, v4.to_bits() | !mask);
            Some(Test::Address(
                Ipv4Addr::from_bits(first).into(),
                Ipv4Addr::from_bits(last).into(),
            ))
        }
        IpAddr::V6(v6) => {
            let bits = bits.unwrap_or(128);
            let mask = u128::MAX.checked_shl(128u32.checked_sub(bits)?).unwrap_or(0);
            let (first, last) = (v6.to_bits() & mask, v6.to_bits() | !mask);
            Some(Test::Address(
                Ipv6Addr::from_bits(first).into(),
                Ipv6Addr::from_bits(last).into(),
            ))
        }
    }
}
