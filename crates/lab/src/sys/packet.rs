//! Raw sockets that never block and whose kernel says when each packet came in.
#![expect(unsafe_code, reason = "socket options and recvmsg that no crate wraps")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use libc::{c_int, c_void, socklen_t};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};

use super::clock::Stamp;

/// `ICMP_FILTER` of linux/icmp.h: a mask of the message types that are not wanted.
const ICMP_FILTER: c_int = 1;

/// `ICMP_ECHOREPLY` is type 0: all others are filtered.
const ALL_BUT_ECHO_REPLIES: u32 = !1;

/// `ICMPV6_FILTER` of linux/icmpv6.h: a mask of the same kind, of 256 bits.
const ICMPV6_FILTER: c_int = 1;
const ICMPV6_ECHO_REPLY: u32 = 129;

/// Bytes for one control message with a `timespec`, and to spare.
const CONTROL_BYTES: usize = 64;

/// `PACKET_IGNORE_OUTGOING` of linux/if_packet.h.
const PACKET_IGNORE_OUTGOING: c_int = 23;

/// `SKF_AD_OFF + SKF_AD_IFINDEX` of linux/filter.h: where filters find a frame's interface.
const IFINDEX: u32 = 0_u32.wrapping_sub(0x1000) + 8;

/// Where filters find a frame's ethertype: after two addresses.
const ETHERTYPE: u32 = 12;

/// Which frames are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// ARP.
    Arp,
    /// All.
    All,
}

/// A raw socket.
#[derive(Debug)]
pub struct RawSocket(Socket);

/// A packet that came in.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// How many bytes of it are in the buffer.
    pub bytes: usize,
    /// How many there were.
    pub length: usize,
    /// When the kernel got it, on CLOCK_REALTIME.
    pub realtime: Duration,
}

impl Received {
    /// When the kernel got it, on the lab's clock.
    #[must_use]
    pub fn at(&self) -> Stamp {
        Stamp::from_realtime(self.realtime)
    }
}

impl RawSocket {
    /// ARP frames that come in on one interface of the current network, and any frame out of it.
    ///
    /// # Errors
    /// If the kernel refuses (CAP_NET_RAW), or there is no such interface.
    pub fn arp(interface: u32) -> io::Result<Self> {
        Self::packet(libc::ETH_P_ARP, interface)
    }

    /// The same for the protocol in which one asks for that address: ARP, or all of IPv6.
    ///
    /// # Errors
    /// As above.
    pub fn neighbours(address: IpAddr, interface: u32) -> io::Result<Self> {
        match address {
            IpAddr::V4(_) => Self::arp(interface),
            IpAddr::V6(_) => Self::packet(libc::ETH_P_IPV6, interface),
        }
    }

    /// Frames that come in on the interfaces of the current network, a bridge's ports included, but
    /// not on `bridge`, where broadcasts come in once more.
    ///
    /// # Errors
    /// If the kernel refuses (CAP_NET_RAW).
    pub fn frames(frames: Frames, bridge: u32) -> io::Result<Self> {
        // A bridge takes frames from its ports before those who listen for one protocol get them.
        let socket = Self::packet(libc::ETH_P_ALL, 0)?;
        socket.0.attach_filter(&filter(frames, bridge))?;
        let yes: c_int = 1;
        set(&socket.0, (libc::SOL_PACKET, PACKET_IGNORE_OUTGOING), yes)?;
        Ok(socket)
    }

