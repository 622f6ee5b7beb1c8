//! A question to whoever sits at the terminal, before something is done.

use std::io::{self, BufRead as _, Write};

/// Whether the answer on stdin is yes; its end is none.
///
/// # Errors
/// If it cannot be asked.
pub(super) fn agreed(to: &mut dyn Write, question: &str) -> io::Result<bool> {
    write!(to, "{question} [y/N] ")?;
    to.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
