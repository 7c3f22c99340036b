//! Bundles: evidence with its records, its chain of custody and the entries of the duty book, in one file that is checked without
//! the post. A bundle is one line of JSON with the version, the length and the SHA-256 of the manifest; the manifest; then the
//! sealed objects in the manifest's order, each as long as the manifest says. Nothing is between them and nothing follows.

use std::io::{self, Read, Write};

use model::{Custody, Evidence};
use serde::{Deserialize, Serialize};

use crate::{
    Digests, InertError, hex, is_digest,
    store::{Digesting, Store, StoreError},
    unseal,
};

/// The form of bundles that this program writes and reads.
const FORM: &str = "watchpost-evidence-1";
/// Longest first line in bytes.
const LINE_BYTES_MAX: usize = 400;
/// Longest manifest in bytes.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most pieces of evidence in a bundle.
const MEMBERS_MAX: usize = 10_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    form: String,
    manifest_bytes: u64,
    manifest_sha256: String,
}

/// What a bundle says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What it is about, in words.
    pub about: String,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// Who made it.
    pub made_by: String,
    /// The pieces of evidence.
    pub members: Vec<Member>,
    /// The entries of the duty book that acquired them and handed them on.
    pub ledger: Vec<Ledgered>,
    /// The last entry when the bundle was made: number and hash. Whoever has the post's ledger holds it against that.
    pub head: (u64, String),
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its record.
    pub evidence: Evidence,
    /// Its chain of custody, oldest first.
    pub custody: Vec<Custody>,
    /// How long its sealed object is.
    pub sealed_bytes: u64,
    /// SHA-256 of the sealed object.
    pub sealed_sha256: String,
}

