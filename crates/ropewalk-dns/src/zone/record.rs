//! [`ZoneRecord`]: one record on its way into a zone or out of it.

use domain::base::iana::Rtype;

use super::problem::Place;

/// A record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Whose it is, in wire form, as it was written.
    pub owner: Box<[u8]>,
    /// Its type.
    pub rtype: Rtype,
    /// Seconds for which others may keep it.
    pub ttl: u32,
    /// Its data in wire form; the names in it are whole.
    pub data: Box<[u8]>,
    /// Where it stands, if it is from a file.
    pub place: Option<Place>,
}
