//! The product on the CPU: tiles of C, panels of B, and micro-kernels that keep their sums in registers.
//!
//! C is cut into tiles by its size alone. A task walks the common dimension of its tile in blocks, packs a block of B into
//! panels that stay in the second-level cache (or reads B in place where few rows would not repay packing), and runs the micro-kernel over
//! the rows. Bias and `relu` are applied to the sums in registers, other activations to the finished product.

mod micro;

use std::cell::RefCell;

use self::micro::{Micro, Numbers, Tile};
use super::{Gemm, Matmul, Strides, plain};
use crate::activation::{Activation, Activations};
use crate::cpu::threads;
use crate::{Cpu, Element, Float, Grad, View};

/// Length of a block of the common dimension: a panel of B of this length stays in the first-level cache.
const KC: usize = 256;
/// Rows of a tile of C.
const MC: usize = 168;
/// Columns of a tile of C.
const NC: usize = 512;
/// With at most this many rows B is read in place: packing would cost as much as multiplying.
const IN_PLACE: usize = 28;

impl Matmul for Cpu {
    fn gemm(&self, gemm: &Gemm, a: View, b: View, bias: Option<View>, activation: Activation, c: Grad) {
        let relu = activation == Activation::RELU;
        match c.view.dtype() {
            crate::DType::F32 => product::<f32>(gemm, a, b, bias, relu, c),
            crate::DType::F64 => product::<f64>(gemm, a, b, bias, relu, c),
            other => unreachable!("a product was planned for {other}"),
        }
        if !activation.is_linear() && !relu {
            self.activation(activation, c.view, c.view);
        }
    }
}

/// A pointer that tasks share.
struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}
// SAFETY: tasks read the operands and write disjoint tiles of C.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn of(view: View) -> Self {
        Shared(view.address().cast())
    }
    fn at(self, offset: usize) -> *mut T {
        self.0.wrapping_add(offset)
    }
}

fn product<T: Numbers + Panels>(gemm: &Gemm, a: View, b: View, bias: Option<View>, relu: bool, c: Grad) {
    let (pa, pb, pc) = (Shared::<T>::of(a), Shared::<T>::of(b), Shared::<T>::of(c.view));
    let bias_at = bias.map_or(Shared(std::ptr::null_mut()), Shared::<T>::of);
    let batch = gemm.batch[0] * gemm.batch[1];
    let start = |s: &Strides, product: usize| {
        product / gemm.batch[1] * s.batch[0] + product % gemm.batch[1] * s.batch[1]
    };
    // The micro-kernel writes rows of C.
    if gemm.c.col != 1 && gemm.n > 1 {
        let transposable = gemm.c.row == 1 && bias.is_none();
        if transposable {
            return product::<T>(&transposed(gemm), b, a, None, relu, c);
        }
        threads::tasks(batch, 8 * batch * gemm.m * gemm.n * gemm.k, |p| {
            // SAFETY: nobody writes to the bias; strides stay inside the operands by the trait's contract, and each task
            // writes its own product.
            unsafe {
                let bias: Option<&[T]> = bias.map(|bias| bias.slice());
                let (a, b) = (pa.at(start(&gemm.a, p)), pb.at(start(&gemm.b, p)));
                let c0 = pc.at(start(&gemm.c, p));
                plain::product(gemm, a, b, bias, c0, c.adds());
                if relu {
                    for (i, j) in (0..gemm.m).flat_map(|i| (0..gemm.n).map(move |j| (i, j))) {
                        let y = &mut *c0.add(i * gemm.c.row + j * gemm.c.col);
                        if *y < T::zero() {
                            *y = T::zero();
                        }
                    }
                }
            }
        });
        return;
    }
    let micro = T::micro();
    let (tiles_m, tiles_n) = (gemm.m.div_ceil(MC), gemm.n.div_ceil(NC));
    // Few tiles: cut smaller, by the size alone, so that several threads have work.
    let (mc, nc) = tile_size(gemm, &micro, batch * tiles_m * tiles_n);
    let (tiles_m, tiles_n) = (gemm.m.div_ceil(mc), gemm.n.div_ceil(nc));
    // A multiplication and addition costs a thirty-second of a cycle.
    let work = batch.saturating_mul(gemm.m * gemm.n / 8).saturating_mul(gemm.k);
    threads::tasks(batch * tiles_m * tiles_n, work, |task| {
        let (p, tile) = (task / (tiles_m * tiles_n), task % (tiles_m * tiles_n));
        let (i0, j0) = (tile / tiles_n * mc, tile % tiles_n * nc);
        let piece = Piece {
            gemm,
            micro: &micro,
            a: pa.at(start(&gemm.a, p) + i0 * gemm.a.row),
            b: pb.at(start(&gemm.b, p) + j0 * gemm.b.col),
            c: pc.at(start(&gemm.c, p) + i0 * gemm.c.row + j0),
            bias: if bias.is_some() { bias_at.at(j0) } else { std::ptr::null() },
            rows: mc.min(gemm.m - i0),
            columns: nc.min(gemm.n - j0),
            add: c.adds(),
            relu,
        };
        // SAFETY: the strides stay inside the operands by the trait's contract; each task writes its own tile.
        unsafe { piece.compute() }
    });
}

