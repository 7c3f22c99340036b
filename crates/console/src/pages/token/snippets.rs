//! Configurations of common senders, ready to paste.

use maud::{Markup, html};

use super::list::Fresh;
use crate::words::Words;

/// The senders and what they are told; `TOKEN` and `ADDRESS` are filled in.
const SENDERS: [(&str, &str, &str); 4] = [
    (
        "filebeat",
        "Filebeat (filebeat.yml)",
        "output.elasticsearch:\n  hosts: [\"https://ADDRESS:9200\"]\n  headers:\n    Authorization: \"Bearer TOKEN\"\n  compression_level: 3\nsetup.template.enabled: false\nsetup.ilm.enabled: false\n",
    ),
    (
        "winlogbeat",
        "Winlogbeat (winlogbeat.yml)",
        "winlogbeat.event_logs:\n  - name: Security\n  - name: System\n  - name: Microsoft-Windows-Sysmon/Operational\n  - name: Microsoft-Windows-PowerShell/Operational\noutput.elasticsearch:\n  hosts: [\"https://ADDRESS:9200\"]\n  headers:\n    Authorization: \"Bearer TOKEN\"\nsetup.template.enabled: false\nsetup.ilm.enabled: false\n",
    ),
    (
        "rsyslog",
        "rsyslog (/etc/rsyslog.d/60-watchpost.conf)",
        "module(load=\"omelasticsearch\")\naction(type=\"omelasticsearch\" server=\"ADDRESS\" serverport=\"9200\" usehttps=\"on\"\n  httpheaders=[\"Authorization: Bearer TOKEN\"] bulkmode=\"on\" queue.type=\"LinkedList\"\n  queue.filename=\"watchpost\" queue.saveonshutdown=\"on\" action.resumeretrycount=\"-1\")\n",
    ),
    (
        "fluent-bit",
        "Fluent Bit (fluent-bit.conf)",
        "[OUTPUT]\n    Name               es\n    Match              *\n    Host               ADDRESS\n    Port               9200\n    tls                On\n    Suppress_Type_Name On\n    Compress           gzip\n    Header             Authorization Bearer TOKEN\n",
    ),
];

/// One block a sender, with a button that copies it.
pub(crate) fn render(words: Words, fresh: Option<&Fresh>) -> Markup {
    html! {
        section.card { header { h2 { (words.tokens_snippets()) } } div.body {
            p.muted { (words.tokens_snippet_hint()) }
            @for (name, title, text) in SENDERS {
                h3 { (title) }
                div.snippet {
                    pre id={ "snippet-" (name) } { (fresh.map_or_else(|| text.to_owned(), |fresh| text.replace("TOKEN", &fresh.text))) }
                    button.button.small.copy type="button" data-copy={ "snippet-" (name) } { (words.copy()) }
                }
            }
        } }
    }
}
