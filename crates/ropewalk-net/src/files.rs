//! [`Directory`] and [`File`]: the files below one place, read without waiting.
//!
//! A file has no readiness: `read` waits for the disk. But what is asked for often is in the system's memory
//! already, and Linux can be asked for just that: `openat2` with `RESOLVE_CACHED` and `preadv2` with `RWF_NOWAIT`
//! give what needs no disk, or say that they cannot. Then io_uring reads it, if that is the reactor's; else, and on
//! systems that know neither, a thread of the pool does it.
//!
//! `openat2` with `RESOLVE_BENEATH` is also what keeps a path below its directory: the kernel refuses each step
//! out of it, by `..` or by a symbolic link, while it takes the step, so there is no moment between looking and
//! opening.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io::{self, IoSliceMut};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ropewalk_core::{Deferred, Failure, FailureKind, FileRange};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, ReadWriteFlags};

use crate::ThreadPool;
use crate::driver::sockets;

/// Files are opened below a directory, and what lies outside of it is not there.
#[derive(Clone)]
pub struct Directory(Rc<Inner>);

struct Inner {
    root: Root,
    pool: ThreadPool,
    /// Whether the system opens what it has in memory without waiting.
    opens_cached: Cell<bool>,
}

/// What a thread of the pool needs, too.
#[derive(Clone)]
struct Root {
    fd: Arc<OwnedFd>,
    path: Arc<Path>,
    symlinks: Symlinks,
}

/// Where symbolic links may lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Symlinks {
    /// Nowhere: a path with one in it is not there.
    Refuse,
    /// To what is below the directory as well.
    #[default]
    Within,
    /// Anywhere.
    Follow,
}

/// An open file, or an open directory.
#[derive(Clone)]
pub struct File {
    fd: Arc<std::fs::File>,
    pool: ThreadPool,
    info: FileInfo,
    /// Whether the system reads what it has in memory without waiting.
    reads_cached: Rc<Cell<bool>>,
}

/// What the system knows of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileInfo {
    /// Whether it is a directory; else it is a regular file.
    pub is_directory: bool,
    /// Bytes, when it was opened.
    pub len: u64,
    /// When it was last changed.
    pub modified: SystemTime,
    /// Its number on its device: a file that takes another's place has another.
    pub inode: u64,
}

/// One name in a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryEntry {
    /// The name.
    pub name: OsString,
    /// What stands behind it; behind a symbolic link, where it leads.
    pub info: FileInfo,
}

/// Entries that are read of one directory; the rest is left out. More than a person looks through, and some
/// megabytes.
const ENTRIES_MAX: usize = 10_000;

impl Directory {
    /// The directory at `path`. Waits for the disk: for the beginning of a program.
    ///
    /// # Errors
    /// If it is not there, or is none.
    pub fn open(pool: &ThreadPool, path: &Path, symlinks: Symlinks) -> Result<Self, Failure> {
        let opened = path.canonicalize().and_then(|path| {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok((fs::open(&path, flags, Mode::empty())?, path))
        });
        let (fd, whole) = opened.map_err(|error| {
            Failure::from_error(FailureKind::System, error)
                .context(format!("open directory {}", path.display()))
        })?;
        let root = Root { fd: Arc::new(fd), path: whole.into(), symlinks };
        Ok(Self(Rc::new(Inner { root, pool: pool.clone(), opens_cached: Cell::new(true) })))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.root.path
    }

    /// Opens what is at `below`, a relative path, for reading.
    ///
    /// # Errors
    /// With the [`io::Error`] of the system: `NotFound` also for what lies outside, and for what is neither a
    /// regular file nor a directory.
    pub fn open_file(&self, below: impl Into<PathBuf>) -> Deferred<File> {
        let below = below.into();
        if self.0.opens_cached.get() {
            match self.0.root.open(&below, ResolveFlags::CACHED) {
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => self.0.opens_cached.set(false),
                opened => return Deferred::from_result(self.file(opened)),
            }
        }
        let (root, this) = (self.0.root.clone(), self.clone());
        let opened = self.0.pool.defer_to_thread(move || Ok(root.open_waiting(&below)));
        opened.add_callback(move |opened| this.file(opened))
    }

    /// The names in the directory at `below`, at most 10,000, in no order; what cannot be looked at is left out.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file).
    pub fn entries(&self, below: impl Into<PathBuf>) -> Deferred<Vec<DirectoryEntry>> {
        let (root, below) = (self.0.root.clone(), below.into());
        self.0.pool.defer_to_thread(move || Ok(root.entries(&below).map_err(io::Error::from)?))
    }

    fn file(&self, opened: rustix::io::Result<OwnedFd>) -> Result<File, Failure> {
        let found = opened.and_then(|fd| Ok((info_of(&fs::fstat(&fd)?)?, fd)));
        let (info, fd) = found.map_err(|errno| io::Error::from(outside_is_nowhere(errno)))?;
        let (fd, pool) = (Arc::new(fd.into()), self.0.pool.clone());
        Ok(File { fd, pool, info, reads_cached: Rc::new(Cell::new(true)) })
    }
}

/// What lies outside is not there, for whoever asks.
fn outside_is_nowhere(errno: Errno) -> Errno {
    match errno {
        Errno::XDEV | Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::INVAL => Errno::NOENT,
        other => other,
    }
}

