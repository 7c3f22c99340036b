//! Checking a report without the post that made it: the file's bytes, the facts, and the place of the cited entries in the
//! duty book. What is wrong is named. What it cannot tell alone is whether that duty book is the true one: compare its
//! head with the ledger, or with a head kept elsewhere.

use std::io::{Cursor, Read};

use flate2::read::ZlibDecoder;
use serde_json::Value;

use crate::{
    Proof, canonical,
    oscal::{PROOF_TITLE, unbase64},
    proof::FORMAT,
    seal::{self, Sealed},
    sha256_hex,
};

/// Most streams of a PDF that are looked into.
const STREAMS_MAX: usize = 10_000;

/// What is wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The file is none of ours.
    #[error("it carries no proof of Watchpost: {0}")]
    NoProof(String),
    /// A PDF or DOCX has no seal.
    #[error("its seal is missing or destroyed")]
    NoSeal,
    /// Bytes of the file are not as they were sealed.
    #[error("bytes {from} to {to} of the file are not as they were sealed")]
    Bytes {
        /// The first byte of the block concerned, from 0.
        from: usize,
        /// The last byte of the block concerned.
        to: usize,
    },
    /// A part of the facts is not as its digest says.
    #[error("the facts `{0}` are not as they were sealed")]
    Facts(String),
    /// A part of the proof other than the facts was altered.
    #[error("the proof itself was altered: its seal does not hold")]
    Proof,
    /// A cited entry is not in the duty book that the proof names.
    #[error("entry {0} is not in the duty book that the proof names")]
    Entry(u64),
    /// The document around the proof is not the one that was made with it.
    #[error("the document around the proof was altered")]
    Carrier,
}

/// The result of checking a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What sort of file it is: `pdf`, `docx`, `json`, `oscal`, `csv`.
    pub format: &'static str,
    /// SHA-256 of the whole file.
    pub file_digest: String,
    /// The proof, where it could be read.
    pub proof: Option<Proof>,
    /// Everything that is wrong; nothing when the report is whole.
    pub flaws: Vec<Flaw>,
}

/// Checks a report of any format but CSV, which carries no proof.
#[must_use]
pub fn verify(file: &[u8]) -> Verified {
    let mut flaws = Vec::new();
    let (format, proof, carrier) = if file.starts_with(b"%PDF") {
        check_seal(file, &mut flaws);
        ("pdf", in_pdf(file), None)
    } else if file.starts_with(b"PK") {
        check_seal(file, &mut flaws);
        ("docx", in_docx(file), None)
    } else if file.starts_with("\u{feff}path,value".as_bytes()) {
        let reason = "CSV has no room for one; the same report as JSON carries it".to_owned();
        ("csv", Err(reason), None)
    } else {
        in_json(file)
    };
    let proof = match proof {
        Ok(proof) => {
            check_proof(&proof, carrier.as_ref(), &mut flaws);
            Some(proof)
        }
        Err(reason) => {
            flaws.push(Flaw::NoProof(reason));
            None
        }
    };
    Verified {
        format,
        file_digest: sha256_hex(file),
        proof,
        flaws,
    }
}

fn check_seal(file: &[u8], flaws: &mut Vec<Flaw>) {
    match seal::check(file) {
        Sealed::Whole => {}
        Sealed::Not => flaws.push(Flaw::NoSeal),
        Sealed::Altered(range) => flaws.push(Flaw::Bytes {
            from: range.start,
            to: range.end.saturating_sub(1),
        }),
    }
}

fn check_proof(proof: &Proof, carrier: Option<&Value>, flaws: &mut Vec<Flaw>) {
    if let Some(part) = proof.altered_part() {
        flaws.push(Flaw::Facts(part));
    }
    if let Some(entry) = proof.ledger.broken() {
        flaws.push(Flaw::Entry(entry));
    }
    let head_cited = proof
        .ledger
        .cited
        .iter()
        .any(|cited| cited.number == proof.ledger.entries && cited.hash == proof.ledger.head);
    if !head_cited && proof.ledger.entries > 0 {
        flaws.push(Flaw::Entry(proof.ledger.entries));
    }
    let around = carrier.map(|document| sha256_hex(canonical(document).as_bytes()));
    if around.is_some() && around != proof.carrier {
        flaws.push(Flaw::Carrier);
    }
    if flaws.is_empty() && proof.sealed() != proof.seal {
        flaws.push(Flaw::Proof);
    }
}

