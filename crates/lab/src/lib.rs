//! Two worlds, one oracle: nodes against each other, simulated and on real kernels.

pub mod api;
pub mod bench;
pub mod client;
pub mod cluster;
pub mod demo;
pub mod interrupt;
pub mod net;
pub mod operations;
pub mod oracle;
pub mod pki;
pub mod recorder;
pub mod replay;
pub mod report;
pub mod sim;
pub mod stage;
pub mod sys;
pub mod timeline;
