//! Text in columns.

/// The columns between two columns.
const GAP: usize = 2;

/// The rows with each column as wide as its widest entry, and nothing behind the last.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (entry, width) in row.iter().zip(widths) {
            line.push_str(&format!("{entry:width$}{:GAP$}", ""));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
