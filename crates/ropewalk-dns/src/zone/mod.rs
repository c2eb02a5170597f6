//! Zones: read from master files, kept in wire form, answered from.
//!
//! [`read_zone`] makes a [`Zone`] of a master file, and says with file and line what is wrong with it. A [`Catalogue`]
//! holds the zones for all threads; an [`Authority`] is the [`Responder`](crate::server::Responder) that answers from
//! them on one.

mod answer;
mod catalogue;
mod check;
mod denial;
mod entries;
mod file;
mod generate;
mod problem;
mod record;
mod rrset;
mod soa;
#[allow(clippy::module_inception, reason = "the noun of this room is the zone")]
mod zone;

pub use catalogue::{Authority, Catalogue};
pub use file::{Include, read_zone};
pub use problem::{Place, Problem, ProblemKind, ZoneError};
pub use record::ZoneRecord;
pub use soa::{Soa, is_newer};
pub use zone::{RecordRef, SharedZone, Zone};
