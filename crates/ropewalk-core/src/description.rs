//! [`Description`]: an endpoint string, taken apart.
//!
//! The syntax is Twisted's: a word, then arguments, all separated by colons. An argument is a value, or a
//! name, an equals sign and a value: `tcp:8080:interface=127.0.0.1`. A backslash makes the colon, equals sign
//! or backslash after it an ordinary character: `tcp:80:interface=\:\:1`. Colons between brackets, where a value
//! begins with the opening one, are ordinary too: `tcp:80:interface=[::1]`.

use std::fmt;
use std::mem;
use std::str::FromStr;

/// An endpoint string in parts, which are taken out one by one.
#[derive(Debug)]
pub struct Description<'a> {
    text: &'a str,
    word: String,
    /// Those not taken yet, in order.
    arguments: Vec<Argument<'a>>,
}

/// One argument, which knows where it stands.
#[derive(Clone, Debug)]
pub struct Argument<'a> {
    text: &'a str,
    at: usize,
    name: Option<String>,
    value: String,
}

/// What is wrong with an endpoint string, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointError {
    text: String,
    at: usize,
    why: String,
}

impl<'a> Description<'a> {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// It has no first word, names an argument twice, or ends in a backslash.
    pub fn new(text: &'a str) -> Result<Self, EndpointError> {
        let mut arguments = split(text)?;
        // Nothing after the last colon is nothing: `stdio:` has no argument.
        arguments.pop_if(|last| last.at == text.len() && last.at > 0);
        let word = if arguments.is_empty() { String::new() } else { arguments.remove(0).value };
        if word.is_empty() {
            let why = "it begins with a word and a colon, as in tcp:8080";
            return Err(EndpointError::new(text, 0, why));
        }
        for (index, argument) in arguments.iter().enumerate() {
            let is_twin = |other: &Argument<'_>| other.name == argument.name;
            if let Some(name) = &argument.name
                && arguments[..index].iter().any(is_twin)
            {
                return Err(argument.error(format!("{name}= is there twice")));
            }
        }
        Ok(Self { text, word, arguments })
    }

    /// The first word.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// Takes the argument `name`, or else the first one left that has no name. So the order in which
    /// arguments are taken is the order in which they may stand without their names.
    pub fn take(&mut self, name: &str) -> Option<Argument<'a>> {
        self.take_named(name).or_else(|| self.take_where(|argument| argument.name.is_none()))
    }

    /// Takes the argument `name`, which cannot stand without its name.
    pub fn take_named(&mut self, name: &str) -> Option<Argument<'a>> {
        self.take_where(|argument| argument.name.as_deref() == Some(name))
    }

    fn take_where(&mut self, is_it: impl FnMut(&Argument<'a>) -> bool) -> Option<Argument<'a>> {
        self.arguments.iter().position(is_it).map(|place| self.arguments.remove(place))
    }

    /// As [`take`](Self::take), for one that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn require(&mut self, name: &str) -> Result<Argument<'a>, EndpointError> {
        let missing =
            EndpointError::new(self.text, self.text.len(), format!("the {name} is missing"));
        self.take(name).ok_or(missing)
    }

    /// An error of the whole, that points at its first word.
    pub fn error(&self, why: impl Into<String>) -> EndpointError {
        EndpointError::new(self.text, 0, why)
    }

    /// Whether an argument without a name is left.
    pub fn has_unnamed(&self) -> bool {
        self.arguments.iter().any(|argument| argument.name.is_none())
    }

    /// Nothing more is taken.
    ///
    /// # Errors
    /// There is something left.
    pub fn finish(&self) -> Result<(), EndpointError> {
        // One without a name is told of first: a name too many may stand where it should have had one.
        let unnamed = self.arguments.iter().find(|argument| argument.name.is_none());
        let Some(left) = unnamed.or(self.arguments.first()) else { return Ok(()) };
        Err(left.error(match &left.name {
            None => format!("{:?} is one argument too many for {}:", left.value, self.word),
            Some(name) => format!("{}: has no argument {name}=", self.word),
        }))
    }
}

impl Argument<'_> {
    /// What it says, with the backslashes gone.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What it says, as a `T`; `what` says what that is: "a port number (0 to 65535)".
    ///
    /// # Errors
    /// It is none.
    pub fn parse<T: FromStr>(&self, what: &str) -> Result<T, EndpointError> {
        self.value.parse().map_err(|_| self.error(format!("{:?} is not {what}", self.value)))
    }

    /// An error that points here.
    pub fn error(&self, why: impl Into<String>) -> EndpointError {
        EndpointError::new(self.text, self.at, why)
    }
}

