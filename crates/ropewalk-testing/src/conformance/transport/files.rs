//! Files: parts of them leave in their place between what is written.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ropewalk_core::{FailureKind, FileRange, Transport};

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(parts_of_files_keep_their_place),
        Case::of(what_is_left_of_a_file_leaves_before_a_connection_is_lost),
        Case::of(a_file_that_is_shorter_than_was_said_fails_the_connection),
    ]
}

/// An open file that has no name any more.
fn file_of(bytes: &[u8]) -> Arc<File> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("ropewalk-conformance-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, bytes).expect("a temporary file can be written");
    let file = File::open(&path).expect("it can be read");
    fs::remove_file(&path).expect("it can be removed");
    Arc::new(file)
}

fn pattern(len: u32) -> Vec<u8> {
    (0..len).flat_map(u32::to_le_bytes).collect()
}

/// Writes it, or its bytes if there is a layer that has to see them.
fn put(transport: &Transport, range: FileRange, bytes: &[u8]) {
    let (start, len) = (usize::try_from(range.offset).expect("it is small"), range.len);
    if transport.sends_files() {
        transport.write_file(range);
    } else {
        transport.write(&bytes[start..start + len]);
    }
}

fn parts_of_files_keep_their_place(bench: Bench) {
    let ends = bench.ends();
    let bytes = pattern(50_000);
    let file = file_of(&bytes);
    let mut expected = Vec::new();
    for (offset, len) in [(0, 10), (7, 200_000 - 7), (100, 0), (1_000, 70_000), (199_999, 1)] {
        ends.client.transport().write(b"before");
        put(&ends.client.transport(), FileRange { file: file.clone(), offset, len }, &bytes);
        ends.client.transport().write_bytes(&b"behind"[..]);
        let start = usize::try_from(offset).expect("it is small");
        expected.extend([b"before", &bytes[start..start + len], b"behind"].concat());
    }
    assert_eq!(ends.client.transport().buffered(), expected.len());
    bench.until("all to arrive", || ends.server.data_len() == expected.len());
    assert!(ends.server.data() == expected);
    bench.until("nothing to be left", || ends.client.transport().buffered() == 0);
}

fn what_is_left_of_a_file_leaves_before_a_connection_is_lost(bench: Bench) {
    let ends = bench.ends();
    let bytes = pattern(500_000);
    let range = FileRange { file: file_of(&bytes), offset: 0, len: bytes.len() };
    put(&ends.client.transport(), range, &bytes);
    ends.client.transport().lose_connection();
    bench.until("the end", || ends.server.lost().is_some());
    assert!(ends.server.data() == bytes);
}

fn a_file_that_is_shorter_than_was_said_fails_the_connection(bench: Bench) {
    let ends = bench.ends();
    let range = FileRange { file: file_of(b"short"), offset: 0, len: 1_000 };
    let can_be = ends.client.transport().sends_files();
    ends.client.transport().write_file(range);
    bench.until("the end", || ends.client.lost().is_some());
    let why = ends.client.lost().expect("it is lost");
    assert!(why.is(if can_be { FailureKind::System } else { FailureKind::Local }), "{why}");
}
