//! What others say on the segment: the other end of the cable speaks.

use std::net::Ipv4Addr;
use std::time::Duration;

use kube_vip_core::address::{Mac, Vip};
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::plan::Vips;
use kube_vip_core::segment::{Question, Said};
use kube_vip_core::wire::arp::{Operation, Packet, Station};
use kube_vip_core::wire::ethernet::{ARP, Header};
use netlink_packet_route::link::LinkFlags;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use crate::announcing::{Ear, frames, mac};
use crate::neighbour::{Neighbour, PEER, STRANGER};
use crate::world::{FAR, NEAR, OTHER_VIP, PATIENCE, Switch, VIP, World, in_a_world, vip};

const NODE: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 11);

fn reply(from: Station, to: Station) -> Packet {
    Packet { operation: Operation::REPLY, sender: from, target: to }
}

/// What a packet says.
fn said(packet: Packet) -> Said {
    Said::parse(&packet.broadcast()).expect("it is valid").1
}

async fn heard(events: &mut UnboundedReceiver<Event>) -> (Mac, Said) {
    let event = timeout(PATIENCE, events.recv()).await.expect("it is heard");
    let Some(Event::Heard { from, said }) = event else { panic!("{event:?}") };
    (from, said)
}

fn asked(packet: Packet) -> Question {
    let Said::Question(question) = said(packet) else { panic!("{packet:?} asks nothing") };
    question
}

/// A cable that is plugged in takes a moment until frames go through it.
async fn a_live_cable(world: &World) {
    let live = LinkFlags::Up | LinkFlags::Running | LinkFlags::LowerUp;
    let up = async {
        for name in [NEAR, FAR] {
            while !world.link(name).await.header.flags.contains(live) {
                sleep(Duration::from_millis(5)).await;
            }
        }
    };
    timeout(PATIENCE, up).await.expect("both ends are up");
}

#[test]
fn what_concerns_the_addresses_is_heard_and_nothing_else() {
    in_a_world(|world| async move {
        let (_frames, mut events) = frames(&world);
        let (other, own) = (Neighbour::of(&world).await, mac(&world, NEAR).await);
        let us = Station { mac: own, address: NODE };
        let peer = Station { mac: STRANGER, address: PEER };
        // Ordinary talk, what others say to each other, our own words come back, and nonsense.
        other.says(Packet::request(peer, NODE));
        other.says(Packet::request(peer, VIP));
        other.says(Packet::probe(STRANGER, PEER));
        other.says(Packet::gratuitous_request(STRANGER, PEER));
        other.says_to(Packet::gratuitous_reply(STRANGER, VIP), Mac([2, 9, 9, 9, 9, 9]));
        other.says(Packet::gratuitous_request(own, VIP));
        other.sends(ARP, &Packet::gratuitous_request(STRANGER, VIP).broadcast()[..40]);
        let mut odd = Packet::gratuitous_request(STRANGER, VIP).broadcast();
        odd[14..20].fill(0xff);
        other.sends(ARP, &odd);

        let all = [
            (Packet::gratuitous_request(STRANGER, VIP), Mac::BROADCAST),
            (Packet::gratuitous_reply(STRANGER, OTHER_VIP), Mac::BROADCAST),
            (Packet::gratuitous_reply(STRANGER, VIP), own),
            (Packet::request(Station { mac: STRANGER, address: VIP }, PEER), Mac::BROADCAST),
            (Packet::probe(STRANGER, VIP), Mac::BROADCAST),
            (Packet::probe(STRANGER, OTHER_VIP), own),
            (reply(peer, us), own),
        ];
        for (packet, to) in all {
            other.says_to(packet, to);
        }
        for (packet, _) in all {
            assert_eq!(heard(&mut events).await, (STRANGER, said(packet)));
        }
        assert!(events.try_recv().is_err());
    });
}

