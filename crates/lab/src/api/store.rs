//! The state behind the API servers, as etcd is behind real ones: objects, one revision for all of
//! them, the history that watches are served from, and who may do everything.

mod table;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use tokio::sync::watch;

use super::failure::{Failure, Fault};
use super::kind::{Kind, Part, metadata_faults};
use crate::pki::User;

pub(crate) use table::{Change, ChangeKind, Key, Selection, Table};

/// The shared state of a cluster. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tables: Mutex<Tables>,
    revision: watch::Sender<u64>,
}

/// What is stored.
#[derive(Debug)]
pub(crate) struct Tables {
    revision: u64,
    namespaces: BTreeSet<String>,
    administrators: BTreeSet<String>,
    pub(crate) leases: Table<Lease>,
    pub(crate) nodes: Table<Node>,
    pub(crate) events: Table<Event>,
    pub(crate) slices: Table<EndpointSlice>,
}

/// What became of an update.
#[derive(Debug)]
pub(crate) enum Updated<K> {
    /// The object was made.
    Created(Arc<K>),
    /// The object was there; it may or may not have changed.
    Changed(Arc<K>),
}

/// What a deletion insists on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preconditions {
    /// The object has this uid.
    pub(crate) uid: Option<String>,
    /// The object has this version.
    pub(crate) resource_version: Option<String>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// An empty cluster with the four namespaces that every cluster has (`default`, `kube-system`,
    /// `kube-public`, `kube-node-lease`), where the group `system:masters` may do everything.
    pub fn new() -> Self {
        let namespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];
        let tables = Tables {
            revision: 1,
            namespaces: namespaces.into_iter().map(ToOwned::to_owned).collect(),
            administrators: BTreeSet::from(["system:masters".to_owned()]),
            leases: Table::default(),
            nodes: Table::default(),
            events: Table::default(),
            slices: Table::default(),
        };
        Self(Arc::new(Shared { tables: Mutex::new(tables), revision: watch::Sender::new(1) }))
    }

    /// Makes a namespace; one that is there stays.
    pub fn add_namespace(&self, name: &str) {
        self.tables().namespaces.insert(name.into());
    }

    /// Lets this user or group do everything, as a binding to the role `cluster-admin` does.
    pub fn grant_everything(&self, subject: &str) {
        self.tables().administrators.insert(subject.into());
    }

    /// Takes back what [`Self::grant_everything`] gave; `system:masters` keeps its rights.
    pub fn revoke_everything(&self, subject: &str) {
        if subject != "system:masters" {
            self.tables().administrators.remove(subject);
        }
    }

    /// Forgets the history so far: watches from before now are answered with 410.
    pub fn compact(&self) {
        let mut tables = self.tables();
        let revision = tables.revision;
        tables.leases.compact(revision);
        tables.nodes.compact(revision);
        tables.events.compact(revision);
        tables.slices.compact(revision);
    }

    /// The latest revision, and a way to wait for the next one.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// A Lease as it is now.
    pub fn lease(&self, namespace: &str, name: &str) -> Option<Lease> {
        let lease = self.get::<Lease>(&Key::new(Some(namespace), name))?;
        Some(lease.as_ref().clone())
    }

    /// A Node as it is now.
    pub fn node(&self, name: &str) -> Option<Node> {
        let node = self.get::<Node>(&Key::new(None, name))?;
        Some(node.as_ref().clone())
    }

    /// The Events of a namespace, by name.
    pub fn events(&self, namespace: &str) -> Vec<Event> {
        let selection = Selection { namespace: Some(namespace.into()), ..Selection::default() };
        let (_, events) = self.list::<Event>(&selection);
        events.iter().map(|event| event.as_ref().clone()).collect()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing panics between two related writes, so that a poisoned state is a whole one.
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn may_do_everything(&self, user: &User) -> bool {
        let tables = self.tables();
        user.groups
            .iter()
            .chain([&user.name])
            .any(|subject| tables.administrators.contains(subject))
    }

    pub(crate) fn get<K: Kind>(&self, key: &Key) -> Option<Arc<K>> {
        K::table(&self.tables()).get(key)
    }

    /// The selected objects and the revision of that state.
    pub(crate) fn list<K: Kind>(&self, selection: &Selection) -> (u64, Vec<Arc<K>>) {
        let tables = self.tables();
        (tables.revision, K::table(&tables).list(selection))
    }

    /// What happened to the selected objects after a revision, and the revision now.
    pub(crate) fn changes<K: Kind>(
        &self,
        after: u64,
        selection: &Selection,
    ) -> Result<(u64, Vec<Change<K>>), Failure> {
        let tables = self.tables();
        Ok((tables.revision, K::table(&tables).changes(after, selection)?))
    }

    pub(crate) fn create<K: Kind>(&self, namespace: Option<&str>, mut object: K) -> Written<K> {
        let mut tables = self.tables();
        let metadata = object.metadata_mut();
        if metadata.resource_version.as_deref().is_some_and(|version| !version.is_empty()) {
            return Err(Failure::version_on_create());
        }
        generate_name(metadata);
        tables.create(namespace, object).inspect(|_| self.announce(&tables))
    }

    /// Replaces an object by what `change` makes of it.
    pub(crate) fn update<K: Kind>(
        &self,
        key: &Key,
        part: Part,
        change: impl FnOnce(Option<&K>) -> Result<K, Failure>,
    ) -> Result<Updated<K>, Failure> {
        let mut tables = self.tables();
        let old = K::table(&tables).get(key);
        let new = change(old.as_deref())?;
        let updated = match old {
            Some(old) => tables.replace(key, part, &old, new).map(Updated::Changed),
            None if K::CREATED_BY_PUT => {
                expect_uid::<K>(key, new.metadata().uid.as_deref(), None)?;
                tables.create(key.namespace(), new).map(Updated::Created)
            }
            None => Err(Failure::not_found::<K>(key.name())),
        }?;
        self.announce(&tables);
        Ok(updated)
    }

    pub(crate) fn delete<K: Kind>(&self, key: &Key, conditions: &Preconditions) -> Written<K> {
        let mut tables = self.tables();
        let deleted = tables.delete(key, conditions)?;
        self.announce(&tables);
        Ok(deleted)
    }

    fn announce(&self, tables: &Tables) {
        let current = tables.revision;
        self.0
            .revision
            .send_if_modified(|revision| std::mem::replace(revision, current) != current);
    }
}

