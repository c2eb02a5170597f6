//! A server of names that gets any datagram: it does not panic, and what it says is an answer to that question, no longer than
//! may be, and can be read. Good questions are answered as before.
#![no_main]

mod dns_zone;

use std::cell::RefCell;
use std::rc::Rc;

use domain::base::Message;
use domain::rdata::AllRecordData;
use libfuzzer_sys::fuzz_target;
use ropewalk_core::{Address, DatagramProtocol, DatagramTransport, Loop, Wait};
use ropewalk_testing::{MemoryDatagramEndpoint, MemoryDriver, Network};

type Heard = Rc<RefCell<Vec<Vec<u8>>>>;

struct Ear(Heard);

impl DatagramProtocol for Ear {
    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], _: &Address) {
        self.0.borrow_mut().push(data.to_vec());
    }
}

struct Rig {
    main_loop: Loop,
    asker: DatagramTransport,
    heard: Heard,
}

impl Rig {
    fn new() -> Self {
        let main_loop = Loop::new(MemoryDriver::new(Network::default()));
        let reactor = main_loop.reactor();
        let server = dns_zone::server();
        let socket = reactor.open(&MemoryDatagramEndpoint::new("dns"), server.datagrams());
        main_loop.run_until(socket).expect("it opens");
        let heard = Heard::default();
        let asker = MemoryDatagramEndpoint::connected_to("dns");
        let asker = reactor.open(&asker, Ear(heard.clone()));
        let asker = main_loop.run_until(asker).expect("it opens");
        Self { main_loop, asker, heard }
    }

    fn send(&self, message: &[u8]) -> Vec<Vec<u8>> {
        self.asker.send(message.to_vec());
        for _ in 0..4 {
            self.main_loop.turn(Wait::No).expect("it is no guest").expect("it goes on");
        }
        self.heard.take()
    }
}

thread_local! {
    static RIG: Rig = Rig::new();
}

const GOOD: &[u8] = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x02ns\x07example\0\0\x01\0\x01";

fuzz_target!(|input: &[u8]| {
    RIG.with(|rig| {
        for said in rig.send(input) {
            assert!(said.len() <= 1232 && said[..2] == input[..2] && said[2] & 0x80 != 0);
            let message = Message::from_octets(&said[..]).expect("it has a header");
            for section in [message.answer(), message.authority(), message.additional()] {
                for record in section.expect("its sections can be read") {
                    let record = record.expect("its records can be read");
                    record.to_any_record::<AllRecordData<_, _>>().expect("and their data");
                }
            }
        }
        let good = rig.send(GOOD);
        assert!(good.len() == 1 && good[0].ends_with(&[192, 0, 2, 1]));
    });
});
