//! The files that make up the lake: opening them, changing them in one step, and clearing away what no longer belongs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::civil::Date;
use model::SourceId;

use crate::{
    disk::{Disk, Room},
    error::{FlushError, OpenError},
    manifest::SourceCount,
    manifest::{
        DayEntry, DayList, Facts, FileEntry, Position, ROOT, Root, day_folder, hash, read_list, read_root, write,
    },
    row::Table,
};

/// The files of one day.
pub(crate) struct Day {
    pub(crate) files: Vec<FileEntry>,
    list: String,
    blake3: String,
}

/// What the lake on the disk consists of at one moment.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) position: Position,
    /// Events that were in the lake and were dropped, by source.
    pub(crate) dropped: BTreeMap<SourceId, SourceCount>,
    pub(crate) days: BTreeMap<(Date, Table), Arc<Day>>,
}

impl View {
    pub(crate) fn files(&self, table: Table) -> impl Iterator<Item = (Date, &FileEntry)> {
        let days = self.days.iter().filter(move |((_, of), _)| *of == table);
        days.flat_map(|((day, _), listed)| listed.files.iter().map(|file| (*day, file)))
    }

    /// Counts events that were dropped, and events that came back.
    fn account(&mut self, lost: BTreeMap<SourceId, SourceCount>, regained: BTreeMap<SourceId, SourceCount>) {
        for (source, count) in lost {
            let sum = self.dropped.entry(source).or_default();
            sum.rows += count.rows;
            sum.records += count.records;
        }
        for (source, count) in regained {
            let sum = self.dropped.entry(source).or_default();
            sum.rows = sum.rows.saturating_sub(count.rows);
            sum.records = sum.records.saturating_sub(count.records);
        }
        self.dropped.retain(|_, count| *count != SourceCount::default());
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.days
            .values()
            .flat_map(|day| &day.files)
            .map(|file| file.bytes)
            .sum()
    }
}

/// What becomes of one day.
pub(crate) struct Change {
    pub(crate) table: Table,
    pub(crate) day: Date,
    pub(crate) add: Option<(Bytes, Facts)>,
    /// Names of files that no longer belong to it.
    pub(crate) remove: BTreeSet<String>,
    /// What is no longer in the lake after that, by source.
    pub(crate) lost: BTreeMap<SourceId, SourceCount>,
    /// What is in the lake again.
    pub(crate) regained: BTreeMap<SourceId, SourceCount>,
}

/// The only hand that changes the lake's files.
pub(crate) struct Catalog {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    generation: u64,
    /// Files that nothing refers to any more, once no reader has an older view.
    garbage: Vec<PathBuf>,
    /// Held as long as the lake is open, so that no other process opens it.
    _lock: File,
}

/// Takes the lock, waiting a little for an owner that is just going: a child that it was starting may hold it for a moment longer.
fn take(lock: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another process has the lake open",
    ))
}

/// How long an owner that is going is waited for: two seconds.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

impl Catalog {
    /// Opens the lake in `folder`, or makes one, and removes the files of writes that were never completed.
    pub(crate) fn open(folder: &Path, disk: Arc<dyn Disk>) -> Result<(Self, View), OpenError> {
        disk.create_folder(folder)?;
        let lock = File::create(folder.join("lock"))?;
        take(&lock)?;
        let mut catalog = Self {
            folder: folder.to_owned(),
            disk,
            generation: 0,
            garbage: Vec::new(),
            _lock: lock,
        };
        let root = match fs::read(folder.join(ROOT)) {
            Ok(bytes) => read_root(&bytes).map_err(|cause| damaged(ROOT, cause))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => catalog.begin()?,
            Err(error) => return Err(error.into()),
        };
        catalog.generation = root.generation;
        let view = catalog.view_of(root)?;
        catalog.remove_orphans(&view)?;
        Ok((catalog, view))
    }

    /// Writes the first root; where there are events without one, it refuses.
    fn begin(&self) -> Result<Root, OpenError> {
        for table in Table::ALL {
            if self
                .found_files(table)?
                .iter()
                .any(|file| file.extension().is_some_and(|end| end == "parquet"))
            {
                return Err(OpenError::ManifestMissing(
                    self.folder.join(table.folder()).display().to_string(),
                ));
            }
            self.disk.create_folder(&self.folder.join(table.folder()))?;
        }
        let root = Root::of(0, &View::default(), Vec::new());
        self.put_root(&root)?;
        Ok(root)
    }

    fn view_of(&self, root: Root) -> Result<View, OpenError> {
        let mut view = View {
            position: root.position,
            dropped: root.dropped,
            days: BTreeMap::new(),
        };
        for entry in root.days {
            let name = day_folder(entry.table, entry.day).join(&entry.list);
            let bytes = fs::read(self.folder.join(&name))?;
            if hash(&bytes) != entry.blake3 {
                return Err(damaged(&name.display().to_string(), "its hash is another".to_owned()));
            }
            let list = read_list(&bytes).map_err(|cause| damaged(&name.display().to_string(), cause))?;
            let day = Day {
                files: list.files,
                list: entry.list,
                blake3: entry.blake3,
            };
            view.days.insert((entry.day, entry.table), Arc::new(day));
        }
        Ok(view)
    }

