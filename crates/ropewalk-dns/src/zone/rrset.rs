//! [`RrSet`]: the records of one name and type, as they lie in an answer.
//!
//! Each record is kept in wire form with a pointer to the question's name as its owner (the name is always at the
//! message's twelfth byte). So the answer to most questions is one copy of all of it.

use domain::base::iana::{Class, Rtype};

use crate::server::{Answer, Need, Section};

/// The records of one name and type.
#[derive(Clone, Debug)]
pub(crate) struct RrSet {
    pub(crate) rtype: Rtype,
    pub(crate) ttl: u32,
    count: u16,
    records: Box<[u8]>,
    /// The signatures that cover it.
    pub(crate) signatures: Option<Box<Self>>,
}

/// Pointer, type, class, TTL and length.
const BEFORE_DATA_BYTES: usize = 12;

/// A pointer to the question's name.
const QUESTION_POINTER: [u8; 2] = [0xC0, 12];

impl RrSet {
    /// Records with this data, each in wire form with whole names. At most 65,535 count.
    pub(crate) fn new<'r>(
        rtype: Rtype,
        ttl: u32,
        data: impl IntoIterator<Item = &'r [u8]>,
    ) -> Self {
        let (mut records, mut count) = (Vec::new(), 0u16);
        for rdata in data {
            let (Some(more), Ok(length)) = (count.checked_add(1), u16::try_from(rdata.len()))
            else {
                break;
            };
            count = more;
            records.extend_from_slice(&QUESTION_POINTER);
            records.extend_from_slice(&rtype.to_int().to_be_bytes());
            records.extend_from_slice(&Class::IN.to_int().to_be_bytes());
            records.extend_from_slice(&ttl.to_be_bytes());
            records.extend_from_slice(&length.to_be_bytes());
            records.extend_from_slice(rdata);
        }
        Self { rtype, ttl, count, records: records.into(), signatures: None }
    }

    /// The same records with another TTL, and their signatures with it, too.
    pub(crate) fn with_ttl(&self, ttl: u32) -> Self {
        let signatures = self.signatures.as_ref().map(|set| Box::new(set.with_ttl(ttl)));
        Self { signatures, ..Self::new(self.rtype, ttl, self.data()) }
    }

    /// How many records it has.
    #[cfg(test)]
    fn count(&self) -> u16 {
        self.count
    }

    /// The data of each record.
    pub(crate) fn data(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.records;
        std::iter::from_fn(move || {
            let (before, after) = rest.split_at_checked(BEFORE_DATA_BYTES)?;
            let length = usize::from(u16::from_be_bytes([before[10], before[11]]));
            let (rdata, after) = after.split_at_checked(length)?;
            rest = after;
            Some(rdata)
        })
    }

    /// Appends it, owned by the name asked for (`None`) or by `owner`; with its signatures if they are wanted.
    pub(crate) fn push(
        &self,
        answer: &mut Answer<'_>,
        (section, need): (Section, Need),
        owner: Option<&[u8]>,
        signed: bool,
    ) -> bool {
        let fits = match owner {
            None => answer.push_at_question(section, need, self.rtype, self.count, &self.records),
            Some(owner) => {
                let (rtype, class, ttl) = (self.rtype, Class::IN, self.ttl);
                answer.push_rrset(section, need, owner, rtype, class, ttl, self.data())
            }
        };
        match &self.signatures {
            Some(signatures) if signed && fits => {
                signatures.push(answer, (section, need), owner, false)
            }
            _ => fits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_comes_back_as_it_was_given() {
        let data: [&[u8]; 2] = [&[192, 0, 2, 1], &[192, 0, 2, 2]];
        let set = RrSet::new(Rtype::A, 60, data);
        assert_eq!((set.count(), set.data().collect::<Vec<_>>()), (2, data.to_vec()));
        assert_eq!(set.with_ttl(5).data().collect::<Vec<_>>(), data);
    }
}
