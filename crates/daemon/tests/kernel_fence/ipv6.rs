//! The fence for IPv6: neighbour discovery in ARP's place.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use kube_vip::drivers::kernel::fence::{Fence, Grant, Voice};
use kube_vip::drivers::kernel::sockets::Sockets;
use kube_vip_core::address::Mac;
use kube_vip_core::wire::ethernet::{Header, IPV6};
use kube_vip_core::wire::ndp::{Message, Packet};
use rustix::io::Errno;

use crate::world::{CLIENT_MAC, NEAR, VIP, World, in_a_world};

const SECOND: Duration = Duration::from_secs(1);

/// The node's own address, two that are fenced, the client's and one that nobody has.
const OWN: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 2);
const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 0x140);
const OTHER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 0x141);
const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 9);
const NOBODY: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x20, 0, 0, 0, 0, 0, 0x77);

fn with_addresses(world: &World) -> Fence {
    world.add6(OWN, 64);
    world.add6(SIX, 128);
    world.add6(OTHER, 128);
    // A worker of the kernel's finishes adding them.
    for address in [OWN, SIX, OTHER] {
        let finished = (0..20).any(|_| answers(world, address));
        assert!(finished, "{address} was added");
    }
    world.fence()
}

fn set(world: &World, fence: &mut Fence, voice: Voice) {
    let until = world.clock.now() + 5 * SECOND;
    let grant = Grant { address: SIX.into(), own: Some(OWN.into()), voice, until };
    fence.set(grant, || world.clock.now()).expect("the kernel can");
}

/// Sends past the kernel's own neighbour discovery; whether the kernel let it go.
fn goes_out(world: &World, packet: Packet) -> bool {
    match world.send_on(NEAR, IPV6, &packet.frame(world.near, Mac::BROADCAST)) {
        Ok(()) => true,
        Err(error) => {
            let full = Errno::from_io_error(&error) == Some(Errno::NOBUFS);
            assert!(full, "not what a filter says: {error}");
            false
        }
    }
}

/// The first message of neighbour discovery from the near end that is like this.
fn hears(world: &World, act: impl FnOnce(), wanted: impl Fn(&Packet) -> bool) -> Option<Packet> {
    let ear = world.packets6();
    act();
    while let Some(bytes) = ear.next() {
        match Packet::parse(&bytes) {
            Ok(packet) if wanted(&packet) => return Some(packet),
            _ => {}
        }
    }
    None
}

/// Whether the near end answers a client's question for the address.
fn answers(world: &World, address: Ipv6Addr) -> bool {
    let question = Packet::solicitation((CLIENT_MAC, CLIENT), address);
    let ask = || world.send(IPV6, &question.frame(CLIENT_MAC, Mac::BROADCAST));
    let answer = |packet: &Packet| {
        matches!(packet.message, Message::Advertisement(_)) && packet.target == address
    };
    hears(world, ask, answer).is_some()
}

#[test]
fn advertisements_are_stopped_behind_the_senders_back() {
    in_a_world(|world| {
        let mut fence = with_addresses(&world);
        let all = |address| {
            let answer = Packet::answer((world.near, address), CLIENT);
            [Packet::unsolicited(world.near, address), answer]
                .map(|packet| goes_out(&world, packet))
        };
        assert_eq!(all(SIX), [true; 2], "nothing guards it");
        set(&world, &mut fence, Voice::Accepting);
        assert_eq!(all(SIX), [false; 2]);
        assert_eq!((all(OTHER), all(OWN)), ([true; 2], [true; 2]), "nothing guards these");
        set(&world, &mut fence, Voice::Answering);
        assert_eq!(all(SIX), [true; 2]);
        fence.silence(SIX.into()).expect("the kernel can");
        assert_eq!(all(SIX), [false; 2]);
        let probe = Packet::solicitation((world.near, Ipv6Addr::UNSPECIFIED), SIX);
        assert!(goes_out(&world, probe), "who asks says nothing");
        fence.release(SIX.into()).expect("the kernel can");
        assert_eq!(all(SIX), [true; 2]);
    });
}

