//! The language of the scenarios: one node, a kernel, an API server.
//!
//! A line that starts with a time in seconds is something that happens; indented lines below it are
//! what follows until the next. `#` begins a comment. The API server answers after 3 ms and the
//! kernel after 1 ms, unless told otherwise. Happenings:
//!
//! ```text
//! 0.0 start [up | down | absent] [has 3s | has for ever]   the interface, and what it has
//! 0.0 lease b 5s | lease nobody | lease none               what the API server has; not watched
//! 0.0 watch b 5s | watch nobody | watch none | watch       … and the watch shows it
//! 0.0 watch nobody 1s then c 5s                             … but somebody was faster
//! 0.0 annotated                                            somebody else's write, watched
//! 0.0 restored b 5s | restored nobody                     the same at a lower version, not watched
//! 0.0 api answers [700ms] | refuses | hangs | loses        from now on; lost: done, not answered
//! 0.0 api strips                                           answers, but stores no annotations
//! 0.0 link down | link up                                  the cable
//! 0.0 deleted                                              somebody deletes the address
//! 0.0 kernel refuses | kernel obeys                        from now on
//! 0.0 shutdown
//! 0.0 end
//! ```

mod world;

use std::fmt::Write as _;
use std::time::Duration;

use kube_vip_core::event::{Event, LeaseRecord, Marks};
use kube_vip_core::moment::Moment;

use world::{Api, World};

type Words<'a> = std::str::SplitWhitespace<'a>;

/// Runs a text and returns it with what the node did.
///
/// # Errors
/// If a line is not understood.
pub(crate) fn run(text: &str) -> Result<String, String> {
    let mut world = World::new();
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        if line.starts_with('#') || line.trim().is_empty() {
            let _ = writeln!(out, "{line}");
            continue;
        }
        let mut words = line.split_whitespace();
        let at = words.next().and_then(|word| word.parse().ok()).ok_or(format!("{line}: when?"))?;
        out.push_str(&world.run_until(Moment::after_start(Duration::from_secs_f64(at))));
        let _ = writeln!(out, "{line}");
        happen(&mut world, &mut words).map_err(|e| format!("{line}: {e}"))?;
    }
    Ok(out)
}

fn happen(world: &mut World, words: &mut Words<'_>) -> Result<(), String> {
    match words.next().ok_or("what?")? {
        "start" => start(world, words)?,
        "lease" => {
            let record = lease(world, words)?;
            world.store(record);
        }
        "watch" if words.clone().next().is_none() => world.watch(),
        "watch" => {
            let record = lease(world, words)?;
            world.store(record);
            let shown = world.observation();
            if words.next() == Some("then") {
                let record = lease(world, words)?;
                world.store(record);
            }
            world.tell(Event::Watched(shown));
        }
        "annotated" => {
            world.store(world.record());
            world.watch();
        }
        "restored" => {
            let record = lease(world, words)?;
            world.restore(record);
        }
        "api" => world.api = api(words)?,
        "link" => world.link(words.next() == Some("up")),
        "deleted" => world.delete(),
        "kernel" => world.kernel_refuses = words.next() == Some("refuses"),
        "shutdown" => world.tell(Event::Shutdown),
        "end" => {}
        other => return Err(format!("no such happening: {other}")),
    }
    Ok(())
}

fn start(world: &mut World, words: &mut Words<'_>) -> Result<(), String> {
    for word in words.by_ref() {
        match word {
            "up" | "has" => {}
            "down" => world.up = Some(false),
            "absent" => world.up = None,
            "for" | "ever" => world.has = Some(None),
            span => world.has = Some(Some(Moment::START + duration(span)?)),
        }
    }
    world.look();
    Ok(())
}

fn lease(world: &World, words: &mut Words<'_>) -> Result<Option<LeaseRecord>, String> {
    let holder = match words.next().ok_or("who?")? {
        "none" => return Ok(None),
        "nobody" => String::new(),
        holder => holder.to_owned(),
    };
    let duration = words.next().map_or(Ok(Duration::from_secs(1)), duration)?;
    let transitions = world.record().map_or(0, |record| record.transitions);
    let renewed = Some(world.now_in_micros());
    Ok(Some(LeaseRecord {
        holder,
        duration,
        acquired: Some(0),
        renewed,
        transitions,
        nonce: None,
        marks: Marks::default(),
    }))
}

fn api(words: &mut Words<'_>) -> Result<Api, String> {
    match words.next() {
        Some("answers") => {
            Ok(Api::Answers(words.next().map_or(Ok(world::USUAL_LATENCY), duration)?))
        }
        Some("refuses") => Ok(Api::Refuses),
        Some("hangs") => Ok(Api::Hangs),
        Some("loses") => Ok(Api::Loses),
        Some("strips") => Ok(Api::Strips),
        other => Err(format!("no such API server: {other:?}")),
    }
}

/// `5s` or `700ms`.
fn duration(word: &str) -> Result<Duration, String> {
    let wrong = |_| format!("no span: {word}");
    match word.strip_suffix("ms") {
        Some(number) => number.parse().map(Duration::from_millis).map_err(wrong),
        None => word.trim_end_matches('s').parse().map(Duration::from_secs).map_err(wrong),
    }
}
