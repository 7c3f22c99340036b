//! Mail through Postfix: STARTTLS and TLS with checked certificates, a letter on the disk of the receiver, 4xx and 5xx of each recipient.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use connectors::channels::{Attachment, Channel, DeliveryError, Security, Smtp, SmtpConfig};
use tempfile::TempDir;

use super::{TEXT, message};

/// `daemon` and `staff`, which every Debian has: Postfix wants a user and a group of its own.
const USER: u32 = 1;
const GROUP: u32 = 50;

struct Postfix {
    child: Child,
    folder: TempDir,
    starttls: u16,
    tls: u16,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The master ends its processes itself when it is asked, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Postfix {
    fn start() -> Option<Self> {
        let real = testkit::real_folder();
        let master = real.join("usr/lib/postfix/sbin/master");
        if !master.is_file() {
            testkit::absent("Postfix");
            return None;
        }
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            testkit::absent("the right to run Postfix, which is root's,");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::set_permissions(base, fs::Permissions::from_mode(0o755)).unwrap();
        lay_out(base);
        make_certificate(base);
        let ports = [
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TcpListener::bind("127.0.0.1:0").unwrap(),
        ];
        let [starttls, tls] = ports.each_ref().map(|port| port.local_addr().unwrap().port());
        drop(ports);
        fs::write(base.join("etc/main.cf"), main_cf(base, &real)).unwrap();
        fs::write(base.join("etc/master.cf"), master_cf(starttls, tls)).unwrap();
        let child = Command::new(master)
            .args(["-d", "-c"])
            .arg(base.join("etc"))
            .env("LD_LIBRARY_PATH", real.join("usr/lib/postfix"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Postfix starts");
        Some(Self {
            child,
            folder,
            starttls,
            tls,
        })
    }

    fn channel(&self, security: Security, authorities: &Path) -> Smtp {
        let port = if security == Security::Tls {
            self.tls
        } else {
            self.starttls
        };
        Smtp::open(&SmtpConfig {
            server: "localhost".into(),
            port: Some(port),
            security,
            authorities: Some(authorities.to_owned()),
            from: "Trực ca <watch@example.vn>".into(),
            timeout_seconds: 10,
            ..SmtpConfig::default()
        })
        .unwrap()
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Sends until Postfix is up.
    async fn ready(&self, channel: &Smtp) {
        for _ in 0..100 {
            if channel.send(&message("ready", "ready@example.vn")).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "{}",
            fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        );
    }

    /// The letters in somebody's box.
    async fn letters(&self, box_name: &str, count: usize) -> Vec<String> {
        let folder = self.folder.path().join("mail").join(box_name).join("new");
        for _ in 0..100 {
            let files: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
            if files.len() >= count {
                return files
                    .iter()
                    .map(|file| fs::read_to_string(file.path()).unwrap())
                    .collect();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "{}",
            fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        );
    }
}

fn lay_out(base: &Path) {
    for name in ["etc", "data", "mail", "spool"] {
        fs::create_dir(base.join(name)).unwrap();
    }
    for name in [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid", "private",
        "public", "saved", "trace",
    ] {
        let path = base.join("spool").join(name);
        fs::create_dir(&path).unwrap();
        if name != "pid" {
            chown(&path, Some(USER), Some(GROUP)).expect("Postfix is run as root");
        }
    }
    for name in ["data", "mail"] {
        chown(base.join(name), Some(USER), Some(USER)).unwrap();
    }
}

fn make_certificate(base: &Path) {
    let made = Command::new("openssl")
        .current_dir(base)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .stderr(Stdio::null())
        .status()
        .expect("openssl starts");
    assert!(made.success());
}

fn main_cf(base: &Path, real: &Path) -> String {
    let (base, real) = (base.display(), real.display());
    format!(
        "compatibility_level=3.6\nqueue_directory={base}/spool\ndata_directory={base}/data\n\
         daemon_directory={real}/usr/lib/postfix/sbin\ncommand_directory={real}/usr/sbin\nshlib_directory={real}/usr/lib/postfix\n\
         mail_owner=daemon\nsetgid_group=staff\nmyhostname=mail.example.vn\nmydestination=\nalias_maps=\n\
         inet_interfaces=127.0.0.1\ninet_protocols=ipv4\nvirtual_mailbox_domains=example.vn\nvirtual_mailbox_base={base}/mail\n\
         virtual_mailbox_maps=inline:{{truc@example.vn=truc/,ready@example.vn=ready/,busy@example.vn=busy/}}\n\
         virtual_uid_maps=static:{USER}\nvirtual_gid_maps=static:{USER}\nvirtual_minimum_uid=1\n\
         maillog_file={base}/log\nmaillog_file_prefixes={base}\n\
         import_environment=LD_LIBRARY_PATH={real}/usr/lib/postfix MAIL_CONFIG TZ\n\
         smtpd_tls_cert_file={base}/cert.pem\nsmtpd_tls_key_file={base}/key.pem\nsmtpd_tls_security_level=encrypt\n\
         smtpd_recipient_restrictions=check_recipient_access inline:{{{{busy@example.vn=450 4.2.0 come back later}}}},reject_unauth_destination\n\
         message_size_limit=50000000\n"
    )
}

fn master_cf(starttls: u16, tls: u16) -> String {
    format!(
        "127.0.0.1:{starttls} inet n - n - - smtpd\n\
         127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
         cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\ntlsmgr unix - - n 1000? 1 tlsmgr\n\
         rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
         trace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\nerror unix - - n - - error\n\
         retry unix - - n - - error\nvirtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\n\
         postlog unix-dgram n - n - 1 postlogd\n"
    )
}

#[tokio::test]
async fn a_letter_with_a_report_arrives_whole_over_starttls_and_tls() {
    let Some(postfix) = Postfix::start() else { return };
    let starttls = postfix.channel(Security::Starttls, &postfix.certificate());
    postfix.ready(&starttls).await;
    let mut letter = message("notice-1", "truc@example.vn");
    letter.subject = "Cảnh báo mức cao".into();
    letter.html = Some(format!("<p>{TEXT}</p>"));
    letter.attachments.push(Attachment {
        name: "Báo cáo 03.pdf".into(),
        media_type: "application/pdf".into(),
        content: (0..=255).cycle().take(100_000).collect(),
    });
    let receipt = starttls.send(&letter).await.unwrap();
    assert_eq!(receipt.reference, "<notice-1@example.vn>");
    assert!(receipt.note.contains("queued as"), "{}", receipt.note);
    let tls = postfix.channel(Security::Tls, &postfix.certificate());
    tls.send(&letter).await.unwrap();
    for arrived in postfix.letters("truc", 2).await {
        assert!(
            arrived.contains("Message-ID: <notice-1@example.vn>"),
            "a repeat is the same letter"
        );
        let parts = base64_parts(&arrived);
        assert_eq!(String::from_utf8(parts[0].clone()).unwrap(), TEXT);
        assert!(String::from_utf8(parts[1].clone()).unwrap().starts_with("<p>Kính gửi"));
        assert_eq!(parts[2], letter.attachments[0].content);
    }
}

/// The contents of a letter's parts, which are all in base64.
fn base64_parts(letter: &str) -> Vec<Vec<u8>> {
    letter
        .split("Content-Transfer-Encoding: base64")
        .skip(1)
        .map(|part| {
            let body = part.trim_start();
            let end = body.find("\n--").unwrap_or(body.len());
            let packed: String = body[..end].split_whitespace().collect();
            BASE64_STANDARD.decode(packed).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn a_recipient_is_refused_for_good_or_for_now_as_the_server_says() {
    let Some(postfix) = Postfix::start() else { return };
    let channel = postfix.channel(Security::Starttls, &postfix.certificate());
    postfix.ready(&channel).await;
    for (to, permanent) in [
        ("busy@example.vn", false),
        ("nobody@example.vn", true),
        ("truc@elsewhere.example", true),
        ("not an address", true),
    ] {
        let error = channel.send(&message("notice-1", to)).await.unwrap_err();
        assert_eq!(
            matches!(error, DeliveryError::Permanent { .. }),
            permanent,
            "{to}: {error}"
        );
    }
    channel.send(&message("notice-2", "truc@example.vn")).await.unwrap();
}

#[tokio::test]
async fn a_server_with_a_certificate_of_somebody_else_gets_nothing() {
    let Some(postfix) = Postfix::start() else { return };
    postfix
        .ready(&postfix.channel(Security::Starttls, &postfix.certificate()))
        .await;
    let other = tempfile::tempdir().unwrap();
    make_certificate(other.path());
    for security in [Security::Starttls, Security::Tls] {
        let channel = postfix.channel(security, &other.path().join("cert.pem"));
        let error = channel.send(&message("notice-1", "truc@example.vn")).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Retryable { .. }), "{error:?}");
    }
    assert!(!postfix.folder.path().join("mail/truc").exists());
}
