//! The evidence store: files under the SHA-256 of their bytes, kept inert so that nothing in them runs and no virus scanner
//! deletes them, and bundles that prove themselves without the post. A crate of its own, because the console, the command line
//! and the checker of bundles all stand on it, and its readers are fuzzed alone.

mod bundle;
mod inert;
mod store;

use std::io::{self, Read};

use sha2::{Digest, Sha256};

pub use bundle::{BundleFlaw, Checked, Ledgered, Manifest, Member, check_bundle, write_bundle};
pub use inert::{Inert, InertError, seal, unseal};
pub use store::{Digests, Inventory, PutError, Store, StoreError};

/// Most bytes of one piece of evidence.
pub const OBJECT_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// Both digests of what is read.
///
/// # Errors
/// What reading ran into, and [`io::ErrorKind::FileTooLarge`] beyond `bytes_max`.
pub fn digest(mut from: impl Read, bytes_max: u64) -> io::Result<Digests> {
    let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
    let mut bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += read as u64;
        if bytes > bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        sha256.update(&buffer[..read]);
        blake3.update(&buffer[..read]);
    }
    Ok(Digests {
        bytes,
        sha256: hex(&sha256.finalize()),
        blake3: blake3.finalize().to_hex().to_string(),
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).expect("half a byte is a hexadecimal digit"));
        }
    }
    text
}

/// Whether a text is a SHA-256 as the store writes it.
fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