impl EndpointError {
    /// Says what is wrong with `text` at byte `at`.
    pub fn new(text: &str, at: usize, why: impl Into<String>) -> Self {
        Self { text: text.to_owned(), at, why: why.into() }
    }

    /// The byte of the text at which it goes wrong.
    pub fn at(&self) -> usize {
        self.at
    }
}

/// One line: `bad endpoint "tcp:80x": at character 5: "80x" is not a port number (0 to 65535)`.
impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.text.get(..self.at).unwrap_or(&self.text);
        let character = before.chars().count() + 1;
        write!(f, "bad endpoint {:?}: at character {character}: {}", self.text, self.why)
    }
}

impl std::error::Error for EndpointError {}

/// What stands between the colons.
fn split(text: &str) -> Result<Vec<Argument<'_>>, EndpointError> {
    let begin = |at| Argument { text, at, name: None, value: String::new() };
    let mut parts = Vec::new();
    let mut part = begin(0);
    let mut characters = text.char_indices();
    let mut in_brackets = false;
    while let Some((at, character)) = characters.next() {
        match character {
            ':' if !in_brackets => parts.push(mem::replace(&mut part, begin(at + 1))),
            '=' if part.name.is_none() => part.name = Some(mem::take(&mut part.value)),
            '\\' => match characters.next() {
                Some((_, escaped)) => part.value.push(escaped),
                None => return Err(EndpointError::new(text, at, "nothing follows the backslash")),
            },
            _ => {
                let opens = character == '[' && part.value.is_empty() && text[at..].contains(']');
                in_brackets = opens || (in_brackets && character != ']');
                part.value.push(character);
            }
        }
    }
    parts.push(part);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_taken_by_name_or_in_order() {
        let mut description = Description::new(r"tcp:80:backlog=5:interface=\:\:1").unwrap();
        assert_eq!(description.word(), "tcp");
        assert_eq!(description.require("port").unwrap().parse::<u16>("a port").unwrap(), 80);
        assert_eq!(description.take("interface").unwrap().value(), "::1");
        assert_eq!(description.take_named("backlog").unwrap().value(), "5");
        assert!(description.finish().is_ok());
    }

    #[test]
    fn an_error_points_at_its_place() {
        let text = |error: EndpointError| error.to_string();
        let mut description = Description::new("tcp:80x:mode=1").unwrap();
        let error = description.require("port").unwrap().parse::<u16>("a port number").unwrap_err();
        assert_eq!(
            text(error),
            r#"bad endpoint "tcp:80x:mode=1": at character 5: "80x" is not a port number"#
        );
        assert_eq!(
            text(description.finish().unwrap_err()),
            r#"bad endpoint "tcp:80x:mode=1": at character 9: tcp: has no argument mode="#
        );
        assert_eq!(Description::new(":80").unwrap_err().at(), 0);
        assert_eq!(Description::new("tcp:a\\").unwrap_err().at(), 5);
        assert_eq!(Description::new("tcp:a=1:a=2").unwrap_err().at(), 8);
        assert_eq!(Description::new("tcp").unwrap().require("port").unwrap_err().at(), 3);
        assert_eq!(Description::new("tcp:1:2").unwrap().finish().unwrap_err().at(), 4);
    }

    #[test]
    fn nothing_after_the_last_colon_is_no_argument() {
        assert!(Description::new("stdio:").unwrap().finish().is_ok());
        assert!(Description::new("tcp:80:").unwrap().take("port").is_some());
        assert_eq!(Description::new("tcp::80").unwrap().take("port").unwrap().value(), "");
    }

    #[test]
    fn colons_in_brackets_are_ordinary() {
        let mut description = Description::new("tcp:[::1]:80:interface=[fe80::1%lo]").unwrap();
        assert_eq!(description.require("host").unwrap().value(), "[::1]");
        assert_eq!(description.require("port").unwrap().value(), "80");
        assert_eq!(description.take("interface").unwrap().value(), "[fe80::1%lo]");
        let mut unclosed = Description::new("unix:[a:660").unwrap();
        assert_eq!(unclosed.require("path").unwrap().value(), "[a");
        assert_eq!(unclosed.require("mode").unwrap().value(), "660");
    }

    #[test]
    fn an_equals_sign_in_a_value_is_kept() {
        let mut description = Description::new("unix:path=/a=b").unwrap();
        assert_eq!(description.take("path").unwrap().value(), "/a=b");
    }
}
