//! [`Output`]: a line for each address, collected here and written by a thread.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::path::Path;

use ropewalk::Failure;
use ropewalk::dns::{Finished, Outcome};

use crate::rdns_input::Done;

/// What a line looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// The address, a tab, and the names, or in brackets why there are none
    Text,
    /// address,status,names under a head line
    Csv,
    /// An object of JSON
    Json,
}

/// Lines that wait to be written.
pub(crate) struct Output {
    format: Format,
    lines: Vec<u8>,
    /// `None` while a thread writes.
    sink: Option<Sink>,
    /// A buffer that was written, to be used again.
    spare: Vec<u8>,
}

/// Where lines go.
pub(crate) type Sink = Box<dyn Write + Send>;

/// With so much waiting it is written at once.
const DUE_BYTES: usize = 64 << 10;
/// With so much, nothing new is looked up until it is written: some seconds' worth.
const FULL_BYTES: usize = 4 << 20;

const CSV_HEAD: &[u8] = b"address,status,names\n";

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, lines: Vec::new(), sink: None, spare: Vec::new() }
    }

    /// Writes there, from the beginning.
    pub(crate) fn begin(&mut self, sink: Sink) {
        self.sink = Some(sink);
        self.push_head();
    }

    fn push_head(&mut self) {
        if self.format == Format::Csv {
            self.lines.extend_from_slice(CSV_HEAD);
        }
    }

    /// Writes to a new file.
    pub(crate) fn create(&mut self, path: &Path) -> Result<(), Failure> {
        let created = File::create(path);
        self.begin(Box::new(created.map_err(|error| opening(error, path))?));
        Ok(())
    }

    /// Writes on where a file ends, after the last line that is whole; says what it has.
    pub(crate) fn resume(&mut self, path: &Path) -> Result<Done, Failure> {
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = options.map_err(|error| opening(error, path))?;
        let (done, end) = self.lines_in(&file).map_err(|error| opening(error, path))?;
        if end == 0 {
            self.push_head();
        }
        let cut = file.set_len(end).and_then(|()| (&file).seek(SeekFrom::End(0)));
        cut.map_err(|error| opening(error, path))?;
        self.sink = Some(Box::new(file));
        Ok(done)
    }

    /// The whole lines of a file, and where they end.
    fn lines_in(&self, file: &File) -> io::Result<(Done, u64)> {
        let mut reader = BufReader::with_capacity(DUE_BYTES, file);
        let (mut line, mut last, mut count, mut end) = (Vec::new(), Vec::new(), 0_u64, 0_u64);
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.pop() == Some(b'\n') {
                end += line.len() as u64 + 1;
                count += 1;
                std::mem::swap(&mut line, &mut last);
            }
            line.clear();
        }
        let has_head = self.format == Format::Csv && count > 0;
        let count = count - u64::from(has_head);
        let last = (count > 0).then(|| self.address_in(&String::from_utf8_lossy(&last)));
        Ok((Done { count, last }, end))
    }

    fn address_in(&self, line: &str) -> String {
        let (before, after) = match self.format {
            Format::Text => ("", '\t'),
            Format::Csv => ("", ','),
            Format::Json => ("{\"address\":\"", '"'),
        };
        let line = line.strip_prefix(before).unwrap_or_default();
        line.split(after).next().unwrap_or_default().to_owned()
    }

    /// A line more.
    pub(crate) fn push(&mut self, finished: &Finished<'_>) {
        let out = &mut self.lines;
        let address = finished.address;
        // Into memory, which takes all.
        let _ = match (self.format, finished.outcome) {
            (Format::Text, Outcome::Names(names)) => {
                push_address(out, address);
                [b"\t", names.as_bytes(), b"\n"]
                    .iter()
                    .for_each(|part| out.extend_from_slice(part));
                Ok(())
            }
            (Format::Text, other) => writeln!(out, "{address}\t({})", said(other)),
            (Format::Csv, Outcome::Names(names)) => writeln!(out, "{address},ok,{names}"),
            (Format::Csv, other) => writeln!(out, "{address},{},", status(other)),
            (Format::Json, _) => push_json(out, finished),
        };
    }

    /// Whether it is worth writing.
    pub(crate) fn is_due(&self) -> bool {
        self.lines.len() >= DUE_BYTES
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lines.len() >= FULL_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What waits is not written any more.
    pub(crate) fn discard(&mut self) {
        self.lines.clear();
    }

    /// What is to be written, and where, for a thread.
    pub(crate) fn lend_sink(&mut self) -> Option<(Sink, Vec<u8>)> {
        if self.is_empty() {
            return None;
        }
        let sink = self.sink.take()?;
        let spare = std::mem::take(&mut self.spare);
        Some((sink, std::mem::replace(&mut self.lines, spare)))
    }

    /// It is written.
    pub(crate) fn give_back(&mut self, sink: Sink, mut written: Vec<u8>) {
        written.clear();
        self.sink = Some(sink);
        self.spare = written;
    }
}

fn opening(error: io::Error, path: &Path) -> Failure {
    Failure::from(error).context(format!("open {}", path.display()))
}

