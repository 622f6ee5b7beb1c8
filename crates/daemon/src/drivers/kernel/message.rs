//! Netlink messages put together byte by byte (netlink(7)), for the subsystems whose words nobody
//! else has put into types: nf_tables and sock_diag.

use netlink_packet_core::{NLA_F_NESTED, NlaBuffer, NlasIterator};

/// Messages that go out together.
#[derive(Debug, Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
}

/// What a message begins with (`struct nlmsghdr`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// `NFNL_*`, `NFT_MSG_*`, `SOCK_*`.
    pub(super) kind: u16,
    /// `NLM_F_*`.
    pub(super) flags: u16,
    /// Comes back with the answers.
    pub(super) sequence: u32,
}

impl Messages {
    /// Appends a message.
    pub(super) fn message(&mut self, header: Header, body: impl FnOnce(&mut Body<'_>)) {
        let start = self.bytes.len();
        // The length is known at the end.
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(&header.kind.to_ne_bytes());
        self.bytes.extend_from_slice(&header.flags.to_ne_bytes());
        self.bytes.extend_from_slice(&header.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        body(&mut Body(&mut self.bytes));
        let length = u32::try_from(self.bytes.len() - start)
            .expect("a message is far shorter than what the kernel takes in one");
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// All of them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A message, or an attribute of attributes, that is being written.
pub(super) struct Body<'a>(&'a mut Vec<u8>);

impl Body<'_> {
    /// Bytes as they are: a fixed header of four times any length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        self.pad();
    }

    /// An attribute.
    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.within(kind, |body| body.0.extend_from_slice(value));
    }

    /// A number, in the byte order of the network, as nf_tables has all of its numbers.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// A text, with the zero that ends it.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        self.within(kind, |body| {
            body.0.extend_from_slice(value.as_bytes());
            body.0.push(0);
        });
    }

    /// An attribute that is made of attributes.
    pub(super) fn nested(&mut self, kind: u16, inner: impl FnOnce(&mut Body<'_>)) {
        self.within(kind | NLA_F_NESTED, inner);
    }

    fn within(&mut self, kind: u16, inner: impl FnOnce(&mut Body<'_>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&0_u16.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        inner(&mut Body(self.0));
        let length = u16::try_from(self.0.len() - start)
            .expect("a rule or element is far shorter than an attribute may be");
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

/// The value of the first attribute of this kind; none also where the bytes make no sense.
pub(super) fn attribute(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    all(attributes, wanted).next()
}

/// The values of all attributes of this kind, up to where the bytes make no sense.
pub(super) fn all(attributes: &[u8], wanted: u16) -> impl Iterator<Item = &[u8]> {
    NlasIterator::new(attributes)
        .map_while(Result::ok)
        .filter(move |found: &NlaBuffer<&[u8]>| found.kind() == wanted)
        .map(|found| found.into_inner())
        .map(|whole| whole.get(4..length_of(whole)).unwrap_or_default())
}

/// A number in the byte order of the network.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn length_of(attribute: &[u8]) -> usize {
    attribute.first_chunk().map_or(0, |bytes| usize::from(u16::from_ne_bytes(*bytes)))
}
