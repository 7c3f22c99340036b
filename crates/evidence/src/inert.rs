//! The form in which objects lie in the store and in bundles: a header of our own, then a zstd stream under a key stream that
//! anybody can make. It hides nothing; it makes malware inert. No system runs such a file, no scanner knows what is in it, and a
//! copy by accident infects nobody. The bytes come back only through [`unseal`].

use std::io::{self, Read, Write};

/// The first bytes of a sealed object: a name, and the version of the form.
const MAGIC: [u8; 8] = *b"WPEVID\x01\n";
/// Bytes of the nonce.
const NONCE_BYTES: usize = 32;
/// What the key is derived for (BLAKE3 key derivation mode).
const CONTEXT: &str = "watchpost 2026-11-25 evidence, inert, not secret";

/// Why a sealed object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InertError {
    /// It does not begin as sealed objects do.
    #[error("it does not begin as a sealed object does")]
    NotSealed,
    /// It is damaged, cut, or goes on behind its end.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It would unpack to more than allowed.
    #[error("it unpacks to more than {0} bytes")]
    TooLarge(u64),
    /// Writing out what was read failed.
    #[error("writing: {0}")]
    Writing(io::Error),
}

/// A key stream over a reader or a writer.
pub struct Inert<T> {
    inner: T,
    stream: blake3::OutputReader,
    scratch: Vec<u8>,
}

impl<T> std::fmt::Debug for Inert<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inert").finish_non_exhaustive()
    }
}

impl<T> Inert<T> {
    fn new(inner: T, nonce: &[u8; NONCE_BYTES]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(nonce);
        Self {
            inner,
            stream: hasher.finalize_xof(),
            scratch: Vec::new(),
        }
    }

    fn apply(&mut self, bytes: &mut [u8]) {
        self.scratch.resize(bytes.len(), 0);
        self.stream.fill(&mut self.scratch);
        for (byte, key) in bytes.iter_mut().zip(&self.scratch) {
            *byte ^= key;
        }
    }
}

impl<R: Read> Read for Inert<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.apply(&mut buffer[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sealed = bytes.to_vec();
        self.apply(&mut sealed);
        self.inner.write_all(&sealed)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Seals what is read. The nonce makes two sealings of the same bytes differ; it comes from the caller and is no secret.
///
/// # Errors
/// What reading or writing ran into.
pub fn seal(mut from: impl Read, mut to: impl Write, nonce: [u8; NONCE_BYTES]) -> io::Result<()> {
    to.write_all(&MAGIC)?;
    to.write_all(&nonce)?;
    let mut encoder = zstd::stream::write::Encoder::new(Inert::new(to, &nonce), 3)?;
    encoder.include_checksum(true)?;
    io::copy(&mut from, &mut encoder)?;
    encoder.finish()?.flush()
}

/// Unseals what is read, at most `bytes_max` bytes of it.
///
/// # Errors
/// See [`InertError`].
pub fn unseal(mut from: impl Read, mut to: impl Write, bytes_max: u64) -> Result<u64, InertError> {
    let mut head = [0; MAGIC.len() + NONCE_BYTES];
    from.read_exact(&mut head).map_err(|_| InertError::NotSealed)?;
    let (magic, nonce) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(InertError::NotSealed);
    }
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| InertError::NotSealed)?;
    let damaged = |error: io::Error| InertError::Damaged(error.to_string());
    let mut decoder = zstd::stream::read::Decoder::new(Inert::new(from, &nonce))
        .map_err(damaged)?
        .single_frame();
    // Memory of the decoder stays within 8 MiB whatever the frame asks for.
    decoder.window_log_max(23).map_err(damaged)?;
    let mut written: u64 = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(error)),
        };
        written += read as u64;
        if written > bytes_max {
            return Err(InertError::TooLarge(bytes_max));
        }
        to.write_all(&buffer[..read]).map_err(InertError::Writing)?;
    }
    let mut rest = decoder.finish();
    let mut one = [0];
    if rest.read(&mut one).map_err(damaged)? != 0 {
        return Err(InertError::Damaged("bytes follow on its end".to_owned()));
    }
    Ok(written)
}
