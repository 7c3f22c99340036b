//! Any product that takes a message over HTTP: SMS gateways and chat systems alike, described by templates in the configuration.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::Method;

use super::{
    Carrier, Channel, DeliveryError, Format, Message, Pace, Receipt, Sending, Template, Wrong,
    message::{one_line, shortened},
};
use crate::{
    Secret, SecretReference,
    outbound::{Answer, Bounds, Outbound, Request},
};

static PRESETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../content/channels");

/// A `[channels.NAME]` section of kind `http`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// What it brings: `"sms"`, `"chat"`, `"email"`.
    pub carries: Carrier,
    /// A template that the post carries, to begin with: `"slack"`, `"teams"`, … What is set here wins.
    pub preset: Option<String>,
    /// The address, with values in it. Needed unless the preset has one.
    pub url: Option<String>,
    /// `"GET"`, `"POST"` or `"PUT"`.
    pub method: Option<String>,
    /// How values are written into the body, and the media type: `"json"`, `"form"`, `"xml"`, `"text"`.
    pub format: Option<Format>,
    /// The body, with values in it; by default a JSON object with everything.
    pub body: Option<String>,
    /// Headers, with values in them.
    pub headers: BTreeMap<String, String>,
    /// What `{{secret}}` stands for.
    pub secret: Option<SecretReference>,
    /// Where the answer (JSON) names the message, as a JSON pointer.
    pub receipt: Option<String>,
    /// Where the answer (JSON) says how it went, as a JSON pointer, for products that answer 200 to everything.
    pub outcome: Option<String>,
    /// The outcomes that mean: accepted.
    pub accepted: Vec<String>,
    /// The outcomes that mean: try again later. Every other one is a refusal for good.
    pub retried: Vec<String>,
    /// Longest text in characters; longer ones are cut.
    pub text_characters_max: Option<usize>,
    /// Without tone marks, for gateways that garble them.
    pub strip_tone_marks: bool,
    /// How long one attempt may take.
    pub timeout_seconds: u64,
    /// Whether the address may be one of this machine or of a private network.
    pub private_addresses: bool,
    /// Certificates (PEM) to trust instead of the public authorities.
    pub authorities: Option<PathBuf>,
    /// How many messages at once, and how many a second.
    pub pace: Pace,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            carries: Carrier::Chat,
            preset: None,
            url: None,
            method: None,
            format: None,
            body: None,
            headers: BTreeMap::new(),
            secret: None,
            receipt: None,
            outcome: None,
            accepted: Vec::new(),
            retried: Vec::new(),
            text_characters_max: None,
            strip_tone_marks: false,
            timeout_seconds: 20,
            private_addresses: true,
            authorities: None,
            pace: Pace::default(),
        }
    }
}

/// The templates that the post carries, by name: files in `content/channels`.
#[derive(Debug, Clone, Copy)]
pub struct Presets;

impl Presets {
    /// Their names.
    #[must_use]
    pub fn names() -> Vec<String> {
        let stem = |file: &include_dir::File<'_>| Some(file.path().file_stem()?.to_str()?.to_owned());
        PRESETS.files().filter_map(stem).collect()
    }

    /// The text of one.
    #[must_use]
    pub fn text(name: &str) -> Option<&'static str> {
        PRESETS.get_file(format!("{name}.toml"))?.contents_utf8()
    }
}

