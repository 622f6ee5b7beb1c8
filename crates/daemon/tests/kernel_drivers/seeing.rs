//! What the kernel has, as the driver tells it: at once when it changes, whoever changed it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use kube_vip::drivers::kernel::host;
use kube_vip::settings::host::HostLink;
use kube_vip_core::address::LinkName;
use kube_vip_core::event::{Effect, Event, Snapshot, Voice};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rtnetlink::AddressMessageBuilder;
use tokio::time::timeout;

use crate::driver_thread::Halt;
use crate::world::{
    FAR, NEAR, OTHER_VIP, Switch, VIP, World, has, in_a_world, is_up, replace_file, vip,
};

#[test]
fn the_first_event_is_what_is_there() {
    in_a_world(|mut world| async move {
        world.add(NEAR, Ipv4Addr::new(192, 168, 20, 11), 24).await;
        let _kernel = world.kernel();
        let Some(Event::Kernel(first)) = world.event().await else { panic!("no snapshot") };
        assert!(first.link.is_some());
        assert_eq!(first.held, [], "an address that is not of the plan");
    });
}

#[test]
fn the_interface_has_the_nodes_address_and_the_way_out() {
    in_a_world(|mut world| async move {
        let (node, router) = (Ipv4Addr::new(192, 168, 20, 11), Ipv4Addr::new(192, 168, 20, 1));
        world.add(NEAR, VIP, 24).await;
        world.add(FAR, Ipv4Addr::new(192, 168, 21, 11), 24).await;
        let kernel = world.kernel();
        let link = world.sees("it", is_up).await.link.unwrap();
        assert_eq!(
            (link.addresses, link.gateways),
            (Vec::new(), Vec::new()),
            "an address of the plan"
        );

        world.add(NEAR, node, 24).await;
        world.add(NEAR, Ipv4Addr::new(192, 168, 20, 12), 24).await;
        let own = |seen: &Snapshot| seen.link.as_ref().map(|link| link.addresses.clone());
        world.sees("its own address", |seen| own(seen) == Some(vec![node.into()])).await;

        // Nobody tells of routes: they are seen when the interface changes.
        world.add_default_route(FAR, Ipv4Addr::new(192, 168, 21, 1), 10).await;
        world.add_default_route(NEAR, router, 100).await;
        world.turn(FAR, Switch::Off).await;
        let way = |seen: &Snapshot| seen.link.as_ref().map(|link| link.gateways.clone());
        world.sees("the gateway", |seen| way(seen) == Some(vec![router.into()])).await;
        drop(kernel);
    });
}

#[test]
fn an_address_that_others_remove_is_missed_at_once() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + Duration::from_secs(60), Voice::Answering);
        world.sees("the address", has(VIP)).await;
        world.remove(VIP).await;
        world.sees("its absence", |seen| !has(VIP)(seen)).await;
    });
}

#[test]
fn an_address_that_others_add_is_seen_at_once() {
    in_a_world(|mut world| async move {
        let _kernel = world.kernel();
        world.sees("nothing", |seen| seen.held.is_empty()).await;
        world.add(FAR, VIP, 32).await;
        let seen = world.sees("the address", |seen| !seen.held.is_empty()).await;
        let [found] = seen.held.as_slice() else { panic!("{seen:?}") };
        assert_eq!(found.link.as_str(), FAR);
        assert_eq!(found.lifetime, None);
    });
}

#[test]
fn an_interface_goes_down_and_up() {
    in_a_world(|mut world| async move {
        let _kernel = world.kernel();
        world.sees("it up", is_up).await;
        world.turn(NEAR, Switch::Off).await;
        world.sees("it down", |seen| !is_up(seen)).await;
        world.turn(NEAR, Switch::On).await;
        world.sees("it up again", is_up).await;
    });
}

#[test]
fn a_cable_is_pulled_and_plugged_in() {
    in_a_world(|mut world| async move {
        let _kernel = world.kernel();
        world.sees("a carrier", is_up).await;
        world.turn(FAR, Switch::Off).await;
        world.sees("no carrier", |seen| seen.link.is_some() && !is_up(seen)).await;
        world.turn(FAR, Switch::On).await;
        world.sees("a carrier again", is_up).await;
    });
}