/// An entry of the duty book, as its hash covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledgered {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: String,
    /// Who, as JSON.
    pub actor: String,
    /// What.
    pub action: String,
    /// The hash of the entry.
    pub hash: String,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFlaw {
    /// It is no bundle.
    #[error("it is no bundle of evidence: {0}")]
    NotABundle(String),
    /// The manifest is not the one that the first line names.
    #[error("the manifest is damaged or was altered")]
    Manifest,
    /// A piece of evidence is damaged.
    #[error("{name} ({sha256}): {cause}")]
    Member {
        /// Its name.
        name: String,
        /// The digest of its bytes, as the manifest has it.
        sha256: String,
        /// What is wrong.
        cause: String,
    },
    /// Bytes follow on the end.
    #[error("bytes follow on the end of the bundle")]
    Trailing,
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A bundle that was read to its end.
#[derive(Debug)]
pub struct Checked {
    /// What it says about itself.
    pub manifest: Manifest,
    /// SHA-256 of the manifest: what the duty book of the post notes of an export.
    pub manifest_sha256: String,
    /// What is wrong; nothing when it holds.
    pub flaws: Vec<BundleFlaw>,
}

/// Writes a bundle; gives the SHA-256 of its manifest. `manifest` comes without the lengths and digests of the sealed objects.
///
/// # Errors
/// When an object is missing or damaged, or reading or writing fails.
///
/// # Panics
/// Never: a manifest is plain data with text keys.
pub fn write_bundle(store: &Store, manifest: &mut Manifest, mut to: impl Write) -> Result<String, StoreError> {
    for member in &mut manifest.members {
        let digests = of_record(&member.evidence);
        store.read(&digests, io::sink())?;
        let sealed = crate::digest(store.open(&digests.sha256)?, u64::MAX)?;
        member.sealed_bytes = sealed.bytes;
        member.sealed_sha256 = sealed.sha256;
    }
    let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data with text keys");
    let manifest_sha256 = crate::digest(&text[..], u64::MAX)?.sha256;
    let line = FirstLine {
        form: FORM.to_owned(),
        manifest_bytes: text.len() as u64,
        manifest_sha256: manifest_sha256.clone(),
    };
    let line = serde_json::to_string(&line).expect("the first line is plain data");
    to.write_all(line.as_bytes())?;
    to.write_all(b"\n")?;
    to.write_all(&text)?;
    for member in &manifest.members {
        io::copy(&mut store.open(&member.evidence.sha256)?, &mut to)?;
    }
    to.flush()?;
    Ok(manifest_sha256)
}

fn of_record(evidence: &Evidence) -> Digests {
    Digests {
        bytes: evidence.bytes,
        sha256: evidence.sha256.clone(),
        blake3: evidence.blake3.clone(),
    }
}

/// Reads a bundle to its end in bounded memory, and says what is wrong with which piece. `take` is given each member and the
/// bytes of it as they are unsealed; what it was given of a flawed one must be thrown away.
///
/// # Errors
/// When it is no bundle at all, or cannot be read.
pub fn check_bundle<W: Write>(
    mut from: impl Read,
    mut take: impl FnMut(&Member) -> io::Result<W>,
) -> Result<Checked, BundleFlaw> {
    let line = first_line(&mut from)?;
    let text = exactly(&mut from, line.manifest_bytes)?;
    let digests = crate::digest(&text[..], u64::MAX)?;
    if digests.sha256 != line.manifest_sha256 {
        return Err(BundleFlaw::Manifest);
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| BundleFlaw::NotABundle(error.to_string()))?;
    if manifest.members.len() > MEMBERS_MAX {
        return Err(BundleFlaw::NotABundle("it has too many members".to_owned()));
    }
    let mut flaws = Vec::new();
    for member in &manifest.members {
        if let Err(cause) = check_member(&mut from, member, &mut take)? {
            flaws.push(BundleFlaw::Member {
                name: member.evidence.name.clone(),
                sha256: member.evidence.sha256.clone(),
                cause,
            });
        }
    }
    let mut one = [0];
    if from.read(&mut one)? != 0 {
        flaws.push(BundleFlaw::Trailing);
    }
    Ok(Checked {
        manifest,
        manifest_sha256: line.manifest_sha256,
        flaws,
    })
}

fn first_line(from: &mut impl Read) -> Result<FirstLine, BundleFlaw> {
    let no_bundle = |why: &str| BundleFlaw::NotABundle(why.to_owned());
    let mut line = Vec::new();
    let mut one = [0];
    // Byte by byte: what follows on the line belongs to the manifest, and the reader gives nothing back.
    while line.len() < LINE_BYTES_MAX {
        from.read_exact(&mut one).map_err(|_| no_bundle("it is cut short"))?;
        if one[0] == b'\n' {
            break;
        }
        line.push(one[0]);
    }
    let line: FirstLine = serde_json::from_slice(&line).map_err(|_| no_bundle("its first line is another"))?;
    if line.form != FORM {
        return Err(no_bundle("it is of another form"));
    }
    if line.manifest_bytes > MANIFEST_BYTES_MAX || !is_digest(&line.manifest_sha256) {
        return Err(no_bundle("its first line says what cannot be"));
    }
    Ok(line)
}

fn exactly(from: &mut impl Read, bytes: u64) -> Result<Vec<u8>, BundleFlaw> {
    let mut text = Vec::new();
    from.by_ref().take(bytes).read_to_end(&mut text)?;
    if text.len() as u64 != bytes {
        return Err(BundleFlaw::NotABundle("it is cut short".to_owned()));
    }
    Ok(text)
}

/// Reads one member whole, so that the next one begins at its place whatever is wrong with this one.
fn check_member<W: Write>(
    from: &mut impl Read,
    member: &Member,
    take: &mut impl FnMut(&Member) -> io::Result<W>,
) -> Result<Result<(), String>, BundleFlaw> {
    let mut sealed = Tapped {
        from: from.by_ref().take(member.sealed_bytes),
        digest: sha2::Digest::new(),
        bytes: 0,
    };
    let mut digesting = Digesting::new(take(member)?);
    let unsealed = unseal(&mut sealed, &mut digesting, member.evidence.bytes);
    let found = digesting.finish();
    io::copy(&mut sealed, &mut io::sink())?;
    if sealed.bytes != member.sealed_bytes {
        return Ok(Err("the bundle is cut short in it".to_owned()));
    }
    if hex(&sha2::Digest::finalize(sealed.digest)) != member.sealed_sha256 {
        return Ok(Err("its sealed bytes were altered".to_owned()));
    }
    match unsealed {
        Err(InertError::Writing(error)) => return Err(error.into()),
        Err(error @ (InertError::NotSealed | InertError::Damaged(_) | InertError::TooLarge(_))) => {
            return Ok(Err(error.to_string()));
        }
        Ok(_) => {}
    }
    if found != of_record(&member.evidence) {
        return Ok(Err("its bytes are not those of its record".to_owned()));
    }
    Ok(Ok(()))
}

/// A reader that digests what passes through it.
struct Tapped<R> {
    from: R,
    digest: sha2::Sha256,
    bytes: u64,
}

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        sha2::Digest::update(&mut self.digest, &buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
