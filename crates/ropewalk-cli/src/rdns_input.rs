//! [`Input`]: addresses out of lines, as many as a line stands for, without holding more than a piece of the file.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::net::IpAddr;
use std::path::Path;

use ropewalk::{Failure, FailureKind};

/// Addresses, in the order of their lines.
pub(crate) struct Input {
    /// `None` while a thread reads, and after the end.
    source: Option<Source>,
    has_ended: bool,
    /// What was read and not taken, from `at` on.
    bytes: Vec<u8>,
    at: usize,
    range: Option<Range>,
    line: u64,
    bad_lines: u64,
    /// How many are to be passed over, and what the last of them must be.
    skip: u64,
    last_skipped: Option<String>,
    /// Nobody is told of bad lines.
    is_silent: bool,
}

/// Where the lines come from.
pub(crate) struct Source(Box<dyn Read + Send>);

/// What [`Input::take`] gives.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    Address(IpAddr),
    /// The next piece of the file.
    NeedsMore,
    End,
}

/// What was done before, by the output.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Done {
    pub(crate) count: u64,
    /// The address of its last line.
    pub(crate) last: Option<String>,
}

/// Addresses from one to another, of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    first: u128,
    last: u128,
    is_ipv6: bool,
}

/// Bytes read at a time.
const PIECE_BYTES: usize = 64 << 10;
/// A line for a range has no more than 80.
const LINE_BYTES_MAX: usize = 1024;
/// More addresses of one line are a mistake: asking for them takes days.
const RANGE_ADDRESSES_MAX: u128 = 1 << 32;

impl Source {
    /// The next piece; empty at the end.
    pub(crate) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match self.0.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    piece.truncate(read?);
                    return Ok(piece);
                }
            }
        }
    }
}

impl Input {
    /// The lines of a file; of standard input, if it is called `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::new(io::stdin()));
        }
        let opened = File::open(path);
        Ok(Self::new(
            opened.map_err(|error| {
                Failure::from(error).context(format!("open {}", path.display()))
            })?,
        ))
    }

    fn new(source: impl Read + Send + 'static) -> Self {
        Self {
            source: Some(Source(Box::new(source))),
            has_ended: false,
            bytes: Vec::new(),
            at: 0,
            range: None,
            line: 0,
            bad_lines: 0,
            skip: 0,
            last_skipped: None,
            is_silent: false,
        }
    }

    /// Passes over what was done.
    pub(crate) fn skip(&mut self, done: Done) {
        self.skip = done.count;
        self.last_skipped = done.last;
    }

    pub(crate) fn to_skip(&self) -> u64 {
        self.skip
    }

    pub(crate) fn bad_lines(&self) -> u64 {
        self.bad_lines
    }

    /// How many addresses there are, reading to the end.
    pub(crate) fn count(mut self) -> Option<u64> {
        self.is_silent = true;
        let mut count = 0_u64;
        loop {
            match self.next_range() {
                Some(range) => count = count.saturating_add(range.len()),
                None if self.has_ended => return Some(count),
                None => {
                    let mut source = self.lend_source()?;
                    let piece = source.read().ok()?;
                    self.feed(source, &piece);
                }
            }
        }
    }

    /// The source, to be read in a thread and fed.
    pub(crate) fn lend_source(&mut self) -> Option<Source> {
        self.source.take()
    }

    /// Takes what was read; nothing means the end.
    pub(crate) fn feed(&mut self, source: Source, piece: &[u8]) {
        self.source = Some(source);
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(piece);
        if piece.is_empty() {
            self.has_ended = true;
            if self.bytes.last().is_some_and(|last| *last != b'\n') {
                self.bytes.push(b'\n');
            }
        }
    }

    /// The next address.
    ///
    /// # Errors
    /// What was done before is not what this input begins with.
    pub(crate) fn take(&mut self) -> Result<Taken, Failure> {
        loop {
            if self.range.is_none() {
                self.range = self.next_range();
            }
            match &mut self.range {
                None if self.has_ended && self.skip > 0 => {
                    return Err(other_input("it is shorter"));
                }
                None if self.has_ended => return Ok(Taken::End),
                None => return Ok(Taken::NeedsMore),
                Some(range) if self.skip >= range.len() => {
                    self.skip -= range.len();
                    let last = range.at(range.last);
                    self.range = None;
                    self.check_skipped(last)?;
                }
                Some(range) => {
                    if self.skip > 0 {
                        range.first += u128::from(self.skip);
                        self.skip = 0;
                        let last = range.at(range.first - 1);
                        self.check_skipped(last)?;
                        continue;
                    }
                    let address = range.at(range.first);
                    self.range = range.rest();
                    return Ok(Taken::Address(address));
                }
            }
        }
    }

    /// When all has been passed over, the last must be what the output ends with.
    fn check_skipped(&mut self, last: IpAddr) -> Result<(), Failure> {
        match self.last_skipped.take_if(|_| self.skip == 0) {
            Some(expected) if expected != last.to_string() => {
                Err(other_input(&format!("it ends with {expected}, and here that is {last}")))
            }
            _ => Ok(()),
        }
    }

    /// Of the next line that has any.
    fn next_range(&mut self) -> Option<Range> {
        loop {
            let rest = &self.bytes[self.at..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                if rest.len() > LINE_BYTES_MAX {
                    self.shorten();
                }
                return None;
            };
            let line = &rest[..end];
            let only = address_only(line);
            let line =
                if only.is_some() { String::new() } else { String::from_utf8_lossy(line).into() };
            self.at += end + 1;
            self.line += 1;
            if let Some(address) = only {
                return Range::new(address, address);
            }
            match range_in(&line) {
                Ok(Some(range)) => return Some(range),
                Ok(None) => {}
                Err(why) => self.tell_of(&why),
            }
        }
    }

    /// Of a line that is too long the beginning is enough to be told of.
    fn shorten(&mut self) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.truncate(LINE_BYTES_MAX);
    }

    fn tell_of(&mut self, why: &str) {
        self.bad_lines += 1;
        if !self.is_silent {
            let (mut stderr, line) = (io::stderr(), self.line);
            // There may be a bar in its place.
            let clear = if stderr.is_terminal() { "\r\x1b[K" } else { "" };
            // Nobody may be there to read it.
            let _ = writeln!(stderr, "{clear}ropewalk: line {line}: {why}");
        }
    }
}

