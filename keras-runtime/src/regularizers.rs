//! Regularizers: penalties on weights and on outputs of layers.
//!
//! Source: <https://keras.io/api/layers/regularizers/>.

use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::layout::Walk;
use keras_kernels::matmul::Gemm;
use keras_kernels::{Device, Grad, MAX_RANK, Shape, View};

/// A penalty that is added to the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Regularizer {
    /// `l1 * sum(|w|)`.
    L1 {
        /// Factor (0.01).
        l1: f64,
    },
    /// `l2 * sum(w^2)`.
    L2 {
        /// Factor (0.01).
        l2: f64,
    },
    /// Both.
    L1L2 {
        /// Factor of the absolute values (0).
        l1: f64,
        /// Factor of the squares (0).
        l2: f64,
    },
    /// Penalises rows (or columns) of a matrix for not being orthogonal to each other: `factor` times the mean of the
    /// absolute products of different rows of length 1.
    Orthogonal {
        /// Factor (0.01).
        factor: f64,
        /// Columns instead of rows.
        columns: bool,
    },
}

/// Inverse norms are at most this: `normalize` of Keras with its default epsilon of 1e-7.
const MAX_INVERSE_NORM: f64 = 1e7;

impl Regularizer {
    /// The same penalty times a factor.
    #[must_use]
    pub fn scaled(self, by: f64) -> Regularizer {
        match self {
            Regularizer::L1 { l1 } => Regularizer::L1 { l1: l1 * by },
            Regularizer::L2 { l2 } => Regularizer::L2 { l2: l2 * by },
            Regularizer::L1L2 { l1, l2 } => Regularizer::L1L2 { l1: l1 * by, l2: l2 * by },
            Regularizer::Orthogonal { factor, columns } => {
                Regularizer::Orthogonal { factor: factor * by, columns }
            }
        }
    }

    /// How many numbers of scratch the penalty and the gradient of a weight of this shape need.
    pub const fn scratch(&self, weight: &Shape) -> usize {
        match self {
            Regularizer::Orthogonal { columns, .. } => {
                let n = weight.dim(*columns as usize);
                2 * weight.size() + n * n + n + 1
            }
            _ => 0,
        }
    }

    /// The penalty, as one number on the device: it is added to what the losses say without a transfer.
    ///
    /// `scratch` has at least [`Regularizer::scratch`] numbers of the weight's type. Nothing is allocated.
    pub fn penalty(&self, device: &Device, weight: View, scratch: View, to: Grad) {
        if let Regularizer::Orthogonal { factor, columns } = *self {
            let matrix = Normalized::new(device, weight, columns, scratch);
            // sum(c * |p|); the diagonal is zero.
            const CHAIN: &[Instr] = &[
                Instr::Input(0),
                Instr::Unary(Unary::Abs, 0),
                Instr::Scalar(0),
                Instr::Binary(Binary::Mul, 1, 2),
            ];
            let chain = Program { instrs: CHAIN, outputs: &[3] };
            device.map(&chain, &[matrix.scale(factor)], &[matrix.products], &[to]);
            return;
        }
        // sum(l1 * |w| + l2 * w^2)
        const CHAIN: &[Instr] = &[
            Instr::Input(0),
            Instr::Unary(Unary::Abs, 0),
            Instr::Scalar(0),
            Instr::Binary(Binary::Mul, 1, 2),
            Instr::Unary(Unary::Square, 0),
            Instr::Scalar(1),
            Instr::Binary(Binary::Mul, 4, 5),
            Instr::Binary(Binary::Add, 3, 6),
        ];
        let (l1, l2) = self.factors();
        device.map(&Program { instrs: CHAIN, outputs: &[7] }, &[l1, l2], &[weight], &[to]);
    }

    /// Adds the penalty's gradient to the weight's.
    ///
    /// `scratch` has at least [`Regularizer::scratch`] numbers of the weight's type. Nothing is allocated.
    pub fn add_gradient(&self, device: &Device, weight: View, scratch: View, gradient: View) {
        if let Regularizer::Orthogonal { factor, columns } = *self {
            Normalized::new(device, weight, columns, scratch).add_gradient(device, factor, gradient);
            return;
        }
        // l1 * sign(w) + 2 * l2 * w
        const CHAIN: &[Instr] = &[
            Instr::Input(0),
            Instr::Unary(Unary::Sign, 0),
            Instr::Scalar(0),
            Instr::Binary(Binary::Mul, 1, 2),
            Instr::Scalar(1),
            Instr::Binary(Binary::Mul, 0, 4),
            Instr::Binary(Binary::Add, 3, 5),
        ];
        let (l1, l2) = self.factors();
        let chain = Program { instrs: CHAIN, outputs: &[6] };
        device.map(&chain, &[l1, 2.0 * l2], &[weight], &[Grad::add(gradient)]);
    }

