//! What the segment sees of an address that is held: all layers together, and each alone.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use kube_vip::drivers::kernel::{Kernel, Layers};
use kube_vip_core::address::LinkName;
use kube_vip_core::event::{Effect, Event, Fence, Held, Snapshot, Voice};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::sleep;

use crate::announcing::{frames, mac};
use crate::driver_thread::Halt;
use crate::neighbour::Neighbour;
use crate::others::Other;
use crate::seeing::{FILTERING, files, inodes};
use crate::world::{
    FAR, NEAR, OTHER_VIP, Switch, VIP, World, has, in_a_world, is_up, replace_file, vip,
};

const LONG: Duration = Duration::from_secs(60);

/// The plan's election, as the table's name has it.
const TABLE: &str = "kube-vip-kube-system/plndr-cp-lock";

fn held(address: Ipv4Addr, prefix: u8, link: &str) -> Held {
    let link = LinkName::new(link).unwrap();
    Held { vip: vip(address, prefix), link, lifetime: None, voice: None }
}

/// What the fence lets the address do, on the plan's interface.
fn voice(seen: &Snapshot, address: Ipv4Addr) -> Option<Voice> {
    let here = |held: &&Held| held.vip.address() == address && held.link.as_str() == NEAR;
    seen.held.iter().find(here).and_then(|held| held.voice)
}

fn has_voice(address: Ipv4Addr, wanted: Voice) -> impl Fn(&Snapshot) -> bool {
    move |seen| voice(seen, address) == Some(wanted)
}

/// Holds the address for so long and waits until it is there with that voice.
async fn take(world: &mut World, kernel: &Kernel, wanted: Voice, rest: Duration) {
    kernel.hold(vip(VIP, 24), world.clock.now() + rest, wanted);
    world.sees("the voice", has_voice(VIP, wanted)).await;
}

/// A program that waits for packets to the address, which must be there.
async fn program() -> UdpSocket {
    UdpSocket::bind((IpAddr::V4(VIP), 0)).await.expect("the address is here")
}

#[test]
fn the_kernel_has_a_fence_and_says_so() {
    in_a_world(|mut world| async move {
        let _kernel = world.kernel();
        let Some(Event::Kernel(first)) = world.event().await else { panic!("no snapshot") };
        assert_eq!(first.fence, Fence::Ready);
    });
}

#[test]
fn a_voice_is_as_it_was_told() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        let program = program().await;
        assert!(neighbour.finds(VIP).await && neighbour.reaches(&program).await);
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        assert!(!neighbour.finds(VIP).await && neighbour.reaches(&program).await);
        take(&mut world, &kernel, Voice::Silent, LONG).await;
        assert!(!neighbour.finds(VIP).await && !neighbour.reaches(&program).await);
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        assert!(neighbour.finds(VIP).await && neighbour.reaches(&program).await);
        assert!(!neighbour.finds(OTHER_VIP).await, "nobody has that");
    });
}

#[test]
fn dropping_leaves_nothing_behind() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel_with(Layers::Unprotected);
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        kernel.drop(held(VIP, 24, NEAR));
        world.sees("nothing", |seen| seen.held.is_empty()).await;
        assert!(!neighbour.finds(VIP).await);
        let gone = Other::start().delete_table(TABLE).expect_err("the table went with it");
        assert_eq!(gone.raw_os_error(), Some(libc::ENOENT), "{gone}");
        // And no rule is in the way of whoever adds the address now.
        world.add(NEAR, VIP, 24).await;
        assert!(neighbour.finds(VIP).await);
    });
}

#[test]
fn dropping_resets_the_connections_that_end_there() {
    in_a_world(|mut world| async move {
        world.turn("lo", Switch::On).await;
        let kernel = world.kernel();
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        for anywhere in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let server = TcpListener::bind((anywhere, 0)).await.expect("a port");
            let port = server.local_addr().unwrap().port();
            let connect = async || {
                let client = TcpStream::connect((VIP, port)).await.expect("the address is here");
                (client, server.accept().await.expect("a client"))
            };
            let (mut client, (mut accepted, _)) = connect().await;
            kernel.drop(held(VIP, 24, NEAR));
            world.sees("nothing", |seen| seen.held.is_empty()).await;
            // Both ends are here, and which one is destroyed first resets the other.
            let kinds = [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];
            for end in [&mut accepted, &mut client] {
                let error = end.read_u8().await.expect_err("the connection was destroyed");
                assert!(kinds.contains(&error.kind()), "{error}");
            }
            take(&mut world, &kernel, Voice::Answering, LONG).await;
            connect().await;
        }
    });
}

