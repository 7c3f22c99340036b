//! The zone on the disk: a log of changes, one block for each serial number, so that what was served before a crash is served after it,
//! and differences are known to resolvers that were away.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::base::Name;
use jiff::Timestamp;

/// Most names of a zone.
pub(super) const NAMES_MAX: usize = 1_000_000;
/// Names that change, summed over all differences that are remembered: a resolver that is further behind gets the whole zone.
const HISTORY_NAMES_MAX: usize = 400_000;
/// The log is written anew when it has this many times the lines of the zone, and more than this many.
const LOG_TIMES_MAX: usize = 4;
const LOG_LINES_MIN: usize = 10_000;
/// Largest log that is read, in bytes.
const LOG_BYTES_MAX: u64 = 1 << 30;

/// The difference between two serial numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) removed: Vec<String>,
    pub(super) added: Vec<String>,
}

/// What is transferred: the names as they stand, shared with transfers under way.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) serial: u32,
    pub(super) names: Arc<BTreeSet<String>>,
}

/// A zone.
#[derive(Debug)]
pub(super) struct Zone {
    apex: String,
    serial: u32,
    names: Arc<BTreeSet<String>>,
    history: VecDeque<Arc<Difference>>,
    remembered: usize,
    log: PathBuf,
    log_lines: usize,
    file: Option<PathBuf>,
}

impl Zone {
    /// Reads the zone of a name from a folder, or begins an empty one.
    pub(super) fn open(folder: &Path, apex: &str, file: Option<PathBuf>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join(format!("{apex}.zonelog"));
        let mut zone = Self {
            apex: apex.to_owned(),
            serial: 1,
            names: Arc::default(),
            history: VecDeque::new(),
            remembered: 0,
            log,
            log_lines: 0,
            file,
        };
        match fs::metadata(&zone.log) {
            Ok(found) if found.len() > LOG_BYTES_MAX => {
                return Err(io::Error::other("the log of the zone is too large"));
            }
            Ok(_) => {
                let text = fs::read_to_string(&zone.log)?;
                zone.replay(&text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // A block that a crash cut short is left behind.
        zone.rewrite()?;
        zone.write_file()?;
        Ok(zone)
    }

    pub(super) fn apex(&self) -> &str {
        &self.apex
    }

    pub(super) fn serial(&self) -> u32 {
        self.serial
    }

    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            serial: self.serial,
            names: Arc::clone(&self.names),
        }
    }

    /// The differences from a serial number to now; none when it is not remembered.
    pub(super) fn since(&self, serial: u32) -> Option<Vec<Arc<Difference>>> {
        let from = self.history.iter().position(|difference| difference.from == serial)?;
        Some(self.history.iter().skip(from).cloned().collect())
    }

    /// Adds and removes names, on the disk first; whether anything was changed.
    pub(super) fn change(
        &mut self,
        add: &BTreeSet<String>,
        remove: &BTreeSet<String>,
        now: Timestamp,
    ) -> io::Result<bool> {
        let added: Vec<String> = add.difference(&self.names).cloned().collect();
        let removed: Vec<String> = remove.intersection(&self.names).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(false);
        }
        if self.names.len() + added.len() > NAMES_MAX {
            return Err(io::Error::other(format!("more than {NAMES_MAX} names in one zone")));
        }
        let difference = Difference {
            from: self.serial,
            to: self.next_serial(now),
            removed,
            added,
        };
        let mut log = fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        log.write_all(block(&difference).as_bytes())?;
        log.sync_data()?;
        self.take(difference);
        if self.log_lines > LOG_LINES_MIN && self.log_lines > LOG_TIMES_MAX * self.names.len() {
            self.rewrite()?;
        }
        self.write_file()?;
        Ok(true)
    }

    /// The time in seconds where that is more, so that a zone whose folder was lost still goes forward.
    fn next_serial(&self, now: Timestamp) -> u32 {
        let seconds = u32::try_from(now.as_second()).unwrap_or(u32::MAX);
        seconds.max(self.serial.saturating_add(1))
    }

    fn take(&mut self, difference: Difference) {
        let names = Arc::make_mut(&mut self.names);
        for name in &difference.removed {
            names.remove(name);
        }
        names.extend(difference.added.iter().cloned());
        let changed = difference.removed.len() + difference.added.len();
        self.log_lines += changed + 2;
        self.remembered += changed;
        self.serial = difference.to;
        self.history.push_back(Arc::new(difference));
        while self.remembered > HISTORY_NAMES_MAX
            && let Some(oldest) = self.history.pop_front()
        {
            self.remembered -= oldest.removed.len() + oldest.added.len();
        }
    }

