//! What only a ring of another size shows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::rc::Rc;

use ropewalk_core::{Cx, Loop, Protocol, Wait};

use crate::readiness::Readiness;
use crate::ring::{Ring, Sizes};
use crate::{NetDriver, TcpServerEndpoint};

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

/// Far more than a queue of eight takes.
const CROWD: usize = 64;

#[test]
fn more_is_done_at_once_than_the_queue_has_room_for() {
    let sizes = Sizes { submissions: 4, completions: 8, buffers: 16 };
    let Ok(ring) = Ring::with_sizes(&sizes) else { return };
    let driver = Rc::new(Readiness::over(ring));
    let main_loop = Loop::new(NetDriver::over(driver.clone()));
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let port = main_loop.run_until(main_loop.reactor().listen(&server, || Echo)).unwrap();
    let host = port.host().ip().unwrap();
    let mut clients: Vec<_> = (0..CROWD).map(|_| TcpStream::connect(host).unwrap()).collect();
    clients.iter_mut().for_each(|client| client.set_nonblocking(true).unwrap());
    let mut overflowed = 0;
    for round in 0..20 {
        clients.iter_mut().for_each(|client| client.write_all(&[round]).unwrap());
        let mut silent: Vec<_> = clients.iter_mut().collect();
        while !silent.is_empty() {
            main_loop.turn(Wait::No).unwrap().unwrap();
            overflowed += usize::from(driver.poller.overflows());
            let is_heard = |client: &mut &mut TcpStream| {
                let mut byte = [0];
                client.read(&mut byte).is_ok_and(|count| (count, byte) == (1, [round]))
            };
            silent.retain_mut(|client| !is_heard(client));
        }
    }
    assert!(overflowed > 0, "the queue was never full");
    drop(clients);
    while port.live() > 0 {
        main_loop.turn(Wait::No).unwrap().unwrap();
    }
}