/// Nobody renews; asks all the time, and whoever asked after the end got no answer.
async fn falls_silent_in_time(world: &mut World, layers: Layers, rest: Duration) {
    let kernel = world.kernel_with(layers);
    let neighbour = Neighbour::of(world).await;
    world.sees("the interface", |seen| seen.link.is_some()).await;
    let until = world.clock.now() + rest;
    kernel.hold(vip(VIP, 24), until, Voice::Answering);
    world.sees("the address", has(VIP)).await;
    assert!(neighbour.finds(VIP).await, "it never answered");
    while world.clock.now() < until {
        neighbour.finds(VIP).await;
    }
    for _ in 0..10 {
        assert!(!neighbour.finds(VIP).await, "it answers after the term");
    }
}

#[test]
fn lifetimes_alone_are_enough_in_seconds() {
    in_a_world(|mut world| async move {
        falls_silent_in_time(&mut world, Layers::Lifetimes, Duration::from_secs(3)).await;
        assert_eq!(world.addresses(VIP).await, []);
    });
}

#[test]
fn without_a_fence_everything_else_goes_on_and_it_is_said() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel_with(Layers::Lifetimes);
        kernel.hold(vip(VIP, 24), world.clock.now() + LONG, Voice::Answering);
        let seen = world.sees("the address", has(VIP)).await;
        assert!(matches!(seen.fence, Fence::Missing(_)), "{seen:?}");
        assert_eq!(voice(&seen, VIP), None);
        kernel.drop(held(VIP, 24, NEAR));
        world.sees("nothing", |seen| seen.held.is_empty()).await;
    });
}

#[test]
fn the_fence_alone_is_enough_in_milliseconds() {
    for rest in [800, 1700] {
        in_a_world(move |mut world| async move {
            falls_silent_in_time(&mut world, Layers::Fence, Duration::from_millis(rest)).await;
            let [message] = world.addresses(VIP).await.try_into().expect("the address is there");
            assert!(!message.attributes.is_empty());
        });
    }
}

#[test]
fn a_thread_that_stands_still_does_not_keep_the_address_speaking() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel_with(Layers::Fence);
        let neighbour = Neighbour::of(&world).await;
        let until = world.clock.now() + Duration::from_millis(1500);
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        world.sees("the voice", has_voice(VIP, Voice::Answering)).await;
        let halt = Halt::begin();
        // It was told to go on, and by the time it hears of that the term is over.
        kernel.hold(vip(VIP, 24), until, Voice::Answering);
        sleep(until.since(world.clock.now())).await;
        drop(halt);
        for _ in 0..5 {
            assert!(!neighbour.finds(VIP).await);
        }
        let (effect, cause) = world.refusal().await;
        assert!(matches!(effect, Effect::Hold { .. }), "{effect:?}");
        assert_eq!(cause, "the term ends too soon to give the address a voice within it");
    });
}

#[test]
fn what_is_to_go_again_never_speaks() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        world.sees("the interface", |seen| seen.link.is_some()).await;
        let halt = Halt::begin();
        kernel.hold(vip(VIP, 24), world.clock.now() + LONG, Voice::Answering);
        kernel.drop(held(VIP, 24, NEAR));
        drop(halt);
        loop {
            let Some(Event::Kernel(seen)) = world.event().await else { panic!("refused") };
            assert!(matches!(voice(&seen, VIP), None | Some(Voice::Silent)), "{seen:?}");
            if seen.carried_out == 2 {
                assert_eq!(seen.held, []);
                break;
            }
        }
    });
}

#[test]
fn removing_a_form_that_is_not_planned_leaves_the_planned_one_its_voice() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        world.add("lo", VIP, 32).await;
        world.sees("both", |seen| seen.held.len() == 2).await;
        kernel.drop(held(VIP, 32, "lo"));
        let seen = world.sees("one", |seen| seen.held.len() == 1).await;
        assert_eq!(voice(&seen, VIP), Some(Voice::Answering));
        assert!(neighbour.finds(VIP).await);
    });
}

#[test]
fn what_others_left_is_silenced_until_its_last_form_is_gone() {
    in_a_world(|mut world| async move {
        world.add(NEAR, VIP, 24).await;
        world.add(NEAR, VIP, 16).await;
        let kernel = world.kernel();
        let neighbour = Neighbour::of(&world).await;
        world.sees("both", |seen| seen.held.len() == 2).await;
        assert!(neighbour.finds(VIP).await, "nothing fences what nobody here knows of");
        kernel.drop(held(VIP, 24, NEAR));
        let seen = world.sees("one", |seen| seen.held.len() == 1).await;
        assert_eq!(voice(&seen, VIP), Some(Voice::Silent));
        assert!(!neighbour.finds(VIP).await);
        kernel.drop(held(VIP, 16, NEAR));
        world.sees("none", |seen| seen.held.is_empty()).await;
    });
}

