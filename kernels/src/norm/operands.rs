//! What a pass of a normalization reads.

use super::block::{minus_statistic, times_statistic};
use super::{Kind, Moments, Norm};
use crate::View;
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;

/// Operands of a pass, by address.
#[derive(Clone, Copy)]
pub(super) struct Operands<T> {
    pub norm: Norm,
    pub x: Raw<T>,
    pub mean: Raw<T>,
    pub inverse: Raw<T>,
    pub gamma: Option<Raw<T>>,
    pub mask: Option<Raw<u8>>,
}

impl<T: Real> Operands<T> {
    pub fn of(
        norm: &Norm,
        x: View,
        moments: Moments,
        gamma: Option<View>,
        mask: Option<View>,
    ) -> Operands<T> {
        assert!(x.size() == norm.size(), "{x:?} is not normalized as {norm:?}");
        let count = norm.statistics();
        assert!(moments.mean.size() == count && moments.inverse.size() == count, "statistics of {norm:?}");
        assert!(gamma.is_none_or(|g| g.size() == norm.weights()), "gamma of {norm:?}");
        assert!(mask.is_none_or(|m| m.size() == norm.samples * norm.spatial), "mask of {norm:?}");
        Operands {
            norm: *norm,
            x: Raw::of(x),
            mean: Raw::of(moments.mean),
            inverse: Raw::of(moments.inverse),
            gamma: gamma.map(Raw::of),
            mask: mask.map(Raw::of),
        }
    }

    /// The normalized elements before scale and offset.
    #[inline(always)]
    pub fn normalized(&self, start: usize, out: &mut [T]) {
        // SAFETY: elements of the input, not written during this block.
        out.copy_from_slice(unsafe { self.x.slice(start, out.len()) });
        if self.norm.kind == Kind::Standard {
            minus_statistic(&self.norm, self.mean, start, out);
        }
        times_statistic(&self.norm, self.inverse, start, out);
    }
}
