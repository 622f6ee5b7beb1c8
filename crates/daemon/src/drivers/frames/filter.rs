//! Classic BPF: which frames the kernel hands us at all.
//!
//! It is there so that a busy segment does not wake us; [`super::hearing`] decides what a frame
//! means, and does not rely on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use socket2::SockFilter;

/// Where a program finds whom a frame is for: `SKF_AD_OFF + SKF_AD_PKTTYPE` of linux/filter.h.
const PACKET_TYPE: u32 = libc::SKF_AD_OFF.wrapping_add(libc::SKF_AD_PKTTYPE).cast_unsigned();

/// `PACKET_HOST` of linux/if_packet.h: for this host. `PACKET_BROADCAST` and `PACKET_MULTICAST`
/// follow, and then frames for others, and those with the tag of a VLAN that nobody here has.
const TO_THIS_HOST: u32 = 0;
const LAST_FOR_US: u32 = 2;

/// Where the fields of an ARP packet stand in an Ethernet frame.
const OPERATION: u32 = 20;
const SENDER: u32 = 28;
const TARGET: u32 = 38;

/// `ar$op` of a reply.
const REPLY: u32 = 2;

/// Where the fields of an IPv6 header and of an ICMPv6 message right behind it stand.
const NEXT_HEADER: u32 = 20;
const SOURCE: u32 = 22;
const ICMPV6_TYPE: u32 = 54;
const ND_TARGET: u32 = 62;

const ICMPV6: u32 = 58;
const SOLICITATION: u32 = 135;
const ADVERTISEMENT: u32 = 136;

/// A jump is 255 steps long at most. An IPv4 address takes one step each time it is looked for, and
/// is looked for twice; an IPv6 address takes eight, and is looked for three times.
const MOST_IPV4: usize = 100;
const MOST_IPV6: usize = 8;

const WHOLE_FRAME: u32 = u32::MAX;

/// The addresses of the two families.
pub(super) fn by_family(addresses: &[IpAddr]) -> (Vec<Ipv4Addr>, Vec<Ipv6Addr>) {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for address in addresses {
        match address {
            IpAddr::V4(address) => four.push(*address),
            IpAddr::V6(address) => six.push(*address),
        }
    }
    (four, six)
}

/// A program that lets ARP frames through that are for us or for all, and in which a sender speaks
/// for one of the addresses, or asks for one in nobody's name, or answers this host. With more than
/// 100 addresses it lets all ARP through that is for us or for all.
pub(super) fn arp(addresses: &[Ipv4Addr]) -> Vec<SockFilter> {
    let mut program = Program::for_us();
    if addresses.len() > MOST_IPV4 {
        program.end(WHOLE_FRAME);
        return program.steps();
    }
    program.load(BPF_W, SENDER);
    for address in addresses {
        program.compare(BPF_JEQ, address.to_bits(), (To::Accept, To::Next));
    }
    let others = To::Part(Part::Others);
    program.compare(BPF_JEQ, Ipv4Addr::UNSPECIFIED.to_bits(), (To::Next, others));
    program.load(BPF_W, TARGET);
    for address in addresses {
        program.compare(BPF_JEQ, address.to_bits(), (To::Accept, To::Next));
    }
    program.end(0);
    program.part(Part::Others);
    program.load(BPF_H, OPERATION);
    program.compare(BPF_JEQ, REPLY, (To::Next, To::Refuse));
    program.load(BPF_W, PACKET_TYPE);
    program.compare(BPF_JEQ, TO_THIS_HOST, (To::Accept, To::Refuse));
    program.steps()
}

