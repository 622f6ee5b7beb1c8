//! Processes under test: each in a group of its own, killed when dropped and when the lab dies.
#![expect(unsafe_code, reason = "pre_exec and the CPU clock of another process")]

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getppid, kill_process, kill_process_group,
    pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid,
};
use rustix::time::Timespec;

pub use self::foreign::Foreign;
pub(super) use self::spawner::Spawner;
use super::Error;
use super::namespace::Namespaces;

mod foreign;
mod spawner;

/// A running program. Dropping it kills it and its process group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: Pid,
    handle: OwnedFd,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` in a process group of its own. The kernel kills it when this process dies,
    /// or the spawner ends.
    pub(super) fn spawn(mut command: Command, spawner: &Spawner) -> Result<Self, Error> {
        let step = format!("start {}", command.get_program().display());
        command.process_group(0);
        let lab = rustix::process::getpid();
        let die_with_the_lab = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The lab may have died before the line above. None: it is not counted where this
            // process is, and the first process there has died with it.
            match getppid() {
                Some(parent) if parent != lab => Err(Errno::SRCH.into()),
                _ => Ok(()),
            }
        };
        // SAFETY: between fork and exec the closure makes system calls only.
        unsafe { command.pre_exec(die_with_the_lab) };
        Self::started(spawner.start(command), step)
    }

    /// Starts `command` right here, among the lab's own processes and in its namespaces, in a
    /// process group of its own. The kernel kills it when this process dies.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn here(command: Command) -> Result<Self, Error> {
        Self::spawn(command, &Spawner::of_the_lab()?)
    }

    fn started(child: io::Result<Child>, step: String) -> Result<Self, Error> {
        let mut child = child.map_err(Error::step(&*step))?;
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => Ok(Self { child, pid, handle, ended: None }),
            Err(errno) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(Error::step(step)(errno))
            }
        }
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The program's output, if the command asked for a pipe; once.
    pub const fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM, "terminate")
    }

    /// Sends SIGKILL, to this process alone.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn kill(&self) -> Result<(), Error> {
        self.signal(Signal::KILL, "kill")
    }

    /// Sends SIGSTOP.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::STOP, "freeze")
    }

    /// Sends SIGCONT.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::CONT, "thaw")
    }

    fn signal(&self, signal: Signal, verb: &str) -> Result<(), Error> {
        pidfd_send_signal(&self.handle, signal)
            .map_err(Error::step(format!("{verb} process {}", self.pid())))
    }

    /// How the process ended, if it has. What is left of its group is then killed.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let failed = format!("ask after process {}", self.pid());
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let gone = waitid(WaitId::Pid(self.pid), look).map_err(Error::step(&*failed))?;
        if gone.is_some() {
            // The number of the group stays taken until the process is reaped, not longer.
            let _ = kill_process_group(self.pid, Signal::KILL);
            self.ended = Some(self.child.wait().map_err(Error::step(failed))?);
        }
        Ok(self.ended)
    }

    /// Waits until the process has ended, `at_most` so long; none: it still runs.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn wait(&mut self, at_most: Duration) -> Result<Option<ExitStatus>, Error> {
        let until = Instant::now() + at_most;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let timeout =
                Timespec::try_from(rest).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
            let mut handles = [PollFd::new(&self.handle, PollFlags::IN)];
            match poll(&mut handles, Some(&timeout)) {
                Err(Errno::INTR) => {}
                Err(errno) => {
                    let failed = format!("wait for process {}", self.pid());
                    return Err(Error::step(failed)(errno));
                }
                Ok(_) => return self.try_wait(),
            }
        }
    }

    /// The memory that is resident, in bytes (`VmRSS`).
    ///
    /// # Errors
    /// If the process is gone.
    pub fn resident(&self) -> Result<u64, Error> {
        let path = format!("/proc/{}/status", self.pid());
        let text = std::fs::read_to_string(&path).map_err(Error::step(format!("read {path}")))?;
        let kibibytes = text
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kibibytes
            .map(|kibibytes| kibibytes * 1024)
            .ok_or_else(|| Error::step(format!("find VmRSS in {path}"))(Errno::SRCH))
    }

    /// The CPU time that all its threads have used so far, to the nanosecond.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn cpu_time(&self) -> Result<Duration, Error> {
        let step = format!("read the CPU time of process {}", self.pid());
        let mut clock = 0;
        // SAFETY: writes one clock id to where `clock` is.
        let code = unsafe { libc::clock_getcpuclockid(self.pid.as_raw_pid(), &raw mut clock) };
        if code != 0 {
            return Err(Error::step(step)(io::Error::from_raw_os_error(code)));
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one timespec to where `time` is.
        if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
            return Err(Error::step(step)(io::Error::last_os_error()));
        }
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Ok(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = kill_process_group(self.pid, Signal::KILL);
            // Not yet a group of its own if it died before it became one.
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Starts the first process of a new count, in the other namespaces of `host`: it gives the host a
/// /proc, lets orphans go and otherwise waits for its end, which is that of all its descendants.
/// None: the kernel permits no /proc.
pub(super) fn first_of(host: &Namespaces, spawner: &Spawner) -> Result<Option<Process>, Error> {
    let host = host.clone();
    let mut command = Command::new("/proc/self/exe");
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
    // SAFETY: between fork and its end the closure makes system calls only.
    unsafe { command.pre_exec(move || be_first(&host)) };
    match spawner.start(command) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        child => Process::started(child, "start the first process of a host".to_owned()).map(Some),
    }
}

/// The whole life of a host's first process. It is a child without exec: no program is needed, and
/// nothing that was loaded is used but this function.
fn be_first(host: &Namespaces) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Programs that ask who the first process is take any other name for a system that they know.
    rustix::thread::set_name(c"init")?;
    host.enter_files()?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", c"/proc", c"proc", flags, None)?;
    // SAFETY: with this disposition the kernel reaps children, orphans among them, by itself.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    // Closing all files, among them the one through which a failure would be told, tells success.
    // SAFETY: this process uses no file any more.
    if unsafe { libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    loop {
        // SAFETY: waits for a signal; the only one that a first process does not ignore kills it.
        unsafe { libc::pause() };
    }
}

/// Kills every process whose network is that of `host`, whoever started it, and gives up nothing
/// but processes that came after the look-up.
pub(crate) fn kill_all_in(host: &Namespaces) -> Result<(), Error> {
    let failed = || Error::step("look for processes in a network");
    let network = host.network_id().map_err(failed())?;
    let own = std::process::id();
    for entry in std::fs::read_dir("/proc").map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) else {
            continue;
        };
        // The handle comes first: it stays with this process if the number is taken over.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let inside = std::fs::metadata(format!("/proc/{number}/ns/net"))
            .is_ok_and(|data| (data.dev(), data.ino()) == network);
        if inside && number != own {
            let _ = pidfd_send_signal(&handle, Signal::KILL);
        }
    }
    Ok(())
}
