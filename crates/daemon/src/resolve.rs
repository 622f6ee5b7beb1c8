//! Names into addresses, by the C library: `/etc/hosts` and the name servers of `/etc/resolv.conf`.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::settings::names::{DnsMode, Resolved};

/// The original asks so often.
const EVERY: Duration = Duration::from_secs(3);

/// A name server that is silent keeps the C library for half a minute.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer to come.
pub(crate) type Lookup = oneshot::Receiver<io::Result<Vec<IpAddr>>>;

/// Starts a look-up. A thread of ours rather than the runtime's pool, whose end a process waits
/// for.
pub(crate) fn look_up(name: &str) -> io::Result<Lookup> {
    let (tell, told) = oneshot::channel();
    let name = name.to_owned();
    std::thread::Builder::new().name("resolve".to_owned()).spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        let found = found.map(|all| all.map(|socket| socket.ip()).collect());
        // Nobody waits any more if the server is gone from the settings.
        drop(tell.send(found));
    })?;
    Ok(told)
}

/// Names that stand for addresses of the plan.
#[derive(Debug)]
pub struct Resolver {
    names: Vec<String>,
    mode: DnsMode,
    /// What people were told last about each name that cannot be resolved.
    told: watch::Sender<Unresolved>,
}

/// The names that cannot be resolved now, each with what stands in the way.
pub type Unresolved = BTreeMap<String, String>;

impl Resolver {
    /// For these names.
    #[must_use]
    pub fn new(names: Vec<String>, mode: DnsMode) -> Self {
        Self { names, mode, told: watch::Sender::new(Unresolved::new()) }
    }

    /// What is waited for, from now on.
    #[must_use]
    pub fn unresolved(&self) -> watch::Receiver<Unresolved> {
        self.told.subscribe()
    }

    /// What all of them stand for; waits until each has an answer, and says so.
    pub async fn all(&mut self) -> Resolved {
        loop {
            if let Some(resolved) = self.once().await {
                return resolved;
            }
            sleep(EVERY).await;
        }
    }

    /// What they stand for as soon as that is something else than `known`, twice in a row. While a
    /// name cannot be resolved, nothing has changed.
    pub async fn changed(&mut self, known: &Resolved) -> Resolved {
        let mut before = None;
        loop {
            sleep(EVERY).await;
            let Some(now) = self.once().await else { continue };
            if now != *known && before.as_ref() == Some(&now) {
                return now;
            }
            before = Some(now);
        }
    }

    async fn once(&mut self) -> Option<Resolved> {
        let mut resolved = Resolved::new();
        for name in self.names.clone() {
            match self.one(&name).await {
                Ok(addresses) => {
                    if self.told.borrow().contains_key(&name) {
                        self.told.send_modify(|told| drop(told.remove(&name)));
                        info!(name, ?addresses, "the name can be resolved again");
                    }
                    resolved.insert(name, addresses);
                }
                Err(cause) => {
                    if self.told.borrow().get(&name) != Some(&cause) {
                        warn!(name, cause, "cannot resolve the name of an address; trying again");
                        self.told.send_modify(|told| drop(told.insert(name, cause)));
                    }
                }
            }
        }
        (resolved.len() == self.names.len()).then_some(resolved)
    }

    async fn one(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let lookup = look_up(name).map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, lookup).await;
        let answer = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))?;
        let answers = answer.map_err(|_| "the look-up broke off".to_owned())?;
        let chosen = self.mode.chosen(&answers.map_err(|error| error.to_string())?);
        if chosen.is_empty() { Err(format!("it has no {}", self.mode.needs())) } else { Ok(chosen) }
    }
}