#[test]
fn an_interface_is_deleted_and_made_anew() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.sees("it", is_up).await;
        world.pull_out().await;
        world.sees("that it is gone", |seen| seen.link.is_none()).await;
        let until = world.clock.now() + Duration::from_secs(60);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        let (effect, cause) = world.refusal().await;
        assert_eq!(effect, Effect::Hold { vip: vip(VIP, 24), until, voice: Voice::Answering });
        assert_eq!(cause, "there is no interface end0");

        world.plug_in().await;
        world.sees("it again", is_up).await;
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        world.sees("the address", has(VIP)).await;
    });
}

/// Adds and removes an address on the other end of the cable, `times` times.
fn shake(world_index: u32, times: u32) {
    let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
    socket.bind_auto().unwrap();
    let address = Ipv4Addr::new(10, 0, 0, 1);
    let message = AddressMessageBuilder::<Ipv4Addr>::new().index(world_index).address(address, 32);
    let message = message.build();
    for _ in 0..times {
        let add = RouteNetlinkMessage::NewAddress(message.clone());
        let remove = RouteNetlinkMessage::DelAddress(message.clone());
        for (step, flags) in [(add, NLM_F_CREATE), (remove, 0)] {
            let mut step = NetlinkMessage::from(step);
            step.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
            step.finalize();
            let mut bytes = vec![0; step.buffer_len()];
            step.serialize(&mut bytes);
            socket.send_to(&bytes, &SocketAddr::new(0, 0), 0).unwrap();
            let (answer, _) = socket.recv_from_full().unwrap();
            assert_eq!(answer.get(16..20), Some([0; 4].as_slice()), "{answer:?}");
        }
    }
}

#[test]
fn more_changes_than_the_socket_holds_lose_nothing() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + Duration::from_secs(60), Voice::Answering);
        kernel.hold(
            vip(OTHER_VIP, 32),
            world.clock.now() + Duration::from_secs(60),
            Voice::Answering,
        );
        world.sees("both", |seen| seen.held.len() == 2).await;
        let (sockets, lost) = (inodes(ROUTING), lost_messages());
        let halt = Halt::begin();
        shake(world.link(FAR).await.header.index, 2_000);
        world.remove(VIP).await;
        assert!(lost_messages() > lost, "the socket held them all: the test shows nothing");
        drop(halt);
        world.sees("one", |seen| !has(VIP)(seen) && has(OTHER_VIP)(seen)).await;
        // And it goes on listening, on the same socket.
        world.remove(OTHER_VIP).await;
        world.sees("none", |seen| seen.held.is_empty()).await;
        assert_eq!(inodes(ROUTING), sockets);
    });
}

#[test]
fn a_burst_of_changes_is_told_in_few_snapshots() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.sees("it", is_up).await;
        let halt = Halt::begin();
        shake(world.link(FAR).await.header.index, 500);
        world.add(NEAR, VIP, 24).await;
        drop(halt);
        let mut snapshots = 0;
        while let Some(Event::Kernel(seen)) = world.event().await {
            snapshots += 1;
            if has(VIP)(&seen) {
                break;
            }
        }
        assert!(snapshots <= 10, "{snapshots} snapshots of 1001 changes");
        drop(kernel);
    });
}

#[test]
fn a_change_of_its_own_is_told_once() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        // What the interfaces do when they are new is over within a second (net/core/link_watch.c).
        while timeout(Duration::from_secs(2), world.event()).await.is_ok() {}
        kernel.hold(vip(VIP, 24), world.clock.now() + Duration::from_secs(60), Voice::Answering);
        let Some(Event::Kernel(seen)) = world.event().await else { panic!("no snapshot") };
        assert!(has(VIP)(&seen), "{seen:?}");
        let second = timeout(Duration::from_millis(500), world.event()).await;
        assert!(second.is_err(), "{second:?}");
    });
}

