//! The Sigma log sources of Windows and Sysmon events: which services a channel is, and which categories an event of
//! it belongs to (SigmaHQ's documentation of log sources).

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{LogSource, LogSourceSet};

/// What an event did to the registry, where one event id stands for several categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RegistryAct {
    Add,
    Set,
    Delete,
}

/// Channels in lower case with their services. A channel that is not here is a Windows log without a service.
const SERVICES: &[(&str, &[&str])] = &[
    ("application", &["application"]),
    ("security", &["security"]),
    ("system", &["system"]),
    (SYSMON, &["sysmon"]),
    ("windows powershell", &["powershell-classic"]),
    ("microsoft-windows-powershell/operational", &["powershell"]),
    ("powershellcore/operational", &["powershell"]),
    ("dns server", &["dns-server"]),
    ("microsoft-windows-dns-server/audit", &["dns-server-audit"]),
    ("microsoft-windows-dnsserver/audit", &["dns-server-audit"]),
    ("microsoft-windows-dns-server/analytical", &["dns-server-analytic"]),
    ("microsoft-windows-dnsserver/analytical", &["dns-server-analytic"]),
    ("microsoft-windows-dns client events/operational", &["dns-client"]),
    ("microsoft-windows-dns-client/operational", &["dns-client"]),
    (
        "microsoft-windows-driverframeworks-usermode/operational",
        &["driver-framework"],
    ),
    ("microsoft-windows-dhcp-server/operational", &["dhcp"]),
    ("microsoft-windows-ntlm/operational", &["ntlm"]),
    ("microsoft-windows-windows defender/operational", &["windefend"]),
    ("microsoft-windows-printservice/admin", &["printservice-admin"]),
    (
        "microsoft-windows-printservice/operational",
        &["printservice-operational"],
    ),
    ("microsoft-windows-smbclient/security", &["smbclient-security"]),
    ("microsoft-windows-smbclient/connectivity", &["smbclient-connectivity"]),
    ("microsoft-windows-smbserver/connectivity", &["smbserver-connectivity"]),
    ("microsoft-windows-applocker/exe and dll", &["applocker"]),
    ("microsoft-windows-applocker/msi and script", &["applocker"]),
    ("microsoft-windows-applocker/packaged app-deployment", &["applocker"]),
    ("microsoft-windows-applocker/packaged app-execution", &["applocker"]),
    ("msexchange management", &["msexchange-management"]),
    ("microsoft-servicebus-client", &["microsoft-servicebus-client"]),
    ("microsoft-servicebus-client/admin", &["microsoft-servicebus-client"]),
    (
        "microsoft-servicebus-client/operational",
        &["microsoft-servicebus-client"],
    ),
    ("microsoft-windows-ldap-client/debug", &["ldap", "ldap_debug"]),
    ("microsoft-windows-taskscheduler/operational", &["taskscheduler"]),
    ("microsoft-windows-wmi-activity/operational", &["wmi"]),
    (
        "microsoft-windows-codeintegrity/operational",
        &["codeintegrity-operational"],
    ),
    (
        "microsoft-windows-windows firewall with advanced security/firewall",
        &["firewall-as"],
    ),
    ("microsoft-windows-bits-client/operational", &["bits-client"]),
    (
        "microsoft-windows-security-mitigations/kernelmode",
        &["security-mitigations"],
    ),
    (
        "microsoft-windows-security-mitigations/usermode",
        &["security-mitigations"],
    ),
    (
        "microsoft-windows-security-mitigations/kernel mode",
        &["security-mitigations"],
    ),
    (
        "microsoft-windows-security-mitigations/user mode",
        &["security-mitigations"],
    ),
    ("microsoft-windows-diagnosis-scripted/admin", &["diagnosis-scripted"]),
    (
        "microsoft-windows-diagnosis-scripted/operational",
        &["diagnosis-scripted"],
    ),
    ("microsoft-windows-shell-core/operational", &["shell-core"]),
    ("openssh/operational", &["openssh"]),
    ("openssh/admin", &["openssh"]),
    ("microsoft-windows-bitlocker/bitlocker management", &["bitlocker"]),
    ("microsoft-windows-vhdmp/operational", &["vhdmp"]),
    ("microsoft-windows-vhdmp-operational", &["vhdmp"]),
    (
        "microsoft-windows-appxdeploymentserver/operational",
        &["appxdeployment-server"],
    ),
    ("microsoft-windows-appxpackaging/operational", &["appxpackaging-om"]),
    ("microsoft-windows-appmodel-runtime/admin", &["appmodel-runtime"]),
    ("microsoft-windows-lsa/operational", &["lsa-server"]),
    ("microsoft-windows-capi2/operational", &["capi2"]),
    (
        "microsoft-windows-certificateservicesclient-lifecycle-system/operational",
        &["certificateservicesclient-lifecycle-system"],
    ),
    (
        "microsoft-windows-certificateservicesclient-lifecycle-user/operational",
        &["certificateservicesclient-lifecycle-user"],
    ),
    (
        "microsoft-windows-terminalservices-localsessionmanager/operational",
        &["terminalservices-localsessionmanager"],
    ),
    ("microsoft-iis-configuration/operational", &["iis-configuration"]),
    ("microsoft-windows-sense/operational", &["sense"]),
    ("microsoft-windows-hyper-v-worker", &["hyper-v-worker"]),
    ("microsoft-windows-hyper-v-worker-admin", &["hyper-v-worker"]),
    ("microsoft-windows-kernel-event-tracing", &["kernel-event-tracing"]),
    (
        "microsoft-windows-kernel-shimengine/operational",
        &["kernel-shimengine"],
    ),
    (
        "microsoft-windows-application-experience/program-telemetry",
        &["application-experience"],
    ),
    (
        "microsoft-windows-application-experience/program-compatibility-assistant",
        &["application-experience"],
    ),
    ("microsoft-windows-ntfs/operational", &["ntfs"]),
    ("microsoft-windows-kernel-file/analytic", &["kernel-file"]),
];

