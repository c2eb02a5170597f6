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
