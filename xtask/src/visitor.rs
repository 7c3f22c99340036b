//! A person at the console of a post under trial: makes the first account with the printed link, reads and takes steps over the API.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::server::{Answer, Connection, Site};

const LOGIN: &str = "trial";
const PASSWORD: &str = "a rope, a ladder and a lamp";

/// Somebody who is signed in.
pub(crate) struct Visitor {
    console: u16,
    cookie: String,
}

impl Visitor {
    /// Makes the first account of a running post.
    pub(crate) fn first(site: &Site) -> Result<Self> {
        let link = site.printed("/setup/").context("the post printed no link")?;
        let mut visitor = Self {
            console: site.console,
            cookie: String::new(),
        };
        let form = format!(
            "login={LOGIN}&display_name=Trial&language=en&password={}",
            PASSWORD.replace(' ', "+").replace(',', "%2C")
        );
        let answer = visitor.send("POST", &link, ("application/x-www-form-urlencoded", &form))?;
        let cookie = answer.cookie.filter(|_| answer.status == 303);
        visitor.cookie = cookie.with_context(|| format!("the first account was answered {}", answer.status))?;
        Ok(visitor)
    }

    /// Reads JSON.
    pub(crate) fn read(&self, path: &str) -> Result<Value> {
        let answer = self.send("GET", path, ("application/json", ""))?;
        if answer.status != 200 {
            bail!("{path} was answered {}", answer.status);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{path} was not answered with JSON"))
    }

    /// Opens a page; gives its status.
    pub(crate) fn page(&self, path: &str) -> Result<u16> {
        Ok(self.send("GET", path, ("text/html", ""))?.status)
    }

    /// Reads all pages of a list: `name` is the list in each answer.
    pub(crate) fn read_all(&self, path: &str, name: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let mut page = self.read(&format!("{path}&after={after}"))?;
            if let Value::Array(items) = page[name].take() {
                all.extend(items);
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(all),
            }
        }
    }

    /// Takes a step; gives the status and what was answered.
    ///
    /// # Errors
    /// There was no answer: whether the step was taken is not known.
    pub(crate) fn step(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let answer = self.send("POST", path, ("application/json", &body.to_string()))?;
        Ok((
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        ))
    }

    fn send(&self, method: &str, path: &str, (kind, body): (&str, &str)) -> Result<Answer> {
        let host = format!("127.0.0.1:{}", self.console);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.cookie,
            body.len()
        );
        Connection::open(self.console)?.ask(&head, body.as_bytes())
    }
}