#[test]
fn the_kernel_answers_only_while_it_may() {
    in_a_world(|world| {
        let mut fence = with_addresses(&world);
        assert!(answers(&world, SIX), "nothing guards it");
        fence.prepare(SIX.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        assert!(!answers(&world, SIX) && answers(&world, OTHER));
        set(&world, &mut fence, Voice::Answering);
        assert!(answers(&world, SIX));
        set(&world, &mut fence, Voice::Accepting);
        assert!(!answers(&world, SIX) && answers(&world, OWN));
        assert_eq!(fence.voices().expect("it tells"), [(SIX.into(), Voice::Accepting)].into());
    });
}

/// The voice ends by itself, and what was frozen in between comes too late.
#[test]
fn a_late_advertisement_is_dropped() {
    in_a_world(|world| {
        let mut fence = with_addresses(&world);
        let until = world.clock.now() + SECOND / 2;
        let own = Some(OWN.into());
        let grant = Grant { address: SIX.into(), own, voice: Voice::Answering, until };
        fence.set(grant, || world.clock.now()).expect("the kernel can");
        assert!(goes_out(&world, Packet::unsolicited(world.near, SIX)));
        std::thread::sleep(until.since(world.clock.now()));
        assert!(!goes_out(&world, Packet::unsolicited(world.near, SIX)));
        assert!(!answers(&world, SIX));
    });
}

/// What the kernel asks when something is sent from the address to somebody it does not know.
fn asked(world: &World, whom: Ipv6Addr) -> Packet {
    let socket = UdpSocket::bind((SIX, 0)).expect("it is configured");
    let send = || {
        socket.send_to(b"!", (whom, 9)).expect("it waits for the answer");
    };
    let asks = |packet: &Packet| packet.message == Message::Solicitation && packet.target == whom;
    hears(world, send, asks).expect("the kernel asks, and its checksum is right")
}

#[test]
fn the_kernel_asks_in_the_nodes_own_name() {
    in_a_world(|world| {
        let mut fence = with_addresses(&world);
        assert_eq!(asked(&world, NOBODY).source, SIX, "nothing guards it");
        let other = |last| Ipv6Addr::from_bits(NOBODY.to_bits() + last);
        set(&world, &mut fence, Voice::Accepting);
        assert_eq!(asked(&world, other(1)).source, OWN);
        fence.silence(SIX.into()).expect("the kernel can");
        let asked_silent = asked(&world, other(2));
        assert_eq!((asked_silent.source, asked_silent.mac), (OWN, Some(world.near)));
        set(&world, &mut fence, Voice::Answering);
        assert_eq!(asked(&world, other(3)).source, SIX, "it may speak for it");
    });
}

/// A UDP datagram from the client.
fn datagram(world: &World, to: &UdpSocket) -> Vec<u8> {
    let std::net::SocketAddr::V6(to) = to.local_addr().expect("it is bound") else {
        panic!("of IPv6")
    };
    let header = Header { destination: world.near, source: CLIENT_MAC, ethertype: IPV6 };
    let mut udp = [4000_u16, to.port(), 9, 0].map(u16::to_be_bytes).concat();
    udp.extend(b"x");
    let sum = |bytes: &[u8]| -> u32 {
        let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| (*b).into());
        bytes.chunks(2).map(word).sum()
    };
    let sum = sum(&CLIENT.octets()) + sum(&to.ip().octets()) + sum(&udp) + 9 + 17;
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).expect("no second carry");
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut ip = vec![0x60, 0, 0, 0, 0, 9, 17, 64];
    ip.extend(CLIENT.octets());
    ip.extend(to.ip().octets());
    [header.emit().as_slice(), &ip, &udp].concat()
}

#[test]
fn packets_come_in_only_while_they_are_accepted() {
    in_a_world(|world| {
        let mut fence = with_addresses(&world);
        let program = UdpSocket::bind((SIX, 0)).expect("it is configured");
        program.set_read_timeout(Some(Duration::from_millis(150))).expect("a timeout");
        let comes_in = || {
            world.send(IPV6, &datagram(&world, &program));
            program.recv(&mut [0; 4]).is_ok()
        };
        assert!(comes_in(), "nothing guards it");
        fence.prepare(SIX.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        assert!(!comes_in());
        set(&world, &mut fence, Voice::Accepting);
        assert!(comes_in());
        set(&world, &mut fence, Voice::Answering);
        assert!(comes_in());
        fence.silence(SIX.into()).expect("the kernel can");
        assert!(!comes_in());
    });
}

#[test]
fn connections_to_the_address_are_reset() {
    in_a_world(|world| {
        drop(with_addresses(&world));
        world.add(VIP, 24);
        world.loop_back();
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let connect = |to| {
            let client = TcpStream::connect(SocketAddrV6::new(to, port, 0, 0)).expect("it listens");
            client.set_read_timeout(Some(SECOND)).expect("a timeout");
            (client, listener.accept().expect("a connection"))
        };
        let (six, other) = (connect(SIX), connect(OTHER));
        let end = |client: &TcpStream| client.peek(&mut [0]).err().map(|error| error.kind());
        let mut sockets = Sockets::open().expect("the kernel can");
        assert_eq!(sockets.destroy(VIP.into()).expect("the kernel can"), 0);
        // Both ends are this host's, and the client's own address is the one it goes to.
        assert!(sockets.destroy(SIX.into()).expect("the kernel can") >= 1);
        let reset = end(&six.0);
        let gone = [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];
        assert!(reset.is_some_and(|kind| gone.contains(&kind)), "{reset:?}");
        assert_eq!(end(&other.0), Some(ErrorKind::WouldBlock), "it is not of this address");
    });
}
