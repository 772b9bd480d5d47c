use super::slice::{BackwardRows, ForwardRows};
use super::{Backward, Forward, Recurrence, Recurrent, back, forward};
use crate::cpu::threads;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::{Matmul, Strides, packed_len};
use crate::{Cpu, Shape, View, with_float};

/// Runs `slice(first, rows)` for every slice of the batch.
fn slices(of: &Recurrent, slice: impl Fn(usize, usize) + Sync + Send) {
    let products = of.batch.saturating_mul(of.steps).saturating_mul(of.cell.gates() * of.units);
    let work = products.saturating_mul(of.units) / MULTIPLICATIONS;
    let rows = of.rows();
    threads::tasks(of.batch.div_ceil(rows), work, |at| {
        let first = at * rows;
        slice(first, rows.min(of.batch - first));
    });
}

impl Recurrence for Cpu {
    fn recur(&self, of: &Recurrent, on: &Forward) {
        with_float!(on.local.dtype(), T => {
            let rows = ForwardRows::<T>::new(of, on);
            slices(of, |first, count| forward::run(self, &rows, first, count));
        });
    }

    fn recur_back(&self, of: &Recurrent, on: &Backward) {
        with_float!(on.local.dtype(), T => {
            let rows = BackwardRows::<T>::new(of, on);
            slices(of, |first, count| back::run(self, &rows, first, count));
        });
    }

    fn recur_pack(&self, of: &Recurrent, kernel: View, forward: View, back: View) {
        let (units, part, wide) = (of.units, of.part(), of.cell.gates() * of.units);
        let flat = kernel.reshape(Shape::of(&[kernel.size()]));
        for at in 0..of.parts() {
            let from = flat.cut(at * part, Shape::of(&[flat.size() - at * part]));
            let to = |packed: View, len: usize| packed.cut(at * len, Shape::of(&[len]));
            self.pack_b(part, units, Strides::rows(wide), from, to(forward, packed_len(part, units)));
            self.pack_b(units, part, Strides::transposed(wide), from, to(back, packed_len(units, part)));
        }
    }
}
