//! What is made of a list of EndpointSlices.

use serde_json::json;
use std::net::Ipv4Addr;

use super::*;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

fn all(list: &Value) -> Vec<String> {
    let reply = Reply { status: StatusCode::OK, body: list.to_string().into() };
    servers(&reply).iter().map(ToString::to_string).collect()
}

fn sockets(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn known() -> Servers {
    Servers::new(Arc::from([VIP]), Duration::from_secs(1))
}

#[test]
fn the_addresses_of_all_slices_are_taken_each_once() {
    let ports = json!([{ "name": "metrics", "port": 1 }, { "name": "https", "port": 6443 }]);
    let list = json!({ "items": [
        {
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [
                { "addresses": ["192.0.2.12"], "conditions": { "ready": true } },
                { "addresses": ["192.0.2.11"] },
                { "addresses": ["192.0.2.12"] },
            ],
        },
        { "addressType": "IPv6", "ports": ports, "endpoints": [{ "addresses": ["2001:db8::11"] }] },
        {
            "addressType": "IPv4",
            "ports": [{ "port": 7443 }],
            "endpoints": [{ "addresses": ["192.0.2.13"] }],
        },
    ] });
    let expected = ["192.0.2.11:6443", "192.0.2.12:6443", "192.0.2.13:7443", "[2001:db8::11]:6443"];
    assert_eq!(all(&list), expected);
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    let endpoint = json!([{ "addresses": ["192.0.2.11"] }]);
    for list in [
        json!(null),
        json!({ "items": null }),
        json!({ "items": [{ "ports": [], "endpoints": endpoint }] }),
        json!({ "items": [{ "ports": [{ "port": 65536 }], "endpoints": endpoint }] }),
        json!({ "items": [{ "ports": [{ "port": 1 }], "endpoints": null }] }),
        json!({ "items": [{ "ports": [{ "port": 1 }], "endpoints": [{ "addresses": ["a"] }] }] }),
    ] {
        assert_eq!(all(&list), [""; 0], "{list}");
    }
}

#[test]
fn neither_this_node_nor_the_plans_address_is_another_server() {
    let servers = known();
    servers.learn(sockets(&[
        "127.0.0.1:6443",
        "192.0.2.10:6443",
        "[::ffff:192.0.2.10]:6443",
        "192.0.2.12:6443",
    ]));
    assert_eq!(servers.known(), sockets(&["192.0.2.12:6443"]));
    assert!(servers.own().contains(&Ipv4Addr::LOCALHOST.into()));
    assert!(!servers.own().contains(&VIP));
}

#[test]
fn a_list_without_others_takes_none_away() {
    let servers = known();
    servers.learn(sockets(&["192.0.2.11:6443", "192.0.2.12:6443"]));
    servers.learn(sockets(&["127.0.0.1:6443"]));
    assert_eq!(servers.known().len(), 2);
    servers.learn(sockets(&["192.0.2.13:6443"]));
    assert_eq!(servers.known(), sockets(&["192.0.2.13:6443"]));
}

/// The list is read again soon as long as it has news.
#[test]
fn a_server_that_was_not_in_the_list_before_is_news() {
    let servers = known();
    assert!(servers.learn(sockets(&["127.0.0.1:6443"])));
    assert!(servers.learn(sockets(&["127.0.0.1:6443", "192.0.2.11:6443"])));
    assert!(!servers.learn(sockets(&["127.0.0.1:6443", "192.0.2.11:6443"])));
    assert!(!servers.learn(Vec::new()));
}

#[tokio::test]
async fn without_others_nobody_accepts() {
    let servers = known();
    assert_eq!(servers.any_accepts().await, None);
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    servers.learn(vec![socket]);
    assert_eq!(servers.any_accepts().await, Some(true));
    drop(listener);
    assert_eq!(servers.any_accepts().await, Some(false));
}
