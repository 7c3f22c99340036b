//! Committing a decision: state, entry and outbox in one transaction.

use std::borrow::Cow;

use model::{Actor, Change, Decision, SourceHealth};
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::{
    ApplyError, Head, Ledger,
    database::big,
    entry::{ChangeNote, NO_HASH, Sealed},
    nouns::{accounts, alerts, detections, kept, measurements, outbox, reports, settings, silences, sources},
};

/// What a committed decision became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its entry; absent for mere bookkeeping (sources counted, the pipeline advanced), which nobody decided.
    pub entry: Option<Head>,
    /// The revision of the ledger after it, as [`Ledger::subscribe`] tells it.
    pub revision: u64,
}

/// The transaction of one decision as the nouns see it.
pub(crate) struct Booking<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) decision: &'a Decision,
    /// The number that the decision's entry will have.
    pub(crate) number: u64,
}

impl Booking<'_> {
    /// Whether a person decided; then bodies before and after are kept in the entry.
    pub(crate) fn by_person(&self) -> bool {
        match self.decision.actor {
            Actor::Person { .. } => true,
            Actor::Post { .. } => false,
        }
    }
}

impl Ledger {
    /// Commits a decision whole, or nothing of it. When it returns, the decision is on the disk.
    ///
    /// # Errors
    /// [`ApplyError::Conflict`] when it was decided on something that changed since; the others when the store fails.
    pub fn apply(&self, decision: &Decision) -> Result<Applied, ApplyError> {
        self.apply_with(|_| Ok(Some(Cow::Borrowed(decision))))
    }

    /// Does some work and books the decision that follows from it, both or neither.
    pub(crate) fn apply_with<'a>(
        &self,
        work: impl FnOnce(&Connection) -> Result<Option<Cow<'a, Decision>>, ApplyError>,
    ) -> Result<Applied, ApplyError> {
        let mut writer = self.writer();
        let transaction = writer.begin()?;
        let decision = work(&transaction)?;
        let entry = match &decision {
            Some(decision) => book(&transaction, decision)?,
            None => None,
        };
        transaction.commit()?;
        if let Some(head) = &entry
            && let Err(error) = writer.head.write(head)
        {
            // The decision stands; an older head still protects all entries up to it.
            tracing::warn!(%error, entry = head.number, "the ledger's head file was not written");
        }
        let mut revision = 0;
        self.inner.revision.send_modify(|counter| {
            *counter += 1;
            revision = *counter;
        });
        Ok(Applied { entry, revision })
    }
}

fn book(connection: &Connection, decision: &Decision) -> Result<Option<Head>, ApplyError> {
    let last = last_head(connection)?;
    let booking = Booking {
        connection,
        decision,
        number: last.number + 1,
    };
    let mut notes = Vec::with_capacity(decision.changes.len().min(64));
    let mut kept = Vec::new();
    for change in &decision.changes {
        write_change(&booking, change, &mut notes, &mut kept)?;
    }
    notes.extend(detections::put_all(&booking, kept)?);
    outbox::put_all(&booking)?;
    if is_bookkeeping(decision) {
        return Ok(None);
    }
    write_entry(&booking, &notes, &last).map(Some)
}

fn write_change<'a>(
    booking: &Booking<'a>,
    change: &'a Change,
    notes: &mut Vec<ChangeNote>,
    kept: &mut Vec<detections::New<'a>>,
) -> Result<(), ApplyError> {
    let note = match change {
        Change::PutAlert { alert } => alerts::put(booking, alert)?,
        Change::AddDetection {
            alert,
            ordinal,
            detection,
            hidden_by,
        } => {
            kept.push(detections::New {
                alert: alert.to_string(),
                ordinal: *ordinal,
                detection,
                hidden_by: hidden_by.map(|silence| silence.to_string()),
            });
            return Ok(());
        }
        Change::PutSilence { silence } => silences::put(booking, silence)?,
        Change::PutUser { user } => accounts::put(booking, user)?,
        Change::CountSource {
            source,
            heard_at,
            account,
            problems,
        } => sources::count(booking, source, *heard_at, (account, problems))?,
        Change::PutSourceHealth { source, health } => sources::put_health(booking, source, health)?,
        Change::PutToken { token } => sources::put_token(booking, token)?,
        Change::PutSession { session } => accounts::put_session(booking, session)?,
        Change::PutSetupLink { link } => accounts::put_setup_link(booking, link)?,
        Change::UseSetupLink { digest } => accounts::use_setup_link(booking, digest)?,
        Change::PutSetting { name, value, revision } => settings::put(booking, name, value, *revision)?,
        Change::PutReport { report } => reports::put(booking, report)?,
        Change::PutNoun { noun } => kept::put(booking, noun)?,
        Change::AddMeasurements { measurements } => measurements::add(booking, measurements)?,
        Change::ForgetMeasurements { before } => measurements::forget(booking, *before)?,
        Change::ForgetDetections { before } => detections::forget(booking, *before)?,
        Change::AdvancePipeline { position } => settings::advance(booking, *position)?,
    };
    notes.push(note);
    Ok(())
}