/// An object that was made or deleted.
type Written<K> = Result<Arc<K>, Failure>;

impl Tables {
    fn create<K: Kind>(&mut self, namespace: Option<&str>, mut object: K) -> Written<K> {
        if let Some(namespace) = namespace.filter(|&name| !self.namespaces.contains(name)) {
            return Err(Failure::no_namespace(namespace));
        }
        object.admit();
        let metadata = object.metadata_mut();
        metadata.namespace = namespace.map(ToOwned::to_owned);
        metadata.uid = Some(new_uid());
        let now = jiff::Timestamp::now();
        metadata.creation_timestamp =
            Some(jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).into());
        metadata.deletion_timestamp = None;
        check(&object)?;
        let name = object.metadata().name.clone().unwrap_or_default();
        let key = Key::new(namespace, &name);
        if K::table(self).get(&key).is_some() {
            return Err(Failure::already_exists::<K>(&name));
        }
        Ok(self.write(&key, ChangeKind::Added, object))
    }

    fn replace<K: Kind>(&mut self, key: &Key, part: Part, old: &Arc<K>, mut new: K) -> Written<K> {
        let before = old.metadata();
        let given = new.metadata_mut();
        expect_uid::<K>(key, given.uid.as_deref(), before.uid.as_deref())?;
        match given.resource_version.as_deref().filter(|&version| !matches!(version, "" | "0")) {
            None if !K::UNCONDITIONAL_PUT => {
                let fault = Fault::Value {
                    field: "metadata.resourceVersion".into(),
                    value: "0".into(),
                    why: "must be specified for an update".into(),
                };
                let resource = K::URL_PATH_SEGMENT;
                return Err(Failure::invalid(K::GROUP, resource, key.name(), vec![fault]));
            }
            Some(version) if version.parse::<u64>().is_err() => {
                return Err(Failure::no_version(version));
            }
            Some(version) if Some(version) != before.resource_version.as_deref() => {
                return Err(Failure::conflict::<K>(key.name(), MODIFIED));
            }
            _ => {}
        }
        given.uid.clone_from(&before.uid);
        given.namespace.clone_from(&before.namespace);
        given.creation_timestamp.clone_from(&before.creation_timestamp);
        given.deletion_timestamp.clone_from(&before.deletion_timestamp);
        given.resource_version.clone_from(&before.resource_version);
        new.keep(old, part);
        check(&new)?;
        if new == **old {
            return Ok(Arc::clone(old));
        }
        Ok(self.write(key, ChangeKind::Modified, new))
    }

    fn delete<K: Kind>(&mut self, key: &Key, conditions: &Preconditions) -> Written<K> {
        let old = K::table(self).get(key).ok_or_else(|| Failure::not_found::<K>(key.name()))?;
        let metadata = old.metadata();
        let wanted =
            |asked: &Option<String>, found: &Option<String>| asked.is_none() || asked == found;
        if !wanted(&conditions.uid, &metadata.uid) {
            return Err(Failure::not_that_one::<K>(key.name(), "UID"));
        }
        if !wanted(&conditions.resource_version, &metadata.resource_version) {
            return Err(Failure::not_that_one::<K>(key.name(), "ResourceVersion"));
        }
        Ok(self.write(key, ChangeKind::Deleted, old.as_ref().clone()))
    }

    fn write<K: Kind>(&mut self, key: &Key, kind: ChangeKind, mut object: K) -> Arc<K> {
        self.revision += 1;
        let revision = self.revision;
        object.metadata_mut().resource_version = Some(revision.to_string());
        let object = Arc::new(object);
        let table = K::table_mut(self);
        let before = table.get(key);
        table.write(key, Change { revision, kind, object: Arc::clone(&object), before });
        object
    }
}

