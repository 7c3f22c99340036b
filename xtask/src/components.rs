//! The real programs that tests speak to: found on the machine, or installed from Debian into it or beside the build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::run::{on_path, run as run_command, say};

/// One real component.
struct Component {
    name: &'static str,
    /// What the tests do with it.
    purpose: &'static str,
    how: How,
}

/// How a component comes onto the machine.
enum How {
    /// Debian packages installed as usual; present when this program is on the path.
    Installed {
        program: &'static str,
        packages: &'static [&'static str],
    },
    /// Debian packages unpacked below `target/real`, because installing them would replace the machine's own log daemon;
    /// the libraries they need are installed as usual.
    Unpacked {
        program: &'static str,
        packages: &'static [&'static str],
        libraries: &'static [&'static str],
    },
    /// Packages of npm in a folder of their own, `target/real/node`.
    Node {
        module: &'static str,
        packages: &'static [&'static str],
    },
    /// Python packages in an environment of their own below `target/real/python`.
    Python {
        module: &'static str,
        packages: &'static [&'static str],
    },
}

const COMPONENTS: &[Component] = &[
    Component {
        name: "chromium",
        purpose: "drives the console in a real browser",
        how: How::Installed {
            program: "chromedriver",
            packages: &["chromium", "chromium-driver"],
        },
    },
    Component {
        name: "logger",
        purpose: "sends syslog as scripts do",
        how: How::Installed {
            program: "logger",
            packages: &["bsdutils"],
        },
    },
    Component {
        name: "openssl",
        purpose: "makes certificates and speaks TLS to the syslog listener",
        how: How::Installed {
            program: "openssl",
            packages: &["openssl"],
        },
    },
    Component {
        name: "rsyslog",
        purpose: "sends syslog and `_bulk` as servers do",
        how: How::Unpacked {
            program: "usr/sbin/rsyslogd",
            packages: &["rsyslog", "rsyslog-elasticsearch"],
            libraries: &["libestr0", "libfastjson4", "liblognorm5", "libcurl4"],
        },
    },
    Component {
        name: "rsyslog-relp",
        purpose: "rsyslog's module that sends RELP",
        how: How::Unpacked {
            program: "usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so",
            packages: &["rsyslog-relp"],
            libraries: &["librelp0"],
        },
    },
    Component {
        name: "syslog-ng",
        purpose: "sends syslog and `_bulk` as servers do",
        how: How::Unpacked {
            program: "usr/sbin/syslog-ng",
            packages: &["syslog-ng-core", "syslog-ng-mod-http"],
            libraries: &[
                "libivykis0",
                "libnet1",
                "libglib2.0-0",
                "libpcre3",
                "libjson-c5",
                "libwrap0",
                "libcurl4",
            ],
        },
    },
    Component {
        name: "postfix",
        purpose: "takes the mail of the e-mail channel",
        how: How::Unpacked {
            program: "usr/lib/postfix/sbin/master",
            packages: &["postfix"],
            libraries: &["libdb5.3", "libicu72", "libnsl2", "libsasl2-2", "libssl3"],
        },
    },
    Component {
        name: "nftables",
        purpose: "drops packets in network namespaces",
        how: How::Installed {
            program: "nft",
            packages: &["nftables", "iproute2"],
        },
    },
    Component {
        name: "openssh",
        purpose: "is the host that is told what to do over SSH",
        how: How::Installed {
            program: "sshd",
            packages: &["openssh-server", "openssh-client"],
        },
    },
    Component {
        name: "kdig",
        purpose: "fetches zones with signatures",
        how: How::Installed {
            program: "kdig",
            packages: &["knot-dnsutils"],
        },
    },
    Component {
        name: "unbound",
        purpose: "follows a response-policy zone",
        how: How::Unpacked {
            program: "usr/sbin/unbound",
            packages: &["unbound"],
            libraries: &["libevent-2.1-7", "libprotobuf-c1", "libpython3.11"],
        },
    },
    Component {
        name: "bind",
        purpose: "follows a response-policy zone with signatures",
        how: How::Unpacked {
            program: "usr/sbin/named",
            packages: &["bind9", "bind9-libs"],
            libraries: &[
                "libfstrm0",
                "libjemalloc2",
                "liblmdb0",
                "libmaxminddb0",
                "libprotobuf-c1",
                "libuv1",
                "libjson-c5",
            ],
        },
    },
    Component {
        name: "knot-resolver",
        purpose: "follows a response-policy zone in a file",
        how: How::Unpacked {
            program: "usr/sbin/kresd",
            packages: &[
                "knot-resolver",
                "libknot13",
                "libdnssec9",
                "libzscanner4",
                "lua-sec",
                "lua-socket",
            ],
            libraries: &[
                "libluajit-5.1-2",
                "liburcu8",
                "libxdp1",
                "lua-cqueues",
                "dns-root-data",
                "liblmdb0",
                "libuv1",
            ],
        },
    },
    Component {
        name: "restic",
        purpose: "makes the repositories that restore drills are tried on",
        how: How::Installed {
            program: "restic",
            packages: &["restic"],
        },
    },
    Component {
        name: "smpp",
        purpose: "is the short message centre of the SMPP channel",
        how: How::Node {
            module: "smpp",
            packages: &["smpp@0.5"],
        },
    },
    Component {
        name: "axe-core",
        purpose: "holds every page of the console against WCAG 2.2 AA",
        how: How::Node {
            module: "axe-core",
            packages: &["axe-core@4.11"],
        },
    },
    Component {
        name: "poppler",
        purpose: "reads the PDF of a letter as text",
        how: How::Installed {
            program: "pdftotext",
            packages: &["poppler-utils"],
        },
    },
    Component {
        name: "icalendar",
        purpose: "reads calendar feeds back",
        how: How::Python {
            module: "icalendar",
            packages: &["icalendar"],
        },
    },
    Component {
        name: "python-docx",
        purpose: "reads the DOCX of a letter",
        how: How::Python {
            module: "docx",
            packages: &["python-docx==1.*"],
        },
    },
    Component {
        name: "compliance-trestle",
        purpose: "holds OSCAL against the models made from NIST's schema",
        how: How::Python {
            module: "trestle.oscal.assessment_results",
            packages: &["compliance-trestle==5.*"],
        },
    },
    Component {
        name: "elasticsearch",
        purpose: "is the official client of the `_bulk` API",
        how: How::Python {
            module: "elasticsearch",
            packages: &["elasticsearch==8.*"],
        },
    },
    Component {
        name: "opentelemetry",
        purpose: "is the official exporter of OTLP logs",
        how: How::Python {
            module: "opentelemetry.exporter.otlp.proto.http",
            packages: &["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
        },
    },
];

/// The folder of unpacked components, `WATCHPOST_REAL` or `target/real`; tests find them there.
pub(crate) fn folder(root: &Path) -> PathBuf {
    std::env::var_os("WATCHPOST_REAL").map_or_else(|| root.join("target/real"), PathBuf::from)
}

/// Lists the components, installing the missing ones when asked to.
pub(crate) fn run(root: &Path, install: bool) -> Result<()> {
    if install {
        install_missing(root)?;
    }
    for component in COMPONENTS {
        let state = if is_present(root, component) {
            "present"
        } else {
            "missing"
        };
        say(&format!("{state:8} {:14} {}", component.name, component.purpose));
    }
    Ok(())
}

/// The names of the components that are not here.
pub(crate) fn missing(root: &Path) -> Vec<&'static str> {
    COMPONENTS
        .iter()
        .filter(|component| !is_present(root, component))
        .map(|component| component.name)
        .collect()
}

