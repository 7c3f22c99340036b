//! The post's own key towards push services (VAPID, RFC 8292): made at the first start, kept in the data folder, shown to browsers by its
//! public half.

use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer},
    elliptic_curve::sec1::ToEncodedPoint,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

/// How long a token is good for; push services take at most 24 hours (RFC 8292, 2).
const TOKEN_SECONDS: i64 = 12 * 3600;

/// The post's key pair.
#[derive(Clone)]
pub struct VapidKey {
    key: SigningKey,
    public: String,
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("VapidKey");
        shown.field("public", &self.public).finish_non_exhaustive()
    }
}

/// A fresh private key on P-256.
pub(super) fn random_key() -> io::Result<SecretKey> {
    let mut bytes = [0; 32];
    // All but a vanishing part of 32 octets are a key; the others are drawn again.
    for _ in 0..16 {
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gives no random numbers"))?;
        if let Ok(key) = SecretKey::from_slice(&bytes) {
            return Ok(key);
        }
    }
    Err(io::Error::other("the system's random numbers are not random"))
}

impl VapidKey {
    /// Reads the key from a file, or makes it there, readable for the owner only.
    ///
    /// # Errors
    /// When the file cannot be read or made, or has something else in it.
    pub fn read_or_make(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let bytes = BASE64.decode(text.trim()).map_err(io::Error::other)?;
                let key = SecretKey::from_slice(&bytes).map_err(io::Error::other)?;
                Ok(Self::from(&key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random_key()?;
                let mut options = fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path)?;
                writeln!(file, "{}", BASE64.encode(key.to_bytes()))?;
                file.sync_all()?;
                Ok(Self::from(&key))
            }
            Err(error) => Err(error),
        }
    }

    /// The public key as browsers take it: uncompressed, base64url.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The `Authorization` header for one push service.
    pub(super) fn authorization(&self, audience: &str, contact: &str, now: Timestamp) -> String {
        let part = |value: serde_json::Value| BASE64.encode(value.to_string());
        let header = part(json!({"typ": "JWT", "alg": "ES256"}));
        let expires = now.as_second().saturating_add(TOKEN_SECONDS);
        let claims = part(json!({"aud": audience, "exp": expires, "sub": contact}));
        let signed = format!("{header}.{claims}");
        let signature: Signature = self.key.sign(signed.as_bytes());
        let signature = BASE64.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public)
    }
}

impl From<&SecretKey> for VapidKey {
    fn from(key: &SecretKey) -> Self {
        Self {
            public: BASE64.encode(key.public_key().to_encoded_point(false).as_bytes()),
            key: SigningKey::from(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::{VerifyingKey, signature::Verifier};

    use super::*;

    fn verify(token: &str, public: &str) -> bool {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = VerifyingKey::from_sec1_bytes(&BASE64.decode(public).unwrap()).unwrap();
        let signature = Signature::from_slice(&BASE64.decode(signature).unwrap()).unwrap();
        key.verify(signed.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn the_example_of_rfc_8292_section_2_4_verifies_here() {
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        let public = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        assert!(verify(token, public));
    }

    #[test]
    fn a_token_is_for_one_service_one_day_and_verifies() {
        let post = VapidKey::from(&SecretKey::from_slice(&[7; 32]).unwrap());
        let now = "2024-04-30T02:10:00Z".parse().unwrap();
        let header = post.authorization("https://push.example.net", "mailto:watch@example.vn", now);
        let (token, _) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert!(verify(token, post.public()));
        let said = BASE64.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&said).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net");
        assert_eq!(claims["exp"], now.as_second() + 43_200);
    }

    #[test]
    fn the_key_is_made_once_and_kept_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web-push.key");
        let made = VapidKey::read_or_make(&path).unwrap();
        assert_eq!(VapidKey::read_or_make(&path).unwrap().public(), made.public());
        let permissions = fs::metadata(&path).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777, 0o600);
        assert!(!format!("{made:?}").contains(fs::read_to_string(&path).unwrap().trim()));
        fs::write(&path, "nonsense").unwrap();
        assert!(VapidKey::read_or_make(&path).is_err());
    }
}
