//! The lease driver against servers that answer as told.

#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a helper that fails fails its test"
)]

mod api;
mod candidates;
mod cluster;
mod credentials;
mod elsewhere;
mod events;
mod health;
mod labels;
mod moving;
mod node;
mod requests;
mod scripted;
mod server;
mod support;
mod tls;
mod watch;
