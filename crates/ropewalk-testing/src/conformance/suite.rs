//! [`Case`]: one promise, by name; and how a list of them is run.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ropewalk_core::Failure;

use super::runner::Runner;
use super::setup::Bench;

/// One promise, to be tried on a `B`. Its function's name is the sentence.
pub(crate) struct Case<B = Bench> {
    name: &'static str,
    run: Box<dyn Fn(B)>,
}

impl<B> Case<B> {
    /// The case of this function.
    pub(crate) fn of<F: Fn(B) + 'static>(run: F) -> Self {
        let path = std::any::type_name::<F>();
        Self { name: path.rsplit("::").next().unwrap_or(path), run: Box::new(run) }
    }
}

/// Runs all cases, each on a fresh bench.
///
/// # Panics
/// If some fail, with the names of those and what each said.
pub(crate) fn run_all<B: Deref<Target = Runner>>(
    suite: &str,
    cases: &[Case<B>],
    make: impl Fn() -> B,
) {
    let mut failed = Vec::new();
    let mut driver = "";
    for case in cases {
        let bench = make();
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
