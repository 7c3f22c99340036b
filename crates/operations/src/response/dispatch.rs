//! What an order of a plan means here: actions at devices, another plan, or work for a person. What no device takes is never skipped: a
//! person does it.

use cacao::{Command, CommandKind, Definition, Order, OrderKind};
use model::ActionKind;
use serde_json::Value;

/// A device as far as plans need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name.
    pub name: String,
    /// Its kind: `nftables`, `rpz`, `http`, `ssh`, `mail`.
    pub kind: &'static str,
    /// The calls or commands that it has by name.
    pub calls: Vec<String>,
}

/// One thing to do for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The device.
    pub device: String,
    /// What is changed.
    pub kind: ActionKind,
}

/// What an order means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Actions, one after the other.
    Actions(Vec<Task>),
    /// Another plan.
    Plan {
        /// Its identifier.
        playbook: cacao::Identifier,
        /// The values it gets.
        arguments: std::collections::BTreeMap<String, String>,
    },
    /// A person does it.
    ByHand,
}

/// What an order means with these devices. In an exercise everything is done by hand: no device is touched.
#[must_use]
pub fn work_of(order: &Order<'_>, devices: &[DeviceInfo], exercise: bool) -> Work {
    match order.kind {
        OrderKind::Playbook {
            playbook, arguments, ..
        } => Work::Plan {
            playbook: playbook.clone(),
            arguments: arguments.clone(),
        },
        OrderKind::Action { .. } if exercise => Work::ByHand,
        OrderKind::Action { commands, agent, .. } => {
            let tasks: Option<Vec<Task>> = commands.iter().map(|command| task(command, agent, devices)).collect();
            tasks.map_or(Work::ByHand, Work::Actions)
        }
    }
}

fn task(command: &Command, agent: &Definition, devices: &[DeviceInfo]) -> Option<Task> {
    match command.kind {
        CommandKind::Openc2Http => openc2(command, agent, devices),
        CommandKind::HttpApi => invoke(command, agent, devices, "http"),
        CommandKind::Ssh => invoke(command, agent, devices, "ssh"),
        CommandKind::Manual
        | CommandKind::Bash
        | CommandKind::CalderaCmd
        | CommandKind::Elastic
        | CommandKind::Jupyter
        | CommandKind::Kestrel
        | CommandKind::Powershell
        | CommandKind::Sigma
        | CommandKind::Yara => None,
    }
}

/// The device that the agent names, or the only one of a kind.
fn device<'a>(agent: &Definition, devices: &'a [DeviceInfo], kind: &str) -> Option<&'a DeviceInfo> {
    let mut of_kind = devices.iter().filter(|device| device.kind == kind);
    if let Some(named) = of_kind.clone().find(|device| device.name == agent.name) {
        return Some(named);
    }
    let only = of_kind.next()?;
    of_kind.next().is_none().then_some(only)
}

/// `deny` of an address or a name (`OpenC2` 1.0, actuator profile for packet filters).
fn openc2(command: &Command, agent: &Definition, devices: &[DeviceInfo]) -> Option<Task> {
    let content: Value = serde_json::from_str(command.content.as_deref()?).ok()?;
    if content.get("action")?.as_str()? != "deny" {
        return None;
    }
    let target = content.get("target")?.as_object()?;
    let (what, value) = target.iter().next().filter(|_| target.len() == 1)?;
    let texts: Vec<String> = match value {
        Value::String(text) => text
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        Value::Array(list) => list
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let (kind, change) = match what.as_str() {
        "ipv4_net" | "ipv6_net" => ("nftables", ActionKind::BlockAddresses { addresses: texts }),
        "domain_name" => ("rpz", ActionKind::BlockNames { names: texts }),
        _ => return None,
    };
    Some(Task {
        device: device(agent, devices, kind)?.name.clone(),
        kind: change,
    })
}

/// A call or command that the device has by name; its values are the object in `content`.
fn invoke(command: &Command, agent: &Definition, devices: &[DeviceInfo], kind: &str) -> Option<Task> {
    let name = command.command.as_deref()?.trim();
    let device = device(agent, devices, kind).filter(|device| device.calls.iter().any(|call| call == name))?;
    let values = match command.content.as_deref() {
        None | Some("") => std::collections::BTreeMap::new(),
        Some(content) => serde_json::from_str(content).ok()?,
    };
    Some(Task {
        device: device.name.clone(),
        kind: ActionKind::Invoke {
            name: name.to_owned(),
            values,
        },
    })
}
