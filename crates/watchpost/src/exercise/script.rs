//! The script of a rehearsal: stages of records with offsets from the start, and the times written into them.

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, tz::Offset};
use model::Timestamp;
use serde::Deserialize;

/// A whole rehearsal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Its name on the command line.
    pub name: String,
    /// The names of the response plans that fit it, the best first.
    #[serde(default)]
    pub plans: Vec<String>,
    /// Its title, Vietnamese.
    pub title_vi: String,
    /// Its title, English.
    pub title_en: String,
    /// What happens in it, Vietnamese.
    pub story_vi: String,
    /// What happens in it, English.
    pub story_en: String,
    /// Its stages in order.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
}

/// One move of the attacker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    /// Its title, Vietnamese.
    pub title_vi: String,
    /// Its title, English.
    pub title_en: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// What a crew should see of it, Vietnamese.
    pub expect_vi: String,
    /// What a crew should see of it, English.
    pub expect_en: String,
    /// The records it leaves.
    #[serde(rename = "record")]
    records: Vec<Template>,
}

/// A record as the script writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    /// Hours, minutes and seconds from the start.
    at: String,
    source: String,
    line: String,
    #[serde(default = "once")]
    times: u32,
    /// Seconds between repetitions.
    #[serde(default)]
    every: u32,
}

fn once() -> u32 {
    1
}

/// A record ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Time from the start of the story.
    pub offset: SignedDuration,
    /// The source that it stands for.
    pub source: String,
    /// The bytes of the record.
    pub text: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When it is not TOML of this shape, or an offset is not `hh:mm:ss`; the message names the place.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let script: Self = toml::from_str(text).context("the script of the rehearsal cannot be read")?;
        for template in script.stages.iter().flat_map(|stage| &stage.records) {
            offset_of(&template.at)?;
        }
        Ok(script)
    }

    /// How long the story takes as it is written.
    pub(crate) fn length(&self) -> SignedDuration {
        self.stages
            .iter()
            .flat_map(|stage| &stage.records)
            .map(Template::last_offset)
            .max()
            .unwrap_or_default()
    }
}

impl Stage {
    /// The records of the stage in order of time, for a story that begins at `start` and is told `pace` times as fast as it is written.
    pub(crate) fn lines(&self, start: Timestamp, pace: f64) -> Vec<Line> {
        let mut lines: Vec<Line> = self
            .records
            .iter()
            .flat_map(|template| template.lines(start, pace))
            .collect();
        lines.sort_by_key(|line| line.offset);
        lines
    }
}

impl Template {
    fn offset(&self, repetition: u32) -> SignedDuration {
        let first = offset_of(&self.at).expect("offsets were checked when the script was read");
        first + SignedDuration::from_secs(i64::from(repetition) * i64::from(self.every))
    }

    fn last_offset(&self) -> SignedDuration {
        self.offset(self.times.saturating_sub(1))
    }

    fn lines(&self, start: Timestamp, pace: f64) -> impl Iterator<Item = Line> {
        (0..self.times).map(move |repetition| {
            let offset = SignedDuration::from_secs_f64(self.offset(repetition).as_secs_f64() / pace);
            let text = written(&self.line, start + offset, repetition);
            Line {
                offset,
                source: self.source.clone(),
                text,
            }
        })
    }
}

fn offset_of(text: &str) -> Result<SignedDuration> {
    let parts: Vec<i64> = text.split(':').filter_map(|part| part.parse().ok()).collect();
    let &[hours, minutes, seconds] = parts.as_slice() else {
        bail!("`at` is hh:mm:ss, not {text:?}")
    };
    Ok(SignedDuration::from_secs(hours * 3600 + minutes * 60 + seconds))
}

/// Puts the time of the record into its line.
fn written(line: &str, at: Timestamp, repetition: u32) -> String {
    let utc = Offset::UTC.to_datetime(at);
    let local = Offset::constant(7).to_datetime(at);
    line.replace("{iso}", &utc.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .replace("{utc}", &utc.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
        .replace("{local}", &local.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .replace("{w3c}", &utc.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .replace("{clf}", &local.strftime("%d/%b/%Y:%H:%M:%S +0700").to_string())
        .replace("{date}", &local.strftime("%Y-%m-%d").to_string())
        .replace("{time}", &local.strftime("%H:%M:%S").to_string())
        .replace("{syslog}", &local.strftime("%b %e %H:%M:%S").to_string())
        .replace("{epoch}", &utc_epoch(at))
        .replace("{n}", &format!("{repetition:02}"))
}

fn utc_epoch(at: Timestamp) -> String {
    format!("{}.{:03}", at.as_second(), at.subsec_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exercise::BUILT_IN, plan_files::Plans};

    #[test]
    fn every_built_in_script_reads_and_leaves_no_placeholder() {
        let plans = Plans::read(std::path::Path::new("/nonexistent")).unwrap();
        for (name, text) in BUILT_IN {
            let script = Script::parse(text).unwrap();
            assert_eq!(script.name, *name);
            assert!(!script.plans.is_empty(), "{name}: a rehearsal without a plan");
            for plan in &script.plans {
                assert!(plans.get(plan).is_some(), "{name}: there is no plan {plan}");
            }
            let start: Timestamp = "2024-04-30T19:10:00Z".parse().unwrap();
            for line in script.stages.iter().flat_map(|stage| stage.lines(start, 1.0)) {
                for placeholder in [
                    "{iso}", "{utc}", "{local}", "{syslog}", "{epoch}", "{n}", "{w3c}", "{clf}", "{date}", "{time}",
                ] {
                    assert!(!line.text.contains(placeholder), "{placeholder} in {}", line.text);
                }
                assert!(line.offset <= script.length());
            }
        }
    }

    #[test]
    fn a_repeated_line_carries_its_own_time_and_number() {
        let template = Template {
            at: "00:00:05".into(),
            source: "exercise/web02".into(),
            line: "<86>{syslog} web02 sshd[4{n}]: Failed".into(),
            times: 2,
            every: 60,
        };
        let start: Timestamp = "2024-04-30T18:59:00Z".parse().unwrap();
        let texts: Vec<String> = template.lines(start, 1.0).map(|line| line.text).collect();
        assert_eq!(
            texts,
            [
                "<86>May  1 01:59:05 web02 sshd[400]: Failed",
                "<86>May  1 02:00:05 web02 sshd[401]: Failed"
            ]
        );
    }

    #[test]
    fn a_story_told_faster_is_shorter_in_its_own_times() {
        let script = Script::parse(BUILT_IN[0].1).unwrap();
        let start: Timestamp = "2024-04-30T19:10:00Z".parse().unwrap();
        let last = script
            .stages
            .iter()
            .flat_map(|stage| stage.lines(start, 60.0))
            .map(|line| line.offset)
            .max();
        let expected = script.length().as_secs_f64() / 60.0;
        assert!((last.unwrap().as_secs_f64() - expected).abs() < 0.01);
    }

    #[test]
    fn a_wrong_offset_is_named() {
        let text = "name='x'\ntitle_vi=''\ntitle_en=''\nstory_vi=''\nstory_en=''\n[[stage]]\ntitle_vi=''\ntitle_en=''\n\
                    techniques=[]\nexpect_vi=''\nexpect_en=''\n[[stage.record]]\nat='soon'\nsource='s'\nline='l'\n";
        assert!(Script::parse(text).unwrap_err().to_string().contains("\"soon\""));
    }
}
