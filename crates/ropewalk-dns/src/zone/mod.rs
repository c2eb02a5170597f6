//! Zones: read from master files, kept in wire form, answered from.
//!
//! [`read_zone`] makes a [`Zone`] of a master file, and says with file and line what is wrong with it. A [`Catalogue`]
//! holds the zones for all threads; an [`Authority`] is the [`Responder`](crate::server::Responder) that answers from
//! them on one.

mod answer;
mod authority;
mod catalogue;
mod check;
mod denial;
mod entries;
mod file;
mod generate;
mod journal;
mod problem;
mod record;
mod rrset;
mod soa;
#[allow(clippy::module_inception, reason = "the noun of this room is the zone")]
mod zone;

pub use authority::{Authority, AuthoritySettings};
pub use catalogue::Catalogue;
pub use file::{Include, read_zone};
pub use journal::{Difference, Journal};
pub use problem::{Place, Problem, ProblemKind, ZoneError};
pub use record::ZoneRecord;
pub use soa::{Soa, is_newer};
pub(crate) use zone::SetPlace;
pub use zone::{RecordRef, SharedZone, Zone};
