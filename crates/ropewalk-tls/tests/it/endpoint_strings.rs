//! What `tls:` strings mean, and where they are wrong.

use ropewalk_net::new_loop;
use ropewalk_tls::{Identity, endpoints};

use crate::rig::{AUTHORITY, Directory};

struct Files(Directory);

impl Files {
    fn new() -> Self {
        let directory = Directory::new();
        let Identity::Pem { certificate, key } = AUTHORITY.server(&["localhost"]) else {
            unreachable!()
        };
        directory.write("c.pem", &certificate);
        directory.write("k.pem", &key);
        directory.write("both.pem", &[certificate, key].concat());
        directory.write("ca.pem", &AUTHORITY.pem());
        Self(directory)
    }

    /// `text` with `@` as the directory.
    fn place(&self, text: &str) -> String {
        text.replace('@', self.0.join("").to_str().unwrap().trim_end_matches('/'))
    }
}

#[test]
fn every_argument_is_known() {
    let (event_loop, files) = (new_loop(None).unwrap(), Files::new());
    let known = endpoints(event_loop.reactor());
    for text in [
        "tls:443:cert=@/c.pem:key=@/k.pem",
        "tls:443:cert=@/both.pem",
        "tls:443:interface=[::1]:backlog=5:cert=@/c.pem:key=@/k.pem:alpn=h2,http/1.1",
        "tls:443:cert=@/c.pem,@/both.pem:key=@/k.pem,@/both.pem",
        "tls:443:cert=@/both.pem:clientCAs=@/ca.pem:clientAuth=optional:handshakeTimeout=2.5",
        "tls:port=443:cert=@/both.pem:noDelay=no:reusePort=yes",
    ] {
        let text = files.place(text);
        assert!(known.server(&text).is_ok(), "{text}: {:?}", known.server(&text).err());
    }
    for text in [
        "tls:example.com:443:cafile=@/ca.pem",
        "tls:example.com:443:trustRoots=@/ca.pem:servername=other.example:timeout=5",
        "tls:[::1]:443:verify=no:alpn=http/1.1",
        "tls:example.com:443:cafile=@/ca.pem:cert=@/c.pem:key=@/k.pem:bindAddress=127.0.0.1",
    ] {
        let text = files.place(text);
        assert!(known.client(&text).is_ok(), "{text}: {:?}", known.client(&text).err());
    }
}

#[test]
fn an_error_points_at_its_place() {
    let (event_loop, files) = (new_loop(None).unwrap(), Files::new());
    let known = endpoints(event_loop.reactor());
    for (text, at, why) in [
        ("tls:443", "", "the cert is missing"),
        ("tls:x:cert=@/both.pem", "x:", "\"x\" is not a port number (0 to 65535)"),
        ("tls:443:cert=@/no.pem", "cert=", "@/no.pem: No such file or directory (os error 2)"),
        ("tls:443:cert=@/c.pem:key=@/k.pem,@/k.pem", "key=", "1 certificates have 2 keys"),
        (
            "tls:443:cert=@/both.pem:clientAuth=no:clientCAs=@/ca.pem",
            "clientAuth",
            "\"no\" is not required or optional",
        ),
        (
            "tls:443:cert=@/both.pem:clientAuth=optional",
            "clientAuth",
            "this is of no use without clientCAs=",
        ),
        (
            "tls:443:cert=@/both.pem:alpn=h2,,x",
            "alpn",
            "the name of an application protocol has 1 to 255 bytes",
        ),
        (
            "tls:443:cert=@/both.pem:handshakeTimeout=-1",
            "handshakeTimeout",
            "-1 is not a number of seconds",
        ),
        ("tls:443:cert=@/both.pem:mode=660", "mode", "tls: has no argument mode="),
    ] {
        let text = files.place(text);
        let error = known.server(&text).err().expect("it is wrong");
        let place = if at.is_empty() { text.len() } else { text.find(at).unwrap() };
        let expected =
            format!("bad endpoint {text:?}: at character {}: {}", place + 1, files.place(why));
        assert_eq!(error.to_string(), expected);
    }
    for (text, at, why) in [
        ("tls:a:443:cafile=@/no.pem", "cafile", "@/no.pem: No such file or directory (os error 2)"),
        ("tls:a:443:verify=perhaps", "verify", "\"perhaps\" is not yes or no"),
        ("tls:a:443:cafile=@/ca.pem:key=@/k.pem", "key", "a key without its certificate (cert=)"),
    ] {
        let text = files.place(text);
        let error = known.client(&text).err().expect("it is wrong");
        let place = text.find(at).unwrap();
        let expected =
            format!("bad endpoint {text:?}: at character {}: {}", place + 1, files.place(why));
        assert_eq!(error.to_string(), expected);
    }
}
