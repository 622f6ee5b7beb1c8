//! The fence on the real kernel, each test in a network namespace of its own.

#[path = "kernel_fence/ipv6.rs"]
mod ipv6;
#[path = "kernel_fence/lasting.rs"]
mod lasting;
#[path = "kernel_fence/load.rs"]
mod load;
#[expect(dead_code, reason = "the drivers' tests need more of it")]
#[path = "kernel_fence/others.rs"]
mod others;
#[path = "kernel_fence/passing.rs"]
mod passing;
#[path = "kernel_fence/sockets.rs"]
mod sockets;
#[path = "kernel_fence/speaking.rs"]
mod speaking;
#[path = "kernel_fence/world.rs"]
mod world;