fn read(text: &[u8]) -> Result<Proof, String> {
    let proof: Proof = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if proof.format == FORMAT {
        Ok(proof)
    } else {
        Err(format!("its format is `{}`", proof.format))
    }
}

/// Looks into the streams of a PDF for the attached proof. Streams never lie inside other streams, so no more of the
/// format is needed.
fn in_pdf(file: &[u8]) -> Result<Proof, String> {
    const BEGIN: &[u8] = b"stream";
    let mut rest = file;
    let mut reason = "no such file is attached".to_owned();
    for _ in 0..STREAMS_MAX {
        let Some(at) = find(rest, BEGIN) else { break };
        let body = &rest[at + BEGIN.len()..];
        rest = body;
        let body = body.strip_prefix(b"\r").unwrap_or(body);
        let Some(body) = body.strip_prefix(b"\n") else { continue };
        let plain = if body.starts_with(b"{") {
            let end = find(body, b"endstream").unwrap_or(body.len());
            body[..end].trim_ascii_end().to_vec()
        } else {
            inflated(body)
        };
        if find(&plain, FORMAT.as_bytes()).is_some() {
            match read(&plain) {
                Ok(proof) => return Ok(proof),
                Err(error) => reason = error,
            }
        }
    }
    Err(reason)
}

/// What a zlib stream holds, as far as it can be read and up to the limit; nothing when it does not begin as JSON does.
fn inflated(body: &[u8]) -> Vec<u8> {
    let mut decoder = ZlibDecoder::new(body);
    let mut first = [0];
    if decoder.read_exact(&mut first).is_err() || first != *b"{" {
        return Vec::new();
    }
    let mut plain = first.to_vec();
    // A stream that breaks off gives what came before: the reader of JSON says what is wrong with it.
    let _ = decoder.take(Proof::BYTES_MAX as u64).read_to_end(&mut plain);
    plain
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn in_docx(file: &[u8]) -> Result<Proof, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(|error| error.to_string())?;
    let item = archive
        .by_name("customXml/item1.xml")
        .map_err(|error| error.to_string())?;
    let mut xml = String::new();
    item.take(2 * Proof::BYTES_MAX as u64)
        .read_to_string(&mut xml)
        .map_err(|error| error.to_string())?;
    let digits = xml
        .split_once("<data>")
        .and_then(|(_, rest)| rest.split_once("</data>"))
        .map(|(digits, _)| digits.trim())
        .ok_or("it has no data")?;
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    read(&bytes.ok_or("its data is not hexadecimal")?)
}

type InJson = (&'static str, Result<Proof, String>, Option<Value>);

fn in_json(file: &[u8]) -> InJson {
    if file.len() > 4 * Proof::BYTES_MAX {
        return ("json", Err("it is too large".to_owned()), None);
    }
    let mut document: Value = match serde_json::from_slice(file) {
        Ok(document) => document,
        Err(error) => return ("json", Err(format!("it is no JSON: {error}")), None),
    };
    if document.get("assessment-results").is_none() {
        return ("json", read(file), None);
    }
    let back = document["assessment-results"]
        .as_object_mut()
        .and_then(|results| results.remove("back-matter"));
    let proof = back
        .as_ref()
        .and_then(|back| {
            back["resources"]
                .as_array()?
                .iter()
                .find(|one| one["title"] == PROOF_TITLE)
        })
        .and_then(|resource| resource["base64"]["value"].as_str())
        .ok_or_else(|| "no resource holds it".to_owned())
        .and_then(|text| unbase64(text).ok_or_else(|| "its resource is not base64".to_owned()))
        .and_then(|bytes| read(&bytes));
    ("oscal", proof, Some(document))
}
