//! Files below a directory, and nothing outside of it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ropewalk_core::{Failure, Loop};
use ropewalk_net::{Directory, File, Symlinks, ThreadPool, ThreadPoolLimits, new_loop};

/// A tree of files that goes with the test.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("ropewalk-files-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("root/sub")).expect("a temporary directory");
        fs::write(path.join("secret"), "secret").expect("a file");
        fs::write(path.join("root/hello"), "hello").expect("a file");
        fs::write(path.join("root/sub/deep"), "deep").expect("a file");
        symlink("sub/deep", path.join("root/within")).expect("a link");
        symlink("../secret", path.join("root/out")).expect("a link");
        symlink("/etc/passwd", path.join("root/absolute")).expect("a link");
        Self(path)
    }

    fn open(&self, event_loop: &Loop, symlinks: Symlinks) -> Directory {
        let pool = ThreadPool::new(event_loop.reactor(), ThreadPoolLimits::default());
        Directory::open(&pool, &self.0.join("root"), symlinks).expect("the root")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(event_loop: &Loop, directory: &Directory, below: &str) -> Result<String, Failure> {
    let file: File = event_loop.run_until(directory.open_file(below))?;
    let bytes = event_loop.run_until(file.read_at(0, 100))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_not_found(result: Result<String, Failure>) -> bool {
    result.is_err_and(|failure| {
        failure.check::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
    })
}

#[test]
fn what_is_below_is_read_and_what_is_outside_is_not_there() {
    let (tree, event_loop) = (Tree::new("below"), new_loop(None).unwrap());
    let directory = tree.open(&event_loop, Symlinks::Within);
    for (path, text) in [("hello", "hello"), ("sub/deep", "deep"), ("within", "deep")] {
        assert_eq!(read(&event_loop, &directory, path).unwrap(), text);
    }
    for path in
        ["nowhere", "../secret", "sub/../../secret", "/etc/passwd", "out", "absolute", "hello/x"]
    {
        assert!(is_not_found(read(&event_loop, &directory, path)), "{path}");
    }
}

#[test]
fn links_are_refused_or_followed_as_asked() {
    let (tree, event_loop) = (Tree::new("links"), new_loop(None).unwrap());
    let strict = tree.open(&event_loop, Symlinks::Refuse);
    assert!(is_not_found(read(&event_loop, &strict, "within")));
    let open = tree.open(&event_loop, Symlinks::Follow);
    assert_eq!(read(&event_loop, &open, "out").unwrap(), "secret");
}

#[test]
fn a_directory_is_listed() {
    let (tree, event_loop) = (Tree::new("list"), new_loop(None).unwrap());
    let directory = tree.open(&event_loop, Symlinks::Within);
    let mut names: Vec<_> = event_loop
        .run_until(directory.entries(""))
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name.into_string().unwrap(), entry.info.is_directory))
        .collect();
    names.sort();
    assert!(
        names.contains(&("hello".to_owned(), false)) && names.contains(&("sub".to_owned(), true))
    );
    assert!(names.contains(&("within".to_owned(), false)));
    assert!(!names.iter().any(|(name, _)| name == "out"), "what lies outside is shown");
    let nested = event_loop.run_until(directory.open_file("sub")).unwrap();
    assert!(nested.info().is_directory);
    assert!(event_loop.run_until(directory.entries("../")).is_err());
}

#[test]
fn a_pipe_is_no_file_and_holds_nobody_up() {
    let (tree, event_loop) = (Tree::new("pipe"), new_loop(None).unwrap());
    let path = tree.0.join("root/pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo is part of every Unix");
    let directory = tree.open(&event_loop, Symlinks::Within);
    assert!(is_not_found(read(&event_loop, &directory, "pipe")));
}

#[test]
fn what_cannot_be_a_root_says_so() {
    let event_loop = new_loop(None).unwrap();
    let pool = ThreadPool::new(event_loop.reactor(), ThreadPoolLimits::default());
    let missing = Directory::open(&pool, Path::new("/nowhere/at/all"), Symlinks::Within);
    assert!(missing.err().unwrap().to_string().contains("/nowhere/at/all"));
}

/// Has the system forget what it has of a file in its memory, if it can.
fn forget(path: &Path) {
    let file = fs::File::open(path).expect("a file");
    file.sync_all().expect("it is written");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advice is heard");
}

#[test]
fn what_is_not_in_memory_is_read_by_the_ring_and_else_by_a_thread() {
    let test = "what_is_not_in_memory_is_read_by_the_ring_and_else_by_a_thread";
    let tree = Tree::new("uncached");
    let path = tree.0.join("root/large");
    let bytes: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&path, &bytes).expect("a file");
    // A pool that takes no job: what needs a thread fails.
    let limits = ThreadPoolLimits { threads_max: 1, jobs_max: 0 };
    let read_all = |name: &str| -> Result<Vec<u8>, Failure> {
        let event_loop = new_loop(Some(name))?;
        let pool = ThreadPool::new(event_loop.reactor(), limits);
        let directory = Directory::open(&pool, &tree.0.join("root"), Symlinks::Within)?;
        let file = event_loop.run_until(directory.open_file("large"))?;
        forget(&path);
        let mut all = Vec::new();
        while all.len() < bytes.len() {
            // Several at a time; one of them nobody waits for.
            let offset = all.len() as u64;
            drop(file.read_at(offset + 300_000, 1_000_000));
            let read = file.read_at(offset, 1_000_000);
            all.extend_from_slice(&event_loop.run_until(read)?);
        }
        assert!(event_loop.run_until(file.read_at(bytes.len() as u64, 10))?.is_empty());
        Ok(all)
    };
    let by_thread = read_all("epoll");
    if by_thread.is_ok() {
        return crate::rig::skip(test, "a file system that forgets what it has in memory");
    }
    assert!(by_thread.is_err_and(|failure| failure.is(ropewalk_core::FailureKind::Limit)));
    if ropewalk_net::NetDriver::by_name("uring").is_ok() {
        assert!(read_all("uring").expect("the ring reads it") == bytes);
    }
}

#[test]
fn a_loop_that_ends_while_it_reads_leaves_nothing_behind() {
    let tree = Tree::new("ends");
    let path = tree.0.join("root/large");
    fs::write(&path, vec![7; 8_000_000]).expect("a file");
    let mut unanswered = 0;
    for _ in 0..20 {
        let Ok(event_loop) = new_loop(Some("uring")) else { return };
        let directory = tree.open(&event_loop, Symlinks::Within);
        let file = event_loop.run_until(directory.open_file("large")).expect("a file");
        forget(&path);
        let reads: Vec<_> = (0..100).map(|n| file.read_at(n * 70_000, 65_536)).collect();
        drop(event_loop); // The kernel may not write to what has been given back.
        for read in reads {
            match read.into_result() {
                // A page that the system would not forget; it was read at once.
                Ok(Ok(bytes)) => assert!(bytes.iter().all(|byte| *byte == 7)),
                _ => unanswered += 1,
            }
        }
    }
    assert!(unanswered > 0, "none had to wait");
}
