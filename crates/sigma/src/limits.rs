//! The named limits that bound what a rule file from an untrusted source can cost in time and memory.

/// Largest rule file that is read, in bytes. The largest of SigmaHQ's is under 60 KB.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of YAML sequences and mappings.
pub const YAML_DEPTH_MAX: usize = 64;
/// Most YAML nodes in one file, aliases counted as often as they are used.
pub const YAML_NODES_MAX: usize = 100_000;
/// Most keys in one YAML mapping.
pub const YAML_KEYS_MAX: usize = 1_000;
/// Most bytes of scalar text in one file, aliases counted as often as they are used.
pub const YAML_TEXT_BYTES_MAX: usize = 4 << 20;
/// Most YAML documents in one file.
pub const DOCUMENTS_MAX: usize = 1_000;
/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 16 << 10;
/// Deepest nesting of brackets and negations in a condition, and of lists in a selection.
pub const CONDITION_DEPTH_MAX: usize = 64;
/// Most selection references in one rule's conditions after `of` patterns are resolved.
pub const CONDITION_REFERENCES_MAX: usize = 20_000;
/// Most atoms that one rule may expand into after all value modifiers.
pub const RULE_ATOMS_MAX: usize = 20_000;
/// Most regular expressions that the rules of one file may have together.
pub const FILE_EXPRESSIONS_MAX: usize = 128;
/// Most values that one written value may expand into (`windash`, `base64offset`, `expand`).
pub const VALUE_EXPANSIONS_MAX: usize = 4_096;
/// Longest single value after expansion, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
