//! The configuration file: one TOML file, optional, composed of the sections that the rooms own. An unknown key is an error that
//! names the nearest known one.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use connectors::{
    SecretReference,
    channels::{ChannelsConfig, WebPushConfig},
    enforcement::DevicesConfig,
};
use ingest::{IngestConfig, TlsIdentity};
use jiff::tz::Offset;
use model::Language;
use serde::{Deserialize, Serialize};

use crate::{response_section::ResponseSection, rule_files::RuleFolders};

/// The example that the binary prints; a test holds it against the defaults.
pub(crate) const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Configuration {
    /// The data folder; `--data` on the command line wins.
    pub data: PathBuf,
    /// The zone of times that carry none, and of the times that people read, as an offset from UTC.
    pub time_zone: String,
    /// The language of the console before somebody chose one, of announcements, and of a sweep's report: `vi` or `en`.
    pub language: Language,
    /// The console.
    pub console: ConsoleSection,
    /// Everything that hears.
    pub ingest: IngestConfig,
    /// The durable queue.
    pub journal: journal::Config,
    /// The duty book and what the post knows.
    pub ledger: ledger::Config,
    /// The event store.
    pub lake: lake::Config,
    /// The rules in force.
    pub rules: RulesSection,
    /// Who is told of new alerts.
    pub announce: AnnounceSection,
    /// How people are reached, by name.
    pub channels: ChannelsConfig,
    /// How browsers are reached.
    pub web_push: WebPushConfig,
    /// Who notices when the post itself falls silent.
    pub heartbeat: HeartbeatSection,
    /// Who must agree to actions, and what is never touched.
    pub response: ResponseSection,
    /// The devices that actions are carried out at, by name.
    pub devices: DevicesConfig,
}

/// The `[console]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsoleSection {
    /// Where the console is served.
    pub listen: SocketAddr,
    /// Certificate chain and key; with it the console speaks HTTPS only.
    pub tls: Option<TlsIdentity>,
    /// Accepts that sessions on other machines can be read and stolen on their way.
    pub allow_plaintext: bool,
    /// Where people reach the console, for links in messages; made of `listen` when it is absent.
    pub public_address: Option<String>,
}

/// The `[rules]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesSection {
    /// Whether the rules that the binary carries are in force.
    pub built_in: bool,
    /// Folders of Sigma rules; read again when they change.
    pub folders: Vec<PathBuf>,
    /// Processing pipelines in pySigma's format, through which all rules go; read again when they change.
    pub pipelines: Vec<PathBuf>,
}

/// The `[announce]` section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnnounceSection {
    /// Where a JSON object is posted for each new alert that is to be announced.
    pub webhook: Option<String>,
    /// The channel through which alerts are announced instead.
    pub channel: Option<String>,
    /// The address there; nothing where the channel itself knows it.
    pub to: String,
}

/// The `[heartbeat]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HeartbeatSection {
    /// The address of the watcher that is called while the post is well; `{{secret}}` stands for the secret.
    pub url: Option<String>,
    /// The secret in it.
    pub secret: Option<SecretReference>,
    /// How often.
    pub every_seconds: u64,
}

impl Default for HeartbeatSection {
    fn default() -> Self {
        Self {
            url: None,
            secret: None,
            every_seconds: 60,
        }
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            data: PathBuf::from("watchpost-data"),
            time_zone: "+07:00".to_owned(),
            language: Language::Vi,
            console: ConsoleSection::default(),
            ingest: IngestConfig::default(),
            journal: journal::Config::default(),
            ledger: ledger::Config::default(),
            lake: lake::Config::default(),
            rules: RulesSection::default(),
            announce: AnnounceSection::default(),
            channels: ChannelsConfig::default(),
            web_push: WebPushConfig::default(),
            heartbeat: HeartbeatSection::default(),
            response: ResponseSection::default(),
            devices: DevicesConfig::default(),
        }
    }
}

impl Default for ConsoleSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8650)),
            tls: None,
            allow_plaintext: false,
            public_address: None,
        }
    }
}

impl ConsoleSection {
    /// Where people reach the console.
    pub(crate) fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_address
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{}", self.listen))
    }
}

impl Default for RulesSection {
    fn default() -> Self {
        Self {
            built_in: true,
            folders: Vec::new(),
            pipelines: Vec::new(),
        }
    }
}

impl RulesSection {
    /// The rules as they are loaded.
    pub(crate) fn rule_folders(&self) -> RuleFolders {
        RuleFolders {
            built_in: self.built_in,
            folders: self.folders.clone(),
            pipelines: self.pipelines.clone(),
        }
    }
}

