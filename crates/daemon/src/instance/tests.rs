//! Twins and predecessors, with real sockets of this network namespace.

use std::process;

use kube_vip_core::plan::Timings;
use tokio::runtime::Builder;
use tokio::task::yield_now;

use super::*;

/// An election of this test process alone.
fn election_of(test: &str) -> LeasePlan {
    let second = Duration::from_secs(1);
    LeasePlan {
        namespace: "test".to_owned(),
        name: format!("{test}-{}", process::id()),
        timings: Timings::new(second * 5, second * 3, second).expect("good times"),
    }
}

fn block_on<T>(what: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(what)
}

#[test]
fn a_twin_is_refused_and_named() {
    block_on(async {
        let plan = election_of("twin");
        let _first = Instance::claim(&plan, Duration::ZERO).await.expect("nobody else is here");
        for _ in 0..3 {
            let second = Instance::claim(&plan, Duration::ZERO).await;
            let text = second.expect_err("the first one has it").to_string();
            let whom = format!("the election test/{} runs on this host already", plan.name);
            assert!(text.contains(&whom), "{text}");
            assert!(text.contains(&format!("process {};", process::id())), "{text}");
            assert!(text.contains(&format!("ss -xlp src '@kube-vip/test/{}'", plan.name)));
        }
    });
}

#[test]
fn elections_do_not_hinder_each_other() {
    block_on(async {
        let one = Instance::claim(&election_of("one"), Duration::ZERO).await;
        let other = Instance::claim(&election_of("other"), Duration::ZERO).await;
        assert!(one.is_ok() && other.is_ok());
    });
}

#[test]
fn a_predecessor_that_ends_is_waited_for() {
    block_on(async {
        let plan = election_of("predecessor");
        let first = Instance::claim(&plan, Duration::ZERO).await.expect("nobody else is here");
        let end = async {
            // The second one has tried by then: both run on this thread, in turn.
            yield_now().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(Instance::claim(&plan, Duration::from_secs(60)), end);
        second.expect("the first one ended");
    });
}

#[test]
fn a_name_of_any_length_fits_and_is_its_own() {
    let long = |end: &str| {
        let mut plan = election_of("long");
        plan.name = "x".repeat(240) + end;
        name(&plan)
    };
    assert_eq!(long("a").len(), LONGEST);
    assert_ne!(long("a"), long("b"));
    let mut plan = election_of("short");
    (plan.namespace, plan.name) = ("kube-system".to_owned(), "plndr-cp-lock".to_owned());
    assert_eq!(name(&plan), b"kube-vip/kube-system/plndr-cp-lock");
}

#[test]
fn the_hash_is_fnv_1a() {
    // The test vectors of RFC 9923.
    assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
}
