//! Any bytes as a response playbook; what is accepted must run to an end when every order succeeds.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(playbook) = cacao::Playbook::read(bytes) else {
        return;
    };
    let Ok(mut run) = cacao::Run::start(&playbook, &[], 0) else {
        return;
    };
    for round in 0..50 {
        let now_ms = i64::MAX / 100 * round;
        let orders: Vec<_> = run
            .proceed(&playbook, now_ms)
            .iter()
            .map(|order| order.execution)
            .collect();
        for execution in orders {
            let _ = run.finish(
                &playbook,
                execution,
                cacao::Outcome::Succeeded {
                    results: BTreeMap::new(),
                },
                now_ms,
            );
        }
    }
});
