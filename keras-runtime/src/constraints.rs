//! Constraints: what a weight is projected onto after each step.
//!
//! Source: <https://keras.io/api/layers/constraints/>.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::{Device, Grad, Shape, View};

use crate::plan::Ints;

/// A projection.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Negative numbers become 0.
    NonNeg,
    /// Norms along `axes` at most `max_value`.
    MaxNorm {
        /// Largest norm (2).
        max_value: f64,
        /// Axes of the weight (0).
        axes: Ints,
    },
    /// Norms along `axes` between two bounds, approached at `rate`.
    MinMaxNorm {
        /// Smallest norm (0).
        min_value: f64,
        /// Largest norm (1).
        max_value: f64,
        /// How far a step goes (1).
        rate: f64,
        /// Axes of the weight (0).
        axes: Ints,
    },
    /// Norms along `axes` of 1.
    UnitNorm {
        /// Axes of the weight (0).
        axes: Ints,
    },
}

/// Added to norms before they divide: Keras' epsilon.
const EPSILON: f64 = 1e-7;

impl Constraint {
    /// How many numbers of scratch the projection of a weight of this shape needs.
    pub const fn scratch(&self, weight: &Shape) -> usize {
        match self {
            Constraint::NonNeg => 0,
            _ => self.norms(weight).size(),
        }
    }

    /// Shape of the norms: the weight's, with 1 along the axes.
    const fn norms(&self, weight: &Shape) -> Shape {
        let mut shape = *weight;
        if let Constraint::MaxNorm { axes, .. }
        | Constraint::MinMaxNorm { axes, .. }
        | Constraint::UnitNorm { axes } = self
        {
            let rank = weight.rank();
            let mut i = 0;
            while i < axes.len() {
                let axis = axes.get(i);
                let axis = if axis < 0 { axis + rank as isize } else { axis };
                // An axis that the weight does not have changes nothing: it has length 1.
                if axis >= 0 && (axis as usize) < rank {
                    shape = shape.with_dim(axis as usize, 1);
                }
                i += 1;
            }
        }
        shape
    }

    /// Projects the weight in place.
    ///
    /// `scratch` has at least [`Constraint::scratch`] numbers of the weight's type. Nothing is allocated.
    pub fn apply(&self, device: &Device, weight: View, scratch: View) {
        let (low, high, rate) = match *self {
            Constraint::NonNeg => {
                const CHAIN: &[Instr] =
                    &[Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::Max, 0, 1)];
                let chain = Program { instrs: CHAIN, outputs: &[2] };
                device.map(&chain, &[], &[weight], &[Grad::write(weight)]);
                return;
            }
            Constraint::MaxNorm { max_value, .. } => (0.0, max_value, 1.0),
            Constraint::MinMaxNorm { min_value, max_value, rate, .. } => (min_value, max_value, rate),
            Constraint::UnitNorm { .. } => (1.0, 1.0, 1.0),
        };
        let norms = scratch.cut(0, self.norms(&weight.shape()));
        const SQUARE: &[Instr] = &[Instr::Input(0), Instr::Unary(Unary::Square, 0)];
        device.map(&Program { instrs: SQUARE, outputs: &[1] }, &[], &[weight], &[Grad::write(norms)]);
        // w * (rate * clip(norm, low, high) + (1 - rate) * norm) / (epsilon + norm)
        const CHAIN: &[Instr] = &[
            Instr::Input(0),
            Instr::Input(1),
            Instr::Unary(Unary::Sqrt, 1),
            Instr::Scalar(0),
            Instr::Binary(Binary::Max, 2, 3),
            Instr::Scalar(1),
            Instr::Binary(Binary::Min, 4, 5),
            Instr::Scalar(2),
            Instr::Binary(Binary::Mul, 6, 7),
            Instr::Scalar(3),
            Instr::Binary(Binary::Mul, 2, 9),
            Instr::Binary(Binary::Add, 8, 10),
            Instr::Const(EPSILON),
            Instr::Binary(Binary::Add, 2, 12),
            Instr::Binary(Binary::Div, 11, 13),
            Instr::Binary(Binary::Mul, 0, 14),
        ];
        let chain = Program { instrs: CHAIN, outputs: &[15] };
        let scalars = [low, high, rate, 1.0 - rate];
        device.map(&chain, &scalars, &[weight, norms], &[Grad::write(weight)]);
    }
}

#[cfg(test)]
mod tests {
    use keras_kernels::DType;

    use super::*;

    fn apply(constraint: Constraint, values: &[f64], shape: &[usize]) -> Vec<f64> {
        let shape = Shape::of(shape);
        let mut weight = values.to_vec();
        let mut scratch = vec![f64::NAN; constraint.scratch(&shape).max(1)];
        // SAFETY: both vectors outlive the call, and are not touched during it.
        let (w, s) = unsafe {
            let s = View::new(scratch.as_mut_ptr().cast(), Shape::of(&[scratch.len()]), DType::F64);
            (View::new(weight.as_mut_ptr().cast(), shape, DType::F64), s)
        };
        constraint.apply(&Device::cpu(), w, s);
        weight
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        // The epsilon in the divisor moves numbers of this size by less than 1e-6.
        let near = found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6);
        assert!(near, "{found:?} is not {expected:?}");
    }

    /// Columns of norm 5 and 0.5.
    const WEIGHT: [f64; 4] = [3.0, 0.3, -4.0, 0.4];

    #[test]
    fn projections() {
        let axes = Ints::of([0]);
        close(&apply(Constraint::NonNeg, &WEIGHT, &[2, 2]), &[3.0, 0.3, 0.0, 0.4]);
        close(&apply(Constraint::MaxNorm { max_value: 2.0, axes }, &WEIGHT, &[2, 2]), &[1.2, 0.3, -1.6, 0.4]);
        close(&apply(Constraint::UnitNorm { axes }, &WEIGHT, &[2, 2]), &[0.6, 0.6, -0.8, 0.8]);
        let halfway = Constraint::MinMaxNorm { min_value: 1.0, max_value: 2.0, rate: 0.5, axes };
        // 5 goes halfway to 2, 0.5 halfway to 1.
        close(&apply(halfway, &WEIGHT, &[2, 2]), &[2.1, 0.45, -2.8, 0.6]);
    }

    #[test]
    fn axes() {
        let norm = 25.25f64.sqrt();
        let whole: Vec<f64> = WEIGHT.iter().map(|w| w / norm).collect();
        close(&apply(Constraint::UnitNorm { axes: Ints::of([0, 1]) }, &WEIGHT, &[2, 2]), &whole);
        close(&apply(Constraint::UnitNorm { axes: Ints::of([-1]) }, &WEIGHT, &[4]), &whole);
        let rows = apply(Constraint::UnitNorm { axes: Ints::of([1]) }, &[3.0, 4.0, 0.0, 2.0], &[2, 2]);
        close(&rows, &[0.6, 0.8, 0.0, 1.0]);
    }
}
