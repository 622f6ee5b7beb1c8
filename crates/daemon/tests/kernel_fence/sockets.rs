//! Destroying the sockets of an address.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use kube_vip::drivers::kernel::sockets::Sockets;
use socket2::{Domain, Protocol, Socket, Type};

use crate::world::{OTHER_VIP, OWN, VIP, World, in_a_world};

/// Longer than a reset takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connects from one local address to a port at another; both ends.
fn connect(from: Ipv4Addr, to: Ipv4Addr, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let port = listener.local_addr().expect("it is bound").port();
    let client = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
    client.bind(&SocketAddr::new(IpAddr::V4(from), 0).into()).expect("a local address");
    client.connect(&SocketAddr::new(IpAddr::V4(to), port).into()).expect("somebody listens");
    let client = TcpStream::from(client);
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (server, _) = listener.accept().expect("a connection");
    server.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    (client, server)
}

/// What one end hears when it waits for the other.
fn end_of(mut stream: &TcpStream) -> Option<ErrorKind> {
    stream.read(&mut [0]).err().map(|error| error.kind())
}

fn works((client, server): &(TcpStream, TcpStream)) -> bool {
    let (mut sender, mut receiver) = (client, server);
    sender.write_all(b"!").is_ok() && receiver.read_exact(&mut [0]).is_ok()
}

fn with_addresses(world: &World) {
    world.loop_back();
    world.add(VIP, 24);
    world.add(OTHER_VIP, 24);
}

#[test]
fn connections_to_the_address_are_reset_and_listeners_stay() {
    in_a_world(|world| {
        with_addresses(&world);
        let mut sockets = Sockets::open().expect("the kernel can");
        for everywhere in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let listener = TcpListener::bind((everywhere, 0)).expect("a free port");
            let connections = [connect(OWN, VIP, &listener), connect(OWN, VIP, &listener)];
            let other = connect(OWN, OTHER_VIP, &listener);
            let own = connect(OWN, OWN, &listener);
            assert_eq!(sockets.destroy(VIP.into()).expect("the kernel can"), 2);
            for (client, server) in &connections {
                assert_eq!(end_of(client), Some(ErrorKind::ConnectionReset));
                assert_eq!(end_of(server), Some(ErrorKind::ConnectionAborted));
            }
            assert!(works(&other) && works(&own), "they are not of this address");
            assert!(works(&connect(OWN, VIP, &listener)), "it listens still");
            assert_eq!(sockets.destroy(OTHER_VIP.into()).expect("the kernel can"), 1);
            sockets.destroy(VIP.into()).expect("the kernel can");
        }
    });
}

#[test]
fn a_connection_from_the_address_is_reset_too() {
    in_a_world(|world| {
        with_addresses(&world);
        let listener = TcpListener::bind((OWN, 0)).expect("a free port");
        let (client, server) = connect(VIP, OWN, &listener);
        assert_eq!(Sockets::open().expect("it can").destroy(VIP.into()).expect("it can"), 1);
        assert_eq!(end_of(&server), Some(ErrorKind::ConnectionReset));
        assert_eq!(end_of(&client), Some(ErrorKind::ConnectionAborted));
    });
}

#[test]
fn listeners_at_the_address_itself_and_other_protocols_stay() {
    in_a_world(|world| {
        with_addresses(&world);
        let listener = TcpListener::bind((VIP, 0)).expect("a free port");
        let datagrams = UdpSocket::bind((VIP, 0)).expect("a free port");
        assert_eq!(Sockets::open().expect("it can").destroy(VIP.into()).expect("it can"), 0);
        assert!(works(&connect(OWN, VIP, &listener)));
        datagrams.send_to(b"!", datagrams.local_addr().expect("it is bound")).expect("it works");
        assert_eq!(datagrams.recv(&mut [0]).expect("it works"), 1);
    });
}

/// A server that is written in Go listens with MPTCP where the kernel has it (RFC 8684), for
/// clients that mostly do not.
#[test]
fn connections_of_a_server_that_speaks_mptcp_are_reset() {
    in_a_world(|world| {
        with_addresses(&world);
        let mut sockets = Sockets::open().expect("the kernel can");
        let listener = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::MPTCP));
        let listener = listener.expect("this kernel lacks CONFIG_MPTCP");
        let anywhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
        listener.bind(&anywhere.into()).expect("a free port");
        listener.listen(8).expect("it listens");
        let listener = TcpListener::from(listener);
        let (client, server) = connect(OWN, VIP, &listener);
        assert_eq!(sockets.destroy(VIP.into()).expect("the kernel can"), 1);
        assert_eq!(end_of(&client), Some(ErrorKind::ConnectionReset));
        assert_eq!(end_of(&server), Some(ErrorKind::ConnectionAborted));
        assert!(works(&connect(OWN, VIP, &listener)), "it listens still");
    });
}

#[test]
fn all_of_many_are_destroyed() {
    in_a_world(|world| {
        with_addresses(&world);
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).expect("a free port");
        let all: Vec<_> = (0..400).map(|_| connect(OWN, VIP, &listener)).collect();
        assert_eq!(Sockets::open().expect("it can").destroy(VIP.into()).expect("it can"), 400);
        for (client, _) in &all {
            assert_eq!(end_of(client), Some(ErrorKind::ConnectionReset));
        }
    });
}

#[test]
fn what_waits_for_nothing_any_more_is_destroyed_too() {
    in_a_world(|world| {
        with_addresses(&world);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
        let (client, server) = connect(OWN, VIP, &listener);
        // The end that closes first is the one that waits (RFC 9293 section 3.6.1).
        drop(server);
        drop(client);
        let mut sockets = Sockets::open().expect("the kernel can");
        assert_eq!(sockets.destroy(VIP.into()).expect("the kernel can"), 1);
        assert_eq!(sockets.destroy(VIP.into()).expect("the kernel can"), 0);
    });
}
