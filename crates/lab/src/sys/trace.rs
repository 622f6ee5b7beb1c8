//! A process that is stopped at the very call with which it would send something: between having
//! decided and having sent. A tracer stops it, so its own signals play no part.
#![expect(unsafe_code, reason = "ptrace, waitpid for tracees, and a socket of another process")]

use std::io;
use std::mem::{size_of, zeroed};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libc::{c_int, c_long, c_uint, c_void, pid_t};
use rustix::fd::AsFd;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::SockRef;

use super::Error;
use super::clock::Stamp;

/// How often the tracer looks, which delays each call of the process by as much.
const LOOK: Duration = Duration::from_micros(20);

/// What is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// A frame of its own making: an announcement, or a question.
    Frame,
    /// An order to the packet filter.
    FilterOrder,
    /// A change, or a question, about addresses and links.
    RouteOrder,
    /// Bytes of a TCP connection.
    Stream,
}

impl Sends {
    /// Domain and protocol of such sockets; none: any protocol.
    const fn socket(self) -> (c_int, Option<c_int>) {
        match self {
            Self::Frame => (libc::AF_PACKET, None),
            Self::FilterOrder => (libc::AF_NETLINK, Some(libc::NETLINK_NETFILTER)),
            Self::RouteOrder => (libc::AF_NETLINK, Some(libc::NETLINK_ROUTE)),
            Self::Stream => (libc::AF_INET, Some(libc::IPPROTO_TCP)),
        }
    }
}

/// A process that a tracer watches. Dropping it lets the process go on.
#[derive(Debug)]
pub struct Tripwire {
    caught: mpsc::Receiver<io::Result<Stamp>>,
    go_on: Option<mpsc::Sender<()>>,
    tracer: Option<JoinHandle<io::Result<()>>>,
}

impl Tripwire {
    /// Watches process `pid` from now on, `at_most` so long, and stops it when it is about to send
    /// such a thing. It runs on when told so, or when the time is over without a catch.
    ///
    /// # Errors
    /// If the kernel does not let this process trace that one.
    pub fn lay(pid: u32, sends: Sends, at_most: Duration) -> Result<Self, Error> {
        let step = || Error::step(format!("trace process {pid}"));
        let number = pid_t::try_from(pid).map_err(|error| step()(io::Error::other(error)))?;
        let (ready, laid) = mpsc::channel();
        let (catch, caught) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        // All requests must come from the thread that traces.
        let trace = move || -> io::Result<()> {
            let mut tracer = Tracer { process: number, threads: Vec::new() };
            let seized = tracer.seize();
            let failed = seized.is_err();
            // Whoever asked waits for this.
            let _ = ready.send(seized);
            if failed {
                return Ok(());
            }
            let seen = tracer.watch(sends, at_most);
            let stands = seen.is_ok();
            let _ = catch.send(seen);
            if stands {
                // An error means the same: nobody waits for this process any more.
                let _ = gone_on.recv_timeout(at_most);
            }
            tracer.release();
            Ok(())
        };
        let thread = thread::Builder::new().name("tracer".to_owned()).spawn(trace);
        let tracer = thread.map_err(step())?;
        let gone = |_| io::Error::other("the tracer is gone");
        laid.recv().map_err(gone).and_then(|seized| seized).map_err(step())?;
        Ok(Self { caught, go_on: Some(go_on), tracer: Some(tracer) })
    }

    /// Waits until the process stands, and says since when.
    ///
    /// # Errors
    /// If it did not send such a thing in time; then it runs on.
    pub fn wait(&self) -> Result<Stamp, Error> {
        let gone = |_| io::Error::other("the tracer is gone");
        let caught = self.caught.recv().map_err(gone).and_then(|caught| caught);
        caught.map_err(Error::step("catch a process that sends"))
    }
}

impl Drop for Tripwire {
    fn drop(&mut self) {
        self.go_on = None;
        if let Some(tracer) = self.tracer.take() {
            let _ = tracer.join();
        }
    }
}

/// A thread of the process.
#[derive(Clone, Copy, Debug)]
struct Thread {
    id: pid_t,
    stopped: bool,
}

struct Tracer {
    process: pid_t,
    threads: Vec<Thread>,
}

