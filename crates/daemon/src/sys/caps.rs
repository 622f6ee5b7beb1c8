//! Privileges: what is not needed is given up at the start, for good.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};
use thiserror::Error;

/// What the daemon cannot do without: addresses and routes, and packet sockets.
const NEEDED: [(CapabilitySet, &str); 2] =
    [(CapabilitySet::NET_ADMIN, "NET_ADMIN"), (CapabilitySet::NET_RAW, "NET_RAW")];

/// Why the daemon cannot run with the privileges it was given.
#[derive(Debug, Error)]
pub enum CapsError {
    /// Something that is needed was not granted.
    #[error(
        "missing capability {}: the container's manifest must have securityContext: \
         {{capabilities: {{add: [NET_ADMIN, NET_RAW]}}}} and no runAsUser other than 0",
        .0.join(" and ")
    )]
    Missing(Vec<&'static str>),
    /// The kernel would not take something away.
    #[error("cannot {action}: {source}")]
    Kernel {
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// Gives up every capability but `NET_ADMIN` and `NET_RAW`, for this thread and those it starts
/// from now on, and for whatever they execute. To be called before any other thread is started.
///
/// What goes with them: without `DAC_OVERRIDE` even user 0 reads a file only as its mode says, so
/// that a kubeconfig of another owner must be readable by group or others; without
/// `NET_BIND_SERVICE` no port below 1024 can be listened on (unless
/// `net.ipv4.ip_unprivileged_port_start` is lower). Sockets that are open stay open.
///
/// # Errors
/// If one of the two is missing, or the kernel refuses. Nothing to go on with either way.
pub fn keep_only_network() -> Result<(), CapsError> {
    let had = capabilities(None).map_err(|error| kernel("read the capabilities", error))?;
    let missing = lacking(had.permitted);
    if !missing.is_empty() {
        return Err(CapsError::Missing(missing));
    }
    if had.permitted.contains(CapabilitySet::SETPCAP) {
        narrow_bounding_set(had)?;
    }
    clear_ambient_capability_set()
        .map_err(|error| kernel("clear the ambient capabilities", error))?;
    let kept = CapabilitySets {
        effective: needed(),
        permitted: needed(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, kept).map_err(|error| kernel("drop capabilities", error))?;
    set_no_new_privs(true).map_err(|error| kernel("set no_new_privs", error))
}

/// Without this, a program that user 0 executes could have them all again; `no_new_privs` stands
/// in the way too, but only this shows in `/proc/PID/status`.
fn narrow_bounding_set(had: CapabilitySets) -> Result<(), CapsError> {
    let able = CapabilitySets { effective: had.permitted, ..had };
    set_capabilities(None, able).map_err(|error| kernel("use the capability SETPCAP", error))?;
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        // EINVAL: the kernel knows none of this number.
        let Ok(bound) = capability_is_in_bounding_set(capability) else { break };
        if bound && !needed().contains(capability) {
            remove_capability_from_bounding_set(capability)
                .map_err(|error| kernel("narrow the bounding set", error))?;
        }
    }
    Ok(())
}

fn needed() -> CapabilitySet {
    NEEDED.iter().map(|(capability, _)| *capability).collect()
}

fn kernel(action: &'static str, error: rustix::io::Errno) -> CapsError {
    CapsError::Kernel { action, source: error.into() }
}

/// Which of the capabilities that the daemon needs this process lacks.
///
/// # Errors
/// If the kernel does not tell.
pub fn missing() -> io::Result<Vec<&'static str>> {
    Ok(lacking(capabilities(None)?.effective))
}

fn lacking(had: CapabilitySet) -> Vec<&'static str> {
    let lacks = |(capability, name)| (!had.contains(capability)).then_some(name);
    NEEDED.into_iter().filter_map(lacks).collect()
}