const SYSMON: &str = "microsoft-windows-sysmon/operational";
const SYSMON_LINUX: &str = "linux-sysmon/operational";

/// Categories by event id.
type Categories = &'static [(u32, &'static [&'static str])];

/// Categories of the events that have some, by channel and event id.
const CATEGORIES: &[(&str, Categories)] = &[
    (SYSMON, SYSMON_CATEGORIES),
    (SYSMON_LINUX, SYSMON_CATEGORIES),
    (
        "security",
        &[
            (4657, &["registry_event"]),
            (4688, &["process_creation"]),
            (4689, &["process_termination"]),
            (5156, &["network_connection"]),
        ],
    ),
    (
        "windows powershell",
        &[
            (400, &["ps_classic_start"]),
            (600, &["ps_classic_provider_start"]),
            (800, &["ps_classic_script"]),
        ],
    ),
    ("microsoft-windows-powershell/operational", POWERSHELL_CATEGORIES),
    ("powershellcore/operational", POWERSHELL_CATEGORIES),
    (
        "microsoft-windows-kernel-file/analytic",
        &[
            (11, &["file_delete"]),
            (12, &["file_access"]),
            (15, &["file_access"]),
            (16, &["file_access"]),
            (19, &["file_rename"]),
            (26, &["file_delete"]),
            (27, &["file_rename"]),
        ],
    ),
];

const POWERSHELL_CATEGORIES: Categories = &[(4103, &["ps_module"]), (4104, &["ps_script"])];

const SYSMON_CATEGORIES: Categories = &[
    (1, &["process_creation"]),
    (2, &["file_change"]),
    (3, &["network_connection"]),
    (4, &["sysmon_status"]),
    (5, &["process_termination"]),
    (6, &["driver_load"]),
    (7, &["image_load"]),
    (8, &["create_remote_thread"]),
    (9, &["raw_access_thread"]),
    (10, &["process_access"]),
    (11, &["file_event"]),
    (12, &["registry_event"]),
    (13, &["registry_event", "registry_set"]),
    (14, &["registry_event", "registry_rename"]),
    (15, &["create_stream_hash"]),
    (16, &["sysmon_status"]),
    (17, &["pipe_created"]),
    (18, &["pipe_created"]),
    (19, &["wmi_event"]),
    (20, &["wmi_event"]),
    (21, &["wmi_event"]),
    (22, &["dns_query"]),
    (23, &["file_delete"]),
    (24, &["clipboard_capture"]),
    (25, &["process_tampering"]),
    (26, &["file_delete", "file_delete_detected"]),
    (27, &["file_block_executable"]),
    (28, &["file_block_shredding"]),
    (29, &["file_executable_detected"]),
    (255, &["sysmon_error"]),
];

/// Windows Defender's events of malware, which are also events of an antivirus.
const DEFENDER_DETECTIONS: [u32; 6] = [1006, 1007, 1015, 1116, 1117, 1119];
const DEFENDER: &str = "microsoft-windows-windows defender/operational";

/// The sets of one channel.
pub(crate) struct Channel {
    /// The `format` of its events.
    pub(crate) format: &'static str,
    plain: LogSourceSet,
    by_event: HashMap<(u32, Option<RegistryAct>), LogSourceSet, FixedState>,
}

impl Channel {
    /// The log sources of an event.
    pub(crate) fn logsources(&self, event_id: u32, act: Option<RegistryAct>) -> &LogSourceSet {
        self.by_event.get(&(event_id, act)).unwrap_or(&self.plain)
    }
}

static CHANNELS: LazyLock<HashMap<&'static str, Channel, FixedState>> = LazyLock::new(|| {
    let mut channels = HashMap::with_hasher(FixedState::with_seed(0));
    for (name, services) in SERVICES {
        channels.insert(*name, channel(name, "windows", services));
    }
    channels.insert(SYSMON_LINUX, channel(SYSMON_LINUX, "linux", &["sysmon"]));
    channels
});

