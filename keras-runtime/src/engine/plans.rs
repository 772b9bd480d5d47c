//! The programs of a network that were used last, and the arena that they share.

use std::sync::Arc;

use keras_kernels::{Block, Device};

use super::form::Form;
use super::program::Program;
use crate::Result;

/// Programs that a network keeps unless it is told: one for each combination of shapes, batch size, and training or not.
pub const KEPT_PLANS: usize = 32;

/// A step on full and on last batches, training and validating, uses so many at once.
const FEWEST: usize = 4;

/// Programs with their forms, and the arena.
pub(super) struct Plans {
    kept: Vec<Kept>,
    arena: Option<Box<dyn Block>>,
    limit: usize,
    /// Counts uses, so that the oldest is known.
    clock: u64,
    made: u64,
    /// Counts placements.
    placements: u64,
}

struct Kept {
    form: Arc<Form>,
    program: Program,
    used: u64,
    placement: u64,
}

impl Default for Plans {
    fn default() -> Plans {
        Plans::new()
    }
}

impl Plans {
    pub fn new() -> Plans {
        Plans { kept: Vec::new(), arena: None, limit: KEPT_PLANS, clock: 0, made: 0, placements: 0 }
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    pub fn made(&self) -> u64 {
        self.made
    }

    /// Keeps at most so many; those that were used last stay.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(FEWEST);
        while self.kept.len() > self.limit {
            self.kept.swap_remove(self.oldest());
        }
    }

    fn oldest(&self) -> usize {
        let oldest = self.kept.iter().enumerate().min_by_key(|(_, kept)| kept.used);
        oldest.map_or(0, |(at, _)| at)
    }

    /// The forms of the programs.
    pub fn forms(&self) -> impl Iterator<Item = &Arc<Form>> {
        self.kept.iter().map(|kept| &kept.form)
    }

    /// The program of a form for a batch size.
    pub fn find(&mut self, form: &Arc<Form>, batch: usize, training: bool) -> Option<usize> {
        let same = |kept: &Kept| {
            let program = &kept.program;
            program.batch == batch && program.training == training && Arc::ptr_eq(&kept.form, form)
        };
        let at = self.kept.iter().position(same)?;
        self.clock += 1;
        self.kept[at].used = self.clock;
        Some(at)
    }

    /// Makes the arena at least so large; then every program is placed anew.
    pub fn grow(
        &mut self,
        device: &Device,
        bytes: usize,
        place: impl Fn(&Form, usize, bool, *mut u8) -> Program,
    ) -> Result<()> {
        if self.arena.as_ref().is_some_and(|arena| arena.len() >= bytes) {
            return Ok(());
        }
        // The old arena is freed before the new one is taken, so nothing may refer to it meanwhile.
        let old = std::mem::take(&mut self.kept);
        self.arena = None;
        self.arena = Some(device.allocate(bytes)?);
        let arena = self.arena();
        for Kept { form, program, used, .. } in old {
            let program = place(&form, program.batch, program.training, arena);
            self.placements += 1;
            self.kept.push(Kept { form, program, used, placement: self.placements });
        }
        Ok(())
    }

    /// Where the arena starts.
    pub fn arena(&self) -> *mut u8 {
        self.arena.as_ref().map_or(std::ptr::null_mut(), |arena| arena.address())
    }

    /// Keeps a new program, in place of the oldest if there are too many; returns its number.
    pub fn keep(&mut self, form: &Arc<Form>, program: Program) -> usize {
        self.clock += 1;
        self.made += 1;
        self.placements += 1;
        let kept = Kept { form: Arc::clone(form), program, used: self.clock, placement: self.placements };
        if self.kept.len() < self.limit {
            self.kept.push(kept);
            return self.kept.len() - 1;
        }
        let at = self.oldest();
        self.kept[at] = kept;
        at
    }

    pub fn program(&self, at: usize) -> &Program {
        &self.kept[at].program
    }

    pub fn form_of(&self, at: usize) -> &Arc<Form> {
        &self.kept[at].form
    }

    pub fn placement(&self, at: usize) -> u64 {
        self.kept[at].placement
    }

    pub fn has_placement(&self, at: usize, placement: u64) -> bool {
        self.kept.get(at).is_some_and(|kept| kept.placement == placement)
    }
}
