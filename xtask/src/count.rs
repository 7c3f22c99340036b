//! The numbered records of a trial: the rule that holds on them, and how often each is in the exported lake; one byte for each that was
//! acknowledged, whatever the size of the lake.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, bail};

use crate::server::Site;

/// The rule that holds on every record of the client, so that each of them leads to a decision.
pub(crate) const RULE: &str = "5b1d9c5e-6a0e-4f57-9a59-6f2f0c6b7c11";
const RULE_FILE: &str = include_str!("trial.yml");

/// Writes the rule into a folder and gives the configuration of a post that has it in force and hears nothing but what is sent.
pub(crate) fn configuration(folder: &Path) -> Result<String> {
    let rules = folder.join("rules");
    fs::create_dir_all(&rules)?;
    fs::write(rules.join("trial.yml"), RULE_FILE)?;
    Ok(format!(
        "[rules]\nfolders = [\"{}\"]\n\n[ingest.files]\nenabled = false\n\n[ingest.journald]\nenabled = false\n",
        rules.display()
    ))
}

/// How records of the two senders begin.
pub(crate) const OF_CLIENT: &str = "trial-client-";
pub(crate) const OF_RSYSLOG: &str = "trial-rsyslog-";

/// How often each record is in the lake.
pub(crate) struct Count {
    acknowledged: Vec<u64>,
    times: Vec<u8>,
    lines: Vec<u8>,
    /// Rows of the client's records, acknowledged or not.
    pub(crate) client_rows: u64,
}

impl Count {
    /// Begins with the numbers that the client was acknowledged, and with how many lines rsyslog was given.
    pub(crate) fn new(mut acknowledged: Vec<u64>, lines: usize) -> Self {
        acknowledged.sort_unstable();
        Self {
            times: vec![0; acknowledged.len()],
            acknowledged,
            lines: vec![0; lines],
            client_rows: 0,
        }
    }

    /// Exports the lake of a stopped post and counts.
    pub(crate) fn export(&mut self, site: &Site) -> Result<()> {
        let mut child = site
            .command(&["lake", "export"])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the export of the lake")?;
        let out = child.stdout.take().context("the export has no output")?;
        self.read(BufReader::with_capacity(1 << 20, out))?;
        if !child.wait()?.success() {
            bail!("the lake cannot be exported");
        }
        Ok(())
    }

    fn read(&mut self, mut export: impl BufRead) -> Result<()> {
        let mut line = Vec::new();
        while export.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            if let Some(number) = number_after(&text, OF_CLIENT) {
                self.client_rows += 1;
                if let Ok(place) = self.acknowledged.binary_search(&number) {
                    self.times[place] = self.times[place].saturating_add(1);
                }
            } else if let Some(number) = number_after(&text, OF_RSYSLOG)
                && let Some(times) = usize::try_from(number).ok().and_then(|place| self.lines.get_mut(place))
            {
                *times = times.saturating_add(1);
            }
            line.clear();
        }
        Ok(())
    }

    /// The names of the records that are missing.
    pub(crate) fn lost(&self) -> Vec<String> {
        let of_client = self.acknowledged.iter().zip(&self.times);
        let of_client = of_client
            .filter(|(_, times)| **times == 0)
            .map(|(number, _)| format!("{OF_CLIENT}{number}"));
        let of_rsyslog = self.lines.iter().enumerate();
        let of_rsyslog = of_rsyslog
            .filter(|(_, times)| **times == 0)
            .map(|(number, _)| format!("{OF_RSYSLOG}{number}"));
        of_client.chain(of_rsyslog).collect()
    }

    /// Acknowledged records of the client that are there more than once. The client never repeats a request.
    pub(crate) fn doubled(&self) -> usize {
        self.times.iter().filter(|times| **times > 1).count()
    }

    /// Lines that rsyslog sent again after an answer that it never saw.
    pub(crate) fn sent_again(&self) -> usize {
        self.lines.iter().filter(|times| **times > 1).count()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len() + self.lines.len()
    }
}

/// The number between a beginning and a full stop.
pub(crate) fn number_after(text: &str, beginning: &str) -> Option<u64> {
    let rest = &text[text.find(beginning)? + beginning.len()..];
    rest[..rest.find('.')?].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_doubled_is_named() {
        let mut count = Count::new(vec![12, 7, 1_000_003], 3);
        let export = "{\"a\":\"x trial-client-7.\",\"raw\":\"trial-client-7.\"}\n{\"a\":\"trial-client-12.\"}\n{\"a\":\"trial-client-12.\"}\n\
                      {\"a\":\"trial-client-5.\"}\n{\"m\":\"… trial-rsyslog-0.\"}\n{\"m\":\"trial-rsyslog-2.\"}\n{\"m\":\"trial-rsyslog-2.\"}\n\
                      {\"other\":1}\n{\"m\":\"trial-rsyslog-99.\"}\nbroken trial-client-";
        count.read(export.as_bytes()).unwrap();
        assert_eq!(count.lost(), ["trial-client-1000003", "trial-rsyslog-1"]);
        assert_eq!((count.doubled(), count.sent_again()), (1, 1));
        assert_eq!((count.client_rows, count.acknowledged()), (4, 6));
    }
}
