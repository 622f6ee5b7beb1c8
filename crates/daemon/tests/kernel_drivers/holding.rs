//! Giving addresses to the kernel and taking them away.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::StreamExt;
use kube_vip_core::address::LinkName;
use kube_vip_core::event::{Effect, Event, Held, Voice};
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
    AddressScope, CacheInfo,
};
use rtnetlink::MulticastGroup;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use tokio::time::{sleep, timeout};

use crate::world::{NEAR, OTHER_VIP, PATIENCE, VIP, World, has, in_a_world, vip};

/// The kernel has no IPv4 on an interface whose packets are this short (`inetdev_valid_mtu` in its
/// include/linux/inetdevice.h), in bytes.
const TOO_SHORT: u32 = 60;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn held(address: Ipv4Addr, prefix: u8, link: &str) -> Held {
    Held {
        vip: vip(address, prefix),
        link: LinkName::new(link).unwrap(),
        lifetime: None,
        voice: None,
    }
}

fn cache(message: &AddressMessage) -> CacheInfo {
    let cache = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::CacheInfo(cache) => Some(*cache),
        _ => None,
    });
    cache.expect("every address has lifetimes")
}

#[test]
fn an_address_is_added_as_the_original_adds_it_but_with_an_end() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(10), Voice::Answering);
        let snapshot = world.sees("the address", has(VIP)).await;
        let [found] = snapshot.held.as_slice() else { panic!("{snapshot:?}") };
        assert_eq!(found.vip, vip(VIP, 24));
        let lifetime = found.lifetime.expect("it has an end");
        assert!(lifetime <= seconds(9), "{lifetime:?}");

        let messages = world.addresses(VIP).await;
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!(message.header.scope, AddressScope::Universe);
        assert_eq!(message.header.prefix_len, 24);
        assert!(!message.header.flags.contains(AddressHeaderFlags::Permanent));
        let expected = [
            AddressAttribute::Local(IpAddr::V4(VIP)),
            AddressAttribute::Address(IpAddr::V4(VIP)),
            AddressAttribute::Broadcast(Ipv4Addr::new(192, 168, 20, 255)),
            AddressAttribute::Flags(AddressFlags::Deprecated),
            AddressAttribute::Protocol(AddressProtocol::Other(248)),
        ];
        for attribute in expected {
            assert!(message.attributes.contains(&attribute), "{attribute:?} is not in {message:?}");
        }
        assert_eq!(cache(message).ifa_preferred, 0);
        assert!((1..=9).contains(&cache(message).ifa_valid), "{message:?}");
    });
}

#[test]
fn an_address_of_its_own_network_has_no_broadcast_address() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        kernel.hold(vip(OTHER_VIP, 32), world.clock.now() + seconds(10), Voice::Answering);
        world.sees("the address", has(OTHER_VIP)).await;
        let messages = world.addresses(OTHER_VIP).await;
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        let broadcast = |a: &AddressAttribute| matches!(a, AddressAttribute::Broadcast(_));
        assert!(!message.attributes.iter().any(broadcast), "{message:?}");
    });
}

/// Every removal of an address, as the kernel tells of it.
fn removals() -> impl futures_util::Stream<Item = AddressMessage> {
    let (connection, _, messages) =
        rtnetlink::new_multicast_connection(&[MulticastGroup::Ipv4Ifaddr]).expect("a socket");
    tokio::spawn(connection);
    messages.filter_map(async |(message, _)| match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(gone)) => Some(gone),
        _ => None,
    })
}

#[test]
fn renewing_prolongs_without_a_gap() {
    in_a_world(|mut world| async move {
        let mut removals = Box::pin(removals());
        let kernel = world.kernel();
        // Each time a second's lifetime, for longer than the kernel keeps one.
        for _ in 0..16 {
            kernel.hold(
                vip(VIP, 24),
                world.clock.now() + Duration::from_millis(1950),
                Voice::Answering,
            );
            world.sees("the address", has(VIP)).await;
            sleep(Duration::from_millis(250)).await;
        }
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(30), Voice::Answering);
        let longer = |held: &Held| held.lifetime.is_some_and(|lifetime| lifetime > seconds(20));
        world.sees("the new lifetime", |seen| seen.held.iter().any(longer)).await;
        let removed = timeout(Duration::from_millis(100), removals.next()).await;
        assert!(removed.is_err(), "removed in between: {removed:?}");
    });
}

#[test]
fn nobody_renews_and_the_address_is_gone_when_the_term_ends() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let until = world.clock.now() + seconds(3);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        world.sees("the address", has(VIP)).await;
        sleep(until.since(world.clock.now())).await;
        assert_eq!(world.addresses(VIP).await, []);
        world.sees("its end", |snapshot| snapshot.held.is_empty()).await;
    });
}