#[test]
fn a_successor_on_this_host_finds_the_voice_as_it_was() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        drop(kernel);
        while world.event().await.is_some() {}
        assert!(neighbour.finds(VIP).await);
        let kernel = world.kernel();
        let Some(Event::Kernel(first)) = world.event().await else { panic!("no snapshot") };
        assert_eq!(voice(&first, VIP), Some(Voice::Answering));
        assert!(neighbour.finds(VIP).await);
        kernel.drop(held(VIP, 24, NEAR));
        world.sees("nothing", |seen| seen.held.is_empty()).await;
    });
}

#[test]
fn a_fence_that_others_removed_is_missed_at_once_and_put_back_by_the_next_order() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel_with(Layers::Unprotected);
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        for _ in 0..3 {
            Other::start().flush_ruleset();
            world.sees("its absence", |seen| has(VIP)(seen) && voice(seen, VIP).is_none()).await;
            assert!(neighbour.finds(VIP).await, "nothing fences it");
            take(&mut world, &kernel, Voice::Accepting, LONG).await;
            assert!(!neighbour.finds(VIP).await);
        }
    });
}

#[test]
fn a_fence_of_ours_is_not_for_others_to_remove() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        let mut other = Other::start();
        other.flush_ruleset();
        other.delete_table(TABLE).expect_err("it is ours");
        assert!(!Neighbour::of(&world).await.finds(VIP).await);
    });
}

#[test]
fn a_broken_connection_to_the_fence_is_made_anew() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let neighbour = Neighbour::of(&world).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        for file in files(&inodes(FILTERING)) {
            replace_file(file);
        }
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        assert!(!neighbour.finds(VIP).await);
        for file in files(&inodes(FILTERING)) {
            replace_file(file);
        }
        // Nobody but the kernel driver's own look notices.
        world.add(FAR, OTHER_VIP, 32).await;
        let lost = |seen: &Snapshot| matches!(seen.fence, Fence::Missing(_));
        world.sees("the loss", lost).await;
        take(&mut world, &kernel, Voice::Silent, LONG).await;
        kernel.drop(held(VIP, 24, NEAR));
        let seen = world.sees("it gone", |seen| !has(VIP)(seen)).await;
        assert_eq!(seen.fence, Fence::Ready);
    });
}

#[test]
fn an_interface_that_was_made_anew_is_fenced() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        world.pull_out().await;
        world.sees("nothing", |seen| seen.link.is_none() && seen.held.is_empty()).await;
        world.plug_in().await;
        world.sees("the interface", is_up).await;
        take(&mut world, &kernel, Voice::Accepting, LONG).await;
        let neighbour = Neighbour::of(&world).await;
        assert!(!neighbour.finds(VIP).await);
        take(&mut world, &kernel, Voice::Answering, LONG).await;
        assert!(neighbour.finds(VIP).await);
    });
}

#[test]
fn an_interface_that_comes_later_is_fenced() {
    in_a_world(|mut world| async move {
        world.pull_out().await;
        let kernel = world.kernel();
        let Some(Event::Kernel(first)) = world.event().await else { panic!("no snapshot") };
        assert_eq!((first.link, first.fence), (None, Fence::Unknown));
        world.plug_in().await;
        world.sees("a fence", |seen| seen.fence == Fence::Ready).await;
        take(&mut world, &kernel, Voice::Answering, LONG).await;
    });
}

#[test]
fn an_announcement_that_the_fence_drops_is_told_once() {
    in_a_world(|mut world| async move {
        let kernel = world.kernel();
        let (frames, mut refusals) = frames(&world);
        let mac = mac(&world, NEAR).await;
        for _ in 0..2 {
            take(&mut world, &kernel, Voice::Accepting, LONG).await;
            for _ in 0..3 {
                assert!(!frames.announce(VIP.into(), mac));
            }
            let Ok(Event::Refused { effect, cause }) = refusals.try_recv() else {
                panic!("it is not told");
            };
            assert_eq!(effect, Effect::Announce { address: VIP.into(), mac });
            assert_eq!(cause, "the fence or a full queue dropped the announcement on end0");
            assert!(refusals.try_recv().is_err(), "once is enough");
            take(&mut world, &kernel, Voice::Answering, LONG).await;
            assert!(frames.announce(VIP.into(), mac));
        }
    });
}
