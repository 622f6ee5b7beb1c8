//! Frames as the other end of the cable sees them.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use kube_vip::drivers::frames::Frames;
use kube_vip_core::address::Mac;
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::wire::arp::Packet;
use kube_vip_core::wire::ethernet::{ARP, Header};
use netlink_packet_route::link::LinkAttribute;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::world::{FAR, NEAR, PATIENCE, Switch, VIP, World, in_a_world, is_up};

/// Hears every ARP frame that comes in on any interface of this namespace. What is sent on [`NEAR`]
/// comes in on the other end.
pub(crate) struct Ear(Socket);

impl Ear {
    pub(crate) fn open() -> Self {
        Self::of(ARP)
    }

    /// The same for another protocol.
    pub(crate) fn of(ethertype: u16) -> Self {
        let protocol = Protocol::from(i32::from(ethertype.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket that does not wait");
        Self(socket)
    }

    pub(crate) async fn hear(&self) -> (Header, Packet) {
        timeout(PATIENCE, async {
            loop {
                if let Some(frame) = self.heard() {
                    return Packet::parse_frame(&frame).expect("an ARP frame");
                }
                sleep(Duration::from_millis(2)).await;
            }
        })
        .await
        .expect("a frame in time")
    }

    pub(crate) fn heard(&self) -> Option<Vec<u8>> {
        let mut frame = [0; 1514];
        match (&self.0).read(&mut frame) {
            Ok(length) => Some(frame[..length].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot hear: {error}"),
        }
    }
}

pub(crate) async fn mac(world: &World, name: &str) -> Mac {
    let address = world.link(name).await.attributes.into_iter().find_map(|attribute| {
        let LinkAttribute::Address(bytes) = attribute else { return None };
        bytes.try_into().ok().map(Mac)
    });
    address.expect("an Ethernet interface")
}

pub(crate) fn frames(world: &World) -> (Frames, UnboundedReceiver<Event>) {
    let (sender, events) = unbounded_channel();
    (Frames::start(&world.plan, sender).expect("a packet socket"), events)
}

fn refusal(events: &mut UnboundedReceiver<Event>, mac: Mac) -> String {
    match events.try_recv() {
        Ok(Event::Refused { effect: Effect::Announce { address, mac: whose }, cause }) => {
            assert_eq!((address, whose), (VIP.into(), mac));
            cause
        }
        other => panic!("no refusal: {other:?}"),
    }
}

async fn hears_both_forms(ear: &Ear, mac: Mac) {
    let header = Header { destination: Mac::BROADCAST, source: mac, ethertype: ARP };
    assert_eq!(ear.hear().await, (header, Packet::gratuitous_request(mac, VIP)));
    assert_eq!(ear.hear().await, (header, Packet::gratuitous_reply(mac, VIP)));
}

#[test]
fn both_gratuitous_forms_arrive_at_the_other_end() {
    in_a_world(|world| async move {
        let ear = Ear::open();
        let (frames, mut events) = frames(&world);
        let mac = mac(&world, NEAR).await;
        frames.announce(VIP.into(), mac);
        hears_both_forms(&ear, mac).await;
        assert_eq!(ear.heard(), None);
        assert!(events.try_recv().is_err());
    });
}

#[test]
fn an_interface_that_was_made_anew_is_announced_on() {
    in_a_world(|world| async move {
        let (frames, mut events) = frames(&world);
        frames.announce(VIP.into(), mac(&world, NEAR).await);
        let before = mac(&world, NEAR).await;
        world.pull_out().await;
        frames.announce(VIP.into(), before);
        let cause = refusal(&mut events, before);
        assert_eq!(cause, "there is no interface end0");

        world.plug_in().await;
        let (ear, mac) = (Ear::open(), mac(&world, NEAR).await);
        frames.announce(VIP.into(), mac);
        hears_both_forms(&ear, mac).await;
        assert!(events.try_recv().is_err());
    });
}

#[test]
fn an_interface_that_is_down_is_a_refusal() {
    in_a_world(|world| async move {
        let (frames, mut events) = frames(&world);
        let mac = mac(&world, NEAR).await;
        world.turn(NEAR, Switch::Off).await;
        frames.announce(VIP.into(), mac);
        let cause = refusal(&mut events, mac);
        assert!(cause.starts_with("the kernel did not send on end0: Network is down"), "{cause}");
    });
}

#[test]
fn a_cable_without_another_end_does_not_hold_anything_up() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.turn(FAR, Switch::Off).await;
        world.sees("no carrier", |seen| !is_up(seen)).await;
        let (frames, _events) = frames(&world);
        let mac = mac(&world, NEAR).await;
        for _ in 0..10_000 {
            frames.announce(VIP.into(), mac);
        }
        drop(kernel);
    });
}

#[test]
fn an_interface_without_an_ethernet_address_is_a_refusal() {
    in_a_world(|world| async move {
        let (frames, mut events) = frames(&world);
        frames.announce(VIP.into(), Mac::ZERO);
        let cause = refusal(&mut events, Mac::ZERO);
        assert_eq!(cause, "interface end0 has no Ethernet address");
    });
}
