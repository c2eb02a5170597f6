//! A kernel that refuses io_uring, as many containers do.

use std::fs::File;
use std::process::Command;

use crate::program::{Directory, Program, has};

/// Runs a program in which `io_uring_setup` (425 on every architecture) is not permitted.
const REFUSING: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# load the number of the call; is it 425? then EPERM, else allow
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(code), ctypes.addressof(filters))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"#;

fn refusing(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", REFUSING, env!("CARGO_BIN_EXE_ropewalk")]).args(arguments);
    command
}

#[test]
fn without_io_uring_the_best_other_reactor_is_used() {
    if !has("without_io_uring_the_best_other_reactor_is_used", "python3") {
        return;
    }
    let listen = ["--listen", "tcp:0:interface=127.0.0.1"];
    let directory = Directory::new();
    let said = directory.path("stderr");
    let stderr = File::create(&said).expect("the directory is ours");
    let asked = ["echo", "--reactor", "uring", "--workers", "2"];
    let mut server = Program::start(refusing(&asked).args(listen).stderr(stderr));
    server.expect("listening on tcp ");
    let stderr = std::fs::read_to_string(&said).expect("it is there");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("set up uring: Operation not permitted"), "{stderr}");
    assert!(stderr.contains("the reactor is epoll instead"), "{stderr}");
}
