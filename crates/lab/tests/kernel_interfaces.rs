//! An address on each kind of interface, one of another subnet than the interface's own, and one
//! that a predecessor left: a client whose neighbour table is wrong learns from the announcement
//! where it is, and connects.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube_vip_core::address::Mac;
use kube_vip_lab::net::Host;
use kube_vip_lab::stage::{PORT, Reach, Stage, StageSpec, VIP, VIP6};
use netlink_packet_route::neighbour::NeighbourState;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage, CacheInfo};
use rtnetlink::packet_route::link::MacVlanMode;
use rtnetlink::{Handle, LinkBridge, LinkMacVlan, LinkUnspec, LinkVxlan, RouteMessageBuilder};
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;

use program::program;

const PATIENCE: Duration = Duration::from_secs(30);

/// The Ethernet address of the interface under test.
const MAC: Mac = Mac([0x02, 0, 0, 0, 0x1f, 0x01]);

/// Where the client believes the address to be at first; nobody is there.
const NOWHERE: Mac = Mac([0x02, 0, 0, 0, 0x1f, 0xff]);

/// One node that is to keep `address`, with a prefix of so many bits, on `interface`; no daemon
/// runs yet.
fn build(directory: &TempDir, (address, bits): (IpAddr, u8), interface: &str) -> Stage {
    let mut spec = StageSpec::of(&program(), directory.path());
    spec.nodes = 1;
    spec.addresses = vec![address];
    if address.is_ipv6() {
        spec.reach = Reach::DualStack;
    }
    let also = [("vip_interface", interface.to_owned()), ("vip_subnet", bits.to_string())];
    spec.environment.extend(also.map(|(name, value)| (name.into(), value.into())));
    let stage = Stage::build(spec, &mut |_| {});
    stage.expect("a stage; it needs root, or `unshare -Urn`")
}

/// Changes the interfaces of a host.
fn change<F: Future<Output = Result<(), rtnetlink::Error>>>(
    host: &Host,
    work: impl FnOnce(Handle) -> F + Send,
) {
    let changed = host.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
            tokio::spawn(connection);
            work(ip).await
        })
    });
    changed.expect("a network").expect("the kernel has such interfaces");
}

fn index(host: &Host, interface: &str) -> u32 {
    host.rtnl().index(interface).expect("it is there")
}

/// Starts the daemon, and waits until the client's kernel has learnt, without asking, that the
/// address is at `mac`; then connects to it.
fn is_held(stage: &mut Stage, mac: Mac, through: &str) {
    let address = stage.address();
    let client = stage.world().client();
    let through = index(client, through);
    change(client, |ip| async move {
        let entry = ip.neighbours().add(through, address).link_layer_address(&NOWHERE.0);
        entry.state(NeighbourState::Stale).execute().await
    });
    let believes = |stage: &Stage| {
        let entry = stage.world().client_neighbour(address).expect("the kernel says");
        entry.and_then(|entry| entry.mac)
    };
    assert_eq!(believes(stage), Some(NOWHERE));
    stage.start(0).expect("a daemon");
    let world = stage.world();
    let believed = || believes(stage);
    let learnt = stage.wait("the client knows where", PATIENCE, || believed() == Some(mac));
    let log = || fs::read_to_string(stage.log(0)).expect("every daemon has a log");
    learnt.unwrap_or_else(|error| panic!("{error}; it believes {:?}\n{}", believed(), log()));
    let has = world.node(0).rtnl().addresses().expect("the kernel says");
    assert!(has.contains(&address), "{has:?}");
    let service = SocketAddr::new(address, PORT);
    let connected = world.client().run(|| TcpStream::connect_timeout(&service, PATIENCE));
    let connected = connected.expect("a network");
    assert!(connected.is_ok(), "{connected:?}\n{}", log());
}

/// Moves the node's own address to another interface.
fn move_own_address(node: &Host, to: &str) {
    let own = node.address().expect("every node has one");
    node.rtnl().remove_address(node.interface(), own, 24).expect("it is there");
    node.rtnl().add_address(to, own, 24).expect("it is free");
    node.rtnl().up(to).expect("it is there");
}

#[test]
fn a_bridge_has_the_address_while_it_is_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&directory, (VIP.into(), 24), "br0");
    let node = stage.world().node(0);
    let port = index(node, node.interface());
    change(node, |ip| async move {
        let bridge = LinkBridge::new("br0").address(MAC.0.to_vec()).build();
        ip.link().add(bridge).execute().await
    });
    let bridge = index(node, "br0");
    change(node, |ip| async move {
        let port = LinkUnspec::new_with_index(port).controller(bridge).build();
        ip.link().set(port).execute().await
    });
    move_own_address(node, "br0");
    is_held(&mut stage, MAC, "end0");

    let node = stage.world().node(0);
    let has = || node.rtnl().addresses().expect("the kernel says").contains(&stage.address());
    for (what, up) in [("it lets go", false), ("it has it again", true)] {
        let link = LinkUnspec::new_with_index(bridge);
        let link = if up { link.up() } else { link.down() }.build();
        change(node, |ip| async move { ip.link().set(link).execute().await });
        let changed = stage.wait(what, PATIENCE, || has() == up);
        changed.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_macvlan_has_the_address() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&directory, (VIP.into(), 24), "macvlan0");
    let node = stage.world().node(0);
    let below = index(node, node.interface());
    change(node, |ip| async move {
        let link = LinkMacVlan::new("macvlan0", below, MacVlanMode::Bridge);
        ip.link().add(link.address(MAC.0.to_vec()).build()).execute().await
    });
    move_own_address(node, "macvlan0");
    is_held(&mut stage, MAC, "end0");
}

