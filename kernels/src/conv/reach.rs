//! Which source pixels each destination pixel reads: forward, and back to the input phase by phase.
//!
//! Every destination pixel is the sum, over some taps of the kernel, of a source pixel times that tap. The data gradient of a strided
//! convolution is cut by phase: pixels that are the same distance beyond a multiple of the stride are reached by the same taps.

use super::{Conv, MAX_SPATIAL};

/// One spatial dimension of a pass. Point `i` of `count` is written at `first + i * step` and reads, for a tap at
/// `offset`, `i * stride + offset`, if that is below `size`.
#[derive(Clone, Copy)]
pub(super) struct Dim {
    pub(super) count: usize,
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) written: usize,
    pub(super) stride: usize,
    pub(super) size: usize,
}

/// A tap of the kernel: its number, and how far from a window's start it reads.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub(super) index: usize,
    pub(super) offset: [isize; MAX_SPATIAL],
}

impl Tap {
    pub(super) const NONE: Tap = Tap { index: 0, offset: [0; MAX_SPATIAL] };
}

/// What the destination pixels of one phase read. The convolution's dimensions are aligned to the end.
#[derive(Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) conv: &'a Conv,
    pub(super) dims: [Dim; MAX_SPATIAL],
    /// Remainder of the destination's coordinates; the taps are those that reach it. `None` is forward.
    phase: Option<[usize; MAX_SPATIAL]>,
}

impl<'a> Reach<'a> {
    /// From the input to the output.
    pub(super) fn forward(conv: &'a Conv) -> Reach<'a> {
        let dims = std::array::from_fn(|i| Dim {
            count: conv.output[i],
            first: 0,
            step: 1,
            written: conv.output[i],
            stride: conv.strides[i],
            size: conv.input[i],
        });
        Reach { conv, dims, phase: None }
    }

    /// From the output back to the input: every pixel of it belongs to one phase, those too that no window reads.
    pub(super) fn backward(conv: &'a Conv) -> impl Iterator<Item = Reach<'a>> {
        let [a, b, c] = conv.strides;
        (0..a * b * c).map(move |phase| {
            let phase = [phase / (b * c), phase / c % b, phase % c];
            let dims = std::array::from_fn(|i| Dim {
                count: conv.input[i].saturating_sub(phase[i]).div_ceil(conv.strides[i]),
                first: phase[i],
                step: conv.strides[i],
                written: conv.input[i],
                stride: 1,
                size: conv.output[i],
            });
            Reach { conv, dims, phase: Some(phase) }
        })
    }

    /// Destination pixels of the whole batch.
    pub(super) fn pixels(&self) -> usize {
        self.conv.batch * self.dims.iter().map(|d| d.count).product::<usize>()
    }

    /// The taps that reach this phase.
    pub(super) fn taps(&self) -> impl Iterator<Item = Tap> + use<'a> {
        let Reach { conv, phase, .. } = *self;
        (0..conv.kernel.iter().product()).filter_map(move |index| {
            let tap = conv.tap(index);
            let mut offset = [0; MAX_SPATIAL];
            for i in 0..MAX_SPATIAL {
                let (ahead, padding) = ((tap[i] * conv.dilation[i]) as isize, conv.padding[i] as isize);
                offset[i] = match phase {
                    None => ahead - padding,
                    Some(phase) => {
                        let (back, stride) = (phase[i] as isize + padding - ahead, conv.strides[i] as isize);
                        if back % stride != 0 {
                            return None;
                        }
                        back / stride
                    }
                };
            }
            Some(Tap { index, offset })
        })
    }
}
