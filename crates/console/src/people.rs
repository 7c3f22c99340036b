//! Names of people for pages that hold only their ids.

use std::collections::HashMap;

use ledger::Person;
use model::{Actor, Id, User};

use crate::words::Words;

/// Everybody with an account, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    names: HashMap<Id<User>, String>,
}

impl People {
    pub(crate) fn new(people: &[Person]) -> Self {
        Self {
            names: people
                .iter()
                .map(|person| (person.id, person.display_name.clone()))
                .collect(),
        }
    }

    /// The displayed name; an account that is not known is named by its id.
    pub(crate) fn name(&self, id: Id<User>) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// Who acted: a person's displayed name, with the token of the program that acted for them, or the post and its part.
    pub(crate) fn actor(&self, words: Words, actor: &Actor) -> String {
        match actor {
            Actor::Person { user, login, token } => {
                let name = self.names.get(user).unwrap_or(login);
                token
                    .as_ref()
                    .map_or_else(|| name.clone(), |token| Words::person_by_program(name, token))
            }
            Actor::Post { part } => format!("{} ({part})", words.the_post()),
        }
    }
}