    /// Factors of the absolute values and of the squares.
    const fn factors(&self) -> (f64, f64) {
        match *self {
            Regularizer::L1 { l1 } => (l1, 0.0),
            Regularizer::L2 { l2 } => (0.0, l2),
            Regularizer::L1L2 { l1, l2 } => (l1, l2),
            Regularizer::Orthogonal { .. } => (0.0, 0.0),
        }
    }
}

/// A matrix whose rows (or columns) have length 1, and the products of each two of them.
struct Normalized {
    columns: bool,
    /// The matrix.
    unit: View,
    /// Inverse norms, shaped to be broadcast.
    inverse: View,
    /// Products, zero on the diagonal.
    products: View,
    /// As large as the matrix, free.
    spare: View,
}

impl Normalized {
    fn new(device: &Device, weight: View, columns: bool, scratch: View) -> Normalized {
        let shape = weight.shape();
        let (rows, cols) = (shape.dim(0), shape.dim(1));
        let size = weight.size();
        let (n, length) = if columns { (cols, rows) } else { (rows, cols) };
        let across = if columns { [1, n] } else { [n, 1] };
        let inverse = scratch.cut(2 * size + n * n, Shape::of(&across));
        let matrix = Normalized {
            columns,
            unit: scratch.cut(0, shape),
            spare: scratch.cut(size, shape),
            products: scratch.cut(2 * size, Shape::of(&[n, n])),
            inverse,
        };
        const SQUARE: &[Instr] = &[Instr::Input(0), Instr::Unary(Unary::Square, 0)];
        device.map(&Program { instrs: SQUARE, outputs: &[1] }, &[], &[weight], &[Grad::write(inverse)]);
        const INVERSE: &[Instr] = &[
            Instr::Input(0),
            Instr::Unary(Unary::Rsqrt, 0),
            Instr::Const(MAX_INVERSE_NORM),
            Instr::Binary(Binary::Min, 1, 2),
        ];
        device.map(&Program { instrs: INVERSE, outputs: &[3] }, &[], &[inverse], &[Grad::write(inverse)]);
        const SCALE: &[Instr] = &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Mul, 0, 1)];
        let scale = Program { instrs: SCALE, outputs: &[2] };
        device.map(&scale, &[], &[weight, inverse], &[Grad::write(matrix.unit)]);

        let product = Gemm::new(n, n, length);
        let product = if columns { product.a_transposed() } else { product.b_transposed() };
        let to = Grad::write(matrix.products);
        device.gemm(&product, matrix.unit, matrix.unit, None, Activation::Linear, to);
        let zero = scratch.cut(2 * size + n * n + n, Shape::of(&[1]));
        device.fill(0.0, zero);
        let mut diagonal = [0; MAX_RANK];
        diagonal[0] = n as isize + 1;
        let walk = Walk {
            shape: Shape::of(&[n]),
            from: 0,
            from_strides: [0; MAX_RANK],
            to: 0,
            to_strides: diagonal,
        };
        device.walk(&walk, zero, to);
        matrix
    }

    /// Factor of each absolute product. Each pair occurs twice.
    fn scale(&self, factor: f64) -> f64 {
        let n = self.products.shape().dim(0) as f64;
        factor * 0.5 / (n * (n - 1.0) / 2.0)
    }

    fn add_gradient(&self, device: &Device, factor: f64, gradient: View) {
        // Of sum(|U U^T|) off the diagonal, with respect to U: 2 sign(U U^T) U.
        const SIGN: &[Instr] = &[Instr::Input(0), Instr::Unary(Unary::Sign, 0)];
        let (signs, dunit) = (self.products, self.spare);
        device.map(&Program { instrs: SIGN, outputs: &[1] }, &[], &[signs], &[Grad::write(signs)]);
        let shape = self.unit.shape();
        let (rows, cols) = (shape.dim(0), shape.dim(1));
        let mut product = Gemm::new(rows, cols, signs.shape().dim(0));
        product.alpha = 2.0 * self.scale(factor);
        let (a, b) = if self.columns { (self.unit, signs) } else { (signs, self.unit) };
        device.gemm(&product, a, b, None, Activation::Linear, Grad::write(dunit));
        // Through u = w / |w|: (du - u * sum(u * du)) / |w|. The products are not needed any more.
        let sums = signs.cut(0, self.inverse.shape());
        const DOT: &[Instr] = &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Mul, 0, 1)];
        let dot = Program { instrs: DOT, outputs: &[2] };
        device.map(&dot, &[], &[self.unit, dunit], &[Grad::write(sums)]);
        const CHAIN: &[Instr] = &[
            Instr::Input(0),
            Instr::Input(1),
            Instr::Input(2),
            Instr::Input(3),
            Instr::Binary(Binary::Mul, 0, 2),
            Instr::Binary(Binary::Sub, 1, 4),
            Instr::Binary(Binary::Mul, 5, 3),
        ];
        let chain = Program { instrs: CHAIN, outputs: &[6] };
        let inputs = [self.unit, dunit, sums, self.inverse];
        device.map(&chain, &[], &inputs, &[Grad::add(gradient)]);
    }
}

