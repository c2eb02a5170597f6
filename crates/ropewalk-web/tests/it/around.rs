//! What goes around a resource: logs, compression, authentication, sessions.

use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;

use flate2::read::GzDecoder;
use http::header::{CONTENT_TYPE, ETAG};
use ropewalk_testing::Conversation;
use ropewalk_web::{
    AccessLog, AccessLogForm, BasicAuth, Compression, DigestAuth, Request, Sessions, SigningKey,
    Site, Tree, page,
};

use crate::rig::{ask, body, get, site, status};

#[test]
fn each_request_is_a_line_of_the_log() {
    for form in [AccessLogForm::Combined, AccessLogForm::Json] {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let noted = lines.clone();
        let mut logged = Site::new(Tree::new().with_child("a", page(|_| "hello")));
        logged.log =
            Some(AccessLog::new(form, move |line| noted.borrow_mut().push(line.to_owned())));
        let site = Conversation::new(logged.into_factory());
        ask(&site, "GET", "/a?b", "Referer: http://r/\r\nUser-Agent: t\"x\r\n");
        get(&site, "/none");
        let lines = lines.borrow();
        assert_eq!(lines.len(), 2);
        if form == AccessLogForm::Combined {
            assert!(lines[0].starts_with("- - - ["), "{}", lines[0]);
            assert!(
                lines[0].ends_with("] \"GET /a?b HTTP/1.1\" 200 5 \"http://r/\" \"t\\x22x\""),
                "{}",
                lines[0]
            );
            assert!(lines[1].contains("\"GET /none HTTP/1.1\" 404 "));
        } else {
            assert!(lines[0].starts_with("{\"time\":\"") && lines[0].ends_with(",\"id\":1}"));
            assert!(
                lines[0].contains("\"target\":\"/a?b\"")
                    && lines[0].contains("\"user_agent\":\"t\\\"x\"")
            );
            assert!(lines[1].contains("\"status\":404"));
        }
    }
}

fn compressed_site() -> Conversation<ropewalk_http::HttpFactory> {
    let text = |request: &Request| {
        request.set_header(ETAG, "\"1\"");
        "some text\n".repeat(1000)
    };
    let streamed = |request: &Request| {
        request.set_header(CONTENT_TYPE, "text/plain");
        (0..100).for_each(|n| request.write(format!("line {n}\n").as_bytes()));
        request.finish();
        ropewalk_web::Answer::NotDoneYet
    };
    let image = |request: &Request| {
        request.set_header(CONTENT_TYPE, "image/png");
        vec![b'x'; 10_000]
    };
    let tree = Tree::new()
        .with_child("text", page(text))
        .with_child("short", page(|_| "short"))
        .with_child("stream", page(streamed))
        .with_child("image", page(image));
    let mut site = Site::new(tree);
    site.compression = Some(Compression::default());
    Conversation::new(site.into_factory())
}

/// The last answer's body without its compression.
fn decompressed(
    site: &Conversation<ropewalk_http::HttpFactory>,
    from: usize,
    chunked: bool,
) -> String {
    let written = site.written()[from..].to_vec();
    let at = memchr::memmem::find(&written, b"\r\n\r\n").expect("a head") + 4;
    let mut bytes = written[at..].to_vec();
    if chunked {
        bytes = unchunked(&bytes);
    }
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
    text
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(at) = memchr::memmem::find(bytes, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).expect("hex"), 16)
            .expect("a size");
        out.extend_from_slice(&bytes[at + 2..at + 2 + size]);
        bytes = &bytes[at + size + 4..];
    }
    out
}

#[test]
fn text_is_compressed_for_those_who_take_it() {
    let site = compressed_site();
    let answer = ask(&site, "GET", "/text", "Accept-Encoding: gzip\r\n");
    assert!(
        answer.contains("Content-Encoding: gzip\r\n")
            && answer.contains("Vary: Accept-Encoding\r\n")
    );
    assert!(answer.contains("ETag: W/\"1\"\r\n") && answer.contains("Content-Length: "));
    assert_eq!(decompressed(&site, 0, false), "some text\n".repeat(1000));
    let before = site.written().len();
    ask(&site, "GET", "/stream", "Accept-Encoding: gzip\r\n");
    let text: String = (0..100).map(|n| format!("line {n}\n")).collect();
    assert_eq!(decompressed(&site, before, true), text);
    let plain = get(&site, "/text");
    assert!(!plain.contains("Content-Encoding") && plain.contains("Vary: Accept-Encoding\r\n"));
    for path in ["/short", "/image"] {
        let answer = ask(&site, "GET", path, "Accept-Encoding: gzip\r\n");
        assert!(!answer.contains("Content-Encoding") && !answer.contains("Vary"), "{path}");
    }
    let head = ask(&site, "HEAD", "/text", "Accept-Encoding: gzip\r\n");
    assert!(head.contains("Content-Encoding: gzip") && body(&head).is_empty());
}

#[test]
fn basic_authentication_lets_in_who_knows_the_password() {
    let who = page(|request: &Request| request.user().unwrap_or_default());
    let check = |user: &str, password: &str| user == "ann" && password == "a:b";
    let site = site(Tree::new().with_child("in", BasicAuth::new("the \"room\"", check, who)));
    let refused = get(&site, "/in");
    assert_eq!(status(&refused), 401);
    assert!(refused.contains("WWW-Authenticate: Basic realm=\"the room\", charset=\"UTF-8\"\r\n"));
    let with = |token: &str| ask(&site, "GET", "/in", &format!("Authorization: {token}\r\n"));
    assert_eq!(body(&with("Basic YW5uOmE6Yg==")), "ann");
    assert_eq!(body(&with("basic YW5uOmE6Yg==")), "ann");
    for wrong in ["Basic YW5uOmE=", "Basic !", "Basic", "Bearer YW5uOmE6Yg==", "Basic YW5u"] {
        assert_eq!(status(&with(wrong)), 401, "{wrong}");
    }
}

