//! Other programs on this host that hold virtual addresses.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::list;
use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// Where keepalived has its configuration.
const KEEPALIVED: &str = "etc/keepalived/keepalived.conf";

/// A program that runs here and may hold addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Program {
    pub(in crate::cli) name: String,
    pub(in crate::cli) process: u32,
}

/// Names of processes, and what they are.
const KNOWN: [(&str, &str); 4] = [
    ("keepalived", "keepalived"),
    ("ucarp", "ucarp"),
    ("vrrpd", "vrrpd"),
    ("kube-vip", "kube-vip"),
];

/// What runs below `/proc` of that root, but this process.
pub(in crate::cli) fn running(root: &Path) -> Vec<Program> {
    let Ok(entries) = fs::read_dir(root.join("proc")) else { return Vec::new() };
    let one = |entry: fs::DirEntry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        let (_, known) = KNOWN.iter().find(|(comm, _)| *comm == name.trim())?;
        let this = process == std::process::id();
        (!this).then(|| Program { name: (*known).to_owned(), process })
    };
    let mut all: Vec<_> = entries.flatten().filter_map(one).collect();
    all.sort_by_key(|program| program.process);
    all
}

/// The row about other programs. A kube-vip that runs already is none: it may be the one that is to
/// be replaced.
pub(in crate::cli) fn row(root: &Path, vips: &[IpAddr]) -> Row {
    let running = running(root);
    let rivals: Vec<_> = running.iter().filter(|program| program.name != "kube-vip").collect();
    let conf = fs::read_to_string(root.join(KEEPALIVED)).unwrap_or_default();
    let has = |vip: &&IpAddr| names(&conf, **vip);
    let configured: Vec<_> = vips.iter().filter(has).collect();
    if !configured.is_empty() {
        let state = if rivals.is_empty() { "does not run" } else { "runs" };
        let evidence = format!("keepalived {state}, and /{KEEPALIVED} has {}", list(&configured));
        let remedy = "take the address out of keepalived.conf, or stop keepalived and disable it: \
                      docs/how-to has the way from keepalived";
        return if rivals.is_empty() {
            Row::warning("other-daemons", evidence, remedy)
        } else {
            Row::failed("other-daemons", evidence, remedy)
        };
    }
    let text = |program: &Program| format!("{} (process {})", program.name, program.process);
    if !rivals.is_empty() {
        let evidence = format!(
            "{} runs here; its configuration does not name the address",
            list(rivals.into_iter().map(text))
        );
        return Row::ok("other-daemons", evidence);
    }
    Row::ok(
        "other-daemons",
        match running.as_slice() {
            [] => "no keepalived, VRRP or kube-vip runs here".to_owned(),
            ours => format!("{} runs here already", list(ours.iter().map(text))),
        },
    )
}

/// Whether a configuration names the address, as a word of its own outside of comments.
fn names(conf: &str, vip: IpAddr) -> bool {
    let text = vip.to_string();
    let lines = conf.lines().map(|line| line.split(['#', '!']).next().unwrap_or_default());
    let mut words = lines.flat_map(str::split_whitespace);
    words.any(|word| word.split('/').next() == Some(text.as_str()))
}
