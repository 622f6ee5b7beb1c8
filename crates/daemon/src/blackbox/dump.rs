//! Writes the black box to stdout, in the place of kube-vip's own dump, and to a file.
//!
//! Nobody may be reading stdout, and a disk may be slow: writing is left to a thread, and the
//! control loop never waits for it.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use crate::clock::Wall;
use crate::settings::config::Config;

const RULE: &str =
    "================================================================================";

/// Why a dump is not written.
enum Unwritten {
    Busy,
    NoThread(io::Error),
}

/// Where dumps go.
#[derive(Debug)]
pub struct Dumps {
    settings: String,
    node: String,
    file: Option<PathBuf>,
    /// One is being written.
    busy: Arc<AtomicBool>,
}

impl Dumps {
    /// To stdout, and to the file that the settings name.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            settings: settings(config),
            node: config.plan.node.to_string(),
            file: config.black_box_file.clone(),
            busy: Arc::default(),
        }
    }

    /// Writes these lines of a black box, with kube-vip's header before them. Returns at once; a
    /// dump while another one is still being written is left out, and said.
    pub fn write(&self, lines: Vec<u8>, wall: Wall) {
        match self.start(lines, wall) {
            // Its thread is not waited for: it may hang as long as nobody reads.
            Ok(_) => {}
            Err(Unwritten::Busy) => warn!(
                "the black box is still being written, and is not written again: nobody reads it"
            ),
            Err(Unwritten::NoThread(error)) => {
                warn!(cause = %error, "the black box could not be written: no thread for it");
            }
        }
    }

    /// The same for a process that is about to end: waits until it is written, but not longer than
    /// `patience`. What stands in the way is not told: who calls this may be in the middle of
    /// telling something.
    pub fn write_last(&self, lines: Vec<u8>, wall: Wall, patience: Duration) {
        if let Ok(written) = self.start(lines, wall) {
            // Nothing is ever sent: it ends with the thread, or when the time is over.
            let _ = written.recv_timeout(patience);
        }
    }

    /// What is returned ends when the dump is written.
    fn start(&self, lines: Vec<u8>, wall: Wall) -> Result<Receiver<Infallible>, Unwritten> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(Unwritten::Busy);
        }
        let text = self.text(&lines, wall);
        drop(lines);
        let (file, busy) = (self.file.clone(), Arc::clone(&self.busy));
        let (writing, written) = channel();
        let work = move || {
            deliver(&text, file.as_deref());
            busy.store(false, Ordering::Release);
            drop(writing);
        };
        let thread = thread::Builder::new().name("black-box".to_owned()).spawn(work);
        thread.map(|_| written).map_err(|error| {
            self.busy.store(false, Ordering::Release);
            Unwritten::NoThread(error)
        })
    }

    /// The whole dump.
    fn text(&self, lines: &[u8], wall: Wall) -> Vec<u8> {
        let time = format!("{:.0}", wall.time());
        let Self { settings, node, .. } = self;
        let head = format!(
            "\n{RULE}\n                   KUBE-VIP CONFIGURATION DUMP\n{RULE}\n\
             Timestamp: {time}\nNode Name: {node}\nProcess ID: {}\n{RULE}\n\n{settings}\
             --- BLACK BOX (kube-vip-lab replay FILE) ---\n",
            std::process::id()
        );
        let tail = format!("\n{RULE}\n                   END OF CONFIGURATION DUMP\n{RULE}\n\n");
        [head.as_bytes(), lines, tail.as_bytes()].concat()
    }
}

/// The settings as kube-vip's dump shows them, as far as they are there.
fn settings(config: &Config) -> String {
    let plan = &config.plan;
    let vips: Vec<_> = plan.vips.iter().map(|vip| vip.address().to_string()).collect();
    let subnets: Vec<_> = plan.vips.iter().map(|vip| format!("/{}", vip.prefix())).collect();
    let timings = plan.lease.timings;
    let mut text = String::new();
    let mut section = |title: &str, pairs: &[(&str, String)]| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "--- {title} ---");
        for (name, value) in pairs {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push('\n');
    };
    section(
        "BASIC CONFIGURATION",
        &[
            ("VIP", vips.join(",")),
            ("VIP Subnet", subnets.join(",")),
            ("Port", config.port.to_string()),
            ("Namespace", plan.lease.namespace.clone()),
            ("Interface", plan.link.to_string()),
        ],
    );
    section("BGP CONFIGURATION", &[("BGP Enabled", "false".to_owned())]);
    section(
        "ARP/NDP CONFIGURATION",
        &[
            ("ARP Enabled", "true".to_owned()),
            ("ARP Broadcast Rate", plan.announce_every.as_millis().to_string()),
        ],
    );
    section(
        "LEADER ELECTION CONFIGURATION",
        &[
            ("Leader Election Type", "kubernetes".to_owned()),
            ("Leader Election Enabled", "true".to_owned()),
            ("Lease Name", plan.lease.name.clone()),
            ("Lease Duration", format!("{} seconds", timings.duration().as_secs())),
            ("Renew Deadline", format!("{} seconds", timings.renew_deadline().as_secs())),
            ("Retry Period", format!("{} seconds", timings.retry().as_secs())),
        ],
    );
    section(
        "RUNTIME STATISTICS",
        &[
            (
                "Prometheus HTTP Server",
                config.metrics.map_or_else(String::new, |at| at.to_string()),
            ),
            ("Health Check Port", config.health_port.unwrap_or_default().to_string()),
        ],
    );
    text
}

fn deliver(text: &[u8], file: Option<&Path>) {
    if let Err(error) = to_stdout(text) {
        warn!(cause = %error, "the black box could not be written to stdout");
    }
    let Some(path) = file else { return };
    match to_file(text, path) {
        Ok(()) => info!(file = %path.display(), "the black box is written"),
        Err(error) => {
            warn!(file = %path.display(), cause = %error, "the black box could not be written");
        }
    }
}

/// Line by line, so that log lines on the same file or terminal do not fall into one.
fn to_stdout(text: &[u8]) -> io::Result<()> {
    let mut stdout = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    text.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| stdout.write_all(line))
}

/// The last dump alone, for its owner alone.
fn to_file(text: &[u8], path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file?.write_all(text)
}

#[cfg(test)]
mod tests;
