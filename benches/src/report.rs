//! [`Report`]: what one run of the load found, and its form as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cpu::CpuTime;
use crate::latencies::Latencies;

/// One run of the load against one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Round trips.
    pub messages: u64,
    /// How long the run took.
    pub seconds: f64,
    /// Median round trip, in microseconds.
    pub p50_micros: f64,
    /// The round trip that one in a hundred exceeds, in microseconds.
    pub p99_micros: f64,
    /// What the run cost the server.
    pub cpu: CpuTime,
    /// How long the load, too, was ready to run and could not.
    pub load_waited: Duration,
}

impl Report {
    /// Puts a run together.
    pub fn new(latencies: &Latencies, elapsed: Duration, cpu: CpuTime, load: CpuTime) -> Self {
        let micros = |share| latencies.quantile(share).as_nanos() as f64 / 1e3;
        Self {
            messages: latencies.count(),
            seconds: elapsed.as_secs_f64(),
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
            cpu,
            load_waited: load.waited,
        }
    }

    /// Messages per second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Processor time of the server per message, in microseconds.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.total.as_nanos() as f64 / 1e3 / self.messages.max(1) as f64
    }

    /// The part of the run in which other processes kept one of the two ends from running.
    pub fn disturbed(&self) -> f64 {
        (self.cpu.waited + self.load_waited).as_secs_f64() / self.seconds
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        json!({
            "messages": self.messages,
            "seconds": self.seconds,
            "rate": self.rate(),
            "p50_micros": self.p50_micros,
            "p99_micros": self.p99_micros,
            "cpu_nanos": nanos(self.cpu.total),
            "waited_nanos": nanos(self.cpu.waited),
            "load_waited_nanos": nanos(self.load_waited),
            "user_ticks": self.cpu.user_ticks,
            "system_ticks": self.cpu.system_ticks,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote; none if a field is missing.
    pub fn from_json(value: &Value) -> Option<Self> {
        let cpu = CpuTime {
            total: Duration::from_nanos(value["cpu_nanos"].as_u64()?),
            waited: Duration::from_nanos(value["waited_nanos"].as_u64()?),
            user_ticks: value["user_ticks"].as_u64()?,
            system_ticks: value["system_ticks"].as_u64()?,
        };
        Some(Self {
            messages: value["messages"].as_u64()?,
            seconds: value["seconds"].as_f64()?,
            p50_micros: value["p50_micros"].as_f64()?,
            p99_micros: value["p99_micros"].as_f64()?,
            cpu,
            load_waited: Duration::from_nanos(value["load_waited_nanos"].as_u64()?),
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
    fn a_report_survives_json() {
        let cpu = CpuTime {
            total: Duration::from_micros(30),
            waited: Duration::from_millis(1),
            user_ticks: 1,
            system_ticks: 9,
        };
        let load_waited = Duration::from_millis(4);
        let report = Report {
            messages: 10,
            seconds: 0.5,
            p50_micros: 1.5,
            p99_micros: 9.5,
            cpu,
            load_waited,
        };
        assert_eq!(Report::from_json(&report.to_json()), Some(report.clone()));
        assert_eq!((report.rate(), report.cpu_micros(), report.disturbed()), (20.0, 3.0, 0.01));
    }
}
