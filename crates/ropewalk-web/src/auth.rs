//! [`BasicAuth`] and [`DigestAuth`]: who is asking (RFC 7617, RFC 7616).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use md5::{Digest as _, Md5};
use ropewalk_core::Failure;
use sha2::Sha256;

use crate::site::render;
use crate::{Answer, Request, Resource, SigningKey};

/// Lets those in who say a user and a password that `check` knows. The password is on the wire as it is: for TLS.
/// [`Request::user`] is who it was.
pub struct BasicAuth<F> {
    realm: String,
    check: F,
    inner: Rc<dyn Resource>,
}

impl<F: Fn(&str, &str) -> bool + 'static> BasicAuth<F> {
    /// In front of `inner`. `realm` is what a browser tells its user.
    pub fn new(realm: &str, check: F, inner: impl Resource) -> Self {
        Self { realm: quotable(realm), check, inner: Rc::new(inner) }
    }

    fn user(&self, request: &Request) -> Option<String> {
        let (scheme, token) = request.header_text("authorization")?.split_once(' ')?;
        let decoded = BASE64.decode(token.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        let is_right = scheme.eq_ignore_ascii_case("basic") && (self.check)(user, password);
        is_right.then(|| user.to_owned())
    }
}

impl<F: Fn(&str, &str) -> bool + 'static> Resource for BasicAuth<F> {
    fn render(&self, request: &Request) -> Answer {
        if let Some(user) = self.user(request) {
            request.set_user(user);
            return render(self.inner.clone(), request);
        }
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", self.realm);
        request.set_header(WWW_AUTHENTICATE, challenge);
        StatusCode::UNAUTHORIZED.into()
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

/// As a quoted string without anything that would have to be escaped.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|character| !matches!(character, '"' | '\\') && !character.is_control())
        .collect()
}

/// Lets those in who prove that they know a password, without sending it. It is asked by SHA-256 and, for old
/// clients, by MD5; each proof is taken once.
///
/// # Limits
/// A challenge is good for five minutes; of 10,000 of them it is remembered what has been used. A client with one
/// that is forgotten is given a new one, without asking its user again.
pub struct DigestAuth<F> {
    realm: String,
    password_of: F,
    inner: Rc<dyn Resource>,
    key: SigningKey,
    counts: RefCell<HashMap<String, u64>>,
}

const NONCE_LIFETIME: Duration = Duration::from_secs(300);
const NONCES_MAX: usize = 10_000;

/// What a proof turned out to be.
enum Proof {
    Good(String),
    /// It would have been right, but for a challenge that is over.
    Stale,
    Bad,
}

