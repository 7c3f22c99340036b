//! Measures the stores that the journal could stand on: the same records in the same durable groups, one line a candidate.
//!
//! `cargo run --release -- FILE.ndjson DIR [groups] [records a group]`

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    time::Instant,
};

/// A store under trial: takes one group of records at a time and returns when it is durable.
trait Candidate {
    fn group(&mut self, first: u64, records: &[&[u8]]);
    /// Forgets everything before `seq`, as the pump does.
    fn release(&mut self, seq: u64);
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Each,
    Lz4,
    Zstd,
}

fn pack(shape: Shape, first: u64, records: &[&[u8]], mut put: impl FnMut(u64, &[u8])) {
    if shape == Shape::Each {
        for (i, record) in records.iter().enumerate() {
            put(first + i as u64, record);
        }
        return;
    }
    for (i, chunk) in records.chunks(128).enumerate() {
        let mut block = Vec::new();
        for record in chunk {
            block.extend_from_slice(&(record.len() as u32).to_le_bytes());
            block.extend_from_slice(record);
        }
        let packed = if shape == Shape::Lz4 { lz4_flex::compress(&block) } else { zstd::bulk::compress(&block, 1).expect("compresses") };
        put(first + (i * 128) as u64, &packed);
    }
}

struct Log(File, Shape);
impl Candidate for Log {
    fn group(&mut self, first: u64, records: &[&[u8]]) {
        let mut out = Vec::new();
        pack(self.1, first, records, |key, value| {
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(value);
        });
        self.0.write_all(&out).expect("writes");
        self.0.sync_data().expect("syncs");
    }
    fn release(&mut self, _: u64) {}
}

const TABLE: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("blocks");
struct Redb(redb::Database, Shape, u64);
impl Candidate for Redb {
    fn group(&mut self, first: u64, records: &[&[u8]]) {
        let txn = self.0.begin_write().expect("begins");
        {
            let mut table = txn.open_table(TABLE).expect("opens");
            pack(self.1, first, records, |key, value| {
                table.insert(key, value).expect("inserts");
            });
            table.retain_in(..self.2, |_, _| false).expect("removes");
        }
        txn.commit().expect("commits");
    }
    fn release(&mut self, seq: u64) {
        self.2 = seq;
    }
}

struct Fjall(fjall::Database, fjall::Keyspace, Shape, u64);
impl Candidate for Fjall {
    fn group(&mut self, first: u64, records: &[&[u8]]) {
        let mut batch = self.0.batch();
        pack(self.2, first, records, |key, value| batch.insert(&self.1, key.to_be_bytes(), value));
        batch.commit().expect("commits");
        self.0.persist(fjall::PersistMode::SyncData).expect("persists");
    }
    fn release(&mut self, seq: u64) {
        let mut batch = self.0.batch();
        for item in self.1.range(self.3.to_be_bytes()..seq.to_be_bytes()) {
            batch.remove(&self.1, item.key().expect("reads"));
        }
        batch.commit().expect("commits");
        self.3 = seq;
    }
}

struct Sqlite(rusqlite::Connection, Shape, u64);
impl Candidate for Sqlite {
    fn group(&mut self, first: u64, records: &[&[u8]]) {
        let released = self.2;
        let txn = self.0.transaction().expect("begins");
        {
            let mut insert = txn.prepare_cached("INSERT INTO blocks VALUES (?1, ?2)").expect("prepares");
            pack(self.1, first, records, |key, value| {
                insert.execute((key as i64, value)).expect("inserts");
            });
            txn.execute("DELETE FROM blocks WHERE seq < ?1", [released as i64]).expect("deletes");
        }
        txn.commit().expect("commits");
    }
    fn release(&mut self, seq: u64) {
        self.2 = seq;
    }
}

fn open(name: &str, shape: Shape, dir: &Path) -> Box<dyn Candidate> {
    match name {
        "log" => Box::new(Log(OpenOptions::new().create(true).append(true).open(dir.join("log")).expect("opens"), shape)),
        "redb" => Box::new(Redb(redb::Database::builder().set_cache_size(16 << 20).create(dir.join("redb")).expect("opens"), shape, 0)),
        "fjall" => {
            let db = fjall::Database::builder(dir.join("fjall")).cache_size(16 << 20).max_journaling_size(128 << 20).open().expect("opens");
            let keyspace = db
                .keyspace("blocks", || fjall::KeyspaceCreateOptions::default().max_memtable_size(16 << 20))
                .expect("opens");
            Box::new(Fjall(db, keyspace, shape, 0))
        }
        _ => {
            let db = rusqlite::Connection::open(dir.join("sqlite")).expect("opens");
            db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE blocks (seq INTEGER PRIMARY KEY, bytes BLOB);").expect("creates");
            Box::new(Sqlite(db, shape, 0))
        }
    }
}

fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("has fields").split(' ').collect();
    (fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime")) / 100.0
}

fn rss_peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("has a peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

fn size_of(path: &Path) -> u64 {
    let meta = fs::metadata(path).expect("exists");
    if meta.is_dir() { fs::read_dir(path).expect("reads").map(|e| size_of(&e.expect("reads").path())).sum() } else { meta.len() }
}

fn trial(args: &[String]) {
    let [file, dir, groups, per_group, name, shape] = args else { panic!("six arguments") };
    let shape = match shape.as_str() { "each" => Shape::Each, "lz4" => Shape::Lz4, _ => Shape::Zstd };
    let (groups, per_group): (usize, usize) = (groups.parse().expect("number"), per_group.parse().expect("number"));
    let text = fs::read(file).expect("reads");
    let records: Vec<&[u8]> = text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| &l[..l.len().min(1500)]).collect();
    let dir = Path::new(dir).join(format!("{name}-{}", shape as u8));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("creates");
    let mut store = open(name, shape, &dir);
    let base = rss_peak_mib();
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let mut seq = 1u64;
    for g in 0..groups {
        let group: Vec<&[u8]> = (0..per_group).map(|i| records[(g * per_group + i) % records.len()]).collect();
        store.group(seq, &group);
        seq += per_group as u64;
        if g % 20 == 19 { store.release(seq.saturating_sub(20_000)); }
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let total = (groups * per_group) as f64;
    println!(
        "{name:6} {:4} records_per_second={:8.0} cpu_us_per_record={:6.2} rss_mib={:3} disk_mib={:.1} group_ms={:.2}",
        args[5], total / wall, cpu * 1e6 / total, rss_peak_mib() - base, size_of(&dir) as f64 / 1048576.0, wall * 1e3 / groups as f64
    );
    drop(store);
    fs::remove_dir_all(&dir).expect("cleans up");
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.len() == 6 {
        return trial(&args);
    }
    let [file, dir, rest @ ..] = args.as_slice() else { panic!("FILE.ndjson DIR [groups] [records a group]") };
    let groups = rest.first().map_or("400", String::as_str);
    let per_group = rest.get(1).map_or("500", String::as_str);
    for name in ["log", "redb", "fjall", "sqlite"] {
        for shape in ["each", "lz4", "zstd"] {
            let program = std::env::current_exe().expect("has a path");
            let status = std::process::Command::new(program).args([file, dir, groups, per_group, name, shape]).status().expect("runs");
            assert!(status.success(), "{name} {shape}");
        }
    }
}
