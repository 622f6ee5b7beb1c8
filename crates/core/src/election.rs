//! Where terms come from: so far from a Kubernetes Lease.
//!
//! A term comes only from our own acknowledged write, counted from the moment we asked. Reading
//! never entitles. Conflict never disentitles: it makes us read.

mod api;
mod lease;
mod manners;
mod sight;
mod writes;

pub use lease::{Elector, Message, Wish};
pub use manners::Standing;
pub use sight::Sight;
