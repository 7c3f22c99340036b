//! Any product with an HTTP API: each thing it can do is a call that the configuration describes by templates, with the call that takes it
//! back and the one that shows whether it is so.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use model::ActionKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::Method;

use super::{Asking, Changed, Demand, Enforcer, Planned, Seen, Wanted, not_here};
use crate::{
    Secret, SecretReference,
    channels::{DeliveryError, Format, Template, Wrong, one_line, shortened},
    outbound::{Answer, Bounds, Outbound, Request},
};

/// A `[devices.NAME]` section of kind `http`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpDeviceConfig {
    /// What it can do, by name.
    pub calls: BTreeMap<String, CallConfig>,
    /// What `{{secret}}` stands for.
    pub secret: Option<SecretReference>,
    /// How long one request may take.
    pub timeout_seconds: u64,
    /// Whether the address may be one of this machine or of a private network.
    pub private_addresses: bool,
    /// Certificates (PEM) to trust instead of the public authorities.
    pub authorities: Option<PathBuf>,
}

impl Default for HttpDeviceConfig {
    fn default() -> Self {
        Self {
            calls: BTreeMap::new(),
            secret: None,
            timeout_seconds: 20,
            private_addresses: true,
            authorities: None,
        }
    }
}

/// One thing that a product can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallConfig {
    /// Does it.
    pub apply: RequestConfig,
    /// Takes it back; without it, it is final.
    #[serde(default)]
    pub revert: Option<RequestConfig>,
    /// Looks whether it is so. With it, nothing is sent that is so already.
    #[serde(default)]
    pub verify: Option<CheckConfig>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestConfig {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    #[serde(default = "post")]
    pub method: String,
    /// The address, with values in it.
    pub url: String,
    /// Headers, with values in them.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, with values in it.
    #[serde(default)]
    pub body: Option<String>,
    /// How values are written into the body.
    #[serde(default)]
    pub format: Format,
}

/// How it is seen whether something is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckConfig {
    /// Asks for it; 404 means that it is not so.
    pub ask: RequestConfig,
    /// Where the answer (JSON) says it, as a JSON pointer; without it, an answer is enough.
    #[serde(default)]
    pub pointer: Option<String>,
    /// What stands there when it is so, with values in it; without it, anything but `null` and `false`.
    #[serde(default)]
    pub equals: Option<String>,
}

fn post() -> String {
    String::from("POST")
}

#[derive(Debug)]
struct Prepared {
    method: Method,
    url: Template,
    headers: Vec<(String, Template)>,
    body: Option<Template>,
    format: Format,
}

#[derive(Debug)]
struct Check {
    ask: Prepared,
    pointer: Option<String>,
    equals: Option<Template>,
}

#[derive(Debug)]
struct Call {
    apply: Prepared,
    revert: Option<Prepared>,
    verify: Option<Check>,
}

/// A product behind an HTTP API.
#[derive(Debug)]
pub(super) struct HttpDevice {
    client: Outbound,
    secret: Option<Secret>,
    calls: BTreeMap<String, Call>,
}

