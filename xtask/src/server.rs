//! A post under trial: started on ports and a data folder of its own, asked, measured, killed.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// How long a post may take until it is ready.
const READY_TRIES: u32 = 600;
const READY_PAUSE: Duration = Duration::from_millis(50);

/// Gives the binary that is asked for, or builds it as it is measured.
pub(crate) fn binary(root: &Path, given: Option<&Path>) -> Result<PathBuf> {
    given.map_or_else(|| build(root), |path| Ok(path.to_owned()))
}

/// Builds the binary as it is measured and gives its path.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build
        .current_dir(root)
        .args(["build", "--profile", "quick", "--package", "watchpost"]);
    crate::run::run(&mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("quick/watchpost"))
}

/// Where a post under trial lives.
pub(crate) struct Site {
    /// The binary.
    pub binary: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    /// Its configuration file.
    configuration: PathBuf,
    /// Port of the console on loopback.
    pub console: u16,
    /// Port of the HTTP intake on loopback.
    pub intake: u16,
    log: PathBuf,
    /// The cores that it may use, as `taskset` takes them; all when absent.
    pub cores: Option<String>,
}

impl Site {
    /// Lays out a site in an empty folder. `more` is added to the configuration.
    pub(crate) fn lay_out(binary: PathBuf, folder: &Path, more: &str) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let [console, intake, syslog] = free_ports()?;
        let configuration = folder.join("watchpost.toml");
        let text = format!(
            "[console]\nlisten = \"127.0.0.1:{console}\"\n\n[ingest.http]\nlisten = \"127.0.0.1:{intake}\"\n\n\
             [ingest.syslog]\nudp = \"127.0.0.1:{syslog}\"\ntcp = \"127.0.0.1:{syslog}\"\n\n{more}\n"
        );
        fs::write(&configuration, text).with_context(|| format!("writing {}", configuration.display()))?;
        let data = folder.join("data");
        Ok(Self {
            binary,
            data,
            configuration,
            console,
            intake,
            log: folder.join("serve.log"),
            cores: None,
        })
    }

    /// A command of the binary on this site.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = match &self.cores {
            None => Command::new(&self.binary),
            Some(cores) => {
                let mut bound = Command::new("taskset");
                bound.args(["--cpu-list", cores]).arg(&self.binary);
                bound
            }
        };
        command
            .arg("--config")
            .arg(&self.configuration)
            .arg("--data")
            .arg(&self.data)
            .args(words);
        command
    }

    /// The path, from `begin` on, of the last address that the post printed with it.
    pub(crate) fn printed(&self, begin: &str) -> Option<String> {
        let log = fs::read_to_string(&self.log).ok()?;
        let at = log.rfind(begin)?;
        log[at..].split_whitespace().next().map(str::to_owned)
    }

    /// Starts the post and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Result<Post> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = self
            .command(&["serve"])
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .stdin(Stdio::null())
            .spawn()
            .context("starting the post")?;
        let mut post = Post { child };
        for _ in 0..READY_TRIES {
            if get(self.console, "/readyz").is_ok_and(|answer| answer.status == 200) {
                return Ok(post);
            }
            if let Some(status) = post.child.try_wait()? {
                bail!(
                    "the post ended with {status} before it was ready; see {}",
                    self.log.display()
                );
            }
            thread::sleep(READY_PAUSE);
        }
        bail!("the post was not ready in time; see {}", self.log.display())
    }
}

/// The page of metrics.
pub(crate) fn metrics(console: u16) -> Result<String> {
    String::from_utf8(get(console, "/metrics")?.body).context("/metrics is not UTF-8")
}

/// The value of a metric: its name with its labels, as the page writes them.
pub(crate) fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

fn free_ports() -> Result<[u16; 3]> {
    let held = [
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    ];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// A running post.
pub(crate) struct Post {
    child: Child,
}

impl Post {
    /// Pulls the plug.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing the post")?;
        self.child.wait().context("waiting for the killed post")?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        crate::run::output(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait().context("waiting for the post to stop")?;
        if !status.success() {
            bail!("the post ended with {status}");
        }
        Ok(())
    }

    /// Resident memory in MiB, now and at its highest.
    pub(crate) fn memory_mib(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
                .map(|kib| kib / 1024)
        };
        of("VmRSS:")
            .zip(of("VmHWM:"))
            .context("the kernel does not tell the memory of the post")
    }

    /// Processor seconds spent so far, by all its threads.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat
            .rsplit_once(')')
            .context("the kernel's process line has no name")?
            .1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("the kernel's process line is short")?;
        Ok((user + system) / 100.0)
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP.
pub(crate) struct Answer {
    /// Its status.
    pub status: u16,
    /// The cookie that it sets, as `name=value`.
    pub cookie: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Asks with GET on loopback.
pub(crate) fn get(port: u16, path: &str) -> Result<Answer> {
    let mut connection = Connection::open(port)?;
    connection.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), b"")
}

/// A kept-alive HTTP/1.1 connection to loopback; just what a load generator needs.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads its whole answer.
    pub(crate) fn ask(&mut self, head: &str, body: &[u8]) -> Result<Answer> {
        let out = self.stream.get_mut();
        out.write_all(head.as_bytes())?;
        out.write_all(body)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|text| text.parse().ok())
            .context("not an HTTP answer")?;
        let mut cookie = None;
        let mut length = 0;
        let mut chunked = false;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line
                .get(..11)
                .is_some_and(|name| name.eq_ignore_ascii_case("set-cookie:"))
            {
                cookie = line[11..].split(';').next().map(|pair| pair.trim().to_owned());
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().context("a content length that is not a number")?;
            }
            chunked |= header == "transfer-encoding: chunked";
        }
        let body = if chunked {
            self.read_chunks()?
        } else {
            self.read_exactly(length)?
        };
        Ok(Answer { status, cookie, body })
    }

    fn read_exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn read_chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).context("a chunk without a length")?;
            body.extend(self.read_exactly(length)?);
            self.read_exactly(2)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}
