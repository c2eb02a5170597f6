//! [`TsigKey`] and [`KeyRing`]: secrets that two servers share, and what is signed with them (RFC 8945).
//!
//! The signatures are `domain`'s. A message here is bytes that are written already, so it is lent to `domain`'s builder as
//! one whose header it has just begun ([`Whole`]).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::base::iana::{Rcode, TsigRcode};
use domain::base::message_builder::{AdditionalBuilder, PushError};
use domain::base::name::ToName;
use domain::base::wire::Composer;
use domain::base::{Message, MessageBuilder};
use domain::dep::octseq::builder::{OctetsBuilder, Truncate};
use domain::rdata::tsig::Time48;
use domain::tsig::{Algorithm, ClientSequence, Key, KeyName, KeyStore, ServerSequence};
use domain::utils::base64;

/// A secret with a name. Written as `[ALGORITHM:]NAME:SECRET`, as `dig -y` takes it: the algorithm is hmac-sha256 unless
/// it is said, and the secret is in base64.
#[derive(Clone)]
pub struct TsigKey(Arc<Key>);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not `[ALGORITHM:]NAME:SECRET`.
    Form,
    /// The algorithm is not hmac-sha1, hmac-sha256, hmac-sha384 or hmac-sha512.
    Algorithm,
    /// The name is none.
    Name,
    /// The secret is not base64.
    Secret,
}

impl FromStr for TsigKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts: Vec<&str> = text.split(':').collect();
        let (algorithm, name, secret) = match parts[..] {
            [name, secret] => ("hmac-sha256", name, secret),
            [algorithm, name, secret] => (algorithm, name, secret),
            _ => return Err(KeyError::Form),
        };
        let algorithm: Algorithm =
            algorithm.to_ascii_lowercase().parse().map_err(|_| KeyError::Algorithm)?;
        let mut name: KeyName = name.parse().map_err(|_| KeyError::Name)?;
        name.make_canonical();
        let secret: Vec<u8> = base64::decode(secret).map_err(|_| KeyError::Secret)?;
        let key = Key::new(algorithm, &secret, name, None, None);
        key.map(|key| Self(Arc::new(key))).map_err(|_| KeyError::Algorithm)
    }
}

impl TsigKey {
    /// Its name, in wire form and small letters.
    pub fn name(&self) -> &[u8] {
        self.0.name().as_slice()
    }
}

/// The name; never the secret.
impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({})", self.0.name())
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a key is [ALGORITHM:]NAME:SECRET",
            Self::Algorithm => {
                "the algorithm is none of hmac-sha1, hmac-sha256, hmac-sha384 and hmac-sha512"
            }
            Self::Name => "the key's name is no domain name",
            Self::Secret => "the secret is not in base64",
        })
    }
}

impl std::error::Error for KeyError {}

/// The keys that a server knows, and the calendar: signatures are good for five minutes.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<TsigKey>,
    calendar: fn() -> SystemTime,
}

impl KeyRing {
    /// These keys, and what tells the date: `SystemTime::now`, but in tests.
    pub fn new(keys: Vec<TsigKey>, calendar: fn() -> SystemTime) -> Self {
        Self { keys, calendar }
    }

    /// The key of that name, in wire form and small letters.
    pub fn key(&self, name: &[u8]) -> Option<&TsigKey> {
        self.keys.iter().find(|key| key.name() == name)
    }

    /// What time it is for signatures.
    pub(crate) fn now(&self) -> Time48 {
        now(self.calendar)
    }

    /// Looks at the signature of a query, which there is, and takes it off.
    ///
    /// # Errors
    /// The whole answer that says what is wrong with it: BADKEY, BADSIG or BADTIME.
    pub(crate) fn verify(
        &self,
        message: &[u8],
        tsig_at: usize,
    ) -> Result<(Vec<u8>, Signer), Vec<u8>> {
        let wrong = || Vec::new();
        let mut message = Message::from_octets(message.to_vec()).map_err(|_| wrong())?;
        match ServerSequence::request(self, &mut message, self.now()) {
            Ok(Some(sequence)) => {
                let mut bytes = message.into_octets();
                bytes.truncate(tsig_at);
                Ok((bytes, Signer { sequence, calendar: self.calendar }))
            }
            Ok(None) => Err(wrong()),
            Err(error) => {
                let is_bad_signature = error.error() == TsigRcode::FORMERR;
                let answer = error.build_message(&message, MessageBuilder::new_vec());
                let mut answer = answer.map_or_else(|_| wrong(), AdditionalBuilder::finish);
                if is_bad_signature {
                    say_bad_signature(&mut answer);
                }
                Err(answer)
            }
        }
    }
}