/// The address that a line is: nearly all are nothing else.
fn address_only(line: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(line.trim_ascii()).ok()?.parse().ok()
}

fn other_input(why: &str) -> Failure {
    let why = format!("the output is not of this input, so it cannot be resumed: {why}");
    Failure::new(FailureKind::Local, why)
}

impl Range {
    fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        let number = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip),
        };
        let is_ipv6 = first.is_ipv6();
        let range = Self { first: number(first), last: number(last), is_ipv6 };
        (is_ipv6 == last.is_ipv6() && range.first <= range.last).then_some(range)
    }

    fn len(&self) -> u64 {
        u64::try_from(self.last - self.first).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn at(&self, number: u128) -> IpAddr {
        match self.is_ipv6 {
            true => IpAddr::V6(number.into()),
            false => IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()),
        }
    }

    /// Without the first.
    fn rest(self) -> Option<Self> {
        (self.first < self.last).then(|| Self { first: self.first + 1, ..self })
    }
}

/// What a line stands for: nothing, an address, a network, or a range.
fn range_in(line: &str) -> Result<Option<Range>, String> {
    let text = line.split('#').next().unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let shown: String = text.chars().take(80).collect();
    let ip = |part: &str| part.trim().parse::<IpAddr>().ok();
    let range = if let Some((network, bits)) = text.split_once('/') {
        ip(network).zip(bits.trim().parse().ok()).and_then(|(ip, bits)| network_of(ip, bits))
    } else if let Some((first, last)) = text.split_once('-') {
        ip(first).zip(ip(last)).and_then(|(first, last)| Range::new(first, last))
    } else {
        ip(text).and_then(|ip| Range::new(ip, ip))
    };
    let range = range.ok_or_else(|| format!("{shown:?} is no address, network or range"))?;
    if range.last - range.first >= RANGE_ADDRESSES_MAX {
        return Err(format!("{shown:?} has more than 2^32 addresses"));
    }
    Ok(Some(range))
}

