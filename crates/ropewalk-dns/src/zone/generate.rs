//! `$GENERATE`: one line for many records, as BIND has it.
//!
//! `$GENERATE 1-4 host$ A 192.0.2.$` is four lines. Of the modifiers `${offset}`, `${offset,width}` and
//! `${offset,width,base}` are known, with the bases d, o, x and X.

use super::entries::Entry;

/// Lines that one directive may make: a network of class B, one record each.
const LINES_MAX: u32 = 65_536;

/// How wide a number may be written.
const WIDTH_MAX: usize = 255;

/// The lines that a directive stands for; `None` if it makes no sense.
pub(super) fn generate(entry: &Entry<'_>) -> Option<Vec<Vec<u8>>> {
    let (start, stop, step) = range(std::str::from_utf8(entry.word(1)?).ok()?)?;
    if (stop - start) / step >= LINES_MAX {
        return None;
    }
    let template = entry.words().skip(2).collect::<Vec<_>>().join(&b' ');
    if template.is_empty() {
        return None;
    }
    let numbers = (start..=stop).step_by(usize::try_from(step).ok()?);
    numbers.map(|number| fill(&template, number)).collect()
}

/// `1-10` or `1-10/2`.
fn range(text: &str) -> Option<(u32, u32, u32)> {
    let (range, step) = text.split_once('/').unwrap_or((text, "1"));
    let (start, stop) = range.split_once('-')?;
    let (start, stop) = (start.parse().ok()?, stop.parse().ok()?);
    let step = step.parse().ok().filter(|&step| step > 0)?;
    (start <= stop).then_some((start, stop, step))
}

/// The template with the number in its places.
fn fill(template: &[u8], number: u32) -> Option<Vec<u8>> {
    let (mut line, mut rest) = (Vec::new(), template);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                if escaped != b'$' {
                    line.push(b'\\');
                }
                line.push(escaped);
            }
            b'$' if rest.first() == Some(&b'$') => {
                line.push(b'$');
                rest = &rest[1..];
            }
            b'$' if rest.first() == Some(&b'{') => {
                let end = rest.iter().position(|&byte| byte == b'}')?;
                line.extend_from_slice(modified(&rest[1..end], number)?.as_bytes());
                rest = &rest[end + 1..];
            }
            b'$' => line.extend_from_slice(number.to_string().as_bytes()),
            _ => line.push(byte),
        }
    }
    line.push(b'\n');
    Some(line)
}

fn modified(modifier: &[u8], number: u32) -> Option<String> {
    let mut parts = std::str::from_utf8(modifier).ok()?.split(',');
    let offset: i64 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Some(0), |width| width.parse().ok())?;
    let value = u32::try_from(i64::from(number).checked_add(offset)?).ok()?;
    if width > WIDTH_MAX {
        return None;
    }
    Some(match parts.next().unwrap_or("d") {
        "d" => format!("{value:0width$}"),
        "o" => format!("{value:0width$o}"),
        "x" => format!("{value:0width$x}"),
        "X" => format!("{value:0width$X}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::entries::Entries;
    use super::*;

    fn lines(text: &str) -> Option<Vec<String>> {
        let lines = generate(&Entries::new(text.as_bytes()).next().expect("an entry"))?;
        Some(lines.into_iter().map(|line| String::from_utf8(line).expect("text")).collect())
    }

    #[test]
    fn a_line_is_made_for_each_number() {
        let made = lines("$GENERATE 1-5/2 h$ A 192.0.2.${10}").expect("it makes sense");
        assert_eq!(made, ["h1 A 192.0.2.11\n", "h3 A 192.0.2.13\n", "h5 A 192.0.2.15\n"]);
        let made = lines("$GENERATE 10-10 ${0,4,x} TXT \\$$$").expect("it makes sense");
        assert_eq!(made, ["000a TXT $$\n"]);
    }

    #[test]
    fn what_makes_no_sense_or_too_much_is_refused() {
        let refused =
            ["5-1 a A 1.2.3.4", "1-2/0 a A 1.2.3.4", "0-65536 a A 1.2.3.4", "1-2", "1-2 ${1 A"];
        for text in refused {
            assert_eq!(lines(&format!("$GENERATE {text}")), None, "{text}");
        }
    }
}
