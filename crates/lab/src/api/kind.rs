//! The kinds of object that the server knows, and where their rules differ: those of kubernetes
//! `pkg/registry/coordination/lease/strategy.go`, `pkg/registry/core/node/` and
//! `pkg/registry/core/event/`.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node, Taint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{ListableResource, Metadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{Failure, Fault};
use super::store::{Table, Tables};

mod metadata;

pub(crate) use metadata::{faults as metadata_faults, is_label_value};

/// What a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status.
    Whole,
    /// The subresource `status`.
    Status,
}

/// A kind of object.
pub(crate) trait Kind:
    Metadata<Ty = ObjectMeta>
    + ListableResource
    + Serialize
    + DeserializeOwned
    + Clone
    + Default
    + PartialEq
    + Send
    + Sync
    + 'static
{
    /// Whether its objects live in namespaces.
    const NAMESPACED: bool;
    /// Whether PUT makes an object that is not there.
    const CREATED_BY_PUT: bool;
    /// Whether PUT may leave out the resourceVersion.
    const UNCONDITIONAL_PUT: bool;
    /// Whether clients may write its objects; otherwise 405 (a real server has no such kind).
    const WRITTEN_BY_CLIENTS: bool = true;
    /// The fields that a field selector may name, beside `metadata.name`.
    const FIELDS: &'static [&'static str] = &[];

    /// What is wrong with the text of a value, where our types are laxer than Go's.
    fn malformed(raw: &Value) -> Option<String>;
    /// Fills in what a real server shows even if nobody set it.
    fn complete(&mut self);
    /// What admission adds to a new object.
    fn admit(&mut self);
    /// Takes back what an update of this part may not change.
    fn keep(&mut self, old: &Self, part: Part);
    /// The rules that the object breaks, those of metadata apart.
    fn faults(&self) -> Vec<Fault>;
    /// The value of one of [`Self::FIELDS`].
    fn field(&self, _name: &str) -> Option<&str> {
        None
    }
    /// The table of its objects.
    fn table(tables: &Tables) -> &Table<Self>;
    /// The table of its objects.
    fn table_mut(tables: &mut Tables) -> &mut Table<Self>;
}

impl Kind for Lease {
    const NAMESPACED: bool = true;
    const CREATED_BY_PUT: bool = true;
    const UNCONDITIONAL_PUT: bool = false;

    fn malformed(raw: &Value) -> Option<String> {
        ["acquireTime", "renewTime"].iter().find_map(|field| {
            let text = raw["spec"][field].as_str()?;
            (!is_micro_time(text)).then(|| {
                format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse"
                )
            })
        })
    }

    fn complete(&mut self) {
        let spec = self.spec.get_or_insert_default();
        // Coordinated leader election is off by default, and with it these two are dropped.
        spec.strategy = None;
        spec.preferred_holder = None;
    }

    fn admit(&mut self) {}

    fn keep(&mut self, _: &Self, _: Part) {}

    fn faults(&self) -> Vec<Fault> {
        let Some(spec) = &self.spec else { return Vec::new() };
        let mut faults = Vec::new();
        if let Some(seconds) = spec.lease_duration_seconds.filter(|&seconds| seconds <= 0) {
            faults.push(Fault::Value {
                field: "spec.leaseDurationSeconds".into(),
                value: seconds.to_string(),
                why: "must be greater than 0".into(),
            });
        }
        if let Some(transitions) = spec.lease_transitions.filter(|&transitions| transitions < 0) {
            faults.push(Fault::Value {
                field: "spec.leaseTransitions".into(),
                value: transitions.to_string(),
                why: "must be greater than or equal to 0".into(),
            });
        }
        faults
    }

    fn table(tables: &Tables) -> &Table<Self> {
        &tables.leases
    }

    fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.leases
    }
}

impl Kind for Node {
    const NAMESPACED: bool = false;
    const CREATED_BY_PUT: bool = false;
    const UNCONDITIONAL_PUT: bool = true;

    fn malformed(_: &Value) -> Option<String> {
        None
    }

    fn complete(&mut self) {
        let spec = self.spec.get_or_insert_default();
        spec.unschedulable = spec.unschedulable.filter(|&unschedulable| unschedulable);
        let status = self.status.get_or_insert_default();
        // Go writes these even if they are empty, and leaves out what is false.
        status.node_info.get_or_insert_default();
        let endpoints = status.daemon_endpoints.get_or_insert_default();
        endpoints.kubelet_endpoint.get_or_insert_default();
    }

    /// As the admission plugin `TaintNodesByCondition`: a new node is not ready until somebody
    /// says so.
    fn admit(&mut self) {
        const NOT_READY: &str = "node.kubernetes.io/not-ready";
        let taints = self.spec.get_or_insert_default().taints.get_or_insert_default();
        if !taints.iter().any(|taint| taint.key == NOT_READY) {
            let effect = "NoSchedule".into();
            taints.push(Taint { key: NOT_READY.into(), effect, ..Taint::default() });
        }
    }

