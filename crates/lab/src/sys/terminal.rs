//! Terminals: what a program that a person starts has for its input and output (pty(7)).
#![expect(unsafe_code, reason = "openpty, which no crate here wraps")]

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::ptr::{null, null_mut};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};

/// Ctrl-C: the terminal sends SIGINT to whoever is in its foreground.
pub const CTRL_C: &str = "\u{3}";

/// Ctrl-D: whoever reads a line reads its end.
pub const CTRL_D: &str = "\u{4}";

/// How wide and high a terminal is.
const SIZE: libc::winsize = libc::winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };

/// Where a person sits: what is typed there a program reads, and what it writes is to be seen.
#[derive(Debug)]
pub struct Terminal {
    near: File,
    /// The program's side, until a program has it.
    far: Option<OwnedFd>,
    shown: Vec<u8>,
}

impl Terminal {
    /// One of 100 columns and 40 lines.
    ///
    /// # Errors
    /// If the kernel has none left.
    pub fn open() -> io::Result<Self> {
        let (mut near, mut far) = (-1, -1);
        // SAFETY: both numbers are written, nothing else is; the size is read.
        let done = unsafe { libc::openpty(&raw mut near, &raw mut far, null_mut(), null(), &SIZE) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both were opened by the call above, and nobody else has them.
        let (near, far) = unsafe { (OwnedFd::from_raw_fd(near), OwnedFd::from_raw_fd(far)) };
        for side in [&near, &far] {
            fcntl_setfd(side, FdFlags::CLOEXEC)?;
        }
        fcntl_setfl(&near, OFlags::RDWR | OFlags::NONBLOCK)?;
        Ok(Self { near: near.into(), far: Some(far), shown: Vec::new() })
    }

    /// A command that runs that one at this terminal, in a session of its own, and ends as it ends.
    /// The environment is still to be said.
    ///
    /// # Errors
    /// If a program has it already.
    pub fn seat(&mut self, program: &std::path::Path, arguments: &[&str]) -> io::Result<Command> {
        let far = self.far.take().ok_or(ErrorKind::ResourceBusy)?;
        let mut command = Command::new("/usr/bin/setsid");
        command.args(["--ctty", "--wait"]).arg(program).args(arguments);
        let side = || far.try_clone().map(Stdio::from);
        command.stdin(side()?).stdout(side()?).stderr(side()?);
        Ok(command)
    }

    /// Types on its keyboard.
    ///
    /// # Errors
    /// If nobody reads for long.
    pub fn press(&mut self, keys: &str) -> io::Result<()> {
        self.near.write_all(keys.as_bytes())
    }

    /// All that was shown so far.
    pub fn shown(&mut self) -> String {
        let mut some = [0; 4096];
        // Without a program at its other side it is an error that nothing comes.
        while let Ok(count @ 1..) = self.near.read(&mut some) {
            self.shown.extend(&some[..count]);
        }
        String::from_utf8_lossy(&self.shown).into_owned()
    }
}
