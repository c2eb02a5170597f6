//! The benches by name: what each measures, and how it is run and shown.

use std::io;

use crate::figures::Section;
use crate::table::Table;
use crate::turns::Plan;
use crate::{chat, connect, echo, http, idle, latency, micro, names, workers};

/// One bench.
pub struct Bench {
    /// What one types.
    pub name: &'static str,
    /// What it measures, in one line.
    pub about: &'static str,
    /// Runs it.
    pub measure: fn(&Plan) -> io::Result<Section>,
    /// Shows what it found.
    pub table: fn(&Section) -> Table,
}

/// All of them, in the order of the page.
pub const BENCHES: &[Bench] = &[
    Bench {
        name: "echo",
        about: "rate and server CPU per message, as fast as it goes",
        measure: |plan| Ok(echo::measure(plan)),
        table: echo::table,
    },
    Bench {
        name: "latency",
        about: "p50, p99 and p99.9 at fixed rates, from when a message was due",
        measure: |plan| Ok(latency::measure(plan)),
        table: latency::table,
    },
    Bench {
        name: "connect",
        about: "connections per second and server CPU per connection",
        measure: |plan| Ok(connect::measure(plan)),
        table: connect::table,
    },
    Bench {
        name: "idle",
        about: "server memory per idle connection",
        measure: idle::measure,
        table: idle::table,
    },
    Bench {
        name: "workers",
        about: "what a second worker brings",
        measure: |plan| Ok(workers::measure(plan)),
        table: workers::table,
    },
    Bench {
        name: "http",
        about: "rate and server CPU per request of HTTP, and memory while one waits",
        measure: http::measure,
        table: http::table,
    },
    Bench {
        name: "chat",
        about: "a line to the last of many browsers that wait, and what one that waits holds",
        measure: chat::measure,
        table: chat::table,
    },
    Bench {
        name: "dns",
        about: "reverse lookups by the million, and servers of names",
        measure: names::measure,
        table: names::table,
    },
    Bench {
        name: "micro",
        about: "single operations of the heart, by criterion",
        measure: |_| micro::measure(),
        table: micro::table,
    },
];

/// The bench of that name.
///
/// # Errors
///
/// A sentence that lists the names.
pub fn named(name: &str) -> Result<&'static Bench, String> {
    let found = BENCHES.iter().find(|bench| bench.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        format!("no bench is called {name}: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_bench_is_told_the_names() {
        assert_eq!(named("idle").map(|bench| bench.name), Ok("idle"));
        let error = named("speed").err();
        let names = "no bench is called speed: echo, latency, connect, idle, workers, http, chat, dns, micro";
        assert_eq!(error.as_deref(), Some(names));
    }
}
