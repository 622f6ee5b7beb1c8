//! Destroys the connections that end at an address, if the kernel can.

use std::net::IpAddr;

use tracing::{info, warn};

use super::sockets::{Sockets, SocketsError};

/// The way to the kernel's sockets, or none.
#[derive(Debug)]
pub(super) struct Connections(Result<Sockets, SocketsError>);

impl Connections {
    /// Finds out whether the kernel can, in the network namespace of this thread, and says so if
    /// it cannot: that is no failure.
    pub(super) fn open() -> Self {
        let sockets = Sockets::open().inspect_err(|error| {
            warn!(
                %error,
                "clients that are connected when the address moves will not be reset at once"
            );
        });
        Self(sockets)
    }

    /// Destroys what ends at the address. What stands in the way is said, and in nobody's way.
    pub(super) fn destroy(&mut self, address: IpAddr) {
        if let Err(SocketsError::Failed { .. }) = &self.0 {
            *self = Self::open();
        }
        let Ok(sockets) = &mut self.0 else { return };
        match sockets.destroy(address) {
            Ok(0) => {}
            Ok(count) => info!(%address, count, "destroyed the connections that end here"),
            Err(error) => {
                warn!(%address, %error, "connections that end here go on");
                self.0 = Err(error);
            }
        }
    }
}