/// As `Display` writes it, without what that needs for all other cases: there is one in each line.
fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(ip) = address else {
        let _ = write!(out, "{address}");
        return;
    };
    for (place, byte) in ip.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        if byte >= 100 {
            out.push(b'0' + byte / 100);
        }
        if byte >= 10 {
            out.push(b'0' + byte / 10 % 10);
        }
        out.push(b'0' + byte % 10);
    }
}

/// For people.
fn said(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::NoSuchName => "no such name".to_owned(),
        Outcome::NoData => "no name".to_owned(),
        Outcome::TimedOut => "timed out".to_owned(),
        other => status(other),
    }
}

/// For programs.
fn status(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Names(_) => "ok".to_owned(),
        Outcome::NoSuchName => "nxdomain".to_owned(),
        Outcome::NoData => "nodata".to_owned(),
        Outcome::Failed(rcode) => rcode.to_string().to_ascii_lowercase(),
        Outcome::TimedOut => "timeout".to_owned(),
        Outcome::Unreachable => "unreachable".to_owned(),
    }
}

/// Names hold nothing that JSON minds but backslashes.
fn push_json(out: &mut Vec<u8>, finished: &Finished<'_>) -> io::Result<()> {
    write!(out, "{{\"address\":\"{}\"", finished.address)?;
    write!(out, ",\"status\":\"{}\",\"names\":[", status(finished.outcome))?;
    if let Outcome::Names(names) = finished.outcome {
        for (place, name) in names.split(' ').enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(out, "{comma}\"{}\"", name.replace('\\', "\\\\"))?;
        }
    }
    let milliseconds = finished.took.as_secs_f64() * 1e3;
    writeln!(out, "],\"milliseconds\":{milliseconds:.3},\"tries\":{}}}", finished.tries)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ropewalk::dns::base::iana::OptRcode;

    use super::*;

    fn lines(format: Format) -> String {
        let mut output = Output::new(format);
        output.begin(Box::new(io::sink()));
        let outcomes = [
            Outcome::Names(r"a.example b\032c.example"),
            Outcome::NoSuchName,
            Outcome::NoData,
            Outcome::Failed(OptRcode::SERVFAIL),
            Outcome::TimedOut,
            Outcome::Unreachable,
        ];
        for (last, outcome) in (1..).zip(outcomes) {
            let address = IpAddr::from([192, 0, 2, last]);
            let took = Duration::from_micros(1500);
            output.push(&Finished { address, outcome, took, tries: 2 });
        }
        String::from_utf8(output.lines).expect("text")
    }

    #[test]
    fn a_line_says_what_became_of_its_address() {
        assert_eq!(
            lines(Format::Text),
            "192.0.2.1\ta.example b\\032c.example\n192.0.2.2\t(no such name)\n192.0.2.3\t(no name)\n\
             192.0.2.4\t(servfail)\n192.0.2.5\t(timed out)\n192.0.2.6\t(unreachable)\n"
        );
        assert_eq!(
            lines(Format::Csv),
            "address,status,names\n192.0.2.1,ok,a.example b\\032c.example\n192.0.2.2,nxdomain,\n\
             192.0.2.3,nodata,\n192.0.2.4,servfail,\n192.0.2.5,timeout,\n192.0.2.6,unreachable,\n"
        );
        let json = lines(Format::Json);
        let lines: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let names = serde_json::json!(["a.example", r"b\032c.example"]);
        assert_eq!((lines.len(), &lines[0]["names"]), (6, &names));
        assert_eq!((&lines[4]["status"], &lines[4]["tries"]), (&"timeout".into(), &2.into()));
        assert_eq!(lines[0]["milliseconds"], 1.5);
    }

    #[test]
    fn an_output_is_resumed_after_its_last_whole_line() {
        let name = format!("ropewalk-rdns-output-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        for format in [Format::Text, Format::Csv, Format::Json] {
            let whole = lines(format);
            for cut in 0..=whole.len() {
                std::fs::write(&path, &whole[..cut]).expect("a file");
                let done = Output::new(format).resume(&path).expect("it is there");
                let kept = std::fs::read_to_string(&path).expect("a file");
                let end = whole[..cut].rfind('\n').map_or(0, |at| at + 1);
                assert_eq!(kept, whole[..end]);
                let head = usize::from(format == Format::Csv);
                let count = kept.lines().count().saturating_sub(head);
                assert_eq!(done.count, count as u64);
                let last = (count > 0).then(|| format!("192.0.2.{count}"));
                assert_eq!(done.last, last);
            }
        }
        std::fs::remove_file(&path).expect("a file");
    }

    #[test]
    fn an_address_is_written_as_everywhere_else() {
        for text in ["0.0.0.0", "1.10.100.255", "9.99.199.200", "2001:db8::1", "::ffff:1.2.3.4"] {
            let (address, mut out): (IpAddr, _) = (text.parse().expect("an address"), Vec::new());
            push_address(&mut out, address);
            assert_eq!(String::from_utf8(out).expect("text"), address.to_string());
        }
    }
}
