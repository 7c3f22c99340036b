//! Writing the catalogue: services and backups, and what drills proved.

use std::collections::{BTreeMap, BTreeSet};

use model::{Backup, Change, Decision, Drill, Permission, Phrase, Rejected, Scope, Service, ServiceLook, Timestamp};

use super::order::restore_order;
use crate::Step;

const KEY: Phrase = Phrase::new(
    "mã gồm chữ thường không dấu, số, gạch ngang; tối đa 64 ký tự",
    "a key has lower-case letters a to z, digits and hyphens, at most 64",
);
const NAME: Phrase = Phrase::new("hãy đặt tên", "it needs a name");
const LEVEL: Phrase = Phrase::new("cấp độ từ 1 đến 5", "levels go from 1 to 5");
const UNKNOWN: Phrase = Phrase::new(
    "cần một dịch vụ không có trong danh mục",
    "it needs a service that is not in the catalogue",
);
const CIRCLE: Phrase = Phrase::new(
    "các dịch vụ phụ thuộc vòng tròn",
    "services would need each other in a circle",
);
const MANY: Phrase = Phrase::new("quá nhiều", "there are too many");
const REPOSITORY: Phrase = Phrase::new(
    "hãy ghi kho sao lưu và tệp mật khẩu",
    "it needs a repository and a password file",
);

fn invalid<T>(field: &'static str, problem: Phrase) -> Result<T, Rejected> {
    Err(Rejected::Invalid { field, problem })
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&key.len()) && key.bytes().all(allowed)
}

/// Writes a service; its revision is one more than stands. `standing` are all services of the catalogue.
///
/// # Errors
/// When a field is wrong, it needs what is not there or itself in a circle, or the role does not allow it.
pub fn put_service(
    service: &Service,
    standing: &BTreeMap<String, Service>,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    if !is_key(&service.key) {
        return invalid("key", KEY);
    }
    if service.name.trim().is_empty() {
        return invalid("name", NAME);
    }
    if service.level.is_some_and(|level| !(1..=5).contains(&level)) {
        return invalid("level", LEVEL);
    }
    let too_many = service.needs.len() > Service::NEEDS_MAX || service.probes.len() > Service::PROBES_MAX;
    if too_many || standing.len() >= Service::SERVICES_MAX {
        return invalid("needs", MANY);
    }
    let mut after = standing.clone();
    after.insert(service.key.clone(), service.clone());
    if service.needs.iter().any(|need| !after.contains_key(need)) {
        return invalid("needs", UNKNOWN);
    }
    if restore_order(&after, &BTreeSet::from([service.key.clone()])).is_err() {
        return invalid("needs", CIRCLE);
    }
    Ok(step.decides("service.put", None, vec![Change::put(service)]))
}

/// Writes a backup; its revision is one more than stands.
///
/// # Errors
/// When a field is wrong, or the role does not allow it.
pub fn put_backup(backup: &Backup, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    if !is_key(&backup.key) {
        return invalid("key", KEY);
    }
    if backup.repository.trim().is_empty() || backup.password_file.trim().is_empty() {
        return invalid("repository", REPOSITORY);
    }
    Ok(step.decides("backup.put", None, vec![Change::put(backup)]))
}

/// Keeps what a drill proved.
///
/// # Errors
/// When the role does not allow it.
pub fn keep_drill(drill: &Drill, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let action = if drill.passed() { "drill.pass" } else { "drill.fail" };
    Ok(step.decides(
        action,
        drill.flaws.first().map(String::as_str),
        vec![Change::put(drill)],
    ))
}

/// Minutes after which a look is written although nothing changed.
const WRITE_AGAIN_MINUTES: i64 = 10;

/// Keeps what was seen of services (`fails` by key, as [`ServiceLook`] has it), as far as it changed or its last writing is old.
/// None when there is nothing to write.
#[must_use]
pub fn keep_looks(
    seen: &BTreeMap<String, Option<String>>,
    standing: &BTreeMap<String, ServiceLook>,
    at: Timestamp,
) -> Option<Decision> {
    let mut changes = Vec::new();
    for (service, fails) in seen {
        let before = standing.get(service);
        let same = before.filter(|look| look.fails.is_some() == fails.is_some());
        let old = |look: &ServiceLook| at.as_second() - look.looked_at.as_second() >= WRITE_AGAIN_MINUTES * 60;
        if same.is_some_and(|look| !old(look)) {
            continue;
        }
        changes.push(Change::put(&ServiceLook {
            service: service.clone(),
            fails: fails.clone(),
            since: same.map_or(at, |look| look.since),
            looked_at: at,
            revision: before.map_or(1, |look| look.revision + 1),
        }));
    }
    let scope = Scope::of_post("probes");
    let step = Step { scope: &scope, at };
    (!changes.is_empty()).then(|| step.decides("service.look", None, changes))
}
