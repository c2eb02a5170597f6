//! `Message::encode`: a line is put together.
//!
//! This is the one way from a message to the wire, and everything is checked here, so no text of a user can end
//! a line and begin one of its own, or turn one parameter into two.

use memchr::memchr3;

use crate::limits::LINE_END;
use crate::parse::check_command;
use crate::{LineLimits, Message, MessageError};

impl Message<'_> {
    /// Appends the line, with the CR LF that ends it.
    ///
    /// # Errors
    /// Which rule the message breaks, or which of the limits it passes. Nothing was appended.
    pub fn encode(&self, limits: &LineLimits, out: &mut Vec<u8>) -> Result<(), MessageError> {
        self.append(limits, out, Excess::IsRefused)
    }

    /// The same, but a line that is too long loses the end of its last parameter, at the border of a character:
    /// what a server does with what it passes on, since there the source takes room that the sender did not
    /// know of.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); `BodyTooLong` if the line is too long without the last parameter.
    pub fn encode_cut(&self, limits: &LineLimits, out: &mut Vec<u8>) -> Result<(), MessageError> {
        self.append(limits, out, Excess::IsCut)
    }

    fn append(
        &self,
        limits: &LineLimits,
        out: &mut Vec<u8>,
        excess: Excess,
    ) -> Result<(), MessageError> {
        self.check()?;
        let before = out.len();
        let appended = self.append_tags(limits, out).and_then(|()| {
            let body_at = out.len();
            self.append_body(out);
            let max = body_at + limits.body_bytes_max.saturating_sub(LINE_END.len());
            self.fit(max, out, excess)
        });
        match appended {
            Ok(()) => out.extend_from_slice(LINE_END.as_bytes()),
            Err(_) => out.truncate(before),
        }
        appended
    }

    fn check(&self) -> Result<(), MessageError> {
        check_command(self.command)?;
        if self.has_too_many_params() {
            return Err(MessageError::TooManyParams);
        }
        let source = self.source.unwrap_or("none");
        if source.is_empty() || source.contains(' ') {
            return Err(MessageError::Source);
        }
        let mut texts = self.params().iter().chain(&self.source);
        if texts.any(|text| memchr3(b'\0', b'\r', b'\n', text.as_bytes()).is_some()) {
            return Err(MessageError::ForbiddenByte);
        }
        let before_last = self.params().split_last().map_or(&[][..], |(_, before)| before);
        if before_last.iter().any(|param| needs_colon(param)) {
            return Err(MessageError::Param);
        }
        Ok(())
    }

    fn append_tags(&self, limits: &LineLimits, out: &mut Vec<u8>) -> Result<(), MessageError> {
        if self.tags.is_empty() {
            return Ok(());
        }
        if self.tags.as_str().len() + "@ ".len() > limits.tags_bytes_max {
            return Err(MessageError::TagsTooLong);
        }
        push(out, &["@", self.tags.as_str(), " "]);
        Ok(())
    }

    fn append_body(&self, out: &mut Vec<u8>) {
        if let Some(source) = self.source {
            push(out, &[":", source, " "]);
        }
        push(out, &[self.command]);
        if let Some((last, before)) = self.params().split_last() {
            before.iter().for_each(|param| push(out, &[" ", param]));
            let is_marked = self.has_trailing || needs_colon(last);
            push(out, &[if is_marked { " :" } else { " " }, last]);
        }
    }

    /// Sees to it that `out` ends by `max`.
    fn fit(&self, max: usize, out: &mut Vec<u8>, excess: Excess) -> Result<(), MessageError> {
        let Some(over) = out.len().checked_sub(max).filter(|&over| over > 0) else { return Ok(()) };
        let last = self.last_param().unwrap_or_default();
        match (excess, last.len().checked_sub(over)) {
            (Excess::IsCut, Some(kept)) => {
                let lost = last.len() - last.floor_char_boundary(kept);
                out.truncate(out.len() - lost);
                Ok(())
            }
            _ => Err(MessageError::BodyTooLong),
        }
    }
}

/// What becomes of what is too much.
#[derive(Clone, Copy)]
enum Excess {
    IsRefused,
    IsCut,
}

/// Whether a parameter can only stand at the end, behind a colon.
fn needs_colon(param: &str) -> bool {
    param.is_empty() || param.starts_with(':') || param.contains(' ')
}

fn push(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}
