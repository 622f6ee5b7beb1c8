//! The daemon under test on one node, and what is done to it.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::World;
use crate::recorder::Journal;
use crate::sys::Error;
use crate::sys::clock::Stamp;
use crate::sys::process::Process;
use crate::timeline::{Fault, What};

/// How to start a daemon: any program with kube-vip's interface.
#[derive(Clone, Debug)]
pub struct DaemonSpec {
    /// The binary, as the node sees it.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where its output goes; an existing file is continued.
    pub log: PathBuf,
}

impl DaemonSpec {
    /// The command that this describes.
    ///
    /// # Errors
    /// If the log cannot be opened.
    pub fn command(&self) -> Result<Command, Error> {
        let log = File::options().create(true).append(true).open(&self.log);
        let step = format!("open {}", self.log.display());
        let log = log.map_err(Error::step(&*step))?;
        let also = log.try_clone().map_err(Error::step(step))?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also);
        Ok(command)
    }
}

/// A daemon on a node. Dropping it kills it. What is done to it is written into the journal.
#[derive(Debug)]
pub struct Daemon {
    node: usize,
    process: Process,
    journal: Journal,
}

impl Daemon {
    /// Starts a daemon on a node.
    ///
    /// # Errors
    /// If the log cannot be opened or the program not be started.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn start(world: &World, node: usize, spec: &DaemonSpec) -> Result<Self, Error> {
        let process = world.node(node).spawn(spec.command()?)?;
        let journal = world.journal().clone();
        journal.note_now(What::Fault(Fault::Started(node)));
        Ok(Self { node, process, journal })
    }

    /// The node that it runs on.
    #[must_use]
    pub const fn node(&self) -> usize {
        self.node
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// If it is gone.
    pub fn terminate(&self) -> Result<(), Error> {
        self.strike(Fault::Terminated(self.node), Process::terminate)
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If it is gone.
    pub fn kill(&self) -> Result<(), Error> {
        self.strike(Fault::Killed(self.node), Process::kill)
    }

    /// SIGSTOP.
    ///
    /// # Errors
    /// If it is gone.
    pub fn freeze(&self) -> Result<(), Error> {
        self.strike(Fault::Frozen(self.node), Process::freeze)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// If it is gone.
    pub fn thaw(&self) -> Result<(), Error> {
        self.process.thaw()?;
        self.journal.note_now(What::Fault(Fault::Thawed(self.node)));
        Ok(())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.process.try_wait()
    }

    /// Waits until it has ended, `at_most` so long; none: it still runs.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn wait(&mut self, at_most: Duration) -> Result<Option<ExitStatus>, Error> {
        self.process.wait(at_most)
    }

    /// The process, for its number and what it uses.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// A fault strikes the moment before the kernel is asked to do it.
    fn strike(
        &self,
        fault: Fault,
        how: impl FnOnce(&Process) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let at = Stamp::now();
        how(&self.process)?;
        self.journal.note(at, What::Fault(fault));
        Ok(())
    }
}
