//! What part of the queue somebody looks at, as it stands in the address.

use ledger::{AlertFilter, AlertOrder, Assignee, StateKind};
use model::{Id, RuleLevel, User};

use crate::addresses;

/// Which states are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StateFilter {
    /// New and acknowledged.
    #[default]
    Open,
    New,
    Acknowledged,
    Closed,
}

impl StateFilter {
    pub(crate) const ALL: [StateFilter; 4] = [Self::Open, Self::New, Self::Acknowledged, Self::Closed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }
}

/// Whether rehearsals are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ExerciseFilter {
    /// Both; every row says what it is.
    #[default]
    Both,
    Real,
    Exercise,
}

impl ExerciseFilter {
    pub(crate) const ALL: [ExerciseFilter; 3] = [Self::Both, Self::Real, Self::Exercise];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Both => "",
            Self::Real => "real",
            Self::Exercise => "exercise",
        }
    }
}

/// The whole filter. Parts that an address gives wrongly count as not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueFilter {
    pub(crate) state: StateFilter,
    pub(crate) level: Option<RuleLevel>,
    pub(crate) mine: bool,
    pub(crate) exercise: ExerciseFilter,
    pub(crate) rule: String,
    pub(crate) search: String,
    /// The ledger's cursor of the page; empty for the first.
    pub(crate) after: String,
}

impl QueueFilter {
    /// Rows on one page.
    pub(crate) const ROWS_MAX: usize = 100;
    /// Longest search in characters; the rest is ignored.
    pub(crate) const SEARCH_CHARACTERS_MAX: usize = 200;

    /// Reads the query of an address.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "state" => {
                    filter.state = StateFilter::ALL
                        .into_iter()
                        .find(|s| s.as_str() == value)
                        .unwrap_or_default();
                }
                "level" => filter.level = RuleLevel::ALL.into_iter().find(|level| level.as_str() == value),
                "mine" => filter.mine = value == "1",
                "exercise" => {
                    filter.exercise = ExerciseFilter::ALL
                        .into_iter()
                        .find(|e| e.as_str() == value)
                        .unwrap_or_default();
                }
                "rule" => filter.rule = value.into_owned(),
                "q" => filter.search = value.chars().take(Self::SEARCH_CHARACTERS_MAX).collect(),
                "after" => filter.after = value.into_owned(),
                _ => {}
            }
        }
        filter
    }

    /// The address of the queue under this filter.
    pub(crate) fn address(&self) -> String {
        let query = addresses::query(&[
            ("state", self.state.as_str()),
            ("level", self.level.map_or("", RuleLevel::as_str)),
            ("mine", if self.mine { "1" } else { "" }),
            ("exercise", self.exercise.as_str()),
            ("rule", &self.rule),
            ("q", &self.search),
            ("after", &self.after),
        ]);
        format!("/queue{query}")
    }

    /// Whether it hides anything that is open.
    pub(crate) fn narrows(&self) -> bool {
        let whole = Self {
            after: self.after.clone(),
            ..Self::default()
        };
        *self != whole
    }

    /// What the ledger is asked for.
    pub(crate) fn wanted(&self, reader: Id<User>) -> AlertFilter {
        AlertFilter {
            states: match self.state {
                StateFilter::Open => Vec::new(),
                StateFilter::New => vec![StateKind::New],
                StateFilter::Acknowledged => vec![StateKind::Acknowledged],
                StateFilter::Closed => vec![StateKind::Closed],
            },
            levels: RuleLevel::ALL
                .into_iter()
                .filter(|level| self.level.is_some_and(|least| *level >= least))
                .collect(),
            assignee: self.mine.then_some(Assignee::Person(reader)),
            exercise: match self.exercise {
                ExerciseFilter::Both => None,
                ExerciseFilter::Real => Some(false),
                ExerciseFilter::Exercise => Some(true),
            },
            rule: (!self.rule.is_empty()).then(|| self.rule.as_str().into()),
            text: self.search.clone(),
            order: match self.state {
                StateFilter::Open | StateFilter::New | StateFilter::Acknowledged => AlertOrder::Urgency,
                StateFilter::Closed => AlertOrder::LastSeen,
            },
            ..AlertFilter::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_its_address() {
        for address in [
            "/queue",
            "/queue?state=closed&level=high&mine=1&exercise=real&rule=a%20b&q=l%E1%BB%ABa&after=12_ab",
        ] {
            let query = address.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(QueueFilter::of_query(query).address(), address);
        }
    }

    #[test]
    fn what_is_wrong_in_an_address_counts_as_not_given() {
        let filter = QueueFilter::of_query("state=x&level=y&exercise=%ff&unknown=1");
        assert_eq!(filter, QueueFilter::default());
    }
}