impl<F: Fn(&str) -> Option<String> + 'static> DigestAuth<F> {
    /// In front of `inner`; `password_of` gives the password of a user.
    ///
    /// # Errors
    /// `System` if the system has no random numbers.
    pub fn new(realm: &str, password_of: F, inner: impl Resource) -> Result<Self, Failure> {
        Ok(Self {
            realm: quotable(realm),
            password_of,
            inner: Rc::new(inner),
            key: SigningKey::random()?,
            counts: RefCell::default(),
        })
    }

    fn proof(&self, request: &Request, now: SystemTime) -> Proof {
        let Some(header) = request.header_text("authorization") else { return Proof::Bad };
        let Some(fields) = digest_fields(header) else { return Proof::Bad };
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let Some(password) = (self.password_of)(field("username")) else { return Proof::Bad };
        let hash: fn(&str) -> String = match field("algorithm") {
            "" => md5_of,
            name if name.eq_ignore_ascii_case("md5") => md5_of,
            name if name.eq_ignore_ascii_case("sha-256") => sha256_of,
            _ => return Proof::Bad,
        };
        let is_for_us = field("realm") == self.realm
            && field("uri") == request.target()
            && field("qop") == "auth"
            && !field("cnonce").is_empty();
        let secret = hash(&format!("{}:{}:{password}", field("username"), self.realm));
        let what = hash(&format!("{}:{}", request.method(), field("uri")));
        let (nonce, count, own) = (field("nonce"), field("nc"), field("cnonce"));
        let expected = hash(&format!("{secret}:{nonce}:{count}:{own}:auth:{what}"));
        if !is_for_us || !is_same(&expected, field("response")) {
            return Proof::Bad;
        }
        let is_fresh =
            u64::from_str_radix(count, 16).is_ok_and(|count| self.takes(nonce, count, now));
        if is_fresh { Proof::Good(field("username").to_owned()) } else { Proof::Stale }
    }

    fn nonce(&self, now: SystemTime) -> Result<String, Failure> {
        let chance = u64::from_be_bytes(crate::signing::random_bytes()?);
        let text = format!("{}-{chance:x}", seconds_of(now));
        let signature = self.key.sign("nonce", &text);
        Ok(format!("{text}-{signature}"))
    }

    /// Whether a challenge is ours and not over, and its count higher than any before.
    fn takes(&self, nonce: &str, count: u64, now: SystemTime) -> bool {
        let mut parts = nonce.splitn(3, '-');
        let (Some(made), Some(chance), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_ours = self.key.verify("nonce", &format!("{made}-{chance}"), signature);
        let age = made.parse().map_or(u64::MAX, |made: u64| seconds_of(now).saturating_sub(made));
        if !is_ours || age > NONCE_LIFETIME.as_secs() {
            return false;
        }
        let mut counts = self.counts.borrow_mut();
        if counts.len() >= NONCES_MAX && !counts.contains_key(nonce) {
            counts.clear(); // All proofs with these are stale from here on: their counts are.
            return false;
        }
        let is_first = !counts.contains_key(nonce) && count != 1;
        let last = counts.entry(nonce.to_owned()).or_insert(0);
        let is_higher = count > *last && !is_first;
        *last = (*last).max(count);
        is_higher
    }

    fn challenge(&self, request: &Request, is_stale: bool) -> Result<(), Failure> {
        let nonce = self.nonce(SystemTime::now())?;
        let stale = if is_stale { ", stale=true" } else { "" };
        for algorithm in ["SHA-256", "MD5"] {
            let text = format!(
                "Digest realm=\"{}\", qop=\"auth\", algorithm={algorithm}, nonce=\"{nonce}\"{stale}",
                self.realm
            );
            request.append_header(WWW_AUTHENTICATE, text);
        }
        Ok(())
    }
}

impl<F: Fn(&str) -> Option<String> + 'static> Resource for DigestAuth<F> {
    fn render(&self, request: &Request) -> Answer {
        let proof = self.proof(request, SystemTime::now());
        if let Proof::Good(user) = proof {
            request.set_user(user);
            return render(self.inner.clone(), request);
        }
        match self.challenge(request, matches!(proof, Proof::Stale)) {
            Ok(()) => StatusCode::UNAUTHORIZED.into(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into(),
        }
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The fields of `Authorization: Digest …`, their names in lower case.
fn digest_fields(header: &str) -> Option<HashMap<String, String>> {
    let (scheme, mut rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut fields = HashMap::new();
    loop {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        if rest.is_empty() {
            return Some(fields);
        }
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = behind.find([',', ' ']).unwrap_or(behind.len());
                (behind[..end].to_owned(), &behind[end..])
            }
        };
        if fields.insert(name.trim().to_ascii_lowercase(), value).is_some() {
            return None;
        }
        rest = behind;
    }
}

/// The string up to its closing quote, and what is behind.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_same(one: &str, other: &str) -> bool {
    // Both are hashes; that takes as long for any two of the same length.
    let differences = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5_of(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7616_section_3_9_1() {
        let secret = md5_of("Mufasa:http-auth@example.org:Circle of Life");
        let what = md5_of("GET:/dir/index.html");
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let response = md5_of(&format!("{secret}:{nonce}:00000001:{own}:auth:{what}"));
        assert_eq!(response, "8ca523f5e9506fed4657c9700eebdbec");
    }

    #[test]
    fn fields_are_read_with_and_without_quotes() {
        let fields =
            digest_fields(r#"Digest username="a\"b,c", qop=auth,nc=00000001, uri="/x?y=z""#)
                .unwrap();
        assert_eq!(fields["username"], "a\"b,c");
        assert_eq!(
            (fields["qop"].as_str(), fields["nc"].as_str(), fields["uri"].as_str()),
            ("auth", "00000001", "/x?y=z")
        );
        assert!(digest_fields("Digest a=\"open").is_none());
        assert!(digest_fields("Digest a=1, a=2").is_none());
        assert!(digest_fields("Basic a=1").is_none());
    }
}
