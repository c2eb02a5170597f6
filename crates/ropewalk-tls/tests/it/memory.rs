//! What an idle TLS connection costs.

use std::process::Command;

use ropewalk_testing::{Log, Recorded, Recorder};

use crate::rig::{Stage, client, server};

/// What one end may hold of its own: DESIGN's goal.
const IDLE_BYTES_MAX: u64 = 8 * 1024;
const CONNECTIONS: u64 = 500;

/// The bytes of anonymous memory that this process uses: rustls' part is Rust's, that of aws-lc is C's.
fn anonymous_bytes() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

/// In a process of its own: what other tests hold is not to be counted.
#[test]
fn an_idle_connection_holds_at_most_eight_kilobytes_at_each_end() {
    let test = "memory::an_idle_connection_holds_at_most_eight_kilobytes_at_each_end";
    if std::env::var("ROPEWALK_CHILD").is_ok_and(|child| child == test) {
        return measure();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--test-threads=1", "--nocapture"]).env("ROPEWALK_CHILD", test);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    eprintln!("{said}");
}

fn measure() {
    let (stage, client) = (Stage::new(), client());
    let echo = Log::default();
    stage.listen_with("here", &server(), move || {
        Recorder::new(&echo).reacting(|cx, event| {
            if let Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    });
    let connect = |count: u64| {
        for _ in 0..count {
            let (log, _) = stage.dial("here", &client, "localhost");
            stage.settle();
            log.transport().write(b"hello");
            stage.settle();
            assert_eq!(log.data(), b"hello");
        }
    };
    connect(50);
    let before = anonymous_bytes();
    connect(CONNECTIONS);
    let each = (anonymous_bytes() - before) / (2 * CONNECTIONS);
    eprintln!("an idle end of a TLS connection holds {each} bytes");
    assert!(each <= IDLE_BYTES_MAX, "{each} bytes");
}
