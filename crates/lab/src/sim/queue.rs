//! What is to happen when, in the world's time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Things in the order of their time; of the same time, in the order in which they were put in.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// When, which one, and where it lies: things are large, and heaps move what is in them.
    heap: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    count: u64,
    things: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0, things: Vec::new(), free: Vec::new() }
    }

    pub(super) fn put(&mut self, at: Duration, thing: T) {
        self.count += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.things[place] = Some(thing);
                place
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() - 1
            }
        };
        self.heap.push(Reverse((at, self.count, place)));
    }

    pub(super) fn take(&mut self) -> Option<(Duration, T)> {
        let Reverse((at, _, place)) = self.heap.pop()?;
        self.free.push(place);
        self.things[place].take().map(|thing| (at, thing))
    }
}