/// What a message is sent with when nothing else is said.
const DEFAULT_BODY: &str = r#"{"key":"{{key}}","to":"{{to}}","subject":"{{subject}}","text":"{{text}}","link":"{{link}}","urgency":"{{urgency}}","at":"{{at}}","facts":{{facts}}}"#;
/// A product behind templates.
pub struct Gateway {
    client: Outbound,
    method: Method,
    url: Template,
    format: Format,
    body: Template,
    headers: Vec<(String, Template)>,
    secret: Option<Secret>,
    config: GatewayConfig,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Gateway");
        shown.field("carries", &self.config.carries).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Opens the channel; nothing is sent yet.
    ///
    /// # Errors
    /// When a template, the preset, the secret or the file of certificates is wrong.
    pub fn open(config: &GatewayConfig) -> Result<Self, Wrong> {
        let config = with_preset(config)?;
        let secret = config.secret.as_ref().map(SecretReference::read).transpose()?;
        let template = |key: &'static str, text: &str| {
            let template = Template::parse(text).map_err(|error| Wrong::new(key, error))?;
            if secret.is_none() && template.names().any(|name| name == "secret") {
                return Err(Wrong::new(key, "`{{secret}}` is used, but `secret` is not set"));
            }
            Ok(template)
        };
        let url_text = config.url.as_deref().ok_or_else(|| Wrong::new("url", "is not set"))?;
        let url = template("url", url_text)?;
        check_host(url_text, secret.as_ref())?;
        let body_text = config.body.as_deref().unwrap_or(DEFAULT_BODY);
        let method = config.method.as_deref().unwrap_or("POST");
        let mut headers = Vec::new();
        for (name, text) in &config.headers {
            headers.push((name.clone(), template("headers", text)?));
        }
        let client = Outbound::new(&Bounds {
            timeout: Duration::from_secs(config.timeout_seconds.clamp(1, 120)),
            private_addresses: config.private_addresses,
            authorities: config.authorities.clone(),
        })
        .map_err(|error| Wrong::new("authorities", error))?;
        let gateway = Self {
            client,
            method: match method {
                "GET" => Method::GET,
                "POST" => Method::POST,
                "PUT" => Method::PUT,
                other => return Err(Wrong::new("method", format!("{other:?} is not GET, POST or PUT"))),
            },
            url,
            format: config.format.unwrap_or_default(),
            body: template("body", body_text)?,
            headers,
            secret,
            config,
        };
        gateway.check_body()?;
        Ok(gateway)
    }

    /// Whether a body of JSON is one once it is filled.
    fn check_body(&self) -> Result<(), Wrong> {
        if self.format != Format::Json || self.method == Method::GET {
            return Ok(());
        }
        let sample = self.body.fill(Format::Json, &|name| {
            Some(if name == "facts" { "{}" } else { "1" }.to_owned())
        });
        match serde_json::from_str::<Value>(&sample) {
            Ok(_) => Ok(()),
            Err(error) => Err(Wrong::new("body", format!("is not JSON once it is filled: {error}"))),
        }
    }

    fn value(&self, name: &str, message: &Message) -> Option<String> {
        let text = |text: &str| {
            let text = if self.config.strip_tone_marks {
                super::template::plain_ascii(text)
            } else {
                text.to_owned()
            };
            match self.config.text_characters_max {
                Some(limit) => cut(&text, limit),
                None => shortened(&text, Message::TEXT_BYTES_MAX),
            }
        };
        Some(match name {
            "key" => message.key.to_string(),
            "to" => message.to.clone(),
            "subject" => text(&message.subject_line()),
            "text" => text(&message.text),
            "message" => text(&message.as_one_text()),
            "link" => message.link.clone().unwrap_or_default(),
            "urgency" => message.urgency.as_str().to_owned(),
            "at" => message.at.to_string(),
            "secret" => self.secret.as_ref()?.expose().to_owned(),
            fact => text(message.facts.get(fact)?),
        })
    }

    fn request(&self, message: &Message) -> Request {
        let values = |name: &str| self.value(name, message);
        let url = self.url.fill_address(&values);
        let mut headers = vec![("idempotency-key".to_owned(), message.key.to_string())];
        let body = if self.method == Method::GET {
            Vec::new()
        } else {
            headers.push(("content-type".to_owned(), self.format.media_type().to_owned()));
            self.body.fill_body(self.format, &values, &message.facts).into_bytes()
        };
        for (name, template) in &self.headers {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.push((name.clone(), one_line(&template.fill(Format::Text, &values))));
        }
        Request {
            method: self.method.clone(),
            url,
            headers,
            body,
            at: message.at,
        }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, DeliveryError> {
        let answer = self.client.ask(self.request(message)).await?.accepted()?;
        self.judge(&answer, message)
    }

    fn judge(&self, answer: &Answer, message: &Message) -> Result<Receipt, DeliveryError> {
        let body: Option<Value> = serde_json::from_str(&answer.body).ok();
        let at = |pointer: &Option<String>| {
            let found = body.as_ref()?.pointer(pointer.as_deref()?)?;
            Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
        };
        if self.config.outcome.is_some() {
            let said = one_line(&shortened(&answer.body, 200));
            let outcome = at(&self.config.outcome).unwrap_or_default();
            if self.config.retried.contains(&outcome) {
                return Err(DeliveryError::retryable(format!("outcome {outcome:?}: {said}")));
            }
            if !self.config.accepted.contains(&outcome) {
                return Err(DeliveryError::permanent(format!("outcome {outcome:?}: {said}")));
            }
        }
        Ok(Receipt {
            reference: at(&self.config.receipt).unwrap_or_else(|| message.key.to_string()),
            note: format!("HTTP {}", answer.status),
        })
    }
}

impl Channel for Gateway {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            self.deliver(message)
                .await
                .map_err(|error| error.blotted(self.secret.as_ref()))
        })
    }
}

impl Template {
    /// Fills an address: the secret as it is (it may be the whole address), everything else as a part of a path or query.
    fn fill_address(&self, values: &dyn Fn(&str) -> Option<String>) -> String {
        self.fill_with(&|name| {
            let format = if name == "secret" { Format::Text } else { Format::Form };
            (format, values(name))
        })
    }

    /// Fills a body; `{{facts}}` in JSON is the object of all facts.
    fn fill_body(
        &self,
        format: Format,
        values: &dyn Fn(&str) -> Option<String>,
        facts: &BTreeMap<String, String>,
    ) -> String {
        self.fill_with(&|name| {
            if name == "facts" {
                let all = serde_json::to_string(facts).expect("texts are always JSON");
                let format = if format == Format::Json { Format::Text } else { format };
                (format, Some(all))
            } else {
                (format, values(name))
            }
        })
    }
}

