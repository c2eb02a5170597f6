//! [`Table`]: figures in aligned columns, also readable as Markdown.

use std::fmt;

/// Rows under one heading row. The first column is text; the others are figures, aligned to the right.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with no rows yet.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                if column == 0 {
                    write!(f, "| {cell:<width$} |")
                } else {
                    write!(f, " {cell:>width$} |")
                }?;
            }
            writeln!(f)?;
            if number == 0 {
                self.fmt_rule(f)?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn fmt_rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for column in 0..self.rows[0].len() {
            let dashes = "-".repeat(self.width(column));
            if column == 0 { write!(f, "| {dashes} |") } else { write!(f, " {dashes}:|") }?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["server", "µs"]);
        table.row(["a".into(), "12.5".into()]);
        let wanted = "| server |   µs |\n| ------ | ----:|\n| a      | 12.5 |\n";
        assert_eq!(table.to_string(), wanted);
    }
}
