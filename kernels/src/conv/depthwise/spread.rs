//! Depthwise convolutions with several filters for each channel: filter `f` reads channel `f / multiplier`.

use super::{MAX_TAPS, Pass};
use crate::cpu::math::Real;
use crate::cpu::simd::{Kernel, Level, fma};
use crate::cpu::threads;

/// Each pixel of the output.
pub(super) fn forward<T: Real>(pass: &Pass<'_, T>) {
    run(pass, false);
}

/// Each pixel of the input.
pub(super) fn data_grad<T: Real>(pass: &Pass<'_, T>) {
    run(pass, true);
}

fn run<T: Real>(pass: &Pass<'_, T>, gathers: bool) {
    let taps = pass.reach.taps().count();
    let work = pass.reach.pixels() * pass.reach.conv.filters * taps.max(1);
    threads::tasks(pass.reach.lines(), work, |line| T::dispatch(Line { pass, line, taps, gathers }));
}

struct Line<'a, T> {
    pass: &'a Pass<'a, T>,
    line: usize,
    taps: usize,
    /// The destination has the channels, and gathers from their filters.
    gathers: bool,
}

impl<T: Real> Kernel for Line<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Pass { reach, source, kernel, to, epilogue } = *self.pass;
        let (channels, filters) = (reach.conv.channels, reach.conv.filters);
        let multiplier = filters / channels;
        let (here, there) = if self.gathers { (channels, filters) } else { (filters, channels) };
        let first = reach.line(self.line);
        for i in 0..reach.dims[2].count {
            let pixel = (first + i * reach.dims[2].step) * here;
            // What is added may be the row itself: it comes before the sums, so these are scaled one by one.
            for c in 0..here {
                let to = to.at(pixel + c);
                // SAFETY: scale and bias have an element a channel, what is added lies as the destination does, and the pixel's row is
                // this task's alone.
                unsafe {
                    let [_, [bias]] = epilogue.columns::<1>(c, 1);
                    *to = if epilogue.added.is_null() { bias } else { bias + *epilogue.beside(to) };
                }
            }
            // SAFETY: the pixel's row is written by this task alone.
            let row = unsafe { to.slice_mut(pixel, here) };
            for skip in (0..self.taps).step_by(MAX_TAPS) {
                let (reads, count) = reach.reads(self.line, skip);
                for read in reads[..count].iter().filter(|read| (read.from..read.to).contains(&i)) {
                    let pixel = read.first.wrapping_add_unsigned(i * reach.dims[2].stride) as usize;
                    // SAFETY: the pixel is inside the source, the tap inside the kernel.
                    let (x, k) = unsafe {
                        (source.slice(pixel * there, there), kernel.slice(read.tap * filters, filters))
                    };
                    for c in 0..channels {
                        for f in c * multiplier..(c + 1) * multiplier {
                            let (at, from) = if self.gathers { (c, f) } else { (f, c) };
                            // SAFETY: as above.
                            let [[scale], _] = unsafe { epilogue.columns::<1>(at, 1) };
                            row[at] = fma::<L, T>(x[from] * scale, k[f], row[at]);
                        }
                    }
                }
            }
            row.iter_mut().for_each(|y| *y = epilogue.bounds.clip(*y));
        }
    }
}
