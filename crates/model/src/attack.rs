//! MITRE ATT&CK's words, as far as several rooms need them.

/// The tactics of ATT&CK Enterprise as Sigma's tags name them, in the order in which attackers mostly go through them (Sigma
/// tags specification 2.1, "attack").
pub const TACTICS: [&str; 16] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "stealth",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

/// The place of a tag's tactic in [`TACTICS`] (`attack.lateral_movement`, `attack.lateral-movement`); none for other tags.
#[must_use]
pub fn tactic(tag: &str) -> Option<usize> {
    let name = tag.strip_prefix("attack.")?;
    let same = |known: u8, named: u8| known == named.to_ascii_lowercase() || (known == b'-' && named == b'_');
    TACTICS
        .iter()
        .position(|known| known.len() == name.len() && known.bytes().zip(name.bytes()).all(|(a, b)| same(a, b)))
}
