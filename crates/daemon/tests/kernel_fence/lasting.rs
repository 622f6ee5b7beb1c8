//! What becomes of the fence when others change things, and when its process ends.

use std::collections::BTreeMap;
use std::io;
use std::thread::sleep;
use std::time::Duration;

use kube_vip::drivers::kernel::fence::{Fence, FenceError, Grant, Protection, Voice};
use kube_vip_core::address::LinkName;

use crate::others::Other;
use crate::world::{ELECTION, FAR, NEAR, OTHER_VIP, OWN, VIP, in_a_world};

const SECOND: Duration = Duration::from_secs(1);

fn near() -> LinkName {
    LinkName::new(NEAR).expect("a name")
}

#[test]
fn others_cannot_remove_the_table_while_the_process_lives() {
    in_a_world(|world| {
        let mut fence = world.fence();
        assert_eq!(fence.protection(), Protection::Owned, "this kernel is older than Linux 6.9");
        world.add(VIP, 24);
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        let mut other = Other::start();
        other.flush_ruleset();
        let refusal = other.delete_table(fence.table()).expect_err("it is not theirs");
        assert_eq!(refusal.kind(), io::ErrorKind::PermissionDenied, "{refusal}");
        assert!(!world.answers(VIP));
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Accepting)])
        );
    });
}

#[test]
fn where_they_can_it_shows_and_the_next_call_puts_it_back() {
    in_a_world(|world| {
        let mut fence = Fence::open_with(ELECTION, &near(), Protection::None).expect("it can");
        world.add(VIP, 24);
        for call in ["set", "prepare", "silence"] {
            world.set(&mut fence, Voice::Accepting, 5 * SECOND);
            assert!(!world.answers(VIP));
            Other::start().flush_ruleset();
            assert_eq!(fence.voices().expect("it tells"), BTreeMap::new());
            assert!(world.answers(VIP), "nothing fences it");
            let called = match call {
                "set" => fence.set(world.grant(Voice::Accepting, 5 * SECOND), || world.clock.now()),
                "prepare" => fence.prepare(VIP.into(), Some(OWN.into()), SECOND),
                _ => fence.silence(VIP.into()),
            };
            called.expect("the kernel can");
            assert!(!world.answers(VIP), "{call} fences it again");
        }
    });
}

#[test]
fn an_interface_that_was_made_anew_is_fenced() {
    in_a_world(|mut world| {
        let mut fence = world.fence();
        world.set(&mut fence, Voice::Accepting, 20 * SECOND);
        world.pull_out();
        world.plug_in();
        fence.prepare(VIP.into(), Some(OWN.into()), SECOND).expect("the kernel can");
        world.add(VIP, 24);
        assert!(!world.answers(VIP));
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        assert!(world.answers(VIP));
    });
}

#[test]
fn without_the_process_the_voice_ends_with_its_term_and_the_fence_after_it() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        world.set(&mut fence, Voice::Answering, SECOND);
        drop(fence);
        assert!(world.answers(VIP), "the term is not over");
        sleep(SECOND);
        assert!(!world.answers(VIP), "the term is over");
        sleep(Duration::from_millis(1500));
        assert!(world.answers(VIP), "the rules are inert");
    });
}

#[test]
fn a_successor_takes_the_table_over_as_it_is() {
    in_a_world(|world| {
        let mut fence = world.fence();
        world.add(VIP, 24);
        world.set(&mut fence, Voice::Answering, SECOND);
        drop(fence);
        let mut fence = world.fence();
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Answering)])
        );
        assert!(world.answers(VIP));
        Other::start().flush_ruleset();
        sleep(SECOND);
        assert!(!world.answers(VIP), "the predecessor's term is over");
        world.set(&mut fence, Voice::Answering, SECOND);
        assert!(world.answers(VIP));
    });
}

#[test]
fn a_successor_sweeps_what_is_not_configured() {
    in_a_world(|world| {
        let mut fence = world.fence();
        fence.prepare(VIP.into(), Some(OWN.into()), 20 * SECOND).expect("the kernel can");
        fence.prepare(OTHER_VIP.into(), Some(OWN.into()), 20 * SECOND).expect("the kernel can");
        drop(fence);
        let mut fence = world.fence();
        fence.sweep(&[VIP.into()]).expect("the kernel can");
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Silent)])
        );
        let name = fence.table().to_owned();
        fence.sweep(&[]).expect("the kernel can");
        drop(fence);
        let refusal = Other::start().delete_table(&name).expect_err("it is gone");
        assert_eq!(refusal.kind(), io::ErrorKind::NotFound, "{refusal}");
    });
}

#[test]
fn two_elections_do_not_touch_each_other() {
    in_a_world(|world| {
        let mut fence = world.fence();
        let mut other = Fence::open("default/other", &near()).expect("the kernel can");
        world.add(VIP, 24);
        world.add(OTHER_VIP, 24);
        world.set(&mut fence, Voice::Answering, 5 * SECOND);
        let grant =
            Grant { address: OTHER_VIP.into(), ..world.grant(Voice::Accepting, 5 * SECOND) };
        other.set(grant, || world.clock.now()).expect("the kernel can");
        assert!(world.answers(VIP) && !world.answers(OTHER_VIP));
        fence.silence(VIP.into()).expect("the kernel can");
        other.release(OTHER_VIP.into()).expect("the kernel can");
        assert!(!world.answers(VIP) && world.answers(OTHER_VIP));
    });
}

#[test]
fn a_table_of_another_make_is_replaced() {
    in_a_world(|world| {
        let name = world.fence().table().to_owned();
        Other::start().add_table(&name);
        let mut fence = world.fence();
        world.add(VIP, 24);
        world.set(&mut fence, Voice::Accepting, 5 * SECOND);
        assert!(!world.answers(VIP));
    });
}

#[test]
fn a_table_that_stood_on_another_interface_moves() {
    in_a_world(|world| {
        let far = LinkName::new(FAR).expect("a name");
        let mut fence = Fence::open(ELECTION, &far).expect("the kernel can");
        fence.prepare(VIP.into(), Some(OWN.into()), 20 * SECOND).expect("the kernel can");
        world.add(VIP, 24);
        assert!(world.answers(VIP), "nothing stands at this interface");
        drop(fence);
        let mut fence = world.fence();
        assert!(!world.answers(VIP));
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Silent)])
        );
    });
}

#[test]
fn a_second_process_of_the_same_election_is_refused() {
    in_a_world(|world| {
        let mut fence = world.fence();
        fence.prepare(VIP.into(), Some(OWN.into()), 20 * SECOND).expect("the kernel can");
        let refusal = Fence::open(ELECTION, &near()).expect_err("the first one lives");
        assert!(matches!(&refusal, FenceError::Foreign(name) if name == fence.table()));
        assert_eq!(
            fence.voices().expect("it tells"),
            BTreeMap::from([(VIP.into(), Voice::Silent)])
        );
    });
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    in_a_world(|world| {
        world.pull_out();
        let nowhere = Fence::open(ELECTION, &near());
        // From Linux 6.16 on a chain waits for its interface.
        if let Err(refusal) = nowhere {
            assert_eq!(refusal.to_string(), "there is no interface end0");
        }
    });
}
