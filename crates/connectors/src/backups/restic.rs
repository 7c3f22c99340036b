//! restic, driven as a child process: what is restored in an emergency by the same program is what a drill should prove. The
//! password stays in its file; output is read within limits; a call that hangs is ended.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use model::{Backup, Snapshot, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;

/// Most bytes of a list of snapshots.
const SNAPSHOTS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most bytes of one line in a list of files.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Most bytes of what restic complains about that are kept.
const COMPLAINT_BYTES_MAX: usize = 2_000;
/// Largest file that a drill chooses, in bytes: a drill should not fill the disk.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Repositories of at most so many bytes are read whole by a drill; of larger ones a part, another one each time.
const READ_WHOLE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// In so many drills everything of a large repository was read.
const PARTS: u64 = 20;

/// Why restic did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ResticError {
    /// The program is not there.
    #[error("the program restic cannot be run: {0}")]
    NotThere(io::Error),
    /// It ended with a complaint.
    #[error("restic {what}: {complaint}")]
    Failed {
        /// What it was asked.
        what: &'static str,
        /// The end of what it said.
        complaint: String,
    },
    /// It did not end in time.
    #[error("restic {0} did not end in time")]
    TooSlow(&'static str),
    /// It answered what cannot be read.
    #[error("restic {what} answered what cannot be read: {cause}")]
    Unreadable {
        /// What it was asked.
        what: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// The sandbox cannot be used.
    #[error("the sandbox: {0}")]
    Sandbox(io::Error),
}

/// A file in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its path as restic has it.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a drill found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many files were chosen.
    pub chosen: u64,
    /// How many came back as they should.
    pub restored: u64,
    /// How many bytes came back.
    pub bytes: u64,
    /// How long the restore took.
    pub took: Duration,
    /// What went wrong.
    pub flaws: Vec<String>,
}

/// restic on one repository.
#[derive(Debug, Clone)]
pub struct Restic {
    program: PathBuf,
    repository: String,
    password_file: String,
    longest: Duration,
}

impl Restic {
    /// restic on the repository of a backup; each call may take so long.
    #[must_use]
    pub fn new(program: &Path, backup: &Backup, longest: Duration) -> Self {
        Self {
            program: program.to_owned(),
            repository: backup.repository.clone(),
            password_file: backup.password_file.clone(),
            longest,
        }
    }

    /// The snapshots, oldest first.
    ///
    /// # Errors
    /// See [`ResticError`].
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, ResticError> {
        let text = self.ask("snapshots", &["snapshots", "--json"])?;
        read_snapshots(&text)
    }

