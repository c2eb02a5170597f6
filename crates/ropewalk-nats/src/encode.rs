//! Lines of a client.

use serde_json::json;

use crate::NatsOptions;

/// Says who we are. No `+OK` to everything (`verbose`), no headers.
pub(crate) fn connect(options: &NatsOptions) -> String {
    let mut said = json!({
        "verbose": false, "pedantic": false, "tls_required": false, "headers": false,
        "echo": !options.no_echo, "protocol": 1, "lang": "rust", "version": env!("CARGO_PKG_VERSION"),
    });
    let names = [
        ("name", Some(&options.name).filter(|name| !name.is_empty())),
        ("user", options.user.as_ref()),
        ("pass", options.password.as_ref()),
        ("auth_token", options.token.as_ref()),
    ];
    for (name, value) in names {
        if let Some(value) = value {
            said[name] = value.as_str().into();
        }
    }
    format!("CONNECT {said}\r\n")
}

/// A message; the subjects have been looked at.
pub(crate) fn publish(subject: &str, reply: Option<&str>, payload: &[u8]) -> Vec<u8> {
    let line = match reply {
        Some(reply) => format!("PUB {subject} {reply} {}\r\n", payload.len()),
        None => format!("PUB {subject} {}\r\n", payload.len()),
    };
    [line.as_bytes(), payload, b"\r\n"].concat()
}

pub(crate) fn subscribe(subject: &str, group: Option<&str>, number: u64) -> String {
    match group {
        Some(group) => format!("SUB {subject} {group} {number}\r\n"),
        None => format!("SUB {subject} {number}\r\n"),
    }
}

pub(crate) fn unsubscribe(number: u64) -> String {
    format!("UNSUB {number}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_said() {
        let plain = connect(&NatsOptions::default());
        assert!(plain.contains("\"echo\":true") && !plain.contains("\"name\""), "{plain}");
        let options = NatsOptions {
            name: "a \"chat\"".into(),
            no_echo: true,
            token: Some("s3cret".into()),
            ..NatsOptions::default()
        };
        let said = connect(&options);
        assert!(said.contains(r#""name":"a \"chat\"""#), "{said}");
        assert!(
            said.contains(r#""echo":false"#) && said.contains(r#""auth_token":"s3cret""#),
            "{said}"
        );
    }

    #[test]
    fn a_payload_is_counted_in_bytes() {
        assert_eq!(publish("a", None, "é".as_bytes()), "PUB a 2\r\né\r\n".as_bytes());
        assert_eq!(publish("a", Some("b"), b""), b"PUB a b 0\r\n\r\n");
        assert_eq!(subscribe("a.*", Some("g"), 7), "SUB a.* g 7\r\n");
    }
}
