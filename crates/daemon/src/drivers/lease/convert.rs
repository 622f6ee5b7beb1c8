//! A Lease as the API server writes it, and as the core knows it.
//!
//! Objects stay [`Value`]s: what a later Kubernetes or somebody else put into one survives our
//! writes. Only the fields of the election are read and set.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube_vip_core::event::{
    LeaseRecord, LeaseWrite, NONCE_ANNOTATION, Nonce, Observation, Stamp, Version,
};
use kube_vip_core::plan::LeasePlan;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

mod marks;
#[cfg(test)]
mod tests;

/// Why an object cannot be read as a Lease, or a Lease not be written.
#[derive(Debug, Error)]
pub(super) enum ConvertError {
    /// Every stored object has a version.
    #[error("the Lease has no resourceVersion")]
    NoVersion,
    /// The fields are not those of a Lease.
    #[error("the Lease cannot be read: {0}")]
    Spec(#[source] serde_json::Error),
    /// A part that must be an object is something else.
    #[error("the Lease's {0} is no object")]
    NoObject(&'static str),
    /// Years before -9999 or after 9999.
    #[error("{0} microseconds since 1970 are no time that a Lease can hold")]
    Time(i64),
}

/// What the object says about the election.
pub(super) fn observation(object: &Value) -> Result<Observation, ConvertError> {
    let spec = match &object["spec"] {
        Value::Null => LeaseSpec::default(),
        spec => LeaseSpec::deserialize(spec).map_err(ConvertError::Spec)?,
    };
    let micros = |time: Option<MicroTime>| time.map(|time| time.0.as_microsecond());
    let whole = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    let nonce = object["metadata"]["annotations"][NONCE_ANNOTATION].as_str();
    Ok(Observation {
        version: version(object)?,
        record: LeaseRecord {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(whole(spec.lease_duration_seconds).into()),
            acquired: micros(spec.acquire_time),
            renewed: micros(spec.renew_time),
            transitions: whole(spec.lease_transitions),
            nonce: nonce.map(|text| Nonce(text.to_owned())),
            marks: marks::read(object),
        },
    })
}

/// The object's `resourceVersion`.
pub(super) fn version(object: &Value) -> Result<Version, ConvertError> {
    match object["metadata"]["resourceVersion"].as_str() {
        Some(text) if !text.is_empty() => Ok(Version(text.to_owned())),
        _ => Err(ConvertError::NoVersion),
    }
}

/// An object for `POST`, without any field of the election yet.
pub(super) fn blank(plan: &LeasePlan) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": plan.name, "namespace": plan.namespace },
        "spec": {},
    })
}

/// The object with the write's fields set and everything else as it was. Its `resourceVersion`
/// stays: it is the write's precondition.
pub(super) fn written(
    mut object: Value,
    write: &LeaseWrite,
    now: Timestamp,
) -> Result<Value, ConvertError> {
    let spec = child(&mut object, "spec")?;
    spec.insert("holderIdentity".into(), write.holder.clone().into());
    let seconds = i32::try_from(write.duration.as_secs()).unwrap_or(i32::MAX);
    spec.insert("leaseDurationSeconds".into(), seconds.into());
    let transitions = i32::try_from(write.transitions).unwrap_or(i32::MAX);
    spec.insert("leaseTransitions".into(), transitions.into());
    match write.acquired {
        Stamp::Now => spec.insert("acquireTime".into(), text(now)?),
        Stamp::Keep(Some(micros)) => {
            let time =
                Timestamp::from_microsecond(micros).map_err(|_| ConvertError::Time(micros))?;
            spec.insert("acquireTime".into(), text(time)?)
        }
        Stamp::Keep(None) => spec.remove("acquireTime"),
    };
    spec.insert("renewTime".into(), text(now)?);
    let metadata = child(&mut object, "metadata")?;
    let annotations = annotations(metadata)?;
    annotations.insert(NONCE_ANNOTATION.into(), write.nonce.0.clone().into());
    marks::write(annotations, &write.marks);
    Ok(object)
}

/// The named part of the object, made if it is not there.
pub(super) fn child<'a>(
    object: &'a mut Value,
    name: &'static str,
) -> Result<&'a mut Map<String, Value>, ConvertError> {
    map(object.as_object_mut().ok_or(ConvertError::NoObject("root"))?, name, name)
}

/// The annotations in the metadata, made if they are not there.
pub(super) fn annotations(
    metadata: &mut Map<String, Value>,
) -> Result<&mut Map<String, Value>, ConvertError> {
    map(metadata, "annotations", "metadata.annotations")
}

/// The named part, made if it is not there or null; `path` is what people are told.
pub(super) fn map<'a>(
    parent: &'a mut Map<String, Value>,
    name: &str,
    path: &'static str,
) -> Result<&'a mut Map<String, Value>, ConvertError> {
    let part = parent.entry(name).or_insert(Value::Null);
    if part.is_null() {
        *part = json!({});
    }
    part.as_object_mut().ok_or(ConvertError::NoObject(path))
}

/// As Kubernetes writes a `MicroTime`: UTC, six digits, `Z`.
pub(super) fn text(time: Timestamp) -> Result<Value, ConvertError> {
    serde_json::to_value(MicroTime(time)).map_err(ConvertError::Spec)
}
