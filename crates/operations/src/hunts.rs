//! Saved hunts: keeping a question, sharing it, dropping it.

use model::{Actor, Change, Decision, Entropy, Id, Permission, Phrase, Rejected, SavedHunt, Scope, Timestamp};

/// A hunt about to be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it is to be called.
    pub title: String,
    /// The search line, or the question in SQL.
    pub text: String,
    /// Whether `text` is SQL.
    pub sql: bool,
    /// How far back it looks.
    pub range: String,
    /// The columns of its table.
    pub columns: Vec<String>,
    /// Whether everybody who hunts is to see it.
    pub shared: bool,
}

/// Saves a hunt.
///
/// # Errors
/// The role may not, the title is missing, or something is too long.
pub fn save(scope: &Scope, draft: Draft, at: Timestamp, entropy: Entropy) -> Result<(SavedHunt, Decision), Rejected> {
    let Actor::Person { user, login, .. } = scope.actor() else {
        return Err(Rejected::NotAllowed);
    };
    if !scope.allows(Permission::WriteHunts) {
        return Err(Rejected::NotAllowed);
    }
    let title = draft.title.trim().to_owned();
    if title.is_empty() {
        return Err(wrong("title", Phrase::new("hãy đặt tên", "give it a title")));
    }
    let too_long = Phrase::new("quá dài", "too long");
    if title.len() > SavedHunt::TITLE_BYTES_MAX {
        return Err(wrong("title", too_long));
    }
    if draft.text.len() > SavedHunt::TEXT_BYTES_MAX || draft.range.len() > SavedHunt::TITLE_BYTES_MAX {
        return Err(wrong("text", too_long));
    }
    if draft.columns.len() > SavedHunt::COLUMNS_MAX
        || draft.columns.iter().any(|name| name.len() > SavedHunt::TITLE_BYTES_MAX)
    {
        return Err(wrong("columns", Phrase::new("quá nhiều cột", "too many columns")));
    }
    let hunt = SavedHunt {
        id: Id::born(at, entropy),
        title,
        text: draft.text,
        sql: draft.sql,
        range: draft.range,
        columns: draft.columns,
        owner: *user,
        owner_login: login.clone(),
        shared: draft.shared,
        dropped: false,
        created_at: at,
        revision: 1,
    };
    let decision = decision(scope, at, "hunt.save", &hunt);
    Ok((hunt, decision))
}

/// Shows a hunt to everybody who hunts, or to its owner only.
///
/// # Errors
/// It is somebody else's, or already so.
pub fn share(scope: &Scope, hunt: &SavedHunt, shared: bool, at: Timestamp) -> Result<Decision, Rejected> {
    may_change(scope, hunt)?;
    if hunt.shared == shared {
        return Err(Rejected::AlreadySo);
    }
    let next = SavedHunt {
        shared,
        revision: hunt.revision + 1,
        ..hunt.clone()
    };
    Ok(decision(scope, at, "hunt.share", &next))
}

/// Drops a hunt; the duty book keeps it.
///
/// # Errors
/// It is somebody else's, or already dropped.
pub fn drop(scope: &Scope, hunt: &SavedHunt, at: Timestamp) -> Result<Decision, Rejected> {
    may_change(scope, hunt)?;
    let next = SavedHunt {
        dropped: true,
        revision: hunt.revision + 1,
        ..hunt.clone()
    };
    Ok(decision(scope, at, "hunt.drop", &next))
}

/// A hunt is its owner's; what somebody shared, a shift lead may put away too.
fn may_change(scope: &Scope, hunt: &SavedHunt) -> Result<(), Rejected> {
    if hunt.dropped {
        return Err(Rejected::AlreadySo);
    }
    let own = matches!(scope.actor(), Actor::Person { user, .. } if *user == hunt.owner);
    let leads = hunt.shared && scope.allows(Permission::WriteSilences);
    if scope.allows(Permission::WriteHunts) && (own || leads) {
        Ok(())
    } else {
        Err(Rejected::NotAllowed)
    }
}

fn wrong(field: &'static str, problem: Phrase) -> Rejected {
    Rejected::Invalid { field, problem }
}

fn decision(scope: &Scope, at: Timestamp, action: &str, hunt: &SavedHunt) -> Decision {
    Decision {
        at,
        actor: scope.actor().clone(),
        action: action.to_owned(),
        reason: None,
        changes: vec![Change::put(hunt)],
        effects: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, User};

    use super::*;

    fn scope(role: Role, number: u128) -> Scope {
        Scope::of_session(&User {
            id: Id::from_bits(number),
            login: format!("u{number}"),
            display_name: String::new(),
            role,
            password_hash: String::new(),
            language: "vi".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            enabled: true,
            revision: 1,
        })
    }

    fn saved(by: &Scope, shared: bool) -> SavedHunt {
        let draft = Draft {
            title: " Đêm qua ".to_owned(),
            text: "user:an*".to_owned(),
            shared,
            ..Draft::default()
        };
        save(by, draft, Timestamp::UNIX_EPOCH, Entropy([7; 16])).unwrap().0
    }

    #[test]
    fn who_may_save_share_and_drop() {
        let officer = scope(Role::DutyOfficer, 1);
        let hunt = saved(&officer, false);
        assert_eq!((hunt.title.as_str(), hunt.owner_login.as_str()), ("Đêm qua", "u1"));
        assert!(hunt.is_for(Id::from_bits(1)) && !hunt.is_for(Id::from_bits(2)));
        let at = Timestamp::UNIX_EPOCH;
        for (role, number, shared, may) in [
            (Role::DutyOfficer, 1, false, true),
            (Role::DutyOfficer, 2, true, false),
            (Role::ShiftLead, 2, true, true),
            (Role::ShiftLead, 2, false, false),
            (Role::Auditor, 1, true, false),
        ] {
            let hunt = saved(&officer, shared);
            let by = scope(role, number);
            assert_eq!(share(&by, &hunt, !shared, at).is_ok(), may, "{role:?} {number}");
            assert_eq!(drop(&by, &hunt, at).is_ok(), may, "{role:?} {number}");
        }
        assert_eq!(share(&officer, &hunt, false, at), Err(Rejected::AlreadySo));
    }

    #[test]
    fn what_is_too_long_or_nameless_is_refused() {
        let officer = scope(Role::DutyOfficer, 1);
        for draft in [
            Draft::default(),
            Draft {
                title: "x".repeat(200),
                ..Draft::default()
            },
            Draft {
                title: "x".to_owned(),
                text: "x".repeat(9000),
                ..Draft::default()
            },
            Draft {
                title: "x".to_owned(),
                columns: vec![String::new(); 50],
                ..Draft::default()
            },
        ] {
            let refused = save(&officer, draft, Timestamp::UNIX_EPOCH, Entropy([7; 16]));
            assert!(matches!(refused, Err(Rejected::Invalid { .. })));
        }
        let auditor = scope(Role::Auditor, 1);
        let refused = save(&auditor, Draft::default(), Timestamp::UNIX_EPOCH, Entropy([7; 16]));
        assert_eq!(refused.map(|_| ()), Err(Rejected::NotAllowed));
    }
}
