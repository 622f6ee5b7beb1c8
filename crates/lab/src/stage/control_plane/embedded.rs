//! API servers of the lab's own, over one store in this process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use super::super::runtime::Background;
use super::super::{LEASE, PORT, Reach, StageError, VIP, VIP6};
use crate::api::{ApiServer, Options, Store};
use crate::net::{Host, World};
use crate::pki::ClusterPki;
use crate::recorder::Journal;
use crate::timeline::What;

/// One API server on each node, embedded in this process.
#[derive(Debug)]
pub(super) struct Embedded {
    servers: Vec<Mutex<ApiServer>>,
    listening: SocketAddr,
    // Dropped last: the servers' tasks run here.
    runtime: Background,
}

impl Embedded {
    /// Starts an API server on each node of the world, each of which tells where all of them are,
    /// and notes in the world's journal what happens to the Lease.
    pub(super) fn start(world: &World, pki: &ClusterPki, reach: Reach) -> Result<Self, StageError> {
        let listening = match reach {
            Reach::Direct => (Ipv4Addr::UNSPECIFIED, PORT).into(),
            Reach::DualStack => (Ipv6Addr::UNSPECIFIED, PORT).into(),
            Reach::Proxied => (Ipv4Addr::LOCALHOST, super::port(reach)).into(),
        };
        let runtime = Background::start("API servers").map_err(StageError::Runtime)?;
        let store = Store::new();
        let addresses: Vec<_> = world.nodes().iter().filter_map(Host::address).collect();
        store.publish(&addresses, PORT);
        let mut servers = Vec::new();
        for node in world.nodes() {
            let names = node
                .address()
                .map(IpAddr::from)
                .into_iter()
                .chain([VIP.into(), VIP6.into()])
                .map(|name| name.to_string());
            let listener = node.listen(listening)?;
            let _guard = runtime.enter();
            let options = Options::new(pki, &names.collect::<Vec<_>>())?;
            servers.push(Mutex::new(ApiServer::start(&store, listener, options)?));
        }
        let names = world.nodes().iter().map(|node| node.name().to_owned()).collect();
        runtime.spawn(watch_lease(store, world.journal().clone(), names));
        Ok(Self { servers, listening, runtime })
    }

    /// The node's API server no longer reaches the store.
    pub(super) fn isolate(&self, node: usize) {
        self.with(node, |server| server.disconnect_store());
    }

    /// No API server reaches the store.
    pub(super) fn isolate_all(&self) {
        (0..self.servers.len()).for_each(|node| self.isolate(node));
    }

    /// All reach it again.
    pub(super) fn reunite_all(&self) {
        (0..self.servers.len()).for_each(|node| self.reunite(node));
    }

    pub(super) fn kill_all(&self) {
        (0..self.servers.len()).for_each(|node| self.kill(node));
    }

    pub(super) fn start_all(&self, world: &World) -> Result<(), StageError> {
        (0..self.servers.len()).try_for_each(|node| self.restart(world, node))
    }

    /// The node's API server reaches the store again.
    pub(super) fn reunite(&self, node: usize) {
        self.with(node, |server| server.reconnect_store());
    }

    pub(super) fn kill(&self, node: usize) {
        self.with(node, |server| self.runtime.block_on(server.kill()));
    }

    pub(super) fn restart(&self, world: &World, node: usize) -> Result<(), StageError> {
        let listener = world.node(node).listen(self.listening)?;
        let _guard = self.runtime.enter();
        Ok(self.with(node, |server| server.restart(listener))?)
    }

    pub(super) fn freeze(&self, node: usize) {
        self.with(node, |server| server.freeze());
    }

    pub(super) fn thaw(&self, node: usize) {
        self.with(node, |server| server.thaw());
    }

    fn with<T>(&self, node: usize, act: impl FnOnce(&mut ApiServer) -> T) -> T {
        let mut server = self.servers[node].lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut server)
    }
}

/// Notes each change of the Lease, until the store is gone.
async fn watch_lease(store: Store, journal: Journal, nodes: Vec<String>) {
    let mut revision = store.revision();
    let mut before = None;
    while revision.changed().await.is_ok() {
        let Some(spec) = store.lease("kube-system", LEASE).and_then(|lease| lease.spec) else {
            continue;
        };
        let holder = spec.holder_identity.as_deref();
        let holder = nodes.iter().position(|name| Some(name.as_str()) == holder);
        match holder {
            Some(node) if before == Some(holder) => journal.note_now(What::Renewed { node }),
            _ if before == Some(holder) => {}
            _ => journal.note_now(What::Lease { holder }),
        }
        before = Some(holder);
    }
}
