//! Which kernel computes a convolution on the CPU.

use super::{Conv, Convolution, MAX_SPATIAL, depthwise, kernel_grad, windows};
use crate::activation::{Activation, Activations};
use crate::matmul::tile::Tiled;
use crate::matmul::{Gemm, Matmul};
use crate::{Cpu, Grad, View, with_float};

impl Convolution for Cpu {
    fn conv(&self, conv: &Conv, x: View, kernel: View, bias: Option<View>, activation: Activation, y: View) {
        let conv = &conv.aligned();
        if let Some(gemm) = conv.as_product() {
            return self.gemm(&gemm, x, kernel, bias, activation, Grad::write(y));
        }
        let relu = activation == Activation::RELU;
        let fused = relu && !conv.is_depthwise();
        with_float!(y.dtype(), T => if conv.is_depthwise() {
            depthwise::forward::<T>(conv, x, kernel, bias, y);
        } else {
            windows::forward(<T as Tiled>::isa(), conv, x, kernel, bias, relu, y);
        });
        if !activation.is_linear() && !fused {
            self.activation(activation, y, y);
        }
    }

    fn conv_data_grad(&self, conv: &Conv, dy: View, kernel: View, dx: Grad) {
        let conv = &conv.aligned();
        if let Some(gemm) = conv.as_product() {
            let gemm = Gemm::new(gemm.m, gemm.k, gemm.n).b_transposed();
            return self.gemm(&gemm, dy, kernel, None, Activation::Linear, dx);
        }
        with_float!(dy.dtype(), T => if conv.is_depthwise() {
            depthwise::data_grad::<T>(conv, dy, kernel, dx);
        } else {
            windows::data_grad(<T as Tiled>::isa(), conv, dy, kernel, dx);
        });
    }

    fn conv_kernel_grad(&self, conv: &Conv, x: View, dy: View, dkernel: Grad) {
        let conv = &conv.aligned();
        with_float!(dy.dtype(), T => if conv.is_depthwise() {
            depthwise::kernel_grad::<T>(conv, x, dy, dkernel);
        } else {
            kernel_grad::kernel_grad(<T as Tiled>::isa(), conv, x, dy, dkernel);
        });
    }
}

impl Conv {
    /// The same convolution with its dimensions moved to the end, so that the last one is always that of
    /// neighbouring pixels.
    pub(super) fn aligned(&self) -> Conv {
        let shift = MAX_SPATIAL - self.rank;
        let mut conv = Conv { rank: MAX_SPATIAL, ..*self };
        conv.input.rotate_right(shift);
        conv.output.rotate_right(shift);
        conv.kernel.rotate_right(shift);
        conv.strides.rotate_right(shift);
        conv.dilation.rotate_right(shift);
        conv.padding.rotate_right(shift);
        conv
    }

    /// Whether each filter reads one channel.
    fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.channels
    }

    /// The product that a convolution by one pixel is.
    fn as_product(&self) -> Option<Gemm> {
        let pixelwise = self.groups == 1
            && self.kernel == [1; MAX_SPATIAL]
            && self.strides == [1; MAX_SPATIAL]
            && self.padding == [0; MAX_SPATIAL]
            && self.input == self.output;
        let pixels = self.batch * self.output.iter().product::<usize>();
        pixelwise.then(|| Gemm::new(pixels, self.filters, self.channels))
    }
}
