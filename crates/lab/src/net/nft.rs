//! What somebody else does to a host's packet filter tables: over nfnetlink, as nft does.

use std::io;

use netlink_sys::{Socket, protocols::NETLINK_NETFILTER};

use super::Host;
use crate::sys::Error;

/// `NFNL_SUBSYS_NFTABLES` of linux/netfilter/nfnetlink.h.
const SUBSYSTEM: u16 = 10;
/// `NFNL_MSG_BATCH_BEGIN`.
const BEGIN: u16 = 0x10;
/// `NFNL_MSG_BATCH_END`.
const END: u16 = 0x11;
/// `NFT_MSG_NEWTABLE` of linux/netfilter/nf_tables.h.
const NEWTABLE: u16 = SUBSYSTEM << 8;
/// `NFT_MSG_GETTABLE`.
const GETTABLE: u16 = SUBSYSTEM << 8 | 1;
/// `NFT_MSG_DELTABLE`.
const DELTABLE: u16 = SUBSYSTEM << 8 | 2;
/// `NFTA_TABLE_NAME`.
const NAME: u16 = 1;

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// The bytes of a netlink header, and of the netfilter header after it.
const HEADERS: usize = 16 + 4;

/// A packet filter table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// Its family, as linux/netfilter.h numbers them: 5 is `netdev`, 3 `arp`, 1 `inet`.
    pub family: u8,
    /// Its name.
    pub name: String,
}

impl Host {
    /// The host's packet filter tables.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tables(&self) -> Result<Vec<Table>, Error> {
        self.open("list packet filter tables".to_owned(), || {
            let socket = connect()?;
            socket.send(&message(GETTABLE, NLM_F_DUMP, 0, &[]), 0)?;
            let mut tables = Vec::new();
            loop {
                let (bytes, _) = socket.recv_from_full()?;
                for (kind, body) in messages(&bytes) {
                    match kind {
                        NLMSG_DONE => return Ok(tables),
                        NLMSG_ERROR => error(body)?,
                        NEWTABLE => tables.extend(table(body)),
                        _ => {}
                    }
                }
            }
        })
    }

    /// Adds an empty table, as `nft add table` does.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn add_table(&self, table: &Table) -> Result<(), Error> {
        let step = format!("add table {}", table.name);
        self.batch(step, (NEWTABLE, NLM_F_CREATE, table.family), &name(table))
    }

    /// Deletes one table, as `nft delete table` does.
    ///
    /// # Errors
    /// What the kernel says: it is not there, or owned by another.
    pub fn delete_table(&self, table: &Table) -> Result<(), Error> {
        let step = format!("delete table {}", table.name);
        self.batch(step, (DELTABLE, 0, table.family), &name(table))
    }

    /// Deletes all tables that nobody owns, as `nft flush ruleset` does.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn flush_ruleset(&self) -> Result<(), Error> {
        self.batch("flush the ruleset".to_owned(), (DELTABLE, 0, 0), &[])
    }

    /// One change (kind, flags, family) in a batch of its own.
    fn batch(
        &self,
        step: String,
        (kind, flags, family): (u16, u16, u8),
        attributes: &[u8],
    ) -> Result<(), Error> {
        self.open(step, || {
            let socket = connect()?;
            let change = message(kind, flags | NLM_F_ACK, family, attributes);
            socket.send(&[marker(BEGIN), change, marker(END)].concat(), 0)?;
            loop {
                let (bytes, _) = socket.recv_from_full()?;
                if let Some((_, body)) = messages(&bytes).find(|(kind, _)| *kind == NLMSG_ERROR) {
                    return error(body);
                }
            }
        })
    }
}

fn connect() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    Ok(socket)
}

/// A message of the subsystem: both headers, and attributes.
fn message(kind: u16, flags: u16, family: u8, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADERS + attributes.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    // No sequence number, and no port: there is one question at a time on a socket of its own.
    bytes.extend([0; 8]);
    bytes.extend([family, 0, 0, 0]);
    bytes.extend(attributes);
    bytes
}

/// The attribute with a table's name.
fn name(table: &Table) -> Vec<u8> {
    let text = [table.name.as_bytes(), &[0]].concat();
    let length = u16::try_from(4 + text.len()).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), NAME.to_ne_bytes()].concat();
    bytes.extend(text);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The beginning or the end of a batch: it names the subsystem.
fn marker(kind: u16) -> Vec<u8> {
    let mut bytes = message(kind, 0, 0, &[]);
    bytes[HEADERS - 2..].copy_from_slice(&SUBSYSTEM.to_be_bytes());
    bytes
}

/// The messages of one read: kind, and what follows the netlink header.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
        let body = bytes.get(16..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// What an acknowledgement says: 0, or an error number less than 0.
fn error(body: &[u8]) -> io::Result<()> {
    let code = body.get(..4).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes);
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("a netlink error without a code")),
    }
}

/// A table, from what follows the netlink header.
fn table(body: &[u8]) -> Option<Table> {
    let family = *body.first()?;
    let mut attributes = body.get(4..)?;
    loop {
        let length = u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?);
        let length = usize::from(length);
        let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        if kind == NAME {
            let text = attributes.get(4..length)?.split(|byte| *byte == 0).next()?;
            return Some(Table { family, name: String::from_utf8_lossy(text).into_owned() });
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}
