//! Evidence goes in and comes out as it was; one flipped bit anywhere is named; any bytes are read without a panic.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::{
    collections::BTreeSet,
    io::{self, Cursor},
};

use evidence::{BundleFlaw, Digests, Manifest, Member, Store, check_bundle, seal, unseal, write_bundle};
use model::{AcquiredBy, Actor, Evidence, Id, Timestamp};
use proptest::prelude::*;

/// The test string of the EICAR standard, in two halves so that this file is left alone.
fn eicar() -> Vec<u8> {
    [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-".as_bytes(),
        b"ANTIVIRUS-TEST-FILE!$H+H*",
    ]
    .concat()
}

fn record(n: u128, name: &str, digests: &Digests) -> Evidence {
    Evidence {
        id: Id::from_bits(n),
        incident: None,
        name: name.to_owned(),
        bytes: digests.bytes,
        sha256: digests.sha256.clone(),
        blake3: digests.blake3.clone(),
        acquired: AcquiredBy::Upload,
        at: Timestamp::UNIX_EPOCH,
        by: Actor::Post {
            part: "test".to_owned(),
        },
        note: String::new(),
        malware: false,
        revision: 1,
    }
}

fn bundle(store: &Store, files: &[(&str, &[u8])]) -> Vec<u8> {
    let members = files
        .iter()
        .enumerate()
        .map(|(n, (name, bytes))| {
            let digests = store.put(Cursor::new(bytes), [u8::try_from(n).unwrap(); 32]).unwrap();
            Member {
                evidence: record(n as u128, name, &digests),
                custody: Vec::new(),
                sealed_bytes: 0,
                sealed_sha256: String::new(),
            }
        })
        .collect();
    let mut manifest = Manifest {
        about: "SC-2026-0001".to_owned(),
        made_at: "2026-11-25T00:00:00Z".to_owned(),
        made_by: "ha".to_owned(),
        members,
        ledger: Vec::new(),
        head: (7, "00".repeat(32)),
    };
    let mut bytes = Vec::new();
    write_bundle(store, &mut manifest, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_goes_in_comes_out_and_lies_there_inert() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path());
    let digests = store.put(Cursor::new(eicar()), [1; 32]).unwrap();
    assert_eq!(
        digests.sha256,
        "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
    );
    let mut out = Vec::new();
    store.read(&digests, &mut out).unwrap();
    assert_eq!(out, eicar());
    let mut sealed = Vec::new();
    io::copy(&mut store.open(&digests.sha256).unwrap(), &mut sealed).unwrap();
    assert!(
        !sealed.windows(8).any(|window| window == &eicar()[..8]),
        "the bytes lie there as they are"
    );
    assert!(
        !sealed.windows(4).any(|window| window == [0x28, 0xb5, 0x2f, 0xfd]),
        "a scanner would unpack it"
    );
    // The same bytes again are the same object.
    assert_eq!(store.put(Cursor::new(eicar()), [2; 32]).unwrap(), digests);
}

#[test]
fn store_and_ledger_are_held_against_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path());
    let named = store.put(Cursor::new(b"named"), [1; 32]).unwrap().sha256;
    let orphan = store.put(Cursor::new(b"the power went here"), [2; 32]).unwrap().sha256;
    let unfinished = folder.path().join("evidence/unfinished/half");
    std::fs::write(&unfinished, b"half").unwrap();
    let gone = "f".repeat(64);
    let inventory = store.inventory(&BTreeSet::from([named, gone.clone()])).unwrap();
    assert_eq!((inventory.missing, inventory.orphans), (vec![gone], vec![orphan]));
    assert_eq!(inventory.unfinished, [unfinished]);
}

