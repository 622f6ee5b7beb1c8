//! The model as the checker sees it: a step is one choice; what follows of itself belongs to it.

use std::time::Duration;

use stateright::{Model, Property};

use crate::host::{Process, TIMES};
use crate::kernel::Layer;
use crate::moves::Move;
use crate::story::Milestone::{
    ArrivedLate, HandedOver, HandedOverWithoutAnAnswer, Met, Resumed, TakenOver, WokeUpLate,
};
use crate::system::{System, Way};

/// After the last fault there is an owner within the lease duration and this (G5).
const RECOVERY: Duration = Duration::from_secs(2);

/// After so long a node that starts has found out what it wants to know.
const CALM: Duration = Duration::from_secs(4);

/// What may happen in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// What silences an address.
    pub(crate) layer: Layer,
    /// So many faults.
    pub(crate) faults: u32,
    /// Until so long after a node came to hold.
    pub(crate) span: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Election(pub(crate) Limits);

impl Model for Election {
    type State = System;
    type Action = Move;

    /// Each node in turn holds, and the others know it.
    fn init_states(&self) -> Vec<System> {
        (0..3).map(|holder| self.held_by(holder)).collect()
    }

    fn actions(&self, state: &System, moves: &mut Vec<Move>) {
        state.moves(moves);
    }

    fn next_state(&self, state: &System, step: Move) -> Option<System> {
        let mut next = state.clone();
        next.make(step);
        next.go_on();
        next.seal();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type Story = fn(&Election, &System) -> bool;
        let found = |name, story: Story| Property::sometimes(name, story);
        let Limits { layer, faults, .. } = self.0;
        let mut properties = vec![
            Property::always("one owner", |_, state: &System| state.two.is_none()),
            Property::always("recovery", |_, state: &System| {
                state.now < state.end || recovers(state)
            }),
            found("a late request arrives", |_, state| state.story.has(ArrivedLate)),
        ];
        if layer == Layer::HoldingOn {
            properties.push(found("one that held on is met", |_, state| state.story.has(Met)));
        }
        if layer.bears_stops() {
            properties.extend([
                found("a paused holder is replaced", |_, state| state.story.has(TakenOver)),
                found("and wakes up afterwards", |_, state| state.story.has(WokeUpLate)),
                found("a restarted holder goes on", |_, state| state.story.has(Resumed)),
            ]);
        }
        if layer == Layer::Fence {
            properties.push(found("a hand-over", |_, state| state.story.has(HandedOver)));
            if faults > 1 {
                properties.push(found("a hand-over, an answer lost on its way", |_, state| {
                    state.story.has(HandedOverWithoutAnAnswer)
                }));
            }
        }
        properties
    }
}

impl Election {
    fn held_by(&self, holder: usize) -> System {
        let mut system = System::new(self.0.layer);
        system.start(holder);
        system.run_for(CALM);
        for other in (0..3).filter(|other| *other != holder) {
            system.start(other);
        }
        system.run_for(CALM);
        assert!(system.answering().eq([holder]), "{system:?}");
        system.end = system.now.after(self.0.span);
        system.faults = self.0.faults;
        system.go_on();
        system.seal();
        system
    }
}

impl System {
    /// Makes the moves to which there is no alternative.
    fn go_on(&mut self) {
        let mut moves = Vec::new();
        for _ in 0..10_000 {
            moves.clear();
            self.moves(&mut moves);
            let [only] = moves[..] else { return };
            self.make(only);
        }
        panic!("endless: {self:?}");
    }

    /// Makes the first of all moves for so long.
    fn run_for(&mut self, span: Duration) {
        self.end = self.now.after(span);
        let mut moves = Vec::new();
        loop {
            moves.clear();
            self.moves(&mut moves);
            let Some(first) = moves.first() else { return };
            self.make(*first);
        }
    }
}

/// All faults end, and there is one owner in time.
fn recovers(state: &System) -> bool {
    let mut system = state.clone();
    system.faults = 0;
    for index in 0..3 {
        match system.hosts[index].process {
            Process::Paused => system.make(Move::Resume(index)),
            Process::Killed => system.make(Move::Start(index)),
            Process::Runs | Process::Wakes | Process::Ended => {}
        }
        let host = system.host(index);
        (host.api_away, host.watch_is_slow, host.kernel_is_slow) = (false, false, false);
    }
    for flight in &mut system.flights {
        if flight.way == Way::Late {
            flight.way = Way::Going;
        }
        if let Way::AnsweredLate(outcome) = &flight.way {
            flight.way = Way::Answered(outcome.clone());
        }
    }
    system.run_for(TIMES[0] + RECOVERY);
    system.two.is_none() && system.answering().count() == 1
}