/// `C^T = B^T A^T`.
fn transposed(gemm: &Gemm) -> Gemm {
    let flip = |s: Strides| Strides { batch: s.batch, row: s.col, col: s.row };
    Gemm { m: gemm.n, n: gemm.m, a: flip(gemm.b), b: flip(gemm.a), c: flip(gemm.c), ..*gemm }
}

fn tile_size<T>(gemm: &Gemm, micro: &Micro<T>, tiles: usize) -> (usize, usize) {
    if tiles >= 8 {
        return (MC, NC);
    }
    // Along the longer side: about eight tiles, of whole micro-tiles.
    let eighth = |n: usize, unit: usize, most: usize| n.div_ceil(8).next_multiple_of(unit).min(most);
    if gemm.m >= 4 * micro.rows && gemm.m >= gemm.n / 4 {
        (eighth(gemm.m, micro.rows, MC), NC)
    } else {
        (MC, eighth(gemm.n, micro.columns, NC).max(2 * micro.columns))
    }
}

/// One tile of C.
struct Piece<'a, T> {
    gemm: &'a Gemm,
    micro: &'a Micro<T>,
    a: *const T,
    b: *const T,
    c: *mut T,
    bias: *const T,
    rows: usize,
    columns: usize,
    add: bool,
    relu: bool,
}

impl<T: Numbers + Panels> Piece<'_, T> {
    /// # Safety
    /// The pointers are valid for the sizes and strides; nobody else uses this tile of C.
    unsafe fn compute(&self) {
        let Gemm { k, a: sa, b: sb, .. } = *self.gemm;
        let width = self.micro.columns;
        let in_place = sb.col == 1 && self.rows <= IN_PLACE;
        T::with_panels(|panels| {
            // A product over nothing is zero.
            let blocks = k.div_ceil(KC).max(1);
            for block in 0..blocks {
                let (l0, len) = (block * KC, KC.min(k - block * KC));
                let (first, last) = (block == 0, block + 1 == blocks);
                // SAFETY: offsets stay inside the operands, and `pack` fills what the kernel reads.
                unsafe {
                    let b = self.b.add(l0 * sb.row);
                    for (panel, j) in (0..self.columns).step_by(width).enumerate() {
                        let columns = width.min(self.columns - j);
                        let (pb, b_row) = if in_place && columns == width {
                            (b.add(j), sb.row)
                        } else {
                            let to = &mut panels[panel * KC * width..][..len * width];
                            pack(b.add(j * sb.col), sb, columns, width, to);
                            (to.as_ptr(), width)
                        };
                        for i in (0..self.rows).step_by(self.micro.rows) {
                            let tile = Tile {
                                k: len,
                                a: self.a.add(i * sa.row + l0 * sa.col),
                                a_row: sa.row,
                                a_col: sa.col,
                                b: pb,
                                b_row,
                                c: self.c.add(i * self.gemm.c.row + j),
                                c_row: self.gemm.c.row,
                                rows: self.micro.rows.min(self.rows - i),
                                columns,
                                alpha: <T as Element>::from_f64(self.gemm.alpha),
                                add: self.add || !first,
                                bias: if last && !self.bias.is_null() {
                                    self.bias.add(j)
                                } else {
                                    std::ptr::null()
                                },
                                relu: last && self.relu,
                            };
                            (self.micro.kernel)(&tile);
                        }
                    }
                }
            }
        });
    }
}

