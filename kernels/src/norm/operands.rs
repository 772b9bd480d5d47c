//! What a pass of a normalization reads.

use super::{Affine, Moments, Norm};
use crate::View;
use crate::cpu::math::Real;
use crate::cpu::raw::{Raw, read};

/// Operands of a pass, by address.
#[derive(Clone, Copy)]
pub(super) struct Operands<T> {
    pub norm: Norm,
    pub x: Raw<T>,
    pub mean: Raw<T>,
    pub inverse: Raw<T>,
    pub gamma: Option<Raw<T>>,
    pub beta: Option<Raw<T>>,
    pub mask: Option<Raw<u8>>,
}

impl<T: Real> Operands<T> {
    pub fn of(norm: &Norm, x: View, moments: Moments, affine: Affine, mask: Option<View>) -> Operands<T> {
        assert!(x.size() == norm.size(), "{x:?} is not normalized as {norm:?}");
        let count = norm.statistics();
        assert!(moments.mean.size() == count && moments.inverse.size() == count, "statistics of {norm:?}");
        let Affine { gamma, beta, .. } = affine;
        assert!(gamma.is_none_or(|g| g.size() == norm.weights()), "gamma of {norm:?}");
        assert!(beta.is_none_or(|b| b.size() == norm.weights()), "beta of {norm:?}");
        assert!(mask.is_none_or(|m| m.size() == norm.samples * norm.spatial), "mask of {norm:?}");
        Operands {
            norm: *norm,
            x: Raw::of(x),
            mean: Raw::of(moments.mean),
            inverse: Raw::of(moments.inverse),
            gamma: gamma.map(Raw::of),
            beta: beta.map(Raw::of),
            mask: mask.map(Raw::of),
        }
    }

    /// The statistic of a column of a sample.
    #[inline(always)]
    pub fn statistic(&self, sample: usize, column: usize) -> usize {
        sample * self.norm.groups + column / self.norm.channels
    }

    /// The scale of a column, one if there is none.
    #[inline(always)]
    pub fn gamma(&self, column: usize) -> T {
        // SAFETY: weights, which nothing writes during the pass.
        self.gamma.map_or(T::one(), |gamma| unsafe { gamma.get(column) })
    }

    /// The offset of a column, zero if there is none.
    #[inline(always)]
    pub fn beta(&self, column: usize) -> T {
        // SAFETY: as above.
        self.beta.map_or(T::zero(), |beta| unsafe { beta.get(column) })
    }

    /// Scale and offset of neighbouring columns.
    ///
    /// # Safety
    /// There are so many.
    #[inline(always)]
    pub unsafe fn weights<const N: usize>(&self, column: usize) -> ([T; N], [T; N]) {
        // SAFETY: the caller's promise; weights, which nothing writes during the pass.
        unsafe {
            (
                self.gamma.map_or([T::one(); N], |gamma| read(gamma, column)),
                self.beta.map_or([T::zero(); N], |beta| read(beta, column)),
            )
        }
    }
}
