//! [`Report`]: what one run of the load found; [`Gauge`] takes it.

use std::collections::BTreeMap;
use std::io;
use std::process;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cpu::{self, CpuTime};
use crate::latencies::Latencies;

/// One run of the load against one server. What is counted are round trips, or connections made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many were counted.
    pub messages: u64,
    /// How many there should have been: more than `messages` if the server did not keep up with a fixed rate.
    pub asked: u64,
    /// How long the run took.
    pub seconds: f64,
    /// Median time, in microseconds.
    pub p50_micros: f64,
    /// The time that one in a hundred exceeds.
    pub p99_micros: f64,
    /// The time that one in a thousand exceeds.
    pub p999_micros: f64,
    /// The server's processor time, in nanoseconds.
    pub cpu_nanos: u64,
    /// That of its busiest thread.
    pub busiest_nanos: u64,
    /// How long the server was ready to run and other processes had its core.
    pub waited_nanos: u64,
    /// The same of the load.
    pub load_waited_nanos: u64,
    /// The server's time in user space, sampled (see [`cpu`]).
    pub user_ticks: u64,
    /// The server's time in the kernel, sampled.
    pub system_ticks: u64,
}

impl Report {
    /// Counted per second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Processor time of the server for each one counted, in microseconds.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu_nanos as f64 / 1e3 / self.messages.max(1) as f64
    }

    /// The rate at which the server's busiest thread would have no time left.
    pub fn cpu_bound_rate(&self) -> f64 {
        self.messages as f64 * 1e9 / self.busiest_nanos.max(1) as f64
    }

    /// The part of the run in which other processes kept one of the two ends from running.
    pub fn disturbed(&self) -> f64 {
        (self.waited_nanos + self.load_waited_nanos) as f64 / 1e9 / self.seconds
    }

    /// The part of what was asked that was answered before the end.
    pub fn answered(&self) -> f64 {
        self.messages as f64 / self.asked.max(1) as f64
    }
}

/// A measurement that has begun.
#[derive(Debug)]
pub struct Gauge {
    server_pid: u32,
    began: Instant,
    server: CpuTime,
    load: CpuTime,
    threads: BTreeMap<u32, Duration>,
}

impl Gauge {
    /// Begins to measure the process `server_pid`, and our own.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn begin(server_pid: u32) -> io::Result<Self> {
        let began = Instant::now();
        let threads = cpu::threads(server_pid)?;
        let (server, load) = (CpuTime::of(server_pid)?, CpuTime::of(process::id())?);
        Ok(Self { server_pid, began, server, load, threads })
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Ends it. All that `latencies` holds was counted since it began.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub fn end(self, latencies: &Latencies) -> io::Result<Report> {
        let server = CpuTime::of(self.server_pid)? - self.server;
        let load = CpuTime::of(process::id())? - self.load;
        let used = cpu::threads(self.server_pid)?.into_iter().map(|(thread, now)| {
            now.saturating_sub(self.threads.get(&thread).copied().unwrap_or_default())
        });
        let micros = |share| latencies.quantile(share).as_nanos() as f64 / 1e3;
        Ok(Report {
            messages: latencies.count(),
            asked: latencies.count(),
            seconds: self.began.elapsed().as_secs_f64(),
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
            p999_micros: micros(0.999),
            cpu_nanos: nanos(server.total),
            busiest_nanos: nanos(used.max().unwrap_or_default()),
            waited_nanos: nanos(server.waited),
            load_waited_nanos: nanos(load.waited),
            user_ticks: server.user_ticks,
            system_ticks: server.system_ticks,
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_message_and_per_second() {
        let report = Report {
            messages: 10,
            asked: 20,
            seconds: 0.5,
            cpu_nanos: 30_000,
            busiest_nanos: 20_000,
            waited_nanos: 1_000_000,
            load_waited_nanos: 4_000_000,
            ..Report::default()
        };
        assert_eq!((report.rate(), report.cpu_micros(), report.disturbed()), (20.0, 3.0, 0.01));
        assert_eq!((report.cpu_bound_rate(), report.answered()), (500_000.0, 0.5));
    }

    #[test]
    fn what_was_counted_is_reported_with_its_quantiles() {
        let mut latencies = Latencies::new();
        (0..1000).for_each(|_| latencies.record(Duration::from_nanos(1024)));
        let gauge = Gauge::begin(process::id()).expect("we exist");
        let report = gauge.end(&latencies).expect("we still do");
        assert_eq!((report.messages, report.asked), (1000, 1000));
        assert_eq!((report.p50_micros, report.p999_micros), (1.024, 1.024));
    }
}
