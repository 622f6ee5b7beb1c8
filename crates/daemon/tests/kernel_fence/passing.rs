//! What passes the fence, frame by frame.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use kube_vip::drivers::kernel::fence::Voice;
use kube_vip_core::address::Mac;
use kube_vip_core::wire::arp::{Operation, Packet, Station};
use kube_vip_core::wire::ethernet::{ARP, Header};
use rustix::io::Errno;

use crate::world::{CLIENT, CLIENT_MAC, NEAR, OTHER_VIP, OWN, VIP, World, in_a_world};

const SECOND: Duration = Duration::from_secs(1);

/// An ordinary request's target, whom nobody knows.
const STRANGER: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 77);

const IPV4: u16 = 0x0800;

/// Sends an ARP packet past the kernel's own ARP; whether the kernel let it go.
fn goes_out(world: &World, packet: Packet) -> bool {
    match world.send_on(NEAR, ARP, &packet.broadcast()) {
        Ok(()) => true,
        Err(error) => {
            let full = Errno::from_io_error(&error) == Some(Errno::NOBUFS);
            assert!(full, "not what a filter says: {error}");
            false
        }
    }
}

#[test]
fn frames_that_speak_for_the_address_are_stopped_behind_the_senders_back() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        let client = Station { mac: CLIENT_MAC, address: CLIENT };
        let speak = |address| {
            let station = Station { mac: world.near, address };
            [
                Packet::gratuitous_request(world.near, address),
                Packet::gratuitous_reply(world.near, address),
                Packet { operation: Operation::REPLY, sender: station, target: client },
                Packet { operation: Operation(77), sender: station, target: client },
            ]
        };
        let all = |address| speak(address).map(|packet| goes_out(&world, packet));
        assert_eq!(all(VIP), [true; 4], "nothing guards it");
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        world.forget();
        assert_eq!(all(VIP), [false; 4]);
        assert_eq!(world.hears(|_| true), None, "and nothing is on the wire");
        assert_eq!(all(OTHER_VIP), [true; 4], "nothing guards this one");
        assert_eq!(all(OWN), [true; 4], "nothing guards the node's own");
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert_eq!(all(VIP), [true; 4]);
        fence.silence(VIP.into()).expect("the kernel can");
        assert_eq!(all(VIP), [false; 4]);
        assert!(goes_out(&world, Packet::probe(world.near, VIP)), "who asks says nothing");
        fence.release(VIP.into()).expect("the kernel can");
        assert_eq!(all(VIP), [true; 4]);
    });
}

/// Sends from the address to somebody whom the kernel has to ask for; what it asks.
fn question(world: &World, whom: Ipv4Addr) -> Packet {
    let socket = UdpSocket::bind((VIP, 0)).expect("it is configured");
    world.forget();
    socket.send_to(b"!", (whom, 9)).expect("it waits for the answer");
    let asks = |packet: &Packet| packet.operation == Operation::REQUEST;
    world.hears(asks).expect("the kernel asks")
}

#[test]
fn the_kernel_asks_in_the_nodes_own_name() {
    in_a_world(|world| {
        let mut fence = world.fence();
        // The order of kube-vip's: the address is this network's first one.
        world.remove(OWN);
        world.add(VIP, 24);
        world.add(OWN, 24);
        let sender = |packet: Packet| packet.sender;
        let speaks = |address| Station { mac: world.near, address };
        assert_eq!(sender(question(&world, STRANGER)), speaks(VIP), "nothing guards it");

        let ask = |last| question(&world, Ipv4Addr::new(192, 168, 20, last));
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        let asked = ask(78);
        assert_eq!(sender(asked), speaks(OWN));
        assert_eq!(asked.target.address, Ipv4Addr::new(192, 168, 20, 78));
        fence.silence(VIP.into()).expect("the kernel can");
        assert_eq!(sender(ask(79)), speaks(OWN));
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert_eq!(sender(ask(80)), speaks(VIP), "it may speak for it");
        fence.silence(VIP.into()).expect("the kernel can");

        let moved = Ipv4Addr::new(192, 168, 20, 3);
        fence.prepare(VIP.into(), Some(moved.into()), SECOND).expect("the kernel can");
        assert_eq!(sender(ask(81)), speaks(moved), "the node's own address is another");
        fence.prepare(VIP.into(), None, SECOND).expect("the kernel can");
        assert_eq!(sender(ask(82)), speaks(Ipv4Addr::UNSPECIFIED), "it has none");
    });
}