    /// All files in the folders of a table's days.
    fn found_files(&self, table: Table) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let Ok(days) = fs::read_dir(self.folder.join(table.folder())) else {
            return Ok(files);
        };
        for day in days {
            let day = day?;
            if day.file_type()?.is_dir() {
                for file in fs::read_dir(day.path())? {
                    files.push(file?.path());
                }
            }
        }
        Ok(files)
    }

    fn remove_orphans(&self, view: &View) -> io::Result<()> {
        for table in Table::ALL {
            let mut known = BTreeSet::new();
            for ((day, _), listed) in view.days.iter().filter(|((_, of), _)| *of == table) {
                let folder = self.folder.join(day_folder(table, *day));
                known.insert(folder.join(&listed.list));
                known.extend(listed.files.iter().map(|file| folder.join(&file.name)));
            }
            for file in self.found_files(table)? {
                if is_ours(&file) && !known.contains(&file) {
                    self.disk.remove(&file)?;
                }
            }
        }
        Ok(())
    }

    /// Changes what the lake consists of, in one step. After an error nothing has changed, except that, when the very
    /// last sync failed, a restart may find the change made.
    pub(crate) fn commit(&mut self, view: &View, changes: Vec<Change>, position: Position) -> Result<View, FlushError> {
        self.generation += 1;
        let mut written = Vec::new();
        let prepared = self.prepare(view, changes, position, &mut written);
        let (next, root, replaced) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // The root was not touched, so nothing refers to these; what cannot be removed now is at the next opening.
                for path in written {
                    let _ = self.disk.remove(&path);
                }
                return Err(error);
            }
        };
        if let Err(error) = self.put_root(&root) {
            // The new root may be the one on the disk, so its files must stay until a later one has taken its place.
            self.garbage.extend(written);
            return Err(error.into());
        }
        self.garbage.extend(replaced);
        Ok(next)
    }

    fn prepare(
        &self,
        view: &View,
        changes: Vec<Change>,
        position: Position,
        written: &mut Vec<PathBuf>,
    ) -> Result<(View, Root, Vec<PathBuf>), FlushError> {
        let mut next = View {
            position,
            dropped: view.dropped.clone(),
            days: view.days.clone(),
        };
        let mut replaced = Vec::new();
        for Change {
            table,
            day,
            add,
            remove,
            lost,
            regained,
        } in changes
        {
            if table == Table::Events {
                next.account(lost, regained);
            }
            let folder = self.folder.join(day_folder(table, day));
            let mut files = Vec::new();
            if let Some(old) = next.days.remove(&(day, table)) {
                replaced.push(folder.join(&old.list));
                replaced.extend(remove.iter().map(|name| folder.join(name)));
                files.extend(old.files.iter().filter(|file| !remove.contains(&file.name)).cloned());
            }
            if let Some((bytes, facts)) = add {
                self.make_folder(&folder)?;
                let name = format!("part-{:010}.parquet", self.generation);
                self.put(&folder.join(&name), &bytes, written)?;
                files.push(FileEntry {
                    name,
                    bytes: bytes.len() as u64,
                    blake3: hash(&bytes),
                    facts,
                });
            }
            if files.is_empty() {
                continue;
            }
            let list = format!("manifest-{:010}.json", self.generation);
            let files = DayList::of(files);
            let bytes = write(&files);
            self.put(&folder.join(&list), &bytes, written)?;
            self.disk.sync_folder(&folder)?;
            next.days.insert(
                (day, table),
                Arc::new(Day {
                    files: files.files,
                    list,
                    blake3: hash(&bytes),
                }),
            );
        }
        let days = next.days.iter().map(|((day, table), listed)| DayEntry {
            table: *table,
            day: *day,
            list: listed.list.clone(),
            blake3: listed.blake3.clone(),
        });
        let root = Root::of(self.generation, &next, days.collect());
        Ok((next, root, replaced))
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if !folder.is_dir() {
            self.disk.create_folder(folder)?;
            for above in folder.ancestors().skip(1).take(2) {
                self.disk.sync_folder(above)?;
            }
        }
        Ok(())
    }

    fn put(&self, path: &Path, bytes: &[u8], written: &mut Vec<PathBuf>) -> io::Result<()> {
        written.push(path.to_owned());
        self.disk.write(path, bytes)
    }

    fn put_root(&self, root: &Root) -> io::Result<()> {
        let unfinished = self.folder.join("manifest.unfinished");
        self.disk.write(&unfinished, &write(root))?;
        self.disk.rename(&unfinished, &self.folder.join(ROOT))?;
        self.disk.sync_folder(&self.folder)
    }

    /// Removes what nothing refers to; to be called only after a commit succeeded and while nobody reads.
    pub(crate) fn remove_garbage(&mut self) {
        for path in self.garbage.drain(..) {
            // What cannot be removed now is an orphan at the next opening.
            let _ = self.disk.remove(&path);
        }
    }

    /// How full the lake's disk is.
    pub(crate) fn room(&self) -> io::Result<Room> {
        self.disk.room(&self.folder)
    }

    /// Where a file of a day is.
    pub(crate) fn path_of(folder: &Path, table: Table, day: Date, file: &FileEntry) -> PathBuf {
        folder.join(day_folder(table, day)).join(&file.name)
    }
}

fn damaged(file: &str, cause: String) -> OpenError {
    OpenError::ManifestDamaged {
        file: file.to_owned(),
        cause,
    }
}

/// Whether the lake itself gives such names; other files are nobody's to remove.
fn is_ours(path: &Path) -> bool {
    let starts = |prefix: &str| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
    };
    let ends = |end: &str| path.extension().is_some_and(|found| found == end);
    (starts("part-") && ends("parquet")) || (starts("manifest-") && ends("json"))
}