/// `NETLINK_ROUTE` and `NETLINK_NETFILTER` (linux/netlink.h).
const ROUTING: &str = "0";
pub(crate) const FILTERING: &str = "12";

/// The rows of `/proc/net/netlink` for sockets of this kind in this namespace: inode and how many
/// messages were lost.
fn netlink_sockets(kind: &str) -> Vec<(u64, u64)> {
    let table = fs::read_to_string("/proc/thread-self/net/netlink").expect("proc is mounted");
    let row = |line: &str| -> Option<(u64, u64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, this, _, _, _, _, _, _, drops, inode] = fields.as_slice() else { return None };
        if *this != kind {
            return None;
        }
        Some((inode.parse().ok()?, drops.parse().ok()?))
    };
    table.lines().filter_map(row).collect()
}

pub(crate) fn inodes(kind: &str) -> BTreeSet<u64> {
    netlink_sockets(kind).into_iter().map(|(inode, _)| inode).collect()
}

fn lost_messages() -> u64 {
    netlink_sockets(ROUTING).into_iter().map(|(_, lost)| lost).sum()
}

/// The files of this process that are these sockets.
pub(crate) fn files(inodes: &BTreeSet<u64>) -> Vec<RawFd> {
    let sockets: Vec<PathBuf> =
        inodes.iter().map(|inode| format!("socket:[{inode}]").into()).collect();
    let one = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        // It may be a file of another test that was closed in between.
        let target = fs::read_link(entry.path()).ok()?;
        sockets.contains(&target).then(|| entry.file_name().to_str()?.parse().ok())?
    };
    fs::read_dir("/proc/self/fd").expect("proc is mounted").filter_map(one).collect()
}

#[test]
fn a_broken_connection_to_the_kernel_is_made_anew() {
    in_a_world(|mut world| async move {
        let before = inodes(ROUTING);
        let kernel = world.kernel();
        world.sees("it", is_up).await;
        let files = files(&inodes(ROUTING).difference(&before).copied().collect());
        assert_eq!(files.len(), 2, "one socket for questions, one for changes");
        for file in files {
            replace_file(file);
        }
        let until = world.clock.now() + Duration::from_secs(60);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        let (effect, cause) = world.refusal().await;
        assert_eq!(effect, Effect::Hold { vip: vip(VIP, 24), until, voice: Voice::Answering });
        let lost = "no connection to the kernel's routing subsystem: the netlink socket failed";
        assert!(cause.starts_with(lost), "{cause}");

        world.sees("the interface again", is_up).await;
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        world.sees("the address", has(VIP)).await;
        world.remove(VIP).await;
        world.sees("its absence", |seen| !has(VIP)(seen)).await;
    });
}

/// Its IPv4 addresses: every interface that is up has an IPv6 address of its own.
fn four(link: &HostLink) -> Vec<(IpAddr, u8)> {
    link.addresses.iter().filter(|(address, _)| address.is_ipv4()).copied().collect()
}

#[test]
fn settings_are_told_of_the_host() {
    in_a_world(|world: World| async move {
        let node = Ipv4Addr::new(192, 168, 20, 11);
        world.add(NEAR, node, 24).await;
        world.add(NEAR, VIP, 32).await;
        world.add(FAR, Ipv4Addr::new(192, 168, 21, 11), 24).await;
        world.add_default_route(FAR, Ipv4Addr::new(192, 168, 21, 1), 200).await;
        world.add_default_route(NEAR, Ipv4Addr::new(192, 168, 20, 1), 100).await;
        let host = host().unwrap();
        assert_eq!(host.default_route_link, LinkName::new(NEAR).ok());
        assert!(!host.host_name.is_empty());
        let named = |name: &str| -> &HostLink {
            host.links.iter().find(|link| link.name.as_str() == name).expect("it is there")
        };
        assert_eq!(four(named(NEAR)), [(node.into(), 24), (VIP.into(), 32)]);
        assert!(named(NEAR).up && named(NEAR).mac.is_some() && !named(NEAR).loopback);
        assert!(named("lo").loopback);
    });
}
