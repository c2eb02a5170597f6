//! [`Options`]: the `--name value` pairs that a measuring program is told.

use std::str::FromStr;

/// The words of a command line.
#[derive(Debug)]
pub struct Options {
    words: Vec<String>,
}

impl Options {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self { words: std::env::args().skip(1).collect() }
    }

    /// Takes the first word, if it is not an option.
    pub fn take_word(&mut self) -> Option<String> {
        let is_word = self.words.first().is_some_and(|word| !word.starts_with("--"));
        is_word.then(|| self.words.remove(0))
    }

    /// Takes the value of the option `name`; none if it is not there.
    ///
    /// # Errors
    ///
    /// If it has no value, or one that cannot be read.
    pub fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(at) = self.words.iter().position(|word| word == name) else { return Ok(None) };
        if at + 1 == self.words.len() {
            return Err(format!("{name} has no value"));
        }
        let value = self.words.drain(at..at + 2).nth(1).expect("it takes two");
        value.parse().map(Some).map_err(|_| format!("{name} {value}: not understood"))
    }

    /// Takes the option `name` that has no value; whether it was there.
    pub fn take_flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// Complains about what nobody took.
    ///
    /// # Errors
    ///
    /// If there is a word left.
    pub fn finish(self) -> Result<(), String> {
        self.words.first().map_or(Ok(()), |word| Err(format!("{word}: not understood")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Options {
        Options { words: words.iter().map(|&word| word.to_owned()).collect() }
    }

    #[test]
    fn what_is_taken_is_gone_and_what_is_left_is_an_error() {
        let mut options = options(&["echo", "--rounds", "3", "--page", "--x"]);
        assert!(options.take_flag("--page") && !options.take_flag("--page"));
        assert_eq!(options.take_word().as_deref(), Some("echo"));
        assert_eq!(options.take("--rounds"), Ok(Some(3)));
        assert_eq!(options.take::<u32>("--rounds"), Ok(None));
        assert_eq!(options.finish(), Err("--x: not understood".into()));
    }

    #[test]
    fn a_bad_value_is_named() {
        assert_eq!(options(&["--port"]).take::<u16>("--port"), Err("--port has no value".into()));
        let error = options(&["--port", "x"]).take::<u16>("--port");
        assert_eq!(error, Err("--port x: not understood".into()));
    }
}
