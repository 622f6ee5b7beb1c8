//! Refreshing while another program changes all that it has, again and again: the kernel lets only
//! one at a time change anything.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kube_vip::drivers::kernel::fence::Voice;

use crate::others::Other;
use crate::world::{OWN, VIP, World, figure, in_a_world, is_answer};

const SERVICES: u32 = 5000;
const TERM: Duration = Duration::from_secs(5);
const FOR: Duration = Duration::from_secs(6);

/// How long the calls took, in order.
struct Times(Vec<Duration>);

impl Times {
    fn tell(&mut self, what: &str) {
        self.0.sort_unstable();
        let [median, most] = [self.0[self.0.len() / 2], self.0[self.0.len() - 1]];
        figure(format_args!("{} {what}: median {median:?}, longest {most:?}", self.0.len()));
    }
}

#[test]
fn other_programs_changes_do_not_keep_a_refresh_from_being_in_time() {
    in_a_world(|world| {
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            let load = scope.spawn(|| {
                let (mut other, mut times) = (Other::start(), Times(Vec::new()));
                let services = other.services(SERVICES);
                while !ends.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    other.send(&services).expect("root may, with so large a buffer");
                    times.0.push(start.elapsed());
                }
                times
            });
            let refreshed = refresh(&world);
            ends.store(true, Ordering::Relaxed);
            load.join().expect("the other program works").tell("replacements of 5000 services");
            refreshed.expect("every refresh is in time");
        });
    });
}

/// Refreshes for a while. None: one came after the end of the term before.
fn refresh(world: &World) -> Option<()> {
    let mut fence = world.fence();
    fence.prepare(VIP.into(), Some(OWN.into()), TERM).expect("the kernel can");
    world.add(VIP, 24);
    let (tries, mut times) = (AtomicU32::new(0), Times(Vec::new()));
    let (start, mut end) = (Instant::now(), None);
    while start.elapsed() < FOR {
        let grant = world.grant(Voice::Answering, TERM);
        let now = || {
            tries.fetch_add(1, Ordering::Relaxed);
            world.clock.now()
        };
        let began = Instant::now();
        fence.set(grant, now).expect("it is in time");
        times.0.push(began.elapsed());
        if end.is_some_and(|end| world.clock.now() >= end) {
            return None;
        }
        end = Some(grant.until);
        world.forget();
        world.ask(VIP);
        world.hears(|packet| is_answer(packet, VIP))?;
        thread::sleep(Duration::from_millis(7));
    }
    figure(format_args!("{} tries for", tries.into_inner()));
    times.tell("refreshes under load");
    Some(())
}
