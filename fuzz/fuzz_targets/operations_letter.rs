//! Any text as a letter: the wizard proposes, within its limits, and never fails.

#![no_main]

use operations::directives::{letter_number, propose, written_date};

libfuzzer_sys::fuzz_target!(|input: &str| {
    let proposal = propose(input);
    assert!(proposal.requirements.len() <= 200);
    for one in &proposal.requirements {
        let asked = &one.requirement;
        assert!(!asked.controls.is_empty() || asked.question.is_some());
    }
    let _ = letter_number(input);
    let _ = written_date(input);
});
