//! An event: one record (or several joined) in a shape that rules, hunts and people can use, with nothing lost by it.

use std::net::IpAddr;

use bytes::Bytes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Fields, LogSourceSet, Problem, Seq, SourceId, Timestamp};

/// What happened, as far as the record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The journal's number of its first record; names the event for good.
    pub seq: Seq,
    /// How many journal records were joined into it (auditd writes several lines an event); 1 for most.
    pub records: u32,
    /// Who sent it.
    pub source: SourceId,
    /// When it happened, by the record's own clock; the time of receipt when that cannot be known (a problem says so).
    pub happened_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// The source module of `normalize` that read it (`sysmon`, `sshd`, `nginx`), or `unknown`.
    pub format: CompactString,
    /// The Sigma log sources it belongs to.
    pub logsources: LogSourceSet,
    /// The record's fields under their own names.
    pub fields: Fields,
    /// The fixed set of columns by which events of all kinds are found.
    pub entities: Entities,
    /// The bytes as they came; joined records are separated by a newline.
    pub raw: Bytes,
    /// What could not be read, or was guessed.
    pub problems: Vec<Problem>,
    /// Whether it belongs to a rehearsal.
    pub exercise: bool,
}

macro_rules! entities {
    ($( $(#[$doc:meta])* $field:ident : $type:ty, $ecs:literal, $variant:ident, $wrap:ident; )*) => {
        /// The entity columns of an event, named as in the Elastic Common Schema. Absent means: the record does not say.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Entities {
            $( $(#[$doc])* #[serde(rename = $ecs, skip_serializing_if = "Option::is_none", default)] pub $field: Option<$type>, )*
        }

        /// Names one entity column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EntityColumn {
            $( $(#[$doc])* $variant, )*
        }

        impl EntityColumn {
            /// All columns, in the order in which they are stored.
            pub const ALL: &'static [EntityColumn] = &[$( EntityColumn::$variant, )*];

            /// The ECS name (`source.ip`).
            #[must_use]
            pub fn ecs_name(self) -> &'static str {
                match self { $( Self::$variant => $ecs, )* }
            }
        }

        impl Entities {
            /// The value in one column.
            #[must_use]
            pub fn get(&self, column: EntityColumn) -> Option<EntityRef<'_>> {
                match column { $( EntityColumn::$variant => self.$field.as_ref().map(EntityRef::$wrap), )* }
            }
        }
    };
}

/// A borrowed entity value with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityRef<'a> {
    /// Text.
    Text(&'a CompactString),
    /// An IPv4 or IPv6 address.
    Address(&'a IpAddr),
    /// A port, process number or other small whole number.
    Number(&'a u32),
}

impl std::fmt::Display for EntityRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Address(address) => address.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

entities! {
    /// The machine it happened on, lower case, as the record names it.
    host_name: CompactString, "host.name", HostName, Text;
    /// The account that acted, without its domain.
    user_name: CompactString, "user.name", UserName, Text;
    /// The domain or realm of that account.
    user_domain: CompactString, "user.domain", UserDomain, Text;
    /// Where traffic or a sign-in came from.
    source_ip: IpAddr, "source.ip", SourceIp, Address;
    /// The port it came from.
    source_port: u32, "source.port", SourcePort, Number;
    /// Where traffic went.
    destination_ip: IpAddr, "destination.ip", DestinationIp, Address;
    /// The port it went to.
    destination_port: u32, "destination.port", DestinationPort, Number;
    /// The program that acted, full path where known.
    process_executable: CompactString, "process.executable", ProcessExecutable, Text;
    /// Its command line.
    process_command_line: CompactString, "process.command_line", ProcessCommandLine, Text;
    /// Its process number.
    process_pid: u32, "process.pid", ProcessPid, Number;
    /// The program that started it.
    process_parent_executable: CompactString, "process.parent.executable", ProcessParentExecutable, Text;
    /// The file that was touched.
    file_path: CompactString, "file.path", FilePath, Text;
    /// MD5 of the file or program, lower-case hexadecimal.
    file_hash_md5: CompactString, "file.hash.md5", FileHashMd5, Text;
    /// SHA-1 of the file or program, lower-case hexadecimal.
    file_hash_sha1: CompactString, "file.hash.sha1", FileHashSha1, Text;
    /// SHA-256 of the file or program, lower-case hexadecimal.
    file_hash_sha256: CompactString, "file.hash.sha256", FileHashSha256, Text;
    /// The domain name that was asked for, visited or contacted, lower case.
    url_domain: CompactString, "url.domain", UrlDomain, Text;
    /// The path and query that was requested.
    url_path: CompactString, "url.path", UrlPath, Text;
    /// The program's own number or name for this kind of event (`4624`, `EXECVE`, `ConsoleLogin`).
    event_code: CompactString, "event.code", EventCode, Text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_read_what_was_set_under_their_ecs_names() {
        let entities = Entities {
            source_ip: "203.0.113.7".parse().ok(),
            ..Entities::default()
        };
        let set: Vec<_> = EntityColumn::ALL
            .iter()
            .filter_map(|column| {
                entities
                    .get(*column)
                    .map(|value| format!("{}={value}", column.ecs_name()))
            })
            .collect();
        assert_eq!(set, ["source.ip=203.0.113.7"]);
        assert_eq!(
            serde_json::to_string(&entities).unwrap(),
            r#"{"source.ip":"203.0.113.7"}"#
        );
    }
}
