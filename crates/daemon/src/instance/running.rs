//! Which kube-vips run on this host: in the network namespace of this thread, of any election, ours
//! or the original.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process;

use rustix::net::sockopt::socket_peercred;

#[cfg(test)]
mod tests;

/// The sockets of this thread's network namespace (unix(7); the format is in net/unix/af_unix.c).
const SOCKETS: &str = "/proc/thread-self/net/unix";

/// What the names of our sockets begin with: `@` stands for the zero of an abstract one.
const OURS: &str = "@kube-vip/";

/// What the program is called, ours and the original.
const PROGRAM: &str = "kube-vip";

/// The commands that run until they are told to end; other ones are gone in a moment.
const DAEMONS: [&str; 3] = ["manager", "service", "start"];

/// The PID namespace that the kernel begins with (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const FIRST_PIDS: &str = "pid:[4026531836]";

/// A kube-vip that runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process; none: in another PID namespace.
    pub pid: Option<i32>,
    /// Namespace and name of the Lease by which it elects; none: it is not one of ours.
    pub election: Option<String>,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("a process that is not visible from this container")?,
        }
        match &self.election {
            Some(election) => write!(f, ", of the election {election}"),
            None => f.write_str(", which is no kube-vip-rs"),
        }
    }
}

/// All that run in the network namespace of this thread.
///
/// # Errors
/// If the kernel does not say what sockets there are.
pub fn running() -> io::Result<Vec<Running>> {
    let mut found = BTreeMap::new();
    for name in names(&fs::read_to_string(SOCKETS)?) {
        let pid = owner(&name).ok().flatten();
        let election = name.strip_prefix("kube-vip/").map(ToOwned::to_owned);
        found.insert(name, Running { pid, election });
    }
    let mut all: Vec<_> = found.into_values().collect();
    for pid in processes()? {
        if all.iter().all(|known| known.pid != Some(pid)) {
            all.push(Running { pid: Some(pid), election: None });
        }
    }
    Ok(all)
}

/// Whether the processes of this host are visible from here. If not, one of ours is found all the
/// same, by its socket; the original has none.
#[must_use]
pub fn sees_all_processes() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link == Path::new(FIRST_PIDS))
}

/// The names of our sockets, without the zero before them.
fn names(sockets: &str) -> Vec<String> {
    let path = |line: &str| line.split_ascii_whitespace().nth(7).map(ToOwned::to_owned);
    let ours = |path: String| path.starts_with(OURS).then(|| path[1..].to_owned());
    sockets.lines().skip(1).filter_map(path).filter_map(ours).collect()
}

/// The process that listens on an abstract name; none: it lives in another PID namespace.
fn owner(name: &str) -> io::Result<Option<i32>> {
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?;
    let pid = socket_peercred(&stream)?.pid.as_raw_nonzero().get();
    Ok((pid > 0).then_some(pid))
}

/// The daemons among the processes of this network namespace, as far as they are visible.
fn processes() -> io::Result<Vec<i32>> {
    let here = fs::read_link("/proc/thread-self/ns/net")?;
    let own = process::id().cast_signed();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let pid: Option<i32> = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid != own) else { continue };
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        let elsewhere = fs::read_link(path.join("ns/net")).is_ok_and(|net| net != here);
        if name.trim_end() == PROGRAM && !elsewhere && is_daemon(&path) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether the command line is that of a daemon; one that has ended and was not waited for has
/// none.
fn is_daemon(process: &Path) -> bool {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).skip(1);
    words.any(|word| DAEMONS.iter().any(|daemon| daemon.as_bytes() == word))
}
