//! What `preflight` and `verify` look at: the manifest, certificates, the wire, this host.

use std::fmt;

pub(super) mod aim;
pub(super) mod api;
pub(super) mod certificate;
pub(super) mod elections;
pub(super) mod listening;
pub(super) mod manifest;
pub(super) mod others;
pub(super) mod owner;
pub(super) mod pools;
pub(super) mod rights;
pub(super) mod runtime;
pub(super) mod traps;
pub(super) mod wire;

/// Several things in one line.
pub(super) fn list<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    texts.join(", ")
}
