//! Processes that somebody else has started.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::sys::Error;
use crate::sys::clock::Stamp;

/// A process of somebody else's, by the lab's count. Dropping it does nothing.
#[derive(Debug)]
pub struct Foreign {
    pid: Pid,
    handle: OwnedFd,
}

impl Foreign {
    /// The process with this number.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(number: u32) -> Result<Self, Error> {
        let step = || format!("find process {number}");
        let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(Errno::SRCH).map_err(Error::step(step()))?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(Error::step(step()))?;
        Ok(Self { pid, handle })
    }

    /// Sends SIGKILL.
    ///
    /// # Errors
    /// If it is gone.
    pub fn kill(&self) -> Result<(), Error> {
        let step = format!("kill process {}", self.pid.as_raw_pid());
        pidfd_send_signal(&self.handle, Signal::KILL).map_err(Error::step(step))
    }

    /// When it was forked, to a tick of the kernel's, 10 ms, and not later (proc_pid_stat(5)). That
    /// counts from the boot, as the lab's clock does on a machine that was not suspended.
    ///
    /// # Errors
    /// If it is gone.
    pub fn began(&self) -> Result<Stamp, Error> {
        let path = format!("/proc/{}/stat", self.pid.as_raw_pid());
        let text = std::fs::read_to_string(&path).map_err(Error::step(format!("read {path}")))?;
        let ticks = began(&text).ok_or(Errno::INVAL);
        let ticks = ticks.map_err(Error::step(format!("understand {path}")))?;
        let each = Duration::from_secs(1) / 100;
        Ok(Stamp::default() + each.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }
}

/// The 22nd field; the second is a name in brackets, which may have anything in it.
fn began(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_a_name_with_brackets() {
        let rest = "S 1 2 3 0 -1 4194560 5 6 7 8 9 10 11 12 20 0 1 0 4711 13 14";
        assert_eq!(began(&format!("42 (a) b (c)) {rest}")), Some(4711));
    }
}
