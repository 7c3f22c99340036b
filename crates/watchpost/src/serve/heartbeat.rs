//! The post's own heartbeat: a call to an outside watcher for as long as the post can do its work. The watcher, not the post, raises the alarm
//! when the calls stop.

use std::time::Duration;

use anyhow::Result;
use connectors::channels::{Channel, Gateway, GatewayConfig, Message, MessageKey};
use console::Health;

use super::metrics::PostHealth;
use crate::{clock, configuration::HeartbeatSection};

/// Opens the call, where one is configured; nothing is sent yet.
///
/// # Errors
/// When the address or its secret is wrong.
pub(crate) fn open(section: &HeartbeatSection) -> Result<Option<Gateway>> {
    let Some(url) = &section.url else { return Ok(None) };
    let call = GatewayConfig {
        url: Some(url.clone()),
        method: Some("GET".to_owned()),
        secret: section.secret.clone(),
        ..GatewayConfig::default()
    };
    let gateway = Gateway::open(&call).map_err(|wrong| anyhow::anyhow!("[heartbeat] {wrong}"))?;
    Ok(Some(gateway))
}

/// Calls until the post ends, and is silent while the post is not ready.
pub(super) async fn beat(call: Gateway, every_seconds: u64, health: PostHealth) {
    let mut failing = false;
    loop {
        if let Err(reason) = health.ready() {
            tracing::warn!(reason, "no heartbeat: the post cannot do its work");
        } else {
            let now = clock::now();
            let key = MessageKey::new(&format!("heartbeat-{}", now.as_second()));
            let sent = call.send(&Message::text(key, "", "", now)).await;
            if let Err(error) = &sent
                && !failing
            {
                tracing::warn!(%error, "the watcher of the post does not take its heartbeat");
            }
            failing = sent.is_err();
        }
        tokio::time::sleep(Duration::from_secs(every_seconds.max(1))).await;
    }
}
