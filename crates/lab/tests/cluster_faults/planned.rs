//! The address is moved on purpose, on hosts that forward and with API servers that listen with
//! sockets of IPv6: clients notice nothing, and what is open is reset at once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use kube_vip_lab::client::Held;
use kube_vip_lab::stage::act::{DRAIN, KILL, MOVE, STOP};
use kube_vip_lab::stage::{Act, Nobody, PORT, Play, Reach, Stage, StageError, VIP};
use kube_vip_lab::sys::clock::Stamp;
use kube_vip_lab::timeline::{Timeline, What};

use crate::case::{Case, hands_over, no_orphan, stays, whatever};

/// How many connections stand open through a hand-over.
const OPEN: usize = 50;

/// How soon they are to be reset after the strike.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How often an offer is to be taken just when it is withdrawn …
const WITHDRAWN: usize = 3;
/// … which not every try comes to.
const ROUNDS: usize = 20;

const SERVICE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(VIP), PORT);

fn forwarding() -> Case {
    let case = Case::new(|spec| spec.reach = Reach::DualStack);
    for host in case.stage.world().nodes() {
        host.set_sysctl("ipv4/ip_forward", "1").expect("a host that forwards");
    }
    case
}

/// An act, with connections that stand open meanwhile: each is to be reset at once.
fn with_open_connections(case: &mut Case, act: &Act) -> Result<(), StageError> {
    let open = (SERVICE, OPEN);
    let held = Held::open(case.stage.world(), open, Duration::from_secs(60))?;
    let journal = case.stage.world().journal().clone();
    let seen = journal.count();
    case.act(act, hands_over);
    let endings = held.endings()?;
    let struck = journal.after(seen).into_iter().find_map(|(at, what)| match what {
        What::Fault(_) => Some(at),
        _ => None,
    });
    let struck = struck.unwrap_or_default();
    let later: Vec<Option<(Duration, bool)>> =
        endings.iter().map(|ending| ending.map(|e| (e.at.since(struck), e.reset))).collect();
    let reset = later.iter().flatten().filter(|(after, reset)| *reset && *after < AT_ONCE).count();
    if reset < OPEN {
        let ends: Vec<_> = later.iter().take(5).collect();
        let text = format!("{}: {reset} of {OPEN} open connections reset: {ends:?}", act.title);
        case.fails(text);
    }
    Ok(())
}

#[test]
fn a_planned_move_is_not_noticed_and_what_is_open_is_reset_at_once() {
    let mut case = forwarding();
    for act in [STOP, DRAIN, MOVE] {
        if let Err(error) = with_open_connections(&mut case, &act) {
            case.fails(format!("{}: {error}", act.title));
        }
    }
    case.act(&KILL, no_orphan);
    case.end();
}

/// When a watch through the address ended, and when something was read through it again.
fn watch_through(stage: &Stage, over: &AtomicBool) -> Option<(Stamp, Stamp)> {
    let (administrator, client) = (stage.administrator(), stage.world().client());
    let watch = "/api/v1/namespaces?watch=true&timeoutSeconds=60";
    // Ends with an error, or with what was shown so far: its end is what matters.
    let _ = administrator.get((client, SERVICE), watch, Duration::from_secs(60));
    let ended = Stamp::now();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) && !over.load(Ordering::Relaxed) {
        let ready = administrator.get((client, SERVICE), "/readyz", Duration::from_secs(5));
        if ready.is_ok() {
            return Some((ended, Stamp::now()));
        }
    }
    None
}

fn watched(case: &mut Case) -> Result<(), StageError> {
    let stage = &case.stage;
    let over = AtomicBool::new(false);
    let watch = thread::scope(|scope| {
        let watching = scope.spawn(|| watch_through(stage, &over));
        let struck = (|| {
            let play = Play::begin(stage, &mut Nobody)?;
            let owner = play.owner();
            let struck = Stamp::now();
            stage.cordon(owner)?;
            play.until(stage, &mut Nobody, |node| node != owner)?;
            play.pass(stage, &mut Nobody, Duration::from_secs(2))?;
            stage.uncordon(owner)?;
            play.end(stage, "a watch through a drain", owner)?;
            Ok::<_, StageError>(struck)
        })();
        over.store(true, Ordering::Relaxed);
        let watched = watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        struck.map(|struck| watched.map(|(e, again)| (e.since(struck), again.since(struck))))
    })?;
    match watch {
        Some((ended, again)) if ended < AT_ONCE && again < AT_ONCE * 2 => {}
        other => case.fails(format!("a watch through a drain: ended and went on: {other:?}")),
    }
    Ok(())
}