impl Configuration {
    /// Reads the file, or takes the defaults where none is named.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key, or a value out of bounds.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let configuration: Self =
            toml::from_str(text).map_err(|error| anyhow!("{}", with_nearest(&error.to_string())))?;
        configuration.offset()?;
        Ok(configuration)
    }

    /// The offset of `time_zone`.
    ///
    /// # Errors
    /// When it is not written `+07:00`.
    pub(crate) fn offset(&self) -> Result<Offset> {
        let seconds = offset_seconds(&self.time_zone)
            .with_context(|| format!("time_zone: {:?} is not an offset like \"+07:00\"", self.time_zone))?;
        Offset::from_seconds(seconds).with_context(|| format!("time_zone: {:?} is out of bounds", self.time_zone))
    }

    /// Whether the console may be served where it is to be.
    ///
    /// # Errors
    /// When others could read it on its way; the message has the line that would allow it.
    pub(crate) fn check_console(&self) -> Result<()> {
        let console = &self.console;
        ingest::check_binding(
            "console",
            console.listen,
            ingest::Protection {
                tls: console.tls.is_some(),
                allow_plaintext: console.allow_plaintext,
            },
        )?;
        Ok(())
    }
}

fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Adds the nearest known key to the message about an unknown one.
fn with_nearest(message: &str) -> String {
    let nearest = message.split_once("unknown field `").and_then(|(_, rest)| {
        let (unknown, rest) = rest.split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2);
        known
            .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
            .min()
    });
    match nearest {
        Some((distance, known)) if distance <= known.len().div_ceil(2) => {
            format!("{}\nDid you mean `{known}`?", message.trim_end())
        }
        _ => message.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(Configuration::parse(EXAMPLE).unwrap(), Configuration::default());
    }

    #[test]
    fn the_example_names_every_key() {
        let defaults = toml::Table::try_from(Configuration::default()).unwrap();
        let mut missing = Vec::new();
        names("", &defaults, &mut |path, key| {
            let written = [format!("{key} = "), format!("# {key} = ")];
            let section = path.is_empty() || EXAMPLE.contains(&format!("[{path}]"));
            if !section
                || !EXAMPLE
                    .lines()
                    .any(|line| written.iter().any(|start| line.starts_with(start)))
            {
                missing.push(format!("{path}.{key}"));
            }
        });
        assert!(missing.is_empty(), "config/example.toml does not name {missing:?}");
    }

    fn names(path: &str, table: &toml::Table, each: &mut dyn FnMut(&str, &str)) {
        for (key, value) in table {
            if let Some(below) = value.as_table() {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                names(&path, below, each);
            } else {
                each(path, key);
            }
        }
    }

    /// The example with the sections of channels taken out of their comments, and their secrets in one file.
    fn example_with_channels(secret: &Path) -> String {
        let channels = EXAMPLE.find("# [channels.mail]").unwrap();
        let mut text = EXAMPLE[..channels].to_owned();
        for line in EXAMPLE[channels..].lines() {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let is_key =
                bare.starts_with('[') || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains([' ', '"']));
            if is_key && !bare.starts_with("authorities") {
                text.push_str(bare);
                text.push('\n');
            }
        }
        for file in ["mail.password", "smsc.password", "sms-gateway.token", "slack.url"] {
            text = text.replace(&format!("/etc/watchpost/{file}"), &secret.display().to_string());
        }
        text
    }

    #[test]
    fn the_example_of_every_channel_opens_and_names_every_key() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "https://x/").unwrap();
        let long = "the password of an SMSC has at most 8 characters";
        let text = example_with_channels(&secret);
        let configuration = Configuration::parse(&text).unwrap();
        let error = configuration.channels.open().unwrap_err().to_string();
        assert!(error.contains("[channels.sms] password"), "{long}: {error}");
        fs::write(&secret, "http://a").unwrap();
        let opened = configuration.channels.open().unwrap();
        let names: Vec<&str> = opened.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names, ["chat", "mail", "sms", "sms-gateway"]);
        for name in ["mail", "sms", "sms-gateway"] {
            let section = EXAMPLE.split(&format!("# [channels.{name}]\n")).nth(1).unwrap();
            let section = section.split("\n\n").next().unwrap();
            let all = toml::Table::try_from(configuration.channels.channels[name].clone()).unwrap();
            for key in all.keys() {
                assert!(
                    section.contains(&format!("# {key} = ")),
                    "[channels.{name}] does not name {key}"
                );
            }
        }
    }

    #[test]
    fn a_mistyped_key_is_answered_with_the_nearest_one() {
        let error = Configuration::parse("[console]\nlisen = \"127.0.0.1:1\"\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.ends_with("Did you mean `listen`?"),
            "{error}"
        );
    }

    #[test]
    fn offsets_are_written_with_a_sign() {
        for (text, expected) in [
            ("+07:00", Some(25_200)),
            ("-03:30", Some(-12_600)),
            ("7", None),
            ("+25:00", None),
            ("Asia", None),
            ("", None),
        ] {
            assert_eq!(offset_seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_open_console_without_tls_is_refused_with_the_line_that_allows_it() {
        let open = Configuration::parse("[console]\nlisten = \"0.0.0.0:8650\"\n").unwrap();
        let error = open.check_console().unwrap_err().to_string();
        assert!(error.contains("allow_plaintext = true"), "{error}");
    }
}
