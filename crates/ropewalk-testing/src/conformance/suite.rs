//! [`Case`]: one promise, by name; and how a list of them is run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ropewalk_core::Failure;

use super::setup::{Bench, Setup};

/// One promise. Its function's name is the sentence.
pub(crate) struct Case {
    name: &'static str,
    run: Box<dyn Fn(Bench)>,
}

impl Case {
    /// The case of this function.
    pub(crate) fn of<F: Fn(Bench) + 'static>(run: F) -> Self {
        let path = std::any::type_name::<F>();
        Self { name: path.rsplit("::").next().unwrap_or(path), run: Box::new(run) }
    }
}

/// Runs all cases, each on a fresh setup.
///
/// # Panics
/// If some fail, with the names of those and what each said.
pub(crate) fn run_all(suite: &str, cases: &[Case], make: &dyn Fn() -> Setup) {
    let mut failed = Vec::new();
    let mut driver = "";
    for case in cases {
        let bench = Bench::new(make());
        driver = bench.reactor().driver().name();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (case.run)(bench))) {
            failed.push(format!("  {}: {}", case.name, Failure::from_panic(&*panic)));
        }
    }
    assert!(
        failed.is_empty(),
        "{suite} over {driver}: {} of {} cases failed:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

/// A panic that is part of a case: nothing is printed.
pub(crate) fn quiet_panic() -> ! {
    std::panic::resume_unwind(Box::new("this panic is part of the case"))
}
