//! Events and effects as short clauses.

use std::fmt::Display;

use kube_vip_core::event::{
    Answer, Call, Candidacy, Candidate, Effect, Event, Failure, Held, LeaseWrite, Marks,
    Observation, Snapshot,
};
use kube_vip_core::segment::{Claim, Question, Said};

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Tick => "the deadline came".to_owned(),
        Event::Answered(answer) => answered(answer),
        Event::Watched(seen) => format!("watch: {}", lease(seen.as_ref())),
        Event::Candidates(candidates) => {
            let all: Vec<String> = candidates.iter().map(candidate).collect();
            format!("candidates: {}", listed(&all))
        }
        Event::Registered(Ok(())) => "our candidate Lease is written".to_owned(),
        Event::Registered(Err(cause)) => format!("our candidate Lease is not written: {cause}"),
        Event::Cordoned(true) => "our Node is cordoned".to_owned(),
        Event::Cordoned(false) => "our Node is not cordoned".to_owned(),
        Event::Checked(check) => {
            format!("API servers: {:?}, elsewhere {:?}", check.local, check.elsewhere)
        }
        Event::Heard { from, said } => format!("heard {from}: {}", heard(said)),
        Event::Kernel(snapshot) => kernel(snapshot),
        Event::Refused { effect: refused, cause } => {
            format!("refused: {} ({cause})", effect(refused))
        }
        Event::Shutdown => "told to end".to_owned(),
    }
}

pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Ask(request) => match &request.call {
            Call::Read => format!("request {}: read the Lease", request.id),
            Call::Write(write) => format!("request {}: {}", request.id, written(write)),
        },
        Effect::Hold { vip, until, voice } => format!("hold {vip} until {until}, {voice:?}"),
        Effect::Drop(held) => format!("drop {} on {}", held.vip, held.link),
        Effect::Announce { address, mac } => format!("announce {address} at {mac}"),
        Effect::Question { question, to } => format!("ask {to}: {}", asked(question)),
        Effect::Check { .. } => "look at the API servers".to_owned(),
        Effect::Register(candidacy) => format!("say of ourselves: {}", said(candidacy)),
        Effect::Tell(notice) => format!("tell {notice:?}"),
    }
}

fn answered(Answer { id, outcome }: &Answer) -> String {
    let text = match outcome {
        Ok(seen) => lease(seen.as_ref()),
        Err(Failure::Conflict) => "conflict".to_owned(),
        Err(Failure::Gone) => "there is no such Lease".to_owned(),
        Err(Failure::Timeout) => "no answer in time".to_owned(),
        Err(Failure::Unavailable(cause)) => cause.clone(),
    };
    format!("answer {id}: {text}")
}

fn lease(seen: Option<&Observation>) -> String {
    let Some(Observation { version, record }) = seen else {
        return "there is no Lease".to_owned();
    };
    let holder = if record.holder.is_empty() { "nobody" } else { &record.holder };
    let version = &version.0;
    format!("the Lease names {holder} at version {version}{}", marked(&record.marks))
}

fn written(write: &LeaseWrite) -> String {
    let holder = if write.holder.is_empty() { "nobody" } else { &write.holder };
    let marks = marked(&write.marks);
    match &write.version {
        Some(version) => format!("name {holder} in the Lease of version {}{marks}", version.0),
        None => format!("create the Lease, naming {holder}{marks}"),
    }
}

fn marked(marks: &Marks) -> String {
    let Marks { offer, successor, move_to, .. } = marks;
    let named = |what, name: Option<&dyn Display>| {
        name.map_or_else(String::new, |name| format!(", {what} {name}"))
    };
    [
        named("offered to", offer.as_ref().map(|offer| &offer.to as &dyn Display)),
        named("for", successor.as_ref().map(|name| name as &dyn Display)),
        named("to move to", move_to.as_ref().map(|name| name as &dyn Display)),
    ]
    .concat()
}

fn candidate(candidate: &Candidate) -> String {
    format!("{} {}", candidate.node, said(&candidate.candidacy))
}

fn said(candidacy: &Candidacy) -> String {
    let fit = if candidacy.fit { "fit" } else { "unfit" };
    let cordoned = if candidacy.cordoned { ", cordoned" } else { "" };
    let consent = if candidacy.consent.is_some() { ", consents" } else { "" };
    format!("{fit}{cordoned}{consent}")
}

fn heard(said: &Said) -> String {
    match said {
        Said::Question(question) => asked(question),
        Said::Claim(Claim { station, to }) => {
            format!("{} has {}, told {to}", station.mac, station.address)
        }
    }
}

fn asked(Question { asker, address }: &Question) -> String {
    format!("{} at {} asks for {address}", asker.address, asker.mac)
}

fn kernel(snapshot: &Snapshot) -> String {
    let link = match &snapshot.link {
        None => "no interface".to_owned(),
        Some(link) => format!("{} {}", link.mac, if link.up { "up" } else { "down" }),
    };
    let held: Vec<String> = snapshot.held.iter().map(held).collect();
    let done = snapshot.carried_out;
    format!("kernel after {done} orders: {link}, {:?}; {}", snapshot.fence, listed(&held))
}

fn held(held: &Held) -> String {
    let lifetime = held.lifetime.map_or_else(|| "ever".to_owned(), |left| format!("{left:?}"));
    let voice = held.voice.map_or_else(|| "no fence".to_owned(), |voice| format!("{voice:?}"));
    format!("{} on {} for {lifetime}, {voice}", held.vip, held.link)
}

fn listed(texts: &[String]) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join("; ") }
}