#[test]
fn a_watch_goes_on_at_once() {
    let mut case = forwarding();
    if let Err(error) = watched(&mut case) {
        case.fails(error.to_string());
    }
    case.end();
}

fn nowhere_to_go(case: &mut Case) -> Result<(), StageError> {
    let stage = &case.stage;
    let play = Play::begin(stage, &mut Nobody)?;
    let owner = play.owner();
    for node in [(owner + 1) % 3, (owner + 2) % 3, owner] {
        stage.cordon(node)?;
        // The others hear of it from the node itself.
        play.pass(stage, &mut Nobody, Duration::from_secs(1))?;
    }
    play.pass(stage, &mut Nobody, Duration::from_secs(4))?;
    stage.uncordon((owner + 1) % 3)?;
    play.until(stage, &mut Nobody, |node| node != owner)?;
    stage.uncordon(owner)?;
    stage.uncordon((owner + 2) % 3)?;
    play.pass(stage, &mut Nobody, Duration::from_secs(3))?;
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    let performance = play.end(stage, "all cordoned, then one not", heir)?;
    case.judge("all cordoned, then one not", &performance, hands_over);
    if heir != (owner + 1) % 3 {
        case.fails("it went to a node that was cordoned".to_owned());
    }
    Ok(())
}

/// Waits until the Lease has been written twice, which are the wish and the offer; 2 s at most.
fn is_offered(stage: &Stage, seen: usize) {
    let began = Instant::now();
    let mut written = 0;
    while written < 2 && began.elapsed() < Duration::from_secs(2) {
        written = 0;
        stage.world().journal().each_after(seen, |what| {
            written += u32::from(matches!(what, What::Renewed { .. } | What::Lease { .. }));
        });
        thread::sleep(Duration::from_micros(50));
    }
}

/// For how long nobody held the Lease.
fn released_for(timeline: &Timeline) -> Duration {
    let released = What::Lease { holder: None };
    let mut later = timeline.entries.iter().skip_while(|entry| entry.what != released);
    let from = later.next().map_or(timeline.ended, |entry| entry.at);
    let taken = later.find(|entry| matches!(entry.what, What::Lease { holder: Some(_) }));
    taken.map_or(Duration::ZERO, |entry| entry.at.saturating_sub(from))
}

/// The successor is stopped at about the moment when the Lease is released to it, and goes on when
/// the offer is withdrawn, 300 ms later. Whether it was so.
fn late_successor(case: &mut Case, step: usize) -> Result<bool, StageError> {
    let stage = &case.stage;
    let play = Play::begin(stage, &mut Nobody)?;
    let owner = play.owner();
    let successor = (owner + step) % 3;
    let daemon = stage.daemon(successor).expect("a daemon runs on each node");
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let random = u64::from(clock.subsec_micros());
    let seen = stage.world().journal().count();
    thread::scope(|scope| -> Result<(), StageError> {
        let asking = scope.spawn(|| stage.ask_to_move(owner, successor));
        is_offered(stage, seen);
        thread::sleep(Duration::from_micros(1_000 + random % 12_000));
        daemon.freeze()?;
        thread::sleep(Duration::from_micros(275_000 + random / 7 % 40_000));
        daemon.thaw()?;
        // Whether the wish was fulfilled is not what matters here.
        let _ = asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(())
    })?;
    play.pass(stage, &mut Nobody, Duration::from_secs(2))?;
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    let performance = play.end(stage, "offer taken while withdrawn", heir)?;
    case.judge("offer taken while withdrawn", &performance, whatever);
    Ok(released_for(&performance.run.timeline) > Duration::from_millis(200))
}

#[test]
fn an_offer_is_taken_or_withdrawn_and_never_both() {
    let mut case = Case::new(|_| {});
    let mut withdrawn = 0;
    for round in 0..ROUNDS {
        if withdrawn == WITHDRAWN {
            break;
        }
        // Who did not take it is not asked again for a while: then another one is.
        match late_successor(&mut case, 1 + round % 2) {
            Ok(late) => withdrawn += usize::from(late),
            Err(error) => case.fails(format!("offer: {error}")),
        }
    }
    if withdrawn == 0 {
        case.fails("no offer was withdrawn".to_owned());
    }
    if let Err(error) = nowhere_to_go(&mut case) {
        case.fails(format!("cordoned: {error}"));
    }
    let nothing = Act { strike: |_, _| Ok(()), mend: |_, _| Ok(()), title: "nothing", ..KILL };
    let then = kube_vip_lab::stage::Then::Lasts(Duration::from_secs(2));
    case.act(&Act { then, ..nothing }, stays);
    case.end();
}
