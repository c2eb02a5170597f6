//! [`Incoming`]: a zone, or how it has changed, put together from the records of a transfer as they come.
//!
//! A whole zone begins and ends with its SOA (RFC 5936, section 2.2). Differences do so too, and in between each is the
//! old SOA, what is removed, the new SOA, what is added (RFC 1995, section 4). Which of both an answer is shows with its
//! second record.

use domain::base::iana::Rtype;

use crate::zone::{Difference, Soa, ZoneRecord, is_newer};

/// What has come so far.
pub(super) struct Incoming {
    /// The serial number that this side has, if it asks for differences.
    have: Option<u32>,
    /// The new one.
    serial: u32,
    state: State,
    bytes: usize,
    bytes_max: usize,
}

enum State {
    Nothing,
    /// The first SOA.
    Soa(ZoneRecord),
    Whole(Vec<ZoneRecord>),
    Removing(Vec<Difference>),
    Adding(Vec<Difference>),
    Done(Came),
}

/// What a transfer has brought.
#[derive(Debug)]
pub(crate) enum Came {
    /// The version that this side has is the last.
    UpToDate,
    /// The records of the zone.
    Whole(Vec<ZoneRecord>),
    /// What has changed.
    Differences(Vec<Difference>),
}

/// Why a transfer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTransfer {
    /// The records are not in an order that means anything.
    Disorder,
    /// There are too many.
    TooLong,
}

/// What a record takes beside its name and its data; for the limit.
const RECORD_BYTES: usize = 64;

impl Incoming {
    /// Nothing yet. `bytes_max` is what all records may take in memory.
    pub(super) fn new(have: Option<u32>, bytes_max: usize) -> Self {
        Self { have, serial: 0, state: State::Nothing, bytes: 0, bytes_max }
    }

    /// Takes a record.
    pub(super) fn push(&mut self, record: ZoneRecord) -> Result<(), NoTransfer> {
        self.bytes += RECORD_BYTES + record.owner.len() + record.data.len();
        if self.bytes > self.bytes_max {
            return Err(NoTransfer::TooLong);
        }
        let soa = match record.rtype {
            Rtype::SOA => Some(Soa::read(&record.data).ok_or(NoTransfer::Disorder)?.serial),
            _ => None,
        };
        let state = std::mem::replace(&mut self.state, State::Nothing);
        self.state = self.next(state, record, soa)?;
        Ok(())
    }

    fn next(
        &mut self,
        state: State,
        record: ZoneRecord,
        soa: Option<u32>,
    ) -> Result<State, NoTransfer> {
        Ok(match (state, soa) {
            (State::Nothing, Some(serial)) => {
                self.serial = serial;
                State::Soa(record)
            }
            (State::Soa(_), Some(serial)) if Some(serial) == self.have && serial != self.serial => {
                State::Removing(vec![difference_from(record, serial)])
            }
            (State::Soa(first), None) => State::Whole(vec![first, record]),
            (State::Whole(records), Some(serial)) if serial == self.serial => {
                State::Done(Came::Whole(records))
            }
            (State::Whole(mut records), None) => {
                records.push(record);
                State::Whole(records)
            }
            (State::Removing(mut all), soa) => {
                let last = all.last_mut().ok_or(NoTransfer::Disorder)?;
                match soa {
                    Some(serial) => {
                        last.to = serial;
                        last.added.push(record);
                        State::Adding(all)
                    }
                    None => {
                        last.removed.push(record);
                        State::Removing(all)
                    }
                }
            }
            (State::Adding(mut all), soa) => {
                let last = all.last_mut().ok_or(NoTransfer::Disorder)?;
                match soa {
                    Some(serial) if serial != last.to => return Err(NoTransfer::Disorder),
                    Some(serial) if serial == self.serial => State::Done(Came::Differences(all)),
                    Some(serial) => {
                        all.push(difference_from(record, serial));
                        State::Removing(all)
                    }
                    None => {
                        last.added.push(record);
                        State::Adding(all)
                    }
                }
            }
            _ => return Err(NoTransfer::Disorder),
        })
    }

    /// A message has ended: a SOA alone, which is no newer, says that there is nothing to be had.
    pub(super) fn message_ended(&mut self) {
        if matches!(self.state, State::Soa(_))
            && self.have.is_some_and(|have| !is_newer(self.serial, have))
        {
            self.state = State::Done(Came::UpToDate);
        }
    }

    /// What has come, if that is all.
    pub(super) fn take_done(&mut self) -> Option<Came> {
        match std::mem::replace(&mut self.state, State::Nothing) {
            State::Done(came) => Some(came),
            state => {
                self.state = state;
                None
            }
        }
    }
}

fn difference_from(soa: ZoneRecord, from: u32) -> Difference {
    Difference { from, to: from, removed: vec![soa], added: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soa(serial: u32) -> ZoneRecord {
        let data = [b"\0\0".as_slice(), &serial.to_be_bytes(), &[0; 16]].concat();
        ZoneRecord {
            owner: b"\0"[..].into(),
            rtype: Rtype::SOA,
            ttl: 0,
            data: data.into(),
            place: None,
        }
    }

    fn address(last: u8) -> ZoneRecord {
        let data = [192, 0, 2, last];
        ZoneRecord { rtype: Rtype::A, data: data.into(), ..soa(0) }
    }

    fn come(have: Option<u32>, records: Vec<ZoneRecord>) -> Result<Option<Came>, NoTransfer> {
        let mut incoming = Incoming::new(have, 10_000);
        for record in records {
            incoming.push(record)?;
        }
        incoming.message_ended();
        Ok(incoming.take_done())
    }

    #[test]
    fn a_whole_zone_ends_with_its_soa() {
        let zone = vec![soa(7), address(1), address(2), soa(7)];
        for have in [None, Some(3)] {
            let came = come(have, zone.clone());
            assert!(matches!(came, Ok(Some(Came::Whole(records))) if records.len() == 3));
        }
        assert!(matches!(come(None, zone[..3].to_vec()), Ok(None)));
        assert!(come(None, vec![soa(7), address(1), soa(8)]).is_err());
        assert!(come(None, vec![address(1)]).is_err());
        assert!(come(None, vec![soa(7), soa(7)]).is_err());
    }

    #[test]
    fn differences_follow_each_other() {
        let records = vec![
            soa(3),
            soa(1),
            address(1),
            soa(2),
            address(2),
            address(3),
            soa(2),
            soa(3),
            address(4),
            soa(3),
        ];
        let Ok(Some(Came::Differences(all))) = come(Some(1), records.clone()) else {
            panic!("they are differences")
        };
        let shape = |d: &Difference| (d.from, d.to, d.removed.len(), d.added.len());
        assert_eq!(all.iter().map(shape).collect::<Vec<_>>(), [(1, 2, 2, 3), (2, 3, 1, 2)]);
        assert!(come(Some(2), records.clone()).is_err(), "they begin too early");
        let mut gap = records;
        gap[6] = soa(9);
        assert!(come(Some(1), gap).is_err());
    }

    #[test]
    fn a_soa_alone_says_that_nothing_is_newer() {
        assert!(matches!(come(Some(7), vec![soa(7)]), Ok(Some(Came::UpToDate))));
        assert!(matches!(come(Some(7), vec![soa(8)]), Ok(None)), "more is to come");
        assert!(matches!(come(None, vec![soa(7)]), Ok(None)));
    }

    #[test]
    fn too_much_is_refused() {
        let many = (0..200).map(|_| address(1));
        let all = std::iter::once(soa(1)).chain(many).collect();
        assert_eq!(come(None, all).map(drop), Err(NoTransfer::TooLong));
    }
}
