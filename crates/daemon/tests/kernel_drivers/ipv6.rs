//! An IPv6 address in the drivers' hands: in the kernel, and on the wire.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube_vip_core::address::{Mac, link_local};
use kube_vip_core::event::{Effect, Event, Snapshot, Voice};
use kube_vip_core::plan::Vips;
use kube_vip_core::segment::{Asker, Claim, Said, Station};
use kube_vip_core::wire::ethernet::{HEADER_BYTES, IPV6};
use kube_vip_core::wire::ndp::{Packet, group, solicited_node};
use netlink_packet_route::address::{AddressAttribute, AddressFlags};
use netlink_packet_route::route::{RouteAddress, RouteAttribute};
use rtnetlink::RouteMessageBuilder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout};

use crate::announcing::{Ear, frames, mac};
use crate::neighbour::{Neighbour, STRANGER};
use crate::world::{NEAR, PATIENCE, VIP, World, has, in_a_world, vip};

const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0x12, 0x3456);
/// Of the same subnet, the node's own.
const OWN: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 1);
const OWN_SUBNET: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 0);
const PEER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x12);

/// `ICMPv6` type of a report that a host listens to groups (RFC 3810 section 5.2).
const LISTENER_REPORT: u8 = 143;

fn with_both(world: &mut World) {
    world.plan.vips = Vips::new(vec![vip(VIP, 24), vip(SIX, 64)]).unwrap();
}

/// The first frame of the wanted kind on the wire.
async fn on_the_wire(ear: &Ear, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let search = async {
        loop {
            match ear.heard() {
                Some(frame) if wanted(&frame) => return frame,
                Some(_) => {}
                None => sleep(Duration::from_millis(1)).await,
            }
        }
    };
    timeout(PATIENCE, search).await.expect("it is on the wire")
}

#[test]
fn it_is_there_at_once_for_its_lifetime_and_brings_no_second_route() {
    in_a_world(|mut world| async move {
        with_both(&mut world);
        world.add(NEAR, OWN, 64).await;
        let ear = Ear::of(IPV6);
        let kernel = world.kernel();
        let until = world.clock.now() + Duration::from_secs(10);
        for address in [vip(VIP, 24), vip(SIX, 64)] {
            kernel.hold(address, until, Voice::Answering);
        }
        let both = |seen: &Snapshot| {
            has(VIP)(seen) && has(SIX)(seen) && seen.held.iter().all(|held| held.voice.is_some())
        };
        let seen = world.sees("both addresses", both).await;
        let held = seen.held.iter().find(|held| held.vip == vip(SIX, 64)).unwrap();
        assert_eq!(held.voice, Some(Voice::Answering));
        assert!(held.lifetime.is_some_and(|lifetime| lifetime <= Duration::from_secs(10)));
        let expected = AddressFlags::Nodad | AddressFlags::Noprefixroute | AddressFlags::Deprecated;
        assert_eq!(flags(&world).await, expected, "neither tentative nor chosen as a source");

        // The kernel joins the group in which the address is asked for, and says so.
        let joined = solicited_node(SIX).octets();
        let report = |frame: &[u8]| {
            frame.get(HEADER_BYTES + 48) == Some(&LISTENER_REPORT)
                && frame.windows(16).any(|bytes| bytes == joined)
        };
        on_the_wire(&ear, report).await;

        kernel.drop(held.clone());
        world.sees("the other one", |seen| has(VIP)(seen) && !has(SIX)(seen)).await;
    });
}

async fn flags(world: &World) -> AddressFlags {
    let messages = world.addresses(SIX).await;
    let flags = messages[0].attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    });
    flags.expect("the kernel tells them")
}

/// How long the routes to the subnet are there, in hundredths of a second; zero: for ever.
async fn routes() -> Vec<u32> {
    let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
    tokio::spawn(connection);
    let get = RouteMessageBuilder::<Ipv6Addr>::new().build();
    let routes: Vec<_> = ip.route().get(get).execute().try_collect().await.expect("a list");
    let subnet = RouteAttribute::Destination(RouteAddress::Inet6(OWN_SUBNET));
    let to_it = routes.iter().filter(|route| route.attributes.contains(&subnet));
    let to_it = to_it.filter(|route| route.header.destination_prefix_length == 64);
    let end = |attribute: &RouteAttribute| match attribute {
        RouteAttribute::CacheInfo(cache) => Some(cache.expires),
        _ => None,
    };
    to_it.map(|route| route.attributes.iter().find_map(end).unwrap_or_default()).collect()
}

#[test]
fn alone_in_its_subnet_it_brings_the_route_and_leaves_the_nodes_own() {
    in_a_world(|mut world| async move {
        with_both(&mut world);
        let kernel = world.kernel();
        let hold = |world: &World| {
            let until = world.clock.now() + Duration::from_secs(20);
            kernel.hold(vip(SIX, 64), until, Voice::Answering);
        };
        hold(&world);
        let seen = world.sees("the address", has(SIX)).await;
        assert!(matches!(routes().await[..], [end] if end > 0), "{:?}", routes().await);
        kernel.drop(seen.held[0].clone());
        world.sees("its end", |seen| !has(SIX)(seen)).await;
        assert!(!routes().await.contains(&0), "what is left of it ends");

        // The node gets an address of its own there, and keeps the route.
        hold(&world);
        world.sees("the address", has(SIX)).await;
        world.add(NEAR, OWN, 64).await;
        let end = Instant::now() + PATIENCE;
        while !flags(&world).await.contains(AddressFlags::Noprefixroute) {
            assert!(Instant::now() < end, "{:?}", flags(&world).await);
            hold(&world);
            sleep(Duration::from_millis(20)).await;
        }
        kernel.drop(seen.held[0].clone());
        world.sees("its end", |seen| !has(SIX)(seen)).await;
        assert_eq!(routes().await, [0], "for ever");
    });
}