#[test]
fn an_answer_to_such_a_question_is_understood() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.remove(OWN);
        world.add(VIP, 24);
        world.add(OWN, 24);
        fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        let ear = world.packets();
        let asked = question(&world, CLIENT);
        let client = Station { mac: CLIENT_MAC, address: CLIENT };
        let answer = Packet { operation: Operation::REPLY, sender: client, target: asked.sender };
        world.send(ARP, &frame(world.near, ARP, &answer.emit()));
        let sent = ear.next().expect("what waited for the answer is sent");
        assert_eq!(&sent[12..20], [VIP.octets(), CLIENT.octets()].concat());
    });
}

/// An Ethernet frame from the client.
fn frame(to: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header { destination: to, source: CLIENT_MAC, ethertype };
    [header.emit().as_slice(), payload].concat()
}

/// A datagram from the client (RFC 791, RFC 768; without a checksum of its own).
fn datagram(to: SocketAddrV4) -> Vec<u8> {
    let mut ip = [0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    ip[12..16].copy_from_slice(&CLIENT.octets());
    ip[16..20].copy_from_slice(&to.ip().octets());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).expect("one carry at most");
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut udp = [0, 9, 0, 0, 0, 9, 0, 0, b'!'];
    udp[2..4].copy_from_slice(&to.port().to_be_bytes());
    [ip.as_slice(), &udp].concat()
}

/// Whether a client's datagram to the address arrives.
fn comes_in(world: &World, address: Ipv4Addr) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let port = socket.local_addr().expect("it is bound").port();
    world.send(IPV4, &frame(world.near, IPV4, &datagram(SocketAddrV4::new(address, port))));
    match socket.recv(&mut [0; 2]) {
        Ok(length) => length == 1,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("cannot receive: {error}"),
    }
}

#[test]
fn packets_to_the_address_come_in_only_while_it_accepts() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        assert!(comes_in(&world, VIP), "nothing guards it");
        fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        assert!(!comes_in(&world, VIP));
        assert!(comes_in(&world, OWN), "nothing guards the node's own");
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(comes_in(&world, VIP));
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert!(comes_in(&world, VIP));
        fence.silence(VIP.into()).expect("the kernel can");
        assert!(!comes_in(&world, VIP));
        world.set(&mut fence, Voice::Answering, Duration::from_millis(200));
        std::thread::sleep(Duration::from_millis(200));
        assert!(!comes_in(&world, VIP), "the term is over");
        fence.release(VIP.into()).expect("the kernel can");
        assert!(comes_in(&world, VIP));
    });
}

#[test]
fn a_host_that_forwards_does_not_forward_for_a_silent_address_but_does_without_it() {
    in_a_world(|world| {
        world.forward();
        let mut fence = world.fence();
        // The address is at somebody else now, whom the kernel knows.
        world.neighbour(VIP, CLIENT_MAC);
        let ear = world.packets();
        let to_vip = frame(world.near, IPV4, &datagram(SocketAddrV4::new(VIP, 9)));
        fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        world.send(IPV4, &to_vip);
        assert_eq!(ear.next(), None, "it is guarded");
        fence.release(VIP.into()).expect("the kernel can");
        world.send(IPV4, &to_vip);
        let forwarded = ear.next().expect("it is forwarded");
        assert_eq!(&forwarded[16..20], VIP.octets());
    });
}

#[test]
fn with_forwarding_an_address_answers_only_while_it_may() {
    in_a_world(|world| {
        world.forward();
        let mut fence = world.fence();
        world.add(VIP, 24);
        fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        assert!(!world.answers(VIP));
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert!(world.answers(VIP));
        fence.silence(VIP.into()).expect("the kernel can");
        assert!(!world.answers(VIP));
        assert!(world.answers(OWN));
    });
}
