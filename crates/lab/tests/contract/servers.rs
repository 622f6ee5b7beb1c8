//! Where the API servers are, as nodes find the others: the EndpointSlices of the Service
//! `default/kubernetes`.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::subject::{Subject, Who};

/// What a real server on loopback advertises.
pub(crate) const ADVERTISED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// As the daemon asks.
const SELECTED: &str = "labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";

pub(crate) async fn listed(subject: &Subject) {
    let list = subject.get(&format!("{SLICES}?{SELECTED}")).await;
    assert_eq!(list.body["kind"], "EndpointSliceList");
    let items = list.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    let slice = &items[0];
    assert_eq!(slice["endpoints"][0]["addresses"], json!([ADVERTISED]));
    assert_eq!(slice["ports"][0]["name"], "https");
    assert_eq!(slice["ports"][0]["port"], subject.port());

    let one = subject.get(&format!("{SLICES}/kubernetes")).await;
    assert_eq!(one.body["endpoints"], slice["endpoints"]);
    let none = format!("{SLICES}?labelSelector=kubernetes.io%2Fservice-name%3Dx");
    assert_eq!(subject.get(&none).await.body["items"], json!([]));
    assert_eq!(subject.get(&format!("{SLICES}/x")).await.refusal(), (404, "NotFound"));
    let poor = subject.call(Who::WithoutRights, http::Method::GET, SLICES, None).await;
    assert_eq!(poor.refusal(), (403, "Forbidden"));
}
