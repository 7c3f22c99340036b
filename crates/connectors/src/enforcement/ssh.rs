//! A command on a host over SSH: each thing it can do is a command that the configuration writes out, with the one that takes it back and
//! the one that shows whether it is so. Values are data: what could be read as anything else is refused.

use std::collections::BTreeMap;

use model::ActionKind;
use serde::{Deserialize, Serialize};

use super::{
    Asking, Changed, Demand, Enforcer, Planned, Seen, Wanted, not_here,
    shell::{Ran, Shell, SshConfig},
};
use crate::channels::{DeliveryError, Format, Template, Wrong, one_line, shortened};

/// A `[devices.NAME]` section of kind `ssh`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SshDeviceConfig {
    /// How the host is reached.
    pub ssh: SshConfig,
    /// What it can do, by name.
    pub commands: BTreeMap<String, CommandConfig>,
    /// How long one command may take; 0 means 30.
    pub timeout_seconds: u64,
}

/// One thing that a host can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// Does it; safe to repeat.
    pub apply: String,
    /// Takes it back; without it, it is final.
    #[serde(default)]
    pub revert: Option<String>,
    /// Ends with 0 when it is so, with 1 when it is not. With it, nothing is run that is so already.
    #[serde(default)]
    pub verify: Option<String>,
}

#[derive(Debug)]
struct Prepared {
    apply: Template,
    revert: Option<Template>,
    verify: Option<Template>,
}

/// A host that is told what to do over SSH.
#[derive(Debug)]
pub(super) struct SshDevice {
    shell: Shell,
    commands: BTreeMap<String, Prepared>,
}

/// How long one command may take when nothing is said, in seconds.
const TIMEOUT_SECONDS: u64 = 30;
/// Longest value in bytes.
const VALUE_BYTES_MAX: usize = 255;

impl SshDevice {
    /// Opens the device; nothing is asked of it yet.
    pub(super) fn open(config: &SshDeviceConfig) -> Result<Self, Wrong> {
        let seconds = if config.timeout_seconds == 0 {
            TIMEOUT_SECONDS
        } else {
            config.timeout_seconds
        };
        let template = |text: &String| Template::parse(text).map_err(|error| Wrong::new("commands", error));
        let prepare = |(name, command): (&String, &CommandConfig)| {
            let prepared = Prepared {
                apply: template(&command.apply)?,
                revert: command.revert.as_ref().map(template).transpose()?,
                verify: command.verify.as_ref().map(template).transpose()?,
            };
            Ok::<_, Wrong>((name.clone(), prepared))
        };
        Ok(Self {
            shell: Shell::over_ssh(&config.ssh, seconds)?,
            commands: config.commands.iter().map(prepare).collect::<Result<_, _>>()?,
        })
    }

    fn command<'a>(
        &'a self,
        demand: &'a Demand,
    ) -> Result<(&'a Prepared, &'a BTreeMap<String, String>), DeliveryError> {
        let ActionKind::Invoke { name, values } = &demand.kind else {
            return Err(not_here(&demand.kind));
        };
        let command = self.commands.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.commands.keys().map(String::as_str).collect();
            DeliveryError::permanent(format!(
                "no command {name:?} is configured; known are {}",
                known.join(", ")
            ))
        })?;
        if let Some((name, value)) = values.iter().find(|(_, value)| !is_harmless(value)) {
            let value = shortened(value, 60);
            return Err(DeliveryError::permanent(format!(
                "{name} = {value:?} cannot be a word of a command"
            )));
        }
        Ok((command, values))
    }

    async fn run(&self, template: &Template, values: &BTreeMap<String, String>) -> Result<Ran, DeliveryError> {
        self.shell.run(&[fill(template, values)?], &[]).await
    }

    async fn change(&self, demand: &Demand, wanted: Wanted) -> Result<Changed, DeliveryError> {
        let (command, values) = self.command(demand)?;
        if let Some(verify) = &command.verify
            && self.is_so(verify, values).await? == (wanted == Wanted::InForce)
        {
            return Ok(Changed {
                note: "đã như vậy từ trước / it was so already".to_owned(),
            });
        }
        let template = match wanted {
            Wanted::InForce => &command.apply,
            Wanted::Gone => command
                .revert
                .as_ref()
                .ok_or_else(|| DeliveryError::permanent("this command cannot be taken back"))?,
        };
        let ran = self.run(template, values).await?;
        if ran.status != 0 {
            return Err(DeliveryError::permanent(format!(
                "the command ended with {}: {}",
                ran.status, ran.said
            )));
        }
        Ok(Changed {
            note: one_line(&shortened(String::from_utf8_lossy(&ran.out).trim(), 200)),
        })
    }

    async fn is_so(&self, verify: &Template, values: &BTreeMap<String, String>) -> Result<bool, DeliveryError> {
        let ran = self.run(verify, values).await?;
        match ran.status {
            0 => Ok(true),
            1 => Ok(false),
            other => Err(DeliveryError::retryable(format!(
                "looking ended with {other}: {}",
                ran.said
            ))),
        }
    }

    async fn seen(&self, demand: &Demand, wanted: Wanted) -> Result<Seen, DeliveryError> {
        let (command, values) = self.command(demand)?;
        let Some(verify) = &command.verify else {
            return Ok(Seen {
                holds: None,
                text: "chưa cấu hình lệnh để kiểm chứng / no command is configured that shows it".to_owned(),
            });
        };
        let is_so = self.is_so(verify, values).await?;
        Ok(Seen::told("the host", is_so, wanted))
    }

    fn planned(&self, demand: &Demand) -> Result<Planned, DeliveryError> {
        let (command, values) = self.command(demand)?;
        Ok(Planned {
            lines: vec![fill(&command.apply, values)?],
            undoable: command.revert.is_some(),
        })
    }
}

impl Enforcer for SshDevice {
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned> {
        Box::pin(async { self.planned(demand) })
    }

    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, Wanted::InForce))
    }

    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, Wanted::Gone))
    }

    fn verify<'a>(&'a self, demand: &'a Demand, wanted: Wanted) -> Asking<'a, Seen> {
        Box::pin(self.seen(demand, wanted))
    }
}

fn fill(template: &Template, values: &BTreeMap<String, String>) -> Result<String, DeliveryError> {
    if let Some(missing) = template.names().find(|name| !values.contains_key(*name)) {
        return Err(DeliveryError::permanent(format!(
            "the command needs a value for {missing}"
        )));
    }
    Ok(template.fill(Format::Text, &|name| values.get(name).cloned()))
}

/// Whether no shell and no device's command line reads anything but one word from it.
fn is_harmless(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= VALUE_BYTES_MAX
        && !value.starts_with('-')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_or_refused() {
        for (value, harmless) in [
            ("192.0.2.9", true),
            ("2001:db8::/32", true),
            ("web-01", true),
            ("user@example.vn", true),
            ("", false),
            ("-rf", false),
            ("a b", false),
            ("a;reboot", false),
            ("$(reboot)", false),
            ("a\nb", false),
            ("máy", false),
        ] {
            assert_eq!(is_harmless(value), harmless, "{value}");
        }
    }
}