/// The same for neighbour discovery: advertisements of one of the addresses or for this host alone,
/// and solicitations that come from one of the addresses or ask for one in nobody's name. With more
/// than 8 addresses it lets all advertisements and solicitations through.
pub(super) fn neighbours(addresses: &[Ipv6Addr]) -> Vec<SockFilter> {
    let few = addresses.len() <= MOST_IPV6;
    let mut program = Program::for_us();
    program.load(BPF_B, NEXT_HEADER);
    program.compare(BPF_JEQ, ICMPV6, (To::Next, To::Refuse));
    program.load(BPF_B, ICMPV6_TYPE);
    let solicitation = if few { To::Part(Part::Others) } else { To::Accept };
    program.compare(BPF_JEQ, SOLICITATION, (solicitation, To::Next));
    let advertisement = if few { To::Next } else { To::Accept };
    program.compare(BPF_JEQ, ADVERTISEMENT, (advertisement, To::Refuse));
    if few {
        program.load(BPF_W, PACKET_TYPE);
        program.compare(BPF_JEQ, TO_THIS_HOST, (To::Accept, To::Next));
        program.find(addresses, ND_TARGET, To::Accept);
        program.end(0);
        program.part(Part::Others);
        program.find(addresses, SOURCE, To::Accept);
        program.find(&[Ipv6Addr::UNSPECIFIED], SOURCE, To::Part(Part::Probe));
        program.end(0);
        program.part(Part::Probe);
        program.find(addresses, ND_TARGET, To::Accept);
    }
    program.steps()
}

/// A place in a program that others lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Frames that do not speak for an address, or other messages.
    Others,
    /// Who asks in nobody's name.
    Probe,
}

/// Where it goes on after a comparison.
#[derive(Clone, Copy)]
enum To {
    Next,
    /// After so many more steps.
    Over(usize),
    Part(Part),
    Accept,
    Refuse,
}

struct Program {
    steps: Vec<(u32, (To, To), u32)>,
    parts: Vec<(Part, usize)>,
}

impl Program {
    /// One that begins with refusing what is for others.
    fn for_us() -> Self {
        let mut program = Self { steps: Vec::new(), parts: Vec::new() };
        program.load(BPF_W, PACKET_TYPE);
        program.compare(BPF_JGT, LAST_FOR_US, (To::Refuse, To::Next));
        program
    }

    fn load(&mut self, size: u32, offset: u32) {
        self.steps.push((BPF_LD | size | BPF_ABS, (To::Next, To::Next), offset));
    }

    /// Goes on at the first of two places if the comparison with `value` holds, else at the second.
    fn compare(&mut self, comparison: u32, value: u32, ways: (To, To)) {
        self.steps.push((BPF_JMP | comparison | BPF_K, ways, value));
    }

    /// Goes on there if one of the addresses stands at the offset.
    fn find(&mut self, addresses: &[Ipv6Addr], offset: u32, found: To) {
        for address in addresses {
            let [a, b, c, d] = words(*address);
            for (word, index, others) in [(a, 0, 6), (b, 4, 4), (c, 8, 2)] {
                self.load(BPF_W, offset + index);
                self.compare(BPF_JEQ, word, (To::Next, To::Over(others)));
            }
            self.load(BPF_W, offset + 12);
            self.compare(BPF_JEQ, d, (found, To::Next));
        }
    }

    fn part(&mut self, part: Part) {
        self.parts.push((part, self.steps.len()));
    }

    fn end(&mut self, bytes: u32) {
        self.steps.push((BPF_RET | BPF_K, (To::Next, To::Next), bytes));
    }

    /// What comes to the end is refused.
    fn steps(mut self) -> Vec<SockFilter> {
        let refuse = self.steps.len();
        self.end(0);
        self.end(WHOLE_FRAME);
        let place = |to: To, next: usize| match to {
            To::Next => next,
            To::Over(steps) => next + steps,
            To::Part(part) => {
                let place = self.parts.iter().find(|(name, _)| *name == part);
                place.map_or(refuse, |(_, place)| *place)
            }
            To::Accept => refuse + 1,
            To::Refuse => refuse,
        };
        let step = |(index, (code, (if_so, if_not), value)): (usize, &(u32, (To, To), u32))| {
            // Jumps are counted from the next step; none is longer than the bounds above allow.
            let skip = |to| u8::try_from(place(to, index + 1) - (index + 1)).unwrap_or_default();
            // Opcodes have eight bits.
            let code = u16::try_from(*code).unwrap_or_default();
            SockFilter::new(code, skip(*if_so), skip(*if_not), *value)
        };
        self.steps.iter().enumerate().map(step).collect()
    }
}

fn words(address: Ipv6Addr) -> [u32; 4] {
    let bits = address.to_bits();
    // The lower half of each is what is wanted.
    [bits >> 96, bits >> 64, bits >> 32, bits].map(|word| (word & 0xffff_ffff) as u32)
}
