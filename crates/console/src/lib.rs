//! The console: pages, JSON API and permissions over the ledger and the lake. Every route is a line of one table and
//! has its permission there; nothing here decides, and nothing is read but through a `Scope`.

mod addresses;
mod answering;
mod api;
mod assets;
mod bearer;
mod clocks;
mod desk;
mod form;
mod frame;
mod guard;
mod hunts;
mod incidents;
mod live;
mod machines;
mod marks;
mod moments;
mod on_duty;
mod pages;
mod people;
mod rates;
mod rosters;
mod routes;
mod rules;
mod saved_hunts;
mod secrets;
mod session;
mod silencing;
mod staffing;
mod state;
mod text;
mod toast;
mod tone_marks;
mod trial;
mod trouble;
mod upload;
mod words;
mod work;

pub use answering::{Answered, answer};
pub use incidents::{FollowError, follow_alerts};
pub use rosters::{Rosters, lapses_at, zone_named};
pub use routes::{RouteInfo, router, routes};
pub use rules::{RefusedRule, RuleBook, RuleCatalog, RuleListing};
pub use secrets::hash_password;
pub use staffing::Staffing;
pub use state::{Clock, ConsoleConfig, ConsoleState, Door, Health, Intake, LetterFiles, Randomness, Reach, Responding};
