//! The built program, with a command line and an environment.

use std::process::{Command, Output};

/// What comes of it, when it has ended.
///
/// # Panics
/// If it cannot be started.
pub(crate) fn run(args: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kube-vip"))
        .args(args)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the built program can be started")
}
