//! [`ZoneFile`]: a zone and the master file that it is read from; and zones written to files.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use ropewalk::dns::Name;
use ropewalk::dns::zone::{RecordRef, Zone, read_zone};
use ropewalk::{Failure, FailureKind};

/// `[NAME=]FILE`.
#[derive(Clone, Debug)]
pub(crate) struct ZoneFile {
    name: Option<Name>,
    path: PathBuf,
}

impl FromStr for ZoneFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, path)) = text.split_once('=') else {
            return Ok(Self { name: None, path: text.into() });
        };
        let name = name.parse().map_err(|error| format!("{name:?} is no name: {error}"))?;
        Ok(Self { name: Some(name), path: path.into() })
    }
}

/// Its path.
impl Display for ZoneFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl ZoneFile {
    /// The file of the zone `name` in a directory where zones are kept.
    pub(crate) fn kept(directory: &Path, name: &Name) -> Self {
        // What is no part of a file's name is not in a domain's, as it is shown: but for the slash.
        let file = format!("{}.zone", name.to_string().to_lowercase().replace('/', "%2F"));
        Self { name: Some(name.clone()), path: directory.join(file) }
    }

    /// Reads the file; logs what the zone is warned of.
    pub(crate) fn read(&self) -> Result<Zone, Failure> {
        let file = self.path.display().to_string();
        let doing = |failure: Failure| failure.context(format!("read the zone file {file}"));
        let text = fs::read(&self.path);
        let text = text.map_err(|error| doing(Failure::from_error(FailureKind::System, error)))?;
        let read = read_zone(self.name.as_ref(), &file, &text, &mut include);
        let (zone, warnings) =
            read.map_err(|error| doing(Failure::from_error(FailureKind::Local, error)))?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(zone)
    }

    /// How long ago the file was written.
    pub(crate) fn age(&self) -> Option<Duration> {
        let written = fs::metadata(&self.path).and_then(|about| about.modified()).ok()?;
        SystemTime::now().duration_since(written).ok()
    }

    /// Writes the zone: into a new file, which then takes the old one's place.
    pub(crate) fn write(&self, zone: &Zone) -> Result<(), Failure> {
        let new = self.path.with_extension("zone.new");
        let written = fs::write(&new, text_of(zone)).and_then(|()| fs::rename(&new, &self.path));
        written.map_err(|error| {
            Failure::from_error(FailureKind::System, error)
                .context(format!("write {}", self.path.display()))
        })
    }

    /// Notes that the zone in the file is still the last.
    pub(crate) fn touch(&self) -> Result<(), Failure> {
        let file = fs::File::options().append(true).open(&self.path);
        let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
        touched.map_err(|error| {
            Failure::from_error(FailureKind::System, error)
                .context(format!("touch {}", self.path.display()))
        })
    }
}

const HEX: [&str; 16] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

/// A zone as a master file, each record in the form for types that are not known (RFC 3597, section 5): that can be written
/// of every record, and read again by every server.
fn text_of(zone: &Zone) -> String {
    let mut text =
        String::from("; A zone kept by a secondary. Do not change it: it is written again.\n");
    for RecordRef { owner, rtype, ttl, data } in zone.records() {
        write_name(&mut text, owner);
        let (rtype, len) = (rtype.to_int(), data.len());
        text.push_str(&format!(" {ttl} IN TYPE{rtype} \\# {len} "));
        for byte in data {
            text.push_str(HEX[usize::from(byte >> 4)]);
            text.push_str(HEX[usize::from(byte & 15)]);
        }
        text.push('\n');
    }
    text
}

/// Writes a name in wire form, with every byte that is no letter, digit, hyphen or underscore as `\DDD`.
fn write_name(text: &mut String, mut name: &[u8]) {
    if name == [0] {
        text.push('.');
    }
    while let Some((&len @ 1.., rest)) = name.split_first() {
        let (label, rest) = rest.split_at(usize::from(len).min(rest.len()));
        for &byte in label {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => text.push(byte.into()),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        text.push('.');
        name = rest;
    }
}

/// Reads a file that another one includes: a path is relative to the directory of the file in which it is written.
fn include(path: &str, from: &str) -> Result<(String, Vec<u8>), String> {
    let directory = Path::new(from).parent().unwrap_or(Path::new(""));
    let path = directory.join(path);
    let file = path.display().to_string();
    let text = fs::read(&path).map_err(|error| format!("read {file}: {error}"))?;
    Ok((file, text))
}
