//! The key with which a post seals archives of its lake (Ed25519, RFC 8032): made once, kept beside the data, readable for its
//! owner only.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::clock;

/// Bytes of a seed and of a public key.
const KEY_BYTES: usize = 32;

/// The post's key.
pub(crate) struct SealingKey(Ed25519KeyPair);

fn path(data: &Path) -> PathBuf {
    data.join("lake-seal.key")
}

impl SealingKey {
    /// Reads the key of a data folder, or makes one there.
    ///
    /// # Errors
    /// The disk refuses, or what lies there is no key.
    pub(crate) fn of(data: &Path) -> Result<Self> {
        let path = path(data);
        if !path.exists() {
            let seed = [clock::entropy()?.0, clock::entropy()?.0].concat();
            // The key gets its name when it is whole: half a key would stand in the way of every later one.
            let unfinished = path.with_extension("unfinished");
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&unfinished)
                .with_context(|| format!("{} cannot be made", unfinished.display()))?;
            file.write_all(hex(&seed).as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path).with_context(|| format!("{} cannot be made", path.display()))?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let seed = unhex(&text).with_context(|| format!("{} is no key", path.display()))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| anyhow!("{} is no key", path.display()))?;
        Ok(Self(pair))
    }

    /// The signature over some bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }

    /// The public key, hexadecimal.
    pub(crate) fn public(&self) -> String {
        hex(self.0.public_key().as_ref())
    }
}

/// Whether a signature over some bytes is by a public key.
pub(crate) fn is_signed(public: &[u8; KEY_BYTES], bytes: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(bytes, signature)
        .is_ok()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads 32 bytes in hexadecimal.
///
/// # Errors
/// They are not.
pub(crate) fn unhex(text: &str) -> Result<[u8; KEY_BYTES]> {
    let digits = text.trim();
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        bail!("64 hexadecimal digits are expected");
    }
    let mut key = [0; KEY_BYTES];
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).context("a byte in hexadecimal")?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_signs_is_known_by_its_public_half_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::of(folder.path()).unwrap();
        let signature = key.sign(b"list");
        let again = SealingKey::of(folder.path()).unwrap();
        assert_eq!(again.public(), key.public(), "the key is made once");
        let public = unhex(&key.public()).unwrap();
        assert!(is_signed(&public, b"list", &signature));
        assert!(!is_signed(&public, b"lust", &signature));
        assert!(!is_signed(&[7; KEY_BYTES], b"list", &signature));
        assert!(unhex("zz").is_err() && unhex(&"a".repeat(63)).is_err());
    }
}