/// A Windows log whose channel is unknown or has no service.
static OTHER: LazyLock<Channel> = LazyLock::new(|| channel("", "windows", &[]));

/// The sets of a channel, whatever the case of its name.
pub(crate) fn of_name(name: &str) -> &'static Channel {
    const NAME_BYTES_MAX: usize = 96;
    let mut lower = [0; NAME_BYTES_MAX];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return &OTHER;
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let lower = std::str::from_utf8(lower).unwrap_or_default();
    CHANNELS.get(lower).unwrap_or(&OTHER)
}

/// The channel of a provider that writes to one only: for shippers that leave the channel out.
pub(crate) fn of_provider(provider: &str) -> &'static Channel {
    of_name(match provider {
        "Microsoft-Windows-Sysmon" => SYSMON,
        "Linux-Sysmon" => SYSMON_LINUX,
        "Microsoft-Windows-Security-Auditing" => "security",
        "Microsoft-Windows-PowerShell" => "microsoft-windows-powershell/operational",
        "PowerShell" => "windows powershell",
        "Microsoft-Windows-TaskScheduler" => "microsoft-windows-taskscheduler/operational",
        "Microsoft-Windows-Windows Defender" => DEFENDER,
        "Service Control Manager" => "system",
        other => other,
    })
}

fn channel(name: &str, product: &'static str, services: &[&str]) -> Channel {
    // Rules name a product alone, product and service, or product and category: each is a member of its own.
    let base = || {
        let services = services.iter().map(|service| LogSource::new("", product, service));
        services.chain([LogSource::new("", product, "")])
    };
    let with = |categories: &[&str]| {
        let categories = categories.iter().map(|category| LogSource::new(category, product, ""));
        LogSourceSet::new(base().chain(categories))
    };
    let mut by_event = HashMap::with_hasher(FixedState::with_seed(0));
    let events = CATEGORIES
        .iter()
        .find(|(channel, _)| *channel == name)
        .map_or(&[][..], |(_, events)| *events);
    for (event, categories) in events {
        by_event.insert((*event, None), with(categories));
        if categories.contains(&"registry_event") && !categories.contains(&"registry_rename") {
            by_event.insert(
                (*event, Some(RegistryAct::Add)),
                with(&["registry_event", "registry_add"]),
            );
            by_event.insert(
                (*event, Some(RegistryAct::Set)),
                with(&["registry_event", "registry_set"]),
            );
            by_event.insert(
                (*event, Some(RegistryAct::Delete)),
                with(&["registry_event", "registry_delete"]),
            );
        }
    }
    if name == DEFENDER {
        let detection = LogSourceSet::new(base().chain([LogSource::new("antivirus", "", "")]));
        by_event.extend(DEFENDER_DETECTIONS.map(|event| ((event, None), detection.clone())));
    }
    Channel {
        format: if name == SYSMON || name == SYSMON_LINUX {
            "sysmon"
        } else {
            "windows"
        },
        plain: LogSourceSet::new(base()),
        by_event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(channel: &str, event_id: u32, act: Option<RegistryAct>) -> Vec<String> {
        let part = |part: &Option<compact_str::CompactString>| part.clone().unwrap_or_default();
        let set = of_name(channel).logsources(event_id, act);
        set.members()
            .iter()
            .map(|m| format!("{}/{}/{}", part(&m.category), part(&m.product), part(&m.service)))
            .collect()
    }

    #[test]
    fn events_belong_to_all_their_log_sources() {
        let cases: &[(&str, u32, Option<RegistryAct>, &[&str])] = &[
            ("Security", 4624, None, &["/windows/", "/windows/security"]),
            (
                "security",
                4688,
                None,
                &["/windows/", "/windows/security", "process_creation/windows/"],
            ),
            (
                "Microsoft-Windows-Sysmon/Operational",
                12,
                Some(RegistryAct::Delete),
                &[
                    "/windows/",
                    "/windows/sysmon",
                    "registry_delete/windows/",
                    "registry_event/windows/",
                ],
            ),
            (
                "Microsoft-Windows-Sysmon/Operational",
                14,
                None,
                &[
                    "/windows/",
                    "/windows/sysmon",
                    "registry_event/windows/",
                    "registry_rename/windows/",
                ],
            ),
            (
                "Linux-Sysmon/Operational",
                1,
                None,
                &["/linux/", "/linux/sysmon", "process_creation/linux/"],
            ),
            ("Vendor/Admin", 1, None, &["/windows/"]),
        ];
        for (channel, event_id, act, expected) in cases {
            assert_eq!(members(channel, *event_id, *act), *expected, "{channel} {event_id}");
        }
    }
}
