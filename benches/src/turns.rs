//! Servers that take turns under one load, A B A B, each turn with a new process.
//!
//! So whatever else the machine does falls on all alike. A server that fails is left out from then on, and the
//! others are measured to the end.

use std::io;
use std::process::Stdio;

use crate::figures::{Missing, Row};
use crate::peers::Peer;
use crate::report::Report;

/// How a bench is to be run; what is none is the bench's own default.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// How often each server has its turn.
    pub rounds: Option<usize>,
    /// How long a turn is measured.
    pub seconds: Option<f64>,
    /// The numbers of connections, one after the other.
    pub connections: Option<Vec<usize>>,
    /// The bytes of a message.
    pub size: Option<usize>,
}

/// One kind of load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The mode of the load program.
    pub mode: &'static str,
    /// How many connections it opens.
    pub connections: usize,
    /// At what rate it sends, if not as fast as it is answered.
    pub per_second: Option<f64>,
    /// How many requests are sent at a time, where they are of HTTP.
    pub pipelined: usize,
    /// The bytes of a message.
    pub size: usize,
    /// How long a turn is measured.
    pub seconds: f64,
    /// How often each server has its turn.
    pub rounds: usize,
}

impl Load {
    /// Measures `peers` under this load. One that fails is taken out of `peers` and entered as missing.
    pub fn measure(&self, peers: &mut Vec<Peer>, missing: &mut Vec<Missing>) -> Vec<Row> {
        let row = |peer: &Peer| Row {
            server: peer.name.into(),
            connections: self.connections,
            per_second: self.per_second,
            ..Row::default()
        };
        let mut rows: Vec<Row> = peers.iter().map(row).collect();
        for round in 1..=self.rounds {
            peers.retain(|peer| {
                let at = rows.iter().position(|row| row.server == peer.name).expect("it has one");
                match self.turn(peer) {
                    Ok(report) => {
                        self.announce(peer, round, &report);
                        rows[at].rounds.push(report);
                        true
                    }
                    Err(error) => {
                        eprintln!("{}: {error}", peer.name);
                        let why = format!("with {} connections: {error}", self.connections);
                        missing.push(Missing { server: peer.name.into(), why });
                        rows.remove(at);
                        false
                    }
                }
            });
        }
        rows.into_iter().map(Row::summed_up).collect()
    }

    /// One turn of one server.
    fn turn(&self, peer: &Peer) -> io::Result<Report> {
        let server = peer.start()?;
        let mut load = peer.load(self.mode, &server)?;
        load.args(["--server-pid", &server.pid().to_string()]);
        load.args(["--connections", &self.connections.to_string()]);
        load.args(["--seconds", &self.seconds.to_string()]);
        load.args(["--size", &self.size.to_string()]);
        load.args(["--pipelined", &self.pipelined.to_string()]);
        if let Some(per_second) = self.per_second {
            load.args(["--rate", &per_second.to_string()]);
        }
        let output = load.stderr(Stdio::inherit()).output()?;
        let report = serde_json::from_slice(&output.stdout);
        report.map_err(|_| io::Error::other("the load on it failed"))
    }

    fn announce(&self, peer: &Peer, round: usize, report: &Report) {
        let (rate, connections) = (report.rate(), self.connections);
        let mode = self.mode;
        eprintln!("{mode}, {connections} connections, round {round}: {}, {rate:.0}/s", peer.name);
    }
}
