//! Accepting when there are no descriptors left (EMFILE), in a process of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ropewalk_core::{Loop, Wait};
use ropewalk_net::{NetDriver, TcpServerEndpoint, new_loop};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::rig::{Echo, child, get, is_child, until};

const NAME: &str = "descriptors_run_out::accepting_pauses_and_resumes";

#[test]
fn accepting_pauses_and_resumes() {
    if is_child(NAME) {
        return NetDriver::names().iter().for_each(|name| starve(&new_loop(Some(name)).unwrap()));
    }
    // Alone in a process, since the limit is the process's.
    let output = child(NAME).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

const SELECT: &str = "descriptors_run_out::select_pauses_where_its_sets_end";

#[test]
fn select_pauses_where_its_sets_end() {
    if is_child(SELECT) {
        return fill_sets(&new_loop(Some("select")).unwrap());
    }
    // Alone in a process, which opens files up to the last number.
    let output = child(SELECT).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

fn fill_sets(main_loop: &Loop) {
    limit_descriptors(1500);
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let port = get(main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    let address = port.host().ip().unwrap();
    let null = || File::open("/dev/null").unwrap();
    let files: Vec<_> = std::iter::repeat_with(null).take_while(|f| f.as_raw_fd() < 1100).collect();
    let mut peers: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();

    let (began, mut turns) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(250) {
        let soon = main_loop.reactor().now() + Duration::from_millis(250);
        main_loop.turn(Wait::Until(soon)).unwrap().unwrap();
        turns += 1;
    }
    assert!(turns <= 8, "{turns} turns in a quarter of a second");
    assert_eq!(port.live(), 0);

    // Those that were not tried yet have waited.
    drop(files);
    until(main_loop, || port.live() >= 10);
    let last = peers.last_mut().unwrap();
    last.write_all(b"hello").unwrap();
    last.set_nonblocking(true).unwrap();
    until(main_loop, || last.read(&mut [0; 5]).is_ok_and(|count| count == 5));
}

fn limit_descriptors(limit: u64) {
    let limit = Rlimit { current: Some(limit), maximum: Some(20_000.max(limit)) };
    let before = rustix::process::getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { maximum: before.maximum, ..limit }).unwrap();
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

fn starve(main_loop: &Loop) {
    limit_descriptors(1000);
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let port = get(main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    let address = port.host().ip().unwrap();
    let mut peers: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    let before = open_descriptors();
    // Room for some ten of the twenty: what this process inherited may have numbers above the limit.
    limit_descriptors(before as u64 + 10);
    until(main_loop, || port.live() >= 8);

    // Nothing happens for half a second: then nothing is done but trying again some times.
    let (began, mut turns) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(500) {
        let soon = main_loop.reactor().now() + Duration::from_millis(500);
        main_loop.turn(Wait::Until(soon)).unwrap().unwrap();
        turns += 1;
    }
    assert!(turns <= 12, "{turns} turns in half a second");
    let accepted = port.live();
    assert!((8..=14).contains(&accepted), "{accepted}");

    // Those that were accepted are served meanwhile. They need not be the first: a busy system finishes
    // handshakes in any order.
    for peer in &mut peers {
        peer.write_all(b"hello").unwrap();
        peer.set_nonblocking(true).unwrap();
    }
    let is_served = |peer: &mut TcpStream| peer.read(&mut [0; 5]).is_ok_and(|count| count == 5);
    let mut served = Vec::new();
    until(main_loop, || {
        served.extend(peers.extract_if(.., is_served));
        served.len() == accepted
    });

    // They make room when they go.
    served.drain(..5);
    until(main_loop, || peers.iter_mut().any(is_served));
    limit_descriptors(1000);
    until(main_loop, || port.live() == 15);
    drop((peers, served));
    until(main_loop, || port.live() == 0);
    let _last = TcpStream::connect(address).unwrap();
    until(main_loop, || port.live() == 1);
}
