//! What a client of an address sees: connections at a fixed period, gaps between answers, figures,
//! and timelines for people. The lab and `kube-vip failover-test` measure with it alike.

pub mod clock;
pub mod connect;
pub mod drawing;
pub mod figures;
pub mod gaps;