fn cut(text: &str, characters_max: usize) -> String {
    if text.chars().nth(characters_max).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Scheme and host of an address must not come out of a message.
fn check_host(url: &str, secret: Option<&Secret>) -> Result<(), Wrong> {
    let known = match secret {
        Some(secret) => url.replace("{{secret}}", secret.expose()),
        None => url.to_owned(),
    };
    let after_scheme = known
        .strip_prefix("https://")
        .or_else(|| known.strip_prefix("http://"))
        .ok_or_else(|| Wrong::new("url", "does not begin with https:// or http://"))?;
    let host = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains("{{") {
        return Err(Wrong::new("url", "its host must stand in the configuration"));
    }
    Ok(())
}

fn with_preset(config: &GatewayConfig) -> Result<GatewayConfig, Wrong> {
    let Some(name) = &config.preset else {
        return Ok(config.clone());
    };
    let text = Presets::text(name).ok_or_else(|| {
        Wrong::new(
            "preset",
            format!("{name:?} is not one of {}", Presets::names().join(", ")),
        )
    })?;
    let preset: GatewayConfig =
        toml::from_str(text).map_err(|error| Wrong::new("preset", format!("{name}: {error}")))?;
    let mut whole = config.clone();
    whole.url = whole.url.or(preset.url);
    whole.method = whole.method.or(preset.method);
    whole.format = whole.format.or(preset.format);
    whole.body = whole.body.or(preset.body);
    whole.receipt = whole.receipt.or(preset.receipt);
    whole.text_characters_max = whole.text_characters_max.or(preset.text_characters_max);
    if whole.outcome.is_none() {
        whole.outcome = preset.outcome;
        whole.accepted = preset.accepted;
        whole.retried = preset.retried;
    }
    for (header, value) in preset.headers {
        whole.headers.entry(header).or_insert(value);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::channels::MessageKey;

    fn message() -> Message {
        let mut message = Message::text(
            MessageKey::new("notice-1"),
            "+84912345678",
            "Có người dò mật khẩu SSH từ 192.0.2.9\nBấm để nhận.",
            "2024-04-30T02:10:00+07:00".parse().unwrap(),
        );
        message.subject = "Cảnh báo cao".into();
        message.link = Some("https://watch.example.vn/a/1?x=\"y\"".into());
        message.facts.insert("level".into(), "high".into());
        message
    }

    #[test]
    fn each_preset_fills_to_what_its_product_takes() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        let mut shown = String::new();
        for name in Presets::names() {
            let has_own_host = toml::from_str::<GatewayConfig>(Presets::text(&name).unwrap())
                .unwrap()
                .url
                .is_some();
            std::fs::write(
                &secret,
                if has_own_host {
                    "token"
                } else {
                    "https://hooks.example/T0/B0"
                },
            )
            .unwrap();
            let gateway = Gateway::open(&GatewayConfig {
                preset: Some(name.clone()),
                secret: Some(SecretReference::File(secret.clone())),
                url: (!has_own_host).then(|| "{{secret}}".to_owned()),
                ..GatewayConfig::default()
            })
            .unwrap();
            let request = gateway.request(&message());
            writeln!(shown, "{name}: {} {}", request.method, request.url).unwrap();
            for (header, value) in &request.headers {
                writeln!(shown, "  {header}: {value}").unwrap();
            }
            writeln!(shown, "{}\n", String::from_utf8(request.body).unwrap()).unwrap();
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        let url = |url: &str| GatewayConfig {
            url: Some(url.into()),
            ..GatewayConfig::default()
        };
        for (config, expected) in [
            (GatewayConfig::default(), "url: is not set"),
            (url("ftp://x/"), "url: does not begin with https:// or http://"),
            (url("https://{{to}}/x"), "url: its host must stand in the configuration"),
            (
                url("https://x/{{secret}}"),
                "url: `{{secret}}` is used, but `secret` is not set",
            ),
            (
                GatewayConfig {
                    body: Some("{\"a\": {{text}}".into()),
                    ..url("https://x/")
                },
                "body: is not JSON once it is filled: EOF while parsing an object at line 1 column 7",
            ),
            (
                GatewayConfig {
                    method: Some("DELETE".into()),
                    ..url("https://x/")
                },
                "method: \"DELETE\" is not GET, POST or PUT",
            ),
        ] {
            assert_eq!(Gateway::open(&config).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_outcome_in_the_body_decides_where_the_status_does_not() {
        let gateway = Gateway::open(&GatewayConfig {
            url: Some("https://sms.example/send".into()),
            outcome: Some("/CodeResult".into()),
            accepted: vec!["100".into()],
            retried: vec!["103".into()],
            receipt: Some("/SMSID".into()),
            ..GatewayConfig::default()
        })
        .unwrap();
        let answer = |body: &str| Answer {
            status: 200,
            retry_after_seconds: None,
            location: None,
            body: body.into(),
        };
        let judged = |body: &str| gateway.judge(&answer(body), &message());
        assert_eq!(judged(r#"{"CodeResult":"100","SMSID":"77"}"#).unwrap().reference, "77");
        assert!(matches!(
            judged(r#"{"CodeResult":103}"#),
            Err(DeliveryError::Retryable { .. })
        ));
        assert!(matches!(judged("nonsense"), Err(DeliveryError::Permanent { .. })));
    }
}
