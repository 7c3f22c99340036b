//! The part of Elasticsearch's API that log shippers call before and beside `_bulk`: who are you, what licence, is my template
//! there. Templates, pipelines and policies are accepted and have no effect: fields are read by `normalize`.

use axum::{
    extract::{Request, State},
    http::{Method, header},
};
use compact_str::CompactString;
use model::Transport;
use serde_json::{Value, json};

use crate::{
    bulk::Operation,
    intake::{Answer, Body, BodyRefusal, Call, IntakeState, JsonAnswer},
    receiving::Sender,
};

use super::bulk::{self, Target};

/// What a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Bulk(Option<CompactString>),
    Document(Operation, CompactString, Option<CompactString>),
    Root,
    License,
    Xpack,
    /// Metrics that shippers send about themselves: ignored, as Elasticsearch does when monitoring is off.
    Monitoring,
    Health,
    Nodes,
    Cat(CompactString),
    /// Asks for a template, policy, pipeline, index or stream: everything that is asked for is there.
    Read(CompactString, CompactString),
    /// Puts such a thing.
    Acknowledge,
    Unknown,
}

/// Answers everything that is not under `/v1/`.
pub(crate) async fn receive(State(state): State<IntakeState>, request: Request) -> Answer {
    // A client that leaves drops the request, but not what has begun to be written: that is counted to its end.
    super::detached(async move {
        let (parts, body) = request.into_parts();
        let method = parts.method.clone();
        let call = Call::of(parts);
        answer(&state, &method, &call, body).await
    })
    .await
}

async fn answer(state: &IntakeState, method: &Method, call: &Call, body: axum::body::Body) -> Answer {
    let Ok(sender) = call.sender(state, Transport::Bulk) else {
        let reason =
            "missing or unknown token: send `Authorization: Bearer TOKEN`, an API key, or the token as password";
        return JsonAnswer::elasticsearch_error(401, "security_exception", reason).to(call);
    };
    let wish = wish(method, call.uri.path());
    let answer = match wish {
        Wish::Bulk(index) => return bulk::receive(state, call, &sender, body, index).await,
        Wish::Document(operation, index, id) => {
            let target = Target { operation, index, id };
            return bulk::receive_document(state, call, &sender, body, target).await;
        }
        Wish::Root => root(state),
        Wish::License => license(),
        Wish::Xpack => xpack(),
        Wish::Monitoring => json!({"took": 0, "ignored": true, "errors": false}),
        Wish::Health => health(),
        Wish::Nodes => nodes(state, call),
        Wish::Cat(table) => return cat(&table, call),
        Wish::Read(kind, name) => read(&kind, &name),
        Wish::Acknowledge => json!({"acknowledged": true, "shards_acknowledged": true}),
        Wish::Unknown => return unknown(state, method, call),
    };
    if let Err(refusal) = Body::receive(state, call, body).await {
        return refuse_body(state, call, &sender, refusal).await;
    }
    JsonAnswer::elasticsearch(200, &answer).to(call)
}

fn wish(method: &Method, path: &str) -> Wish {
    let segments: Vec<CompactString> = path.split('/').filter(|s| !s.is_empty()).map(percent_decoded).collect();
    let segments: Vec<&str> = segments.iter().map(CompactString::as_str).collect();
    let writes = matches!(*method, Method::POST | Method::PUT);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["_bulk"] if writes => Wish::Bulk(None),
        [index, "_bulk"] | [index, _, "_bulk"] if writes && !index.starts_with('_') => {
            Wish::Bulk(Some((*index).into()))
        }
        ["_monitoring", "bulk"] | ["_xpack", "monitoring", "_bulk"] if writes => Wish::Monitoring,
        [index, rest @ ..] if writes && !index.starts_with('_') && !rest.is_empty() => document(method, index, rest),
        [] if reads => Wish::Root,
        ["_license"] | ["_xpack", "license"] if reads => Wish::License,
        ["_xpack"] if reads => Wish::Xpack,
        ["_cluster", "health", ..] if reads => Wish::Health,
        ["_nodes", ..] if reads => Wish::Nodes,
        ["_cat", table, ..] if reads => Wish::Cat((*table).into()),
        [
            kind @ ("_index_template" | "_component_template" | "_template" | "_data_stream"),
            name,
        ] if reads => Wish::Read((*kind).into(), (*name).into()),
        [kind @ ("_ilm" | "_ingest"), "policy" | "pipeline", name] if reads => {
            Wish::Read((*kind).into(), (*name).into())
        }
        [name] if reads && !name.starts_with('_') => Wish::Read("index".into(), (*name).into()),
        [
            "_index_template"
            | "_component_template"
            | "_template"
            | "_data_stream"
            | "_ilm"
            | "_ingest"
            | "_aliases"
            | "_refresh"
            | "_flush"
            | "_cluster",
            ..,
        ] if writes => Wish::Acknowledge,
        [name] if *method == Method::PUT && !name.starts_with('_') => Wish::Acknowledge,
        _ => Wish::Unknown,
    }
}

