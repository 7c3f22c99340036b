//! Secrets: tokens that are shown once and kept as digests, and passwords.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use model::Entropy;
use operations::people::{Secret, digest};

use crate::state::Randomness;

/// A fresh secret of 256 random bits with its digest, which is all that is kept. It is as random as its digest, so no
/// salt is needed.
pub(crate) fn secret(prefix: &str, randomness: &dyn Randomness) -> Secret {
    let mut halves = [Entropy([0; 16]), Entropy([0; 16])];
    for half in &mut halves {
        randomness.fill(&mut half.0);
    }
    let [one, other] = halves.map(|half| Secret::new("", half).text);
    let text = format!("{prefix}{one}{other}");
    Secret {
        digest: digest(&text),
        text,
    }
}

/// Random bytes for the id of something new.
pub(crate) fn entropy(randomness: &dyn Randomness) -> Entropy {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    Entropy(bytes)
}

/// The hash of a password as accounts keep it: Argon2id (RFC 9106) in PHC format. Takes tens of milliseconds: never on a thread that serves.
pub fn hash_password(password: &str, randomness: &dyn Randomness) -> String {
    let mut salt = [0; 16];
    randomness.fill(&mut salt);
    hash_with_salt(password, &salt)
}

fn hash_with_salt(password: &str, salt: &[u8]) -> String {
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("a salt of 16 bytes and a bounded password are within Argon2's limits")
        .to_string()
}

/// Whether a password has this hash. Without a hash (no such account, or a disabled one) the same work is done, so that
/// the time of the answer does not tell which names exist.
pub(crate) fn verify_password(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash_with_salt("nobody has this password", &[0x57; 16]));
    let parsed = PasswordHash::new(hash.unwrap_or(&NOBODY));
    let fits = parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
    fits && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn only_the_right_password_of_an_existing_account_fits() {
        let hash = hash_password("correct horse battery", &Fixed);
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse", Some(&hash)));
        assert!(!verify_password("nobody has this password", None));
        assert!(!verify_password("x", Some("not a hash")));
    }

    #[test]
    fn a_secret_has_256_bits_after_its_prefix() {
        let secret = secret("wp_", &Fixed);
        assert_eq!(secret.text.len(), 3 + 64);
        assert_eq!(secret.digest, digest(&secret.text));
    }
}
