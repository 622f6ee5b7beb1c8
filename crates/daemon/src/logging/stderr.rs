//! stderr that never keeps its writer waiting.
//!
//! stderr is a pipe to the container runtime. When nobody reads it, an ordinary write waits for
//! ever, and the loop that renews the Lease with it. A line that does not fit is dropped instead,
//! and the next one that fits is preceded by how many there were.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::format;
use crate::settings::config::LogFormat;

/// A pipe that is ready takes so many bytes without waiting (`PIPE_BUF` in pipe(7)): lines are made
/// no longer.
pub(super) const READY: usize = 4096;

static LOST: AtomicU64 = AtomicU64::new(0);

/// Writes whole lines to stderr (or another file), or drops them; never fails, never waits.
pub struct Stderr<F = io::Stderr> {
    file: F,
    format: LogFormat,
    lost: &'static AtomicU64,
}

impl Stderr {
    /// The process's stderr, for lines of this form.
    #[must_use]
    pub fn new(format: LogFormat) -> Self {
        Self::to(io::stderr(), format, &LOST)
    }
}

impl<F: AsFd + Write> Stderr<F> {
    pub(super) const fn to(file: F, format: LogFormat, lost: &'static AtomicU64) -> Self {
        Self { file, format, lost }
    }

    /// Whether the line was written.
    fn line(&mut self, line: &[u8]) -> bool {
        line.len() <= READY && ready(self.file.as_fd()) && self.file.write_all(line).is_ok()
    }
}

impl<F: AsFd + Write> Write for Stderr<F> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let note = format::lost(self.format, Timestamp::now(), lost);
            if self.line(note.as_bytes()) {
                self.lost.fetch_sub(lost, Ordering::Relaxed);
            }
        }
        if !self.line(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It takes a line now without waiting. An error is left to the write, which reports it better.
fn ready(file: BorrowedFd<'_>) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut files = [PollFd::from_borrowed_fd(file, PollFlags::OUT)];
    !matches!(poll(&mut files, Some(&at_once)), Ok(0))
}