#[test]
fn a_vxlan_has_the_address() {
    let directory = tempfile::tempdir().expect("a directory");
    let overlay = |last| Ipv4Addr::new(10, 9, 0, last);
    let mut stage = build(&directory, (overlay(140).into(), 24), "vxlan0");
    let (node, client) = (stage.world().node(0), stage.world().client());
    let ends = [(node, client, MAC, 11), (client, node, Mac([0x02, 0, 0, 0, 0x1f, 0x02]), 2)];
    for (host, other, mac, last) in ends {
        let below = index(host, host.interface());
        let remote = other.address().expect("both have one");
        change(host, |ip| async move {
            let link = LinkVxlan::new("vxlan0", 9).dev(below).remote(remote).port(4789);
            ip.link().add(link.address(mac.0.to_vec()).build()).execute().await
        });
        host.rtnl().add_address("vxlan0", overlay(last), 24).expect("it is free");
        host.rtnl().up("vxlan0").expect("it is there");
    }
    is_held(&mut stage, MAC, "vxlan0");
}

#[test]
fn an_interface_has_an_address_of_another_subnet() {
    let subnets = [("10.77.0.140", "10.77.0.2", 24), ("fd00:77::140", "fd00:77::2", 64)];
    for (address, beside, bits) in subnets {
        let (address, beside): (IpAddr, IpAddr) = (parsed(address), parsed(beside));
        let directory = tempfile::tempdir().expect("a directory");
        let mut stage = build(&directory, (address, bits), "end0");
        let client = stage.world().client();
        client.rtnl().add_address(client.interface(), beside, bits).expect("it is free");
        let mac = stage.world().node(0).mac();
        is_held(&mut stage, mac, "end0");
    }
}

#[test]
fn an_interface_has_an_address_that_is_a_subnet_of_its_own() {
    for (address, bits) in [("10.77.0.140", 32), ("fd00:77::140", 128)] {
        let address: IpAddr = parsed(address);
        let directory = tempfile::tempdir().expect("a directory");
        let mut stage = build(&directory, (address, bits), "end0");
        let client = stage.world().client();
        let through = index(client, client.interface());
        let route = RouteMessageBuilder::<IpAddr>::new().output_interface(through);
        let route = route.destination_prefix(address, bits).expect("a good length").build();
        change(client, |ip| async move { ip.route().add(route).execute().await });
        let mac = stage.world().node(0).mac();
        is_held(&mut stage, mac, "end0");
    }
}

/// As after a SIGKILL of the original, whose IPv6 addresses have no end: with its prefix length,
/// and with another one in the settings since.
#[test]
fn an_address_that_a_predecessor_left_is_taken_over() {
    for (left, bits) in [(128, 128), (128, 64)] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut stage = build(&directory, (VIP6.into(), bits), "end0");
        let node = stage.world().node(0);
        node.rtnl().add_address("end0", VIP6, left).expect("it is free");
        let mac = node.mac();
        is_held(&mut stage, mac, "end0");
        let as_wanted = |found: &[AddressMessage]| {
            let endless = |cache: &CacheInfo| cache.ifa_valid == u32::MAX;
            let ends = |attribute: &AddressAttribute| match attribute {
                AddressAttribute::CacheInfo(cache) => !endless(cache),
                _ => false,
            };
            let one = |found: &AddressMessage| {
                found.header.prefix_len == bits && found.attributes.iter().any(ends)
            };
            found.len() == 1 && one(&found[0])
        };
        let node = stage.world().node(0);
        let taken = stage.wait("one with an end", PATIENCE, || as_wanted(&addresses(node)));
        taken.unwrap_or_else(|error| panic!("{error}: {:?}", addresses(node)));
    }
}

/// What the kernel says of the address.
fn addresses(host: &Host) -> Vec<AddressMessage> {
    let (tell, told) = std::sync::mpsc::channel();
    change(host, |ip| async move {
        let mut all = ip.address().get().set_address_filter(VIP6.into()).execute();
        while let Some(found) = all.try_next().await? {
            tell.send(found).expect("it is received below");
        }
        Ok(())
    });
    told.iter().collect()
}

fn parsed(address: &str) -> IpAddr {
    address.parse().expect("an address")
}
