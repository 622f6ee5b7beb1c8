//! kube-vip: keeps a Kubernetes API endpoint reachable at one address.
//!
//! A library only so that tests and goldens reach the settings; the program is `main.rs`.

pub mod blackbox;
pub mod cli;
pub mod clock;
pub mod drivers;
pub mod instance;
pub mod logging;
pub mod manifest;
pub mod metrics;
pub mod published;
pub mod resolve;
pub mod run;
pub mod serve;
pub mod settings;
pub mod sys;
