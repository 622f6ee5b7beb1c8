//! Which addresses are this node's own, asked of the kernel's routing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

#[cfg(test)]
mod tests;

/// Any port: nothing is sent.
const PORT: u16 = 9;

/// Whether packets to that address stay on this node.
pub(super) fn is_here(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified() || is_own(address)
}

/// Whether this node speaks from that address to itself: it is one of its own. (Binding to it would
/// not tell: where `ip_nonlocal_bind` is set, that succeeds for any address.)
pub(super) fn is_own(address: IpAddr) -> bool {
    source(address) == Some(address)
}

/// The address that this node speaks from to that one; none: it cannot reach it.
pub(super) fn source(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket only chooses a route.
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(to, PORT)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
