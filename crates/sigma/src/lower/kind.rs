//! What the modifiers of an item make of its values, and which modifiers contradict each other.

use crate::atom::{Comparison, Relation, TimePart};
use crate::modifier::Modifier;
use crate::regular::Flags;
use crate::rule::Item;

/// What the modifiers make of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Regex(Flags),
    Cidr,
    Compare(Option<TimePart>, Comparison),
    FieldRef(Relation),
    Exists,
}

/// Decides the kind and refuses modifiers that contradict each other.
pub(super) fn kind_of(item: &Item) -> Result<Kind, String> {
    let mut kind: Option<(Kind, Modifier)> = None;
    let mut flags = Flags::default();
    let mut relation = None;
    let mut part = None;
    let mut texts = Vec::new();
    for (index, modifier) in item.modifiers.iter().copied().enumerate() {
        if item.modifiers[..index].contains(&modifier) {
            return Err(format!("the modifier `{}` is repeated", modifier.name()));
        }
        let own = match modifier {
            Modifier::Re => Some(Kind::Regex(Flags::default())),
            Modifier::Cidr => Some(Kind::Cidr),
            Modifier::Lt => Some(Kind::Compare(None, Comparison::Less)),
            Modifier::Lte => Some(Kind::Compare(None, Comparison::LessOrEqual)),
            Modifier::Gt => Some(Kind::Compare(None, Comparison::Greater)),
            Modifier::Gte => Some(Kind::Compare(None, Comparison::GreaterOrEqual)),
            Modifier::FieldRef => Some(Kind::FieldRef(Relation::Equals)),
            Modifier::Exists => Some(Kind::Exists),
            Modifier::StartsWith | Modifier::EndsWith | Modifier::Contains => {
                if let Some(other) = relation.replace(modifier) {
                    return Err(contradiction(other, modifier));
                }
                None
            }
            Modifier::ReIgnoreCase | Modifier::ReMultiLine | Modifier::ReDotAll => {
                flags.ignore_case |= modifier == Modifier::ReIgnoreCase;
                flags.multi_line |= modifier == Modifier::ReMultiLine;
                flags.dot_all |= modifier == Modifier::ReDotAll;
                if !item.modifiers[..index].contains(&Modifier::Re) {
                    return Err(format!("the modifier `{}` only stands after `re`", modifier.name()));
                }
                None
            }
            Modifier::Windash
            | Modifier::Base64
            | Modifier::Base64Offset
            | Modifier::Utf16
            | Modifier::Utf16Le
            | Modifier::Utf16Be => {
                texts.push(modifier);
                None
            }
            Modifier::Minute | Modifier::Hour | Modifier::Day | Modifier::Week | Modifier::Month | Modifier::Year => {
                if let Some((_, other)) = part.replace((time_part_of(modifier), modifier)) {
                    return Err(contradiction(other, modifier));
                }
                None
            }
            Modifier::All | Modifier::Cased | Modifier::Neq | Modifier::Expand => None,
        };
        if let Some(own) = own
            && let Some((_, other)) = kind.replace((own, modifier))
        {
            return Err(contradiction(other, modifier));
        }
    }
    settle(
        item,
        kind,
        &Parts {
            flags,
            relation,
            part,
            texts,
        },
    )
}

/// The modifiers that refine a kind.
#[derive(Debug)]
struct Parts {
    flags: Flags,
    relation: Option<Modifier>,
    part: Option<(Option<TimePart>, Modifier)>,
    texts: Vec<Modifier>,
}

fn settle(item: &Item, kind: Option<(Kind, Modifier)>, parts: &Parts) -> Result<Kind, String> {
    let (kind, main) = match (kind, parts.part) {
        (None, None) => (Kind::Text, None),
        (None, Some((part, modifier))) => (Kind::Compare(part, Comparison::Equal), Some(modifier)),
        (Some((Kind::Compare(_, comparison), modifier)), Some((part, _))) => {
            (Kind::Compare(part, comparison), Some(modifier))
        }
        (Some((_, modifier)), Some((_, other))) => return Err(contradiction(modifier, other)),
        (Some((kind, modifier)), None) => (kind, Some(modifier)),
    };
    let kind = match (kind, parts.relation) {
        (Kind::Regex(_), None) => Kind::Regex(parts.flags),
        (Kind::FieldRef(_), Some(Modifier::StartsWith)) => Kind::FieldRef(Relation::StartsWith),
        (Kind::FieldRef(_), Some(Modifier::EndsWith)) => Kind::FieldRef(Relation::EndsWith),
        (Kind::FieldRef(_), Some(_)) => Kind::FieldRef(Relation::Contains),
        (Kind::Text, _) | (_, None) => kind,
        (_, Some(relation)) => return Err(contradiction(main.unwrap_or(relation), relation)),
    };
    if let (Some(main), Some(text)) = (main, parts.texts.first()) {
        return Err(contradiction(main, *text));
    }
    let keywords_fit = matches!(kind, Kind::Text | Kind::Regex(_));
    if item.field.is_none() && !keywords_fit {
        let name = main.map_or("", Modifier::name);
        return Err(format!("`{name}` needs a field"));
    }
    Ok(kind)
}

fn contradiction(one: Modifier, other: Modifier) -> String {
    format!(
        "the modifiers `{}` and `{}` contradict each other",
        one.name(),
        other.name()
    )
}

const fn time_part_of(modifier: Modifier) -> Option<TimePart> {
    match modifier {
        Modifier::Minute => Some(TimePart::Minute),
        Modifier::Hour => Some(TimePart::Hour),
        Modifier::Day => Some(TimePart::Day),
        Modifier::Week => Some(TimePart::Week),
        Modifier::Month => Some(TimePart::Month),
        Modifier::Year => Some(TimePart::Year),
        Modifier::All
        | Modifier::StartsWith
        | Modifier::EndsWith
        | Modifier::Contains
        | Modifier::Exists
        | Modifier::Cased
        | Modifier::Neq
        | Modifier::Windash
        | Modifier::Re
        | Modifier::ReIgnoreCase
        | Modifier::ReMultiLine
        | Modifier::ReDotAll
        | Modifier::Base64
        | Modifier::Base64Offset
        | Modifier::Utf16Le
        | Modifier::Utf16Be
        | Modifier::Utf16
        | Modifier::Lt
        | Modifier::Lte
        | Modifier::Gt
        | Modifier::Gte
        | Modifier::Cidr
        | Modifier::Expand
        | Modifier::FieldRef => None,
    }
}