impl KeyStore for KeyRing {
    type Key = Arc<Key>;

    fn get_key<N: ToName>(&self, name: &N, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut keys = self.keys.iter().map(|key| &key.0);
        keys.find(|key| key.algorithm() == algorithm && key.name().name_eq(name)).cloned()
    }
}

/// Puts BADSIG (RFC 8945, section 5.2.2) where `domain` 0.12 says FORMERR of a signature that is wrong: in the last record,
/// before the length of its last field, which is empty.
fn say_bad_signature(answer: &mut [u8]) {
    let is_not_auth = answer.get(3).is_some_and(|byte| byte & 0xF == Rcode::NOTAUTH.to_int());
    if is_not_auth && let Some([.., error, 0, 0]) = answer.last_chunk_mut::<4>() {
        *error = BADSIG;
    }
}

/// A code of its own, although 16 is also BADVERS.
const BADSIG: u8 = 16;

fn now(calendar: fn() -> SystemTime) -> Time48 {
    let since = calendar().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time48::from_u64(since.as_secs())
}

/// Signs the answers to one query: one message, or many.
pub(crate) struct Signer {
    sequence: ServerSequence<Arc<Key>>,
    calendar: fn() -> SystemTime,
}

impl Signer {
    /// The name of the key, in wire form and small letters.
    pub(crate) fn key_name(&self) -> &[u8] {
        self.sequence.key().name().as_slice()
    }

    /// How long the record is that [`sign`](Self::sign) appends.
    pub(crate) fn bytes(&self) -> usize {
        self.sequence.key().compose_len().into()
    }

    /// Appends the signature to the message that begins at `base` and is complete.
    pub(crate) fn sign(&mut self, out: &mut Vec<u8>, base: usize) {
        let now = now(self.calendar);
        let signed = with_builder(out, base, |builder| self.sequence.answer(builder, now));
        // A vector has room, and a record that says who signed is not too long.
        debug_assert!(signed.is_ok());
    }
}

/// Checks the messages that answer one question.
pub(crate) struct Checker {
    sequence: ClientSequence<Arc<Key>>,
    calendar: fn() -> SystemTime,
}

impl Checker {
    /// Signs a question, which is complete, and gives what checks the answers.
    pub(crate) fn sign(
        key: &TsigKey,
        question: &mut Vec<u8>,
        calendar: fn() -> SystemTime,
    ) -> Option<Self> {
        let (key, now) = (key.0.clone(), now(calendar));
        let signed =
            with_builder(question, 0, |builder| ClientSequence::request(key, builder, now));
        signed.ok().map(|sequence| Self { sequence, calendar })
    }

    /// Looks at the signature of a message, and takes it off; gives whether it is good.
    pub(crate) fn check(&mut self, message: &mut Message<Vec<u8>>) -> bool {
        self.sequence.answer(message, now(self.calendar)).is_ok()
    }

    /// No more come: gives whether the last message was signed, as it must be.
    pub(crate) fn finish(self) -> bool {
        self.sequence.done().is_ok()
    }
}

/// Lends a message to a builder of `domain`, for a record to be appended.
fn with_builder<R>(
    out: &mut Vec<u8>,
    base: usize,
    append: impl FnOnce(&mut AdditionalBuilder<Whole<'_>>) -> Result<R, PushError>,
) -> Result<R, PushError> {
    let whole = Whole { out, base, is_begun: false };
    let builder = MessageBuilder::from_target(whole)?;
    append(&mut builder.additional())
}

/// A message that is there already. What a builder does first, to clear it and to write an empty header, is not done.
struct Whole<'a> {
    out: &'a mut Vec<u8>,
    base: usize,
    is_begun: bool,
}

impl OctetsBuilder for Whole<'_> {
    type AppendError = std::convert::Infallible;

    fn append_slice(&mut self, slice: &[u8]) -> Result<(), Self::AppendError> {
        if std::mem::replace(&mut self.is_begun, true) {
            self.out.extend_from_slice(slice);
        }
        Ok(())
    }
}

impl Truncate for Whole<'_> {
    fn truncate(&mut self, len: usize) {
        if self.is_begun {
            self.out.truncate(self.base + len);
        }
    }
}

impl AsRef<[u8]> for Whole<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.out[self.base..]
    }
}

impl AsMut<[u8]> for Whole<'_> {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.out[self.base..]
    }
}

impl Composer for Whole<'_> {}
