//! The kernel keeps an address as long as it was told to.

use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::event::Voice;

use super::{Kernel, Nic, Ward};

fn vip() -> Vip {
    Vip::new([192, 0, 2, 10].into(), 32).expect("a unicast address")
}

#[test]
fn a_refresh_voids_the_eviction_before_it() {
    let mut kernel = Kernel::default();
    let first = kernel.hold(vip(), Some(Duration::from_secs(4)));
    let second = kernel.hold(vip(), Some(Duration::from_secs(8)));
    assert!(!kernel.evict(first));
    assert!(kernel.has(vip()));
    assert!(kernel.evict(second));
    assert!(!kernel.has(vip()));
    assert!(!kernel.evict(second));
}

#[test]
fn one_address_does_not_touch_the_other() {
    let other = Vip::new([192, 0, 2, 11].into(), 32).expect("a unicast address");
    let mut kernel = Kernel::default();
    let first = kernel.hold(vip(), None);
    kernel.hold(other, None);
    assert!(kernel.evict(first));
    assert!(kernel.has(other));
    kernel.remove(vip());
    assert!(kernel.has(other));
    kernel.clear();
    assert!(!kernel.has(other));
}

#[test]
fn a_snapshot_shows_the_lifetime_in_whole_seconds() {
    let nic = Nic {
        name: LinkName::new("eth0").expect("a name"),
        mac: Mac::ZERO,
        up: true,
        addresses: vec![[192, 0, 2, 101].into()],
        gateways: Vec::new(),
        fence: true,
    };
    let mut kernel = Kernel::default();
    assert!(kernel.snapshot(Duration::ZERO, &nic, 0).held.is_empty());
    kernel.hold(vip(), Some(Duration::from_secs(4)));
    let held = kernel.snapshot(Duration::from_millis(1500), &nic, 0).held;
    assert_eq!(held[0].lifetime, Some(Duration::from_secs(2)));
    kernel.hold(vip(), None);
    assert_eq!(kernel.snapshot(Duration::ZERO, &nic, 0).held[0].lifetime, None);
}

#[test]
fn a_fence_ends_by_itself_and_is_inert_after_its_guard() {
    let at = Duration::from_secs;
    let mut kernel = Kernel::default();
    kernel.hold(vip(), None);
    assert!(kernel.answers(vip(), at(0)), "nothing fences it");
    kernel.ward(vip(), Ward { guard: at(9), accepting: at(5), answering: at(4) });
    assert_eq!(kernel.voice(vip(), at(3)), Some(Voice::Answering));
    assert_eq!(kernel.voice(vip(), at(4)), Some(Voice::Accepting));
    assert_eq!(kernel.voice(vip(), at(5)), Some(Voice::Silent));
    assert!(!kernel.answers(vip(), at(8)));
    assert!(kernel.answers(vip(), at(9)));
    kernel.ward(vip(), Ward { guard: at(9), accepting: at(5), answering: at(4) });
    kernel.silence(vip(), at(9));
    assert_eq!(kernel.voice(vip(), at(3)), Some(Voice::Silent));
    kernel.release(vip());
    assert!(kernel.answers(vip(), at(3)));
}
