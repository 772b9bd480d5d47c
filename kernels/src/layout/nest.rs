//! A walk as a nest of loops, simplified before it runs.

use super::Walk;
use crate::MAX_RANK;

/// Loops from the outside in, on both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nest {
    pub rank: usize,
    pub dims: [usize; MAX_RANK],
    pub from: usize,
    pub to: usize,
    pub from_strides: [isize; MAX_RANK],
    pub to_strides: [isize; MAX_RANK],
}

/// A place in a nest.
#[derive(Clone, Copy)]
pub(super) struct At {
    index: [usize; MAX_RANK],
    pub from: usize,
    pub to: usize,
}

impl Nest {
    /// The loops of a walk; `None` if it visits nothing. Dimensions of one are dropped, neighbours that go on at
    /// the same pace on both sides become one, and summing loops move next to the innermost.
    pub(super) fn of(walk: &Walk) -> Option<Nest> {
        if walk.shape.size() == 0 {
            return None;
        }
        let mut nest = Nest {
            rank: 0,
            dims: [1; MAX_RANK],
            from: walk.from,
            to: walk.to,
            from_strides: [0; MAX_RANK],
            to_strides: [0; MAX_RANK],
        };
        for axis in (0..walk.shape.rank()).filter(|a| walk.shape.dim(*a) > 1) {
            nest.push(walk.shape.dim(axis), walk.from_strides[axis], walk.to_strides[axis]);
        }
        if nest.rank == 0 {
            nest.push(1, 1, 1);
        }
        // Loops that write to one place over and over go inside those that write elsewhere.
        if let Some(last) = (0..nest.rank).rev().find(|i| nest.to_strides[*i] != 0) {
            let mut sorted = Nest { rank: 0, ..nest };
            let order = (0..last).filter(|i| nest.to_strides[*i] != 0);
            let sums = (0..nest.rank).filter(|i| nest.to_strides[*i] == 0);
            let (before, after) = (sums.clone().filter(|i| *i < last), sums.filter(|i| *i > last));
            for i in order.chain(before).chain([last]).chain(after) {
                sorted.push(nest.dims[i], nest.from_strides[i], nest.to_strides[i]);
            }
            nest = sorted;
        }
        Some(nest)
    }

    /// Adds a loop inside the others.
    fn push(&mut self, n: usize, from: isize, to: isize) {
        if let Some(outer) = self.rank.checked_sub(1) {
            let n = n as isize;
            if self.from_strides[outer] == from * n && self.to_strides[outer] == to * n {
                self.dims[outer] *= n as usize;
                self.from_strides[outer] = from;
                self.to_strides[outer] = to;
                return;
            }
        }
        self.dims[self.rank] = n;
        self.from_strides[self.rank] = from;
        self.to_strides[self.rank] = to;
        self.rank += 1;
    }

    /// Iterations of the loops `from..to`.
    pub(super) fn count(&self, from: usize, to: usize) -> usize {
        self.dims[from..to].iter().product()
    }

    /// Whether several elements are added into one.
    pub(super) fn sums(&self) -> bool {
        (0..self.rank).any(|i| self.dims[i] > 1 && self.to_strides[i] == 0)
    }

    /// How many outer loops write to different places and enclose the innermost.
    pub(super) fn free_outer(&self) -> usize {
        (0..self.rank - 1).find(|i| self.to_strides[*i] == 0).unwrap_or(self.rank - 1)
    }

    /// Whether loops with a step on the written side never write to one place twice.
    pub(super) fn is_injective(&self) -> bool {
        let mut reach = 0usize;
        let mut done = [false; MAX_RANK];
        loop {
            // The smallest step that is left must lead beyond everything that the smaller ones reach.
            let next = (0..self.rank)
                .filter(|i| !done[*i] && self.to_strides[*i] != 0)
                .min_by_key(|i| self.to_strides[*i].unsigned_abs());
            let Some(i) = next else { return true };
            let step = self.to_strides[i].unsigned_abs();
            if step <= reach {
                return false;
            }
            reach += step * (self.dims[i] - 1);
            done[i] = true;
        }
    }

    /// The nest of places that are written, each once for every step that is not zero.
    pub(super) fn targets(&self) -> Nest {
        let mut out = Nest { rank: 0, ..*self };
        for i in (0..self.rank).filter(|i| self.to_strides[*i] != 0) {
            out.push(self.dims[i], 0, self.to_strides[i]);
        }
        if out.rank == 0 {
            out.push(1, 0, 1);
        }
        out
    }

    /// Checks that every step lies inside both sides.
    pub(super) fn check(&self, from_len: usize, to_len: usize) {
        for (start, strides, len, side) in
            [(self.from, self.from_strides, from_len, "reads"), (self.to, self.to_strides, to_len, "writes")]
        {
            let (mut low, mut high) = (start as isize, start as isize);
            for i in 0..self.rank {
                let reach = strides[i] * (self.dims[i] as isize - 1);
                if reach < 0 { low += reach } else { high += reach }
            }
            assert!(low >= 0 && high < len as isize, "a walk {side} {low}..={high} of {len}");
        }
    }

    /// Line number `line` (an iteration of all loops but the innermost).
    pub(super) fn at(&self, line: usize) -> At {
        let mut at = At { index: [0; MAX_RANK], from: self.from, to: self.to };
        let mut rest = line;
        for i in (0..self.rank - 1).rev() {
            let k = rest % self.dims[i];
            rest /= self.dims[i];
            at.index[i] = k;
            at.from = at.from.wrapping_add_signed(self.from_strides[i] * k as isize);
            at.to = at.to.wrapping_add_signed(self.to_strides[i] * k as isize);
        }
        at
    }

    /// The next line.
    pub(super) fn step(&self, at: &mut At) {
        for i in (0..self.rank - 1).rev() {
            at.index[i] += 1;
            at.from = at.from.wrapping_add_signed(self.from_strides[i]);
            at.to = at.to.wrapping_add_signed(self.to_strides[i]);
            if at.index[i] < self.dims[i] {
                return;
            }
            let back = self.dims[i] as isize;
            at.index[i] = 0;
            at.from = at.from.wrapping_add_signed(-self.from_strides[i] * back);
            at.to = at.to.wrapping_add_signed(-self.to_strides[i] * back);
        }
    }
}
