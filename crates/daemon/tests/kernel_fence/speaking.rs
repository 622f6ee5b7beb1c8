//! What an address may say, and until when.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use kube_vip::drivers::kernel::fence::{FenceError, Voice};

use crate::world::{OWN, VIP, World, figure, in_a_world, is_answer};

const SECOND: Duration = Duration::from_secs(1);

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_address_answers_only_while_it_may() {
    in_a_world(|world| {
        let mut fence = world.fence();
        fence.prepare(VIP, Some(OWN), 5 * SECOND).expect("the kernel can");
        world.add(VIP, 24);
        assert!(!world.answers(VIP), "it was only prepared");
        assert!(world.answers(OWN), "nobody fenced this one");

        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(!world.answers(VIP), "it only accepts");
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert!(world.answers(VIP));
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::from([(VIP, Voice::Answering)]));
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(!world.answers(VIP), "it only accepts again");
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::from([(VIP, Voice::Accepting)]));

        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        fence.silence(VIP).expect("the kernel can");
        assert!(!world.answers(VIP), "it was silenced");
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::from([(VIP, Voice::Silent)]));
        fence.release(VIP).expect("the kernel can");
        assert!(world.answers(VIP), "nothing fences it any more");
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::new());
    });
}

/// Asks all the time, from half a second before the end of a term until after it. Returns by how
/// much the last answer came before the end.
fn last_answer_before(world: &World, until: kube_vip_core::moment::Moment) -> Option<Duration> {
    let mut last = None;
    while world.clock.now() < until + milliseconds(100) {
        world.ask(VIP);
        while let Some(packet) = world.heard() {
            if is_answer(&packet, VIP) {
                last = Some(until.since(world.clock.now()));
            }
        }
        sleep(Duration::from_micros(300));
    }
    last
}

#[test]
fn it_falls_silent_by_itself_at_the_end_of_the_term() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        for _ in 0..5 {
            let grant = world.grant(Voice::Answering, milliseconds(400));
            fence.set(grant, || world.clock.now()).expect("the kernel can");
            let early = last_answer_before(&world, grant.until).expect("it answered");
            figure(format_args!("silent {early:?} before the end"));
            assert!(early > Duration::ZERO, "it answered after the end of the term");
            assert!(early < milliseconds(60), "silent {early:?} before the end");
        }
    });
}

#[test]
fn what_is_granted_again_in_time_never_falls_silent() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        for _ in 0..200 {
            world.set(&mut fence, Voice::Answering, milliseconds(100));
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
        world.set(&mut fence, Voice::Answering, milliseconds(200));
        // Each time the process is stopped between reading the clock and telling the kernel.
        let grant = world.grant(Voice::Answering, SECOND);
        let stopped = || {
            let now = world.clock.now();
            sleep(milliseconds(300));
            now
        };
        let refusal = fence.set(grant, stopped).expect_err("it came too late");
        assert!(matches!(refusal, FenceError::Over | FenceError::Late), "{refusal}");
        assert!(!world.answers(VIP), "the first term is over");
        assert_eq!(fence.voices().expect("it tells"), BTreeMap::from([(VIP, Voice::Silent)]));
    });
}

#[test]
fn one_that_was_held_up_once_is_granted_with_what_is_left() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        let grant = world.grant(Voice::Answering, milliseconds(500));
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
        let early = last_answer_before(&world, grant.until).expect("it answered");
        assert!(early > Duration::ZERO, "it answered after the end of the term");
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
