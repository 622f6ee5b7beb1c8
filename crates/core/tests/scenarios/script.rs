//! The language of the scenarios: one node, a kernel, an API server.
//!
//! A line that starts with a time in seconds is something that happens; indented lines below it are
//! what follows until the next. `#` begins a comment. The API server answers after 3 ms and the
//! kernel after 1 ms, unless told otherwise. Happenings:
//!
//! ```text
//! 0.0 start [up | down | absent] [fence] [has 3s | has for ever]   the interface, what it has
//! 0.0 start [unrouted] …                                   … and there is no default route
//! 0.0 start ipv6 …                                         … the address is an IPv6 address
//! 0.0 lease b 5s | lease nobody | lease none               what the API server has; not watched
//! 0.0 watch b 5s | watch nobody | watch none | watch       … and the watch shows it
//! 0.0 watch nobody 1s then c 5s                             … but somebody was faster
//! 0.0 watch b 5s unmarked                                   … written by one of the original
//! 0.0 annotated                                            somebody else's write, watched
//! 0.0 restored b 5s | restored nobody                     the same at a lower version, not watched
//! 0.0 api answers [700ms] | refuses | hangs | loses        from now on; lost: done, not answered
//! 0.0 api strips                                           answers, but stores no annotations
//! 0.0 link down | link up                                  the cable
//! 0.0 deleted                                              somebody deletes the address
//! 0.0 kernel refuses | kernel obeys                        from now on
//! 0.0 candidates b fit | candidates b unfit c cordoned | candidates none   the others, complete
//! 0.0 consents b                                           b says yes to the offer in the Lease
//! 0.0 cordoned | uncordoned                                our Node
//! 0.0 health ready | live | accepts | refuses [elsewhere]  what looks at the API server show
//! 0.0 segment alive | segment dead                         the neighbours answer, or do not
//! 0.0 answered b                                           b tells our kernel its own address
//! 0.0 announced b                                          b announces the address
//! 0.0 rival b | rival none                                 b answers for it, too
//! 0.0 asked to move b                                      a human's annotation, watched
//! 0.0 offered a | offered c                                the holder's annotation, watched
//! 0.0 released for a | released for c                      the holder's release, watched
//! 0.0 twin                                          another host renews in the holder's name
//! 0.0 shutdown
//! 0.0 end
//! ```

mod world;

use std::fmt::Write as _;
use std::time::Duration;

use kube_vip_core::address::{Mac, NodeName};
use kube_vip_core::event::{
    Candidacy, Candidate, Check, Event, Health, LeaseRecord, Marks, Nonce, Offer, Version,
};
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
        other => beside(world, other, words)?,
    }
    Ok(())
}

/// What happens to the other nodes, on the segment, and to the node's API server.
fn beside(world: &mut World, what: &str, words: &mut Words<'_>) -> Result<(), String> {
    match what {
        "candidates" => {
            let candidates = candidates(world, words)?;
            world.tell(Event::Candidates(candidates));
        }
        "consents" => {
            let node = node(words)?;
            let consent = world.offered();
            let candidacy = Candidacy { consent, ..candidacy(&node) };
            let version = Version("yes".to_owned());
            world.tell(Event::Candidates(vec![Candidate { node, version, candidacy }]));
        }
        "twin" => {
            let mut record = world.record().ok_or("there is no Lease")?;
            record.renewed = Some(world.now_in_micros());
            record.marks.boot = Some("another boot".to_owned());
            world.store(Some(record));
            world.watch();
        }
        "cordoned" => world.tell(Event::Cordoned(true)),
        "uncordoned" => world.tell(Event::Cordoned(false)),
        "health" => world.health = health(words)?,
        "segment" => world.alive = words.next() == Some("alive"),
        "answered" => {
            let mac = mac(&node(words)?);
            world.answered(mac, [192, 168, 20, mac.0[5]].into());
        }
        "announced" => {
            let node = node(words)?;
            world.announced(mac(&node));
        }
        "rival" => {
            world.rival = node(words).ok().filter(|node| node.as_str() != "none").map(|n| mac(&n));
        }
        "asked" => marked(world, words.nth(2), |marks, node| marks.move_to = Some(node))?,
        "offered" => marked(world, words.next(), |marks, to| {
            marks.offer = Some(Offer { to, nonce: Nonce("x-1".to_owned()) });
        })?,
        "released" => {
            let to = words.nth(1);
            let record = world.record().unwrap_or_default();
            let nonce = fresh(world);
            world.store(Some(LeaseRecord { holder: String::new(), nonce, ..record }));
            marked(world, to, |marks, node| marks.successor = Some(node))?;
        }
        other => return Err(format!("no such happening: {other}")),
    }
    Ok(())
}

