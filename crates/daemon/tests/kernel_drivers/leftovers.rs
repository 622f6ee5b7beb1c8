//! What a kube-vip leaves in a kernel is found and removed, and nothing else is.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::TryStreamExt;
use kube_vip::drivers::kernel::leftovers::{Found, Kernel, Kind, Leftover, Wanted};
use kube_vip_core::event::Voice;
use kube_vip_core::plan::Vips;
use netlink_packet_route::link::MacVlanMode;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::rule::RuleAction;
use rtnetlink::{Handle, LinkMacVlan, RouteMessageBuilder};

use crate::others::Other;
use crate::world::{FAR, NEAR, OTHER_VIP, VIP, World, has, in_a_world, vip};

const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 11);
const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 0x140);

fn ip() -> Handle {
    let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
    tokio::spawn(connection);
    ip
}

fn wanted() -> Wanted {
    Wanted { addresses: BTreeSet::from([VIP.into(), SIX.into()]), ..Wanted::default() }
}

fn look(wanted: &Wanted) -> Vec<Leftover> {
    let mut kernel = Kernel::open().expect("a netlink socket");
    let Found { leftovers, unseen } = kernel.find(wanted).expect("the kernel tells");
    assert_eq!(unseen, []);
    leftovers
}

fn shown(leftovers: &[Leftover]) -> Vec<(Kind, &str)> {
    leftovers.iter().map(|one| (one.kind, one.what.as_str())).collect()
}

fn remove_all(leftovers: &[Leftover]) {
    let mut kernel = Kernel::open().expect("a netlink socket");
    for one in leftovers {
        kernel.remove(one).unwrap_or_else(|error| panic!("{one:?}: {error}"));
    }
}

/// What the original leaves when it is killed, and what others have on the same host.
async fn leave(world: &World, ip: &Handle) {
    world.add(NEAR, OWN, 24).await;
    world.add(NEAR, VIP, 32).await;
    world.add("lo", VIP, 32).await;
    world.add(NEAR, SIX, 128).await;
    let near = world.link(NEAR).await.header.index;
    let route = |to: Ipv4Addr, protocol, table| {
        RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to, 32)
            .output_interface(near)
            .protocol(RouteProtocol::from(protocol))
            .table_id(table)
            .build()
    };
    for route in [route(VIP, 248, 198), route(OTHER_VIP, 248, 198)] {
        ip.route().add(route).execute().await.expect("the original's route");
    }
    let six = RouteMessageBuilder::<Ipv6Addr>::new().destination_prefix(SIX, 128);
    let six = six.output_interface(near).protocol(RouteProtocol::from(248)).table_id(198);
    ip.route().add(six.build()).execute().await.expect("the original's route");
    let elsewhere = Ipv4Addr::new(192, 168, 20, 13);
    for route in [route(elsewhere, 4, 198), route(elsewhere, 248, 254)] {
        ip.route().add(route).execute().await.expect("somebody else's route");
    }
    for (mark, table) in [(65_536 + 51_820, 51_820), (7, 51_820)] {
        let rule = ip.rule().add().v4().fw_mark(mark).table_id(table).priority(100);
        rule.action(RuleAction::ToTable).execute().await.expect("a rule");
    }
    let mac = [2, 0, 0, 0, 0, 9];
    let beside = Ipv4Addr::new(192, 168, 20, 12);
    for address in [IpAddr::from(VIP), SIX.into(), beside.into()] {
        let entry = ip.neighbours().add(near, address).link_layer_address(&mac);
        entry.execute().await.expect("an entry");
    }
    for name in ["vip-0a1b2c3d", "vip-other"] {
        let link = LinkMacVlan::new(name, near, MacVlanMode::Bridge).build();
        ip.link().add(link).execute().await.expect("a macvlan");
    }
    let mut other = Other::start();
    other.add_ip_table("kube_vip_v4");
    other.add_ip_table("filter");
    for chain in ["INPUT", "KUBE-VIP-EGRESS"] {
        other.add_ip_chain("filter", chain);
    }
    other.add_ip_rule("filter", "INPUT", "default/web kube-vip load balancer IP - drop");
    other.add_ip_rule("filter", "INPUT", "somebody else's");
    other.add_ip_rule("filter", "KUBE-VIP-EGRESS", "a3ViZS12aXAK=kube-vip-default");
}