/// Installs what is missing.
///
/// # Errors
/// When this is not Debian, not root, or a package cannot be had.
pub(crate) fn install_missing(root: &Path) -> Result<()> {
    let absent: Vec<&Component> = COMPONENTS
        .iter()
        .filter(|component| !is_present(root, component))
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    if !can_install() {
        bail!(
            "missing: {}; installing them needs Debian and root",
            missing(root).join(", ")
        );
    }
    run_command(Command::new("apt-get").args(["update", "-qq"]))?;
    for component in absent {
        say(&format!("installing {}: {}", component.name, component.purpose));
        match &component.how {
            How::Installed { packages, .. } => install_packages(packages)?,
            How::Unpacked {
                packages, libraries, ..
            } => {
                install_packages(libraries)?;
                unpack_packages(root, packages)?;
            }
            How::Node { packages, .. } => install_node(root, packages)?,
            How::Python { packages, .. } => install_python(root, packages)?,
        }
    }
    Ok(())
}

/// Whether this is a Debian machine on which we are root.
pub(crate) fn can_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists()
}

fn is_present(root: &Path, component: &Component) -> bool {
    match &component.how {
        How::Installed { program, .. } => on_path(program),
        How::Unpacked { program, .. } => folder(root).join(program).is_file(),
        How::Node { module, .. } => on_path("node") && folder(root).join("node/node_modules").join(module).is_dir(),
        How::Python { module, .. } => Command::new(python(root))
            .args(["-c", &format!("import {module}")])
            .output()
            .is_ok_and(|output| output.status.success()),
    }
}

fn python(root: &Path) -> PathBuf {
    folder(root).join("python/bin/python")
}

fn install_packages(packages: &[&str]) -> Result<()> {
    run_command(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages),
    )
}

fn unpack_packages(root: &Path, packages: &[&str]) -> Result<()> {
    let folder = folder(root);
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads).with_context(|| format!("making {}", downloads.display()))?;
    run_command(
        Command::new("apt-get")
            .current_dir(&downloads)
            .args(["download", "-qq"])
            .args(packages),
    )?;
    for entry in fs::read_dir(&downloads)? {
        let package = entry?.path();
        run_command(Command::new("dpkg").arg("-x").arg(&package).arg(&folder))?;
    }
    Ok(())
}

fn install_node(root: &Path, packages: &[&str]) -> Result<()> {
    if !on_path("npm") {
        install_packages(&["nodejs", "npm"])?;
    }
    let place = folder(root).join("node");
    fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    run_command(
        Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(place)
            .args(packages),
    )
}

fn install_python(root: &Path, packages: &[&str]) -> Result<()> {
    if !python(root).exists() {
        if Command::new("python3")
            .args(["-m", "venv", "--help"])
            .output()
            .is_ok_and(|output| !output.status.success())
        {
            install_packages(&["python3", "python3-venv"])?;
        }
        run_command(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(folder(root).join("python")),
        )?;
    }
    run_command(
        Command::new(python(root))
            .args(["-m", "pip", "install", "-q"])
            .args(packages),
    )
}