#[test]
fn many_addresses_are_heard_as_well() {
    for count in [100, 101] {
        in_a_world(move |mut world| async move {
            let address = |number: u8| Ipv4Addr::new(192, 168, 21, number);
            let vips: Vec<Vip> = (1..=count).map(|number| vip(address(number), 32)).collect();
            world.plan.vips = Vips::new(vips).unwrap();
            let (_frames, mut events) = frames(&world);
            let other = Neighbour::of(&world).await;
            for number in [1, 50, count] {
                other.says(Packet::gratuitous_request(STRANGER, address(count + 1)));
                let packets = [
                    Packet::gratuitous_request(STRANGER, address(number)),
                    Packet::probe(STRANGER, address(number)),
                ];
                for packet in packets {
                    other.says(packet);
                    assert_eq!(heard(&mut events).await, (STRANGER, said(packet)));
                }
            }
        });
    }
}

#[test]
fn an_interface_that_went_down_is_heard_again() {
    in_a_world(|world| async move {
        let (_frames, mut events) = frames(&world);
        let other = Neighbour::of(&world).await;
        let packet = Packet::gratuitous_request(STRANGER, VIP);
        other.says(packet);
        heard(&mut events).await;
        for name in [NEAR, FAR] {
            world.turn(name, Switch::Off).await;
            world.turn(name, Switch::On).await;
            a_live_cable(&world).await;
            other.says(packet);
            assert_eq!(heard(&mut events).await, (STRANGER, said(packet)));
        }
    });
}

#[test]
fn an_interface_that_was_made_anew_is_heard() {
    in_a_world(|world| async move {
        let (_frames, mut events) = frames(&world);
        for _ in 0..3 {
            world.pull_out().await;
            world.plug_in().await;
            a_live_cable(&world).await;
            let other = Neighbour::of(&world).await;
            let packet = Packet::gratuitous_request(STRANGER, VIP);
            let is_heard = async {
                while events.try_recv().is_err() {
                    other.says(packet);
                    sleep(Duration::from_millis(50)).await;
                }
            };
            timeout(PATIENCE, is_heard).await.expect("it is heard");
            while timeout(Duration::from_millis(100), events.recv()).await.is_ok() {}
        }
    });
}

#[test]
fn who_asks_on_an_interface_that_was_made_anew_hears_the_answer() {
    in_a_world(|world| async move {
        let (frames, mut events) = frames(&world);
        world.pull_out().await;
        world.plug_in().await;
        a_live_cable(&world).await;
        let (ear, own) = (Ear::open(), mac(&world, NEAR).await);
        let us = Station { mac: own, address: NODE };
        let question = Packet::request(us, PEER);
        frames.question(asked(question), STRANGER);
        let header = Header { destination: STRANGER, source: own, ethertype: ARP };
        assert_eq!(ear.hear().await, (header, question));
        let answer = reply(Station { mac: STRANGER, address: PEER }, us);
        Neighbour::of(&world).await.says_to(answer, own);
        assert_eq!(heard(&mut events).await, (STRANGER, said(answer)));
    });
}

#[test]
fn a_question_that_cannot_be_sent_is_a_refusal() {
    in_a_world(|world| async move {
        let (frames, mut events) = frames(&world);
        world.pull_out().await;
        let question = asked(Packet::probe(STRANGER, VIP));
        frames.question(question, Mac::BROADCAST);
        let Ok(Event::Refused { effect, cause }) = events.try_recv() else { panic!("it is sent") };
        assert_eq!(effect, Effect::Question { question, to: Mac::BROADCAST });
        assert_eq!(cause, "there is no interface end0");
    });
}

#[test]
fn a_flood_is_told_in_part_and_does_not_keep_us_from_anything() {
    in_a_world(|world| async move {
        let (_frames, mut events) = frames(&world);
        let other = Neighbour::of(&world).await;
        let flood = Packet::gratuitous_request(STRANGER, VIP);
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            for _ in 0..500 {
                other.says(flood);
            }
            tokio::task::yield_now().await;
        }
        // Another kind still finds attention.
        let probe = Packet::probe(STRANGER, VIP);
        let mut told = 0;
        let all = async {
            loop {
                other.says(probe);
                match heard(&mut events).await {
                    (_, heard) if heard == said(flood) => told += 1,
                    (_, heard) => {
                        assert_eq!(heard, said(probe));
                        return;
                    }
                }
            }
        };
        timeout(PATIENCE, all).await.expect("the probe is heard");
        let spent = began.elapsed().as_secs() + 1;
        assert!(told >= 50, "the first ones were not told: {told}");
        assert!(told <= 50 * (spent + 1), "{told} were told in {spent} s");
    });
}
