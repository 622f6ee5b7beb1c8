//! What an address may say, and until when.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kube_vip::drivers::kernel::fence::{Fence, FenceError, Voice};
use kube_vip::drivers::kernel::sockets::Sockets;
use kube_vip::sys::caps::keep_only_network;
use kube_vip_core::address::LinkName;
use kube_vip_core::moment::Moment;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use crate::world::{ELECTION, NEAR, OWN, VIP, World, figure, in_a_world, is_answer};

const SECOND: Duration = Duration::from_secs(1);

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_address_answers_only_while_it_may() {
    in_a_world(|world| {
        let mut fence = world.fence();
        fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND).expect("the kernel can");
        world.add(VIP, 24);
        assert!(!world.answers(VIP), "it was only prepared");
        assert!(world.answers(OWN), "nobody fenced this one");

        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(!world.answers(VIP), "it only accepts");
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert!(world.answers(VIP));
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Answering)])
        );
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(!world.answers(VIP), "it only accepts again");
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Accepting)])
        );

        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        fence.silence(VIP.into()).expect("the kernel can");
        assert!(!world.answers(VIP), "it was silenced");
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Silent)])
        );
        fence.release(VIP.into()).expect("the kernel can");
        assert!(world.answers(VIP), "nothing fences it any more");
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::new());
    });
}

/// Asks all the time until after the end of a term. Returns by how much the last question that was
/// answered came before the end; none: it came after it, or there was none.
fn last_answer_before(world: &World, until: Moment) -> Option<Duration> {
    let mut last = None;
    while world.clock.now() < until + milliseconds(100) {
        let asked = world.clock.now();
        world.ask(VIP);
        while let Some(packet) = world.heard() {
            if is_answer(&packet, VIP) {
                last = Some(asked);
            }
        }
        sleep(Duration::from_micros(300));
    }
    last.map(|last| until.since(last)).filter(|before| *before > Duration::ZERO)
}

#[test]
fn it_falls_silent_by_itself_at_the_end_of_the_term() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        for _ in 0..5 {
            let grant = world.grant(Voice::Answering, milliseconds(400));
            fence.set(grant, || world.clock.now()).expect("the kernel can");
            let before = last_answer_before(&world, grant.until);
            let before = before.expect("it answers until the end of the term");
            figure(format_args!("silent {before:?} before the end"));
        }
    });
}

#[test]
fn what_is_granted_again_in_time_never_falls_silent() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        for _ in 0..200 {
            world.set(&mut fence, Voice::Answering, 5 * SECOND);
            for _ in 0..5 {
                world.forget();
                world.ask(VIP);
                assert!(world.hears(|packet| is_answer(packet, VIP)).is_some());
            }
        }
    });
}

#[test]
fn a_grant_that_was_held_up_is_refused_and_revives_nothing() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        fence.prepare(VIP.into(), Some(OWN.into()), 20 * SECOND).expect("the kernel can");
        world.set(&mut fence, Voice::Answering, milliseconds(200));
        // Each time the process is stopped between reading the clock and telling the kernel.
        let grant = world.grant(Voice::Answering, SECOND);
        let stopped = || {
            let now = world.clock.now();
            sleep(milliseconds(300));
            now
        };
        let refusal = fence.set(grant, stopped).expect_err("it came too late");
        assert!(matches!(refusal, FenceError::Late), "{refusal}");
        assert!(!world.answers(VIP), "the first term is over");
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Silent)])
        );
    });
}

#[test]
fn one_that_was_held_up_once_is_granted_with_what_is_left() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        let grant = world.grant(Voice::Answering, 2 * SECOND);
        let calls = std::cell::Cell::new(0);
        let stopped_once = || {
            let now = world.clock.now();
            if calls.replace(calls.get() + 1) == 0 {
                sleep(milliseconds(200));
            }
            now
        };
        fence.set(grant, stopped_once).expect("the second time is in time");
        assert_eq!(calls.get(), 2);
        let before = last_answer_before(&world, grant.until);
        assert!(before.is_some(), "it does not answer until the end of the term");
    });
}

#[test]
fn a_term_that_is_over_grants_nothing() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        let over = world.grant(Voice::Answering, milliseconds(5));
        let refusal = fence.set(over, || world.clock.now()).expect_err("it is over");
        assert!(matches!(refusal, FenceError::Over), "{refusal}");
    });
}

#[test]
fn two_capabilities_are_enough() {
    in_a_world(|world| {
        world.add(VIP, 24);
        keep_only_network().expect("root may give up privileges");
        let mut fence = world.fence();
        world.set(&mut fence, Voice::Accepting, SECOND);
        assert!(!world.answers(VIP));
        assert_eq!(Sockets::open().expect("it can").destroy(VIP.into()).expect("it can"), 0);
    });
}

#[test]
fn without_them_it_is_said_who_refused_what() {
    in_a_world(|_world| {
        set_capabilities(
            None,
            CapabilitySets {
                effective: CapabilitySet::empty(),
                permitted: CapabilitySet::empty(),
                inheritable: CapabilitySet::empty(),
            },
        )
        .expect("anybody may give up privileges");
        let link = LinkName::new(NEAR).expect("a name");
        let refusal = Fence::open(ELECTION, &link).expect_err("it is not allowed").to_string();
        let expected = "cannot talk to the kernel's nftables: Operation not permitted";
        assert!(refusal.starts_with(expected), "{refusal}");
    });
}

#[test]
fn how_long_each_step_takes_when_nobody_else_changes_anything() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        let mut times = BTreeMap::from(STEPS.map(|step| (step, Vec::new())));
        for _ in 0..50 {
            let mut step = |name, step: &mut dyn FnMut() -> Result<(), FenceError>| {
                let start = Instant::now();
                step().expect("the kernel can");
                times.get_mut(name).expect("it is one of these").push(start.elapsed());
            };
            step(STEPS[0], &mut || fence.prepare(VIP.into(), Some(OWN.into()), 5 * SECOND));
            let grant = world.grant(Voice::Answering, 5 * SECOND);
            for name in [STEPS[1], STEPS[2]] {
                step(name, &mut || fence.set(grant, || world.clock.now()));
            }
            step(STEPS[3], &mut || fence.voices().map(drop));
            step(STEPS[4], &mut || fence.silence(VIP.into()));
            step(STEPS[5], &mut || fence.release(VIP.into()));
        }
        for (step, mut took) in times {
            took.sort_unstable();
            figure(format_args!("{step}: median {:?}, longest {:?}", took[25], took[49]));
        }
    });
}

const STEPS: [&str; 6] = ["prepare", "set", "set again", "voices", "silence", "release"];
