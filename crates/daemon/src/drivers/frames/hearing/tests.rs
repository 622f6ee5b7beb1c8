//! Who is listened to, and for how long.

use std::net::{Ipv4Addr, Ipv6Addr};

use kube_vip_core::address::link_local;
use kube_vip_core::wire::arp::{Operation, Packet, Station};
use kube_vip_core::wire::ndp;

use super::*;

const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 2]);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 140);
const NODE: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 11);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 12);

const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x140);

fn heard(packet: Packet, destination: Mac) -> Option<Kind> {
    frame(&packet.frame(destination))
}

fn frame(frame: &[u8]) -> Option<Kind> {
    let heard = Said::parse(frame).expect("it is valid");
    kind(&heard, OWN, &[VIP.into(), SIX.into()])
}

fn reply(mac: Mac, address: Ipv4Addr) -> Packet {
    let target = Station { mac: OWN, address: NODE };
    Packet { operation: Operation::REPLY, sender: Station { mac, address }, target }
}

#[test]
fn whoever_speaks_for_an_address_is_heard() {
    for packet in [
        Packet::gratuitous_request(OTHER, VIP),
        Packet::gratuitous_reply(OTHER, VIP),
        Packet::request(Station { mac: OTHER, address: VIP }, PEER),
    ] {
        assert_eq!(heard(packet, Mac::BROADCAST), Some(Kind::Speaks), "{packet:?}");
    }
    assert_eq!(heard(reply(OTHER, VIP), OWN), Some(Kind::Speaks));
}

#[test]
fn a_probe_for_an_address_is_heard() {
    assert_eq!(heard(Packet::probe(OTHER, VIP), Mac::BROADCAST), Some(Kind::Probes));
    assert_eq!(heard(Packet::probe(OTHER, PEER), Mac::BROADCAST), None);
}

#[test]
fn an_answer_to_us_is_heard_and_one_to_others_is_not() {
    assert_eq!(heard(reply(OTHER, PEER), OWN), Some(Kind::Answers));
    assert_eq!(heard(reply(OTHER, PEER), Mac::BROADCAST), None);
    assert_eq!(heard(reply(OTHER, VIP), Mac([2, 0, 0, 0, 0, 3])), None);
}

#[test]
fn the_same_holds_for_ipv6() {
    let announced = ndp::Packet::unsolicited(OTHER, SIX);
    assert_eq!(frame(&announced.frame(OTHER, Mac::BROADCAST)), Some(Kind::Speaks));
    let (peer, us) = (link_local(OTHER), link_local(OWN));
    let asks = |from, for_whom| ndp::Packet::solicitation((OTHER, from), for_whom);
    let probe = asks(Ipv6Addr::UNSPECIFIED, SIX);
    assert_eq!(frame(&probe.frame(OTHER, Mac::BROADCAST)), Some(Kind::Probes));
    assert_eq!(frame(&asks(SIX, peer).frame(OTHER, Mac::BROADCAST)), Some(Kind::Speaks));
    assert_eq!(frame(&asks(peer, SIX).frame(OTHER, Mac::BROADCAST)), None);
    let answer = ndp::Packet::answer((OTHER, peer), us);
    assert_eq!(frame(&answer.frame(OTHER, OWN)), Some(Kind::Answers));
    assert_eq!(frame(&answer.frame(OTHER, Mac([2, 0, 0, 0, 0, 3]))), None);
}

#[test]
fn what_we_say_ourselves_is_not_heard() {
    assert_eq!(heard(Packet::gratuitous_request(OWN, VIP), Mac::BROADCAST), None);
    assert_eq!(heard(Packet::probe(OWN, VIP), Mac::BROADCAST), None);
    assert_eq!(heard(reply(OWN, VIP), OWN), None);
}

#[test]
fn what_others_ask_each_other_is_not_heard() {
    let question = Packet::request(Station { mac: OTHER, address: PEER }, VIP);
    assert_eq!(heard(question, Mac::BROADCAST), None);
}

#[test]
fn the_first_are_told_and_then_so_many_a_second() {
    let start = Instant::now();
    let mut attention = Attention::full(start);
    let mut told = |kind, after| {
        let now = start + Duration::from_millis(after);
        (0..1000).filter(|_| attention.take(kind, now)).count()
    };
    assert_eq!(told(Kind::Speaks, 0), 50);
    assert_eq!(told(Kind::Probes, 0), 50, "each kind has its own");
    assert_eq!(told(Kind::Speaks, 10), 0);
    assert_eq!(told(Kind::Speaks, 20), 1, "one every 20 ms");
    assert_eq!(told(Kind::Speaks, 59), 1);
    assert_eq!(told(Kind::Speaks, 60), 1, "and nothing is lost in between");
    assert_eq!(told(Kind::Speaks, 100_000), 50, "no more than at first");
}

#[test]
fn a_few_are_always_told() {
    let start = Instant::now();
    let mut attention = Attention::full(start);
    for second in 0..1000 {
        for _ in 0..40 {
            assert!(attention.take(Kind::Answers, start + Duration::from_secs(second)));
        }
    }
}
