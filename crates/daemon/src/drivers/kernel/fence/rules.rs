//! The two chains and what stands in them.

use kube_vip_core::wire::ethernet::{ARP, IPV6};

use super::super::nf_tables::{Register, Step, chain};
use super::part::Part;
use super::table::{Family, Kind, Set};

/// The ethertype of IPv4.
const IPV4: u16 = 0x0800;

/// Where things are in an IPv4 header (RFC 791), and in an ARP packet for Ethernet and IPv4
/// (RFC 826); in bytes.
const IP_DESTINATION: u32 = 16;
const ARP_OPERATION: u32 = 6;
const ARP_SENDER: u32 = 14;
const ARP_TARGET: u32 = 24;

const ARP_REQUEST: &[u8] = &[0, 1];

/// Where things are in an IPv6 header (RFC 8200), and in a solicitation or advertisement that
/// follows it without a header in between, as kernels send it (RFC 4861); in bytes.
const IPV6_NEXT_HEADER: u32 = 6;
const IPV6_SOURCE: u32 = 8;
const IPV6_DESTINATION: u32 = 24;
const ICMPV6_TYPE: u32 = 40;
const ND_TARGET: u32 = 48;

const ICMPV6: &[u8] = &[58];
const SOLICITATION: &[u8] = &[135];
const ADVERTISEMENT: &[u8] = &[136];

/// One of the two chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    Ingress,
    Egress,
}

impl Chain {
    pub(super) const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    pub(super) const fn part(self) -> Part {
        match self {
            Self::Ingress => Part::Ingress,
            Self::Egress => Part::Egress,
        }
    }

    /// The hook, and the chain's place among others there: what comes in is seen before others can
    /// change it, what goes out after.
    pub(super) const fn hook(self) -> (u32, i32) {
        match self {
            Self::Ingress => (chain::INGRESS, -500),
            Self::Egress => (chain::EGRESS, 500),
        }
    }

    pub(super) fn rules(self) -> Vec<Vec<Step>> {
        match self {
            Self::Ingress => vec![inbound(), inbound6()],
            Self::Egress => vec![claim(), answer(), question(), advertisement(), solicitation()],
        }
    }
}

/// A packet to the address is dropped.
fn inbound() -> Vec<Step> {
    let mut steps = vec![Step::Protocol(IPV4)];
    steps.extend(concerns(IP_DESTINATION, Family::Ipv4));
    steps.extend([outside(Kind::Accepting, Family::Ipv4), Step::Drop]);
    steps
}

/// The same for IPv6. What asks for the address goes to a group, and comes in; the answer does not
/// go out.
fn inbound6() -> Vec<Step> {
    let mut steps = vec![Step::Protocol(IPV6)];
    steps.extend(concerns(IPV6_DESTINATION, Family::Ipv6));
    steps.extend([outside(Kind::Accepting, Family::Ipv6), Step::Drop]);
    steps
}

/// An ARP packet from the address about itself is dropped, be it a request or not. (A rule cannot
/// compare two fields; about another guarded address comes to the same.)
fn claim() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Load { offset: ARP_TARGET, length: 4, to: Register::A },
        within(Kind::Guard, Family::Ipv4),
        Step::Drop,
    ]);
    steps
}

/// An ARP packet from the address that is no request is dropped.
fn answer() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Load { offset: ARP_OPERATION, length: 2, to: Register::A },
        Step::Differs(Register::A, ARP_REQUEST),
        Step::Drop,
    ]);
    steps
}

/// An ARP request from the address, which comes from the kernel when something was sent from it
/// (`arp_solicit` in net/ipv4/arp.c), is asked in the node's own name. Dropped, nothing could be
/// sent any more; let out, it would pull neighbours here.
fn question() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Find {
            key: Register::A,
            map: Set::Of(Kind::Own, Family::Ipv4).name(),
            to: Register::B,
        },
        Step::Store { from: Register::B, offset: ARP_SENDER, length: 4 },
    ]);
    steps
}

/// ARP from a guarded address that we may not speak for.
fn speaks() -> Vec<Step> {
    let mut steps = vec![Step::Protocol(ARP)];
    steps.extend(concerns(ARP_SENDER, Family::Ipv4));
    steps.push(outside(Kind::Answering, Family::Ipv4));
    steps
}

/// A neighbour advertisement for the address is dropped, whoever it goes to.
fn advertisement() -> Vec<Step> {
    let mut steps = neighbour(ADVERTISEMENT);
    steps.extend(concerns(ND_TARGET, Family::Ipv6));
    steps.extend([outside(Kind::Answering, Family::Ipv6), Step::Drop]);
    steps
}

/// A neighbour solicitation from the address (`ndisc_solicit` in net/ipv6/ndisc.c) is asked in the
/// node's own name, like an ARP request.
fn solicitation() -> Vec<Step> {
    let mut steps = neighbour(SOLICITATION);
    steps.extend(concerns(IPV6_SOURCE, Family::Ipv6));
    let map = Set::Of(Kind::Own, Family::Ipv6).name();
    steps.extend([
        outside(Kind::Answering, Family::Ipv6),
        Step::Find { key: Register::A, map, to: Register::B },
        Step::StoreAddress { from: Register::B, offset: IPV6_SOURCE, length: Family::Ipv6.bytes() },
    ]);
    steps
}

/// A message of neighbour discovery.
fn neighbour(kind: &'static [u8]) -> Vec<Step> {
    vec![
        Step::Protocol(IPV6),
        Step::Load { offset: IPV6_NEXT_HEADER, length: 1, to: Register::A },
        Step::Is(Register::A, ICMPV6),
        Step::Load { offset: ICMPV6_TYPE, length: 1, to: Register::A },
        Step::Is(Register::A, kind),
    ]
}

/// A guarded address stands there, and goes into A. (A set for the guard and a map beside it, not
/// one map for both: `nft list ruleset` shows of a map only what is made of its values, and whoever
/// saves and restores that would have rules that apply to all addresses.)
fn concerns(offset: u32, family: Family) -> [Step; 2] {
    let load = Step::Load { offset, length: family.bytes(), to: Register::A };
    [load, within(Kind::Guard, family)]
}

const fn within(kind: Kind, family: Family) -> Step {
    Step::Within(Register::A, Set::Of(kind, family).name())
}

const fn outside(kind: Kind, family: Family) -> Step {
    Step::Outside(Register::A, Set::Of(kind, family).name())
}