impl Tracer {
    /// Traces every thread, and those that will come.
    fn seize(&mut self) -> io::Result<()> {
        for entry in std::fs::read_dir(format!("/proc/{}/task", self.process))? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE;
            ptrace(libc::PTRACE_SEIZE, id, 0, options as usize)?;
            self.threads.push(Thread { id, stopped: false });
            ptrace(libc::PTRACE_INTERRUPT, id, 0, 0)?;
        }
        Ok(())
    }

    /// Lets the process run from call to call until it is about to send such a thing; then all of
    /// its threads stand.
    fn watch(&mut self, sends: Sends, at_most: Duration) -> io::Result<Stamp> {
        let until = Stamp::now() + at_most;
        while Stamp::now() < until {
            let Some((id, status)) = next()? else {
                thread::sleep(LOOK);
                continue;
            };
            if !libc::WIFSTOPPED(status) {
                self.threads.retain(|thread| thread.id != id);
                if id == self.process {
                    return Err(io::Error::other("it has ended"));
                }
                continue;
            }
            self.mark(id, true);
            if self.is_about_to(id, status, sends)? {
                let at = Stamp::now();
                self.halt();
                return Ok(at);
            }
            self.resume(id, status);
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Whether a thread that has stopped enters a call that sends such a thing.
    fn is_about_to(&self, id: pid_t, status: c_int, sends: Sends) -> io::Result<bool> {
        if libc::WSTOPSIG(status) != libc::SIGTRAP | 0x80 {
            return Ok(false);
        }
        // SAFETY: the structure is plain numbers.
        let mut info: libc::ptrace_syscall_info = unsafe { zeroed() };
        let size = size_of::<libc::ptrace_syscall_info>();
        let to = (&raw mut info) as usize;
        ptrace(libc::PTRACE_GET_SYSCALL_INFO, id, size, to)?;
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(false);
        }
        // SAFETY: `op` says that this part is filled in.
        let entry = unsafe { info.u.entry };
        const CALLS: [c_long; 4] =
            [libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_write, libc::SYS_writev];
        let call = c_long::try_from(entry.nr).unwrap_or(-1);
        if !CALLS.contains(&call) {
            return Ok(false);
        }
        let file = c_int::try_from(entry.args[0]).unwrap_or(-1);
        Ok(self.kind(file).is_some_and(|(domain, protocol)| {
            let (wanted, exactly) = sends.socket();
            domain == wanted && exactly.is_none_or(|exactly| exactly == protocol)
        }))
    }

    /// Domain and protocol of a socket of the process.
    fn kind(&self, file: c_int) -> Option<(c_int, c_int)> {
        let process = pidfd_open(Pid::from_raw(self.process)?, PidfdFlags::empty()).ok()?;
        let copy = pidfd_getfd(process.as_fd(), file, PidfdGetfdFlags::empty()).ok()?;
        let socket = SockRef::from(&copy);
        let protocol = socket.protocol().ok()?.map_or(0, c_int::from);
        Some((socket.domain().ok()?.into(), protocol))
    }

    /// Stops the threads that run.
    fn halt(&mut self) {
        for thread in self.threads.iter().filter(|thread| !thread.stopped) {
            // One that has ended meanwhile does not run either.
            let _ = ptrace(libc::PTRACE_INTERRUPT, thread.id, 0, 0);
        }
        let until = Stamp::now() + Duration::from_millis(100);
        while self.threads.iter().any(|thread| !thread.stopped) && Stamp::now() < until {
            match next() {
                Ok(Some((id, status))) if libc::WIFSTOPPED(status) => self.mark(id, true),
                Ok(Some((id, _))) => self.threads.retain(|thread| thread.id != id),
                _ => thread::sleep(LOOK),
            }
        }
    }

    /// Lets a thread run to its next call, with the signal that stopped it, if one did.
    fn resume(&mut self, id: pid_t, status: c_int) {
        let signal = libc::WSTOPSIG(status);
        let own = signal & 0x7f == libc::SIGTRAP || status >> 16 != 0;
        let signal = if own { 0 } else { usize::try_from(signal).unwrap_or(0) };
        self.mark(id, false);
        // One that was killed meanwhile does not run on.
        let _ = ptrace(libc::PTRACE_SYSCALL, id, 0, signal);
    }

    /// Lets all threads go, untraced.
    fn release(&mut self) {
        self.halt();
        for thread in &self.threads {
            let _ = ptrace(libc::PTRACE_DETACH, thread.id, 0, 0);
        }
    }

    fn mark(&mut self, id: pid_t, stopped: bool) {
        match self.threads.iter_mut().find(|thread| thread.id == id) {
            Some(thread) => thread.stopped = stopped,
            None => self.threads.push(Thread { id, stopped }),
        }
    }
}

/// The next thing that happened to a thread that the calling thread traces.
fn next() -> io::Result<Option<(pid_t, c_int)>> {
    let mut status = 0;
    let flags = libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG;
    // SAFETY: writes one number to where `status` is.
    match unsafe { libc::waitpid(-1, &raw mut status, flags) } {
        0 => Ok(None),
        id if id > 0 => Ok(Some((id, status))),
        _ => Err(io::Error::last_os_error()),
    }
}

fn ptrace(request: c_uint, id: pid_t, address: usize, data: usize) -> io::Result<()> {
    let (address, data) = (address as *mut c_void, data as *mut c_void);
    // SAFETY: none of the requests in use writes anywhere but to where GET_SYSCALL_INFO is told,
    // which lives through the call and is as long as it says.
    let code = unsafe { libc::ptrace(request, id, address, data) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
