//! The shipped state machine in a model checker: three nodes, one store, and every way in which
//! so many faults can strike them. Two nodes never answer at once, and from every end there is one
//! again.
//!
//! `KUBE_VIP_MODEL_FAULTS` says how many faults, `KUBE_VIP_MODEL_SECONDS` for how long they may
//! strike. What is explored, and what is not: `docs/explain/model.md`.

mod clock;
mod host;
mod kernel;
mod model;
mod moves;
mod run;
mod store;
mod story;
mod system;
