//! Message encryption for Web Push (RFC 8291) in the `aes128gcm` content coding (RFC 8188), one record for each message.

use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToEncodedPoint};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
};

/// Octets of the salt (RFC 8188, 2.1).
pub(crate) const SALT_BYTES: usize = 16;
/// Octets of the receiver's secret (RFC 8291, 3.2).
pub(crate) const AUTH_BYTES: usize = 16;
/// The record size that the header states; a whole push message fits one record.
const RECORD_BYTES: u32 = 4096;
/// Longest text that fits into what a push service must take (RFC 8030, 7.2): 4096 octets less header, padding sign and tag.
pub(crate) const TEXT_BYTES_MAX: usize = 4096 - HEADER_BYTES - 1 - TAG_BYTES;
const PUBLIC_BYTES: u8 = 65;
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + PUBLIC_BYTES as usize;
const TAG_BYTES: usize = 16;

/// Why something cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotEncrypted {
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("the text is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// The cipher refused.
    #[error("the cipher refused")]
    Cipher,
}

/// What a browser gave to be written to.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    /// Its public key.
    pub(crate) public: PublicKey,
    /// Its authentication secret.
    pub(crate) auth: [u8; AUTH_BYTES],
}

/// Encrypts a text for one receiver. `sender` and `salt` must be new and random for each message.
///
/// # Errors
/// When the text is too long.
pub(crate) fn encrypt(
    text: &[u8],
    receiver: &Receiver,
    sender: &SecretKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, NotEncrypted> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(NotEncrypted::TooLong);
    }
    let sender_public = sender.public_key().to_encoded_point(false);
    let receiver_public = receiver.public.to_encoded_point(false);
    let shared = diffie_hellman(sender.to_nonzero_scalar(), receiver.public.as_affine());
    // RFC 8291, 3.4.
    let mut key_info = b"WebPush: info\0".to_vec();
    key_info.extend_from_slice(receiver_public.as_bytes());
    key_info.extend_from_slice(sender_public.as_bytes());
    let ikm = derive(&receiver.auth, shared.raw_secret_bytes(), &key_info);
    let key = derive(&salt, &ikm, b"Content-Encoding: aes128gcm\0");
    let nonce = derive(&salt, &ikm, b"Content-Encoding: nonce\0");

    let mut sealed = text.to_vec();
    // The sign of the last record (RFC 8188, 2).
    sealed.push(2);
    let key = UnboundKey::new(&AES_128_GCM, &key[..16]).map_err(|_| NotEncrypted::Cipher)?;
    let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).map_err(|_| NotEncrypted::Cipher)?;
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
        .map_err(|_| NotEncrypted::Cipher)?;

    let mut message = Vec::with_capacity(HEADER_BYTES + sealed.len());
    message.extend_from_slice(&salt);
    message.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    message.push(PUBLIC_BYTES);
    message.extend_from_slice(sender_public.as_bytes());
    message.extend_from_slice(&sealed);
    Ok(message)
}

/// HKDF with SHA-256 (RFC 5869) for at most one block.
fn derive(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; 32] {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret);
    let mut block = info.to_vec();
    block.push(1);
    let expanded = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()), &block);
    expanded.as_ref().try_into().expect("SHA-256 has 32 octets")
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64.decode(text).unwrap()
    }

    #[test]
    fn the_example_of_rfc_8291_appendix_a() {
        let sender = SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let receiver = Receiver {
            public: PublicKey::from_sec1_bytes(&bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            ))
            .unwrap(),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
        };
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let message = encrypt(b"When I grow up, I want to be a watermelon", &receiver, &sender, salt).unwrap();
        assert_eq!(
            BASE64.encode(message),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let sender = SecretKey::from_slice(&[7; 32]).unwrap();
        let receiver = Receiver {
            public: sender.public_key(),
            auth: [1; AUTH_BYTES],
        };
        let encrypted = |length: usize| encrypt(&vec![b'x'; length], &receiver, &sender, [2; SALT_BYTES]);
        assert_eq!(encrypted(TEXT_BYTES_MAX).unwrap().len(), 4096);
        assert_eq!(encrypted(TEXT_BYTES_MAX + 1), Err(NotEncrypted::TooLong));
    }
}
