//! Reads the `correlation` section of a document into [`Correlation`], or refuses it with the line and the reason.

use crate::correlation::expression::Expression;
use crate::correlation::limits::{GROUP_FIELDS_MAX, REFERENCES_MAX, THRESHOLD_MAX, TIMESPAN_MAX_US};
use crate::correlation::rule::{Alias, Comparison, Condition, Correlation, CorrelationKind, Operator, Reference};
use crate::document::Fault;
use crate::yaml::{Content, Entry, Node, Position};

const KEYS: [&str; 8] = [
    "type",
    "rules",
    "group-by",
    "timespan",
    "aliases",
    "condition",
    "generate",
    "window",
];

impl Correlation {
    /// Reads the `correlation` section of a whole document; `generate` may stand in the section or at the top (both are in use).
    ///
    /// # Errors
    ///
    /// Returns the place and the reason when something is missing, unknown, contradictory or beyond a limit.
    pub fn read(document: &Node) -> Result<Correlation, Fault> {
        let section = document
            .get("correlation")
            .ok_or_else(|| Fault::new(document.at, "a correlation document needs a `correlation` section"))?;
        if !matches!(section.content, Content::Mapping(_)) {
            return Err(Fault::new(
                section.at,
                format!("`correlation` must be a map, not {}", section.kind()),
            ));
        }
        if let Some(entry) = section
            .entries()
            .iter()
            .find(|entry| !KEYS.contains(&entry.key.as_str()))
        {
            return Err(Fault::new(
                entry.at,
                format!(
                    "`correlation` has no key `{}`; it knows {}",
                    entry.key,
                    KEYS[..7].join(", ")
                ),
            ));
        }
        if let Some(window) = section.get("window") {
            return Err(Fault::new(
                window.at,
                "`window` types are not part of the Sigma specification; the window slides over `timespan`",
            ));
        }
        let kind = read_kind(section)?;
        let mut rules = read_references(section)?;
        let condition = read_condition(section, kind, &mut rules)?;
        if rules.is_empty() {
            return Err(Fault::new(
                section.at,
                "a correlation needs at least one rule under `rules`",
            ));
        }
        let correlation = Correlation {
            kind,
            group_by: read_group_by(section)?,
            timespan_us: read_timespan(section)?,
            aliases: read_aliases(section, &rules)?,
            generate: read_generate(document, section)?,
            condition,
            rules,
            at: section.at,
        };
        Ok(correlation)
    }
}

fn read_kind(section: &Node) -> Result<CorrelationKind, Fault> {
    let names = || CorrelationKind::ALL.map(|(_, name)| name).join(", ");
    let node = section
        .get("type")
        .ok_or_else(|| Fault::new(section.at, format!("`type` is missing: one of {}", names())))?;
    let written = node.as_str().unwrap_or_default();
    CorrelationKind::ALL
        .into_iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(written))
        .map(|(kind, _)| kind)
        .ok_or_else(|| {
            Fault::new(
                node.at,
                format!("`{written}` is no type of correlation: one of {}", names()),
            )
        })
}

fn read_references(section: &Node) -> Result<Vec<Reference>, Fault> {
    let Some(node) = section.get("rules") else {
        return Ok(Vec::new());
    };
    let mut rules: Vec<Reference> = Vec::new();
    for item in node.items() {
        let to = item.scalar_text().filter(|text| !text.is_empty()).ok_or_else(|| {
            Fault::new(
                item.at,
                format!("a rule is named by its id or name, not by {}", item.kind()),
            )
        })?;
        if rules.iter().any(|rule| rule.to == to) {
            return Err(Fault::new(item.at, format!("the rule `{to}` is named twice")));
        }
        if rules.len() >= REFERENCES_MAX {
            return Err(Fault::new(item.at, format!("more than {REFERENCES_MAX} rules")));
        }
        rules.push(Reference { to, at: item.at });
    }
    Ok(rules)
}

fn read_group_by(section: &Node) -> Result<Vec<String>, Fault> {
    section
        .get("group-by")
        .map_or(Ok(Vec::new()), |node| read_fields(node, "group-by"))
}

fn read_fields(node: &Node, key: &str) -> Result<Vec<String>, Fault> {
    let mut fields: Vec<String> = Vec::new();
    for item in node.items() {
        let field = item
            .scalar_text()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Fault::new(item.at, format!("`{key}` lists field names, not {}", item.kind())))?;
        if !fields.contains(&field) {
            fields.push(field);
        }
        if fields.len() > GROUP_FIELDS_MAX {
            return Err(Fault::new(
                item.at,
                format!("`{key}` has more than {GROUP_FIELDS_MAX} fields"),
            ));
        }
    }
    Ok(fields)
}

