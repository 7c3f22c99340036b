//! The lanes: lines with their hinted log sources, which both engines are given alike.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::generate;

/// A log source as `[category, product, service]`; an empty part is not known.
pub type Source = [&'static str; 3];

/// A line and where it comes from; registry events belong to two categories.
pub struct Line {
    pub text: String,
    pub sources: Vec<Source>,
}

pub struct Lane {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

impl Lane {
    fn generated(name: &'static str, lines: Vec<(String, Source)>) -> Lane {
        Lane {
            name,
            lines: lines
                .into_iter()
                .map(|(text, source)| Line {
                    text,
                    sources: vec![source],
                })
                .collect(),
        }
    }

    pub fn linux() -> Lane {
        Lane::generated("linux", generate::linux(30_000))
    }

    pub fn web() -> Lane {
        Lane::generated("web", generate::web(30_000))
    }

    /// The recorded Windows events.
    pub fn windows(data: &Path) -> Result<Lane, Box<dyn Error>> {
        let file = File::open(data.join("logs/windows_otrf_30k.ndjson.gz"))?;
        let mut lines = Vec::new();
        for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
            let text = line?;
            let sources = windows_sources(&serde_json::from_str(&text)?);
            lines.push(Line { text, sources });
        }
        Ok(Lane { name: "windows", lines })
    }

    /// The same events with every text made unique: a token is put into its middle, so that the text's beginning and end still match.
    pub fn made_unique(&self) -> Lane {
        let mut dice = generate::Dice::new(7);
        let lines = self.lines.iter().map(|line| {
            let mut value: Value = serde_json::from_str(&line.text).unwrap_or_default();
            for text in value.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                if let Value::String(text) = text {
                    let token = format!("{:08x}", dice.roll() >> 32);
                    text.insert_str(text.floor_char_boundary(text.len() / 2), &token);
                }
            }
            Line {
                text: value.to_string(),
                sources: line.sources.clone(),
            }
        });
        Lane {
            name: "windows-unique",
            lines: lines.collect(),
        }
    }
}

fn windows_sources(event: &Value) -> Vec<Source> {
    let channel = event["Channel"].as_str().unwrap_or_default().to_lowercase();
    let id = match &event["EventID"] {
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_u64().unwrap_or(0),
    };
    match channel.as_str() {
        "microsoft-windows-sysmon/operational" => {
            sysmon_categories(id, event["EventType"].as_str().unwrap_or_default())
                .iter()
                .map(|category| [*category, "windows", "sysmon"])
                .collect()
        }
        "microsoft-windows-powershell/operational" => {
            vec![[
                if id == 4103 {
                    "ps_module"
                } else if id == 4104 {
                    "ps_script"
                } else {
                    ""
                },
                "windows",
                "powershell",
            ]]
        }
        "windows powershell" => {
            let category = match id {
                400 => "ps_classic_start",
                600 => "ps_classic_provider_start",
                _ => "",
            };
            vec![[category, "windows", "powershell-classic"]]
        }
        "security" => vec![["", "windows", "security"]],
        "system" => vec![["", "windows", "system"]],
        "application" => vec![["", "windows", "application"]],
        "microsoft-windows-wmi-activity/operational" => vec![["", "windows", "wmi"]],
        "microsoft-windows-windows defender/operational" => vec![["", "windows", "windefend"]],
        "microsoft-windows-bits-client/operational" => vec![["", "windows", "bits-client"]],
        "microsoft-windows-taskscheduler/operational" => vec![["", "windows", "taskscheduler"]],
        "microsoft-windows-terminalservices-localsessionmanager/operational" => {
            vec![["", "windows", "terminalservices-localsessionmanager"]]
        }
        "microsoft-windows-windows firewall with advanced security/firewall" => vec![["", "windows", "firewall-as"]],
        "microsoft-windows-dns-client/operational" => vec![["", "windows", "dns-client"]],
        "microsoft-windows-ntlm/operational" => vec![["", "windows", "ntlm"]],
        _ => vec![["", "windows", "other"]],
    }
}

fn sysmon_categories(id: u64, kind: &str) -> &'static [&'static str] {
    match (id, kind) {
        (1, _) => &["process_creation"],
        (2, _) => &["file_change"],
        (3, _) => &["network_connection"],
        (4 | 16, _) => &["sysmon_status"],
        (5, _) => &["process_termination"],
        (6, _) => &["driver_load"],
        (7, _) => &["image_load"],
        (8, _) => &["create_remote_thread"],
        (9, _) => &["raw_access_thread"],
        (10, _) => &["process_access"],
        (11, _) => &["file_event"],
        (12, "CreateKey") => &["registry_add", "registry_event"],
        (12, _) => &["registry_delete", "registry_event"],
        (13, _) => &["registry_set", "registry_event"],
        (14, _) => &["registry_rename", "registry_event"],
        (15, _) => &["create_stream_hash"],
        (17 | 18, _) => &["pipe_created"],
        (19..=21, _) => &["wmi_event"],
        (22, _) => &["dns_query"],
        (23 | 26, _) => &["file_delete"],
        (25, _) => &["process_tampering"],
        (27 | 28, _) => &["file_block"],
        (29, _) => &["file_executable_detected"],
        (255, _) => &["sysmon_error"],
        _ => &[""],
    }
}