/// Whether nobody decided anything: sources were counted, their rhythm learned, the pipeline advanced.
fn is_bookkeeping(decision: &Decision) -> bool {
    let by_post = match decision.actor {
        Actor::Person { .. } => false,
        Actor::Post { .. } => true,
    };
    by_post
        && !decision.changes.is_empty()
        && decision.effects.is_empty()
        && decision.changes.iter().all(|change| match change {
            Change::CountSource { .. } | Change::AdvancePipeline { .. } => true,
            Change::PutSourceHealth {
                health: SourceHealth { silent_since, .. },
                ..
            } => silent_since.is_none(),
            Change::PutAlert { .. }
            | Change::AddDetection { .. }
            | Change::PutSilence { .. }
            | Change::PutUser { .. }
            | Change::PutToken { .. }
            | Change::PutSession { .. }
            | Change::PutSetupLink { .. }
            | Change::UseSetupLink { .. }
            | Change::PutSetting { .. }
            | Change::PutReport { .. }
            | Change::PutNoun { .. }
            | Change::AddMeasurements { .. }
            | Change::ForgetMeasurements { .. }
            | Change::ForgetDetections { .. } => false,
        })
}

#[derive(Serialize)]
struct WrittenContent<'a> {
    changes: &'a [ChangeNote],
    effects: &'a [model::Effect],
}

fn write_entry(booking: &Booking<'_>, notes: &[ChangeNote], last: &Head) -> Result<Head, ApplyError> {
    let decision = booking.decision;
    let at = decision.at.to_string();
    let actor = serde_json::to_string(&decision.actor)?;
    let content = serde_json::to_string(&WrittenContent {
        changes: notes,
        effects: &decision.effects,
    })?;
    let hash = Sealed {
        number: booking.number,
        at: &at,
        actor: &actor,
        action: &decision.action,
        reason: decision.reason.as_deref(),
        content: &content,
        prev_hash: &last.hash,
    }
    .hash();
    booking
        .connection
        .prepare_cached(
            "INSERT INTO entry (number, at, actor, action, reason, content, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )?
        .execute(params![
            big(booking.number),
            at,
            actor,
            decision.action,
            decision.reason,
            content,
            last.hash,
            hash
        ])?;
    for subject in notes
        .iter()
        .filter(|note| note.after.is_some() || booking.by_person())
        .filter_map(|note| note.subject.as_ref())
    {
        booking
            .connection
            .prepare_cached(
                "INSERT INTO entry_subject (subject, number) VALUES ($1, $2) ON CONFLICT (subject, number) DO NOTHING",
            )?
            .execute(params![subject, big(booking.number)])?;
    }
    Ok(Head {
        number: booking.number,
        hash,
    })
}

/// The last entry, or number 0 before the first.
pub(crate) fn last_head(connection: &Connection) -> rusqlite::Result<Head> {
    let mut statement = connection.prepare_cached("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1")?;
    let mut rows = statement.query([])?;
    Ok(match rows.next()? {
        Some(row) => Head {
            number: crate::database::count(row.get(0)?),
            hash: row.get(1)?,
        },
        None => Head {
            number: 0,
            hash: NO_HASH.to_owned(),
        },
    })
}