#[cfg(test)]
mod tests {
    use keras_kernels::DType;

    use super::*;
    use crate::initializers::{download, upload};

    struct Memory {
        device: Device,
        weight: Vec<f64>,
        scratch: Vec<f64>,
        gradient: Vec<f64>,
        total: Vec<f64>,
    }

    const SHAPE: [usize; 2] = [3, 4];

    impl Memory {
        fn new(regularizer: Regularizer) -> Memory {
            let weight = (0..12).map(|i| ((i * 7 + 3) as f64).sin()).collect();
            let scratch = vec![f64::NAN; regularizer.scratch(&Shape::of(&SHAPE)).max(1)];
            Memory { device: Device::cpu(), weight, scratch, gradient: vec![0.0; 12], total: vec![0.0] }
        }

        fn view(numbers: &mut [f64], shape: &[usize]) -> View {
            // SAFETY: the memory outlives the kernels of the test.
            unsafe { View::new(numbers.as_mut_ptr().cast(), Shape::of(shape), DType::F64) }
        }

        fn penalty(&mut self, regularizer: Regularizer, weight: &[f64]) -> f64 {
            let scratch = self.scratch.len();
            let (w, s) =
                (Memory::view(&mut self.weight, &SHAPE), Memory::view(&mut self.scratch, &[scratch]));
            let total = Memory::view(&mut self.total, &[1]);
            upload(&self.device, weight, w);
            regularizer.penalty(&self.device, w, s, Grad::write(total));
            download(&self.device, total)[0]
        }
    }

    #[test]
    fn gradients_are_those_of_the_penalty() {
        let table = [
            Regularizer::L1 { l1: 0.3 },
            Regularizer::L2 { l2: 0.2 },
            Regularizer::L1L2 { l1: 0.1, l2: 0.4 },
            Regularizer::Orthogonal { factor: 0.5, columns: false },
            Regularizer::Orthogonal { factor: 0.5, columns: true },
        ];
        for regularizer in table {
            let mut memory = Memory::new(regularizer);
            let values = memory.weight.clone();
            let scratch = memory.scratch.len();
            let w = Memory::view(&mut memory.weight, &SHAPE);
            let s = Memory::view(&mut memory.scratch, &[scratch]);
            let g = Memory::view(&mut memory.gradient, &SHAPE);
            memory.device.fill(1.0, g);
            regularizer.add_gradient(&memory.device, w, s, g);
            let computed = download(&memory.device, g);
            for i in 0..values.len() {
                let mut at = |delta: f64| {
                    let mut moved = values.clone();
                    moved[i] += delta;
                    memory.penalty(regularizer, &moved)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = computed[i] - 1.0;
                assert!((expected - found).abs() < 1e-8, "{regularizer:?} at {i}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn penalties_by_hand() {
        let mut weight = vec![0.0; 12];
        (weight[0], weight[5], weight[6]) = (3.0, -1.0, 2.0);
        let penalty = |regularizer| Memory::new(regularizer).penalty(regularizer, &weight);
        assert_eq!(penalty(Regularizer::L1 { l1: 0.5 }), 3.0);
        assert_eq!(penalty(Regularizer::L2 { l2: 0.5 }), 7.0);
        assert_eq!(penalty(Regularizer::L1L2 { l1: 0.5, l2: 1.0 }), 17.0);
        // Rows (3, 0, 0, 0), (0, -1, 2, 0) and 0 are orthogonal; columns 1 and 2 are parallel: 1 of 6 pairs.
        assert_eq!(penalty(Regularizer::Orthogonal { factor: 1.0, columns: false }), 0.0);
        let columns = penalty(Regularizer::Orthogonal { factor: 1.0, columns: true });
        assert!((columns - 1.0 / 6.0).abs() < 1e-15);
    }
}