fn network_of(ip: IpAddr, bits: u32) -> Option<Range> {
    match ip {
        IpAddr::V4(ip) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let first = u32::from(ip) & !host;
            (bits <= 32).then(|| Range::new(first_v4(first), first_v4(first | host)))?
        }
        IpAddr::V6(ip) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let first = u128::from(ip) & !host;
            let (first, last) = (IpAddr::V6(first.into()), IpAddr::V6((first | host).into()));
            (bits <= 128).then(|| Range::new(first, last))?
        }
    }
}

fn first_v4(number: u32) -> IpAddr {
    IpAddr::V4(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, piece: usize, done: Done) -> Result<(Vec<String>, u64), String> {
        let mut input = Input::new(io::empty());
        input.is_silent = true;
        input.skip(done);
        let mut pieces = text.as_bytes().chunks(piece);
        let mut addresses = Vec::new();
        loop {
            match input.take().map_err(|failure| failure.to_string())? {
                Taken::Address(address) => addresses.push(address.to_string()),
                Taken::End => return Ok((addresses, input.bad_lines())),
                Taken::NeedsMore => {
                    let source = input.lend_source().expect("it was given back");
                    input.feed(source, pieces.next().unwrap_or_default());
                }
            }
        }
    }

    const TEXT: &str = "192.0.2.1\n# comment\n\n 192.0.2.8/30 # net\n2001:db8::1-2001:db8::3\nnonsense\n\
        192.0.2.255-192.0.3.1\n192.0.2.9/33\n192.0.2.9-192.0.2.1\n192.0.2.1-::1\n::/64\n2001:db8::fff9/127";
    const ADDRESSES: &[&str] = &[
        "192.0.2.1",
        "192.0.2.8",
        "192.0.2.9",
        "192.0.2.10",
        "192.0.2.11",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::3",
        "192.0.2.255",
        "192.0.3.0",
        "192.0.3.1",
        "2001:db8::fff8",
        "2001:db8::fff9",
    ];

    #[test]
    fn lines_stand_for_addresses_however_they_are_cut() {
        for piece in [1, 7, 1000] {
            let (addresses, bad_lines) = all(TEXT, piece, Done::default()).expect("it is read");
            assert_eq!(addresses, ADDRESSES);
            assert_eq!(bad_lines, 5);
        }
        assert_eq!(Input::new(TEXT.as_bytes()).count(), Some(ADDRESSES.len() as u64));
        let (one, bad) = all(&format!("{}\n192.0.2.1\n", "x".repeat(5000)), 100, Done::default())
            .expect("it is read");
        assert_eq!((one, bad), (vec!["192.0.2.1".to_owned()], 1));
    }

    #[test]
    fn what_was_done_is_passed_over_wherever_it_ended() {
        for count in 0..=ADDRESSES.len() {
            let last = count.checked_sub(1).map(|last| ADDRESSES[last].to_owned());
            let done = Done { count: count as u64, last };
            let (addresses, _) = all(TEXT, 10, done).expect("it is the same input");
            assert_eq!(addresses, ADDRESSES[count..]);
        }
    }

    #[test]
    fn another_input_is_noticed() {
        let done = |count, last: &str| Done { count, last: Some(last.to_owned()) };
        let said = all(TEXT, 10, done(3, "192.0.2.77")).expect_err("it is another");
        assert!(said.ends_with("it ends with 192.0.2.77, and here that is 192.0.2.9"), "{said}");
        let said = all(TEXT, 10, done(99, "192.0.2.1")).expect_err("it is another");
        assert!(said.ends_with("it is shorter"), "{said}");
    }

    #[test]
    fn the_largest_networks_are_cut_right() {
        let range = |text| range_in(text).expect("a range").expect("it is not empty");
        assert_eq!(range("0.0.0.0/0").len(), 1 << 32);
        assert_eq!(range("255.255.255.255/32").len(), 1);
        assert_eq!(range("2001:db8::/96").len(), 1 << 32);
        assert!(range_in("2001:db8::/95").is_err());
        assert_eq!(range("10.1.2.3/8").at(range("10.1.2.3/8").first).to_string(), "10.0.0.0");
    }
}
