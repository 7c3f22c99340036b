//! Suricata's EVE log (`eve.json`): one object an event, told apart by `event_type`.

use model::Fields;

use super::{Reader, Source, alias, json::read_time, logsources};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "suricata",
    programs: &["suricata"],
    reader: Reader::Json { recognise, read },
};

logsources! {
    static ANY = ("", "suricata", "");
    static DNS = ("", "suricata", ""), ("", "suricata", "dns"), ("dns", "", "");
    static ALERT = ("", "suricata", ""), ("", "suricata", "alert");
    static HTTP = ("", "suricata", ""), ("", "suricata", "http");
    static TLS = ("", "suricata", ""), ("", "suricata", "tls");
    static FLOW = ("", "suricata", ""), ("", "suricata", "flow"), ("", "", "netflow");
}

fn recognise(fields: &Fields) -> bool {
    let has = |name| fields.get(name).is_some();
    has("event_type") && has("timestamp") && (has("flow_id") || has("src_ip") || has("in_iface") || has("stats.uptime"))
}

fn read(draft: &mut Draft) {
    read_time(draft, &["timestamp"]);
    draft.logsources = match draft.fields.text("event_type") {
        Some("dns") => DNS.clone(),
        Some("alert") => ALERT.clone(),
        Some("http") => HTTP.clone(),
        Some("tls") => TLS.clone(),
        Some("flow" | "netflow") => FLOW.clone(),
        Some(_) | None => ANY.clone(),
    };
    // Version 3 of the DNS record keeps its questions in a list.
    for name in ["dns.rrname", "dns.queries.rrname", "dns.query.rrname"] {
        alias(draft, name, "query");
    }
    for name in ["dns.rrtype", "dns.queries.rrtype", "dns.query.rrtype"] {
        alias(draft, name, "record_type");
    }
    alias(draft, "dns.answers.rdata", "answer");
}