    fn keep(&mut self, old: &Self, part: Part) {
        match part {
            Part::Whole => self.status = old.status.clone(),
            Part::Status => self.spec = old.spec.clone(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }

    fn table(tables: &Tables) -> &Table<Self> {
        &tables.nodes
    }

    fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.nodes
    }
}

impl Kind for Event {
    const NAMESPACED: bool = true;
    const FIELDS: &'static [&'static str] = &["involvedObject.kind", "involvedObject.name"];
    const CREATED_BY_PUT: bool = true;
    const UNCONDITIONAL_PUT: bool = true;

    fn malformed(_: &Value) -> Option<String> {
        None
    }

    fn complete(&mut self) {
        self.source.get_or_insert_default();
        self.reporting_component.get_or_insert_default();
        self.reporting_instance.get_or_insert_default();
    }

    fn admit(&mut self) {}

    fn keep(&mut self, _: &Self, _: Part) {}

    fn field(&self, name: &str) -> Option<&str> {
        match name {
            "involvedObject.kind" => self.involved_object.kind.as_deref(),
            "involvedObject.name" => self.involved_object.name.as_deref(),
            _ => None,
        }
    }

    /// Those for Events without `eventTime`, as they are made since the beginning.
    fn faults(&self) -> Vec<Fault> {
        let about = self.involved_object.namespace.clone().unwrap_or_default();
        let place = self.metadata.namespace.clone().unwrap_or_default();
        let agree = about == place || (about.is_empty() && place == "default");
        let fault = Fault::Value {
            field: "involvedObject.namespace".into(),
            value: format!("{about:?}"),
            why: "does not match event.namespace".into(),
        };
        if agree { Vec::new() } else { vec![fault] }
    }

    fn table(tables: &Tables) -> &Table<Self> {
        &tables.events
    }

    fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.events
    }
}

/// An object as it was sent.
#[derive(Debug)]
pub(crate) struct Decoded<K> {
    /// What of it is known.
    pub(crate) object: K,
    /// Paths of the fields that are not.
    pub(crate) unknown: Vec<String>,
}

/// Reads an object, and says which fields of it are dropped.
pub(crate) fn decode<K: Kind>(body: &[u8]) -> Result<Decoded<K>, Failure> {
    let raw: Value = serde_json::from_slice(body).map_err(|error| unreadable::<K>(&error))?;
    from_value(raw)
}

/// As [`decode`], of parsed JSON.
pub(crate) fn from_value<K: Kind>(raw: Value) -> Result<Decoded<K>, Failure> {
    if let Some(version) = raw["apiVersion"].as_str().filter(|&version| version != K::API_VERSION) {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            K::API_VERSION
        )));
    }
    if let Some(why) = K::malformed(&raw) {
        return Err(unreadable::<K>(&why));
    }
    let mut object: K =
        serde_json::from_value(raw.clone()).map_err(|error| unreadable::<K>(&error))?;
    let known = to_value(&object);
    let mut unknown = Vec::new();
    unknown_fields("", &raw, &known, &mut unknown);
    object.complete();
    // Who wrote which field is not kept here; what clients send back of it is of no use.
    object.metadata_mut().managed_fields = None;
    leave_out_what_is_empty(object.metadata_mut());
    Ok(Decoded { object, unknown })
}

/// As Go's `omitempty`.
fn leave_out_what_is_empty(metadata: &mut ObjectMeta) {
    metadata.labels = metadata.labels.take().filter(|labels| !labels.is_empty());
    metadata.annotations = metadata.annotations.take().filter(|all| !all.is_empty());
    metadata.owner_references = metadata.owner_references.take().filter(|all| !all.is_empty());
}

/// An object as JSON.
pub(crate) fn to_value(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("API types have string keys only")
}

fn unreadable<K: Kind>(why: &dyn std::fmt::Display) -> Failure {
    let kind = K::KIND;
    let version = K::VERSION;
    Failure::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
    ))
}

/// Collects the paths that are in `raw` but not in `known`.
fn unknown_fields(path: &str, raw: &Value, known: &Value, unknown: &mut Vec<String>) {
    match (raw, known) {
        (Value::Object(raw), Value::Object(known)) => {
            for (name, value) in raw.iter().filter(|(_, value)| !value.is_null()) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(known) => unknown_fields(&path, value, known, unknown),
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(raw), Value::Array(known)) => {
            for (index, (raw, known)) in raw.iter().zip(known).enumerate() {
                unknown_fields(&format!("{path}[{index}]"), raw, known, unknown);
            }
        }
        _ => {}
    }
}

/// Whether Go's layout `2006-01-02T15:04:05.000000Z07:00` takes it: exactly six fractional digits.
fn is_micro_time(text: &str) -> bool {
    let Some((_, rest)) = text.split_once('.') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits == 6 && text.parse::<jiff::Timestamp>().is_ok()
}