fn read_timespan(section: &Node) -> Result<i64, Fault> {
    let node = section
        .get("timespan")
        .ok_or_else(|| Fault::new(section.at, "`timespan` is missing, for example `timespan: 5m`"))?;
    let text = node.scalar_text().unwrap_or_default();
    timespan_us(&text).map_err(|reason| Fault::new(node.at, reason))
}

/// Returns a timespan such as `90m` in microseconds. The units are those of the specification (`s`, `m`, `h`, `d`) and of pySigma
/// (`w`; `M` and `y`, the mean Gregorian month and year).
fn timespan_us(text: &str) -> Result<i64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        "M" => 2_629_746,
        "y" => 31_556_952,
        _ => {
            return Err(format!(
                "`{text}` is no timespan: a number and one of s, m, h, d, w, M, y"
            ));
        }
    };
    let count: i64 = count
        .parse()
        .map_err(|_| format!("`{text}` is no timespan: a number and one of s, m, h, d, w, M, y"))?;
    let span = count
        .checked_mul(seconds)
        .and_then(|seconds: i64| seconds.checked_mul(1_000_000));
    match span {
        Some(span) if span > 0 && span <= TIMESPAN_MAX_US => Ok(span),
        Some(0) => Err("a timespan must be longer than nothing".to_owned()),
        Some(_) | None => Err(format!("the timespan `{text}` is longer than a year")),
    }
}

fn read_aliases(section: &Node, rules: &[Reference]) -> Result<Vec<Alias>, Fault> {
    let Some(node) = section.get("aliases") else {
        return Ok(Vec::new());
    };
    if !matches!(node.content, Content::Mapping(_)) {
        return Err(Fault::new(
            node.at,
            format!("`aliases` must be a map, not {}", node.kind()),
        ));
    }
    node.entries().iter().map(|entry| read_alias(entry, rules)).collect()
}

fn read_alias(entry: &Entry, rules: &[Reference]) -> Result<Alias, Fault> {
    if !matches!(entry.value.content, Content::Mapping(_)) {
        let reason = format!(
            "the alias `{}` must map each rule to a field, not be {}",
            entry.key,
            entry.value.kind()
        );
        return Err(Fault::new(entry.value.at, reason));
    }
    let mut fields = Vec::new();
    for mapping in entry.value.entries() {
        if !rules.iter().any(|rule| rule.to == mapping.key) {
            let reason = format!(
                "the alias `{}` names the rule `{}`, which is not under `rules`",
                entry.key, mapping.key
            );
            return Err(Fault::new(mapping.at, reason));
        }
        let field = mapping
            .value
            .scalar_text()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                Fault::new(
                    mapping.value.at,
                    format!(
                        "the alias `{}` needs a field name, not {}",
                        entry.key,
                        mapping.value.kind()
                    ),
                )
            })?;
        fields.push((
            Reference {
                to: mapping.key.clone(),
                at: mapping.at,
            },
            field,
        ));
    }
    Ok(Alias {
        name: entry.key.clone(),
        fields,
    })
}

fn read_generate(document: &Node, section: &Node) -> Result<bool, Fault> {
    match section.get("generate").or_else(|| document.get("generate")) {
        None => Ok(false),
        Some(Node {
            content: Content::Bool(generate),
            ..
        }) => Ok(*generate),
        Some(node) => Err(Fault::new(
            node.at,
            format!("`generate` must be true or false, not {}", node.kind()),
        )),
    }
}

fn read_condition(section: &Node, kind: CorrelationKind, rules: &mut Vec<Reference>) -> Result<Condition, Fault> {
    match section.get("condition") {
        Some(node) if node.as_str().is_some() => read_expression(node, kind, rules),
        Some(node) if matches!(node.content, Content::Mapping(_)) => read_comparisons(node, kind),
        Some(node) => Err(Fault::new(
            node.at,
            format!("`condition` must be a map such as `gte: 10`, not {}", node.kind()),
        )),
        None if kind.is_temporal() => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the number of rules is bounded far below 2^52"
            )]
            let all = Comparison {
                operator: Operator::GreaterOrEqual,
                number: rules.len() as f64,
            };
            Ok(Condition::Compare {
                comparisons: vec![all],
                fields: Vec::new(),
                percentile: None,
            })
        }
        None => Err(Fault::new(section.at, format!("{} needs a `condition`", kind.name()))),
    }
}

