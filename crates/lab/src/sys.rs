//! The only unsafe code of the lab, behind safe functions: namespaces, terminals, processes that
//! die with the lab, and sockets whose kernel says when a frame came in.

pub use kube_vip_measure::clock;

pub mod mount;
pub mod namespace;
pub mod packet;
pub mod process;
pub mod terminal;
pub mod trace;
pub mod user;
pub(crate) mod worker;

use std::io;

use thiserror::Error;

/// Why the kernel did not do what the lab asked for.
#[derive(Debug, Error)]
pub enum Error {
    /// Namespaces are out of reach for this user.
    #[error("cannot make namespaces: {hint}")]
    NotPermitted {
        /// What to do about it.
        hint: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// One step failed.
    #[error("cannot {step}")]
    Step {
        /// What was being done.
        step: String,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: the step that failed.
    pub(crate) fn step<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> Self {
        let step = step.into();
        move |source| Self::Step { step, source: source.into() }
    }
}
