//! How the entity columns are stored, and which of them are sought often.

use std::net::{IpAddr, Ipv6Addr};

use model::EntityColumn;

/// How an entity column is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntityKind {
    Text,
    /// Sixteen bytes; IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that addresses compare as addresses.
    Address,
    Number,
}

pub(crate) fn kind_of(column: EntityColumn) -> EntityKind {
    match column {
        EntityColumn::SourceIp | EntityColumn::DestinationIp => EntityKind::Address,
        EntityColumn::SourcePort | EntityColumn::DestinationPort | EntityColumn::ProcessPid => EntityKind::Number,
        EntityColumn::HostName
        | EntityColumn::UserName
        | EntityColumn::UserDomain
        | EntityColumn::ProcessExecutable
        | EntityColumn::ProcessCommandLine
        | EntityColumn::ProcessParentExecutable
        | EntityColumn::FilePath
        | EntityColumn::FileHashMd5
        | EntityColumn::FileHashSha1
        | EntityColumn::FileHashSha256
        | EntityColumn::UrlDomain
        | EntityColumn::UrlPath
        | EntityColumn::EventCode => EntityKind::Text,
    }
}

/// The columns by which one looks for few events among many.
pub(crate) fn is_sought(column: EntityColumn) -> bool {
    match column {
        EntityColumn::HostName
        | EntityColumn::UserName
        | EntityColumn::UserDomain
        | EntityColumn::SourceIp
        | EntityColumn::DestinationIp
        | EntityColumn::FileHashMd5
        | EntityColumn::FileHashSha1
        | EntityColumn::FileHashSha256
        | EntityColumn::UrlDomain => true,
        EntityColumn::SourcePort
        | EntityColumn::DestinationPort
        | EntityColumn::ProcessExecutable
        | EntityColumn::ProcessCommandLine
        | EntityColumn::ProcessPid
        | EntityColumn::ProcessParentExecutable
        | EntityColumn::FilePath
        | EntityColumn::UrlPath
        | EntityColumn::EventCode => false,
    }
}

pub(crate) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// IPv4-mapped IPv6 addresses come back as the IPv4 addresses they stand for.
pub(crate) fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let octets: [u8; 16] = bytes.try_into().ok()?;
    Some(Ipv6Addr::from(octets).to_canonical())
}