/// Packs `columns` columns of a block of B into rows of `width`, the rest zeros.
///
/// # Safety
/// `to.len() / width` rows of B with `columns` columns are readable.
unsafe fn pack<T: Float>(b: *const T, strides: Strides, columns: usize, width: usize, to: &mut [T]) {
    if strides.col == 1 {
        for (l, row) in to.chunks_exact_mut(width).enumerate() {
            // SAFETY: by the function's contract.
            let from = unsafe { std::slice::from_raw_parts(b.add(l * strides.row), columns) };
            row[..columns].copy_from_slice(from);
            row[columns..].fill(T::zero());
        }
        return;
    }
    // Column by column, eight rows at a time: the reads run along B's memory, the writes stay in a few cache lines.
    const RUN: usize = 8;
    for (block, rows) in to.chunks_mut(RUN * width).enumerate() {
        let n = rows.len() / width;
        for j in 0..width {
            for l in 0..n {
                rows[l * width + j] = if j < columns {
                    // SAFETY: as above.
                    unsafe { *b.add((block * RUN + l) * strides.row + j * strides.col) }
                } else {
                    T::zero()
                };
            }
        }
    }
}

/// Room for the panels of one tile's block of B, one for each thread, taken once.
trait Panels: Sized {
    fn with_panels<R>(f: impl FnOnce(&mut [Self]) -> R) -> R;
}

/// Columns of a tile in whole panels of any width.
const PANELS: usize = KC * (NC + 32);