impl HttpDevice {
    /// Opens the device; nothing is asked of it yet.
    pub(super) fn open(config: &HttpDeviceConfig) -> Result<Self, Wrong> {
        let secret = config.secret.as_ref().map(SecretReference::read).transpose()?;
        let client = Outbound::new(&Bounds {
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 120)),
            private_addresses: config.private_addresses,
            authorities: config.authorities.clone(),
        })
        .map_err(|error| Wrong::new("authorities", error))?;
        let call = |(name, call): (&String, &CallConfig)| {
            let check = |check: &CheckConfig| {
                let equals = check.equals.as_deref().map(Template::parse).transpose();
                Ok::<_, Wrong>(Check {
                    ask: prepare(&check.ask)?,
                    pointer: check.pointer.clone(),
                    equals: equals.map_err(|error| Wrong::new("calls", error))?,
                })
            };
            let prepared = Call {
                apply: prepare(&call.apply)?,
                revert: call.revert.as_ref().map(prepare).transpose()?,
                verify: call.verify.as_ref().map(check).transpose()?,
            };
            Ok::<_, Wrong>((name.clone(), prepared))
        };
        let calls = config.calls.iter().map(call).collect::<Result<_, _>>()?;
        Ok(Self { client, secret, calls })
    }

    fn call<'a>(&'a self, demand: &'a Demand) -> Result<(&'a Call, Values<'a>), DeliveryError> {
        let ActionKind::Invoke { name, values } = &demand.kind else {
            return Err(not_here(&demand.kind));
        };
        let call = self.calls.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.calls.keys().map(String::as_str).collect();
            DeliveryError::permanent(format!(
                "no call {name:?} is configured; known are {}",
                known.join(", ")
            ))
        })?;
        let values = Values {
            given: values,
            demand,
            secret: self.secret.as_ref(),
        };
        Ok((call, values))
    }

    async fn send(&self, prepared: &Prepared, values: &Values<'_>) -> Result<Answer, DeliveryError> {
        let answer = self.client.ask(prepared.request(values)).await;
        answer.map_err(|error| error.blotted(self.secret.as_ref()))
    }

    async fn change(&self, demand: &Demand, wanted: Wanted) -> Result<Changed, DeliveryError> {
        let (call, values) = self.call(demand)?;
        if let Some(check) = &call.verify
            && self.is_so(check, &values).await? == (wanted == Wanted::InForce)
        {
            return Ok(Changed {
                note: "đã như vậy từ trước / it was so already".to_owned(),
            });
        }
        let prepared = match wanted {
            Wanted::InForce => &call.apply,
            Wanted::Gone => call
                .revert
                .as_ref()
                .ok_or_else(|| DeliveryError::permanent("this call cannot be taken back"))?,
        };
        let answer = self
            .send(prepared, &values)
            .await?
            .accepted()
            .map_err(|error| error.blotted(self.secret.as_ref()))?;
        Ok(Changed {
            note: format!("HTTP {}", answer.status),
        })
    }

    async fn is_so(&self, check: &Check, values: &Values<'_>) -> Result<bool, DeliveryError> {
        let answer = self.send(&check.ask, values).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        let answer = answer.accepted().map_err(|error| error.blotted(self.secret.as_ref()))?;
        let Some(pointer) = &check.pointer else { return Ok(true) };
        let nonsense = || {
            let said = one_line(&shortened(&answer.body, 100));
            DeliveryError::retryable(format!("the answer is not JSON: {said}")).blotted(self.secret.as_ref())
        };
        let body: Value = serde_json::from_str(&answer.body).map_err(|_| nonsense())?;
        let Some(found) = body.pointer(pointer) else {
            return Ok(false);
        };
        let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        Ok(match &check.equals {
            Some(equals) => equals.fill(Format::Text, &|name| values.get(name)) == found,
            None => found != "null" && found != "false",
        })
    }

    async fn seen(&self, demand: &Demand, wanted: Wanted) -> Result<Seen, DeliveryError> {
        let (call, values) = self.call(demand)?;
        let Some(check) = &call.verify else {
            return Ok(Seen {
                holds: None,
                text: "chưa cấu hình lệnh gọi để kiểm chứng / no call is configured that shows it".to_owned(),
            });
        };
        let is_so = self.is_so(check, &values).await?;
        Ok(Seen::told("the device", is_so, wanted))
    }

    fn planned(&self, demand: &Demand) -> Result<Planned, DeliveryError> {
        let (call, values) = self.call(demand)?;
        let request = call.apply.request(&values);
        let mut lines = vec![format!("{} {}", request.method, request.url)];
        lines.extend(String::from_utf8_lossy(&request.body).lines().map(str::to_owned));
        if let Some(secret) = &self.secret {
            lines = lines.iter().map(|line| secret.blot(line)).collect();
        }
        Ok(Planned {
            lines,
            undoable: call.revert.is_some(),
        })
    }
}

impl Enforcer for HttpDevice {
    fn plan<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Planned> {
        Box::pin(async { self.planned(demand) })
    }

    fn apply<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, Wanted::InForce))
    }

    fn revert<'a>(&'a self, demand: &'a Demand) -> Asking<'a, Changed> {
        Box::pin(self.change(demand, Wanted::Gone))
    }

    fn verify<'a>(&'a self, demand: &'a Demand, wanted: Wanted) -> Asking<'a, Seen> {
        Box::pin(self.seen(demand, wanted))
    }
}

/// What stands in templates by name.
struct Values<'a> {
    given: &'a BTreeMap<String, String>,
    demand: &'a Demand,
    secret: Option<&'a Secret>,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "key" => Some(self.demand.key.clone()),
            "secret" => Some(self.secret?.expose().to_owned()),
            name => self.given.get(name).or_else(|| self.demand.facts.get(name)).cloned(),
        }
    }
}

impl Prepared {
    fn request(&self, values: &Values<'_>) -> Request {
        let get = |name: &str| values.get(name);
        let url = self.url.fill_with(&|name| {
            let format = if name == "secret" { Format::Text } else { Format::Form };
            (format, get(name))
        });
        let mut headers = vec![("idempotency-key".to_owned(), values.demand.key.clone())];
        let mut body = Vec::new();
        if let Some(template) = &self.body {
            headers.push(("content-type".to_owned(), self.format.media_type().to_owned()));
            body = template.fill(self.format, &get).into_bytes();
        }
        for (name, template) in &self.headers {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.push((name.clone(), one_line(&template.fill(Format::Text, &get))));
        }
        Request {
            method: self.method.clone(),
            url,
            headers,
            body,
            at: values.demand.at,
        }
    }
}

fn prepare(config: &RequestConfig) -> Result<Prepared, Wrong> {
    let wrong = |error| Wrong::new("calls", error);
    let method = match config.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => {
            return Err(Wrong::new(
                "calls",
                format!("{other:?} is not GET, POST, PUT, PATCH or DELETE"),
            ));
        }
    };
    let host = config.url.split('/').nth(2).unwrap_or_default();
    if host.is_empty() || host.contains("{{") {
        // Which host is spoken to is the configuration's business, never a value's.
        return Err(Wrong::new(
            "calls",
            format!("{:?} does not name its host", shortened(&config.url, 100)),
        ));
    }
    let header =
        |(name, text): (&String, &String)| Ok::<_, Wrong>((name.clone(), Template::parse(text).map_err(wrong)?));
    Ok(Prepared {
        method,
        url: Template::parse(&config.url).map_err(wrong)?,
        headers: config.headers.iter().map(header).collect::<Result<_, _>>()?,
        body: config.body.as_deref().map(Template::parse).transpose().map_err(wrong)?,
        format: config.format,
    })
}