#[test]
fn what_the_original_leaves_goes_and_nothing_else() {
    in_a_world(|world| async move {
        let ip = ip();
        leave(&world, &ip).await;
        let found = look(&wanted());
        let rule = found.iter().find(|one| one.kind == Kind::FilterRule).expect("the rule");
        let expected = [
            (Kind::Address, "192.168.20.140/32 dev end0"),
            (Kind::Address, "192.168.20.140/32 dev lo"),
            (Kind::Address, "fd00:20::140/128 dev end0"),
            (Kind::Route, "192.168.20.140/32 dev end0 table 198 proto 248"),
            (Kind::Route, "192.168.20.141/32 dev end0 table 198 proto 248"),
            (Kind::Route, "fd00:20::140/128 dev end0 table 198 proto 248"),
            (Kind::Rule, "100: from all fwmark 0x1ca6c lookup 51820"),
            (Kind::Link, "vip-0a1b2c3d"),
            (Kind::FilterRule, rule.what.as_str()),
            (Kind::FilterChain, "ip filter KUBE-VIP-EGRESS"),
            (Kind::FilterTable, "ip kube_vip_v4"),
            (Kind::Neighbour, "192.168.20.140 dev end0 lladdr 02:00:00:00:00:09"),
            (Kind::Neighbour, "fd00:20::140 dev end0 lladdr 02:00:00:00:00:09"),
        ];
        assert_eq!(shown(&found), expected);
        remove_all(&found);
        assert_eq!(shown(&look(&wanted())), []);
        // A second time there is nothing to do, and that is no failure.
        remove_all(&found);
        assert!(world.addresses(VIP).await.is_empty());
        assert!(world.addresses(SIX).await.is_empty());
        assert_eq!(world.addresses(OWN).await.len(), 1);
        for name in [NEAR, FAR, "vip-other"] {
            world.link(name).await;
        }
        let get = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let routes: Vec<_> = ip.route().get(get).execute().try_collect().await.expect("a list");
        let theirs = |table, protocol: u8| {
            let here = |route: &&netlink_packet_route::route::RouteMessage| {
                route.header.table == table && u8::from(route.header.protocol) == protocol
            };
            routes.iter().filter(here).count()
        };
        assert_eq!((theirs(198, 4), theirs(254, 248), theirs(198, 248)), (1, 1, 0));
    });
}

#[test]
fn what_ours_leaves_when_it_is_killed_is_found_by_its_marks_alone() {
    in_a_world(|mut world| async move {
        world.plan.vips = Vips::new(vec![vip(VIP, 24), vip(SIX, 64)]).unwrap();
        let kernel = world.kernel();
        let until = world.clock.now() + Duration::from_secs(60);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        kernel.hold(vip(SIX, 64), until, Voice::Answering);
        world.sees("the addresses", |seen| has(VIP)(seen) && has(SIX)(seen)).await;
        // As after SIGKILL: the sockets are closed, the address and the table stay.
        drop(kernel);
        while world.event().await.is_some() {}
        let found = look(&Wanted::default());
        let expected = [
            (Kind::Address, "192.168.20.140/24 dev end0"),
            (Kind::Address, "fd00:20::140/64 dev end0"),
            (Kind::FilterTable, "netdev kube-vip-kube-system/plndr-cp-lock"),
        ];
        assert_eq!(shown(&found), expected);
        remove_all(&found);
        assert_eq!(shown(&look(&Wanted::default())), []);
    });
}

#[test]
fn the_nodes_own_address_outlives_a_virtual_one_that_was_there_first() {
    in_a_world(|world| async move {
        // With the same prefix length, the second one is the kernel's secondary.
        world.add(NEAR, VIP, 24).await;
        world.add(NEAR, OWN, 24).await;
        let found = look(&wanted());
        assert_eq!(shown(&found), [(Kind::Address, "192.168.20.140/24 dev end0")]);
        remove_all(&found);
        assert!(world.addresses(VIP).await.is_empty());
        assert_eq!(world.addresses(OWN).await.len(), 1);
    });
}
