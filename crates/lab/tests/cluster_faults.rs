//! Real daemons, real kernels and a real control plane, through every fault of the stage, judged by
//! the oracle. Tests that need the same cluster share it: one takes some seconds to start.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test cluster` builds and names it.

#[path = "cluster_faults/away.rs"]
mod away;
#[path = "cluster_faults/case.rs"]
mod case;
#[path = "cluster_faults/company.rs"]
mod company;
#[path = "cluster_faults/cut.rs"]
mod cut;
#[path = "cluster_faults/lost.rs"]
mod lost;
#[path = "cluster_faults/meddling.rs"]
mod meddling;
#[path = "cluster_faults/moments.rs"]
mod moments;
#[path = "cluster_faults/planned.rs"]
mod planned;