    /// ICMP in the current network, of that address's family: sends any message, receives echo
    /// replies alone, each with its IP header in IPv4, and without in IPv6, where the kernel makes
    /// the checksum.
    ///
    /// # Errors
    /// If the kernel refuses (CAP_NET_RAW).
    pub fn echo(address: IpAddr) -> io::Result<Self> {
        if address.is_ipv6() {
            let kind = Type::RAW.nonblocking();
            let socket = Socket::new(Domain::IPV6, kind, Some(Protocol::ICMPV6))?;
            let mut wanted = [u32::MAX; 8];
            wanted[4] &= !(1 << (ICMPV6_ECHO_REPLY - 4 * 32));
            set(&socket, (libc::IPPROTO_ICMPV6, ICMPV6_FILTER), wanted)?;
            return Self::timed(socket);
        }
        let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(Protocol::ICMPV4))?;
        set(&socket, (libc::SOL_RAW, ICMP_FILTER), ALL_BUT_ECHO_REPLIES)?;
        Self::timed(socket)
    }

    fn packet(ethertype: c_int, interface: u32) -> io::Result<Self> {
        let ethertype = u16::try_from(ethertype).unwrap_or(0).to_be();
        // Protocol 0 hears nothing before it is bound to an interface.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: a sockaddr_ll is a kind of sockaddr_storage; what is not set stays zero.
        let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
        address.sll_protocol = ethertype;
        address.sll_ifindex = c_int::try_from(interface).unwrap_or(0);
        let length = socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or(0);
        // SAFETY: the storage holds a sockaddr_ll of this length.
        socket.bind(&unsafe { SockAddr::new(storage, length) })?;
        Self::timed(socket)
    }

    fn timed(socket: Socket) -> io::Result<Self> {
        let yes: c_int = 1;
        set(&socket, (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS), yes)?;
        Ok(Self(socket))
    }

    /// Sends a frame. A queue that is full is an error like any other.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame).map(drop)
    }

    /// Sends an ICMP message to a host.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn send_to(&self, message: &[u8], host: IpAddr) -> io::Result<()> {
        let host = SockAddr::from(SocketAddr::new(host, 0));
        self.0.send_to(message, &host).map(drop)
    }

    /// The next packet, if one is there. A link that went down is no error: nothing is there.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let mut part =
            libc::iovec { iov_base: buffer.as_mut_ptr().cast::<c_void>(), iov_len: buffer.len() };
        let mut control = Control([0; CONTROL_BYTES]);
        // SAFETY: a msghdr may be all zeros.
        let mut message: libc::msghdr = unsafe { zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast::<c_void>();
        message.msg_controllen = CONTROL_BYTES as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        // SAFETY: the message names a buffer and a control buffer that live through the call.
        let got = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, flags) };
        let Ok(length) = usize::try_from(got) else {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN) => Ok(None),
                _ => Err(error),
            };
        };
        Ok(Some(Received {
            bytes: length.min(buffer.len()),
            length,
            realtime: timestamp(&message).unwrap_or_else(now),
        }))
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The packet filter that passes frames whole, but none that came in on `bridge`.
fn filter(frames: Frames, bridge: u32) -> Vec<SockFilter> {
    let code = |code: u32| u16::try_from(code).unwrap_or(0);
    let load = |size, from| SockFilter::new(code(libc::BPF_LD | size | libc::BPF_ABS), 0, 0, from);
    let equal = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    let give = |bytes| SockFilter::new(code(libc::BPF_RET | libc::BPF_K), 0, 0, bytes);
    let mut program =
        vec![load(libc::BPF_W, IFINDEX), SockFilter::new(equal, 0, 1, bridge), give(0)];
    if frames == Frames::Arp {
        program.extend([
            load(libc::BPF_H, ETHERTYPE),
            SockFilter::new(equal, 1, 0, libc::ETH_P_ARP.unsigned_abs()),
            give(0),
        ]);
    }
    program.push(give(u32::MAX));
    program
}

/// A control buffer, aligned as the kernel's headers want it.
#[repr(align(8))]
struct Control([u8; CONTROL_BYTES]);

/// The time that the kernel put on a packet.
fn timestamp(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: `message` was filled in by recvmsg and its control buffer is still there.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: the macros return headers inside the control buffer, or null.
        let (level, kind) = unsafe { ((*header).cmsg_level, (*header).cmsg_type) };
        if (level, kind) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            // SAFETY: this message's data is a timespec, not necessarily aligned.
            let time = unsafe { libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned() };
            let seconds = u64::try_from(time.tv_sec).ok()?;
            return Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?));
        }
        // SAFETY: as above.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Sets an option whose value is a plain number.
fn set<T: Copy>(socket: &Socket, (level, name): (c_int, c_int), value: T) -> io::Result<()> {
    let length = socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: `value` lives through the call and is `length` bytes long.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast::<c_void>(),
            length,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
