//! A message as this crate reads it.

use domain::base::iana::{Class, Rtype};
use domain::base::opt::Opt;
use domain::base::{Message, ToName};

use super::reading::{Data, Item, Reading};
use crate::client::Response;
use crate::{Question, RecordSet};

/// What [`Response`] makes of a message, and [`RecordSet`] of its records.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let message = match Message::from_octets(bytes::Bytes::copy_from_slice(bytes)) {
        Ok(message) => message,
        Err(error) => return reading.refused(&error),
    };
    for question in message.question() {
        match question {
            Ok(question) => reading.questions.push(Item {
                owner: question.qname().to_vec().as_slice().to_ascii_lowercase(),
                rtype: question.qtype().to_int(),
                class: question.qclass().to_int(),
                ttl: 0,
                data: Data::Other,
            }),
            Err(error) => return reading.refused(&error),
        }
    }
    for record in &message {
        let record = match record {
            Ok((record, _)) => record,
            Err(error) => {
                let any = Question::new_in(crate::Name::root_bytes(), Rtype::A);
                let whole = Response::new(message.as_octets().clone(), any, nowhere());
                assert!(whole.is_err(), "a message is believed that cannot be read");
                return reading.refused(&error);
            }
        };
        let (owner, rtype) = (record.owner().to_vec(), record.rtype());
        let is_malformed = record.class() == Class::IN
            || rtype == Rtype::OPT && record.to_record::<Opt<_>>().is_err();
        let data = match RecordSet::from_records(rtype, [record.clone()]) {
            Some(set) => Data::Read(set.wire().next().unwrap_or(&[]).to_vec()),
            None if is_malformed => Data::Malformed(String::new()),
            None => Data::Other,
        };
        reading.records.push(Item {
            owner: owner.as_slice().to_ascii_lowercase(),
            rtype: rtype.to_int(),
            class: record.class().to_int(),
            ttl: record.ttl().as_secs(),
            data,
        });
    }
    let any = Question::new_in(crate::Name::root_bytes(), Rtype::A);
    match Response::new(message.into_octets(), any, nowhere()) {
        Ok(response) => reading.rcode = Some(response.rcode().to_int()),
        Err(error) => panic!("each record is read and the message is not: {error}"),
    }
    reading
}

fn nowhere() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([0; 4], 0))
}