#[test]
fn an_address_without_end_gets_one() {
    in_a_world(|mut world| async move {
        world.add(NEAR, VIP, 24).await;
        let kernel = world.kernel();
        let endless = |held: &Held| held.lifetime.is_none();
        world.sees("what was there before", |seen| seen.held.iter().any(endless)).await;
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(10), Voice::Answering);
        let ending = |held: &Held| held.lifetime.is_some_and(|lifetime| lifetime <= seconds(9));
        world.sees("an end", |seen| seen.held.iter().all(ending)).await;
    });
}

#[test]
fn the_end_of_a_term_is_refused_with_a_reason() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let until = world.clock.now() + seconds(1);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        let (effect, cause) = world.refusal().await;
        assert_eq!(effect, Effect::Hold { vip: vip(VIP, 24), until, voice: Voice::Answering });
        assert!(cause.contains("the term ends too soon"), "{cause}");
        assert_eq!(world.addresses(VIP).await, []);
    });
}

#[test]
fn what_the_kernel_refuses_is_told_in_its_words_and_the_next_order_is_carried_out() {
    in_a_world(|mut world| async move {
        // Only the loopback interface takes packets as short as that.
        world.plan.link = LinkName::new("lo").unwrap();
        world.resize("lo", TOO_SHORT).await;
        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(10), Voice::Answering);
        let (_, cause) = world.refusal().await;
        let expected = "the kernel did not add 192.168.20.140/24 to lo: No buffer space available";
        assert!(cause.starts_with(expected), "{cause}");

        world.resize("lo", 1500).await;
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(10), Voice::Answering);
        world.sees("the address", |seen| !seen.held.is_empty()).await;
    });
}

#[test]
fn without_the_privilege_nothing_is_added() {
    in_a_world(|mut world| async move {
        let had = capabilities(None).unwrap();
        let effective = had.effective - CapabilitySet::NET_ADMIN;
        set_capabilities(None, CapabilitySets { effective, ..had }).unwrap();
        let kernel = world.kernel();
        set_capabilities(None, had).unwrap();
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(10), Voice::Answering);
        let (_, cause) = world.refusal().await;
        let expected = "the kernel did not add 192.168.20.140/24 to end0: Operation not permitted";
        assert!(cause.starts_with(expected), "{cause}");
        assert_eq!(world.addresses(VIP).await, []);
    });
}

#[test]
fn dropping_removes_the_address_and_only_that() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let until = world.clock.now() + seconds(20);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        kernel.hold(vip(OTHER_VIP, 32), until, Voice::Answering);
        world.sees("both", |seen| has(VIP)(seen) && has(OTHER_VIP)(seen)).await;
        kernel.drop(held(VIP, 24, NEAR));
        world.sees("one", |seen| !has(VIP)(seen) && has(OTHER_VIP)(seen)).await;
        assert_eq!(world.addresses(VIP).await, []);
    });
}

#[test]
fn dropping_what_is_not_there_is_no_failure() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.sees("nothing", |seen| seen.held.is_empty()).await;
        for gone in [held(VIP, 24, NEAR), held(VIP, 24, "nowhere0")] {
            kernel.drop(gone);
            let event = world.event().await;
            assert!(matches!(event, Some(Event::Kernel(_))), "{event:?}");
        }
    });
}

#[test]
fn what_others_left_is_dropped_wherever_it_is() {
    in_a_world(|mut world: World| async move {
        world.add("lo", VIP, 32).await;
        world.add(NEAR, VIP, 16).await;
        let kernel = world.kernel();
        let seen = world.sees("both", |seen| seen.held.len() == 2).await;
        assert!(seen.held.contains(&held(VIP, 32, "lo")), "{seen:?}");
        assert!(seen.held.contains(&held(VIP, 16, NEAR)), "{seen:?}");
        for found in seen.held {
            kernel.drop(found);
        }
        world.sees("none", |seen| seen.held.is_empty()).await;
        assert_eq!(world.addresses(VIP).await, []);
    });
}

#[test]
fn what_was_ordered_before_the_handle_goes_is_done_and_then_the_task_ends() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + seconds(20), Voice::Answering);
        world.sees("the address", has(VIP)).await;
        kernel.drop(held(VIP, 24, NEAR));
        drop(kernel);
        let ends = async { while world.event().await.is_some() {} };
        timeout(PATIENCE, ends).await.expect("the task ends");
        assert_eq!(world.addresses(VIP).await, []);
    });
}
