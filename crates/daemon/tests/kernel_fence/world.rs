//! A network namespace for one test: a pair of interfaces, of which the near one is this node's,
//! and a client at the far one that is made of single frames.
#![expect(unsafe_code, reason = "unshare may part threads' files")]

use std::future::Future;
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use futures_util::TryStreamExt;
use kube_vip::clock::Clock;
use kube_vip::drivers::kernel::fence::{Fence, Grant, Voice};
use kube_vip::sys::packet::PacketSocket;
use kube_vip_core::address::{LinkName, Mac};
use kube_vip_core::wire::arp::{Operation, Packet, Station};
use kube_vip_core::wire::ethernet;
use netlink_packet_route::address::{AddressAttribute, AddressFlags};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use rtnetlink::{Handle, LinkUnspec, LinkVeth};
use rustix::io::Errno;
use rustix::net::netdevice;
use rustix::thread::{UnshareFlags, unshare_unsafe};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{self, Runtime};

/// This node's interface, and the other end of its cable.
pub(crate) const NEAR: &str = "end0";
pub(crate) const FAR: &str = "far0";

/// The node's own address, the two that are fenced, and the client's.
pub(crate) const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 2);
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 140);
pub(crate) const OTHER_VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 141);
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 9);
pub(crate) const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);

pub(crate) const ELECTION: &str = "kube-system/plndr-cp-lock";

/// What the kernel does not do within so long it does not do.
const PATIENCE: Duration = Duration::from_millis(300);

/// What one test has to do with.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) near: Mac,
    runtime: Runtime,
    ip: Handle,
    ear: Socket,
    mouth: PacketSocket,
}

/// Runs a test in a thread of its own with a network namespace of its own, which goes when the
/// thread and its sockets are gone.
pub(crate) fn in_a_world(test: impl FnOnce(World) + Send + 'static) {
    let thread = thread::spawn(move || {
        enter_new_namespace();
        test(World::new());
    });
    if let Err(failure) = thread.join() {
        panic::resume_unwind(failure);
    }
}

fn enter_new_namespace() {
    // SAFETY: unshare is unsafe for threads that share a file table with CLONE_FILES; this flag
    // only changes which network this thread sees.
    match unsafe { unshare_unsafe(UnshareFlags::NEWNET) } {
        Ok(()) => {}
        Err(Errno::PERM) => panic!(
            "this test needs a network namespace of its own: run it as root, or without root \
             under `unshare -Urn` (as in `unshare -Urn cargo test -p kube-vip`)"
        ),
        Err(error) => panic!("no network namespace: {error}"),
    }
}

