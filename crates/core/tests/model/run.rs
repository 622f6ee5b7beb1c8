//! Runs the checker, and says what it has seen.

use std::io::Write as _;
use std::time::Duration;

use stateright::{Checker, Model};

use crate::kernel::Layer;
use crate::model::{Election, Limits};

/// A setting of this test.
fn setting(name: &str, otherwise: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test's setting, not the core's")]
    let text = std::env::var(name);
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn check(layer: Layer, faults: u32, seconds: u32) {
    let faults = setting("KUBE_VIP_MODEL_FAULTS", faults);
    let seconds = setting("KUBE_VIP_MODEL_SECONDS", seconds);
    let limits = Limits { layer, faults, span: Duration::from_secs(seconds.into()) };
    #[expect(clippy::disallowed_types, reason = "a test's own clock")]
    let began = std::time::Instant::now();
    let checker = Election(limits).checker().threads(2).spawn_dfs().join();
    let took = began.elapsed().as_secs_f64();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    // With stderr gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{limits:?}: {states} states, depth {depth}, {took:.1} s");
    checker.assert_properties();
}

#[test]
fn with_the_fence_alone() {
    check(Layer::Fence, 2, 5);
}

#[test]
fn with_lifetimes_alone() {
    check(Layer::Lifetime, 1, 6);
}

#[test]
fn with_the_daemons_alone() {
    check(Layer::Process, 1, 6);
}

#[test]
fn holding_on_while_the_api_is_away() {
    check(Layer::HoldingOn, 1, 10);
}
