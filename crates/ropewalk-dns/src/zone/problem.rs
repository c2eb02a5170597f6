//! [`Problem`]: what is wrong with a zone, and where.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use domain::base::iana::Rtype;

use crate::wire_name::Shown;

/// What is wrong with a zone, or odd about it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file and the line, counted from one; `None` for what came over the network, or for what is not there at all.
    pub place: Option<Place>,
    /// The name that it is about, in wire form; empty if it is about none.
    pub name: Box<[u8]>,
    /// What it is.
    pub kind: ProblemKind,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, by the name it was read by.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: u32,
}

/// What can be wrong with a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A line that is no record and no directive; what the reader of `domain` says.
    Syntax(Box<str>),
    /// A line that nothing can be made of.
    Unscannable,
    /// A `$INCLUDE`d file could not be read.
    Unreadable(Box<str>),
    /// Files include each other deeper than `INCLUDES_MAX`.
    IncludedTooDeep,
    /// A `$GENERATE` line that makes no sense, or makes too much.
    BadGenerate,
    /// The name is not at or below the zone's own.
    OutOfZone,
    /// The zone's own name has no SOA.
    NoSoa,
    /// It has more than one.
    SecondSoa,
    /// A SOA at another name.
    StraySoa,
    /// The zone's own name has no NS.
    NoNameServer,
    /// The name has a CNAME and something else beside (RFC 1034, section 3.6.2).
    CnameWithOther(Rtype),
    /// The name has more than one CNAME, or more than one DNAME.
    SecondAlias(Rtype),
    /// A type that no zone has: a question's, or one of the wire's own.
    NoDataType(Rtype),
    /// Warned of: the records of a set have different TTLs; the smallest holds (RFC 2181, section 5.2).
    TtlsDiffer(Rtype),
    /// Warned of: the name server named is in the zone, and has no address.
    NoAddress,
    /// Warned of: the name server named is an alias (RFC 2181, section 10.3).
    NameServerIsAlias,
    /// Warned of: nobody is given it, since it is below a delegation or a DNAME.
    Occluded(Rtype),
    /// Warned of: the NSEC3 records cannot be used, as their parameters are not known or ask for too much.
    BadNsec3,
}

impl Problem {
    /// Whether the zone can be served all the same.
    pub fn is_warning(&self) -> bool {
        use ProblemKind::{BadNsec3, NameServerIsAlias, NoAddress, Occluded, TtlsDiffer};
        matches!(self.kind, TtlsDiffer(_) | NoAddress | NameServerIsAlias | Occluded(_) | BadNsec3)
    }
}

/// One line: where, which name, and what is wrong.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}: ", place.file, place.line)?;
        }
        if !self.name.is_empty() {
            write!(f, "{}: ", Shown(&self.name))?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(what) => f.write_str(what),
            Self::Unscannable => f.write_str("nothing can be made of this line"),
            Self::Unreadable(what) => write!(f, "$INCLUDE: {what}"),
            Self::IncludedTooDeep => f.write_str("files include each other too deep"),
            Self::BadGenerate => {
                f.write_str("$GENERATE is START-STOP[/STEP] and a record, of at most 65,536 lines")
            }
            Self::OutOfZone => f.write_str("is not in the zone"),
            Self::NoSoa => f.write_str("the zone has no SOA record"),
            Self::SecondSoa => f.write_str("the zone has more than one SOA record"),
            Self::StraySoa => f.write_str("has a SOA record, but is not the zone's own name"),
            Self::NoNameServer => f.write_str("the zone has no NS record at its own name"),
            Self::CnameWithOther(rtype) => write!(f, "has a CNAME and also {rtype}"),
            Self::SecondAlias(rtype) => write!(f, "has more than one {rtype}"),
            Self::NoDataType(rtype) => write!(f, "{rtype} is no type of data"),
            Self::TtlsDiffer(rtype) => {
                write!(f, "the TTLs of its {rtype} records differ; the smallest holds")
            }
            Self::NoAddress => f.write_str("is a name server of this zone and has no address here"),
            Self::NameServerIsAlias => f.write_str("is a name server, and an alias"),
            Self::Occluded(rtype) => {
                write!(f, "nobody is given its {rtype}: it is below a delegation or a DNAME")
            }
            Self::BadNsec3 => f.write_str("its NSEC3 parameters are not known here: no proofs"),
        }
    }
}

/// Why a zone cannot be served: its problems, at least one, in the order of the file.
#[derive(Clone, Debug)]
pub struct ZoneError {
    problems: Vec<Problem>,
}

impl ZoneError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// What is wrong, warnings included.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The first error, and how many more there are.
impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.problems.iter().filter(|problem| !problem.is_warning());
        match errors.next() {
            Some(first) => first.fmt(f)?,
            None => f.write_str("the zone cannot be served")?,
        }
        match errors.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl Error for ZoneError {}
