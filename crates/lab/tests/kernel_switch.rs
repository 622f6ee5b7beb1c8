//! What can be done to the switch and to a host besides cutting it off. Needs root, or a user
//! namespace in which it is root.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use kube_vip_lab::net::nft::Table;
use kube_vip_lab::net::{Host, World, WorldSpec};

fn world() -> World {
    World::new(&WorldSpec::of(2)).expect("a world; this test needs root")
}

/// Whether a datagram from one host arrives at the other within 200 ms, whose answers need not.
fn arrives(from: &Host, to: &Host) -> bool {
    let address = to.address().expect("hosts have addresses");
    let here = SocketAddr::from((address, 0));
    let receiver = to.run(|| UdpSocket::bind(here)).expect("a network").expect("a socket");
    let there = receiver.local_addr().expect("an address");
    let sender = from.run(|| UdpSocket::bind("0.0.0.0:0")).expect("a network").expect("a socket");
    // The kernel may know already that nobody answers its questions.
    let _ = sender.send_to(&[1], there);
    receiver.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
    match receiver.recv_from(&mut [0; 8]) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}

/// Both learn where the other is, so that later no question is needed.
fn meet(one: &Host, other: &Host) {
    assert!(arrives(one, other));
    assert!(arrives(other, one));
}

#[test]
fn a_deaf_node_is_heard_and_a_mute_one_hears() {
    let world = world();
    let (one, other) = (world.node(0), world.node(1));
    meet(one, other);

    world.deafen(1).expect("a deaf node");
    assert!(!arrives(one, other));
    assert!(arrives(other, one));
    world.undeafen(1).expect("it hears");
    assert!(arrives(one, other));

    world.mute(1).expect("a mute node");
    assert!(arrives(one, other));
    assert!(!arrives(other, one));
    world.unmute(1).expect("it is heard");
    assert!(arrives(other, one));
}

#[test]
fn a_split_segment_has_two_sides_until_it_is_joined() {
    let world = world();
    let (one, other, stranger) = (world.node(0), world.node(1), world.stranger());
    meet(one, other);
    meet(stranger, other);
    meet(other, world.client());
    for _ in 0..2 {
        world.split(1).expect("a split");
        assert!(!arrives(one, other));
        assert!(!arrives(other, world.client()));
        assert!(arrives(stranger, other));
        assert!(arrives(one, world.client()));
        let link = other.rtnl().carrier(other.interface()).expect("a link");
        assert!(link, "nobody's link notices");
        world.join(1).expect("joined");
        assert!(arrives(one, other));
        assert!(arrives(other, one));
    }
    world.split(0).expect("another split");
    assert!(!arrives(one, other));
    assert!(arrives(other, world.client()));
    world.join(0).expect("joined");
    assert!(arrives(one, other));
}

#[test]
fn tables_come_and_go_as_with_nft() {
    let world = world();
    let host = world.node(0);
    let table = |family, name: &str| Table { family, name: name.to_owned() };
    let (inet, netdev, arp) = (table(1, "some"), table(5, "thing"), table(3, "other"));
    assert_eq!(host.tables().expect("a list"), []);
    for table in [&inet, &netdev, &arp] {
        host.add_table(table).expect("a table");
    }
    assert_eq!(world.node(1).tables().expect("a list"), [], "each host has its own");
    host.delete_table(&netdev).expect("deleted");
    host.delete_table(&netdev).expect_err("it is gone");
    let mut tables = host.tables().expect("a list");
    tables.sort();
    assert_eq!(tables, [inet, arp]);
    host.flush_ruleset().expect("flushed");
    assert_eq!(host.tables().expect("a list"), []);
    host.set_sysctl("ipv4/ip_forward", "1").expect("a sysctl");
    host.set_sysctl("ipv4/no_such_thing", "1").expect_err("there is none");
}
