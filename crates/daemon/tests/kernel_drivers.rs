//! The drivers on the real kernel, each test in a network namespace of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kernel_drivers/announcing.rs"]
mod announcing;
#[path = "kernel_drivers/driver_thread.rs"]
mod driver_thread;
#[path = "kernel_drivers/fenced.rs"]
mod fenced;
#[path = "kernel_drivers/hearing.rs"]
mod hearing;
#[path = "kernel_drivers/holding.rs"]
mod holding;
#[path = "kernel_drivers/ipv6.rs"]
mod ipv6;
#[path = "kernel_drivers/leftovers.rs"]
mod leftovers;
#[path = "kernel_drivers/neighbour.rs"]
mod neighbour;
#[path = "kernel_drivers/process.rs"]
mod process;
#[path = "kernel_drivers/seeing.rs"]
mod seeing;
#[path = "kernel_drivers/world.rs"]
mod world;

#[expect(dead_code, reason = "the fence's own tests need more of it")]
#[path = "kernel_fence/others.rs"]
mod others;
