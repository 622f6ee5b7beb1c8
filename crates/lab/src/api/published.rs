//! Where the cluster's API servers are: the EndpointSlice of the Service `default/kubernetes`. Real
//! ones write their own addresses into it; here whoever starts them does it. Clients only read.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::failure::Fault;
use super::kind::{Kind, Part};
use super::store::{Store, Table, Tables};

/// The Service's name, and that of the slice.
const SERVICE: &str = "kubernetes";

/// The EndpointSlice of API servers at these addresses, as real ones write it
/// (`pkg/controlplane/reconcilers` of kubernetes).
#[must_use]
pub fn server_list(addresses: &[Ipv4Addr], port: u16) -> EndpointSlice {
    let labels = BTreeMap::from([("kubernetes.io/service-name".to_owned(), SERVICE.to_owned())]);
    let endpoint = |address: &Ipv4Addr| Endpoint {
        addresses: vec![address.to_string()],
        conditions: Some(EndpointConditions { ready: Some(true), ..Default::default() }),
        ..Endpoint::default()
    };
    let port = EndpointPort {
        name: Some("https".to_owned()),
        port: Some(port.into()),
        protocol: Some("TCP".to_owned()),
        ..EndpointPort::default()
    };
    EndpointSlice {
        metadata: ObjectMeta {
            name: Some(SERVICE.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints: addresses.iter().map(endpoint).collect(),
        ports: Some(vec![port]),
    }
}

impl Store {
    /// Says that the API servers are at these addresses, for good: one that is dead stays in the
    /// list, as a real one does for a while. What was said before stays.
    pub fn publish(&self, addresses: &[Ipv4Addr], port: u16) {
        // Refused only if there is a list already.
        let _ = self.create(Some("default"), server_list(addresses, port));
    }
}

impl Kind for EndpointSlice {
    const NAMESPACED: bool = true;
    const CREATED_BY_PUT: bool = false;
    const UNCONDITIONAL_PUT: bool = true;
    const WRITTEN_BY_CLIENTS: bool = false;

    fn malformed(_: &Value) -> Option<String> {
        None
    }

    fn complete(&mut self) {}

    fn admit(&mut self) {
        self.metadata.generation = Some(1);
    }

    fn keep(&mut self, _: &Self, _: Part) {}

    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }

    fn table(tables: &Tables) -> &Table<Self> {
        &tables.slices
    }

    fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.slices
    }
}
