//! A table that fits: columns are as wide as what is in them, and one column, the
//! names, gives way when there is not room for all.

use super::text::{WIDTH, ascii, end, name};

/// A table under construction.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Column {
    head: &'static str,
    align: Align,
}

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
    /// Names: to the left, shortened in the middle when there is not room.
    Name,
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<String>,
    /// Free text behind the cells, up to the end of the line.
    note: Option<String>,
}

impl Table {
    /// With these columns.
    #[must_use]
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        let columns = columns.iter().map(|&(head, align)| Column { head, align }).collect();
        Self { columns, rows: Vec::new() }
    }

    /// A row with a cell for every column.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row { cells: cells.iter().map(|cell| ascii(cell)).collect(), note: None });
    }

    /// A row whose first cells are followed by free text.
    pub fn note(&mut self, cells: Vec<String>, note: &str) {
        self.row(cells);
        if let Some(row) = self.rows.last_mut() {
            row.note = Some(ascii(note));
        }
    }

    /// The head and the rows, none wider than 79 columns.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let heads: Vec<String> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let head = Row { cells: heads, note: None };
        std::iter::once(&head).chain(&self.rows).map(|row| self.line(row, &widths)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, column)| self.natural(at, column)).collect();
        let used = widths.iter().sum::<usize>() + widths.len().saturating_sub(1);
        let over = used.saturating_sub(WIDTH);
        let names = self.columns.iter().position(|column| column.align == Align::Name);
        if let Some(width) = names.and_then(|at| widths.get_mut(at)) {
            *width = width.saturating_sub(over).max(8);
        }
        widths
    }

    /// The widest of a column; cells before a note count, the note does not.
    fn natural(&self, at: usize, column: &Column) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(at)).map(String::len);
        cells.chain(std::iter::once(column.head.len())).max().unwrap_or(0)
    }

    fn line(&self, row: &Row, widths: &[usize]) -> String {
        let mut line = String::new();
        for ((column, cell), &width) in self.columns.iter().zip(&row.cells).zip(widths) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&match column.align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
                Align::Name => format!("{:<width$}", name(cell, width)),
            });
        }
        if let Some(note) = &row.note {
            line.push(' ');
            line.push_str(note);
        }
        end(line.trim_end(), WIDTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_column_gives_way_and_notes_end_at_the_edge() {
        let mut table =
            Table::new(&[("#", Align::Right), ("model", Align::Name), ("ms", Align::Right)]);
        table.row(vec!["1".into(), "n".repeat(100), "0.84".into()]);
        table.note(vec!["-".into(), "broken".into()], &"because ".repeat(20));
        let lines = table.lines();
        assert_eq!(lines[0].len(), WIDTH);
        assert_eq!(lines[1].len(), WIDTH);
        assert!(lines[1].contains("..") && lines[1].ends_with("0.84"));
        assert!(lines[2].len() <= WIDTH && lines[2].ends_with("..."));
    }
}
