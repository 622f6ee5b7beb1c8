//! A process is stopped at the worst moment: between deciding on something and sending it.

use std::time::{Duration, SystemTime};

use kube_vip_lab::stage::{Nobody, Play, StageError};
use kube_vip_lab::sys::trace::Sends;
use kube_vip_lab::timeline::What;

use crate::case::{Case, whatever};

/// Whatever a daemon sends, it sends within this time; announcements are the rarest.
const SOON: Duration = Duration::from_secs(8);

/// How often a holder is frozen somewhere around a renewal.
const ROUNDS: u32 = 3;

/// A short Lease: each round takes one.
fn short() -> Case {
    Case::new(|spec| spec.seconds = [3, 2, 1])
}

/// The holder is stopped when it is about to send such a thing, and goes on when another holds.
fn stop_holder(case: &mut Case, sends: Sends) -> Result<(), StageError> {
    let stage = &case.stage;
    let play = Play::begin(stage, &mut Nobody)?;
    let owner = play.owner();
    let tripwire = stage.lay_tripwire(owner, (sends, SOON * 3))?;
    stage.caught(owner, &tripwire)?;
    play.until(stage, &mut Nobody, |node| node != owner)?;
    play.pass(stage, &mut Nobody, Duration::from_millis(500))?;
    stage.let_go(owner, tripwire);
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    play.pass(stage, &mut Nobody, Duration::from_secs(2))?;
    let title = format!("holder stopped before {sends:?}");
    let performance = play.end(stage, &title, heir)?;
    case.judge(&title, &performance, whatever);
    Ok(())
}

/// The one candidate that is left is stopped when it has decided to take the address, and is about
/// to send such a thing; it goes on when another holds.
fn stop_taker(case: &mut Case, sends: Sends) -> Result<(), StageError> {
    let stage = &mut case.stage;
    let play = Play::begin(stage, &mut Nobody)?;
    let owner = play.owner();
    let (taker, other) = ((owner + 1) % 3, (owner + 2) % 3);
    let daemon = |node| stage.daemon(node).expect("a daemon runs on each node");
    daemon(other).kill()?;
    daemon(owner).kill()?;
    // Its Lease is to end soon: what the candidate sends before then is not what is meant.
    let rest = Duration::from_millis(2400);
    play.pass(stage, &mut Nobody, rest)?;
    let tripwire = stage.lay_tripwire(taker, (sends, SOON * 3))?;
    stage.caught(taker, &tripwire)?;
    stage.start(owner)?;
    stage.start(other)?;
    play.until(stage, &mut Nobody, |node| node != taker)?;
    play.pass(stage, &mut Nobody, Duration::from_millis(500))?;
    stage.let_go(taker, tripwire);
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    play.pass(stage, &mut Nobody, Duration::from_secs(2))?;
    let title = format!("taker stopped before {sends:?}");
    let performance = play.end(stage, &title, heir)?;
    case.judge(&title, &performance, whatever);
    Ok(())
}

/// Waits for the next renewal, and so much longer.
fn somewhere_around_a_renewal(case: &Case) -> Result<(), StageError> {
    let stage = &case.stage;
    let journal = stage.world().journal();
    let seen = journal.count();
    stage.wait("the Lease is renewed", SOON, || {
        let later = journal.after(seen);
        later.iter().any(|(_, what)| matches!(what, What::Renewed { .. }))
    })?;
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // The period is a second: from 5 ms before the next one on, for 10 ms.
    std::thread::sleep(Duration::from_micros(985_000 + u64::from(clock.subsec_nanos() % 10_000)));
    Ok(())
}

fn freeze(case: &mut Case) -> Result<(), StageError> {
    let play = Play::begin(&case.stage, &mut Nobody)?;
    let owner = play.owner();
    somewhere_around_a_renewal(case)?;
    let stage = &case.stage;
    let daemon = stage.daemon(owner).expect("a daemon runs on each node");
    daemon.freeze()?;
    play.until(stage, &mut Nobody, |node| node != owner)?;
    play.pass(stage, &mut Nobody, Duration::from_millis(200))?;
    daemon.thaw()?;
    play.pass(stage, &mut Nobody, Duration::from_secs(1))?;
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    let performance = play.end(stage, "frozen around a renewal", heir)?;
    case.judge("frozen around a renewal", &performance, whatever);
    Ok(())
}

#[test]
fn a_holder_that_is_stopped_before_it_sends_does_no_harm_later() {
    let mut case = short();
    for sends in [Sends::Stream, Sends::RouteOrder, Sends::FilterOrder, Sends::Frame] {
        if let Err(error) = stop_holder(&mut case, sends) {
            case.fails(format!("holder, {sends:?}: {error}"));
        }
    }
    case.end();
}

#[test]
fn a_taker_that_is_stopped_before_it_sends_does_no_harm_later() {
    let mut case = short();
    for sends in [Sends::RouteOrder, Sends::FilterOrder, Sends::Frame] {
        if let Err(error) = stop_taker(&mut case, sends) {
            case.fails(format!("taker, {sends:?}: {error}"));
            for node in 0..3 {
                case.stage.start(node).expect("a daemon that starts");
            }
        }
    }
    case.end();
}

#[test]
fn a_holder_that_is_frozen_around_a_renewal_does_no_harm_later() {
    let mut case = short();
    for _ in 0..ROUNDS {
        if let Err(error) = freeze(&mut case) {
            case.fails(format!("frozen: {error}"));
        }
    }
    case.end();
}
