//! Packet sockets: one that only sends, and one that hears one protocol on one interface.
#![expect(unsafe_code, reason = "a socket address of the family AF_PACKET is a C struct")]

use std::io::{self, Read as _};
use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, SockAddr, SockAddrStorage, SockFilter, Socket, Type, socklen_t};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Sends whole Ethernet frames and receives nothing. It is bound to no interface, so one that
/// vanishes and returns, or changes its name, leaves nothing behind in it.
#[derive(Debug)]
pub struct PacketSocket(Socket);

impl PacketSocket {
    /// A socket in the network namespace of this thread. Its protocol is 0, so the kernel queues
    /// no received frame for it (packet(7)).
    ///
    /// # Errors
    /// If the kernel refuses: without `CAP_NET_RAW`, or out of files.
    pub fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Sends `frame`, header included, on the interface with this index. Never waits. The
    /// ethertype is the frame's own; the kernel's filters look at this one.
    ///
    /// # Errors
    /// As sendto(2): ENXIO where there is no such interface, ENETDOWN where it is down, ENOBUFS
    /// where a filter or a full queue dropped the frame.
    pub fn send(&self, link_index: u32, ethertype: u16, frame: &[u8]) -> io::Result<()> {
        let sent = self.0.send_to(frame, &link_address(link_index, ethertype)?)?;
        if sent == frame.len() {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::WriteZero, "the kernel took a part of the frame"))
        }
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Hears the frames of one ethertype that come in on one interface, as far as a filter lets them
/// through. Nothing is heard before [`Self::bind`]. The kernel queues some hundred short frames
/// (`net.core.rmem_default`) and drops what comes on top.
#[derive(Debug)]
pub struct PacketListener {
    socket: AsyncFd<Socket>,
    ethertype: u16,
}

impl PacketListener {
    /// A socket in the network namespace of this thread. `filter` is a classic BPF program that
    /// sees the whole frame; a frame is dropped where it returns zero. Must be called within a
    /// runtime.
    ///
    /// # Errors
    /// If the kernel refuses: without `CAP_NET_RAW`, out of files, or for a program that it cannot
    /// run.
    pub fn open(ethertype: u16, filter: &[SockFilter]) -> io::Result<Self> {
        // Protocol 0: nothing is queued before the filter is there (packet(7)).
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        socket.attach_filter(filter)?;
        // SAFETY: the socket owns its file and closes it only when it is dropped.
        let socket = unsafe { AsyncFd::register(socket) }?;
        Ok(Self { socket, ethertype })
    }

    /// From now on hears the interface with this index, and no other. It may go down and up, but
    /// when it is deleted nothing is heard until the next call.
    ///
    /// # Errors
    /// As bind(2): ENODEV where there is no such interface.
    pub fn bind(&self, link_index: u32) -> io::Result<()> {
        self.socket.get_ref().bind(&link_address(link_index, self.ethertype)?)
    }

    /// The Ethernet address that the interface has now; none: it is gone, or its addresses are
    /// not of six bytes.
    ///
    /// # Errors
    /// If the socket failed.
    pub fn mac(&self) -> io::Result<Option<[u8; 6]>> {
        let address = self.socket.get_ref().local_addr()?;
        if i32::from(address.family()) != libc::AF_PACKET {
            return Ok(None);
        }
        // SAFETY: a sockaddr_storage is larger than a sockaddr_ll, aligned for it, and the kernel
        // said that it holds one; each of its fields is valid whatever its bytes are.
        let link = unsafe { &*address.as_ptr().cast::<libc::sockaddr_ll>() };
        let [a, b, c, d, e, f, _, _] = link.sll_addr;
        Ok((link.sll_halen == 6).then_some([a, b, c, d, e, f]))
    }

    /// Waits until there is a frame, or something else to be told by [`Self::receive`].
    ///
    /// # Errors
    /// If the runtime is being torn down.
    pub async fn wait(&self) -> io::Result<()> {
        self.socket.readable().await.map(drop)
    }

    /// The next frame's bytes, cut to the buffer's length. Never waits.
    ///
    /// # Errors
    /// As recv(2): `WouldBlock` where there is none; ENETDOWN once after the interface went down.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.try_io(Interest::READABLE, |mut socket| socket.read(buffer))
    }
}

impl AsFd for PacketListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.get_ref().as_fd()
    }
}

/// Which interface and ethertype, in the kernel's words (`sockaddr_ll`, packet(7)).
fn link_address(link_index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is one of the platform's socket address types, and valid when zeroed.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET.try_into().map_err(invalid)?;
    address.sll_protocol = ethertype.to_be();
    address.sll_ifindex = link_index.try_into().map_err(invalid)?;
    let length = socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(invalid)?;
    // SAFETY: the storage holds a sockaddr_ll with its family set, and that is its length.
    Ok(unsafe { SockAddr::new(storage, length) })
}
