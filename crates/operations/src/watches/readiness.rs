//! Measuring readiness: plans that were rehearsed, how fast incidents were contained, what is in force at devices, drills of backups,
//! services within their recovery time.

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{Action, Timestamp};

use super::measure::{Found, float_of};

/// How far back containment is looked at, in days.
pub const CONTAINED_DAYS: i64 = 90;
/// After so many days a plan is to be rehearsed again.
pub const REHEARSED_DAYS: i64 = 365;

/// What the post knows about its readiness.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    /// The response plans, each with when it was last run or rehearsed to its end.
    pub plans: Vec<(CompactString, Option<Timestamp>)>,
    /// The real incidents detected in the last [`CONTAINED_DAYS`]: when, and when they were contained.
    pub incidents: Vec<(CompactString, Timestamp, Option<Timestamp>)>,
    /// What is or may be in force at devices.
    pub actions: Vec<Action>,
    /// The backups: when a drill last passed, and every how many days one is due.
    pub drills: Vec<(CompactString, Option<Timestamp>, u32)>,
    /// The services with a recovery time.
    pub services: Vec<ServiceStands>,
}

/// How a service with a recovery time stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStands {
    /// Its key.
    pub key: CompactString,
    /// Within how many minutes it must work again.
    pub rto_minutes: u32,
    /// Since when it is down.
    pub down_since: Option<Timestamp>,
    /// Whether it was looked at lately.
    pub looked_at: bool,
}

impl Readiness {
    pub(super) fn plans_rehearsed(&self, now: Timestamp) -> Found {
        let query = format!("response plans that were not run or rehearsed to their end in {REHEARSED_DAYS} days");
        if self.plans.is_empty() {
            return Found::unknown(&query, "chưa có kế hoạch nào / there is no plan");
        }
        let old = |at: &Timestamp| now.duration_since(*at) > SignedDuration::from_hours(24 * REHEARSED_DAYS);
        let failed = self.plans.iter().filter(|(_, last)| last.as_ref().is_none_or(old));
        let failed = failed.map(|(name, _)| format!("plan/{name}").into()).collect();
        Found::failing(query, self.plans.len(), failed)
    }

    /// Nine tenths of the times to contain; an incident that is not contained counts with the time it has waited.
    pub(super) fn contain_time(&self, limit: SignedDuration, now: Timestamp) -> Found {
        let query = format!(
            "90th percentile of seconds from detection to containment, real incidents of {CONTAINED_DAYS} days"
        );
        let mut times: Vec<(i64, CompactString)> = self
            .incidents
            .iter()
            .map(|(number, detected, contained)| {
                let until = contained.unwrap_or(now);
                let seconds = until.duration_since(*detected).as_secs().max(0);
                (seconds, format!("incident/{number}").into())
            })
            .collect();
        times.sort();
        let rank = (times.len() * 9).div_ceil(10).saturating_sub(1);
        let value = times.get(rank).map_or(0, |(seconds, _)| *seconds);
        let late = times.iter().filter(|(seconds, _)| *seconds > limit.as_secs());
        Found {
            value: Some(float_of(value)),
            window: SignedDuration::from_hours(24 * CONTAINED_DAYS),
            note: times
                .is_empty()
                .then(|| "không có sự cố thật nào / there was no real incident".to_owned()),
            ..Found::failing(query, times.len(), late.map(|(_, name)| name.clone()).collect())
        }
    }

    /// Actions in force that nobody would notice: without an end, without their effect, without the review they owe.
    pub(super) fn actions_watched(&self) -> Found {
        let failed = |action: &&Action| {
            action.expires_at.is_none()
                || action.owes_review()
                || action.proof.as_ref().is_none_or(|proof| proof.holds != Some(true))
        };
        let named = |action: &Action| format!("action/{}", action.id).into();
        let failed = self.actions.iter().filter(failed).map(named).collect();
        let query = "actions in force without an end, without a proven effect, or with a review owed";
        Found::failing(query, self.actions.len(), failed)
    }

