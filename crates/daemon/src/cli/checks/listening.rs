//! At which addresses of this host somebody listens (proc(5), `/proc/net/tcp`).

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::list;
use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// `TCP_LISTEN` of include/net/tcp_states.h.
const LISTEN: &str = "0A";

/// The addresses at which somebody listens on that port, below a root's `/proc/net`.
pub(in crate::cli) fn listening(root: &Path, port: u16) -> BTreeSet<IpAddr> {
    let table = |name: &str| fs::read_to_string(root.join("proc/net").join(name));
    let text = table("tcp").unwrap_or_default() + &table("tcp6").unwrap_or_default();
    text.lines().filter_map(|line| listener(line, port)).collect()
}

fn listener(line: &str, port: u16) -> Option<IpAddr> {
    let mut words = line.split_whitespace().skip(1);
    let (local, state) = (words.next()?, words.nth(1)?);
    let (address, at) = local.split_once(':')?;
    if state != LISTEN || u16::from_str_radix(at, 16).ok()? != port {
        return None;
    }
    // Words of 32 bits in this host's order, printed as numbers.
    let word = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::to_ne_bytes);
    if address.len() == 8 {
        return Some(Ipv4Addr::from(word(address)?).into());
    }
    let mut bytes = [0; 16];
    for (index, part) in bytes.chunks_exact_mut(4).enumerate() {
        part.copy_from_slice(&word(address.get(8 * index..8 * index + 8)?)?);
    }
    Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
}

/// The row about the API server's port on this node.
pub(in crate::cli) fn port(at: &BTreeSet<IpAddr>, port: u16, vips: &[IpAddr]) -> Row {
    let everywhere = at.iter().any(IpAddr::is_unspecified);
    let at_vip = vips.iter().all(|vip| at.contains(vip));
    if everywhere {
        return Row::ok("port", format!("somebody listens at port {port} of all addresses here"));
    }
    if at.is_empty() {
        return Row::warning(
            "port",
            format!("nobody listens at port {port} here"),
            "none before the first start of the API server; after it, set port to the API \
             server's",
        );
    }
    if at_vip {
        return Row::ok("port", format!("somebody listens at port {port} of the address itself"));
    }
    Row::failed(
        "port",
        format!("port {port} is open at {} only: the virtual address would refuse", list(at)),
        "have the API server listen at all addresses: --bind-address=0.0.0.0, or its default",
    )
}
