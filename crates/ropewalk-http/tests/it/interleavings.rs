//! Requests that are sent in any pieces, answered at any time, read or not, to a client that takes the answers when
//! it likes: in the end each is answered, once and in its order, and each body that was read is whole.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_http::{HttpFactory, Request};
use ropewalk_testing::Conversation;

use crate::served;

/// A generator of numbers that a seed makes again (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("smaller than the bound")
    }
}

/// A request that the responder has kept, with how long its body is, as its target says.
#[derive(Clone, Default)]
struct Waiting(Rc<RefCell<Vec<Request>>>);

const REQUESTS: usize = 12;

/// All requests on the wire, and the length of each one's body.
fn requests(chance: &mut Chance) -> Vec<u8> {
    let mut wire = Vec::new();
    for number in 0..REQUESTS {
        let len = [0, 1, 500, 70_000, 150_000][chance.below(5)];
        let body = vec![b'x'; len];
        let head = format!("PUT /{number}/{len} HTTP/1.1\r\nHost: x\r\n");
        wire.extend_from_slice(head.as_bytes());
        if chance.below(2) == 0 {
            wire.extend_from_slice(format!("Content-Length: {len}\r\n\r\n").as_bytes());
            wire.extend_from_slice(&body);
        } else {
            wire.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(1 + chance.below(90_000)) {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
        }
    }
    wire
}

/// Answers in one of the ways there are.
fn answer(request: Request, chance: &mut Chance) {
    let (number, len) = request.path()[1..].split_once('/').expect("what was asked for");
    let (number, len) = (number.to_owned(), len.parse::<usize>().expect("a length"));
    let answer = format!("<{number}>");
    let padding = " ".repeat([0, 2_000, 300_000][chance.below(3)]);
    match chance.below(4) {
        // Before the body is read, which nobody wants.
        0 => request.finish_with(answer + &padding),
        1 => {
            drop(request.take_body());
            request.write(answer.as_bytes());
            request.write_bytes(padding);
            request.finish();
        }
        // Behind the body.
        2 => {
            let body = request.take_body().collect(1 << 20);
            drop(body.add_callback(move |body| {
                assert_eq!(body.len(), len);
                request.finish_with(answer + &padding);
            }));
        }
        // Piece by piece, as the body comes.
        _ => {
            let reactor = request.transport().reactor().clone();
            drop(reactor.spawn(async move {
                let body = request.take_body();
                request.write(answer.as_bytes());
                let mut total = 0;
                while let Some(piece) = body.next().await? {
                    total += piece.len();
                    request.drained().await?;
                }
                assert_eq!(total, len);
                request.finish();
                Ok(())
            }));
        }
    }
}

fn converse(seed: u64) -> Conversation<HttpFactory> {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let waiting = Waiting::default();
    let kept = waiting.clone();
    let server = served(move |request: Request| kept.0.borrow_mut().push(request));
    let wire = requests(&mut chance);
    let mut rest = &wire[..];
    let mut answered = 0;
    let mut turns = 0;
    while answered < REQUESTS {
        turns += 1;
        assert!(
            turns < 100_000,
            "seed {seed}: {answered} are answered, {} bytes unsent",
            rest.len()
        );
        match chance.below(5) {
            0 | 1 => {
                let most = [10, 3_000, 100_000][chance.below(3)];
                let piece = rest.len().min(1 + chance.below(most));
                server.feed(&rest[..piece]);
                rest = &rest[piece..];
            }
            2 => server.peer().transport().pause_producing(),
            3 => {
                server.peer().transport().resume_producing();
                server.feed(b"");
            }
            _ => {
                let next = waiting.0.borrow_mut().pop();
                if let Some(request) = next {
                    answer(request, &mut chance);
                    answered += 1;
                    server.feed(b"");
                }
            }
        }
    }
    server.peer().transport().resume_producing();
    server.feed(rest);
    server
}

#[test]
fn each_request_is_answered_once_and_in_its_order() {
    for seed in 0..150 {
        let server = converse(seed);
        assert!(server.lost().is_none(), "seed {seed}: {:?}", server.lost());
        let written = String::from_utf8(server.written()).expect("text");
        let found: Vec<&str> =
            written.split('<').skip(1).filter_map(|part| part.split('>').next()).collect();
        let expected: Vec<String> = (0..REQUESTS).map(|number| number.to_string()).collect();
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(written.matches("HTTP/1.1 200 OK\r\n").count(), REQUESTS, "seed {seed}");
    }
}
