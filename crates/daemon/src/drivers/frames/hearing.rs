//! What a frame of others means to us, and how many of them are listened to.

use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_core::segment::Said;
use kube_vip_core::wire::ethernet::Header;
use tokio::time::Instant;

/// So many frames of a kind are told at once, and so many a second after that. A segment where
/// everybody is well says a few in a minute.
const PER_SECOND: u32 = 50;

/// What a frame of another station does, as far as it concerns us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It speaks for one of our addresses: its sender has that address, or says so.
    Speaks,
    /// It asks for one of our addresses in nobody's name (RFC 5227 §2.1.1, RFC 4862 §5.4.2).
    Probes,
    /// It answers us.
    Answers,
}

/// What a frame is to a station with this Ethernet address that may hold these addresses. None:
/// nothing, or our own words.
pub(super) fn kind(
    (header, said): &(Header, Said),
    own: Mac,
    addresses: &[IpAddr],
) -> Option<Kind> {
    let [first, ..] = header.destination.0;
    let to_a_group = first & 1 == 1;
    // What others say to each other comes by where the interface takes in everything.
    if said.sender().mac == own || !(to_a_group || header.destination == own) {
        return None;
    }
    if addresses.contains(&said.sender().address) {
        Some(Kind::Speaks)
    } else if said.probed().is_some_and(|address| addresses.contains(&address)) {
        Some(Kind::Probes)
    } else if matches!(said, Said::Claim(_)) && header.destination == own {
        Some(Kind::Answers)
    } else {
        None
    }
}

/// How many frames of each kind may still be told.
#[derive(Debug)]
pub(super) struct Attention {
    speaks: Bucket,
    probes: Bucket,
    answers: Bucket,
}

impl Attention {
    /// Full attention.
    pub(super) const fn full(now: Instant) -> Self {
        let full = Bucket { left: PER_SECOND, filled: now };
        Self { speaks: full, probes: full, answers: full }
    }

    /// Whether a frame of this kind, heard now, is to be told: each kind has attention of its own.
    pub(super) fn take(&mut self, kind: Kind, now: Instant) -> bool {
        match kind {
            Kind::Speaks => self.speaks.take(now),
            Kind::Probes => self.probes.take(now),
            Kind::Answers => self.answers.take(now),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u32,
    /// Up to when what has flown in is counted.
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let drop = Duration::from_secs(1) / PER_SECOND;
        let since = now.saturating_duration_since(self.filled);
        let drops = u32::try_from(since.as_nanos() / drop.as_nanos()).unwrap_or(u32::MAX);
        if drops >= PER_SECOND - self.left {
            *self = Self { left: PER_SECOND, filled: now };
        } else {
            *self = Self { left: self.left + drops, filled: self.filled + drop * drops };
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

#[cfg(test)]
mod tests;
