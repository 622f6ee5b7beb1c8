//! A small set of parts.

use super::Part;

/// Parts of a node: those that have been taken from it, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts(u32);

impl Parts {
    /// These.
    #[must_use]
    pub const fn of(parts: &[Part]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < parts.len() {
            bits |= 1 << parts[index] as u32;
            index += 1;
        }
        Self(bits)
    }

    /// One more.
    pub const fn insert(&mut self, part: Part) {
        self.0 |= Self::of(&[part]).0;
    }

    /// One less.
    pub const fn remove(&mut self, part: Part) {
        self.0 &= !Self::of(&[part]).0;
    }

    /// This one is among them.
    #[must_use]
    pub const fn contains(self, part: Part) -> bool {
        self.meets(Self::of(&[part]))
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// At least one is among both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// There is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
