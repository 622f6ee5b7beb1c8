//! What was meant by a value as it was written: `$(NAME)` replaced, quotation marks and white space
//! around it taken off.
//!
//! The kubelet replaces `$(NAME)` in `args` and `env` by the container's variables; it leaves what
//! it does not know, and whoever runs a manifest's command without it gets all of them as they
//! stand there. Quotation marks are what is left where YAML or a shell was expected to take them
//! off.

use std::collections::BTreeMap;

use super::definition::Wrong;

/// A value without its wrapping.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    /// The value itself.
    pub(super) text: String,
    /// There were quotation marks around it.
    pub(super) quoted: bool,
}

/// The value itself.
///
/// # Errors
/// If it refers to a variable that the environment does not have.
pub(super) fn plain(text: &str, environment: &BTreeMap<String, String>) -> Result<Plain, Wrong> {
    let text = replaced(text, environment)?;
    let trimmed = text.trim();
    let bare = ['"', '\''].into_iter().find_map(|mark| {
        let bare = trimmed.strip_prefix(mark)?.strip_suffix(mark)?;
        (!bare.contains(mark)).then(|| bare.trim())
    });
    Ok(match bare {
        Some(bare) => Plain { text: bare.to_owned(), quoted: true },
        None => Plain { text: trimmed.to_owned(), quoted: false },
    })
}

fn replaced(text: &str, environment: &BTreeMap<String, String>) -> Result<String, Wrong> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$(") {
        let Some((name, after)) = behind.split_once(')') else {
            break;
        };
        let Some(value) = environment.get(name) else {
            let wrong = format!("$({name}) stands for a variable that the environment has not");
            return Err(Wrong::new(wrong, format!("a container with the variable {name}")));
        };
        whole.push_str(before);
        whole.push_str(value);
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole)
}

#[cfg(test)]
mod tests;