macro_rules! panels {
    ($t:ty) => {
        impl Panels for $t {
            fn with_panels<R>(f: impl FnOnce(&mut [$t]) -> R) -> R {
                thread_local! {
                    static PANELS_OF_THREAD: RefCell<Vec<$t>> = RefCell::new(vec![0.0; PANELS]);
                }
                PANELS_OF_THREAD.with_borrow_mut(|panels| f(panels))
            }
        }
    };
}
panels!(f32);
panels!(f64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Shape};

    fn numbers<T: Float>(n: usize, seed: usize) -> Vec<T> {
        (0..n)
            .map(|i| <T as Element>::from_f64(((i * 7919 + seed * 104_729) % 2003) as f64 / 1000.0 - 1.0))
            .collect()
    }

    fn view<T: Float>(data: &mut [T]) -> View {
        let shape = Shape::of(&[data.len()]);
        // SAFETY: the vectors outlive the views.
        unsafe { View::of(data, shape) }
    }

    /// Products in every layout against the plain one.
    fn check<T: Numbers>(tolerance: f64) {
        let sizes = [1, 2, 3, 7, 15, 16, 17, 29, 33, 64, 100, 257];
        let device = Device::cpu_with_threads(2);
        for (case, &m) in sizes.iter().enumerate() {
            for (other, &n) in sizes.iter().enumerate() {
                let k = sizes[(case * 5 + other * 3) % sizes.len()] + if case == other { 300 } else { 0 };
                let mut gemm = Gemm::new(m, n, k);
                let kind = case + other;
                if kind % 2 == 1 {
                    gemm = gemm.a_transposed();
                }
                if kind % 3 == 1 {
                    gemm = gemm.b_transposed();
                }
                if kind % 5 == 4 {
                    gemm.c = Strides::transposed(m);
                }
                gemm.alpha = if kind % 4 == 0 { 0.5 } else { 1.0 };
                let add = kind % 4 == 3;
                let with_bias = !add && kind % 4 == 1;
                let (mut a, mut b) = (numbers::<T>(m * k, 1), numbers::<T>(k * n, 2));
                let (mut c, mut bias) = (numbers::<T>(m * n, 3), numbers::<T>(n, 4));
                let mut expected = c.clone();
                // SAFETY: the vectors have the sizes of the product.
                unsafe {
                    let bias = with_bias.then_some(&bias[..]);
                    plain::product(&gemm, a.as_ptr(), b.as_ptr(), bias, expected.as_mut_ptr(), add);
                }
                let to = view(&mut c);
                let to = if add { Grad::add(to) } else { Grad::write(to) };
                let bias = with_bias.then(|| view(&mut bias));
                device.gemm(&gemm, view(&mut a), view(&mut b), bias, Activation::Linear, to);
                for (found, expected) in c.iter().zip(&expected) {
                    let (found, expected) = (Element::to_f64(*found), Element::to_f64(*expected));
                    let bound = tolerance * (k as f64).sqrt().max(1.0);
                    assert!(
                        (found - expected).abs() <= bound,
                        "{m}x{n}x{k}, kind {kind}: {found}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_layout_in_32_bits() {
        // A rounding error for each of k products of numbers below 1.
        check::<f32>(1e-6 * 4.0);
    }

    #[test]
    fn every_layout_in_64_bits() {
        check::<f64>(1e-14);
    }

    #[test]
    fn batches_with_strides() {
        // Two by three products; B is the same for all of the inner batch.
        let (m, n, k) = (5, 18, 9);
        let gemm = Gemm {
            batch: [2, 3],
            a: Strides::rows(k).batched(3 * m * k, m * k),
            b: Strides::rows(n).batched(k * n, 0),
            c: Strides::rows(n).batched(3 * m * n, m * n),
            ..Gemm::new(m, n, k)
        };
        let (mut a, mut b) = (numbers::<f32>(6 * m * k, 1), numbers::<f32>(2 * k * n, 2));
        let mut c = vec![0.0f32; 6 * m * n];
        let to = Grad::write(view(&mut c));
        Device::cpu().gemm(&gemm, view(&mut a), view(&mut b), None, Activation::Linear, to);
        for p in 0..6 {
            let mut expected = vec![0.0f32; m * n];
            // SAFETY: the vectors have the sizes of the products.
            unsafe {
                let (a, b) = (a[p * m * k..].as_ptr(), b[p / 3 * k * n..].as_ptr());
                plain::product(&Gemm::new(m, n, k), a, b, None, expected.as_mut_ptr(), false);
            }
            for (found, expected) in c[p * m * n..].iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let (m, n, k) = (300, 200, 700);
        let run = |threads| {
            let device = Device::cpu_with_threads(threads);
            let (mut a, mut b, mut c) =
                (numbers::<f32>(m * k, 1), numbers::<f32>(k * n, 2), vec![0.0f32; m * n]);
            device.install(&mut || {
                let to = Grad::write(view(&mut c));
                device.gemm(&Gemm::new(m, n, k), view(&mut a), view(&mut b), None, Activation::Linear, to);
            });
            c.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn relu_on_the_way_keeps_nan() {
        let (mut a, mut b) = (vec![1.0f32, -1.0, f32::NAN], vec![2.0f32; 40]);
        let mut c = vec![9.0f32; 120];
        let gemm = Gemm::new(3, 40, 1);
        Device::cpu().gemm(
            &gemm,
            view(&mut a),
            view(&mut b),
            None,
            Activation::RELU,
            Grad::write(view(&mut c)),
        );
        assert!(c[..40].iter().all(|v| *v == 2.0) && c[40..80].iter().all(|v| *v == 0.0));
        assert!(c[80..].iter().all(|v| v.is_nan()));
    }
}
