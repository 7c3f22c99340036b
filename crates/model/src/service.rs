//! Services of the organisation, how they are probed and backed up, and what drills proved.

use serde::{Deserialize, Serialize};

use crate::{Actor, Id, Kept, NounIndex, Permission, Timestamp};

/// How a service is asked whether it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
pub enum Probe {
    /// A web page answers with a status below 400 and holds a text.
    Http {
        /// Its address.
        url: String,
        /// A text that must be in it; empty for any.
        #[serde(default)]
        holds: String,
    },
    /// A port takes a connection.
    Tcp {
        /// Host and port.
        address: String,
    },
    /// A mail server greets (RFC 5321, 4.2).
    Smtp {
        /// Host and port.
        address: String,
    },
    /// A name has an address.
    Dns {
        /// The name.
        name: String,
        /// The resolver, as address and port; the machine's own when there is none.
        #[serde(default)]
        resolver: Option<String>,
    },
    /// A server shakes hands with a certificate that is good for some days more.
    Tls {
        /// Host and port; the certificate must be for that host.
        address: String,
        /// For so many days more.
        #[serde(default = "fortnight")]
        days: u16,
        /// A file of authorities (PEM) that the certificate may come from; the public ones when there is none.
        #[serde(default)]
        authorities: Option<String>,
    },
    /// A host answers an echo request (RFC 792, RFC 4443).
    Ping {
        /// A name or an address.
        host: String,
    },
    /// A program of the machine ends with success.
    Command {
        /// The program.
        program: String,
        /// Its arguments, as they are: no shell reads them.
        #[serde(default)]
        arguments: Vec<String>,
    },
}

const fn fortnight() -> u16 {
    14
}

/// A service in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its key: lower-case letters, digits, hyphens (`mail`, `ioffice-db`).
    pub key: String,
    /// Its name.
    pub name: String,
    /// Who answers for it: a name and a telephone.
    pub owner: String,
    /// The keys of the services that it needs.
    pub needs: Vec<String>,
    /// The level of the system, 1 to 5.
    pub level: Option<u8>,
    /// Within how many minutes it must work again (recovery time objective).
    pub rto_minutes: Option<u32>,
    /// How many minutes of data may be lost (recovery point objective).
    pub rpo_minutes: Option<u32>,
    /// How it is probed.
    pub probes: Vec<Probe>,
    /// The keys of its backups.
    pub backups: Vec<String>,
    /// How it is restored, in words.
    pub restore: String,
    /// Whether it is no longer run.
    pub retired: bool,
    /// Counts changes.
    pub revision: u64,
}

impl Service {
    /// Most services in the catalogue.
    pub const SERVICES_MAX: usize = 2_000;
    /// Most that one needs.
    pub const NEEDS_MAX: usize = 50;
    /// Most probes of one.
    pub const PROBES_MAX: usize = 10;
}

impl Kept for Service {
    const KIND: &'static str = "service";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.retired { "retired" } else { "run" }.into(),
            ..NounIndex::default()
        }
    }
}

/// What the last look at a service's probes said. It is written when it changes, and now and then while it does not, so that a
/// look that nobody takes any more is seen to be old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLook {
    /// The service.
    pub service: String,
    /// What the first failing probe said; none when every probe was answered as it should be.
    pub fails: Option<String>,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it was looked at.
    pub looked_at: Timestamp,
    /// Counts changes.
    pub revision: u64,
}

impl ServiceLook {
    /// After so many minutes without a look nothing is known.
    pub const STALE_MINUTES: i64 = 20;
}

impl Kept for ServiceLook {
    const KIND: &'static str = "service_look";
    const READ: Permission = Permission::ReadAlerts;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.service.clone()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.fails.is_some() { "fails" } else { "works" }.into(),
            ..NounIndex::default()
        }
    }
}

/// A repository of backups that restic made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its key.
    pub key: String,
    /// The repository, as restic names it: a folder, `sftp:…`, `rest:…`.
    pub repository: String,
    /// The file that holds its password.
    pub password_file: String,
    /// How old the newest snapshot may be, in hours.
    pub age_hours_max: u32,
    /// Every how many days a drill is due.
    pub drill_days: u32,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for Backup {
    const KIND: &'static str = "backup";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "kept".into(),
            ..NounIndex::default()
        }
    }
}

/// A snapshot in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// The machine.
    pub host: String,
    /// What it holds.
    pub paths: Vec<String>,
}

/// A restore drill: random files of a snapshot restored into a sandbox and held against its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Its id.
    pub id: Id<Drill>,
    /// The backup.
    pub backup: String,
    /// The snapshot.
    pub snapshot: Option<Snapshot>,
    /// When it began.
    pub at: Timestamp,
    /// Who had it done.
    pub by: Actor,
    /// How many files were chosen.
    pub chosen: u64,
    /// How many came back as they should.
    pub restored: u64,
    /// How many bytes came back.
    pub bytes: u64,
    /// How long the restore took, in milliseconds.
    pub took_ms: u64,
    /// What went wrong; nothing when it passed.
    pub flaws: Vec<String>,
}

impl Drill {
    /// Most flaws that are kept.
    pub const FLAWS_MAX: usize = 50;

    /// Whether it proved that files come back.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.flaws.is_empty() && self.chosen > 0 && self.restored == self.chosen
    }
}

impl Kept for Drill {
    const KIND: &'static str = "drill";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        1
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.passed() { "passed" } else { "failed" }.into(),
            parent: Some(self.backup.as_str().into()),
            due_at: Some(self.at),
            ..NounIndex::default()
        }
    }
}