    /// Files of a snapshot, chosen at random: each has the same chance. `seed` makes the choice repeatable.
    ///
    /// # Errors
    /// See [`ResticError`].
    pub fn choose_files(&self, snapshot: &str, count: usize, seed: u64) -> Result<Vec<ListedFile>, ResticError> {
        let mut chosen: Vec<ListedFile> = Vec::with_capacity(count);
        let (mut counted, mut random) = (0_u64, Random(seed));
        self.run("ls", &["ls", "--json", snapshot], |output| {
            let mut lines = BufReader::new(output);
            let mut line = Vec::new();
            loop {
                line.clear();
                if lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
                    return Ok(());
                }
                let Some(file) = read_file_line(&line) else { continue };
                counted += 1;
                // Reservoir sampling: the n-th file replaces one of the chosen with the chance count / n.
                if chosen.len() < count {
                    chosen.push(file);
                } else if let Ok(place) = usize::try_from(random.below(counted))
                    && place < count
                {
                    chosen[place] = file;
                }
            }
        })?;
        Ok(chosen)
    }

    /// Proves that a snapshot comes back: the repository is checked, the files are restored into an empty sandbox, and each
    /// is held against the list and against a second reading of the repository. The sandbox is emptied afterwards.
    ///
    /// # Errors
    /// When restic cannot be run at all or the sandbox cannot be used; everything else is among the flaws.
    pub fn drill(
        &self,
        snapshot: &Snapshot,
        files: &[ListedFile],
        sandbox: &Path,
        part: u64,
    ) -> Result<Proof, ResticError> {
        let mut proof = Proof {
            chosen: files.len() as u64,
            ..Proof::default()
        };
        if let Err(error) = self.check(part) {
            proof.flaws.push(error.to_string());
        }
        fs::create_dir_all(sandbox).map_err(ResticError::Sandbox)?;
        let target = sandbox.join("restored");
        fs::create_dir(&target).map_err(ResticError::Sandbox)?;
        let place = target.to_string_lossy().into_owned();
        let mut arguments = vec!["restore", snapshot.id.as_str(), "--target", &place, "--verify"];
        let patterns: Vec<String> = files.iter().map(|file| literal(&file.path)).collect();
        for pattern in &patterns {
            arguments.extend(["--include", pattern]);
        }
        let began = Instant::now();
        if let Err(error) = self.ask("restore", &arguments) {
            proof.flaws.push(error.to_string());
        }
        proof.took = began.elapsed();
        for file in files {
            match self.hold(&target, file, snapshot) {
                Ok(()) => {
                    proof.restored += 1;
                    proof.bytes += file.bytes;
                }
                Err(flaw) => proof.flaws.push(format!("{}: {flaw}", file.path)),
            }
        }
        fs::remove_dir_all(&target).map_err(ResticError::Sandbox)?;
        Ok(proof)
    }

    /// Checks the structure of the repository, and reads all of its data or a part of it.
    fn check(&self, part: u64) -> Result<(), ResticError> {
        let stats = self.ask("stats", &["stats", "--mode", "raw-data", "--json"])?;
        let size: Stats = parse("stats", &stats)?;
        let subset = format!("--read-data-subset={}/{PARTS}", part % PARTS + 1);
        let how = if size.total_size <= READ_WHOLE_BYTES_MAX {
            "--read-data"
        } else {
            &subset
        };
        self.ask("check", &["check", how]).map(|_| ())
    }

    /// Holds a restored file against its size in the list, and its bytes against what `restic dump` reads.
    fn hold(&self, target: &Path, file: &ListedFile, snapshot: &Snapshot) -> Result<(), String> {
        let path = inside(target, &file.path).ok_or("its path leads out of the sandbox")?;
        let metadata = fs::symlink_metadata(&path).map_err(|_| "it did not come back")?;
        if !metadata.is_file() {
            return Err("it came back as something else".to_owned());
        }
        if metadata.len() != file.bytes {
            return Err(format!(
                "it came back with {} bytes instead of {}",
                metadata.len(),
                file.bytes
            ));
        }
        let restored = File::open(&path).and_then(digest).map_err(|error| error.to_string())?;
        let mut dumped = None;
        self.run("dump", &["dump", &snapshot.id, &file.path], |output| {
            dumped = Some(digest(output)?);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        if dumped.as_ref() == Some(&restored) {
            Ok(())
        } else {
            Err("its bytes are others than in the repository".to_owned())
        }
    }

    fn ask(&self, what: &'static str, arguments: &[&str]) -> Result<Vec<u8>, ResticError> {
        let mut text = Vec::new();
        self.run(what, arguments, |output| {
            output.take(SNAPSHOTS_BYTES_MAX).read_to_end(&mut text).map(|_| ())
        })?;
        Ok(text)
    }

    fn run(
        &self,
        what: &'static str,
        arguments: &[&str],
        read: impl FnOnce(&mut dyn Read) -> io::Result<()>,
    ) -> Result<(), ResticError> {
        let mut command = Command::new(&self.program);
        command
            .args([
                "--repo",
                &self.repository,
                "--password-file",
                &self.password_file,
                "--no-cache",
                "--quiet",
            ])
            .args(arguments)
            .env("RESTIC_PROGRESS_FPS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(ResticError::NotThere)?;
        let mut output = child.stdout.take().expect("its output is a pipe");
        let mut complaints = child.stderr.take().expect("its complaints are a pipe");
        let listener = thread::spawn(move || {
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = complaints.read(&mut buffer) {
                text.extend_from_slice(&buffer[..read]);
                let over = text.len().saturating_sub(COMPLAINT_BYTES_MAX);
                text.drain(..over);
            }
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        let ended = Arc::new(AtomicBool::new(false));
        let (late, status) = thread::scope(|scope| {
            let (tell, longest) = (Arc::clone(&ended), self.longest);
            let (sender, receiver) = std::sync::mpsc::channel::<Child>();
            let watchman = scope.spawn(move || watch(&receiver, &tell, longest));
            sender.send(child).expect("the watchman waits for it");
            let read = read(&mut output);
            drop(output);
            ended.store(true, Ordering::Release);
            let (late, status) = watchman.join().expect("the watchman does not panic");
            (late, read.and(status))
        });
        let complaint = listener.join().unwrap_or_default();
        match status {
            _ if late => Err(ResticError::TooSlow(what)),
            Ok(true) => Ok(()),
            Ok(false) => Err(ResticError::Failed { what, complaint }),
            Err(error) => Err(ResticError::Unreadable {
                what,
                cause: error.to_string(),
            }),
        }
    }
}

/// Waits for the child's end, and ends it when it is late. Gives whether it was, and whether it ended with success.
fn watch(
    receiver: &std::sync::mpsc::Receiver<Child>,
    output_read: &AtomicBool,
    longest: Duration,
) -> (bool, io::Result<bool>) {
    let mut child = receiver.recv().expect("the child is sent at once");
    let began = Instant::now();
    let mut late = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return (late, Ok(status.success())),
            Ok(None) => {}
            Err(error) => return (late, Err(error)),
        }
        if began.elapsed() > longest {
            late = true;
            let _ = child.kill();
        }
        let pause = if output_read.load(Ordering::Acquire) { 5 } else { 20 };
        thread::sleep(Duration::from_millis(pause));
    }
}

#[derive(Deserialize)]
struct Stats {
    total_size: u64,
}

#[derive(Deserialize)]
struct ListedSnapshot {
    time: String,
    id: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    paths: Vec<String>,
}

fn parse<T: for<'de> Deserialize<'de>>(what: &'static str, text: &[u8]) -> Result<T, ResticError> {
    serde_json::from_slice(text).map_err(|error| ResticError::Unreadable {
        what,
        cause: error.to_string(),
    })
}

fn read_snapshots(text: &[u8]) -> Result<Vec<Snapshot>, ResticError> {
    let listed: Vec<ListedSnapshot> = parse("snapshots", text)?;
    let mut snapshots = Vec::with_capacity(listed.len());
    for one in listed {
        let at: Timestamp = one.time.parse().map_err(|error| ResticError::Unreadable {
            what: "snapshots",
            cause: format!("the time of {}: {error}", one.id),
        })?;
        snapshots.push(Snapshot {
            id: one.id,
            at,
            host: one.hostname,
            paths: one.paths,
        });
    }
    snapshots.sort_by_key(|snapshot| snapshot.at);
    Ok(snapshots)
}

/// A line of `restic ls --json`, when it is about a file that a drill may choose.
fn read_file_line(line: &[u8]) -> Option<ListedFile> {
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let is_file = fields.get("type")?.as_str()? == "file";
    let path = fields.get("path")?.as_str()?.to_owned();
    let bytes = fields.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0);
    (is_file && bytes <= FILE_BYTES_MAX && !path.contains(['\n', '\r'])).then_some(ListedFile { path, bytes })
}

/// A path as a pattern that matches only itself.
fn literal(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for sign in path.chars() {
        if matches!(sign, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern
}

/// The place of a restored file; none when its path would lead out of the sandbox.
fn inside(target: &Path, path: &str) -> Option<PathBuf> {
    let mut place = target.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

fn digest(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(context.finish().as_ref().to_vec()),
            read => context.update(&buffer[..read]),
        }
    }
}

/// A small generator (SplitMix64): which files a drill takes must be repeatable, not secret.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_never_leads_out_of_the_sandbox() {
        let target = Path::new("/sandbox");
        assert_eq!(inside(target, "/srv/a"), Some(PathBuf::from("/sandbox/srv/a")));
        assert_eq!(inside(target, "/srv/../../etc/passwd"), None);
        assert_eq!(literal("/a*b[1]?"), "/a\\*b\\[1\\]\\?");
    }

    proptest! {
        #[test]
        fn any_output_is_read_without_a_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_snapshots(&text);
            let _ = read_file_line(&text);
        }
    }
}
