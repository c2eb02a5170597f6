//! [`ISupport`]: what a server says that it supports (numeric 005).

use std::collections::BTreeMap;

use crate::CaseMapping;

/// What a server supports, as far as it has said so; before that, what RFC 1459 says.
///
/// # Limits
/// 500 tokens of the server's are kept, which is some ten times as many as any has; others are passed over.
#[derive(Clone, Debug)]
pub struct ISupport {
    tokens: BTreeMap<String, String>,
    /// Which names are the same (`CASEMAPPING`; one that is unknown is taken as ASCII's).
    pub case_mapping: CaseMapping,
    /// What channels begin with (`CHANTYPES`).
    pub channel_types: String,
    /// What members can be, the highest first: the letter of the mode and the sign before the nick (`PREFIX`).
    pub prefixes: Vec<(char, char)>,
    /// The modes of channels by what parameter they have (`CHANMODES`): lists; always one; one if they are set;
    /// none.
    pub channel_modes: [String; 4],
    /// How many modes with a parameter one command may have (`MODES`); `None` if as many as fit.
    pub modes_max: Option<usize>,
    /// The longest nick, in bytes (`NICKLEN`).
    pub nick_bytes_max: usize,
    /// The longest line with its CR LF, without tags (`LINELEN`, which some servers have).
    pub line_bytes_max: usize,
}

/// What parameter a mode has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModeKind {
    /// It makes somebody something: its parameter is a nick.
    Prefix,
    /// It adds to a list, or takes from it; without a parameter, asks for the list.
    List,
    /// It always has one.
    Always,
    /// It has one if it is set.
    WhenSet,
    /// It never has one.
    Never,
}

const TOKENS_MAX: usize = 500;

/// Shorter is a mistake: a line has to hold a source and a command.
const LINE_BYTES_MIN: usize = 512;

impl Default for ISupport {
    fn default() -> Self {
        Self {
            tokens: BTreeMap::new(),
            case_mapping: CaseMapping::Rfc1459,
            channel_types: "#&".to_owned(),
            prefixes: vec![('o', '@'), ('v', '+')],
            channel_modes: ["beI", "k", "l", "imnpst"].map(str::to_owned),
            modes_max: Some(3),
            nick_bytes_max: 9,
            line_bytes_max: LINE_BYTES_MIN,
        }
    }
}

impl ISupport {
    /// The value of a token, empty if it has none; `None` if the server has not said it.
    pub fn token(&self, name: &str) -> Option<&str> {
        self.tokens.get(name).map(String::as_str)
    }

    /// The network's name (`NETWORK`).
    pub fn network(&self) -> Option<&str> {
        self.token("NETWORK")
    }

    /// How many targets a command may have (`TARGMAX`); `None` if the server sets no limit or says nothing.
    pub fn targets_max(&self, command: &str) -> Option<usize> {
        let entries = self.token("TARGMAX")?.split(',').filter_map(|entry| entry.split_once(':'));
        let of_command = |(name, max): (&str, &str)| {
            name.eq_ignore_ascii_case(command).then(|| max.parse().ok()).flatten()
        };
        entries.filter_map(of_command).next()
    }

    /// Whether it is the name of a channel, by what it begins with.
    pub fn is_channel(&self, name: &str) -> bool {
        name.starts_with(|c| self.channel_types.contains(c))
    }

    /// The channel of a target that may mean some of its members only: `@#chan` (`STATUSMSG`).
    pub fn without_status<'a>(&self, target: &'a str) -> &'a str {
        let signs = self.token("STATUSMSG").unwrap_or_default();
        let bare = target.trim_start_matches(|c| signs.contains(c));
        if self.is_channel(bare) { bare } else { target }
    }

    /// What parameter a mode of channels has. One that the server has not named has none.
    pub fn mode_kind(&self, mode: char) -> ModeKind {
        if self.prefixes.iter().any(|(letter, _)| *letter == mode) {
            return ModeKind::Prefix;
        }
        let kinds = [ModeKind::List, ModeKind::Always, ModeKind::WhenSet, ModeKind::Never];
        let position = self.channel_modes.iter().position(|modes| modes.contains(mode));
        position.map_or(ModeKind::Never, |at| kinds[at])
    }

    /// The letter of the mode that a sign before a nick stands for.
    pub fn mode_of_sign(&self, sign: char) -> Option<char> {
        self.prefixes.iter().find(|(_, known)| *known == sign).map(|(mode, _)| *mode)
    }

    /// Takes the tokens of one 005: all parameters but the nick before them and the text behind.
    pub(crate) fn heard(&mut self, params: &[&str]) {
        let tokens = params.get(1..params.len().saturating_sub(1)).unwrap_or_default();
        for token in tokens {
            match token.strip_prefix('-') {
                Some(name) => self.take_back(name),
                None => self.add(token),
            }
        }
    }

    fn add(&mut self, token: &str) {
        let (name, value) = token.split_once('=').unwrap_or((token, ""));
        let value = unescape(value);
        if self.tokens.len() < TOKENS_MAX || self.tokens.contains_key(name) {
            self.learn(name, &value);
            self.tokens.insert(name.to_owned(), value);
        }
    }

    /// What is not understood leaves things as they were.
    fn learn(&mut self, name: &str, value: &str) {
        match name {
            "CASEMAPPING" => self.case_mapping = value.parse().unwrap_or(CaseMapping::Ascii),
            "CHANTYPES" => value.clone_into(&mut self.channel_types),
            "PREFIX" => self.prefixes = prefixes(value).unwrap_or_default(),
            "CHANMODES" => {
                let mut kinds = value.split(',').map(str::to_owned);
                self.channel_modes = std::array::from_fn(|_| kinds.next().unwrap_or_default());
            }
            "MODES" => self.modes_max = value.parse().ok().filter(|max| *max > 0),
            "NICKLEN" => set(&mut self.nick_bytes_max, value, 1),
            "LINELEN" => set(&mut self.line_bytes_max, value, LINE_BYTES_MIN),
            _ => {}
        }
    }

    fn take_back(&mut self, name: &str) {
        self.tokens.remove(name);
        let default = Self::default();
        match name {
            "CASEMAPPING" => self.case_mapping = default.case_mapping,
            "CHANTYPES" => self.channel_types = default.channel_types,
            "PREFIX" => self.prefixes = default.prefixes,
            "CHANMODES" => self.channel_modes = default.channel_modes,
            "MODES" => self.modes_max = default.modes_max,
            "NICKLEN" => self.nick_bytes_max = default.nick_bytes_max,
            "LINELEN" => self.line_bytes_max = default.line_bytes_max,
            _ => {}
        }
    }
}

fn set(field: &mut usize, value: &str, min: usize) {
    if let Some(value) = value.parse().ok().filter(|value| *value >= min) {
        *field = value;
    }
}

/// `(ov)@+`
fn prefixes(value: &str) -> Option<Vec<(char, char)>> {
    let (modes, signs) = value.strip_prefix('(')?.split_once(')')?;
    Some(modes.chars().zip(signs.chars()).collect())
}

/// `\x20` is a space, and so on for any two hexadecimal digits of a character of ASCII.
fn unescape(value: &str) -> String {
    let mut parts = value.split("\\x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(&part[2..]);
            }
            None => out.extend(["\\x", part]),
        }
    }
    out
}
