//! [`Pipe`]: one direction of a connection in memory, as its sender has it.
//!
//! Bytes that the heart gave wait here until the network has room for them; then they are under way, and from
//! the receiver's reading them news of room comes back. This file counts; when and where things arrive is the
//! [`World`](crate::world::World)'s affair.

use std::any::Any;
use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use ropewalk_core::{FileRange, OutQueue, Segment, Time};

#[derive(Default)]
pub(crate) struct Pipe {
    waiting: VecDeque<Item>,
    /// Bytes under way, or waiting at the receiver.
    under_way: usize,
    /// Bytes that have been put on their way since the beginning.
    passed: u64,
    /// When the last thing that was put on its way arrives: nothing overtakes it.
    pub(crate) last_arrival: Time,
    end_wanted: bool,
    ended: bool,
}

/// What travels over a connection.
pub(crate) enum Item {
    Bytes(Bytes),
    Attachment(Box<dyn Any>),
    End,
}

fn read(range: &FileRange) -> io::Result<Bytes> {
    let mut bytes = vec![0; range.len];
    let mut file = &*range.file;
    file.seek(SeekFrom::Start(range.offset))?;
    match file.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(io::Error::other("the file became shorter before it was sent"))
        }
        read => read.map(|()| bytes.into()),
    }
}

impl Pipe {
    /// Takes all that is in `out`; gives the number of bytes. What lies in a file is read.
    pub(crate) fn take(&mut self, out: &mut OutQueue) -> io::Result<usize> {
        let count = out.len();
        while let Some(segment) = out.take_segment() {
            match segment {
                Segment::Bytes(bytes) => self.waiting.push_back(Item::Bytes(bytes)),
                Segment::Attachment(object) => self.waiting.push_back(Item::Attachment(object)),
                Segment::File(range) => self.waiting.push_back(Item::Bytes(read(&range)?)),
                _ => {}
            }
        }
        Ok(count)
    }

    /// Whether there is something that has no room yet.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Once everything is on its way, the end follows.
    pub(crate) fn end(&mut self) {
        self.end_wanted = true;
    }

    /// The next thing that there is room for, of at most `most` bytes.
    pub(crate) fn next(&mut self, capacity: usize, most: usize) -> Option<Item> {
        match self.waiting.front_mut() {
            None => {
                let ends = self.end_wanted && !std::mem::replace(&mut self.ended, self.end_wanted);
                ends.then_some(Item::End)
            }
            Some(Item::Bytes(bytes)) => {
                let room = capacity.max(1).saturating_sub(self.under_way);
                let step = room.min(most.max(1)).min(bytes.len());
                if step == 0 {
                    return None;
                }
                let piece = bytes.split_to(step);
                if bytes.is_empty() {
                    self.waiting.pop_front();
                }
                self.under_way += step;
                self.passed += step as u64;
                Some(Item::Bytes(piece))
            }
            Some(_) => self.waiting.pop_front(),
        }
    }

    /// The receiver has read so many bytes.
    pub(crate) fn make_room(&mut self, count: usize) {
        self.under_way = self.under_way.saturating_sub(count);
    }

    /// How many more bytes may pass before byte number `limit` has.
    pub(crate) fn before(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.passed)
    }
}
