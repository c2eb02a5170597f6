//! Pictures of the figures, as SVG that any browser and any forge shows.
//!
//! Two kinds: [`bars`], one per server, in groups; and [`ranges`], a line per server from the median to the 99.9th
//! part, on a logarithmic scale. Ours are drawn in another colour.

use std::fmt::Write;

/// Where a group's names end and its drawing begins.
const LEFT: f64 = 170.0;
/// How wide the drawing is.
const WIDTH: f64 = 470.0;
/// How far one server is below the other.
const STEP: f64 = 20.0;
const ROPEWALK: &str = "#b4552d";
const OTHERS: &str = "#7a8794";

/// Some servers under the same load.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// The load.
    pub title: String,
    /// Each server and its figures: one for [`bars`], rising ones for [`ranges`].
    pub servers: Vec<(String, Vec<f64>)>,
}

/// A bar for each server, from zero; each group has its own scale.
pub fn bars(title: &str, groups: &[Group]) -> String {
    draw(title, groups, |svg, group, y| {
        let all = group.servers.iter().filter_map(|(_, figures)| figures.first());
        let most = all.copied().fold(f64::MIN_POSITIVE, f64::max);
        for (row, (server, figures)) in group.servers.iter().enumerate() {
            let (y, figure) = (y + row as f64 * STEP, figures.first().copied().unwrap_or_default());
            let (width, colour) = (figure / most * WIDTH, colour(server));
            let _ = writeln!(
                svg,
                r#"<rect x="{LEFT}" y="{:.1}" width="{width:.1}" height="13" fill="{colour}"/>"#,
                y - 11.0
            );
            text(svg, LEFT + width + 6.0, y, "start", &grouped(figure));
        }
    })
}

/// A line for each server through its figures, with a dot at each.
pub fn ranges(title: &str, groups: &[Group]) -> String {
    draw(title, groups, |svg, group, y| {
        let all = group.servers.iter().flat_map(|(_, figures)| figures).copied();
        let scale = Scale::around(all);
        let bottom = y + (group.servers.len() as f64 - 1.0) * STEP + 6.0;
        for mark in scale.marks() {
            let x = LEFT + scale.place(mark) * WIDTH;
            let top = y - 14.0;
            let _ = writeln!(
                svg,
                r##"<line x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="#ddd"/>"##
            );
            text(svg, x, y - 17.0, "middle", &grouped(mark));
        }
        for (row, (server, figures)) in group.servers.iter().enumerate() {
            let (y, colour) = (y + row as f64 * STEP - 4.0, colour(server));
            let places: Vec<f64> =
                figures.iter().map(|figure| LEFT + scale.place(*figure) * WIDTH).collect();
            let (Some(first), Some(last)) = (places.first(), places.last()) else { continue };
            let _ = writeln!(
                svg,
                r#"<line x1="{first:.1}" y1="{y:.1}" x2="{last:.1}" y2="{y:.1}" stroke="{colour}" stroke-width="2"/>"#
            );
            for (place, radius) in places.iter().zip([5.0, 4.0, 3.0]) {
                let _ = writeln!(
                    svg,
                    r#"<circle cx="{place:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#
                );
            }
        }
    })
}

/// The frame, the groups' titles and the servers' names; `inside` draws a group, of which the first server's
/// line of text is at the height that it is given.
fn draw(title: &str, groups: &[Group], inside: impl Fn(&mut String, &Group, f64)) -> String {
    let group_height = |group: &Group| group.servers.len() as f64 * STEP + 56.0;
    let height = 40.0 + groups.iter().map(group_height).sum::<f64>();
    let width = LEFT + WIDTH + 90.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let _ = writeln!(svg, r#"<text x="12" y="24" font-size="16">{}</text>"#, escaped(title));
    let mut top = 40.0;
    for group in groups {
        let _ = writeln!(
            svg,
            r#"<text x="12" y="{:.1}" font-weight="bold">{}</text>"#,
            top + 12.0,
            escaped(&group.title)
        );
        let y = top + 46.0;
        for (row, (server, _)) in group.servers.iter().enumerate() {
            text(&mut svg, LEFT - 8.0, y + row as f64 * STEP, "end", server);
        }
        inside(&mut svg, group, y);
        top += group_height(group);
    }
    svg + "</svg>\n"
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = escaped(words);
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#);
}

fn colour(server: &str) -> &'static str {
    if server.starts_with("ropewalk") { ROPEWALK } else { OTHERS }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// With a comma between thousands.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A logarithmic scale over whole powers of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn around(figures: impl Iterator<Item = f64>) -> Self {
        let logs = figures.map(|figure| figure.max(1.0).log10());
        let (low, high) =
            logs.fold((f64::MAX, 0.0_f64), |(low, high), log| (low.min(log), high.max(log)));
        let low = if low > high { 0.0 } else { low.floor() };
        Self { low, high: high.ceil().max(low + 1.0) }
    }

    /// From 0 to 1.
    fn place(&self, figure: f64) -> f64 {
        (figure.max(1.0).log10() - self.low) / (self.high - self.low)
    }

    fn marks(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low, self.high);
        std::iter::successors(Some(low), |log| Some(log + 1.0))
            .take_while(move |log| *log <= high)
            .map(|log| 10.0_f64.powf(log).round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        let servers = vec![
            ("ropewalk (epoll)".to_owned(), vec![200.0, 400.0, 900.0]),
            ("a < b".to_owned(), vec![100.0, 300.0, 20_000.0]),
        ];
        Group { title: "50 connections".into(), servers }
    }

    #[test]
    fn the_longest_bar_fills_the_width_and_ours_is_marked() {
        let svg = bars("Rate", &[group()]);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains(r##"width="470.0" height="13" fill="#b4552d""##));
        assert!(svg.contains(r##"width="235.0" height="13" fill="#7a8794""##));
        assert!(svg.contains("a &lt; b"));
    }

    #[test]
    fn a_range_has_a_dot_for_each_figure() {
        let svg = ranges("Latency", &[group()]);
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(svg.contains(">100,000<"));
    }

    #[test]
    fn a_picture_of_nothing_is_still_a_picture() {
        let empty = Group::default();
        assert!(bars("Rate", &[]).ends_with("</svg>\n"));
        assert!(!ranges("Latency", &[empty]).contains("NaN"));
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            ["1", "1,000", "250,000"],
            [1.0, 1000.0, 249_999.6].map(grouped).each_ref().map(|s| &**s)
        );
    }

    #[test]
    fn a_scale_spans_whole_powers_of_ten() {
        let scale = Scale::around([90.0, 1500.0].into_iter());
        assert_eq!(scale.marks().collect::<Vec<_>>(), [10.0, 100.0, 1000.0, 10_000.0]);
        assert!((scale.place(10_000.0) - 1.0).abs() < 1e-9);
    }
}
