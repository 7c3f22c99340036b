//! The running post, and people who work at its console without a browser.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use ledger::{Ledger, NounFilter, Options};
use model::{Kept, Scope};

const PAUSE: Duration = Duration::from_millis(50);
const LOOKS: u32 = 1200;
const PASSWORD: &str = "Truc-ca-dem-30-4!";

/// A port that nobody else takes while a post is down: outside of what the kernel hands out.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 17 + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + u16::try_from(number % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) struct Post {
    child: Child,
    pub(crate) console: u16,
    pub(crate) syslog: u16,
    pub(crate) folder: tempfile::TempDir,
}

/// What the console answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    cookie: String,
    pub(crate) body: String,
}

/// A person at the console.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    console: u16,
    cookie: String,
}

impl Post {
    /// Starts a post with more sections in its configuration, and makes the first account, an administrator.
    pub(crate) fn start(sections: &str, prepare: impl FnOnce(&Path)) -> (Self, Person) {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let [console, syslog] = [free_port(), free_port()];
        let configuration = format!(
            "[console]\nlisten = \"127.0.0.1:{console}\"\n[ingest.http]\nlisten = \"off\"\n[ingest.syslog]\nudp = \"off\"\n\
             tcp = \"127.0.0.1:{syslog}\"\n[ingest.journald]\nenabled = false\n{sections}"
        );
        fs::write(folder.path().join("watchpost.toml"), configuration).unwrap();
        let child = Self::serve(folder.path());
        let post = Self {
            child,
            console,
            syslog,
            folder,
        };
        post.wait_ready();
        let said = || fs::read_to_string(post.folder.path().join("said")).unwrap();
        post.wait("greeting", |_| said().contains("/setup/"));
        let said = said();
        let link = said.split_once("/setup/").unwrap().1.split_whitespace().next().unwrap();
        let nobody = Person {
            console,
            cookie: String::new(),
        };
        let form = [
            ("login", "ha"),
            ("display_name", "Nguyễn Thu Hà"),
            ("password", PASSWORD),
        ];
        let cookie = nobody.send(&format!("/setup/{link}"), &form).cookie;
        assert!(!cookie.is_empty(), "no account was made");
        (post, Person { console, cookie })
    }

    fn serve(folder: &Path) -> Child {
        let open = |name: &str| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join(name))
                .unwrap()
        };
        let mut command = Self::command(folder);
        command.arg("serve").stdout(open("said")).stderr(open("log"));
        command.stdin(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
        command.arg("--config").arg(folder.join("watchpost.toml"));
        command.arg("--data").arg(folder.join("data"));
        command
    }

    /// Runs a command of the post on its data; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = Self::command(self.folder.path()).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The page of a plan by its name.
    pub(crate) fn plan(&self, name: &str) -> String {
        let listed = self.run(&["plans", "list", "--identifiers"]);
        let line = listed.lines().find(|line| line.starts_with(&format!("{name} ")));
        format!("/plans/{}", line.unwrap().split_whitespace().nth(1).unwrap())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Pulls the plug (`SIGKILL`).
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again.
    pub(crate) fn again(&mut self) {
        self.child = Self::serve(self.folder.path());
        self.wait_ready();
    }

    pub(crate) fn kill_and_start_again(&mut self) {
        self.kill();
        self.again();
    }

    fn wait_ready(&self) {
        let person = Person {
            console: self.console,
            cookie: String::new(),
        };
        self.wait("ready", |_| {
            let answer = person.ask("GET /readyz HTTP/1.1\r\n", "");
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }

    pub(crate) fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..LOOKS {
            if done(self) {
                return;
            }
            thread::sleep(PAUSE);
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("not {what}; the post said: {}", &log[log.len().saturating_sub(4000)..]);
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(
            Options::in_folder(&self.data()),
            "2026-11-25T00:00:00Z".parse().unwrap(),
        )
        .unwrap()
    }

    /// Everything of a kind that the ledger keeps.
    pub(crate) fn kept<T: Kept>(&self) -> Vec<T> {
        self.ledger()
            .all_kept(&Scope::of_post("test"), &NounFilter::default())
            .unwrap()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Person {
    /// Makes another account and signs it in.
    pub(crate) fn hires(&self, login: &str, role: &str) -> Self {
        let form = [
            ("login", login),
            ("display_name", login),
            ("password", PASSWORD),
            ("role", role),
        ];
        let made = self.send("/users", &form);
        assert!(made.status < 400, "{}", made.body);
        let signed = self.send("/sign-in", &[("login", login), ("password", PASSWORD)]);
        Self {
            console: self.console,
            cookie: signed.cookie,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "").unwrap()
    }

    /// A page that must be there.
    pub(crate) fn reads(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(crate) fn send(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut encoded = String::new();
        for (name, value) in form {
            if !encoded.is_empty() {
                encoded.push('&');
            }
            encoded.push_str(name);
            encoded.push('=');
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() {
                    encoded.push(byte.into());
                } else {
                    write!(encoded, "%{byte:02X}").unwrap();
                }
            }
        }
        self.ask(&format!("POST {path} HTTP/1.1\r\n"), &encoded).unwrap()
    }

    /// Sends a form that must be taken; gives where it leads.
    pub(crate) fn does(&self, path: &str, form: &[(&str, &str)]) -> String {
        let answer = self.send(path, form);
        assert_eq!(answer.status, 303, "{path} {form:?}: {}", words(&answer.body));
        answer.location
    }

    fn ask(&self, line: &str, body: &str) -> io::Result<Answer> {
        let port = self.console;
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let question = format!(
            "{line}Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nCookie: {}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        stream.write_all(question.as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let header = |name: &str| {
            let found = head.lines().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            });
            found.unwrap_or_default()
        };
        Ok(Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .unwrap_or(0),
            location: header("location"),
            cookie: header("set-cookie").split(';').next().unwrap_or_default().to_owned(),
            body: body.to_owned(),
        })
    }
}

/// The words of a page, for messages of failed tests.
pub(crate) fn words(html: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for sign in html.chars() {
        match sign {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            sign if !inside => words.push(sign),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
