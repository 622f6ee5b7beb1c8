//! Which Node is this host's.

use serde_json::json;

use super::*;

#[test]
fn a_node_is_known_by_an_internal_address() {
    let own = ["192.0.2.7", "192.0.2.8"].map(|text| text.parse::<IpAddr>().unwrap());
    let node =
        |addresses: Value| has_one_of(&json!({ "status": { "addresses": addresses } }), &own);
    assert!(node(json!([
        { "type": "InternalIP", "address": "2001:db8::7" },
        { "type": "InternalIP", "address": "192.0.2.8" },
    ])));
    assert!(!node(json!([{ "type": "ExternalIP", "address": "192.0.2.7" }])));
    assert!(!node(json!([{ "type": "InternalIP", "address": "192.0.2.9" }])));
    assert!(!node(Value::Null));
}

#[test]
fn two_that_fit_are_as_good_as_none() {
    let only = |names: &[&str]| only(names.iter().map(|name| (*name).to_owned()));
    assert_eq!(only(&["a"]).as_deref(), Some("a"));
    assert_eq!(only(&["a", "b"]), None);
    assert_eq!(only(&[]), None);
}
