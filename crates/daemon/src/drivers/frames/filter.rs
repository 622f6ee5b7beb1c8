//! Classic BPF: which ARP frames the kernel hands us at all.
//!
//! It is there so that a busy segment does not wake us; [`super::hearing`] decides what a frame
//! means, and does not rely on it.

use std::net::Ipv4Addr;

use libc::{BPF_ABS, BPF_H, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
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

/// A jump is 255 instructions long at most, and each address takes two.
const MOST_ADDRESSES: usize = 100;

const WHOLE_FRAME: u32 = u32::MAX;

/// A program that lets ARP frames through that are for us or for all, and in which a sender speaks
/// for one of the addresses, or asks for one in nobody's name, or answers this host. With more than
/// 100 addresses it lets all ARP through that is for us or for all.
pub(super) fn program(addresses: &[Ipv4Addr]) -> Vec<SockFilter> {
    let bits = || addresses.iter().map(|address| address.to_bits());
    let (probe, refuse) = (addresses.len() + 8, addresses.len() * 2 + 9);
    let accept = refuse + 1;
    let mut program = Program::default();
    program.load(BPF_W, PACKET_TYPE);
    if addresses.len() > MOST_ADDRESSES {
        program.compare(BPF_JGT, LAST_FOR_US, (program.next(), program.next() + 1));
        program.end(0);
        program.end(WHOLE_FRAME);
        return program.steps;
    }
    program.compare(BPF_JGT, LAST_FOR_US, (refuse, program.next()));
    program.load(BPF_W, SENDER);
    for address in bits() {
        program.compare(BPF_JEQ, address, (accept, program.next()));
    }
    program.compare(BPF_JEQ, Ipv4Addr::UNSPECIFIED.to_bits(), (probe, program.next()));
    program.load(BPF_H, OPERATION);
    program.compare(BPF_JEQ, REPLY, (program.next(), refuse));
    program.load(BPF_W, PACKET_TYPE);
    program.compare(BPF_JEQ, TO_THIS_HOST, (accept, refuse));
    program.load(BPF_W, TARGET);
    for address in bits() {
        program.compare(BPF_JEQ, address, (accept, program.next()));
    }
    program.end(0);
    program.end(WHOLE_FRAME);
    program.steps
}

#[derive(Default)]
struct Program {
    steps: Vec<SockFilter>,
}

impl Program {
    /// The number of the step after the one that comes now.
    const fn next(&self) -> usize {
        self.steps.len() + 1
    }

    fn load(&mut self, size: u32, offset: u32) {
        self.step(BPF_LD | size | BPF_ABS, (0, 0), offset);
    }

    /// Goes on at the first of two steps if the comparison with `value` holds, else at the second.
    fn compare(&mut self, comparison: u32, value: u32, (if_so, if_not): (usize, usize)) {
        // Jumps are counted from the next step; none is longer than the bound above allows.
        let skip = |to: usize| u8::try_from(to.saturating_sub(self.next())).unwrap_or_default();
        self.step(BPF_JMP | comparison | BPF_K, (skip(if_so), skip(if_not)), value);
    }

    fn end(&mut self, bytes: u32) {
        self.step(BPF_RET | BPF_K, (0, 0), bytes);
    }

    fn step(&mut self, code: u32, (if_so, if_not): (u8, u8), value: u32) {
        // Opcodes have eight bits.
        let code = u16::try_from(code).unwrap_or_default();
        self.steps.push(SockFilter::new(code, if_so, if_not, value));
    }
}
