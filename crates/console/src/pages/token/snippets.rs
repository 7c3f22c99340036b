//! Configurations of common senders, ready to paste: with the addresses at which this post listens, and a token that was
//! just made.

use std::net::{IpAddr, SocketAddr};

use maud::{Markup, html};

use super::list::Fresh;
use crate::{
    addresses,
    state::{Door, Intake},
    words::Words,
};

/// A sender: its short name, its title, and its configuration with `{HOST}`, `{PORT}`, `{URL}` and `{TOKEN}` to fill in. `{SECURE}`
/// stands for the sender's own word for "by TLS".
struct Sender {
    name: &'static str,
    title: &'static str,
    /// What `{SECURE}` becomes without TLS, and with it.
    secure: [&'static str; 2],
    text: &'static str,
}

/// Senders over HTTP.
const HTTP: [Sender; 7] = [
    Sender {
        name: "filebeat",
        title: "Filebeat (filebeat.yml)",
        secure: ["", ""],
        text: "output.elasticsearch:\n  hosts: [\"{URL}\"]\n  headers:\n    Authorization: \"Bearer {TOKEN}\"\n  compression_level: 3\n  allow_older_versions: true\nsetup.template.enabled: false\nsetup.ilm.enabled: false\n",
    },
    Sender {
        name: "winlogbeat",
        title: "Winlogbeat (winlogbeat.yml)",
        secure: ["", ""],
        text: "winlogbeat.event_logs:\n  - name: Security\n  - name: System\n  - name: Microsoft-Windows-Sysmon/Operational\n  - name: Microsoft-Windows-PowerShell/Operational\noutput.elasticsearch:\n  hosts: [\"{URL}\"]\n  headers:\n    Authorization: \"Bearer {TOKEN}\"\n  allow_older_versions: true\nsetup.template.enabled: false\nsetup.ilm.enabled: false\n",
    },
    Sender {
        name: "rsyslog-http",
        title: "rsyslog, omelasticsearch (/etc/rsyslog.d/60-watchpost.conf)",
        secure: ["off", "on"],
        text: "module(load=\"omelasticsearch\")\naction(type=\"omelasticsearch\" server=\"{HOST}\" serverport=\"{PORT}\" usehttps=\"{SECURE}\"\n  uid=\"source\" pwd=\"{TOKEN}\" bulkmode=\"on\" searchType=\"\" action.resumeRetryCount=\"-1\"\n  queue.type=\"LinkedList\" queue.filename=\"watchpost\" queue.saveOnShutdown=\"on\")\n",
    },
    Sender {
        name: "fluent-bit",
        title: "Fluent Bit (fluent-bit.conf)",
        secure: ["Off", "On"],
        text: "[OUTPUT]\n    Name               es\n    Match              *\n    Host               {HOST}\n    Port               {PORT}\n    tls                {SECURE}\n    HTTP_User          source\n    HTTP_Passwd        {TOKEN}\n    Suppress_Type_Name On\n    Compress           gzip\n",
    },
    Sender {
        name: "vector",
        title: "Vector (vector.yaml)",
        secure: ["", ""],
        text: "sinks:\n  watchpost:\n    type: elasticsearch\n    inputs: [\"*\"]\n    endpoints: [\"{URL}\"]\n    mode: bulk\n    healthcheck: { enabled: false }\n    auth: { strategy: basic, user: source, password: {TOKEN} }\n",
    },
    Sender {
        name: "otlp",
        title: "OpenTelemetry",
        secure: ["", ""],
        text: "export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={URL}/v1/logs\nexport OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf\nexport OTEL_EXPORTER_OTLP_HEADERS=\"Authorization=Bearer%20{TOKEN}\"\n",
    },
    Sender {
        name: "curl",
        title: "curl",
        secure: ["", ""],
        text: "curl --data-binary @events.ndjson -H \"Authorization: Bearer {TOKEN}\" {URL}/v1/ndjson\ncurl --data-binary @Security.evtx -H \"Authorization: Bearer {TOKEN}\" {URL}/v1/evtx\n",
    },
];

/// Senders of syslog: UDP, TCP, RELP, TLS.
const UDP: Sender = Sender {
    name: "rsyslog-udp",
    title: "rsyslog, UDP (/etc/rsyslog.d/60-watchpost.conf)",
    secure: ["", ""],
    text: "*.* action(type=\"omfwd\" target=\"{HOST}\" port=\"{PORT}\" protocol=\"udp\" template=\"RSYSLOG_SyslogProtocol23Format\")\n",
};
const TCP: Sender = Sender {
    name: "rsyslog-tcp",
    title: "rsyslog, TCP (/etc/rsyslog.d/60-watchpost.conf)",
    secure: ["", ""],
    text: "*.* action(type=\"omfwd\" target=\"{HOST}\" port=\"{PORT}\" protocol=\"tcp\" TCP_Framing=\"octet-counted\"\n  template=\"RSYSLOG_SyslogProtocol23Format\" action.resumeRetryCount=\"-1\"\n  queue.type=\"LinkedList\" queue.filename=\"watchpost\" queue.saveOnShutdown=\"on\")\n",
};
const RELP: Sender = Sender {
    name: "rsyslog-relp",
    title: "rsyslog, RELP (/etc/rsyslog.d/60-watchpost.conf)",
    secure: [
        "",
        "\n  tls=\"on\" tls.caCert=\"/etc/ssl/certs/ca-certificates.crt\" tls.authMode=\"name\" tls.permittedPeer=[\"{HOST}\"]",
    ],
    text: "module(load=\"omrelp\")\n*.* action(type=\"omrelp\" target=\"{HOST}\" port=\"{PORT}\"{SECURE}\n  template=\"RSYSLOG_SyslogProtocol23Format\" action.resumeRetryCount=\"-1\"\n  queue.type=\"LinkedList\" queue.filename=\"watchpost\" queue.saveOnShutdown=\"on\")\n",
};
const TLS: [Sender; 2] = [
    Sender {
        name: "rsyslog-tls",
        title: "rsyslog, TLS (/etc/rsyslog.d/60-watchpost.conf)",
        secure: ["", ""],
        text: "global(DefaultNetstreamDriverCAFile=\"/etc/ssl/certs/ca-certificates.crt\")\n*.* action(type=\"omfwd\" target=\"{HOST}\" port=\"{PORT}\" protocol=\"tcp\" TCP_Framing=\"octet-counted\"\n  StreamDriver=\"ossl\" StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/name\" StreamDriverPermittedPeers=\"{HOST}\"\n  template=\"RSYSLOG_SyslogProtocol23Format\" action.resumeRetryCount=\"-1\"\n  queue.type=\"LinkedList\" queue.filename=\"watchpost\" queue.saveOnShutdown=\"on\")\n",
    },
    Sender {
        name: "syslog-ng",
        title: "syslog-ng, TLS (/etc/syslog-ng/conf.d/watchpost.conf)",
        secure: ["", ""],
        text: "destination d_watchpost {\n  syslog(\"{HOST}\" port({PORT}) transport(\"tls\") disk-buffer(reliable(yes) disk-buf-size(1073741824))\n    tls(peer-verify(required-trusted) ca-dir(\"/etc/ssl/certs\")));\n};\nlog { source(s_src); destination(d_watchpost); };\n",
    },
];

/// One block a sender, with a button that copies it. `here` is the name by which the reader's browser reaches the post.
pub(crate) fn render(words: Words, intake: &Intake, here: &str, fresh: Option<&Fresh>) -> Markup {
    let token = fresh.map_or("TOKEN", |fresh| &fresh.text);
    html! {
        section.card { header { h2 { (words.tokens_snippets()) } } div.body {
            p.muted { (words.tokens_snippet_hint()) }
            @match &intake.http {
                None => p.notice { (words.intake_http_off()) },
                Some(door) => {
                    (caution(words, door))
                    @for sender in &HTTP { (snippet(words, sender, &filled(sender, door, (here, token)))) }
                }
            }
        } }
        section.card { header { h2 { (words.intake_syslog()) } } div.body {
            @if intake.syslog().next().is_none() { p.notice { (words.intake_syslog_off()) } }
            @for (door, senders) in syslog(intake) {
                (caution(words, door))
                @for sender in senders { (snippet(words, sender, &filled(sender, door, (here, token)))) }
            }
        } }
    }
}

fn syslog(intake: &Intake) -> impl Iterator<Item = (&Door, &'static [Sender])> {
    let listeners: [(&Option<Door>, &'static [Sender]); 4] = [
        (&intake.relp, std::slice::from_ref(&RELP)),
        (&intake.syslog_tls, &TLS),
        (&intake.syslog_tcp, std::slice::from_ref(&TCP)),
        (&intake.syslog_udp, std::slice::from_ref(&UDP)),
    ];
    listeners
        .into_iter()
        .filter_map(|(door, senders)| door.as_ref().map(|door| (door, senders)))
}

/// What whoever pastes the configuration should know of the address in it.
fn caution(words: Words, door: &Door) -> Markup {
    html! {
        @if door.at.ip().is_loopback() { p.notice { (words.intake_loopback()) } }
        @else if door.tls { p.muted { (words.intake_authority()) } }
        @else { p.notice { (words.intake_plain()) } }
    }
}

fn snippet(words: Words, sender: &Sender, text: &str) -> Markup {
    html! {
        h3 { (sender.title) }
        div.snippet {
            pre id={ "snippet-" (sender.name) } tabindex="0" role="region" aria-label=(sender.title) { (text) }
            button.button.small.copy type="button" data-copy={ "snippet-" (sender.name) } aria-label={ (words.copy()) " " (sender.title) } { (words.copy()) }
        }
    }
}

fn filled(sender: &Sender, door: &Door, (here, token): (&str, &str)) -> String {
    let host = host(door.at, here);
    let scheme = addresses::scheme(door.tls);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    sender
        .text
        .replace("{SECURE}", sender.secure[usize::from(door.tls)])
        .replace("{URL}", &format!("{scheme}://{host}:{}", door.at.port()))
        .replace("{HOST}", bare)
        .replace("{PORT}", &door.at.port().to_string())
        .replace("{TOKEN}", token)
}

/// Where a sender finds the listener, as in a URL: its own address, or for one that listens everywhere the name by which
/// the reader's browser came.
fn host(at: SocketAddr, here: &str) -> String {
    match at.ip() {
        ip if ip.is_unspecified() => here.to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_is_filled_in_with_the_address_that_listens() {
        let door = |at: &str, tls| Door {
            at: at.parse().unwrap(),
            tls,
        };
        for (door, url, secure) in [
            (
                door("127.0.0.1:8651", false),
                "http://127.0.0.1:8651",
                "usehttps=\"off\"",
            ),
            (
                door("0.0.0.0:8651", true),
                "https://post.example:8651",
                "usehttps=\"on\"",
            ),
            (
                door("[2001:db8::7]:443", true),
                "https://[2001:db8::7]:443",
                "usehttps=\"on\"",
            ),
        ] {
            let texts: Vec<String> = HTTP
                .iter()
                .map(|sender| filled(sender, &door, ("post.example", "wp_1")))
                .collect();
            assert!(texts[0].contains(&format!("hosts: [\"{url}\"]")), "{}", texts[0]);
            assert!(
                texts[5].contains(&format!("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={url}/v1/logs")),
                "{}",
                texts[5]
            );
            assert!(texts[2].contains(secure) && !texts[2].contains('['), "{}", texts[2]);
            let streams = [&TCP, &RELP].map(|sender| filled(sender, &door, ("post.example", "wp_1")));
            assert_eq!(streams[1].contains("tls.authMode"), door.tls, "{}", streams[1]);
            for text in texts.iter().chain(&streams) {
                for left in ["URL", "HOST", "PORT", "SECURE", "TOKEN", "ADDRESS"] {
                    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
                    assert!(words.all(|word| word != left), "{left} is left in {text}");
                }
            }
        }
    }
}