/// The value of a field of a challenge.
fn challenge(answer: &str, name: &str) -> String {
    let at = answer.find(&format!("{name}=\"")).expect("it is there") + name.len() + 2;
    answer[at..].split('"').next().unwrap_or_default().to_owned()
}

fn md5(text: &str) -> String {
    use md5::{Digest, Md5};
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn digest_authentication_takes_each_proof_once() {
    let password_of = |user: &str| (user == "ann").then(|| "secret".to_owned());
    let who = page(|request: &Request| request.user().unwrap_or_default());
    let site = site(DigestAuth::new("room", password_of, who).expect("random numbers"));
    let refused = get(&site, "/x?y");
    assert_eq!(status(&refused), 401);
    assert!(refused.contains("algorithm=SHA-256") && refused.contains("algorithm=MD5"));
    let nonce = challenge(&refused, "nonce");
    let proof = |nonce: &str, count: &str, password: &str, target: &str| {
        let secret = md5(&format!("ann:room:{password}"));
        let what = md5(&format!("GET:{target}"));
        let response = md5(&format!("{secret}:{nonce}:{count}:c:auth:{what}"));
        format!(
            "Authorization: Digest username=\"ann\", realm=\"room\", nonce=\"{nonce}\", uri=\"{target}\", \
             algorithm=MD5, qop=auth, nc={count}, cnonce=\"c\", response=\"{response}\"\r\n"
        )
    };
    let with = |fields: &str| ask(&site, "GET", "/x?y", fields);
    let first = proof(&nonce, "00000001", "secret", "/x?y");
    assert_eq!(body(&with(&first)), "ann");
    let again = with(&first);
    assert!(status(&again) == 401 && again.contains("stale=true"), "a proof was taken twice");
    assert_eq!(body(&with(&proof(&nonce, "00000002", "secret", "/x?y"))), "ann");
    assert_eq!(status(&with(&proof(&nonce, "00000003", "wrong", "/x?y"))), 401);
    assert_eq!(status(&with(&proof(&nonce, "00000004", "secret", "/other"))), 401);
    assert_eq!(status(&with(&proof("1-2-forged", "00000001", "secret", "/x?y"))), 401);
}

#[test]
fn a_session_lives_in_its_cookie() {
    let sessions = Sessions::new(SigningKey::new(&[3; 32]).expect("a key"));
    let ending = sessions.clone();
    let count = page(move |request: &Request| {
        let mut session = sessions.load(request);
        let visits =
            session.get("visits").and_then(|visits| visits.parse().ok()).unwrap_or(0u32) + 1;
        session.set("visits", visits.to_string());
        sessions.save(request, &session);
        visits.to_string()
    });
    let end = page(move |request: &Request| {
        ending.end(request);
        "bye"
    });
    let site = site(Tree::new().with_child("count", count).with_child("end", end));
    let first = get(&site, "/count");
    assert_eq!(body(&first), "1");
    assert!(first.contains("; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax\r\n"), "{first}");
    let at = first.find("Set-Cookie: session=").expect("a cookie") + "Set-Cookie: ".len();
    let cookie = first[at..].split(';').next().unwrap_or_default().to_owned();
    assert_eq!(body(&ask(&site, "GET", "/count", &format!("Cookie: {cookie}\r\n"))), "2");
    let forged = cookie.replace("visits=1", "visits=9");
    assert_ne!(forged, cookie);
    assert_eq!(body(&ask(&site, "GET", "/count", &format!("Cookie: {forged}\r\n"))), "1");
    assert!(get(&site, "/end").contains("Set-Cookie: session=; Path=/; Max-Age=0"));
}

#[test]
fn a_logged_request_that_is_dropped_is_a_500_all_the_same() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let noted = lines.clone();
    let mut logged = Site::new(page(|_| ropewalk_web::Answer::NotDoneYet));
    logged.log = Some(AccessLog::new(AccessLogForm::Combined, move |line| {
        noted.borrow_mut().push(line.to_owned());
    }));
    let site = Conversation::new(logged.into_factory());
    assert_eq!(status(&get(&site, "/")), 500);
    assert!(lines.borrow()[0].contains("\" 500 "), "{:?}", lines.borrow());
}

#[test]
fn head_says_how_long_the_compressed_body_would_be() {
    let site = compressed_site();
    let length = |answer: &str| {
        let (_, rest) = answer.split_once("Content-Length: ")?;
        Some(rest.split("\r\n").next()?.to_owned())
    };
    let get = {
        let before = site.written().len();
        ask(&site, "GET", "/text", "Accept-Encoding: gzip\r\n");
        String::from_utf8_lossy(&site.written()[before..]).into_owned()
    };
    let head = ask(&site, "HEAD", "/text", "Accept-Encoding: gzip\r\n");
    assert_eq!(length(&head), length(&get));
    assert!(body(&head).is_empty());
}

#[test]
fn a_request_has_an_id_that_its_client_can_name() {
    let mut named = Site::new(page(|_| "hello"));
    named.request_id_header = true;
    let site = Conversation::new(named.into_factory());
    assert!(get(&site, "/").contains("\r\nX-Request-Id: 1\r\n"));
    assert!(get(&site, "/").contains("\r\nX-Request-Id: 2\r\n"));
}
