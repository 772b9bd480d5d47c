//! How operands of several shapes lie under one shape.

use super::MAX_OPERANDS;
use crate::{DType, MAX_RANK, Shape, View};

/// One operand under the broadcast shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub view: View,
    /// Step along each dimension; 0 where it is repeated.
    pub steps: [usize; MAX_RANK],
    /// Whether it has an element of its own for every place.
    pub full: bool,
    /// Whether it has one element for all places.
    pub single: bool,
}

/// The broadcast of several views: dimensions, joined where no operand tells them apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broadcast {
    pub dims: [usize; MAX_RANK],
    pub rank: usize,
    pub size: usize,
    /// Bit `i`: operand `i` is repeated along the dimension.
    repeated: [u64; MAX_RANK],
}

/// Dimension `axis` of a shape aligned at the end of `rank` dimensions.
fn aligned(shape: Shape, rank: usize, axis: usize) -> usize {
    (axis + shape.rank()).checked_sub(rank).map_or(1, |axis| shape.dim(axis))
}

impl Broadcast {
    /// Numpy's rule, aligned at the end.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub(super) fn of(views: impl Iterator<Item = View> + Clone) -> Broadcast {
        let rank = views.clone().map(|v| v.shape().rank()).max().unwrap_or(0);
        let mut dims = [1; MAX_RANK];
        for view in views.clone() {
            for axis in 0..rank {
                let n = aligned(view.shape(), rank, axis);
                assert!(
                    n == dims[axis] || n == 1 || dims[axis] == 1,
                    "shapes do not broadcast: {} under {:?}",
                    view.shape(),
                    &dims[..rank]
                );
                if n != 1 {
                    dims[axis] = n;
                }
            }
        }
        let pattern = |axis: usize| {
            views
                .clone()
                .enumerate()
                .fold(0u64, |bits, (i, v)| bits | u64::from(aligned(v.shape(), rank, axis) == 1) << i)
        };
        let size = dims[..rank].iter().product();
        let mut out = Broadcast { dims: [1; MAX_RANK], rank: 0, size, repeated: [0; MAX_RANK] };
        for axis in (0..rank).filter(|a| dims[*a] != 1) {
            let bits = pattern(axis);
            if out.rank > 0 && bits == out.repeated[out.rank - 1] {
                out.dims[out.rank - 1] *= dims[axis];
            } else {
                out.dims[out.rank] = dims[axis];
                out.repeated[out.rank] = bits;
                out.rank += 1;
            }
        }
        out
    }

    /// Operand number `index` of the views that this was made of.
    pub(super) fn operand(&self, index: usize, view: View) -> Operand {
        let (mut steps, mut step) = ([0; MAX_RANK], 1);
        for i in (0..self.rank).rev() {
            if self.repeated[i] >> index & 1 == 0 {
                steps[i] = step;
                step *= self.dims[i];
            }
        }
        Operand { view, steps, full: view.size() == self.size, single: view.size() == 1 }
    }
}

const _: () = assert!(MAX_OPERANDS <= 64, "patterns are bits of a word");

/// The float type that a program computes in: that of its outputs, or one that holds its integers.
pub(super) fn float_of(inputs: &[View], outputs: impl Iterator<Item = View> + Clone) -> DType {
    if outputs.clone().any(|v| v.dtype() == DType::F64) {
        DType::F64
    } else if outputs.clone().any(|v| v.dtype() == DType::F32) {
        DType::F32
    } else {
        let wide = |v: View| matches!(v.dtype(), DType::F64 | DType::I32 | DType::I64);
        if inputs.iter().copied().chain(outputs).any(wide) { DType::F64 } else { DType::F32 }
    }
}
