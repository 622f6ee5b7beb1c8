//! Echo requests and replies as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{reply, request};

const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// The Internet checksum (RFC 1071) over a whole message is zero if its own is right.
fn sum_is_right(message: &[u8]) -> bool {
    let words = message.chunks_exact(2);
    let sum: u64 = words.map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    sum.is_multiple_of(0xffff)
}

#[test]
fn requests_carry_their_numbers_and_a_right_checksum() {
    for (identifier, sequence) in [(0_u16, 0_u16), (0x4b00, 1), (0xffff, 0xffff), (0xf7ff, 0)] {
        let message = request(FOUR, (identifier, sequence));
        assert_eq!(message[..2], [8, 0]);
        assert!(sum_is_right(&message), "{message:x?}");
        assert_eq!(message[4..6], identifier.to_be_bytes());
        assert_eq!(message[6..8], sequence.to_be_bytes());
    }
}

#[test]
fn replies_are_found_behind_their_ip_header() {
    let mut packet = vec![0x46; 24];
    packet.extend([0, 0, 0xaa, 0xbb, 0x4b, 0x01, 0, 7]);
    assert_eq!(reply(FOUR, &packet), Some(0x4b01));
    packet[24] = 8;
    assert_eq!(reply(FOUR, &packet), None, "a request is no reply");
    assert_eq!(reply(FOUR, &packet[..20]), None);
    assert_eq!(reply(FOUR, &[]), None);
}

#[test]
fn replies_of_ipv6_come_without_a_header() {
    assert_eq!(request(SIX, (1, 2))[..2], [128, 0]);
    assert_eq!(reply(SIX, &[129, 0, 0xaa, 0xbb, 0x4b, 0x01, 0, 7]), Some(0x4b01));
    assert_eq!(reply(SIX, &[128, 0, 0xaa, 0xbb, 0x4b, 0x01, 0, 7]), None);
}
