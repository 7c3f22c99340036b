//! OASIS CACAO 2.0 response playbooks: read strictly, check whole before anything runs, and step through without doing
//! anything oneself. Useful alone: it knows no product, reads no clock and touches nothing outside.
//!
//! What is not understood is refused with its place, never skipped: an unknown step type, property or command, a
//! variable nobody defines, a step that nothing reaches, a path that reaches no end, a loop outside `while-condition`.
//!
//! ```
//! # fn main() -> Result<(), cacao::Refused> {
//! let text = include_bytes!("../testdata/block-address.json");
//! let playbook = cacao::Playbook::read(text)?;
//! let mut run = cacao::Run::start(&playbook, &[("__address__", "203.0.113.9")], 0).expect("the address is given");
//! let orders = run.proceed(&playbook, 0);
//! assert_eq!(orders.len(), 1);
//! # Ok(())
//! # }
//! ```

mod check;
mod command;
mod condition;
mod flaw;
mod identifier;
mod json;
mod playbook;
mod policy;
mod read;
mod run;
mod step;
mod variable;

pub use check::check_library;
pub use command::{Command, CommandKind};
pub use condition::{Condition, ConditionError};
pub use flaw::{Flaw, FlawKind, Refused};
pub use identifier::Identifier;
pub use playbook::{Definition, Playbook};
pub use policy::{Approval, OnTimeout, POLICY_EXTENSION, Phase, PostCondition, StepPolicy, Undo};
pub use run::{
    Execution, ExecutionId, ExecutionState, FinishError, Order, OrderKind, Outcome, Run, RunState, StartError,
};
pub use step::{Next, Step, StepKind};
pub use variable::{Variable, VariableKind, Variables};

/// Largest playbook that is read, in bytes.
pub const PLAYBOOK_BYTES_MAX: usize = 1 << 20;
/// Most steps of one playbook.
pub const STEPS_MAX: usize = 1_000;
/// Most variables in one dictionary.
pub const VARIABLES_MAX: usize = 1_000;
/// Most commands of one step.
pub const COMMANDS_MAX: usize = 100;
/// Deepest nesting of branches within branches.
pub const BRANCH_DEPTH_MAX: usize = 32;
/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 4_096;
/// Longest value of a variable, in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 16;
/// Most rounds of one `while-condition` step before it counts as failed.
pub const ROUNDS_MAX: u32 = 1_000;
/// Most executions of steps in one run before it counts as failed.
pub const EXECUTIONS_MAX: usize = 20_000;
/// Most flaws that are told of one playbook.
pub const FLAWS_MAX: usize = 100;
