//! Neighbour discovery: the bytes of what is spoken, what is refused, and round trips.

use proptest::prelude::*;

use super::*;

const MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x0a]);
const OTHER: Mac = Mac([0x02, 0, 0, 0, 0, 0x0b]);
const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0x12, 0x3456);
const NODE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

#[test]
fn the_unsolicited_advertisement_overrides_and_is_of_no_router() {
    let frame = Packet::unsolicited(MAC, VIP).frame(MAC, Mac::BROADCAST);
    #[rustfmt::skip]
    let expected = [
        0x33, 0x33, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0x0a, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        136, 0, 0xf1, 0xc3, 0x20, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56,
        2, 1, 0x02, 0, 0, 0, 0, 0x0a,
    ];
    assert_eq!(frame, expected);
}

#[test]
fn a_question_goes_to_the_group_of_its_target() {
    let question = Packet::solicitation((MAC, NODE), VIP);
    assert_eq!(question.destination.to_string(), "ff02::1:ff12:3456");
    let frame = question.frame(MAC, Mac::BROADCAST);
    assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    assert_eq!(Packet::parse(&frame[ethernet::HEADER_BYTES..]), Ok(question));
}

#[test]
fn one_station_is_asked_by_the_address_in_question() {
    let frame = Packet::solicitation((MAC, NODE), VIP).frame(MAC, OTHER);
    assert_eq!(frame[..6], OTHER.0);
    let parsed = Packet::parse(&frame[ethernet::HEADER_BYTES..]).expect("valid");
    assert_eq!((parsed.destination, parsed.target), (VIP, VIP));
}

#[test]
fn a_probe_names_nobody() {
    let probe = Packet::solicitation((MAC, Ipv6Addr::UNSPECIFIED), VIP);
    assert_eq!(probe.mac, None);
    assert_eq!(Packet::parse(&probe.emit()), Ok(probe));
    let naming = Packet { mac: Some(MAC), ..probe };
    assert!(matches!(Packet::parse(&naming.emit()), Err(WireError::Neighbour(_))));
    let to_one = Packet { destination: VIP, ..probe };
    assert!(matches!(Packet::parse(&to_one.emit()), Err(WireError::Neighbour(_))));
}

#[test]
fn what_the_rfc_calls_invalid_is_refused() {
    let good = Packet::unsolicited(MAC, VIP).emit();
    let spoilt =
        [(0, 0x40), (6, 17), (7, 254), (40, 134), (41, 1), (42, 0x55), (48, 0xff), (65, 0)];
    for (index, wrong) in spoilt {
        let mut packet = good.clone();
        packet[index] = wrong;
        let parsed = Packet::parse(&packet);
        assert!(matches!(parsed, Err(WireError::Neighbour(_))), "byte {index}: {parsed:?}");
    }
    let answer = Packet::answer((MAC, VIP), ALL_NODES).emit();
    assert_eq!(Packet::parse(&answer), Err(WireError::Neighbour("it answers a group")));
}

#[test]
fn every_truncation_is_refused_and_padding_ignored() {
    let packet = Packet::unsolicited(MAC, VIP);
    let mut bytes = packet.emit();
    for length in 0..bytes.len() {
        let cut = Packet::parse(&bytes[..length]);
        assert!(matches!(cut, Err(WireError::Short { .. })), "{length}: {cut:?}");
    }
    bytes.extend([0x5a; 9]);
    assert_eq!(Packet::parse(&bytes), Ok(packet));
}

/// The bytes of another option, which RFC 7527 puts into probes.
#[test]
fn other_options_are_passed_over() {
    let probe = Packet::solicitation((MAC, Ipv6Addr::UNSPECIFIED), VIP);
    let mut bytes = probe.emit();
    bytes.extend([14, 1, 1, 2, 3, 4, 5, 6]);
    bytes[5] += 8;
    bytes[42..44].fill(0);
    let sum = checksum((probe.source, probe.destination), &bytes[40..]).to_be_bytes();
    bytes[42..44].copy_from_slice(&sum);
    assert_eq!(Packet::parse(&bytes), Ok(probe));
}

fn packets() -> impl Strategy<Value = Packet> {
    let flags = any::<(bool, bool)>().prop_map(|(router, overrides)| {
        Message::Advertisement(Flags { router, solicited: false, overrides })
    });
    let message = prop_oneof![Just(Message::Solicitation), flags];
    let mac = any::<[u8; 6]>().prop_map(Mac);
    let (unicast, any) = (0_u128..(0xff << 120), any::<u128>());
    (unicast.clone(), any, message, unicast, proptest::option::of(mac)).prop_map(
        |(source, destination, message, target, mac)| Packet {
            source: Ipv6Addr::from_bits(source | 1),
            destination: Ipv6Addr::from_bits(destination),
            message,
            target: Ipv6Addr::from_bits(target),
            mac,
        },
    )
}

proptest! {
    #[test]
    fn every_packet_survives_the_wire(packet in packets()) {
        prop_assert_eq!(Packet::parse(&packet.emit()), Ok(packet));
    }

    /// Bytes with a right head and checksum are either refused or mean what they say.
    #[test]
    fn arbitrary_messages_are_parsed(
        kind in 135_u8..=136,
        tail in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut message = vec![kind, 0, 0, 0];
        message.extend(tail);
        let sum = checksum((NODE, VIP), &message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        if let Ok(packet) = Packet::parse_message((NODE, VIP), &message) {
            prop_assert_eq!(packet.target.octets().to_vec(), message[8..24].to_vec());
        }
    }
}
