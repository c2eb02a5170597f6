//! What endpoint strings mean, and where the bad ones go wrong.

use ropewalk_core::{EndpointError, Endpoints};
use ropewalk_net::endpoints;

use crate::rig::any_driver;

fn known() -> Endpoints {
    endpoints(any_driver().reactor())
}

#[test]
fn good_strings_are_understood() {
    let known = known();
    for text in [
        "tcp:8080",
        "tcp:0:127.0.0.1:50",
        "tcp:port=80:interface=127.0.0.1:backlog=5:reusePort=yes:noDelay=no:keepAlive=60",
        r"tcp:80:interface=\:\:1",
        "tcp:80:interface=[::1]:dualStack=yes",
        "unix:/run/x.sock",
        "unix:/run/x.sock:660:50",
        "unix:/run/x.sock:mode=0660:backlog=5",
        "unix:@name",
        "unix:abstract=name",
        "stdio:",
        "fd:3",
        "systemd:domain=INET:index=0",
        "systemd:name=web",
        "systemd:",
    ] {
        assert!(known.server(text).is_ok(), "{text}");
    }
    for text in [
        "tcp:example.com:80",
        "tcp:host=example.com:port=80:timeout=2.5:bindAddress=127.0.0.1",
        "tcp:[::1]:80",
        r"tcp:\:\:1:80",
        "unix:/run/x.sock:timeout=5",
        "unix:@name",
        "stdio:",
        "fd:3",
    ] {
        assert!(known.client(text).is_ok(), "{text}");
    }
    for text in [
        "udp:53",
        "udp:0:interface=127.0.0.1:reusePort=1:reuseAddress=1:broadcast=yes",
        "udp:5353:group=224.0.0.251:groupInterface=127.0.0.1:loop=no:ttl=4",
        "udp:5353:interface=[::]:group=[ff02::fb]:groupInterface=1",
        "udp:example.com:53",
        "udp:[::1]:53:bindAddress=[::1]",
        "unixgram:/run/x.sock:mode=660",
        "unixgram:connect=/dev/log",
        "unixgram:@name:connect=@other",
    ] {
        assert!(known.datagram(text).is_ok(), "{text}");
    }
}

#[test]
fn an_error_points_at_the_place() {
    let known = known();
    let server = |text: &str| said(known.server(text));
    let client = |text: &str| said(known.client(text));
    let datagram = |text: &str| said(known.datagram(text));
    for (said, expected) in [
        (
            server("tcp:http"),
            r#""tcp:http": at character 5: "http" is not a port number (0 to 65535)"#,
        ),
        (
            server("tcp:70000"),
            r#""tcp:70000": at character 5: "70000" is not a port number (0 to 65535)"#,
        ),
        (server("tcp"), r#""tcp": at character 4: the port is missing"#),
        (
            server("tcp:80:interface=localhost"),
            r#""tcp:80:interface=localhost": at character 8: "localhost" is not an IP address"#,
        ),
        (
            server("tcp:80:backlog=-1"),
            r#""tcp:80:backlog=-1": at character 8: -1 is not a number of connections"#,
        ),
        (server("tcp:80:mode=1"), r#""tcp:80:mode=1": at character 8: tcp: has no argument mode="#),
        (
            server("tcp:80:noDelay=maybe"),
            r#""tcp:80:noDelay=maybe": at character 8: "maybe" is not yes or no"#,
        ),
        (
            server("tcp:80:interface=::1"),
            r#""tcp:80:interface=::1": at character 8: "" is not an IP address; ::1 is written [::1]"#,
        ),
        (server("unix:@"), r#""unix:@": at character 6: the name is empty"#),
        (server("unix:"), r#""unix:": at character 6: the address is missing"#),
        (
            server("unix:/x:mode=999"),
            r#""unix:/x:mode=999": at character 9: "999" is not a file mode (octal, as in 660)"#,
        ),
        (server("fd:x"), r#""fd:x": at character 4: "x" is not the number of a descriptor"#),
        (server("fd:-1"), r#""fd:-1": at character 4: -1 is not the number of a descriptor"#),
        (
            server("stdio:1"),
            r#""stdio:1": at character 7: "1" is one argument too many for stdio:"#,
        ),
        (
            server("systemd:domain=IPX"),
            r#""systemd:domain=IPX": at character 9: "IPX" is not INET, INET6 or UNIX"#,
        ),
        (
            server("htp:80"),
            r#""htp:80": at character 1: "htp" is no server endpoint; known are fd: stdio: systemd: tcp: unix:"#,
        ),
        (client("tcp:example.com"), r#""tcp:example.com": at character 16: the port is missing"#),
        (client("tcp::80"), r#""tcp::80": at character 5: the host is empty"#),
        (
            client("tcp:example.com:80:timeout=soon"),
            r#""tcp:example.com:80:timeout=soon": at character 20: "soon" is not a number of seconds"#,
        ),
        (
            client("tcp:example.com:80:timeout=-1"),
            r#""tcp:example.com:80:timeout=-1": at character 20: -1 is not a number of seconds"#,
        ),
        (
            client("tcp:example.com:80:bindAddress=here"),
            r#""tcp:example.com:80:bindAddress=here": at character 20: "here" is not an IP address"#,
        ),
        (
            datagram("udp:dns"),
            r#""udp:dns": at character 5: "dns" is not a port number (0 to 65535)"#,
        ),
        (
            datagram("udp:53:group=10.0.0.1"),
            r#""udp:53:group=10.0.0.1": at character 8: 10.0.0.1 is not a multicast address"#,
        ),
        (datagram("unixgram:"), r#""unixgram:": at character 10: the address is missing"#),
        (
            datagram("unixgram:mode=660"),
            r#""unixgram:mode=660": at character 18: the address is missing"#,
        ),
    ] {
        assert_eq!(said, format!("bad endpoint {expected}"));
    }
}

fn said<T>(parsed: Result<T, EndpointError>) -> String {
    match parsed {
        Ok(_) => "it is understood".to_owned(),
        Err(error) => error.to_string(),
    }
}
