//! Who speaks for an address on its segment, by ARP or NDP.
//!
//! Nothing is asked while the outage is measured: an answer would refresh this host's own neighbour
//! entry, and hide what other clients see.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_measure::clock::Stamp;
use tokio::time::sleep;

use super::record::Evidence;
use super::sights::{Sight, Teller, Who};
use crate::cli::checks::owner::Segment;
use crate::cli::checks::wire::Wire;
use crate::drivers::kernel;

/// A pause after the socket failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The segment of that address. Must be called within a runtime.
///
/// # Errors
/// If this host is not on it, or may not listen; the text is for people.
pub(super) fn find(address: IpAddr) -> Result<Wire, String> {
    let host = kernel::host().map_err(|error| error.to_string())?;
    let segment = Segment::around(&host, address);
    let segment = segment.ok_or("this host is not on the address's segment")?;
    Wire::open(&segment.link, segment.own, address).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "listening for it takes the capability NET_RAW".to_owned()
        }
        _ => format!("cannot listen on {}: {error}", segment.link),
    })
}

/// Tells who speaks for the address, until it is dropped.
pub(super) async fn listen(wire: Wire, evidence: Evidence, tell: &Teller) {
    loop {
        match wire.next().await {
            Ok(mac) => tell.tell(Stamp::now(), Sight::Claim(evidence, Who::Mac(mac))),
            // The interface went down, say.
            Err(_) => sleep(PAUSE).await,
        }
    }
}
