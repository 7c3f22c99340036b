//! Whether a host answers an echo request (RFC 792, RFC 4443), over the datagram sockets that need no privilege, or where the kernel
//! has none for us over a raw one.

use std::{
    io::{ErrorKind, Read},
    net::SocketAddr,
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{LONGEST, resolve};

/// What an echo request carries.
const PAYLOAD: &[u8] = b"watchpost probe";
/// Packets for others that are passed over before the answer is given up: a raw socket hears all of the machine's.
const OTHERS_MAX: usize = 200;

/// Asks once.
///
/// # Errors
/// What went wrong, in one line.
pub(super) fn ask(host: &str) -> Result<(), String> {
    let place = resolve(&format!("{host}:0")).or_else(|_| resolve(&format!("[{host}]:0")))?[0];
    let said = |error: std::io::Error| format!("{host}: {error}");
    let v4 = place.is_ipv4();
    let (domain, protocol) = match place {
        SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let (mut socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            (Socket::new(domain, Type::RAW, Some(protocol)).map_err(said)?, true)
        }
        other => (other.map_err(said)?, false),
    };
    socket.set_read_timeout(Some(LONGEST)).map_err(said)?;
    socket.connect(&place.into()).map_err(said)?;
    let request = request(v4);
    socket.send(&request).map_err(said)?;
    let mut answer = [0; 256];
    for _ in 0..OTHERS_MAX {
        let length = socket.read(&mut answer).map_err(said)?;
        let packet = if raw && v4 {
            without_header(&answer[..length])
        } else {
            &answer[..length]
        };
        let others = raw && packet.get(4..6) != request.get(4..6);
        let own = packet.first() == request.first();
        if !(others || own) {
            return judge(packet, v4).map_err(|why| format!("{host}: {why}"));
        }
    }
    Err(format!("{host}: no answer among {OTHERS_MAX} packets"))
}

/// Type, code, checksum, identifier, number. A datagram socket has the kernel fill in checksum and identifier.
fn request(v4: bool) -> Vec<u8> {
    let [.., high, low] = std::process::id().to_be_bytes();
    let mut bytes = vec![if v4 { 8 } else { 128 }, 0, 0, 0, high, low, 0, 1];
    bytes.extend(PAYLOAD);
    if v4 {
        let sum = checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// The ones' complement of the ones' complement sum of all 16-bit words (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        sum += u32::from(word);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// A packet without its IPv4 header (RFC 791, 3.1).
pub(super) fn without_header(packet: &[u8]) -> &[u8] {
    let length = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    packet.get(length..).unwrap_or_default()
}

pub(super) fn judge(answer: &[u8], v4: bool) -> Result<(), String> {
    let reply = if v4 { 0 } else { 129 };
    match answer {
        [kind, 0, _, _, _, _, 0, 1, payload @ ..] if *kind == reply && payload == PAYLOAD => Ok(()),
        [kind, code, ..] => Err(format!("it answers with type {kind}, code {code}")),
        _ => Err("an answer that cannot be read".to_owned()),
    }
}
