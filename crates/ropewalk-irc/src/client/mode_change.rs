//! [`ModeChange`]: one mode set or taken, out of the line that says so.

use super::isupport::{ISupport, ModeKind};

/// One mode that was set or taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModeChange<'a> {
    /// Whether it was set, `+`.
    pub is_set: bool,
    /// Its letter.
    pub mode: char,
    /// Its parameter, if it has one: by what the server said of its modes.
    pub param: Option<&'a str>,
}

impl<'a> ModeChange<'a> {
    /// The changes in the parameters of a `MODE`, without its target. A parameter that is missing is `None`.
    pub(crate) fn parse(isupport: &ISupport, is_channel: bool, params: &[&'a str]) -> Vec<Self> {
        let Some((letters, params)) = params.split_first() else { return Vec::new() };
        let mut params = params.iter().copied();
        let mut is_set = true;
        let mut changes = Vec::new();
        for mode in letters.chars() {
            if let '+' | '-' = mode {
                is_set = mode == '+';
                continue;
            }
            let has_param = match isupport.mode_kind(mode) {
                _ if !is_channel => false,
                ModeKind::Prefix | ModeKind::List | ModeKind::Always => true,
                ModeKind::WhenSet => is_set,
                ModeKind::Never => false,
            };
            let param = if has_param { params.next() } else { None };
            changes.push(Self { is_set, mode, param });
        }
        changes
    }
}
