//! A table with box-drawing characters, laid out as the library that Keras prints with does.

use std::fmt;

/// Where a cell's text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    /// At the left.
    Left,
    /// In the middle.
    Center,
    /// At the right.
    Right,
}

/// A table.
pub(super) struct Table {
    header: Vec<String>,
    aligns: Vec<Align>,
    /// Columns with a blank on either side.
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns with their titles and where each ends, as a share of the line.
    pub(super) fn new(columns: &[(&str, Align, f64)], line_length: usize) -> Table {
        let (mut widths, mut start) = (Vec::new(), 0);
        for (_, _, end) in columns {
            let end = (end * line_length as f64) as usize;
            // At least a letter.
            widths.push(end.saturating_sub(start).max(4) + 2);
            start = end;
        }
        // The borders take their place from all columns.
        let (mut excess, mut left) = (3 * widths.len() + 1, widths.len());
        for width in &mut widths {
            let share = (excess as f64 / left as f64).round_ties_even() as usize;
            *width = width.saturating_sub(share).max(3);
            excess -= share;
            left -= 1;
        }
        let header = columns.iter().map(|(title, ..)| title.to_string()).collect();
        Table { header, aligns: columns.iter().map(|column| column.1).collect(), widths, rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn rule(&self, f: &mut fmt::Formatter<'_>, [left, line, middle, right]: [&str; 4]) -> fmt::Result {
        let cells: Vec<String> = self.widths.iter().map(|width| line.repeat(*width)).collect();
        writeln!(f, "{left}{}{right}", cells.join(middle))
    }

    fn cells(&self, f: &mut fmt::Formatter<'_>, cells: &[String], edge: &str) -> fmt::Result {
        let wrapped: Vec<Vec<String>> =
            cells.iter().zip(&self.widths).map(|(cell, width)| wrap(cell, width - 2)).collect();
        for line in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
            for ((lines, width), align) in wrapped.iter().zip(&self.widths).zip(&self.aligns) {
                let (text, width) = (lines.get(line).map_or("", String::as_str), width - 2);
                match align {
                    Align::Left => write!(f, "{edge} {text:<width$} ")?,
                    Align::Center => write!(f, "{edge} {text:^width$} ")?,
                    Align::Right => write!(f, "{edge} {text:>width$} ")?,
                }
            }
            writeln!(f, "{edge}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule(f, ["┏", "━", "┳", "┓"])?;
        self.cells(f, &self.header, "┃")?;
        self.rule(f, ["┡", "━", "╇", "┩"])?;
        for (at, cells) in self.rows.iter().enumerate() {
            if at > 0 {
                self.rule(f, ["├", "─", "┼", "┤"])?;
            }
            self.cells(f, cells, "│")?;
        }
        self.rule(f, ["└", "─", "┴", "┘"])
    }
}

/// Words in lines of at most `width`; a word that is longer is cut. Blanks at the start belong to the first word.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let indent = text.len() - text.trim_start().len();
    let mut lines: Vec<String> = vec![String::new()];
    let mut first = true;
    let words = text[indent..].split(' ').map(|word| {
        let blanks = if std::mem::take(&mut first) { &text[..indent] } else { "" };
        format!("{blanks}{word}")
    });
    for word in words {
        let last = lines.len() - 1;
        let used = length(&lines[last]);
        if used > 0 && used + 1 + length(&word) > width {
            lines.push(String::new());
        } else if used > 0 {
            lines[last].push(' ');
        }
        let last = lines.len() - 1;
        if length(&word) > width {
            lines[last].extend(word.chars().take(width - 1));
            lines[last].push('…');
        } else {
            lines[last].push_str(&word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_wrap_and_long_words_are_cut() {
        assert_eq!(
            wrap("batch_normalization (BatchNormalization)", 19),
            ["batch_normalization", "(BatchNormalizatio…"]
        );
        assert_eq!(wrap("user[0][0], item[0][0]", 17), ["user[0][0],", "item[0][0]"]);
        assert_eq!(wrap("   └ dense (Dense)", 12), ["   └ dense", "(Dense)"]);
    }

    #[test]
    fn columns_share_the_line_and_its_borders() {
        let widths = |ends: &[f64], line| {
            let columns: Vec<_> = ends.iter().map(|end| ("", Align::Left, *end)).collect();
            Table::new(&columns, line).widths
        };
        assert_eq!(widths(&[0.45, 0.8, 1.0], 76), [33, 24, 15]);
        assert_eq!(widths(&[0.3, 0.56, 0.74, 1.0], 76), [21, 19, 12, 19]);
        // However little there is.
        assert_eq!(widths(&[0.45, 0.8, 1.0], 1), [3, 3, 3]);
    }
}
