//! Which pairs of steps see each other: masks of steps, of pairs, and bands.

use keras_kernels::elementwise::Binary;
use keras_kernels::{Grad, Shape, View};

use super::pass::Pass;
use super::{GATE, Heads, Projected};
use crate::layers::support::chain::Chain;
use crate::plan::{Message, Spec};

/// In place of masked scores: exponentials of differences to it are 0 in every float type.
pub(super) const MASKED: f64 = -1e30;

impl Projected {
    /// Masks of steps leave out targets and sources where attention runs along one axis, and the mask tells every step of it
    /// apart. Otherwise Keras spreads the mask over axes that it does not belong to, if the sizes happen to agree.
    pub(in super::super) fn check_masks(
        &self,
        inputs: &[Spec],
        masks: &[Option<Shape>],
    ) -> Result<(), Message> {
        let [low, high] = self.span(&inputs[0])?;
        for (input, mask) in inputs.iter().zip(masks) {
            let Some(mask) = mask else { continue };
            let (shape, rank) = (input.shape(), mask.rank());
            let leads = rank <= shape.rank() && (0..rank).all(|at| mask.dim(at) == shape.dim(at));
            if high - low != 1 || rank != high || !leads {
                let message = Message::new("attends along axes that the mask of its input ").spec(input);
                let message = message.text(" does not cover, which is of shape `").dims(mask);
                return Err(message.text("`: drop the mask, or attend along the last axis of the mask alone"));
            }
        }
        Ok(())
    }
}

impl Pass<'_> {
    /// The table of pairs that see each other.
    pub(super) fn band(&self) -> Option<View> {
        self.layer.band.is_some().then(|| self.call.saved[GATE + self.layer.use_gate as usize])
    }

    /// Which pairs count; `None` if all do.
    fn allowed(&self, chain: &mut Chain) -> Option<u16> {
        let Heads { outer, targets, sources, .. } = self.heads;
        let mut all = None;
        let mut also = |chain: &mut Chain, view: View| {
            let value = chain.input(view);
            all = Some(match all {
                None => value,
                Some(all) => chain.binary(Binary::And, all, value),
            });
        };
        let mask_of = |at: usize| self.call.input_masks.get(at).copied().flatten();
        if let Some(mask) = mask_of(0) {
            also(chain, mask.reshape(Shape::of(&[outer, 1, targets, 1])));
        }
        for at in 1..=self.key {
            if let Some(mask) = mask_of(at) {
                also(chain, mask.reshape(Shape::of(&[outer, 1, 1, sources])));
            }
        }
        if let Some(band) = self.band() {
            also(chain, band);
        }
        if self.layer.attention_mask_input {
            let mask = self.call.inputs[self.key + 1];
            // `[batch, heads, targets, sources]`, or the same for all heads.
            let heads = if mask.shape().rank() == 4 { mask.shape().dim(1) } else { 1 };
            also(chain, mask.reshape(Shape::of(&[outer, heads, targets, sources])));
        }
        all
    }

    /// `value` in the scores where pairs count, else `other`.
    pub(super) fn mask(&self, scores: View, other: f64) {
        let mut chain = Chain::new();
        if let Some(allowed) = self.allowed(&mut chain) {
            let (value, other) = (chain.input(self.table(scores)), chain.scalar(other));
            let value = chain.select(allowed, value, other);
            chain.run(self.cx.device, &[(value, Grad::write(self.table(scores)))]);
        }
    }
}
