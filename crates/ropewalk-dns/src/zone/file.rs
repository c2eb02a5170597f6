//! [`read_zone`]: a zone from a master file (RFC 1035, section 5).

use std::sync::Arc;

use bytes::Bytes;
use domain::base::iana::{Class, Rtype};
use domain::base::name::ToName;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry as Scanned, ScannedRecord, Zonefile};

use ropewalk_core::Failure;

use super::entries::Entries;
use super::generate::generate;
use super::problem::{Place, Problem, ProblemKind, ZoneError};
use super::record::ZoneRecord;
use super::zone::Zone;
use crate::Name;

/// Reads the file that another one includes: given the path as it is written and the name of the file in which it is;
/// gives the new file's name, for errors, and its text, or what is wrong.
pub type Include<'a> = dyn FnMut(&str, &str) -> Result<(String, Vec<u8>), String> + 'a;

/// Files that may include each other: a zone for each customer of a department of a region, and more.
const INCLUDES_MAX: usize = 8;

/// Makes a zone called `apex` of a master file's text; `file` is what the file is called in errors. Gives the zone, and
/// what it is warned of. Without `apex` the zone has the name of the file's first SOA, and the names in it are relative to
/// nothing until there is a `$ORIGIN`.
///
/// Beside RFC 1035 it knows `$TTL` (RFC 2308), times with units (`1h30m`), `$GENERATE`, and records of unknown types
/// (RFC 3597). Without `$TTL` a record without a TTL has that of the one before, and the first 3,600 seconds. The class is
/// IN.
///
/// # Errors
/// What is wrong, with file and line. Reading ends at the first line that is no record; all else is said at once.
///
/// # Example
/// ```
/// use ropewalk_dns::zone::read_zone;
///
/// let text = "
/// $TTL 1h
/// @    SOA  ns hostmaster 1 1h 10m 1w 5m
///      NS   ns
/// ns   A    192.0.2.1
/// www  A    192.0.2.2
/// ";
/// let apex = "example.org".parse()?;
/// let no_files = &mut |path: &str, _: &str| Err(format!("there is no {path}"));
/// let (zone, warnings) = read_zone(Some(&apex), "example.zone", text.as_bytes(), no_files)?;
/// assert_eq!((zone.names(), warnings.len()), (3, 0));
///
/// let wrong = text.replace("192.0.2.2", "192.0.2");
/// let error = read_zone(Some(&apex), "example.zone", wrong.as_bytes(), no_files).unwrap_err();
/// assert!(error.to_string().starts_with("example.zone:6: "), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_zone(
    apex: Option<&Name>,
    file: &str,
    text: &[u8],
    include: &mut Include<'_>,
) -> Result<(Zone, Vec<Problem>), ZoneError> {
    let mut reading = Reading { records: Vec::new(), include };
    reading.read(file, text, apex.cloned(), 0).map_err(|problem| ZoneError::new(vec![problem]))?;
    let records = reading.records;
    let first_soa = || records.iter().find(|record| record.rtype == Rtype::SOA);
    let apex = apex.map(|apex| Box::from(apex.as_slice()));
    match apex.or_else(|| first_soa().map(|soa| soa.owner.clone())) {
        Some(apex) => Zone::new(&apex, records),
        None => {
            let (place, name) = (Some(Place { file: file.into(), line: 1 }), Box::default());
            Err(ZoneError::new(vec![Problem { place, name, kind: ProblemKind::NoSoa }]))
        }
    }
}

struct Reading<'a, 'i> {
    records: Vec<ZoneRecord>,
    include: &'a mut Include<'i>,
}

impl Reading<'_, '_> {
    fn read(
        &mut self,
        file: &str,
        text: &[u8],
        origin: Option<Name>,
        depth: usize,
    ) -> Result<(), Problem> {
        let mut scanner = Zonefile::new();
        if let Some(origin) = origin {
            scanner.set_origin(origin);
        }
        scanner.set_default_class(Class::IN);
        let file: Arc<str> = file.into();
        for entry in Entries::new(text) {
            let place = Place { file: file.clone(), line: entry.line };
            if let Some(flaw) = entry.flaw {
                return Err(at(&place, ProblemKind::Syntax(flaw.into())));
            }
            if entry.is("$GENERATE") {
                let lines = generate(&entry);
                for line in lines.ok_or_else(|| at(&place, ProblemKind::BadGenerate))? {
                    self.scan(&mut scanner, &line, &place, depth)?;
                }
                continue;
            }
            self.scan(&mut scanner, &entry.plain_text(), &place, depth)?;
        }
        Ok(())
    }

    /// Reads one entry, with what the ones before it have left (origin, owner, TTL).
    fn scan(
        &mut self,
        scanner: &mut Zonefile,
        text: &[u8],
        place: &Place,
        depth: usize,
    ) -> Result<(), Problem> {
        scanner.extend_from_slice(text);
        loop {
            // The scanner of `domain` 0.12 trusts its text more than it should (found by fuzzing).
            let scanned = Failure::catch(|| scanner.next_entry());
            let scanned = scanned.map_err(|_| at(place, ProblemKind::Unscannable))?;
            match scanned {
                Ok(Some(Scanned::Record(record))) => self.records.push(record_of(&record, place)),
                Ok(Some(Scanned::Include { path, origin })) => {
                    let origin = origin.or_else(|| scanner.origin().ok());
                    self.include(&path, origin, place, depth)?;
                }
                Ok(None) => return Ok(()),
                Err(error) => return Err(syntax(place, &error)),
            }
        }
    }

    fn include(
        &mut self,
        path: &str,
        origin: Option<Name>,
        place: &Place,
        depth: usize,
    ) -> Result<(), Problem> {
        if depth == INCLUDES_MAX {
            return Err(at(place, ProblemKind::IncludedTooDeep));
        }
        let read = (self.include)(path, &place.file);
        let (file, text) = read.map_err(|why| at(place, ProblemKind::Unreadable(why.into())))?;
        self.read(&file, &text, origin, depth + 1)
    }
}

fn record_of(record: &ScannedRecord, place: &Place) -> ZoneRecord {
    let owner = record.owner().to_name::<Bytes>();
    let mut data = Vec::new();
    let composed = record.data().compose_rdata(&mut data);
    composed.expect("a vector has room");
    ZoneRecord {
        owner: owner.as_slice().into(),
        rtype: record.rtype(),
        ttl: record.ttl().as_secs(),
        data: data.into(),
        place: Some(place.clone()),
    }
}

fn at(place: &Place, kind: ProblemKind) -> Problem {
    Problem { place: Some(place.clone()), name: Box::default(), kind }
}

fn syntax(place: &Place, error: &impl ToString) -> Problem {
    // What `domain` says begins with its own line and column, which are those of one entry.
    let said = error.to_string();
    let what = said.splitn(3, ':').last().unwrap_or(&said).trim();
    at(place, ProblemKind::Syntax(what.into()))
}
