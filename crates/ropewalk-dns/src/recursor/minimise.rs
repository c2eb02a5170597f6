//! How much of a name a server is told: no more than it needs to say who knows more (RFC 9156).

use crate::Name;

/// Questions that one name is cut into at most (RFC 9156, section 2.3, `MAX_MINIMISE_COUNT`): the 34 labels of an IPv6
/// address must not cost as many.
const STEPS_MAX: usize = 10;
/// Of these, those that show one label more each (`MINIMISE_ONE_LAB`): where most zones begin.
const SINGLE_STEPS: usize = 4;

/// How many labels of `name` (with the root's) are shown after `steps` questions have been, to a server of a zone with
/// `known` labels; never more than there are.
pub(crate) fn labels_shown(total: usize, known: usize, steps: usize) -> usize {
    let left = total.saturating_sub(known);
    let more = match steps {
        0..SINGLE_STEPS => 1,
        SINGLE_STEPS..STEPS_MAX => left.div_ceil(STEPS_MAX - steps),
        _ => left,
    };
    total.min(known + more.max(1))
}

/// The last `labels` labels of a name, the root's included.
pub(crate) fn suffix(name: &Name, labels: usize) -> Name {
    let skipped = name.label_count().saturating_sub(labels);
    name.iter_suffixes().nth(skipped).unwrap_or_else(|| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_label_by_label_and_a_long_one_in_ten_steps() {
        let shown = |total: usize| {
            let (mut known, mut all) = (1, Vec::new());
            while known < total {
                known = labels_shown(total, known, all.len());
                all.push(known);
            }
            all
        };
        assert_eq!(shown(4), [2, 3, 4]);
        assert_eq!(shown(35), [2, 3, 4, 5, 10, 15, 20, 25, 30, 35]);
        assert_eq!(shown(128).len(), 10);
    }

    #[test]
    fn the_end_of_a_name_is_a_name() {
        let name = Name::bytes_from_str("www.example.com").expect("a name");
        let ends: Vec<_> = (1..6).map(|labels| suffix(&name, labels).to_string()).collect();
        assert_eq!(ends, [".", "com", "example.com", "www.example.com", "www.example.com"]);
    }
}
