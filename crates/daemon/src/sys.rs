//! The only unsafe code of the daemon: sockets, privileges and the rate of timers.

pub mod caps;
pub mod packet;
pub mod timex;