fn info_of(stat: &Stat) -> rustix::io::Result<FileInfo> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile && kind != FileType::Directory {
        return Err(Errno::NOENT);
    }
    let seconds = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
    let nanos = Duration::from_nanos(stat.st_mtime_nsec);
    Ok(FileInfo {
        is_directory: kind == FileType::Directory,
        len: u64::try_from(stat.st_size).unwrap_or(0),
        modified: SystemTime::UNIX_EPOCH + seconds + nanos,
        inode: stat.st_ino,
    })
}

impl Root {
    fn open(&self, below: &Path, how: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        // A named pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let bounds = match self.symlinks {
            Symlinks::Refuse => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
            Symlinks::Within => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
            Symlinks::Follow => ResolveFlags::empty(),
        };
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        fs::openat2(&self.fd, below, flags, Mode::empty(), bounds | how)
    }

    fn open_waiting(&self, below: &Path) -> rustix::io::Result<OwnedFd> {
        match self.open(below, ResolveFlags::empty()) {
            Err(Errno::NOSYS | Errno::PERM) => self.open_by_name(below),
            opened => opened,
        }
    }

    /// Where there is no `openat2`: looks where the path leads, and opens that.
    fn open_by_name(&self, below: &Path) -> rustix::io::Result<OwnedFd> {
        let asked = self.path.join(below);
        let real = asked
            .canonicalize()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::NOENT))?;
        let is_allowed = match self.symlinks {
            Symlinks::Refuse => real == asked,
            Symlinks::Within => real.starts_with(&self.path),
            Symlinks::Follow => true,
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        if is_allowed { fs::open(&real, flags, Mode::empty()) } else { Err(Errno::XDEV) }
    }

    /// What a name stands for, by the same rules by which it would be opened.
    fn look_at(
        &self,
        directory: &OwnedFd,
        below: &Path,
        name: &OsStr,
    ) -> rustix::io::Result<FileInfo> {
        let stat = fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return info_of(&fs::fstat(self.open_waiting(&below.join(name))?)?);
        }
        info_of(&stat)
    }

    fn entries(&self, below: &Path) -> rustix::io::Result<Vec<DirectoryEntry>> {
        let directory = self.open_waiting(below).map_err(outside_is_nowhere)?;
        let mut entries = Vec::new();
        for entry in fs::Dir::read_from(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let name = OsString::from_vec(name.to_bytes().to_vec());
            if let Ok(info) = self.look_at(&directory, below, &name) {
                entries.push(DirectoryEntry { name, info });
            }
            if entries.len() == ENTRIES_MAX {
                break;
            }
        }
        Ok(entries)
    }
}

impl File {
    /// What the system knew of it when it was opened.
    pub fn info(&self) -> FileInfo {
        self.info
    }

    /// Up to `len` bytes at `offset`, perhaps fewer than there are; none at the end.
    ///
    /// # Errors
    /// With the [`io::Error`] of the system.
    pub fn read_at(&self, offset: u64, len: usize) -> Deferred<Bytes> {
        if self.reads_cached.get() {
            match read(&self.fd, offset, len, ReadWriteFlags::NOWAIT) {
                Err(Errno::AGAIN) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.reads_cached.set(false),
                read => return Deferred::from_result(read.map_err(|e| io::Error::from(e).into())),
            }
        }
        let by_driver = sockets(self.pool.reactor()).ok();
        match by_driver.and_then(|sockets| sockets.read_file(&self.fd, offset, len)) {
            Some(read) => {
                let this = self.clone();
                self.pool.reactor().spawn(async move {
                    match read.await {
                        Err(error) if is_passing(&error) => this.read_by_thread(offset, len).await,
                        read => Ok(read?),
                    }
                })
            }
            None => self.read_by_thread(offset, len),
        }
    }

    fn read_by_thread(&self, offset: u64, len: usize) -> Deferred<Bytes> {
        let fd = self.fd.clone();
        self.pool.defer_to_thread(move || {
            Ok(read(&fd, offset, len, ReadWriteFlags::empty()).map_err(io::Error::from)?)
        })
    }

    /// The part of it of up to `len` bytes at `offset`, if the system has that in its memory: for
    /// [`Transport::write_file`](ropewalk_core::Transport::write_file), which would wait for the disk else. Looks at both
    /// ends; what lies between was read with them, or is a short wait.
    pub fn cached_range(&self, offset: u64, len: usize) -> Option<FileRange> {
        let end = self.info.len.min(offset + len as u64);
        let len = usize::try_from(end.checked_sub(offset)?).ok().filter(|len| *len > 0)?;
        let is_cached = is_cached(&self.fd, offset) && is_cached(&self.fd, end - 1);
        is_cached.then(|| FileRange { file: self.fd.clone(), offset, len })
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// Whether the byte at `offset` is in the system's memory.
fn is_cached(fd: &std::fs::File, offset: u64) -> bool {
    let mut byte = [0];
    let read =
        rustix::io::preadv2(fd, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT);
    read == Ok(1)
}

fn read(
    fd: &std::fs::File,
    offset: u64,
    len: usize,
    how: ReadWriteFlags,
) -> rustix::io::Result<Bytes> {
    let mut bytes = vec![0; len];
    let count = rustix::io::preadv2(fd, &mut [IoSliceMut::new(&mut bytes)], offset, how)?;
    bytes.truncate(count);
    Ok(bytes.into())
}