fn document(method: &Method, index: &str, rest: &[&str]) -> Wish {
    let posts = *method == Method::POST;
    match rest {
        ["_doc"] if posts => Wish::Document(Operation::Index, index.into(), None),
        ["_doc", id] => Wish::Document(Operation::Index, index.into(), Some((*id).into())),
        ["_create", id] | ["_doc", id, "_create"] => {
            Wish::Document(Operation::Create, index.into(), Some((*id).into()))
        }
        [
            "_refresh" | "_flush" | "_mapping" | "_settings" | "_alias" | "_aliases",
            ..,
        ] => Wish::Acknowledge,
        // The paths with types that clients from before Elasticsearch 7 use.
        [kind] if posts && !kind.starts_with('_') => Wish::Document(Operation::Index, index.into(), None),
        [kind, id] if !kind.starts_with('_') => Wish::Document(Operation::Index, index.into(), Some((*id).into())),
        _ => Wish::Unknown,
    }
}

/// Decodes `%41`; what is not valid stays as it is.
fn percent_decoded(segment: &str) -> CompactString {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| {
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    CompactString::from_utf8_lossy(&bytes)
}

const CLUSTER_UUID: &str = "d2F0Y2hwb3N0LWludGFrZQ";

fn root(state: &IntakeState) -> Value {
    json!({
        "name": "watchpost",
        "cluster_name": "watchpost",
        "cluster_uuid": CLUSTER_UUID,
        "version": {
            "number": state.config.elasticsearch_version,
            "build_flavor": "default",
            "build_type": "deb",
            "build_hash": "0000000000000000000000000000000000000000",
            "build_date": "2025-01-01T00:00:00.000000000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

fn license() -> Value {
    json!({"license": {
        "status": "active", "uid": CLUSTER_UUID, "type": "basic", "mode": "basic",
        "issue_date": "2025-01-01T00:00:00.000Z", "issue_date_in_millis": 1_735_689_600_000_u64,
        "max_nodes": 1000, "issued_to": "watchpost", "issuer": "watchpost", "start_date_in_millis": -1,
    }})
}

fn xpack() -> Value {
    let absent = json!({"available": false, "enabled": false});
    let ilm = json!({"available": true, "enabled": true});
    json!({
        "license": {"uid": CLUSTER_UUID, "type": "basic", "mode": "basic", "status": "active"},
        "features": {"ilm": ilm, "monitoring": absent, "security": absent, "watcher": absent},
        "tagline": "You know, for X",
    })
}

fn health() -> Value {
    json!({
        "cluster_name": "watchpost", "status": "green", "timed_out": false,
        "number_of_nodes": 1, "number_of_data_nodes": 1, "active_primary_shards": 1, "active_shards": 1,
        "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0, "number_of_pending_tasks": 0,
    })
}

/// A client that looks for more nodes is told of the address that it used itself, so that it stays there.
fn nodes(state: &IntakeState, call: &Call) -> Value {
    let address = call.header(header::HOST).unwrap_or("127.0.0.1");
    json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": "watchpost",
        "nodes": {(CLUSTER_UUID): {
            "name": "watchpost", "version": state.config.elasticsearch_version,
            "roles": ["data", "ingest", "master"], "http": {"publish_address": address},
        }},
    })
}

fn cat(table: &str, call: &Call) -> Answer {
    let row = match table {
        "health" => json!({"cluster": "watchpost", "status": "green", "node.total": "1", "node.data": "1"}),
        "nodes" => json!({"name": "watchpost", "node.role": "dim", "master": "*"}),
        _ => Value::Null,
    };
    if call.parameter("format") == Some("json") {
        let rows: Vec<&Value> = [&row].into_iter().filter(|row| !row.is_null()).collect();
        return JsonAnswer::elasticsearch(200, &json!(rows)).to(call);
    }
    let columns = row
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_str());
    let line = columns.collect::<Vec<_>>().join(" ");
    JsonAnswer::elasticsearch_table(if line.is_empty() { line } else { line + "\n" }).to(call)
}

fn read(kind: &str, name: &str) -> Value {
    match kind {
        "_index_template" => json!({"index_templates": [{"name": name, "index_template": {"index_patterns": [name]}}]}),
        "_component_template" => {
            json!({"component_templates": [{"name": name, "component_template": {"template": {}}}]})
        }
        "_data_stream" => {
            json!({"data_streams": [{"name": name, "timestamp_field": {"name": "@timestamp"}, "status": "GREEN"}]})
        }
        "_ilm" => json!({name: {"version": 1, "policy": {"phases": {}}}}),
        "_ingest" => json!({name: {"processors": []}}),
        _ => json!({name: {"aliases": {}, "mappings": {}, "settings": {}}}),
    }
}

fn unknown(state: &IntakeState, method: &Method, call: &Call) -> Answer {
    state.unknown_call(Transport::Bulk);
    tracing::debug!(%method, path = call.uri.path(), "a call that this intake does not have");
    let error = format!("no handler found for uri [{}] and method [{method}]", call.uri.path());
    JsonAnswer::elasticsearch(400, &json!({"error": error, "status": 400})).to(call)
}

/// Keeps what of a refused body can be kept, and tells the client in Elasticsearch's words.
pub(crate) async fn refuse_body(state: &IntakeState, call: &Call, sender: &Sender, refusal: BodyRefusal) -> Answer {
    let (status, reason) = refusal.settle(state, sender).await;
    let kind = match status {
        429 => "es_rejected_execution_exception",
        503 => "unavailable_shards_exception",
        _ => "illegal_argument_exception",
    };
    JsonAnswer::elasticsearch_error(status, kind, &reason).to(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_what_they_want() {
        let cases = [
            ("POST", "/_bulk", "Bulk(None)"),
            ("PUT", "/logs-app-default/_bulk", "Bulk(Some(\"logs-app-default\"))"),
            ("POST", "//logs/_bulk/", "Bulk(Some(\"logs\"))"),
            ("POST", "/system/events/_bulk", "Bulk(Some(\"system\"))"),
            (
                "POST",
                "/%3Clogs-%7Bnow%2Fd%7D%3E/_bulk",
                "Bulk(Some(\"<logs-{now/d}>\"))",
            ),
            ("GET", "/_bulk", "Unknown"),
            ("POST", "/logs/_doc", "Document(Index, \"logs\", None)"),
            ("PUT", "/logs/_doc/7", "Document(Index, \"logs\", Some(\"7\"))"),
            ("PUT", "/logs/_create/7", "Document(Create, \"logs\", Some(\"7\"))"),
            ("POST", "/system/events", "Document(Index, \"system\", None)"),
            ("POST", "/logs/_update/7", "Unknown"),
            ("POST", "/logs/_search", "Unknown"),
            ("GET", "/", "Root"),
            ("HEAD", "/", "Root"),
            ("GET", "/_license", "License"),
            ("GET", "/_xpack", "Xpack"),
            ("POST", "/_monitoring/bulk", "Monitoring"),
            ("GET", "/_cluster/health/logs", "Health"),
            ("GET", "/_nodes/_all/http", "Nodes"),
            ("GET", "/_cat/templates/x", "Cat(\"templates\")"),
            (
                "HEAD",
                "/_index_template/filebeat-8.11.0",
                "Read(\"_index_template\", \"filebeat-8.11.0\")",
            ),
            ("GET", "/_ilm/policy/filebeat", "Read(\"_ilm\", \"filebeat\")"),
            ("HEAD", "/filebeat-8", "Read(\"index\", \"filebeat-8\")"),
            ("PUT", "/_ingest/pipeline/p", "Acknowledge"),
            ("PUT", "/filebeat-8", "Acknowledge"),
            ("POST", "/logs/_refresh", "Acknowledge"),
            ("DELETE", "/logs", "Unknown"),
            ("GET", "/_search", "Unknown"),
            ("GET", "/%zz%", "Read(\"index\", \"%zz%\")"),
        ];
        for (method, path, expected) in cases {
            let method: Method = method.parse().unwrap();
            assert_eq!(format!("{:?}", wish(&method, path)), expected, "{method} {path}");
        }
    }
}
