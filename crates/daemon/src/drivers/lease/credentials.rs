//! Where kubeconfigs may lie, in which order they are tried, and what they are now.
//!
//! Missing, empty, half-written and swapped files are normal while a node comes up: every look asks
//! the file system again, and only what changed is read again.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kube::config::Kubeconfig;

use super::files::{FileError, Files};
use super::identity::{self, Identity, Unusable};
use super::server::Local;
use crate::drivers::kernel;
use crate::settings::config::Credentials;

#[cfg(test)]
mod tests;

const ADMIN: &str = "/etc/kubernetes/admin.conf";
const SUPER_ADMIN: &str = "/etc/kubernetes/super-admin.conf";
const HOMELESS: &str = "/.kube/config";
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where to look for credentials.
#[derive(Clone, Debug)]
pub struct Places {
    /// What the settings say.
    pub credentials: Credentials,
    /// A kubeconfig beside which nothing else is tried.
    pub only: Option<PathBuf>,
    /// Stands before every path that no setting gives; `/` but for tests.
    pub root: PathBuf,
    /// `KUBERNETES_SERVICE_HOST`.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`.
    pub service_port: Option<String>,
    /// Tells this host's own addresses, the plan's possibly among them.
    pub addresses: fn() -> Vec<IpAddr>,
}

impl From<Credentials> for Places {
    /// This host's places, with the service account that the environment names.
    fn from(credentials: Credentials) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            credentials,
            only: None,
            root: PathBuf::from("/"),
            service_host: set("KUBERNETES_SERVICE_HOST"),
            service_port: set("KUBERNETES_SERVICE_PORT"),
            addresses: kernel::own_addresses,
        }
    }
}

impl Places {
    /// All places in the order in which they are tried, each once.
    fn ordered(&self) -> Vec<Place> {
        if let Some(path) = &self.only {
            return vec![Place::Files(vec![path.clone()])];
        }
        let fixed = |path: &str| self.root.join(path.trim_start_matches('/'));
        let credentials = &self.credentials;
        let mut groups: Vec<Vec<PathBuf>> = Vec::new();
        groups.extend(credentials.k8s_config_file.clone().map(|path| vec![path]));
        let environment = credentials.kubeconfig_env.iter().map(|paths| {
            std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty()).collect()
        });
        groups.extend(environment.filter(|paths: &Vec<_>| !paths.is_empty()));
        groups.push(vec![fixed(ADMIN)]);
        groups.push(vec![fixed(SUPER_ADMIN)]);
        let home = credentials.home.as_ref();
        groups.extend(home.map(|home| vec![home.join(".kube/config")]));
        groups.push(vec![fixed(HOMELESS)]);
        let mut places: Vec<Place> = Vec::new();
        for group in groups {
            let place = Place::Files(group);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places.push(Place::ServiceAccount {
            dir: fixed(SERVICE_ACCOUNT),
            host: self.service_host.clone(),
            port: self.service_port.clone(),
        });
        places
    }
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A kubeconfig, or several to be merged (those of `KUBECONFIG`).
    Files(Vec<PathBuf>),
    /// A pod's service account.
    ServiceAccount { dir: PathBuf, host: Option<String>, port: Option<String> },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(paths) => {
                for (index, path) in paths.iter().enumerate() {
                    let colon = if index == 0 { "" } else { ":" };
                    write!(f, "{colon}{}", path.display())?;
                }
                Ok(())
            }
            Self::ServiceAccount { .. } => f.write_str("service account"),
        }
    }
}

impl Place {
    fn kubeconfig(&self, files: &mut Files) -> Result<Kubeconfig, Unusable> {
        match self {
            Self::Files(paths) => merged(paths, files),
            Self::ServiceAccount { dir, host, port } => {
                let unset = Unusable::Environment;
                let host = host.as_ref().ok_or(unset("KUBERNETES_SERVICE_HOST"))?;
                let port = port.as_ref().ok_or(unset("KUBERNETES_SERVICE_PORT"))?;
                Ok(identity::service_account(dir, host, port))
            }
        }
    }
}

/// As client-go merges: the first to say something wins, and missing files do not matter as long as
/// there is one.
fn merged(paths: &[PathBuf], files: &mut Files) -> Result<Kubeconfig, Unusable> {
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        let next = match identity::read(path, files) {
            Ok(next) => next,
            Err(Unusable::File(FileError::Missing)) => continue,
            Err(error) => return Err(error),
        };
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|_| Unusable::Merge)?,
        });
    }
    merged.ok_or(Unusable::File(FileError::Missing))
}

/// The places, and what they held when they were last looked at.
#[derive(Debug)]
pub(super) struct Search {
    candidates: Vec<Candidate>,
    /// Stands in the place of every kubeconfig's own server.
    server: Option<String>,
    local: Local,
}

#[derive(Debug)]
struct Candidate {
    place: Place,
    loaded: Option<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    files: Files,
    outcome: Result<Arc<Identity>, String>,
}

impl Search {
    pub(super) fn new(places: &Places, local: Local) -> Self {
        let candidate = |place| Candidate { place, loaded: None };
        Self {
            candidates: places.ordered().into_iter().map(candidate).collect(),
            server: places.credentials.server.clone(),
            local,
        }
    }

    /// The identity at the place with that number, or why there is none, with the place's name;
    /// none: there are no more places. The same identity is returned as long as its files have the
    /// same contents.
    pub(super) fn identity(&mut self, number: usize) -> Option<Result<Arc<Identity>, String>> {
        let candidate = self.candidates.get_mut(number)?;
        Some(candidate.look(&self.local, self.server.as_ref()))
    }

    /// The first that can be used.
    ///
    /// # Errors
    /// If there is none; each with its reason.
    pub(super) fn usable(&mut self) -> Result<Arc<Identity>, String> {
        let mut unusable = Vec::new();
        for number in 0..self.candidates.len() {
            match self.identity(number) {
                Some(Ok(identity)) => return Ok(identity),
                other => unusable.extend(other.and_then(Result::err)),
            }
        }
        Err(unusable.join("; "))
    }
}

impl Candidate {
    fn look(&mut self, local: &Local, server: Option<&String>) -> Result<Arc<Identity>, String> {
        if let Some(loaded) = &self.loaded
            && loaded.files.unchanged()
        {
            return loaded.outcome.clone();
        }
        let mut files = Files::default();
        let fresh = self.place.kubeconfig(&mut files).and_then(|mut kubeconfig| {
            if let (Place::Files(_), Some(server)) = (&self.place, server) {
                for cluster in kubeconfig.clusters.iter_mut().filter_map(|it| it.cluster.as_mut()) {
                    cluster.server = Some(server.clone());
                }
            }
            let mut identity =
                Identity::new(self.place.to_string(), &kubeconfig, local, &mut files)?;
            if matches!(self.place, Place::ServiceAccount { .. }) {
                identity.server.prefer_near();
            }
            Ok(identity)
        });
        let fresh = fresh.map(Arc::new).map_err(|error| format!("{}: {error}", self.place));
        let outcome = match self.loaded.take() {
            // Its open connection stays useful.
            Some(Loaded { files: before, outcome: Ok(same) })
                if fresh.is_ok() && before.digest() == files.digest() =>
            {
                Ok(same)
            }
            _ => fresh,
        };
        self.loaded = Some(Loaded { files, outcome: outcome.clone() });
        outcome
    }
}
