//! Drills against repositories that the real restic made: a good one passes, a damaged one fails, with its reason.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use connectors::backups::restic::{Restic, ResticError};
use model::Backup;

struct Repository {
    folder: tempfile::TempDir,
    backup: Backup,
    program: PathBuf,
}

impl Repository {
    /// A repository with one snapshot of twelve files.
    fn new() -> Option<Self> {
        let Some(program) = testkit::on_path("restic") else {
            testkit::absent("restic");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("srv");
        fs::create_dir_all(source.join("sâu [1]")).unwrap();
        for n in 0..12_u32 {
            let bytes: Vec<u8> = (0..20_000_u32)
                .map(|place| (place.wrapping_mul(n + 7) >> 3).to_le_bytes()[0])
                .collect();
            fs::write(source.join(format!("sâu [1]/tệp {n}*.bin")), bytes).unwrap();
        }
        fs::write(folder.path().join("password"), "mật khẩu kho").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let backup = Backup {
            key: "srv".to_owned(),
            repository: path("repository"),
            password_file: path("password"),
            age_hours_max: 24,
            drill_days: 30,
            revision: 1,
        };
        let repository = Self {
            folder,
            backup,
            program,
        };
        repository.restic(&["init"]);
        repository.restic(&["backup", &source.display().to_string()]);
        Some(repository)
    }

    fn restic(&self, arguments: &[&str]) {
        let output = Command::new(&self.program)
            .args([
                "--repo",
                &self.backup.repository,
                "--password-file",
                &self.backup.password_file,
                "--no-cache",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn open(&self) -> Restic {
        Restic::new(&self.program, &self.backup, Duration::from_mins(1))
    }

    fn sandbox(&self) -> PathBuf {
        self.folder.path().join("sandbox")
    }

    /// The data packs of the repository.
    fn packs(&self) -> Vec<PathBuf> {
        let mut packs = Vec::new();
        for folder in fs::read_dir(Path::new(&self.backup.repository).join("data")).unwrap() {
            packs.extend(
                fs::read_dir(folder.unwrap().path())
                    .unwrap()
                    .map(|file| file.unwrap().path()),
            );
        }
        packs
    }
}

#[test]
fn a_drill_brings_random_files_back_as_they_were() {
    let Some(repository) = Repository::new() else { return };
    let restic = repository.open();
    let snapshots = restic.snapshots().unwrap();
    assert_eq!(snapshots.len(), 1);
    let files = restic.choose_files(&snapshots[0].id, 5, 42).unwrap();
    assert_eq!(files.len(), 5);
    assert_eq!(files, restic.choose_files(&snapshots[0].id, 5, 42).unwrap());
    assert_ne!(files, restic.choose_files(&snapshots[0].id, 5, 43).unwrap());
    let proof = restic.drill(&snapshots[0], &files, &repository.sandbox(), 0).unwrap();
    assert_eq!((proof.restored, proof.flaws), (5, Vec::<String>::new()));
    assert_eq!(proof.bytes, 5 * 20_000);
    assert!(
        !repository.sandbox().join("restored").exists(),
        "the sandbox is emptied"
    );
}

#[test]
fn a_flipped_byte_in_a_pack_fails_the_drill() {
    let Some(repository) = Repository::new() else { return };
    let restic = repository.open();
    let snapshots = restic.snapshots().unwrap();
    let files = restic.choose_files(&snapshots[0].id, 12, 1).unwrap();
    let pack = repository
        .packs()
        .into_iter()
        .max_by_key(|pack| fs::metadata(pack).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    bytes[100] ^= 1;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    let proof = restic.drill(&snapshots[0], &files, &repository.sandbox(), 0).unwrap();
    assert!(proof.restored < 12, "{proof:?}");
    assert!(
        proof.flaws.iter().any(|flaw| flaw.contains("restic check")),
        "{:?}",
        proof.flaws
    );
}

#[test]
fn what_keeps_restic_from_answering_is_said() {
    let Some(repository) = Repository::new() else { return };
    let mut wrong = repository.backup.clone();
    fs::write(&wrong.password_file, "khác").unwrap();
    let error = Restic::new(&repository.program, &wrong, Duration::from_mins(1))
        .snapshots()
        .unwrap_err();
    assert!(
        matches!(&error, ResticError::Failed { complaint, .. } if complaint.contains("password")),
        "{error}"
    );
    wrong.repository = "/nonexistent".to_owned();
    assert!(repository.open().snapshots().is_err());
    let missing = Restic::new(Path::new("/nonexistent/restic"), &wrong, Duration::from_secs(1)).snapshots();
    assert!(matches!(missing, Err(ResticError::NotThere(_))));
    // A program that hangs is ended.
    let hanging = repository.folder.path().join("hang");
    fs::write(&hanging, "#!/bin/sh\nexec sleep 60\n").unwrap();
    fs::set_permissions(&hanging, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let slow = Restic::new(&hanging, &wrong, Duration::from_millis(300)).snapshots();
    assert!(matches!(slow, Err(ResticError::TooSlow(_))), "{slow:?}");
}
