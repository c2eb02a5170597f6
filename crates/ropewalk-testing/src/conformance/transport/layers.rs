//! Layers: a barrier in the stream, in both directions, that no handle notices.

use bytes::Bytes;
use ropewalk_core::{Chunk, Failure, FailureKind, Layer, LayerIo, OutQueue, Wait};

use crate::conformance::setup::{Bench, Ends};
use crate::conformance::suite::Case;
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(what_was_written_before_a_layer_leaves_plain_and_the_rest_through_it),
        Case::of(bytes_that_came_with_the_agreement_pass_the_layer),
        Case::of(layers_stack_and_keep_the_order),
        Case::of(bytes_held_for_a_pause_pass_a_layer_that_is_put_in),
        Case::of(a_layer_says_goodbye_before_the_end),
        Case::of(a_layer_that_fails_is_the_reason_of_the_loss),
        Case::of(many_bytes_pass_a_layer),
        Case::of(what_a_layer_delivers_in_a_flush_waits_for_the_ready_phase),
    ]
}

/// Turns every byte by a key; says so at the end; breaks at a byte that is none.
struct Xor {
    key: u8,
    goodbye: &'static [u8],
    breaks_at: Option<u8>,
}

impl Xor {
    fn new(key: u8) -> Self {
        Self { key, goodbye: b"", breaks_at: None }
    }

    fn turn(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ self.key).collect()
    }
}

impl Layer for Xor {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        let plain = self.turn(chunk.as_slice());
        if self.breaks_at.is_some_and(|bad| plain.contains(&bad)) {
            return Err(Failure::new(FailureKind::Peer, "a byte that is none"));
        }
        io.deliver(&plain);
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        while !from.is_empty() {
            let turned = self.turn(from.first());
            from.advance(turned.len());
            io.send(&turned);
        }
        Ok(())
    }

    fn close(&mut self, io: &mut LayerIo<'_>) {
        io.send(&self.turn(self.goodbye));
    }
}

fn turned(bytes: &[u8], key: u8) -> Vec<u8> {
    Xor::new(key).turn(bytes)
}

fn what_was_written_before_a_layer_leaves_plain_and_the_rest_through_it(bench: Bench) {
    let ends = bench.ends();
    let client = ends.client.transport();
    client.write(b"plain ");
    client.start_layer(Xor::new(0x20), Bytes::new());
    client.write(b"SECRET");
    bench.until("both", || ends.server.data_len() == 12);
    assert_eq!(ends.server.data(), b"plain secret", "turned by the key, upper case is lower");
    ends.server.transport().write(b"TURNED");
    bench.until("the other direction", || ends.client.data() == b"turned");
    assert_eq!(client.buffered(), 0);
}

/// The server starts the layer at a newline; what is behind it in the same callback belongs to the layer.
fn starting(log: &Log) -> Recorder {
    let mut started = false;
    Recorder::new(log).reacting(move |cx, event| {
        let Recorded::Data(data) = event else { return };
        let agreed = data.iter().position(|&byte| byte == b'\n');
        if let Some(at) = agreed.filter(|_| !started) {
            started = true;
            cx.transport().write(b"ok\n");
            cx.transport().start_layer(Xor::new(0x15), data[at + 1..].to_vec());
            cx.transport().write(b"from now on");
        }
    })
}

fn bytes_that_came_with_the_agreement_pass_the_layer(bench: Bench) {
    let ends = bench.ends_of(starting, Recorder::new);
    let client = ends.client.transport();
    client.write(b"start\n");
    client.write(&turned(b"hidden", 0x15));
    client.write(&turned(b" and more", 0x15));
    bench.until("all of it", || ends.server.data().ends_with(b"hidden and more"));
    let answer = [b"ok\n".to_vec(), turned(b"from now on", 0x15)].concat();
    bench.until("the answer", || ends.client.data_len() == answer.len());
    assert_eq!(ends.client.data(), answer);
}

fn layers_stack_and_keep_the_order(bench: Bench) {
    let ends = bench.ends();
    for transport in [ends.client.transport(), ends.server.transport()] {
        transport.start_layer(Xor::new(0x33), Bytes::new());
    }
    bench.turn(Wait::No);
    exchange(&bench, &ends, b"through one layer");
    for transport in [ends.client.transport(), ends.server.transport()] {
        transport.start_layer(Xor { goodbye: b"bye", ..Xor::new(0x44) }, Bytes::new());
    }
    exchange(&bench, &ends, b"through two layers");
}

fn exchange(bench: &Bench, ends: &Ends, said: &[u8]) {
    ends.client.transport().write(said);
    ends.server.transport().write(said);
    bench.until("it to arrive", || {
        ends.client.data().ends_with(said) && ends.server.data().ends_with(said)
    });
}

fn bytes_held_for_a_pause_pass_a_layer_that_is_put_in(bench: Bench) {
    let ends = bench.ends();
    ends.server.transport().pause_producing();
    ends.client.transport().write(&turned(b"held", 0x15));
    bench.idle();
    ends.server.transport().start_layer(Xor::new(0x15), Bytes::new());
    bench.idle();
    assert_eq!(ends.server.data_len(), 0, "it is still paused");
    ends.server.transport().resume_producing();
    bench.until("the held bytes", || ends.server.data() == b"held");
}

fn a_layer_says_goodbye_before_the_end(bench: Bench) {
    let ends = bench.ends();
    let client = ends.client.transport();
    client.start_layer(Xor { goodbye: b"GOODBYE", ..Xor::new(0x20) }, Bytes::new());
    client.write(b"WORDS ");
    client.lose_connection();
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(ends.server.data(), b"words\0goodbye");
}

fn a_layer_that_fails_is_the_reason_of_the_loss(bench: Bench) {
    let ends = bench.ends();
    let breaks = Xor { breaks_at: Some(b'!'), ..Xor::new(0) };
    ends.server.transport().start_layer(breaks, Bytes::new());
    ends.client.transport().write(b"good");
    bench.until("the good bytes", || ends.server.data() == b"good");
    ends.client.transport().write(b"bad!");
    let failure = bench.lost(&ends.server);
    assert_eq!(failure.to_string(), "a byte that is none");
    bench.lost(&ends.client);
}

fn many_bytes_pass_a_layer(bench: Bench) {
    let ends = bench.ends();
    for transport in [ends.client.transport(), ends.server.transport()] {
        transport.start_layer(Xor::new(0x5a), Bytes::new());
    }
    let count = u32::try_from(bench.setup.many_bytes / 10).expect("not that many");
    let sent: Vec<u8> = (0..count).flat_map(u32::to_le_bytes).step_by(2).collect();
    ends.client.transport().write_bytes(sent.clone());
    bench.until_count(sent.len(), || ends.server.data_len());
    assert!(ends.server.data() == sent);
    ends.client.transport().lose_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
}

/// Says something to its protocol when it is put in, which is in a flush.
struct Herald {
    said: bool,
}

impl Layer for Herald {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.said, true) {
            io.deliver(b"secure");
        }
        io.send_queue(from);
        Ok(())
    }
}

fn what_a_layer_delivers_in_a_flush_waits_for_the_ready_phase(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().start_layer(Herald { said: false }, Bytes::new());
    // The ready phase of this turn comes before its flush.
    bench.event_loop.turn(Wait::No).expect("no turn is under way").expect("it waits");
    assert_eq!(ends.client.data(), b"", "user code ran in a flush");
    bench.until("it is heard", || ends.client.data() == b"secure");
}
