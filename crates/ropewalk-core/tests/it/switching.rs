//! One connection, several protocols; and chunks that are kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{Chunk, ConnectionLimits, Cx, Event, Protocol};
use ropewalk_testing::{Log, Recorder};

use crate::puppet::Stage;

/// Each byte is a request, and each request hands the connection on to the next one's.
struct OneByte(Rc<Cell<usize>>);

impl Protocol for OneByte {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.0.set(self.0.get() + 1);
        cx.switch_protocol(Self(self.0.clone()), data[1..].to_vec());
    }
}

#[test]
fn pipelined_switches_need_no_stack() {
    let stage = Stage::new();
    let count = Rc::new(Cell::new(0));
    let for_factory = count.clone();
    let transport =
        stage.connect_to(ConnectionLimits::default(), move || OneByte(for_factory.clone()));
    stage.hand.data(transport.slot_id(), &[b'x'; 5_000]);
    (0..6_000).for_each(|_| stage.turn());
    assert_eq!(count.get(), 5_000);
}

#[test]
fn switches_do_not_keep_the_loop() {
    let stage = Stage::new();
    let count = Rc::new(Cell::new(0));
    let for_factory = count.clone();
    let transport =
        stage.connect_to(ConnectionLimits::default(), move || OneByte(for_factory.clone()));
    stage.hand.data(transport.slot_id(), &[b'x'; 1_000]);
    stage.turn();
    assert!(count.get() < 10, "{} in one turn", count.get());
}

/// STARTTLS's first half: refuses what came behind the command.
struct Starts {
    next: Log,
    refused: Rc<Cell<usize>>,
}

impl Protocol for Starts {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let rest = data.strip_prefix(b"STARTTLS\r\n").expect("the test says so");
        if rest.is_empty() {
            cx.switch_protocol(Recorder::new(&self.next), Bytes::new());
        } else {
            self.refused.set(rest.len());
            cx.transport().abort_connection();
        }
    }
}

#[test]
fn what_is_pipelined_behind_a_command_can_be_seen_and_refused() {
    for (said, refused) in [(&b"STARTTLS\r\nRCPT"[..], 4), (b"STARTTLS\r\n", 0)] {
        let stage = Stage::new();
        let (next, count) = (Log::default(), Rc::new(Cell::new(0)));
        let (for_next, for_count) = (next.clone(), count.clone());
        let transport = stage.connect_to(ConnectionLimits::default(), move || Starts {
            next: for_next.clone(),
            refused: for_count.clone(),
        });
        stage.hand.data(transport.slot_id(), said);
        stage.turns();
        assert_eq!((count.get(), next.is_made()), (refused, refused == 0));
    }
}

/// Keeps each chunk whole.
struct Keeps(Rc<RefCell<Vec<Bytes>>>);

impl Protocol for Keeps {
    fn chunk_received(&mut self, _: &mut Cx<'_>, mut chunk: Chunk<'_>) {
        chunk.as_mut().make_ascii_uppercase();
        self.0.borrow_mut().push(chunk.into_bytes());
    }
}

#[test]
fn a_chunk_is_changed_in_place_and_a_full_one_is_stolen() {
    let stage = Stage::new();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let for_factory = kept.clone();
    let transport =
        stage.connect_to(ConnectionLimits::default(), move || Keeps(for_factory.clone()));
    let id = transport.slot_id();
    let places = Rc::new(RefCell::new(Vec::new()));
    for count in [10, 1000] {
        let places = places.clone();
        stage.hand.tell(move |sink| {
            let mut buffer = vec![b'x'; 1000];
            let at = buffer.as_ptr();
            let chunk = Chunk::from_buffer(&mut buffer, count);
            sink.event(id, Event::Received(chunk));
            places.borrow_mut().push((at, buffer.len()));
        });
    }
    stage.turns();
    let (kept, places) = (kept.borrow(), places.borrow());
    assert_eq!((&kept[0][..], &kept[1][..]), (&[b'X'; 10][..], &[b'X'; 1000][..]));
    assert_eq!((places[0].1, places[1].1), (1000, 0), "the full one is gone, the other stays");
    assert_ne!(kept[0].as_ptr(), places[0].0);
    assert_eq!(kept[1].as_ptr(), places[1].0, "it is the same memory");
}