/// The rules of an extended condition may be listed under `rules`, and then both must name the same, or be taken from the condition.
fn read_expression(node: &Node, kind: CorrelationKind, rules: &mut Vec<Reference>) -> Result<Condition, Fault> {
    if !kind.is_temporal() {
        let reason = format!(
            "a condition over rules is for temporal correlations; {} compares a number",
            kind.name()
        );
        return Err(Fault::new(node.at, reason));
    }
    let text = node.as_str().unwrap_or_default();
    let expression = Expression::parse(text).map_err(|reason| Fault::new(node.at, reason))?;
    let named = expression.references();
    if rules.is_empty() {
        rules.extend(named.iter().map(|name| Reference {
            to: (*name).to_owned(),
            at: node.at,
        }));
    } else if let Some(unused) = rules.iter().find(|rule| !named.contains(&rule.to.as_str())) {
        return Err(Fault::new(
            unused.at,
            format!("the rule `{}` does not occur in the condition", unused.to),
        ));
    } else if let Some(unknown) = named.iter().find(|name| !rules.iter().any(|rule| rule.to == **name)) {
        return Err(Fault::new(
            node.at,
            format!("the condition names `{unknown}`, which is not under `rules`"),
        ));
    }
    Ok(Condition::Expression(expression))
}

fn read_comparisons(node: &Node, kind: CorrelationKind) -> Result<Condition, Fault> {
    let mut comparisons = Vec::new();
    let mut fields = Vec::new();
    let mut percentile = None;
    for entry in node.entries() {
        let operator = Operator::ALL.into_iter().find(|(_, name)| *name == entry.key);
        match (entry.key.as_str(), operator) {
            (_, Some((operator, _))) => comparisons.push(Comparison {
                operator,
                number: read_number(entry)?,
            }),
            ("field", None) => fields = read_fields(&entry.value, "condition.field")?,
            ("percentile", None) => percentile = Some(read_percentile(entry)?),
            (key, None) => {
                let reason = format!("the condition has no key `{key}`: gt, gte, lt, lte, eq, neq, field, percentile");
                return Err(Fault::new(entry.at, reason));
            }
        }
    }
    check_measure(node.at, kind, &fields, percentile)?;
    if comparisons.is_empty() {
        return Err(Fault::new(
            node.at,
            "the condition compares with nothing: gt, gte, lt, lte, eq or neq",
        ));
    }
    let is_count = matches!(kind, CorrelationKind::EventCount | CorrelationKind::ValueCount);
    #[expect(clippy::cast_precision_loss, reason = "the limit is far below 2^52")]
    let threshold_max = THRESHOLD_MAX as f64;
    if is_count && comparisons.iter().any(|comparison| comparison.number > threshold_max) {
        return Err(Fault::new(
            node.at,
            format!("a count above {THRESHOLD_MAX} is not kept"),
        ));
    }
    Ok(Condition::Compare {
        comparisons,
        fields,
        percentile,
    })
}

fn check_measure(at: Position, kind: CorrelationKind, fields: &[String], percentile: Option<f64>) -> Result<(), Fault> {
    let name = kind.name();
    if kind.needs_field() && fields.is_empty() {
        return Err(Fault::new(at, format!("{name} needs `field` in its condition")));
    }
    if kind.needs_field() && kind != CorrelationKind::ValueCount && fields.len() > 1 {
        return Err(Fault::new(
            at,
            format!("{name} measures one field, not {}", fields.len()),
        ));
    }
    if !kind.needs_field() && !fields.is_empty() {
        return Err(Fault::new(at, format!("{name} measures no `field`")));
    }
    if (kind == CorrelationKind::ValuePercentile) != percentile.is_some() {
        return Err(Fault::new(
            at,
            if percentile.is_some() {
                format!("`percentile` is for value_percentile, not {name}")
            } else {
                "a value_percentile correlation needs `percentile` (0 to 100) in its condition".to_owned()
            },
        ));
    }
    Ok(())
}

fn read_number(entry: &Entry) -> Result<f64, Fault> {
    entry
        .value
        .scalar_text()
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|number| number.is_finite())
        .ok_or_else(|| {
            Fault::new(
                entry.value.at,
                format!("`{}` needs a number, not {}", entry.key, entry.value.kind()),
            )
        })
}

fn read_percentile(entry: &Entry) -> Result<f64, Fault> {
    let percentile = read_number(entry)?;
    if (0.0..=100.0).contains(&percentile) {
        Ok(percentile)
    } else {
        Err(Fault::new(entry.value.at, "`percentile` lies between 0 and 100"))
    }
}
