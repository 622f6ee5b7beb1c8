//! Who may hold an address, as a pure state machine.
//!
//! The data's path, in the order of the modules: a [`plan::Plan`] says what the operator wants; an
//! [`event::Event`] says what happened; [`facts`] are what this node believes of its host;
//! [`election`] turns answers of the API server into a [`status::Term`]; [`desired`] decides what
//! should be true here now; [`reconcile`] and [`announce`] say what to do about it; [`node::Node`]
//! composes them, and [`status::Status`] says why.
//!
//! Nothing in this crate knows a clock, socket, file, task or random number. Time is a
//! [`moment::Moment`] that the caller passes in.

#![forbid(unsafe_code)]

pub mod address;
pub mod announce;
pub mod candidates;
pub mod damping;
pub mod desired;
pub mod election;
pub mod event;
pub mod facts;
pub mod handover;
pub mod health;
pub mod holding_on;
pub mod jitter;
pub mod moment;
pub mod node;
pub mod plan;
pub mod probes;
pub mod quiet;
pub mod reconcile;
pub mod registration;
pub mod rivals;
pub mod segment;
pub mod status;
pub mod vigil;
pub mod wire;
