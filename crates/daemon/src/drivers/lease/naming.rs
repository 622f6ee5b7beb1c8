//! What the Leases of one election are called, and by which label they are found.
//!
//! A node's candidate Lease is `<election's Lease>-<node>`, with the label [`ELECTION_LABEL`].
//! Where a name is too long for Kubernetes, its end is replaced by a hash of the whole: every node,
//! of whatever version and architecture, comes to the same.

/// The label of candidate Leases; its value is the name of the election's Lease.
pub const ELECTION_LABEL: &str = "kube-vip.io/election";

/// The longest value of a label, in bytes (Kubernetes, `validation.LabelValueMaxLength`).
const LONGEST_LABEL: usize = 63;

/// The longest name of a Lease, in bytes: that of a DNS subdomain (RFC 1123).
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests;

/// The value of [`ELECTION_LABEL`] for the election by that Lease.
#[must_use]
pub fn label(lease: &str) -> String {
    fitting(lease, LONGEST_LABEL)
}

/// The name of that node's candidate Lease.
#[must_use]
pub fn candidate_lease(lease: &str, node: &str) -> String {
    fitting(&format!("{lease}-{node}"), LONGEST_NAME)
}

/// The text, or its beginning and a hash of all of it.
fn fitting(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let hash = format!("{:016x}", fnv(text.as_bytes()));
    let mut end = longest - hash.len() - 1;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A label of a DNS name must end before the hyphen with a letter or digit.
    let start = text[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    format!("{start}-{hash}")
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): short, and the same everywhere. Nobody gains anything by a
/// collision: who may write these Leases may write them under any name.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