#[test]
fn the_interface_asks_in_the_name_of_its_link_local_address() {
    in_a_world(|mut world| async move {
        with_both(&mut world);
        let own = link_local(mac(&world, NEAR).await);
        world.add(NEAR, OWN, 64).await;
        let _kernel = world.kernel();
        // Once duplicate address detection is over.
        let its = |seen: &Snapshot| {
            seen.link.as_ref().is_some_and(|link| link.addresses == [IpAddr::from(own)])
        };
        world.sees("its own address", its).await;
    });
}

#[test]
fn the_address_is_announced_while_it_answers() {
    in_a_world(|mut world| async move {
        with_both(&mut world);
        let (ear, mac) = (Ear::of(IPV6), mac(&world, NEAR).await);
        let (frames, mut refusals) = frames(&world);
        let kernel = world.kernel();
        let until = world.clock.now() + Duration::from_secs(2);
        kernel.hold(vip(SIX, 64), until, Voice::Answering);
        let answers =
            |seen: &Snapshot| seen.held.iter().any(|held| held.voice == Some(Voice::Answering));
        world.sees("the address", answers).await;
        assert!(frames.announce(SIX.into(), mac));
        let expected = Packet::unsolicited(mac, SIX).frame(mac, Mac::BROADCAST);
        on_the_wire(&ear, |frame| frame == expected).await;

        // Nobody renews it.
        sleep(until.since(world.clock.now())).await;
        assert!(!frames.announce(SIX.into(), mac), "the fence drops what comes too late");
        let Ok(Event::Refused { effect, .. }) = refusals.try_recv() else { panic!("not told") };
        assert_eq!(effect, Effect::Announce { address: SIX.into(), mac });
        drop(kernel);
    });
}

async fn heard(events: &mut UnboundedReceiver<Event>) -> Said {
    let event = timeout(PATIENCE, events.recv()).await.expect("it is heard");
    let Some(Event::Heard { said, .. }) = event else { panic!("{event:?}") };
    said
}

#[test]
fn what_concerns_the_address_is_heard_and_nothing_else() {
    for more in [0, 20] {
        in_a_world(move |mut world| async move {
            let others = (0..more).map(|n| vip(Ipv6Addr::from_bits(SIX.to_bits() + 1 + n), 128));
            let all = [vip(VIP, 24), vip(SIX, 64)].into_iter().chain(others).collect();
            world.plan.vips = Vips::new(all).unwrap();
            let own = mac(&world, NEAR).await;
            let (_frames, mut events) = frames(&world);
            let other = Neighbour::of(&world).await;
            let says = |packet: Packet, to| other.sends(IPV6, &packet.frame(STRANGER, to));
            let asks = |from, whom| Packet::solicitation((STRANGER, from), whom);
            // Ordinary talk, what others say to each other, and nonsense.
            says(asks(PEER, link_local(own)), Mac::BROADCAST);
            says(asks(PEER, SIX), Mac::BROADCAST);
            says(asks(Ipv6Addr::UNSPECIFIED, PEER), Mac::BROADCAST);
            says(Packet::unsolicited(STRANGER, PEER), Mac::BROADCAST);
            says(Packet::unsolicited(STRANGER, SIX), Mac([2, 9, 9, 9, 9, 9]));
            let mut odd = Packet::unsolicited(STRANGER, SIX).frame(STRANGER, Mac::BROADCAST);
            odd[21] = 64;
            other.sends(IPV6, &odd);

            let answer = Packet::answer((STRANGER, PEER), link_local(own));
            let station = |address: Ipv6Addr| Station { mac: STRANGER, address: address.into() };
            let all = [
                (Packet::unsolicited(STRANGER, SIX), Mac::BROADCAST),
                (asks(SIX, PEER), Mac::BROADCAST),
                (asks(Ipv6Addr::UNSPECIFIED, SIX), Mac::BROADCAST),
                (answer, own),
            ];
            for (packet, to) in all {
                says(packet, to);
            }
            let claim = Claim { station: station(SIX), to: Mac::BROADCAST };
            assert_eq!(heard(&mut events).await, Said::Claim(claim));
            assert_eq!(heard(&mut events).await.sender(), station(SIX));
            assert_eq!(heard(&mut events).await.probed(), Some(SIX.into()));
            let answer = Claim { station: station(PEER), to: own };
            assert_eq!(heard(&mut events).await, Said::Claim(answer));
            assert!(events.try_recv().is_err());
        });
    }
}

#[test]
fn one_station_and_all_are_asked() {
    in_a_world(|mut world| async move {
        with_both(&mut world);
        let (ear, mac) = (Ear::of(IPV6), mac(&world, NEAR).await);
        let (frames, _events) = frames(&world);
        let asker = Asker { mac, addresses: vec![link_local(mac).into()] };
        for (to, on_wire) in [(Mac::BROADCAST, group(solicited_node(SIX))), (STRANGER, STRANGER)] {
            let began = Instant::now();
            frames.question(asker.question(SIX.into()), to);
            let frame = on_the_wire(&ear, |frame| frame[..6] == on_wire.0).await;
            let (_, said) = Said::parse(&frame).unwrap();
            assert_eq!(said, Said::Question(asker.question(SIX.into())), "{:?}", began.elapsed());
        }
    });
}
