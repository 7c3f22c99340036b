//! Commands of an action step (section 5). A command is data for whoever executes it; nothing here runs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The kinds of command (`command-type-ov`, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// Done by a person.
    Manual,
    /// A Bash command.
    Bash,
    /// An ability of MITRE Caldera.
    CalderaCmd,
    /// An Elastic query.
    Elastic,
    /// An HTTP request.
    HttpApi,
    /// A Jupyter notebook.
    Jupyter,
    /// A Kestrel hunt.
    Kestrel,
    /// An `OpenC2` command over HTTP.
    Openc2Http,
    /// A PowerShell command.
    Powershell,
    /// A Sigma rule.
    Sigma,
    /// A command over SSH.
    Ssh,
    /// A YARA rule.
    Yara,
}

impl CommandKind {
    /// The kinds with their names in the specification.
    pub const ALL: [(&'static str, Self); 12] = [
        ("manual", Self::Manual),
        ("bash", Self::Bash),
        ("caldera-cmd", Self::CalderaCmd),
        ("elastic", Self::Elastic),
        ("http-api", Self::HttpApi),
        ("jupyter", Self::Jupyter),
        ("kestrel", Self::Kestrel),
        ("openc2-http", Self::Openc2Http),
        ("powershell", Self::Powershell),
        ("sigma", Self::Sigma),
        ("ssh", Self::Ssh),
        ("yara", Self::Yara),
    ];

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("manual", |(name, _)| name)
    }
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What kind it is.
    pub kind: CommandKind,
    /// What it does.
    pub description: Option<String>,
    /// The version of the command's language.
    pub version: Option<String>,
    /// What it does, in the specification's vocabulary.
    pub activity: Option<String>,
    /// The command itself: the text to carry out, or the method and path of a request.
    pub command: Option<String>,
    /// What goes with it: a request's body, an `OpenC2` command.
    pub content: Option<String>,
    /// Headers of a request, by name.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Other properties of the kind (an ability's id, a rule), as texts.
    pub parameters: BTreeMap<String, String>,
}

impl Command {
    /// Every text of the command in which variables may stand.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.command
            .iter()
            .chain(&self.content)
            .chain(self.parameters.values())
            .chain(self.headers.values().flatten())
            .map(String::as_str)
    }

    /// The command with the values of its variables.
    ///
    /// # Errors
    /// The name of a variable that has no value.
    pub(crate) fn filled(&self, value: impl Fn(&str) -> Option<String> + Copy) -> Result<Self, String> {
        let fill = |text: &String| crate::variable::fill(text, value);
        let list = |texts: &Vec<String>| texts.iter().map(fill).collect::<Result<_, _>>();
        Ok(Self {
            command: self.command.as_ref().map(fill).transpose()?,
            content: self.content.as_ref().map(fill).transpose()?,
            parameters: each(&self.parameters, fill)?,
            headers: each(&self.headers, list)?,
            ..self.clone()
        })
    }
}

fn each<T>(map: &BTreeMap<String, T>, fill: impl Fn(&T) -> Result<T, String>) -> Result<BTreeMap<String, T>, String> {
    map.iter()
        .map(|(name, value)| Ok((name.clone(), fill(value)?)))
        .collect()
}