    pub(super) fn drills_passed(&self, now: Timestamp) -> Found {
        let query = "backups without a restore drill that passed within the days it is due";
        if self.drills.is_empty() {
            return Found::unknown(query, "chưa khai bản sao lưu nào / no backup is named");
        }
        let failed = self.drills.iter().filter(|(_, passed, days)| {
            passed.is_none_or(|at| now.duration_since(at) > SignedDuration::from_hours(24 * i64::from(*days)))
        });
        let failed = failed.map(|(key, _, _)| format!("backup/{key}").into()).collect();
        Found::failing(query, self.drills.len(), failed)
    }

    pub(super) fn within_rto(&self, now: Timestamp) -> Found {
        let query = "services with a recovery time that are down for longer, or that nobody looks at";
        if self.services.is_empty() {
            return Found::unknown(query, "chưa có dịch vụ nào có RTO / no service has a recovery time");
        }
        let over = |service: &&ServiceStands| {
            let late = |since: Timestamp| {
                now.duration_since(since) > SignedDuration::from_mins(i64::from(service.rto_minutes))
            };
            !service.looked_at || service.down_since.is_some_and(late)
        };
        let named = |service: &ServiceStands| format!("service/{}", service.key).into();
        let failed = self.services.iter().filter(over).map(named).collect();
        Found::failing(query, self.services.len(), failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn service(key: &str, rto_minutes: u32, down_since: Option<&str>, looked_at: bool) -> ServiceStands {
        ServiceStands {
            key: key.into(),
            rto_minutes,
            down_since: down_since.map(at),
            looked_at,
        }
    }

    #[test]
    fn what_is_old_down_or_not_looked_at_falls_short() {
        let now = at("2026-11-25T00:00:00Z");
        let readiness = Readiness {
            plans: vec![
                ("phishing".into(), Some(at("2026-10-01T00:00:00Z"))),
                ("data-leak".into(), Some(at("2025-10-01T00:00:00Z"))),
                ("denial-of-service".into(), None),
            ],
            incidents: vec![
                (
                    "SC-2026-0001".into(),
                    at("2026-11-20T00:00:00Z"),
                    Some(at("2026-11-20T02:00:00Z")),
                ),
                ("SC-2026-0002".into(), at("2026-11-24T00:00:00Z"), None),
            ],
            actions: Vec::new(),
            drills: vec![
                ("files".into(), Some(at("2026-11-20T00:00:00Z")), 30),
                ("db".into(), Some(at("2026-09-20T00:00:00Z")), 30),
            ],
            services: vec![
                service("portal", 60, Some("2026-11-24T22:00:00Z"), true),
                service("mail", 240, Some("2026-11-24T22:00:00Z"), true),
                service("dns", 240, None, false),
            ],
        };
        let limit = SignedDuration::from_hours(4);
        let cases = [
            (
                readiness.plans_rehearsed(now),
                2.0,
                vec!["plan/data-leak", "plan/denial-of-service"],
            ),
            (
                readiness.contain_time(limit, now),
                86_400.0,
                vec!["incident/SC-2026-0002"],
            ),
            (readiness.actions_watched(), 0.0, vec![]),
            (readiness.drills_passed(now), 1.0, vec!["backup/db"]),
            (readiness.within_rto(now), 2.0, vec!["service/portal", "service/dns"]),
        ];
        for (found, value, failed) in cases {
            assert_eq!(
                (found.value, found.failed),
                (Some(value), failed.into_iter().map(Into::into).collect())
            );
        }
        let nothing = Readiness::default();
        for unknown in [
            nothing.plans_rehearsed(now),
            nothing.drills_passed(now),
            nothing.within_rto(now),
        ] {
            assert_eq!(unknown.value, None, "nothing known is not good");
        }
    }
}
