//! Other programs that use nftables: batches put together here, so that the fence's own words are
//! not judged by themselves (include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h).

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

/// `NFNL_SUBSYS_NFTABLES`.
const NF_TABLES: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const DELETE_TABLE: u16 = NF_TABLES | 2;
/// `NLM_F_REQUEST` and `NLM_F_ACK`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;

/// Another program.
pub(crate) struct Other {
    socket: Socket,
    batch: Vec<u8>,
}

impl Other {
    pub(crate) fn start() -> Self {
        let mut socket = Socket::new(NETLINK_NETFILTER).expect("a netlink socket");
        socket.bind_auto().expect("an address");
        socket.set_non_blocking(true).expect("a socket that does not wait");
        let mut other = Self { socket, batch: Vec::new() };
        other.begin();
        other
    }

    /// `nft flush ruleset`: it removes all tables that are not owned by others.
    pub(crate) fn flush_ruleset(&mut self) {
        self.message(DELETE_TABLE, 0, &[]);
        self.commit().expect("anybody may");
    }

    /// `nft delete table netdev NAME`.
    pub(crate) fn delete_table(&mut self, name: &str) -> io::Result<()> {
        let name = attribute(1, &[name.as_bytes(), b"\0"].concat());
        self.message(DELETE_TABLE, 5, &name);
        self.commit()
    }

    fn begin(&mut self) {
        self.batch.clear();
        self.header(BATCH_BEGIN, REQUEST, 4);
        self.batch.extend([0, 0, 0, 10]);
    }

    /// Appends a message: its type, family, and attributes.
    fn message(&mut self, kind: u16, family: u8, attributes: &[u8]) {
        self.header(kind, REQUEST | ACK, 4 + attributes.len());
        self.batch.extend([family, 0, 0, 0]);
        self.batch.extend(attributes);
    }

    fn header(&mut self, kind: u16, flags: u16, payload: usize) {
        let length = u32::try_from(16 + payload).expect("a short message");
        self.batch.extend(length.to_ne_bytes());
        self.batch.extend(kind.to_ne_bytes());
        self.batch.extend(flags.to_ne_bytes());
        self.batch.extend([0; 8]);
    }

    /// Sends what was appended; the first error among the answers.
    fn commit(&mut self) -> io::Result<()> {
        self.header(BATCH_END, REQUEST, 4);
        self.batch.extend([0, 0, 0, 10]);
        self.socket.send_to(&self.batch, &SocketAddr::new(0, 0), 0)?;
        self.begin();
        let mut result = Ok(());
        let mut answer = Vec::with_capacity(32 * 1024);
        while self.socket.recv(&mut answer, 0).is_ok() {
            let code = i32::from_ne_bytes(*answer[16..].first_chunk().expect("an error number"));
            if code != 0 && result.is_ok() {
                result = Err(io::Error::from_raw_os_error(-code));
            }
            answer.clear();
        }
        result
    }
}

/// An attribute, filled up to a multiple of four.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a short value");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