/// `OptimisticLockErrorMsg` of k8s.io/apiserver.
const MODIFIED: &str = "the object has been modified; please apply your changes to the latest \
                        version and try again";

/// Refuses when the client speaks of an object with another uid.
fn expect_uid<K: Kind>(key: &Key, asked: Option<&str>, found: Option<&str>) -> Result<(), Failure> {
    match asked.filter(|uid| !uid.is_empty()) {
        Some(asked) if Some(asked) != found => {
            Err(Failure::wrong_uid::<K>(key.name(), asked, found))
        }
        _ => Ok(()),
    }
}

fn check<K: Kind>(object: &K) -> Result<(), Failure> {
    let mut faults = metadata_faults(object.metadata());
    faults.extend(object.faults());
    if object.metadata().finalizers.as_ref().is_some_and(|list| !list.is_empty()) {
        faults.push(Fault::Forbidden {
            field: "metadata.finalizers".into(),
            why: "finalizers are not supported by this API server".into(),
        });
    }
    if faults.is_empty() {
        return Ok(());
    }
    let name = object.metadata().name.as_deref().unwrap_or_default();
    Err(Failure::invalid(K::GROUP, K::KIND, name, faults))
}

fn generate_name(metadata: &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) {
    let named = metadata.name.as_deref().is_some_and(|name| !name.is_empty());
    if let (false, Some(prefix)) = (named, metadata.generate_name.as_deref()) {
        let [a, b, c, ..] = random();
        metadata.name = Some(format!("{prefix}{a:02x}{b:02x}{:x}", c & 0xf));
    }
}

/// A random UUID (RFC 9562, version 4).
fn new_uid() -> String {
    let bits =
        (u128::from_be_bytes(random()) & !(0xf << 76) & !(0x3 << 62)) | (4 << 76) | (2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .expect("the kernel has random numbers for whoever has a TLS key");
    bytes
}