fn start(world: &mut World, words: &mut Words<'_>) -> Result<(), String> {
    for word in words.by_ref() {
        match word {
            "ipv6" => world.speak_ipv6(),
            "up" | "has" => {}
            "fence" => world.fences = true,
            "unrouted" => world.routed = false,
            "down" => world.up = Some(false),
            "absent" => world.up = None,
            "for" | "ever" => world.has = Some(None),
            span => world.has = Some(Some(Moment::START + duration(span)?)),
        }
    }
    world.look();
    Ok(())
}

fn node(words: &mut Words<'_>) -> Result<NodeName, String> {
    NodeName::new(words.next().ok_or("who?")?).map_err(|e| e.to_string())
}

/// The Ethernet address of the node with this name: its first letter.
fn mac(node: &NodeName) -> Mac {
    Mac([2, 0, 0, 0, 0, node.as_str().as_bytes()[0]])
}

fn candidacy(node: &NodeName) -> Candidacy {
    Candidacy {
        fit: true,
        cordoned: false,
        priority: 0,
        mac: Some(mac(node)),
        address: None,
        boot: format!("boot-{node}"),
        consent: None,
    }
}

fn candidates(world: &World, words: &mut Words<'_>) -> Result<Vec<Candidate>, String> {
    let mut all: Vec<Candidate> = Vec::new();
    while let Some(word) = words.next() {
        match (word, all.last_mut()) {
            ("none", _) => {}
            ("fit", Some(last)) => last.candidacy.fit = true,
            ("unfit", Some(last)) => last.candidacy.fit = false,
            ("cordoned", Some(last)) => last.candidacy.cordoned = true,
            ("priority", Some(last)) => {
                let number = words.next().and_then(|word| word.parse().ok());
                last.candidacy.priority = number.ok_or("priority?")?;
            }
            (name, _) => {
                let node = NodeName::new(name).map_err(|e| e.to_string())?;
                let version = Version(world.now_in_micros().to_string());
                all.push(Candidate { candidacy: candidacy(&node), version, node });
            }
        }
    }
    Ok(all)
}

fn health(words: &mut Words<'_>) -> Result<Check, String> {
    let why = || "no".to_owned();
    let local = match words.next() {
        Some("ready") => Health::Ready,
        Some("live") => Health::Live(why()),
        Some("accepts") => Health::Accepts(why()),
        Some("refuses") => Health::Refuses(why()),
        other => return Err(format!("no such health: {other:?}")),
    };
    Ok(Check { local, elsewhere: Some(words.next() == Some("elsewhere")) })
}

/// Somebody changes an annotation of the Lease.
fn marked(
    world: &mut World,
    node: Option<&str>,
    change: impl FnOnce(&mut Marks, NodeName),
) -> Result<(), String> {
    let node = NodeName::new(node.ok_or("who?")?).map_err(|e| e.to_string())?;
    let mut record = world.record().ok_or("there is no Lease")?;
    change(&mut record.marks, node);
    world.store(Some(record));
    world.watch();
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
    // The original leaves annotations as they were.
    let old = words.clone().next() == Some("unmarked") && words.next().is_some();
    let nonce = if old { world.record().and_then(|record| record.nonce) } else { fresh(world) };
    Ok(Some(LeaseRecord {
        holder,
        duration,
        acquired: Some(0),
        renewed,
        transitions,
        nonce,
        marks: Marks::default(),
    }))
}

/// The mark of another node of ours.
fn fresh(world: &World) -> Option<Nonce> {
    Some(Nonce(format!("x-{}", world.now_in_micros())))
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