#[test]
fn a_whole_bundle_holds_and_every_flipped_bit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path());
    let bytes = bundle(
        &store,
        &[("mẫu độc.exe", &eicar()), ("auth.log", b"Failed password for root\n")],
    );
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let checked = check_bundle(&bytes[..], |_| {
        taken.push(Vec::new());
        Ok(io::sink())
    })
    .unwrap();
    assert!(checked.flaws.is_empty() && taken.len() == 2, "{:?}", checked.flaws);
    let objects_begin = bytes.len()
        - checked
            .manifest
            .members
            .iter()
            .map(|m| usize::try_from(m.sealed_bytes).unwrap())
            .sum::<usize>();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let named = match check_bundle(&flipped[..], |_| Ok(io::sink())) {
            Err(flaw) => flaw.to_string(),
            Ok(checked) => checked
                .flaws
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        };
        assert!(
            !named.is_empty(),
            "bit {} of byte {at} was flipped and nothing was said",
            at % 8
        );
        if at >= objects_begin {
            let first = usize::try_from(checked.manifest.members[0].sealed_bytes).unwrap();
            let name = if at < objects_begin + first {
                "mẫu độc.exe"
            } else {
                "auth.log"
            };
            assert!(named.contains(name), "{named}");
        }
    }
    for cut in [1, 30, bytes.len() - 1] {
        let flawed = match check_bundle(&bytes[..bytes.len() - cut], |_| Ok(io::sink())) {
            Err(_) => true,
            Ok(checked) => !checked.flaws.is_empty(),
        };
        assert!(flawed, "{cut} bytes less");
    }
    let longer = [&bytes[..], b"x"].concat();
    let checked = check_bundle(&longer[..], |_| Ok(io::sink())).unwrap();
    assert!(matches!(checked.flaws[..], [BundleFlaw::Trailing]));
}

#[test]
fn a_flipped_bit_in_the_store_is_found_on_reading_and_on_export() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path());
    let digests = store.put(Cursor::new(b"proof".repeat(100)), [1; 32]).unwrap();
    let path = folder.path().join(format!(
        "evidence/objects/{}/{}.sealed",
        &digests.sha256[..2],
        digests.sha256
    ));
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let error = store.read(&digests, io::sink()).unwrap_err();
    assert!(error.to_string().contains(&digests.sha256), "{error}");
}

#[test]
fn the_corpus_is_read_as_before() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/evidence_bundle");
    let mut held = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let holds = check_bundle(&bytes[..], |_| Ok(io::sink())).is_ok_and(|checked| checked.flaws.is_empty());
        assert_eq!(
            holds,
            path.file_name().unwrap().to_string_lossy().starts_with("holds"),
            "{}",
            path.display()
        );
        held += usize::from(holds);
    }
    assert_eq!(held, 1);
}

#[test]
#[ignore = "writes the corpus anew; run it when the form of bundles changes"]
fn write_the_corpus() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/evidence_bundle");
    std::fs::create_dir_all(&corpus).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = bundle(
        &Store::in_folder(folder.path()),
        &[("a.log", b"Failed password for root"), ("b.bin", &[0; 300])],
    );
    let mut flipped = whole.clone();
    let last = flipped.len() - 20;
    flipped[last] ^= 1;
    std::fs::write(corpus.join("holds"), &whole).unwrap();
    std::fs::write(corpus.join("flipped"), flipped).unwrap();
    std::fs::write(corpus.join("cut"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(corpus.join("longer"), [&whole[..], b"\n"].concat()).unwrap();
    std::fs::write(
        corpus.join("no-manifest"),
        b"{\"form\":\"watchpost-evidence-1\",\"manifest_bytes\":2,\"manifest_sha256\":\"\"}\n{}",
    )
    .unwrap();
}

#[test]
fn a_bomb_is_cut_at_the_size_of_its_record() {
    let mut sealed = Vec::new();
    seal(io::repeat(0).take_bytes(50_000_000), &mut sealed, [3; 32]).unwrap();
    assert!(sealed.len() < 100_000);
    assert!(
        unseal(&sealed[..], io::sink(), 1000)
            .unwrap_err()
            .to_string()
            .contains("more than 1000")
    );
}

trait TakeBytes {
    fn take_bytes(self, bytes: u64) -> io::Take<Self>
    where
        Self: Sized;
}

impl TakeBytes for io::Repeat {
    fn take_bytes(self, bytes: u64) -> io::Take<Self> {
        io::Read::take(self, bytes)
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = check_bundle(&bytes[..], |_| Ok(io::sink()));
        let _ = unseal(&bytes[..], io::sink(), 1 << 20);
    }

    #[test]
    fn a_mutated_bundle_is_read_without_a_panic(at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..20), cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = bundle(&Store::in_folder(folder.path()), &[("a", b"some bytes")]);
        let at = at.index(bytes.len());
        bytes.splice(at..at, with);
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = check_bundle(&bytes[..], |_| Ok(io::sink()));
    }

    #[test]
    fn sealing_keeps_every_byte(bytes in prop::collection::vec(any::<u8>(), 0..5000), nonce in any::<[u8; 32]>()) {
        let mut sealed = Vec::new();
        seal(&bytes[..], &mut sealed, nonce).unwrap();
        let mut out = Vec::new();
        unseal(&sealed[..], &mut out, bytes.len() as u64).unwrap();
        prop_assert_eq!(out, bytes);
    }
}
