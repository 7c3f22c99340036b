//! What the post says at its start: where everything is, and how the first account is made.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use anyhow::{Context, Result};
use detect::Rules;
use ingest::Addresses;
use ledger::Ledger;
use model::Scope;
use operations::{Step, people};

use crate::{clock, configuration::Configuration};

/// Refused rules that are named; the console lists all.
const REFUSED_NAMED_MAX: usize = 10;

/// Says how many rules are in force, and which are not.
///
/// # Errors
/// When nobody listens any more.
pub(super) fn name_refused_rules(rules: &Rules) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} rules in force, {} not loaded",
        rules.entries().len(),
        rules.refused().len()
    )?;
    for refused in rules.refused().iter().take(REFUSED_NAMED_MAX) {
        writeln!(out, "  {}:{}: {}", refused.file, refused.line, refused.reason)?;
    }
    Ok(())
}

/// Says where the console and the listeners are; without an account, also the one-time link for the first one.
///
/// # Errors
/// When the ledger cannot be read or written.
pub(super) fn greet(
    ledger: &Ledger,
    configuration: &Configuration,
    console: SocketAddr,
    intake: Addresses,
) -> Result<()> {
    let scheme = if configuration.console.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let base = format!("{scheme}://{console}");
    let mut out = io::stdout().lock();
    writeln!(out, "data      {}", configuration.data.display())?;
    let listeners = [
        ("syslog", intake.syslog_udp.map(|at| format!("udp {at}"))),
        ("syslog", intake.syslog_tcp.map(|at| format!("tcp {at}"))),
        ("syslog", intake.syslog_tls.map(|at| format!("tls {at}"))),
        ("syslog", intake.relp.map(|at| format!("relp {at}"))),
        (
            "intake",
            intake.http.map(|at| format!("http {at}  (_bulk, OTLP, NDJSON, EVTX)")),
        ),
    ];
    for (name, address) in listeners {
        if let Some(address) = address {
            writeln!(out, "{name:9} {address}")?;
        }
    }
    writeln!(out, "console   {base}")?;
    if let Some(secret) = first_account_link(ledger)? {
        writeln!(
            out,
            "\nTài khoản đầu tiên / first account (một lần / once):\n          {base}/setup/{secret}"
        )?;
    }
    out.flush().context("nobody reads what the post says")
}

fn first_account_link(ledger: &Ledger) -> Result<Option<String>> {
    let scope = Scope::of_post("setup");
    let users = ledger.users(&scope).context("reading the accounts")?;
    if !users.is_empty() {
        return Ok(None);
    }
    let secret = people::Secret::new("", clock::entropy()?);
    let decision = people::setup_link(
        &users,
        &secret,
        Step {
            scope: &scope,
            at: clock::now(),
        },
    )?;
    ledger
        .apply(&decision)
        .context("keeping the link for the first account")?;
    Ok(Some(secret.text))
}
