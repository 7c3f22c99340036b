//! The running post on a quiet machine, as a process: an event of several records becomes whole though nothing follows, and lines of a
//! followed file are read with the header that stood above them before the post began.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

const PAUSE: Duration = Duration::from_millis(100);
/// Looks until the post must be ready, and until what was sent must be in the lake: events of several records wait five seconds.
const LOOKS_UNTIL_READY: u32 = 600;
const LOOKS_UNTIL_STORED: u32 = 200;

struct Post {
    child: Child,
    console: u16,
    syslog: u16,
    folder: tempfile::TempDir,
}

impl Post {
    /// Starts a post that follows `*.log` in its folder, into which `prepare` may put files.
    fn start(prepare: impl FnOnce(&std::path::Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let [console, syslog] = [(); 2].map(|()| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        });
        let configuration = format!(
            "[console]\nlisten = \"127.0.0.1:{console}\"\n[ingest.http]\nlisten = \"off\"\n\
             [ingest.syslog]\nudp = \"off\"\ntcp = \"127.0.0.1:{syslog}\"\n[ingest.journald]\nenabled = false\n\
             [ingest.files]\ninclude = [\"{}/*.log\"]\npoll_milliseconds = 50\n",
            folder.path().display()
        );
        fs::write(folder.path().join("watchpost.toml"), configuration).unwrap();
        let mut command = Self::command(folder.path());
        let said = File::create(folder.path().join("said")).unwrap();
        let child = command.arg("serve").stdout(said).stderr(Stdio::null()).spawn().unwrap();
        let post = Self {
            child,
            console,
            syslog,
            folder,
        };
        post.wait(LOOKS_UNTIL_READY, "ready", |post| {
            post.get("/readyz")
                .is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        post
    }

    fn command(folder: &std::path::Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
        command
            .arg("--config")
            .arg(folder.join("watchpost.toml"))
            .arg("--data")
            .arg(folder.join("data"));
        command
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.console)).ok()?;
        let question = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(question.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn wait(&self, looks: u32, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..looks {
            if done(self) {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("not {what} after {looks} looks");
    }

    fn stored(&self) -> u64 {
        let metrics = self.get("/metrics").unwrap_or_default();
        let rows = metrics
            .lines()
            .find_map(|line| line.strip_prefix("watchpost_lake_rows_total "));
        rows.and_then(|rows| rows.trim().parse().ok()).unwrap_or(0)
    }

    fn wait_stored(&self, rows: u64) {
        self.wait(LOOKS_UNTIL_STORED, "stored", |post| post.stored() >= rows);
        assert_eq!(self.stored(), rows);
    }

    /// Stops the post and gives its events, one JSON object a line.
    fn events(mut self) -> Vec<serde_json::Value> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let exported = Self::command(self.folder.path())
            .args(["lake", "export"])
            .output()
            .unwrap();
        let text = String::from_utf8(exported.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_event_of_several_records_becomes_whole_though_nothing_follows() {
    let post = Post::start(|_| {});
    let records = [
        "type=SYSCALL msg=audit(1773454178.267:10): arch=c000003e syscall=59 success=yes exit=0 pid=2933 uid=0 comm=\"id\" exe=\"/usr/bin/id\"",
        "type=CWD msg=audit(1773454178.267:10): cwd=\"/root\"",
        "type=PROCTITLE msg=audit(1773454178.267:10): proctitle=6964",
    ];
    let mut sender = TcpStream::connect(("127.0.0.1", post.syslog)).unwrap();
    for record in records {
        writeln!(sender, "<13>Mar 14 02:09:38 web audispd: {record}").unwrap();
    }
    post.wait_stored(1);
    let events = post.events();
    assert_eq!(events.len(), 1);
    let raw = events[0].to_string();
    assert!(raw.contains("SYSCALL") && raw.contains("PROCTITLE"), "{raw}");
}

#[test]
fn lines_of_a_followed_file_have_the_header_that_stood_above_them() {
    let log = |folder: &std::path::Path| -> PathBuf { folder.join("iis.log") };
    let post = Post::start(|folder| {
        let before = "#Software: Microsoft Internet Information Services 10.0\n\
                      #Fields: date time cs-method cs-uri-stem cs-uri-query c-ip sc-status\n\
                      2026-03-14 02:00:00 GET /before - 192.0.2.1 200\n";
        fs::write(log(folder), before).unwrap();
    });
    // The checkpoint says that the file was found.
    post.wait(LOOKS_UNTIL_STORED, "following", |post| {
        post.folder.path().join("data/ingest/files.json").exists()
    });
    let mut file = OpenOptions::new().append(true).open(log(post.folder.path())).unwrap();
    writeln!(file, "2026-03-14 02:00:01 GET /login user=x 192.0.2.9 404").unwrap();
    post.wait_stored(1);
    let events = post.events();
    let fields = events[0].to_string();
    for wanted in ["\"cs-uri-stem\":\"/login\"", "\"c-ip\":\"192.0.2.9\"", "\"sc-status\""] {
        assert!(fields.contains(wanted), "{wanted}: {fields}");
    }
}