impl World {
    fn new() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime needs a few files only");
        let ip = {
            let _inside = runtime.enter();
            let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
            runtime.spawn(connection);
            ip
        };
        let ear = listen(ethernet::ARP);
        let mouth = PacketSocket::open().expect("a socket");
        let clock = Clock::start();
        let mut world = Self { clock, near: Mac::ZERO, runtime, ip, ear, mouth };
        world.plug_in();
        world
    }

    /// Makes the pair of interfaces, both up, with the node's own address.
    pub(crate) fn plug_in(&mut self) {
        let ip = self.ip.clone();
        self.near = self.wait(async {
            let pair = LinkVeth::new(NEAR, FAR).build();
            ip.link().add(pair).execute().await.expect("two interfaces");
            for name in [NEAR, FAR] {
                let up = LinkUnspec::new_with_index(link(&ip, name).await.header.index).up();
                ip.link().set(up.build()).execute().await.expect("the interface is set");
            }
            let attributes = link(&ip, NEAR).await.attributes;
            let mac = attributes.into_iter().find_map(|attribute| match attribute {
                LinkAttribute::Address(bytes) => bytes.try_into().ok().map(Mac),
                _ => None,
            });
            mac.expect("an Ethernet interface")
        });
        self.add(OWN, 24);
    }

    /// Removes an address as a person would.
    pub(crate) fn remove(&self, address: Ipv4Addr) {
        self.wait(async {
            let get = self.ip.address().get().set_address_filter(IpAddr::V4(address));
            let found: Vec<_> = get.execute().try_collect().await.expect("an answer");
            for message in found {
                self.ip.address().del(message).execute().await.expect("the address goes");
            }
        });
    }

    /// Tells the kernel where an address is.
    pub(crate) fn neighbour(&self, address: Ipv4Addr, mac: Mac) {
        self.wait(async {
            let index = link(&self.ip, NEAR).await.header.index;
            let add = self.ip.neighbours().add(index, IpAddr::V4(address));
            add.link_layer_address(&mac.0).execute().await.expect("the kernel takes it");
        });
    }

    /// Has the kernel forward what is not for it.
    pub(crate) fn forward(&self) {
        // It is the one of the namespace of the thread that writes.
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("root may");
    }

    /// Hears IPv4 packets that come in from the near end from now on.
    pub(crate) fn packets(&self) -> Packets {
        Packets { ear: listen(0x0800), near: self.near }
    }

    /// The same for IPv6.
    pub(crate) fn packets6(&self) -> Packets {
        Packets { ear: listen(ethernet::IPV6), near: self.near }
    }

    /// Adds an IPv6 address that is there at once.
    pub(crate) fn add6(&self, address: Ipv6Addr, prefix: u8) {
        self.wait(async {
            let index = link(&self.ip, NEAR).await.header.index;
            let mut add = self.ip.address().add(index, IpAddr::V6(address), prefix);
            let flags = AddressFlags::Nodad;
            add.message_mut().attributes.push(AddressAttribute::Flags(flags));
            add.execute().await.expect("the address is added");
        });
    }

    /// Sets the loopback interface up.
    pub(crate) fn loop_back(&self) {
        self.wait(async {
            let index = link(&self.ip, "lo").await.header.index;
            let up = LinkUnspec::new_with_index(index).up().build();
            self.ip.link().set(up).execute().await.expect("the interface is set");
        });
    }

    /// Removes the pair.
    pub(crate) fn pull_out(&self) {
        self.wait(async {
            let index = link(&self.ip, NEAR).await.header.index;
            self.ip.link().del(index).execute().await.expect("the interface goes");
        });
    }

    /// Adds an address as a person would, without an end.
    pub(crate) fn add(&self, address: Ipv4Addr, prefix: u8) {
        self.wait(async {
            let index = link(&self.ip, NEAR).await.header.index;
            let add = self.ip.address().add(index, IpAddr::V4(address), prefix);
            add.execute().await.expect("the address is added");
        });
    }

    /// Runs something that needs a runtime.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The fence of the usual election.
    pub(crate) fn fence(&self) -> Fence {
        Fence::open(ELECTION, &LinkName::new(NEAR).expect("a name")).expect("the kernel can")
    }

    /// A voice for the address for so long from now.
    pub(crate) fn grant(&self, voice: Voice, span: Duration) -> Grant {
        Grant { address: VIP.into(), own: Some(OWN.into()), voice, until: self.clock.now() + span }
    }

    /// Gives [`VIP`] a voice for so long.
    pub(crate) fn set(&self, fence: &mut Fence, voice: Voice, span: Duration) {
        fence.set(self.grant(voice, span), || self.clock.now()).expect("the kernel can");
    }

    /// Sends a frame from the other end.
    pub(crate) fn send(&self, ethertype: u16, frame: &[u8]) {
        self.send_on(FAR, ethertype, frame).expect("the other end is open");
    }

    /// Sends a frame on an interface, past the kernel's protocols.
    pub(crate) fn send_on(&self, name: &str, ethertype: u16, frame: &[u8]) -> io::Result<()> {
        let index = netdevice::name_to_index(&self.mouth, name)?;
        self.mouth.send(index, ethertype, frame)
    }

    /// Whether the near end answers a client's ARP request for the address.
    pub(crate) fn answers(&self, address: Ipv4Addr) -> bool {
        self.forget();
        self.ask(address);
        self.hears(|packet| is_answer(packet, address)).is_some()
    }

    /// Sends a client's ARP request.
    pub(crate) fn ask(&self, address: Ipv4Addr) {
        let client = Station { mac: CLIENT_MAC, address: CLIENT };
        self.send(ethernet::ARP, &Packet::request(client, address).broadcast());
    }

    /// The first frame from the near end with such an ARP packet.
    pub(crate) fn hears(&self, wanted: impl Fn(&Packet) -> bool) -> Option<Packet> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.heard() {
                Some(packet) if wanted(&packet) => return Some(packet),
                Some(_) => {}
                None => sleep(Duration::from_micros(200)),
            }
        }
        None
    }

    /// Forgets what was heard up to now.
    pub(crate) fn forget(&self) {
        while self.frame().is_some() {}
    }

    /// The next frame from the near end that is there already.
    pub(crate) fn heard(&self) -> Option<Packet> {
        loop {
            let (header, packet) = Packet::parse_frame(&self.frame()?).ok()?;
            if header.source == self.near {
                return Some(packet);
            }
        }
    }

    fn frame(&self) -> Option<Vec<u8>> {
        received(&self.ear)
    }
}

/// IPv4 packets from the near end.
pub(crate) struct Packets {
    ear: Socket,
    near: Mac,
}

impl Packets {
    /// The next one, without its Ethernet header.
    pub(crate) fn next(&self) -> Option<Vec<u8>> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match received(&self.ear) {
                Some(frame) if frame[6..12] == self.near.0 => {
                    return Some(frame[ethernet::HEADER_BYTES..].to_vec());
                }
                Some(_) => {}
                None => sleep(Duration::from_micros(200)),
            }
        }
        None
    }
}

/// Whether this answers a client's question for the address.
pub(crate) fn is_answer(packet: &Packet, address: Ipv4Addr) -> bool {
    packet.operation == Operation::REPLY && packet.sender.address == address
}

/// A socket that receives all frames of a protocol, on whatever interface they come in.
fn listen(ethertype: u16) -> Socket {
    let protocol = Protocol::from(i32::from(ethertype.to_be()));
    let ear = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).expect("a socket");
    ear.set_nonblocking(true).expect("a socket that does not wait");
    ear
}

fn received(mut ear: &Socket) -> Option<Vec<u8>> {
    let mut frame = [0; 1514];
    match ear.read(&mut frame) {
        Ok(length) => Some(frame[..length].to_vec()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("cannot hear: {error}"),
    }
}

/// Tells people what was measured (`cargo test -- --nocapture`).
#[expect(clippy::print_stderr, reason = "figures are for people, and depend on the machine")]
pub(crate) fn figure(text: fmt::Arguments<'_>) {
    eprintln!("{text}");
}

async fn link(ip: &Handle, name: &str) -> LinkMessage {
    let mut links = ip.link().get().match_name(name.to_owned()).execute();
    links.try_next().await.expect("an answer").expect("the interface is there")
}