    /// Reads blocks until the first that is not whole.
    fn replay(&mut self, text: &str) {
        let mut open: Option<Difference> = None;
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else { return };
            match (line.split_at_checked(1), &mut open) {
                (Some((">", serial)), None) => {
                    let Ok(to) = serial.parse() else { return };
                    open = Some(Difference {
                        from: self.serial,
                        to,
                        removed: Vec::new(),
                        added: Vec::new(),
                    });
                }
                (Some(("-", name)), Some(difference)) => difference.removed.push(name.to_owned()),
                (Some(("+", name)), Some(difference)) => difference.added.push(name.to_owned()),
                (Some((".", _)), Some(_)) => {
                    if let Some(whole) = open.take() {
                        self.take(whole);
                    }
                }
                _ => return,
            }
        }
    }

    /// Writes the log anew: the zone as it stood before the oldest difference that is remembered, then the differences.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut base: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        for difference in self.history.iter().rev() {
            for name in &difference.added {
                base.remove(name.as_str());
            }
            base.extend(difference.removed.iter().map(String::as_str));
        }
        let first = self.history.front().map_or(self.serial, |oldest| oldest.from);
        let whole = Difference {
            from: 0,
            to: first,
            removed: Vec::new(),
            added: base.into_iter().map(str::to_owned).collect(),
        };
        let mut text = block(&whole);
        for difference in &self.history {
            text.push_str(&block(difference));
        }
        replace(&self.log, text.as_bytes())?;
        self.log_lines = text.lines().count();
        Ok(())
    }

    /// Writes the zone as a file in the form of RFC 1035, for resolvers that read one.
    fn write_file(&self) -> io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let apex = &self.apex;
        let mut text = format!(
            "$ORIGIN {apex}.\n$TTL 60\n@ SOA localhost. hostmaster.localhost. {} 60 30 604800 60\n@ NS localhost.\n",
            self.serial
        );
        for name in self.names.iter() {
            let _ = writeln!(text, "{name} CNAME .\n*.{name} CNAME .");
        }
        replace(path, text.as_bytes())
    }
}

fn block(difference: &Difference) -> String {
    let mut text = format!(">{}\n", difference.to);
    for (sign, names) in [('-', &difference.removed), ('+', &difference.added)] {
        for name in names {
            let _ = writeln!(text, "{sign}{name}");
        }
    }
    text.push_str(".\n");
    text
}

/// Puts a file in the place of another one, whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let mut file = fs::File::create(&next)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(&next, path)
}

/// A name as it stands in the zone: lower case, without the dot at its end, short enough for the zone.
pub(super) fn blocked_name(name: &str, apex: &str) -> Result<String, String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let refused = |why: &str| {
        Err(format!(
            "{:?} cannot be blocked: {why}",
            crate::channels::shortened(&name, 80)
        ))
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return refused("it is no host name; names in other scripts are written in their ASCII form (xn--)");
    }
    if !name.contains('.') {
        return refused("it is a whole top-level domain");
    }
    if format!("*.{name}.{apex}").parse::<Name<Vec<u8>>>().is_err() {
        return refused("it is too long, or a part of it is empty");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_is_taken_in_one_form_or_refused() {
        for (name, expected) in [
            ("Evil.Example.", Some("evil.example")),
            ("xn--la-via.vn", Some("xn--la-via.vn")),
            ("_dmarc.evil.vn", Some("_dmarc.evil.vn")),
            ("lừa.vn", None),
            ("vn", None),
            ("", None),
            ("a..b", None),
            ("*.evil.vn", None),
            (&format!("{}.vn", "a".repeat(64)), None),
            ("evil.vn\n+good.vn", None),
        ] {
            assert_eq!(blocked_name(name, "rpz.test").ok().as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_block_that_was_cut_short_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut zone = Zone::open(folder.path(), "rpz.test", None).unwrap();
        zone.change(&set(&["a.vn", "b.vn"]), &set(&[]), at(100)).unwrap();
        zone.change(&set(&["c.vn"]), &set(&["a.vn"]), at(50)).unwrap();
        assert_eq!(zone.serial(), 101);
        let log = folder.path().join("rpz.test.zonelog");
        let whole = fs::read(&log).unwrap();
        for cut in 0..whole.len() {
            fs::write(&log, &whole[..cut]).unwrap();
            let zone = Zone::open(folder.path(), "rpz.test", None).unwrap();
            assert!([1, 100].contains(&zone.serial()), "{cut}");
            let again = Zone::open(folder.path(), "rpz.test", None).unwrap();
            assert_eq!((again.serial(), again.names()), (zone.serial(), zone.names()));
        }
        fs::write(&log, &whole).unwrap();
        let zone = Zone::open(folder.path(), "rpz.test", None).unwrap();
        assert_eq!((zone.serial(), zone.names()), (101, &set(&["b.vn", "c.vn"])));
        assert_eq!(zone.since(100).unwrap().len(), 1);
        assert!(zone.since(7).is_none());
    }

    proptest! {
        #[test]
        fn differences_lead_from_every_serial_to_the_zone(
            steps in proptest::collection::vec((proptest::collection::btree_set(0_u8..20, 0..6), proptest::collection::btree_set(0_u8..20, 0..6)), 1..12),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut zone = Zone::open(folder.path(), "rpz.test", None).unwrap();
            let named = |set: &BTreeSet<u8>| set.iter().map(|n| format!("n{n}.vn")).collect::<BTreeSet<String>>();
            let mut seen = vec![(zone.serial(), zone.names().clone())];
            for (second, (add, remove)) in (0..).zip(&steps) {
                let (add, remove) = (named(add), named(remove));
                let remove = remove.difference(&add).cloned().collect();
                zone.change(&add, &remove, at(second)).unwrap();
                seen.push((zone.serial(), zone.names().clone()));
            }
            let zone = Zone::open(folder.path(), "rpz.test", None).unwrap();
            for (serial, mut names) in seen {
                for difference in zone.since(serial).into_iter().flatten() {
                    for name in &difference.removed {
                        prop_assert!(names.remove(name));
                    }
                    for name in &difference.added {
                        prop_assert!(names.insert(name.clone()));
                    }
                }
                prop_assert_eq!(&names, zone.names());
            }
        }
    }
}
