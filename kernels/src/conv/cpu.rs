//! Which kernel computes a convolution on the CPU.

use super::winograd::{self, Turn};
use super::{Conv, Convolution, Epilogue, MAX_SPATIAL, depthwise, kernel_grad, strips, windows};
use crate::activation::{Activation, Activations};
use crate::matmul::tile::{Isa, Tiled};
use crate::matmul::{Gemm, Matmul};
use crate::{Cpu, DType, Grad, View, with_float};

impl Convolution for Cpu {
    fn conv(&self, conv: &Conv, x: View, kernel: View, packed: Option<View>, epilogue: &Epilogue, y: View) {
        let conv = &conv.aligned();
        if let Some(gemm) = conv.as_product() {
            return self.gemm_fused(&gemm, x, kernel, epilogue, y);
        }
        if let Some(packed) = packed.filter(|_| self.takes_tiles(conv, y)) {
            winograd::Pass { conv, x, packed, epilogue, y }.run(<f32 as Tiled>::isa());
        } else {
            with_float!(y.dtype(), T => if conv.is_depthwise() {
                depthwise::forward::<T>(conv, x, kernel, epilogue, y);
            } else if conv.suits_strips() {
                strips::forward(<T as Tiled>::isa(), conv, x, kernel, epilogue, y);
            } else {
                windows::forward(<T as Tiled>::isa(), conv, x, kernel, epilogue, y);
            });
        }
        if let Some(activation) = epilogue.rest() {
            self.activation(activation, y, y);
        }
    }

    fn conv_pack(&self, conv: &Conv, kernel: View, to: View) {
        // For no other type is there a pass that reads it.
        if kernel.dtype() == DType::F32 && !self.exact {
            winograd::pack(<f32 as Tiled>::isa(), conv, Turn::Forward, kernel, to);
        }
    }

    fn conv_data_grad(&self, conv: &Conv, dy: View, kernel: View, scratch: Option<View>, dx: Grad) {
        let conv = &conv.aligned();
        if let Some(gemm) = conv.as_product() {
            let gemm = Gemm::new(gemm.m, gemm.k, gemm.n).b_transposed();
            return self.gemm(&gemm, dy, kernel, None, Activation::Linear, dx);
        }
        let backwards = conv.backwards();
        if let Some(packed) = scratch.filter(|_| self.takes_tiles(&backwards, dx.view)) {
            let isa = <f32 as Tiled>::isa();
            winograd::pack(isa, conv, Turn::Backward, kernel, packed);
            let pass =
                winograd::Pass { conv: &backwards, x: dy, packed, epilogue: &dx.epilogue(), y: dx.view };
            return pass.run(isa);
        }
        with_float!(dy.dtype(), T => if conv.is_depthwise() {
            depthwise::data_grad::<T>(conv, dy, kernel, dx);
        } else {
            windows::data_grad(<T as Tiled>::isa(), conv, dy, kernel, dx);
        });
    }

    fn conv_kernel_grad(&self, conv: &Conv, x: View, dy: View, dkernel: Grad) {
        let conv = &conv.aligned();
        if self.takes_tiles(conv, dy) {
            return winograd::kernel_grad(<f32 as Tiled>::isa(), conv, x, dy, dkernel);
        }
        with_float!(dy.dtype(), T => if conv.is_depthwise() {
            depthwise::kernel_grad::<T>(conv, x, dy, dkernel);
        } else {
            kernel_grad_by_definition(<T as Tiled>::isa(), conv, x, dy, dkernel);
        });
    }
}

/// The gradient of a kernel that is not depthwise, every sum by its definition.
pub(super) fn kernel_grad_by_definition<T: Tiled>(
    isa: Isa<T>,
    conv: &Conv,
    x: View,
    dy: View,
    dkernel: Grad,
) {
    if conv.suits_strips() {
        strips::kernel_grad(isa, conv, x, dy, dkernel);
    } else {
        kernel_grad::kernel_grad(isa, conv, x, dy, dkernel);
    }
}

impl Cpu {
    /// Whether tiles are the way to `y`, or from its gradient to that of the kernel.
    fn takes_tiles(&self, conv: &Conv, y: View) -> bool {
        y.dtype() == DType::F32 && !self.exact && conv.suits()
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
