//! How fast the kernel's timers go, and whether its clock is kept true.
#![expect(unsafe_code, reason = "adjtimex(2) fills in a C struct")]

use std::mem;

/// The slowest that anybody can have the clock go (`ntp_validate_timex` in kernel/time/ntp.c):
/// nine tenths, less 500 millionths.
const SLOWEST: f64 = 0.8995;

/// What `tick` is, in microseconds, where nobody has changed it: it comes a hundred times a second.
const USUAL_TICK: f64 = 10_000.0;

/// `freq` counts millionths in steps of this part.
const FREQUENCY_STEPS: f64 = 65_536.0;

/// How fast CLOCK_MONOTONIC and with it every timeout of the kernel goes at present, as a part of
/// CLOCK_MONOTONIC_RAW: below 1 while a time daemon slows the clock down (chrony by up to a
/// twelfth), which makes timeouts last longer. What it will be later nobody knows.
///
/// Where the kernel does not tell: the slowest there can be.
#[must_use]
pub fn timer_rate() -> f64 {
    timex().map_or(SLOWEST, |timex| rate(timex.tick, timex.freq))
}

/// Whether a time daemon keeps the clock true (adjtimex(2), `STA_UNSYNC`); none: the kernel does
/// not tell.
#[must_use]
pub fn synchronised() -> Option<bool> {
    timex().map(|timex| timex.status & libc::STA_UNSYNC == 0)
}

fn timex() -> Option<libc::timex> {
    // SAFETY: timex has only numbers, which may be zero.
    let mut timex: libc::timex = unsafe { mem::zeroed() };
    // SAFETY: modes is 0, so the kernel only fills in the struct, which is valid for writing.
    let told = unsafe { libc::adjtimex(&raw mut timex) } != -1;
    told.then_some(timex)
}

#[expect(clippy::cast_precision_loss, reason = "both have 26 bits at most")]
fn rate(tick: libc::c_long, frequency: libc::c_long) -> f64 {
    tick as f64 / USUAL_TICK + frequency as f64 / FREQUENCY_STEPS / 1e6
}

#[cfg(test)]
mod tests;
