//! [`FileStamps`]: what a server's files looked like, to see whether they have changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{ClientCertificates, Identity, Roots, ServerOptions, Trust};

/// What the files of a server look like from outside. Links are followed: renewing a certificate often means to
/// point a link elsewhere.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct FileStamps(Vec<(PathBuf, Option<Stamp>)>);

/// What changes when a file is written or replaced.
#[derive(PartialEq, Eq)]
struct Stamp {
    written: Option<SystemTime>,
    len: u64,
    place: u64,
}

impl FileStamps {
    pub(crate) fn of(options: &ServerOptions) -> Self {
        let mut stamps = Self::default();
        for identity in &options.identities {
            if let Identity::Files { certificate, key } = identity {
                stamps.add(certificate);
                stamps.add(key);
            }
        }
        if let Some(directory) = &options.identity_directory {
            stamps.add_directory(directory);
        }
        match &options.client_certificates {
            ClientCertificates::NotAsked => {}
            ClientCertificates::Optional(trust) | ClientCertificates::Required(trust) => {
                stamps.add_trust(trust);
            }
        }
        stamps
    }

    fn add(&mut self, path: &Path) {
        self.0.push((path.to_owned(), Stamp::of(path)));
    }

    fn add_trust(&mut self, trust: &Trust) {
        match &trust.roots {
            Roots::Path(path) if path.is_dir() => self.add_directory(path),
            Roots::Path(path) => self.add(path),
            Roots::Platform | Roots::Pem(_) | Roots::Anyone => {}
        }
        if let Some(path) = &trust.revocations {
            self.add(path);
        }
    }

    fn add_directory(&mut self, directory: &Path) {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        files.iter().for_each(|file| self.add(file));
    }
}

impl Stamp {
    /// `None` if the file is not there.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let place = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let place = 0;
        Some(Self { written: metadata.modified().ok(), len: metadata.len(), place })
    }
}
