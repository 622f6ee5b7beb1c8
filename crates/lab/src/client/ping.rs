//! Echo requests at a fixed period to the service and to the control.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use kube_vip_measure::figures::NOTICEABLE;
use kube_vip_measure::gaps::{Gap, Gaps};

use super::Live;
use super::report::{Outage, Probes};
use crate::recorder::Journal;
use crate::sys::clock::{Stamp, Ticks};
use crate::sys::packet::RawSocket;
use crate::sys::worker::Term;
use crate::timeline::What;

/// The bytes of a request: header and eight bytes of padding.
const MESSAGE_BYTES: usize = 16;

/// The bytes of the longest reply that matters: the longest IP header, and the message.
const REPLY_BYTES: usize = 60 + MESSAGE_BYTES;

/// The identifiers of this program's pingers: two each.
static IDENTIFIER: AtomicU16 = AtomicU16::new(0x4b00);

/// Room for so many outages before the list has to grow.
const ROOM: usize = 1024;

/// The prober; it runs on a thread of its own.
#[derive(Debug)]
pub(super) struct Pinger {
    socket: RawSocket,
    period: Duration,
    started: Stamp,
    identifier: u16,
    targets: [Target; 2],
    journal: Journal,
    live: Live,
}

#[derive(Debug)]
struct Target {
    address: IpAddr,
    gaps: Gaps,
    seen: Probes,
}

impl Pinger {
    /// A prober of the service and of the control, through a socket of the client's.
    pub(super) fn new(
        socket: RawSocket,
        targets: [IpAddr; 2],
        period: Duration,
        (journal, live): (Journal, Live),
    ) -> Self {
        let target = |address| Target {
            address,
            gaps: Gaps::default(),
            seen: Probes { outages: Vec::with_capacity(ROOM), ..Probes::default() },
        };
        Self {
            socket,
            period,
            started: Stamp::now(),
            identifier: IDENTIFIER.fetch_add(2, Ordering::Relaxed),
            targets: targets.map(target),
            journal,
            live,
        }
    }

    /// Probes until its term is over; what was seen of the service and of the control.
    pub(super) fn run(mut self, term: &Term) -> io::Result<[Probes; 2]> {
        let mut ticks = Ticks::every(self.period);
        let mut sequence = 0_u16;
        while term.goes_on() {
            ticks.wait();
            self.hear()?;
            for (number, identifier) in (0..2).zip(self.identifier..) {
                let target = &mut self.targets[number];
                let request = request(target.address, (identifier, sequence));
                // A host that cannot be reached is what is being measured.
                let _ = self.socket.send_to(&request, target.address);
                target.seen.sent += 1;
                target.gaps.sent(Stamp::now());
            }
            sequence = sequence.wrapping_add(1);
            let open = self.targets[0].gaps.so_far(Stamp::now());
            let open = open.filter(|gap| gap.length >= NOTICEABLE);
            self.live.silent(open.map(|gap| gap.from));
        }
        self.hear()?;
        let now = Stamp::now();
        for number in 0..2 {
            if let Some(gap) = self.targets[number].gaps.so_far(now) {
                self.over(number, gap);
            }
        }
        Ok(self.targets.map(|target| target.seen))
    }

    /// Takes in every reply that has come.
    fn hear(&mut self) -> io::Result<()> {
        let mut buffer = [0; REPLY_BYTES];
        while let Some(received) = self.socket.receive(&mut buffer)? {
            let identifier = reply(self.targets[0].address, &buffer[..received.bytes]);
            let number = identifier.map(|identifier| identifier.wrapping_sub(self.identifier));
            let Some(number @ 0..2) = number.map(usize::from) else {
                continue;
            };
            let target = &mut self.targets[number];
            target.seen.answered += 1;
            if let Some(gap) = target.gaps.answered(received.at()) {
                self.over(number, gap);
            }
        }
        Ok(())
    }

    /// A gap is over, or the measurement is.
    fn over(&mut self, number: usize, gap: Gap) {
        let seen = &mut self.targets[number].seen;
        seen.longest = seen.longest.max(gap.length);
        if gap.length < NOTICEABLE {
            return;
        }
        seen.outages.push(Outage { at: gap.from.since(self.started), length: gap.length });
        if number == 0 {
            self.journal.note(gap.from, What::Outage(gap.length));
        }
    }
}

/// An echo request (RFC 792, RFC 4443). The kernel puts another checksum into that of IPv6.
fn request(to: IpAddr, (identifier, sequence): (u16, u16)) -> [u8; MESSAGE_BYTES] {
    const ECHO_REQUEST: u8 = 8;
    const ECHO_REQUEST_OF_IPV6: u8 = 128;
    let mut message = [0; MESSAGE_BYTES];
    message[0] = if to.is_ipv6() { ECHO_REQUEST_OF_IPV6 } else { ECHO_REQUEST };
    message[4..6].copy_from_slice(&identifier.to_be_bytes());
    message[6..8].copy_from_slice(&sequence.to_be_bytes());
    let sum: u32 =
        message.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    // Eight words: the sum has at most three carries, and adding them makes no further one.
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(0);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

/// The identifier of an echo reply, given with its IP header in IPv4.
fn reply(from: IpAddr, packet: &[u8]) -> Option<u16> {
    if from.is_ipv6() {
        return match packet {
            [129, 0, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
    }
    let header_words = packet.first()? & 0x0f;
    let message = packet.get(usize::from(header_words) * 4..)?;
    match message {
        [0, 0, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
