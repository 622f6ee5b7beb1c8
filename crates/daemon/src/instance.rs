//! One daemon of an election on each host: a socket whose name exists once per network namespace.
//!
//! Whoever has bound the name knows that every predecessor on this host is dead, not merely silent:
//! the kernel gives the name back when the process is gone, however it ended. A process that is
//! frozen still has it. The name is visible to every process of the network namespace, and any of
//! them could take it: it keeps mistakes apart, not enemies, and nothing is read from it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use kube_vip_core::plan::LeasePlan;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::logging::span;

pub mod running;

/// How long a predecessor may take to end: one that was told to takes up to 3 s to release the
/// Lease, one that was killed takes some hundred milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often the name is tried while somebody else has it.
const RETRY: Duration = Duration::from_millis(50);

/// A name in the abstract namespace has at most so many bytes (`sun_path` without its leading NUL,
/// unix(7)).
const LONGEST: usize = 107;

/// Connections that wait to be accepted; nobody accepts any. Each daemon that is refused leaves
/// one, and a full queue only hides who has the name.
const BACKLOG: i32 = 4096;

/// Why this process may not run here.
#[derive(Debug, Error)]
pub enum InstanceError {
    /// Another one of the same election is running on this host.
    #[error(
        "another kube-vip of the election {election} runs on this host already: {who}; two of \
         them would take the addresses from each other. End one of them (who has the socket: \
         ss -xlp src '@{name}' on this node), or give this one a Lease of its own (vip_leasename)"
    )]
    Twin {
        /// Namespace and name of the Lease.
        election: String,
        /// Which process, for people.
        who: String,
        /// The socket's name.
        name: String,
    },
    /// The kernel gave no socket: whether another one runs here cannot be told.
    #[error("cannot make sure that no other kube-vip of this election runs on this host: {0}")]
    Socket(#[from] io::Error),
}

/// This process is the only one of its election on this host, as long as this is kept.
#[derive(Debug)]
pub struct Instance {
    _socket: OwnedFd,
}

impl Instance {
    /// Takes the name of this election in the network namespace of this thread, and waits up to
    /// `patience` for a predecessor to end. Must be called within a runtime.
    ///
    /// # Errors
    /// If another process still has it by then, or the kernel gives no socket.
    pub async fn claim(plan: &LeasePlan, patience: Duration) -> Result<Self, InstanceError> {
        let name = name(plan);
        let address = SocketAddrUnix::new_abstract_name(&name).map_err(io::Error::from)?;
        let began = Instant::now();
        let mut told = false;
        loop {
            if let Some(socket) = take(&address)? {
                if told {
                    info!(waited = span(began.elapsed()), "the other kube-vip has ended; going on");
                }
                return Ok(Self { _socket: socket });
            }
            if !told {
                warn!(
                    election = election(plan),
                    other = who(&address),
                    "another kube-vip of this election still runs on this host; waiting up to {} \
                     for it to end",
                    span(patience)
                );
                told = true;
            }
            if began.elapsed() >= patience {
                let (election, who) = (election(plan), who(&address));
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(InstanceError::Twin { election, who, name });
            }
            sleep(RETRY.min(patience)).await;
        }
    }
}

/// A listening socket of this name; none: somebody else has it.
fn take(address: &SocketAddrUnix) -> io::Result<Option<OwnedFd>> {
    let socket = socket()?;
    match bind(&socket, address) {
        Ok(()) => {}
        Err(Errno::ADDRINUSE) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // Only who listens can be asked for its process.
    listen(&socket, BACKLOG)?;
    Ok(Some(socket))
}

/// Who has the name, as far as can be seen from here.
fn who(address: &SocketAddrUnix) -> String {
    match pid(address) {
        Ok(Some(pid)) => format!("process {pid}"),
        Ok(None) => "a process that is not visible from this container".to_owned(),
        Err(error) => format!("a process that could not be asked ({error})"),
    }
}

/// The process that listens on this name; none: it lives in another PID namespace.
fn pid(address: &SocketAddrUnix) -> io::Result<Option<i32>> {
    let socket = socket()?;
    connect(&socket, address)?;
    let stream = tokio::net::UnixStream::from_std(UnixStream::from(socket))?;
    Ok(stream.peer_cred()?.pid().filter(|pid| *pid > 0))
}

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

fn election(plan: &LeasePlan) -> String {
    format!("{}/{}", plan.namespace, plan.name)
}

/// `kube-vip/NAMESPACE/LEASE`; where that is too long, its beginning and a hash of all of it.
/// Versions must agree on it, or an upgrade would not see its predecessor.
fn name(plan: &LeasePlan) -> Vec<u8> {
    let mut name = format!("kube-vip/{}", election(plan)).into_bytes();
    if name.len() > LONGEST {
        let hash = format!("~{:016x}", fnv_1a(&name));
        name.truncate(LONGEST - hash.len());
        name.extend_from_slice(hash.as_bytes());
    }
    name
}

/// FNV-1a of 64 bits (RFC 9923).
fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests;
