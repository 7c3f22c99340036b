//! As much of `WebDriver` (W3C, level 2) as the tests need, over a plain connection to chromedriver.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// A browser and its driver; both end with it.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    session: String,
}

impl Driver {
    /// How often and how long a condition is looked at: half a minute in all.
    const LOOKS_MAX: u32 = 300;
    const LOOK: Duration = Duration::from_millis(100);

    /// Starts the driver and a browser; `None`, loudly, where the suite was told to do without.
    pub(crate) fn start() -> Option<Self> {
        let process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = process else {
            testkit::absent("chromedriver (Debian: chromium-driver)");
            return None;
        };
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = said
            .find_map(|line| {
                line.ok()?
                    .rsplit_once("successfully on port ")?
                    .1
                    .trim_end_matches('.')
                    .parse()
                    .ok()
            })
            .unwrap();
        std::thread::spawn(move || said.for_each(drop));
        let mut driver = Self {
            process,
            port,
            session: String::new(),
        };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1360,900",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let session = driver.call("POST", "/session", &wanted);
        driver.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(driver)
    }

    pub(crate) fn go(&self, address: &str) {
        self.ask("/url", &json!({ "url": address }));
    }

    /// Runs a script in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until a condition in the page holds.
    pub(crate) fn waits_for(&self, condition: &str) {
        for _ in 0..Self::LOOKS_MAX {
            if self.run(&format!("return Boolean({condition})")) == true {
                return;
            }
            std::thread::sleep(Self::LOOK);
        }
        panic!(
            "never: {condition}; the page says {}",
            self.run("return document.body.innerText.slice(0, 1500)")
        );
    }

    /// Presses one key.
    pub(crate) fn press(&self, key: &str) {
        self.types(key);
    }

    /// Types into whatever has the focus.
    pub(crate) fn types(&self, text: &str) {
        let keys: Vec<Value> = text
            .chars()
            .map(|letter| if letter == '\n' { '\u{e007}' } else { letter })
            .flat_map(|letter| {
                [
                    json!({"type": "keyDown", "value": letter}),
                    json!({"type": "keyUp", "value": letter}),
                ]
            })
            .collect();
        self.ask(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]}),
        );
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.development(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true}),
        );
    }

    /// What the reader's system prefers, `light` or `dark`.
    pub(crate) fn prefers(&self, theme: &str) {
        self.development(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": theme}]}),
        );
    }

    /// What the browser complained of: errors of scripts, violations of the content security policy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", &json!({"type": "browser"}));
        log.as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].to_string())
            .collect()
    }

    fn development(&self, command: &str, parameters: &Value) {
        self.ask("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{what}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line
                .split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().unwrap_or_else(|_| panic!("{name} is a number"));
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(
            answer["value"]["error"].is_null(),
            "{path}: {}",
            answer["value"]["message"]
        );
        answer["value"].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.call("DELETE", &self.session, &json!({}));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
