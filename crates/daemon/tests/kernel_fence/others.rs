//! Other programs that use nftables: batches put together here, so that the fence's own words are
//! not judged by themselves (include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h).

use std::{io, mem};

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use rustix::net::sockopt::set_socket_send_buffer_size_force;

/// `NFNL_SUBSYS_NFTABLES`.
const NF_TABLES: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = NF_TABLES;
const DELETE_TABLE: u16 = NF_TABLES | 2;
const NEW_CHAIN: u16 = NF_TABLES | 3;
const NEW_RULE: u16 = NF_TABLES | 6;
const NEW_SET: u16 = NF_TABLES | 9;
const NEW_ELEMENT: u16 = NF_TABLES | 12;
/// `NLM_F_REQUEST` and `NLM_F_CREATE`: only what fails is answered.
const REQUEST: u16 = 1;
const CREATE: u16 = 0x400;
/// `NFPROTO_IPV4` and `NFPROTO_NETDEV`.
const IPV4: u8 = 2;
const NETDEV: u8 = 5;

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
        self.message(DELETE_TABLE, NETDEV, &text(1, name));
        self.commit()
    }

    /// `nft add table netdev NAME`, with a set `guard` that is none of ours: of names.
    pub(crate) fn add_table(&mut self, name: &str) {
        self.message(NEW_TABLE, NETDEV, &text(1, name));
        let kind = [text(2, "guard"), number(3, 0), number(4, 5), number(5, 16), number(10, 1)];
        self.message(NEW_SET, NETDEV, &[text(1, name), kind.concat()].concat());
        self.commit().expect("anybody may");
    }

    /// `nft add table ip NAME`.
    pub(crate) fn add_ip_table(&mut self, name: &str) {
        self.message(NEW_TABLE, IPV4, &text(1, name));
        self.commit().expect("anybody may");
    }

    /// `nft add chain ip TABLE NAME`, in a table that is there.
    pub(crate) fn add_ip_chain(&mut self, table: &str, name: &str) {
        self.message(NEW_CHAIN, IPV4, &[text(1, table), text(3, name)].concat());
        self.commit().expect("anybody may");
    }

    /// `nft add rule ip TABLE CHAIN counter comment COMMENT`.
    pub(crate) fn add_ip_rule(&mut self, table: &str, chain: &str, comment: &str) {
        // Of a comment: what it is (0), its length, and the text with a zero.
        let bytes = [comment.as_bytes(), &[0]].concat();
        let length = u8::try_from(bytes.len()).expect("a short comment");
        let data = attribute(7, &[&[0, length], bytes.as_slice()].concat());
        let place = [text(1, table), text(2, chain)].concat();
        self.message(NEW_RULE, IPV4, &[place, data].concat());
        self.commit().expect("anybody may");
    }

    /// A batch that puts a table in place of the one of before, as programs do that keep the rules
    /// of many services: each has a chain with two rules, and is in a set.
    pub(crate) fn services(&mut self, count: u32) -> Vec<u8> {
        let table = text(1, "services");
        // A table that is not there cannot be deleted.
        for kind in [NEW_TABLE, DELETE_TABLE, NEW_TABLE] {
            self.message(kind, IPV4, &table);
        }
        let kind = [number(3, 0), number(4, 7), number(5, 4), number(10, 1)].concat();
        self.message(NEW_SET, IPV4, &[table.clone(), text(2, "addresses"), kind].concat());
        let all: Vec<u32> = (0..count).collect();
        for some in all.chunks(1000) {
            let element = |id: &u32| nested(1, &nested(1, &number(1, *id)));
            let elements = nested(3, &some.iter().flat_map(element).collect::<Vec<u8>>());
            let names = [table.clone(), text(2, "addresses")].concat();
            self.message(NEW_ELEMENT, IPV4, &[names, elements].concat());
        }
        for id in all {
            let name = format!("service-{id}");
            self.message(NEW_CHAIN, IPV4, &[table.clone(), text(3, &name)].concat());
            let rule = [table.clone(), text(2, &name), nested(4, &steps(id))].concat();
            self.message(NEW_RULE, IPV4, &rule);
            self.message(NEW_RULE, IPV4, &rule);
        }
        self.end()
    }

    fn begin(&mut self) {
        self.batch.clear();
        self.header(BATCH_BEGIN, REQUEST, 4);
        self.batch.extend([0, 0, 0, 10]);
    }

    /// Appends a message: its type, family, and attributes.
    fn message(&mut self, kind: u16, family: u8, attributes: &[u8]) {
        self.header(kind, REQUEST | CREATE, 4 + attributes.len());
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

    /// What was appended.
    fn end(&mut self) -> Vec<u8> {
        self.header(BATCH_END, REQUEST, 4);
        self.batch.extend([0, 0, 0, 10]);
        let batch = mem::take(&mut self.batch);
        self.begin();
        batch
    }

    fn commit(&mut self) -> io::Result<()> {
        let batch = self.end();
        self.send(&batch)
    }

    /// Sends a batch; the first error among the answers.
    pub(crate) fn send(&self, batch: &[u8]) -> io::Result<()> {
        // Only root of the whole host may; short batches go out all the same.
        let _ = set_socket_send_buffer_size_force(&self.socket, 64 << 20);
        self.socket.send_to(batch, &SocketAddr::new(0, 0), 0)?;
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

/// What a rule does: the packet is for this service, count it, and accept it.
fn steps(id: u32) -> Vec<u8> {
    let load = [number(1, 8), number(2, 1), number(3, 16), number(4, 4)].concat();
    let compare = [number(1, 8), number(2, 0), nested(3, &number(1, id))].concat();
    let accept = [number(1, 0), nested(2, &nested(2, &number(1, 1)))].concat();
    let step = |name, data: &[u8]| nested(1, &[text(1, name), nested(2, data)].concat());
    let counter = step("counter", &[]);
    [step("payload", &load), step("cmp", &compare), counter, step("immediate", &accept)].concat()
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), b"\0"].concat())
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(kind | 0x8000, attributes)
}

/// An attribute, filled up to a multiple of four.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a short value");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
