//! What the kernel's words on connections mean, from a real kernel, over loopback.

use std::net::{Ipv4Addr, TcpListener};

use super::*;

/// A listener, and a connection to it that nobody has looked at yet.
fn begun() -> (TcpListener, Socket) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a port");
    let target = listener.local_addr().expect("it is bound");
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).expect("a socket");
    let begun = socket.connect(&target.into());
    assert!(begun.is_err_and(|error| error.raw_os_error() == Some(libc::EINPROGRESS)));
    (listener, socket)
}

/// The kernel's word, once it has one.
fn word(socket: &Socket) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    poll(&mut [PollFd::new(socket, PollFlags::OUT)], None)?;
    socket.take_error()?.map_or(Ok(()), Err)
}

#[test]
fn a_connection_that_stands_was_made() {
    let (_listener, socket) = begun();
    assert_eq!(End::of(&word(&socket)), End::Made);
}

#[test]
fn a_connection_that_was_reset_before_anybody_looked_was_made() {
    let (listener, socket) = begun();
    let (accepted, _) = listener.accept().expect("the connection is there");
    let accepted = Socket::from(accepted);
    accepted.set_linger(Some(Duration::ZERO)).expect("an open socket");
    drop(accepted);
    let word = word(&socket);
    let kind = word.as_ref().map_err(io::Error::kind);
    assert_eq!(kind, Err(io::ErrorKind::ConnectionReset));
    assert_eq!(End::of(&word), End::Made);
}

#[test]
fn a_connection_to_nobody_is_refused_and_any_other_word_is_a_failure() {
    let (listener, _socket) = begun();
    let target = listener.local_addr().expect("it is bound");
    drop(listener);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    assert_eq!(End::of(&socket.connect(&target.into())), End::Refused);
    assert_eq!(End::of(&Err(io::ErrorKind::HostUnreachable.into())), End::Failed);
    assert_eq!(End::of(&Err(io::ErrorKind::TimedOut.into())), End::Failed);
}
