//! The kernel driver's thread, which may stand still for long: another program that holds the lock
//! of all network configuration stops it in the middle of a system call. Here a signal stops it.
#![expect(unsafe_code, reason = "a signal handler is set, and a signal sent to one thread")]

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use kube_vip::sys::caps::keep_only_network;
use kube_vip_core::event::Voice;
use rustix::process::getpid;
use rustix::thread::{CapabilitySet, gettid};
use tokio::time::{sleep, timeout};

use crate::world::{PATIENCE, VIP, has, in_a_world, vip};

/// The thread that a handler holds up; zero: none. One at a time is enough for all tests.
static HALTED: AtomicU32 = AtomicU32::new(0);

/// The thread that has arrived in the handler.
static STANDS: AtomicU32 = AtomicU32::new(0);

/// So long a halted thread stands still at most, in steps of a millisecond.
const LONGEST: u32 = 20_000;

/// Stands still while its thread is to be halted. It does what a signal handler may do only.
extern "C" fn stand_still(_: libc::c_int) {
    let this = gettid().as_raw_nonzero().get().unsigned_abs();
    STANDS.store(this, Ordering::SeqCst);
    for _ in 0..LONGEST {
        if HALTED.load(Ordering::SeqCst) != this {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The kernel driver's thread of this test: it stands still until this is dropped.
pub(crate) struct Halt(u32);

impl Halt {
    pub(crate) fn begin() -> Self {
        let id = driver_thread().expect("the driver runs");
        // SAFETY: the handler reads and writes atomics and sleeps, nothing else.
        let before = unsafe { libc::signal(libc::SIGUSR2, stand_still as *const () as usize) };
        assert_ne!(before, libc::SIG_ERR);
        while HALTED.compare_exchange(0, id, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        let (process, number) = (getpid().as_raw_nonzero().get(), i32::try_from(id));
        // SAFETY: a signal to a thread of this process, which has a handler for it.
        let sent = unsafe { libc::tgkill(process, number.expect("a thread"), libc::SIGUSR2) };
        assert_eq!(sent, 0);
        while STANDS.load(Ordering::SeqCst) != id {
            thread::sleep(Duration::from_millis(1));
        }
        Self(id)
    }
}

impl Drop for Halt {
    fn drop(&mut self) {
        let _ = STANDS.compare_exchange(self.0, 0, Ordering::SeqCst, Ordering::SeqCst);
        let _ = HALTED.compare_exchange(self.0, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// The thread of this name that is in this thread's network namespace: other tests have theirs.
fn driver_thread() -> Option<u32> {
    let here = fs::read_link("/proc/thread-self/ns/net").expect("proc is mounted");
    let tasks = fs::read_dir("/proc/self/task").expect("proc is mounted");
    tasks.filter_map(Result::ok).find_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let there = fs::read_link(task.path().join("ns/net")).ok()?;
        let found = name.trim() == "kernel" && there == here;
        found.then(|| task.file_name().to_str()?.parse().ok())?
    })
}

#[test]
fn a_kernel_that_does_not_answer_holds_nobody_up() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.sees("it", |_| true).await;
        let halt = Halt::begin();
        kernel.hold(vip(VIP, 24), world.clock.now() + Duration::from_secs(60), Voice::Answering);
        // What is left of the start may still be told.
        let waiting = world.sees("the address", has(VIP));
        assert!(timeout(Duration::from_millis(300), waiting).await.is_err());
        drop(halt);
        world.sees("the address", has(VIP)).await;
    });
}

#[test]
fn its_thread_has_the_same_privileges_and_ends_with_its_handle() {
    in_a_world(|mut world| async move {
        keep_only_network().expect("root may give up privileges");
        let kernel = world.kernel();
        world.sees("it", |_| true).await;
        let id = driver_thread().expect("a thread in this namespace");
        let status = fs::read_to_string(format!("/proc/self/task/{id}/status")).unwrap();
        let network = (CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW).bits();
        for (name, bits) in [("CapPrm", network), ("CapEff", network), ("CapBnd", network)] {
            assert!(status.contains(&format!("{name}:\t{bits:016x}\n")), "{status}");
        }
        assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
        drop(kernel);
        let ends = async {
            while driver_thread().is_some() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, ends).await.expect("the thread ends");
    });
}
