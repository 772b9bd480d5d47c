//! Which steps see which: causal masks and sliding windows depend on the distance of two steps alone.

use keras_kernels::layout::Walk;
use keras_kernels::{Device, Grad, MAX_RANK, Shape, View};

/// Pairs of steps within a distance of each other.
#[derive(Clone, Copy)]
pub(super) struct Band {
    /// No step sees a later one.
    pub causal: bool,
    /// Steps see each other if they are less than this apart.
    pub window: Option<usize>,
}

impl Band {
    /// Whether it leaves anything out.
    pub(super) const fn is_some(&self) -> bool {
        self.causal || self.window.is_some()
    }

    /// How many numbers of scratch [`Band::fill`] needs.
    pub(super) const fn scratch(targets: usize, sources: usize) -> usize {
        targets + sources - 1
    }

    /// Writes 1 where target step `t` sees source step `s`, else 0, to `[targets, sources]`.
    pub(super) fn fill(&self, device: &Device, scratch: View, to: View) {
        let (targets, sources) = (to.shape().dim(0), to.shape().dim(1));
        // One number for each distance s - t, from 1 - targets on; rows of the table are stretches of it.
        let reach = self.window.map_or(isize::MAX, |w| w as isize - 1);
        let low = (-reach).max(1 - targets as isize);
        let high = if self.causal { 0 } else { reach }.min(sources as isize - 1);
        let first = (low + targets as isize - 1) as usize;
        device.fill(0.0, scratch);
        device.fill(1.0, scratch.cut(first, Shape::of(&[(high - low + 1).max(0) as usize])));
        let (mut from_strides, mut to_strides) = ([0; MAX_RANK], [0; MAX_RANK]);
        from_strides[..2].copy_from_slice(&[-1, 1]);
        to_strides[..2].copy_from_slice(&[sources as isize, 1]);
        let walk = Walk { shape: to.shape(), from: targets - 1, from_strides, to: 0, to_strides };
        device.walk(&walk, scratch, Grad::write(to));
    }
}

#[cfg(test)]
mod tests {
    use keras_kernels::DType;

    use super::*;

    fn table(band: Band, targets: usize, sources: usize) -> Vec<f64> {
        let mut numbers = vec![f64::NAN; targets * sources];
        let mut scratch = vec![f64::NAN; Band::scratch(targets, sources)];
        // SAFETY: both outlive the call.
        let (to, from) = unsafe {
            let from = View::new(scratch.as_mut_ptr().cast(), Shape::of(&[scratch.len()]), DType::F64);
            (View::new(numbers.as_mut_ptr().cast(), Shape::of(&[targets, sources]), DType::F64), from)
        };
        band.fill(&Device::cpu(), from, to);
        numbers
    }

    #[test]
    fn every_pair() {
        for causal in [false, true] {
            for window in [None, Some(1), Some(2), Some(9)] {
                for (targets, sources) in [(1, 1), (3, 3), (2, 5), (5, 2)] {
                    let found = table(Band { causal, window }, targets, sources);
                    for (at, value) in found.iter().enumerate() {
                        let (t, s) = (at / sources, at % sources);
                        let sees = (!causal || s <= t) && window.is_none_or(|w| t.abs_diff(s) < w);
                        assert_eq!(*value, f64::from(sees), "{causal} {window:?} {t} {s}");
                    }
                }
            }
        }
    }
}
