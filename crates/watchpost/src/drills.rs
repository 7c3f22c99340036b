//! Restore drills: random files of the newest snapshot restored into a sandbox and proven, with an alert when they do not come
//! back; and the regular look at the age of snapshots.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use connectors::backups::restic::{Proof, Restic, ResticError};
use ledger::{Ledger, NounFilter, PageAt};
use model::{AlertKey, Backup, Drill, Id, Notice, Scope, Snapshot};
use operations::{Known, Moment, Step, recovery};

use crate::{clock, commit::commit};

/// Files of one drill.
pub(crate) const FILES: usize = 20;
/// How long one call of restic may take.
const LONGEST: Duration = Duration::from_hours(2);

/// restic on a repository.
///
/// # Errors
/// When the program is not on the path.
pub(crate) fn restic(backup: &Backup) -> Result<Restic> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path)
        .map(|folder| folder.join("restic"))
        .find(|program| program.is_file())
        .context("the program restic is not installed (on Debian: apt-get install restic)")?;
    Ok(Restic::new(&program, backup, LONGEST))
}

/// The last drill of a backup.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn last(ledger: &Ledger, scope: &Scope, backup: &str) -> Result<Option<Drill>> {
    let page = ledger
        .kept_page(scope, &NounFilter::of_parent(backup), PageAt::first(1))
        .context("reading the ledger")?;
    Ok(page.items.into_iter().next())
}

/// Does a drill, keeps what it proved, and raises an alert when it failed.
///
/// # Errors
/// When the ledger cannot be written or restic cannot be run.
pub(crate) fn run(ledger: &Ledger, data: &Path, backup: &Backup, scope: &Scope, files: usize) -> Result<Drill> {
    let at = clock::now();
    let entropy = clock::entropy()?;
    let seed = u64::from_be_bytes(entropy.0[..8].try_into().expect("eight bytes of sixteen"));
    let sandbox = data.join("drills").join(Id::<Drill>::born(at, entropy).to_string());
    let (snapshot, proof) = match prove(&restic(backup)?, &sandbox, (files, seed)) {
        Ok(proven) => proven,
        // A repository that cannot be read is what drills are there to find out.
        Err(error) => {
            let flaws = vec![error.to_string()];
            (
                None,
                Proof {
                    flaws,
                    ..Proof::default()
                },
            )
        }
    };
    let _ = std::fs::remove_dir_all(&sandbox);
    let mut flaws = proof.flaws;
    flaws.truncate(Drill::FLAWS_MAX);
    let drill = Drill {
        id: Id::born(at, entropy),
        backup: backup.key.clone(),
        snapshot,
        at,
        by: scope.actor().clone(),
        chosen: proof.chosen,
        restored: proof.restored,
        bytes: proof.bytes,
        took_ms: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
        flaws,
    };
    let step = Step { scope, at };
    let decision = recovery::keep_drill(&drill, step).map_err(|rejected| anyhow::anyhow!("{rejected}"))?;
    ledger.apply(&decision).context("writing into the ledger")?;
    let notice = recovery::drill_notice(&drill);
    let over = notice.is_none().then(|| key_of(recovery::DRILL, &backup.key));
    tell(ledger, "drills", notice.as_slice(), over.as_slice())?;
    Ok(drill)
}

fn prove(
    restic: &Restic,
    sandbox: &Path,
    (files, seed): (usize, u64),
) -> Result<(Option<Snapshot>, Proof), ResticError> {
    let Some(newest) = restic.snapshots()?.pop() else {
        return Ok((None, Proof::default()));
    };
    let chosen = restic.choose_files(&newest.id, files, seed)?;
    let proof = restic.drill(&newest, &chosen, sandbox, seed)?;
    Ok((Some(newest), proof))
}

/// Looks at the age of all snapshots and does the drills that are due.
///
/// # Errors
/// When the ledger cannot be used.
pub(crate) fn look(ledger: &Ledger, data: &Path) -> Result<()> {
    let scope = Scope::of_post("drills");
    let backups: Vec<Backup> = ledger
        .all_kept(&scope, &NounFilter::default())
        .context("reading the ledger")?;
    for backup in &backups {
        let now = clock::now();
        let finding = match restic(backup).and_then(|restic| Ok(restic.snapshots()?)) {
            Ok(snapshots) => recovery::judge_snapshots(backup, &snapshots, now),
            Err(error) => {
                // Unknown is not good: who cannot list the snapshots has none to show.
                tracing::warn!(backup = backup.key, "the snapshots cannot be listed: {error:#}");
                Some(recovery::AgeFinding::Nothing)
            }
        };
        let notice = finding.map(|finding| recovery::snapshot_notice(backup, finding, now));
        let over = notice.is_none().then(|| key_of(recovery::BACKUP, &backup.key));
        tell(ledger, "backups", notice.as_slice(), over.as_slice())?;
        let passed = last(ledger, &scope, &backup.key)?
            .filter(Drill::passed)
            .map(|drill| drill.at);
        let tried = last(ledger, &scope, &backup.key)?.map(|drill| drill.at);
        // A drill that failed is tried again the next day, not the next hour.
        let rested = tried.is_none_or(|at| now.as_second() - at.as_second() > 86_400);
        if recovery::drills_due(backup, passed, now) && rested {
            run(ledger, data, backup, &scope, FILES)?;
        }
    }
    Ok(())
}

fn key_of(rule: &str, backup: &str) -> AlertKey {
    AlertKey {
        rule: rule.into(),
        entity: model::Entity {
            kind: model::EntityKind::Source,
            name: format!("backup/{backup}").into(),
        },
        exercise: false,
    }
}

/// Raises alerts for notices, and closes those that are over.
///
/// # Errors
/// When the ledger cannot be used.
pub(crate) fn tell(ledger: &Ledger, part: &str, notices: &[Notice], over: &[AlertKey]) -> Result<()> {
    let scope = Scope::of_post(part);
    let now = clock::now();
    let mut keys = operations::keys_of_notices(notices);
    keys.extend(over.iter().cloned());
    let contexts = ledger.alert_contexts(&scope, keys).context("reading the ledger")?;
    let silences = ledger.silences_in_force(&scope, now).context("reading the ledger")?;
    let known = Known {
        contexts: &contexts,
        silences: &silences,
    };
    let moment = Moment {
        now,
        entropy: clock::entropy()?,
    };
    let over: Vec<(AlertKey, &'static str)> = over.iter().map(|key| (key.clone(), recovery::OVER)).collect();
    let Some(decision) = operations::decide_notices((part, "notice"), notices, &over, known, moment) else {
        return Ok(());
    };
    commit(ledger, &decision).context("a notice was not committed")
}
