//! Real API servers: etcd and kube-apiserver on each node.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::{Reach, StageError, StageSpec};
use crate::api::Anonymous;
use crate::cluster::assets::Assets;
use crate::cluster::control_plane::{ControlPlane, Listening, Member, Ports, Program, Site, Spec};
use crate::net::{Process, World};
use crate::pki::ClusterPki;

/// Usually a tenth of it.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// etcd and kube-apiserver on each node.
#[derive(Debug)]
pub(super) struct Real {
    plane: Mutex<ControlPlane>,
    /// Where each node has a directory for its data.
    folder: PathBuf,
}

impl Real {
    pub(super) fn start(
        spec: &StageSpec,
        world: &World,
        pki: &ClusterPki,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, StageError> {
        let listening = match spec.reach {
            Reach::Direct => Listening::Ipv4,
            Reach::DualStack => Listening::All,
            Reach::Proxied => Listening::Behind,
        };
        let ports = Ports { api: super::port(spec.reach), ..Ports::USUAL };
        let members = world.nodes().iter().filter_map(|node| {
            let address = node.address()?.into();
            Some(Member { name: node.name().to_owned(), address, ports })
        });
        let folder = spec.directory.clone();
        for node in world.nodes() {
            let path = folder.join(node.name());
            match fs::remove_dir_all(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StageError::File { path, source });
                }
                _ => {}
            }
        }
        let spec = Spec {
            members: members.collect(),
            pki,
            names: spec.addresses.iter().map(ToString::to_string).collect(),
            anonymous: Anonymous::Refused,
            listening,
            tokens: BTreeMap::new(),
            folder: folder.clone(),
        };
        let plane = ControlPlane::start(spec, &Assets::find(), &sites(world))?;
        let real = Self { plane: Mutex::new(plane), folder };
        real.ready_telling(world, progress)?;
        Ok(real)
    }

    /// Waits until every API server is ready.
    pub(super) fn ready(&self, world: &World) -> Result<(), StageError> {
        self.ready_telling(world, &mut |_| {})
    }

    fn ready_telling(
        &self,
        world: &World,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), StageError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (mut plane, sites) = (self.plane(), sites(world));
        let ready = plane.ready(&sites, READY_WITHIN, |at| {
            progress(&format!("{} of {} API servers are ready ({})", at.ready, at.of, at.waiting));
        });
        Ok(runtime.map_err(StageError::Runtime)?.block_on(ready)?)
    }

    /// Freezes so many members of etcd that the rest has no quorum.
    pub(super) fn freeze_store(&self) -> Result<(), StageError> {
        let plane = self.plane();
        let mut most = but_one(&plane).filter_map(|node| plane.process(node, Program::Etcd));
        Ok(most.try_for_each(Process::freeze)?)
    }

    pub(super) fn thaw_store(&self) -> Result<(), StageError> {
        let plane = self.plane();
        let mut most = but_one(&plane).filter_map(|node| plane.process(node, Program::Etcd));
        Ok(most.try_for_each(Process::thaw)?)
    }

    pub(super) fn kill_store(&self) {
        let mut plane = self.plane();
        for node in but_one(&plane) {
            plane.kill(node, Program::Etcd);
        }
    }

    pub(super) fn restart_store(&self, world: &World) -> Result<(), StageError> {
        let mut plane = self.plane();
        for node in but_one(&plane) {
            plane.launch(node, Program::Etcd, world.node(node))?;
        }
        Ok(())
    }

    pub(super) fn kill_all(&self) {
        let mut plane = self.plane();
        for program in [Program::ApiServer, Program::Etcd] {
            (0..plane.count()).for_each(|node| plane.kill(node, program));
        }
    }

    pub(super) fn start_all(&self, world: &World) -> Result<(), StageError> {
        let mut plane = self.plane();
        for program in [Program::Etcd, Program::ApiServer] {
            for (node, host) in world.nodes().iter().enumerate() {
                plane.launch(node, program, host)?;
            }
        }
        Ok(())
    }

    /// Copies the data of etcd while nothing runs: what a crash at this moment would leave.
    pub(super) fn snapshot(&self, world: &World) -> Result<(), StageError> {
        self.kill_all();
        for host in world.nodes() {
            let data = self.folder.join(host.name());
            copy(&data.join("etcd"), &data.join("etcd.kept"))?;
        }
        self.start_all(world)?;
        self.ready(world)
    }

    pub(super) fn restore(&self, world: &World) -> Result<(), StageError> {
        self.kill_all();
        for host in world.nodes() {
            let data = self.folder.join(host.name());
            let path = data.join("etcd");
            let removed = fs::remove_dir_all(&path);
            removed.map_err(|source| StageError::File { path: path.clone(), source })?;
            copy(&data.join("etcd.kept"), &path)?;
        }
        self.start_all(world)?;
        self.ready(world)
    }

    pub(super) fn kill(&self, node: usize) {
        self.plane().kill(node, Program::ApiServer);
    }

    pub(super) fn restart(&self, world: &World, node: usize) -> Result<(), StageError> {
        Ok(self.plane().launch(node, Program::ApiServer, world.node(node))?)
    }

    pub(super) fn freeze(&self, node: usize) -> Result<(), StageError> {
        self.plane().process(node, Program::ApiServer).map_or(Ok(()), |p| Ok(p.freeze()?))
    }

    pub(super) fn thaw(&self, node: usize) -> Result<(), StageError> {
        self.plane().process(node, Program::ApiServer).map_or(Ok(()), |p| Ok(p.thaw()?))
    }

    fn plane(&self) -> MutexGuard<'_, ControlPlane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All members but the first.
fn but_one(plane: &ControlPlane) -> Range<usize> {
    1..plane.count()
}

fn sites(world: &World) -> Vec<&dyn Site> {
    world.nodes().iter().map(|node| node as &dyn Site).collect()
}

/// Copies a directory of files and directories.
fn copy(from: &Path, to: &Path) -> Result<(), StageError> {
    let failed = |source| StageError::File { path: from.to_owned(), source };
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(failed)?.is_dir() {
            copy(&old, &new)?;
        } else {
            fs::copy(&old, &new).map_err(failed)?;
        }
    }
    Ok(())
}
