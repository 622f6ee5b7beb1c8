//! Rows as text in columns: result, what it is about, what was seen; below it what to do.

use super::{Row, Style, Verdict};

/// The columns between two columns.
const GAP: usize = 2;

/// No column of evidence is narrower, however narrow the terminal is.
const NARROWEST: usize = 30;

/// All rows, each with its evidence and, below it, its remedy.
pub(super) fn table(rows: &[Row], style: Style) -> String {
    let names: Vec<_> = rows.iter().map(name).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let first = Verdict::Skipped.word().len();
    let column = first + GAP + longest + GAP;
    let width = style.width.map(|width| width.saturating_sub(column).max(NARROWEST));
    let mut text = String::new();
    for (row, name) in rows.iter().zip(&names) {
        let word = format!("{:first$}", row.result.word());
        let word = style.paint(&word, colour(row.result));
        let head = format!("{word}{:GAP$}{name:longest$}{:GAP$}", "", "");
        let mut lines = lines(&row.evidence, width);
        if let Some(remedy) = &row.remedy {
            let width = width.map(|width| width - 4);
            let remedy = self::lines(remedy, width).into_iter().enumerate();
            lines.extend(remedy.map(|(index, line)| {
                let lead = if index == 0 { "  → " } else { "    " };
                format!("{lead}{line}")
            }));
        }
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 { head.clone() } else { " ".repeat(column) };
            text.push_str(format!("{lead}{line}").trim_end());
            text.push('\n');
        }
    }
    text
}

fn name(row: &Row) -> String {
    match &row.subject {
        None => row.check.to_owned(),
        Some(subject) => format!("{} {subject}", row.check),
    }
}

/// ECMA-48, SGR: 31 red, 32 green, 33 yellow, 35 magenta, 2 faint.
const fn colour(result: Verdict) -> u8 {
    match result {
        Verdict::Skipped => 2,
        Verdict::Ok => 32,
        Verdict::Warning => 33,
        Verdict::Unknown => 35,
        Verdict::Failed => 31,
    }
}

/// The text in lines of at most that many columns; a word that is longer has a line of its own.
fn lines(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return text.lines().map(str::to_owned).collect();
    };
    let mut all = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                all.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        all.push(line);
    }
    all
}
