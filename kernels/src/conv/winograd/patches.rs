//! Patches of images under tiles, transformed.

use super::tiles::Tiles;
use super::transforms::{self, LANES, Lanes, REACH, ZEROS};
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level};

/// Images that tiles read in patches of `N` by `N` pixels: inputs (`N` is [`REACH`]), or gradients of outputs.
#[derive(Clone, Copy)]
pub(super) struct Images<const N: usize> {
    pub(super) tiles: Tiles,
    pub(super) from: Raw<f32>,
    /// Height and width.
    pub(super) size: [usize; 2],
    /// How far above and left of its outputs a patch begins.
    pub(super) padding: [usize; 2],
    /// Channels of a pixel.
    pub(super) channels: usize,
}

/// Transforms the patches of some tiles, in some channels. What lies outside of the image is zero.
pub(super) struct Patches<'a, const N: usize> {
    pub(super) images: Images<N>,
    /// The first tile, and how many.
    pub(super) first: usize,
    pub(super) some: usize,
    /// The first channel, and how many; the last vector may be partial.
    pub(super) channel: usize,
    pub(super) channels: usize,
    /// From one tile to the next, and from one product to the next.
    pub(super) pitch: usize,
    pub(super) step: usize,
    pub(super) to: &'a mut [f32],
}

impl<const N: usize> Kernel for Patches<'_, N> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Images { tiles, from, size: [height, width], padding, channels } = self.images;
        for tile in 0..self.some {
            let (sample, [row, column]) = tiles.place(self.first + tile);
            // Where each pixel's channels lie, and all ones; outside, where zeros lie, and zero.
            let mut pixels = [[(ZEROS.as_ptr(), 0); N]; N];
            for (i, line) in pixels.iter_mut().enumerate() {
                let y = (row + i).wrapping_sub(padding[0]);
                for (j, pixel) in line.iter_mut().enumerate() {
                    let x = (column + j).wrapping_sub(padding[1]);
                    if y < height && x < width {
                        let at = ((sample * height + y) * width + x) * channels + self.channel;
                        *pixel = (from.at(at).cast_const(), usize::MAX);
                    }
                }
            }
            for channel in (0..self.channels).step_by(LANES) {
                let lanes = LANES.min(self.channels - channel);
                let to = &mut self.to[tile * self.pitch + channel..];
                let pixel = |i: usize, j: usize| {
                    let (at, mask) = pixels[i][j];
                    at.wrapping_add(channel & mask)
                };
                if lanes == LANES {
                    // SAFETY: `LANES` channels of a pixel inside the image, which nobody writes to, or zeros.
                    transform::<L, N>(|i, j| unsafe { &*pixel(i, j).cast::<Lanes>() }, self.step, to);
                } else {
                    let mut beside = [[ZEROS; N]; N];
                    for i in 0..N {
                        for j in 0..N {
                            // SAFETY: as above, `lanes` channels.
                            let values = unsafe { std::slice::from_raw_parts(pixel(i, j), lanes) };
                            beside[i][j][..lanes].copy_from_slice(values);
                        }
                    }
                    transform::<L, N>(|i, j| &beside[i][j], self.step, to);
                }
            }
        }
    }
}

#[inline(always)]
fn transform<'a, L: Level, const N: usize>(
    from: impl Fn(usize, usize) -> &'a Lanes,
    step: usize,
    to: &mut [f32],
) {
    let put = |product: usize, values: &Lanes| to[product * step..][..LANES].copy_from_slice(values);
    if N == REACH { transforms::input::<L>(from, put) } else { transforms::gradient::<L>(from, put) }
}
