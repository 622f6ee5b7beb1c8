//! The segment: frames between the hosts, a router and perhaps a stranger. Only ARP and
//! neighbour discovery are modelled frame by frame; what daemons and API servers say to each other
//! needs both directions of a port.

use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::{Mac, Vip};
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::segment::{self, Claim, Question, Said};

use crate::timeline::Part;

use super::Sabotage;
use super::host::GATEWAYS;
use super::world::{Item, World};

/// Every station of the segment.
pub(super) const EVERYBODY: Mac = Mac::BROADCAST;

const GATEWAY_MAC: Mac = Mac([2, 0, 0, 0, 1, 1]);
const STRANGER_MAC: Mac = Mac([2, 0, 0, 0, 1, 2]);

/// More frames than these wait for no daemon: its socket's buffer is full.
const BUFFER: usize = 256;

/// Who is on the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Station {
    Host(usize),
    Gateway,
    Stranger,
}

impl World {
    /// The daemon's driver sends what it was told to; the frame is decided, and not yet sent.
    pub(super) fn send_soon(&mut self, host: usize, daemon: u64, effect: Effect) {
        let longest = match effect {
            _ if !self.rng.percent(3) => 500,
            // The daemon has used up its share of the processor for this period.
            Effect::Announce { .. } => 150_000,
            _ => 30_000,
        };
        let takes = self.micros(5, longest);
        self.after(takes, Item::Send { host, daemon, effect });
    }

    /// The driver's system call.
    pub(super) fn send_now(&mut self, index: usize, id: u64, effect: Effect) {
        let frozen = !self.hosts[index].has(Part::Schedule);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        if frozen {
            return daemon.held_back.push(effect);
        }
        match effect {
            Effect::Announce { address, mac } => {
                let from = Station::Host(index);
                if !self.may_speak(index, address) {
                    let cause = "no buffer space available".to_owned();
                    return self.deliver(index, id, Event::Refused { effect, cause });
                }
                for said in announcement(mac, address) {
                    self.send(from, said, EVERYBODY);
                }
            }
            Effect::Question { question, to } => {
                self.send(Station::Host(index), Said::Question(question), to);
            }
            _ => {}
        }
    }

    fn vip(&self, address: IpAddr) -> Option<Vip> {
        self.vips.iter().find(|vip| vip.address() == address).copied()
    }

    /// The host's fence lets frames out that speak for the address.
    fn may_speak(&self, host: usize, address: IpAddr) -> bool {
        let vip = self.vip(address);
        vip.is_none_or(|vip| self.hosts[host].kernel.may_speak(vip, self.now))
    }

    fn mac(&self, station: Station) -> Mac {
        match station {
            Station::Host(host) => self.hosts[host].nic.mac,
            Station::Gateway => GATEWAY_MAC,
            Station::Stranger => STRANGER_MAC,
        }
    }

    /// A frame leaves a station, if its fence and its port let it.
    pub(super) fn send(&mut self, from: Station, said: Said, to: Mac) {
        if let Station::Host(host) = from {
            let speaks = said.sender().address;
            if !self.hosts[host].is_heard() || !self.may_speak(host, speaks) {
                return;
            }
            if self.vip(speaks).is_some() && to == EVERYBODY {
                self.record_announcement(host, speaks);
            }
        }
        let hosts = (0..self.hosts.len()).map(Station::Host);
        let stations: Vec<Station> = hosts.chain([Station::Gateway, Station::Stranger]).collect();
        for station in stations {
            let meant = to == EVERYBODY || self.mac(station) == to;
            if station != from && meant {
                self.pass(from, station, said);
            }
        }
    }

    /// The frame's way to one station: usually once, soon.
    fn pass(&mut self, from: Station, to: Station, said: Said) {
        let garbled = [from, to].into_iter().any(|station| match station {
            Station::Host(host) => !self.hosts[host].has(Part::Frames),
            _ => false,
        });
        let copies = match garbled {
            true if self.rng.percent(30) => 0,
            true if self.rng.percent(20) => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let way = if garbled {
                self.rng.skewed(Duration::from_micros(50), Duration::from_millis(200))
            } else {
                self.micros(10, 300)
            };
            self.after(way, Item::Frame { from, to, said });
        }
    }

    /// A frame reaches a station.
    pub(super) fn frame(&mut self, from: Station, to: Station, said: Said) {
        match to {
            Station::Host(host) => {
                if self.hosts[host].hears() {
                    self.reply(to, said, from);
                    self.hear(host, from, said);
                }
            }
            Station::Gateway => {
                if self.has_gateway {
                    self.reply(to, said, from);
                }
            }
            Station::Stranger => {
                if self.stranger {
                    self.reply(to, said, from);
                }
            }
        }
    }

    /// A station's kernel answers what it is asked.
    fn reply(&mut self, station: Station, said: Said, asker: Station) {
        let Said::Question(Question { asker: from, address: wanted }) = said else { return };
        if from.address == wanted {
            // An announcement.
            return;
        }
        let vip = self.vip(wanted);
        let has = match station {
            Station::Host(host) => {
                let there = &self.hosts[host];
                there.nic.addresses.contains(&wanted)
                    || vip.is_some_and(|vip| there.kernel.answers(vip, self.now))
            }
            Station::Gateway => GATEWAYS.contains(&wanted),
            Station::Stranger => vip.is_some(),
        };
        if has {
            let sender = segment::Station { mac: self.mac(station), address: wanted };
            let reply = Said::Claim(Claim { station: sender, to: from.mac });
            self.send(station, reply, self.mac(asker));
        }
    }

    /// The daemon's driver hears what concerns its addresses, or answers it.
    fn hear(&mut self, host: usize, from: Station, said: Said) {
        let there = &self.hosts[host];
        let speaks = self.vip(said.sender().address).is_some();
        let probes = said.probed().is_some_and(|address| self.vip(address).is_some());
        let answers = said.answers(there.nic.mac);
        if !(speaks || probes || answers) || self.sabotage == Sabotage::DeafDaemon && speaks {
            return;
        }
        let from = self.mac(from);
        let takes = self.micros(10, 300);
        let Some(daemon) = self.hosts[host].daemon.as_ref() else { return };
        if daemon.inbox.len() < BUFFER {
            let event = Event::Heard { from, said };
            let daemon = daemon.id;
            self.after(takes, Item::Show { host, daemon, event });
        }
    }

    /// A stranger comes: it announces that it has the addresses.
    pub(super) fn strange(&mut self) {
        self.stranger = true;
        for vip in self.vips.clone() {
            for said in announcement(STRANGER_MAC, vip.address()).take(1) {
                self.send(Station::Stranger, said, EVERYBODY);
            }
        }
    }
}

/// What an announcement says: in ARP it has two forms, in neighbour discovery one.
fn announcement(mac: Mac, address: IpAddr) -> impl Iterator<Item = Said> {
    let station = segment::Station { mac, address };
    let asks = Said::Question(Question { asker: station, address });
    let claims = Said::Claim(Claim { station, to: EVERYBODY });
    address.is_ipv4().then_some(asks).into_iter().chain([claims])
}
