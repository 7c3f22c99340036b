//! What a detection is about: the thing a person would go and look at.

use compact_str::{CompactString, ToCompactString};
use model::{Entity, EntityKind, Event};

/// Categories whose events are about whoever knocks, not about the machine that noticed.
const ABOUT_THE_VISITOR: &[&str] = &["webserver", "proxy", "firewall", "dns"];

/// Names what an event is about: for requests from outside the address they came from, in clouds the account, else the machine,
/// else the account, else the address, else the source that sent it.
#[must_use]
pub fn entity_of(event: &Event) -> Entity {
    let entities = &event.entities;
    let host = entities.host_name.clone().map(|name| (EntityKind::Host, name));
    let user = entities.user_name.clone().map(|name| (EntityKind::User, name));
    let address = entities
        .source_ip
        .map(|ip| (EntityKind::Address, ip.to_compact_string()));
    let order = if is_about_the_visitor(event) {
        [address, host, user]
    } else if is_about_the_account(event) {
        [user, address, host]
    } else {
        [host, user, address]
    };
    let (kind, name) = order
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_else(|| (EntityKind::Source, CompactString::new(event.source.as_str())));
    Entity { kind, name }
}

fn is_about_the_visitor(event: &Event) -> bool {
    event.logsources.members().iter().any(|source| {
        source
            .category
            .as_deref()
            .is_some_and(|category| ABOUT_THE_VISITOR.contains(&category))
    })
}

fn is_about_the_account(event: &Event) -> bool {
    let clouds = ["aws", "azure", "gcp", "m365", "okta", "github"];
    event
        .logsources
        .members()
        .iter()
        .any(|source| source.product.as_deref().is_some_and(|name| clouds.contains(&name)))
}

/// Names what a correlation is about by what its events have in common: an address if one of the values is one, else the
/// entity of the last event, which may be forgotten by then.
pub(crate) fn entity_of_group<'g>(values: impl Iterator<Item = (&'g str, &'g str)>, last: Option<&Entity>) -> Entity {
    let mut named = None;
    for (field, value) in values {
        if value.parse::<std::net::IpAddr>().is_ok() {
            return Entity {
                kind: EntityKind::Address,
                name: value.into(),
            };
        }
        let lower = field.to_ascii_lowercase();
        let kind = if lower.contains("host") || lower.contains("computer") {
            EntityKind::Host
        } else if lower.contains("user") || lower.contains("account") {
            EntityKind::User
        } else {
            continue;
        };
        named.get_or_insert_with(|| Entity {
            kind,
            name: value.into(),
        });
    }
    named.or_else(|| last.cloned()).unwrap_or_else(|| Entity {
        kind: EntityKind::Source,
        name: "unknown".into(),
    })
}
