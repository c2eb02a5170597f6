//! [`Exchanged`]: an answer, as `ropewalk lookup` shows it: like `dig`, in short, or as JSON.

use std::time::Duration;

use ropewalk::dns::base::iana::Rtype;
use ropewalk::dns::rdata::AllRecordData;
use ropewalk::dns::{MessageRecord, Response, Via};
use serde_json::{Value, json};

/// A question and its answer.
pub(crate) struct Exchanged {
    pub(crate) response: Response,
    pub(crate) via: Via,
    pub(crate) took: Duration,
}

impl Exchanged {
    /// All sections, and who has answered, how fast.
    pub(crate) fn like_dig(&self) -> String {
        let (response, question) = (&self.response, self.response.question());
        let (header, counts) = (response.message().header(), response.message().header_counts());
        let mut text = format!(
            ";; ->>HEADER<<- opcode: QUERY, status: {}, id: {}\n;; flags: {}; QUERY: {}, ANSWER: {}, \
             AUTHORITY: {}, ADDITIONAL: {}\n\n",
            response.rcode(),
            header.id(),
            self.flags().join(" "),
            counts.qdcount(),
            counts.ancount(),
            counts.nscount(),
            counts.arcount(),
        );
        if let Some(opt) = response.message().opt() {
            let (version, bytes) = (opt.version(), opt.udp_payload_size());
            let dnssec = if opt.dnssec_ok() { " do" } else { "" };
            text += ";; OPT PSEUDOSECTION:\n";
            text += &format!("; EDNS: version: {version}, flags:{dnssec}; udp: {bytes}\n");
        }
        let (name, rtype) = (question.qname().fmt_with_dot(), question.qtype());
        text += &format!(";; QUESTION SECTION:\n;{name}\t\t{}\t{rtype}\n\n", question.qclass());
        text += &section("ANSWER", response.answers());
        text += &section("AUTHORITY", response.authorities());
        text += &section("ADDITIONAL", additionals(response));
        let (took, server) = (self.took.as_millis(), self.server());
        let bytes = response.message().as_slice().len();
        text += &format!(
            ";; Query time: {took} msec\n;; SERVER: {server}\n;; MSG SIZE  rcvd: {bytes}\n"
        );
        text
    }

    fn flags(&self) -> Vec<&'static str> {
        let header = self.response.message().header();
        let flags = [
            ("qr", header.qr()),
            ("aa", header.aa()),
            ("tc", header.tc()),
            ("rd", header.rd()),
            ("ra", header.ra()),
            ("ad", header.ad()),
            ("cd", header.cd()),
        ];
        flags.into_iter().filter(|flag| flag.1).map(|flag| flag.0).collect()
    }

    /// A line for the data of each answer, aliases among them.
    pub(crate) fn short(&self) -> String {
        self.response.answers().map(|record| format!("{}\n", data_of(&record))).collect()
    }

    /// One line.
    pub(crate) fn json(&self) -> String {
        let response = &self.response;
        let question = response.question();
        let whole = json!({
            "name": question.qname().fmt_with_dot().to_string(),
            "type": question.qtype().to_string(),
            "rcode": response.rcode().to_string(),
            "flags": self.flags(),
            "answers": response.answers().map(|record| shown(&record)).collect::<Vec<_>>(),
            "authorities": response.authorities().map(|record| shown(&record)).collect::<Vec<_>>(),
            "additionals": additionals(response).map(|record| shown(&record)).collect::<Vec<_>>(),
            "server": self.server(),
            "milliseconds": self.took.as_secs_f64() * 1e3,
            "bytes": response.message().as_slice().len(),
        });
        format!("{whole}\n")
    }

    fn server(&self) -> String {
        let server = self.response.server();
        match &self.via {
            Via::Udp => format!("{server} (UDP)"),
            Via::Tcp => format!("{server} (TCP)"),
            Via::Tls { .. } => format!("{server} (TLS)"),
        }
    }
}

/// Without the OPT record, which is none.
fn additionals(response: &Response) -> impl Iterator<Item = MessageRecord<'_>> {
    response.additionals().filter(|record| record.rtype() != Rtype::OPT)
}

/// A section with its title and an empty line; nothing if it is empty.
fn section<'a>(title: &str, records: impl Iterator<Item = MessageRecord<'a>>) -> String {
    let lines: String = records
        .map(|record| {
            let (name, ttl) = (name_of(&record), record.ttl().as_secs());
            let (class, rtype, data) = (record.class(), record.rtype(), data_of(&record));
            format!("{name}\t{ttl}\t{class}\t{rtype}\t{data}\n")
        })
        .collect();
    if lines.is_empty() { lines } else { format!(";; {title} SECTION:\n{lines}\n") }
}

/// With a dot at its end.
fn name_of(record: &MessageRecord<'_>) -> String {
    with_dot(record.owner().to_string())
}

fn with_dot(name: String) -> String {
    if name.ends_with('.') { name } else { name + "." }
}

fn shown(record: &MessageRecord<'_>) -> Value {
    json!({
        "name": name_of(record),
        "ttl": record.ttl().as_secs(),
        "class": record.class().to_string(),
        "type": record.rtype().to_string(),
        "data": data_of(record),
    })
}

/// The data as in a zone file, unless it is malformed for its type.
fn data_of(record: &MessageRecord<'_>) -> String {
    let Ok(record) = record.to_any_record::<AllRecordData<_, _>>() else {
        return "; malformed".to_owned();
    };
    match record.data() {
        AllRecordData::Srv(srv) => {
            let target = with_dot(srv.target().to_string());
            format!("{} {} {} {target}", srv.priority(), srv.weight(), srv.port())
        }
        // One line needs no brackets around it.
        data @ (AllRecordData::Tlsa(_) | AllRecordData::Sshfp(_)) => {
            data.to_string().replace(['(', ')'], "").replace("  ", " ").trim_end().to_owned()
        }
        data => data.to_string(),
    }
}
