//! Micro-kernels: a few rows of A times one panel of B, all sums in registers.
//!
//! A is read in place, one element at a time (a broadcast load costs nothing beside the multiplications); B comes as rows of
//! [`Micro::columns`] numbers, packed or in place. The registers of AVX-512 hold 14 x 32 sums, those of AVX2 6 x 16.

use crate::{Element, Float};

/// A piece of C: up to [`Micro::rows`] rows and [`Micro::columns`] columns.
pub(super) struct Tile<T> {
    /// Length of the sums.
    pub k: usize,
    pub a: *const T,
    pub a_row: usize,
    pub a_col: usize,
    /// Rows of at least [`Micro::columns`] readable numbers.
    pub b: *const T,
    pub b_row: usize,
    pub c: *mut T,
    pub c_row: usize,
    pub rows: usize,
    pub columns: usize,
    pub alpha: T,
    /// Adds to what is in C.
    pub add: bool,
    /// Added to every row, or null.
    pub bias: *const T,
    /// Negative results become zero (after the bias; not with `add` from outside).
    pub relu: bool,
}

/// A kernel: computes a tile.
///
/// # Safety
/// The pointers of the tile are valid for its sizes, C alone writes its piece, and the processor has the features.
pub(super) type Kernel<T> = unsafe fn(&Tile<T>);

/// The kernels for one type of numbers on this processor.
pub(super) struct Micro<T> {
    /// Most rows of a tile.
    pub rows: usize,
    /// Columns of a panel.
    pub columns: usize,
    pub kernel: Kernel<T>,
}

/// Numbers that have kernels.
pub(super) trait Numbers: Float {
    /// The best kernels for this processor.
    fn micro() -> Micro<Self>;
}

impl Numbers for f32 {
    fn micro() -> Micro<f32> {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Micro { rows: 14, columns: 32, kernel: avx512::kernel };
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Micro { rows: 6, columns: 16, kernel: avx2::kernel };
            }
        }
        Micro { rows: 4, columns: 16, kernel: portable::<f32, 16> }
    }
}

impl Numbers for f64 {
    fn micro() -> Micro<f64> {
        Micro { rows: 4, columns: 8, kernel: portable::<f64, 8> }
    }
}

/// Loops that the compiler vectorises for whatever the target has (SSE2, NEON).
///
/// # Safety
/// See [`Kernel`].
unsafe fn portable<T: Float, const C: usize>(tile: &Tile<T>) {
    let mut sums = [[T::zero(); C]; 4];
    for l in 0..tile.k {
        // SAFETY: by the contract of `Kernel`; here and below.
        let b = unsafe { &*tile.b.add(l * tile.b_row).cast::<[T; C]>() };
        for (i, sums) in sums.iter_mut().enumerate().take(tile.rows) {
            // SAFETY: as above.
            let a = unsafe { *tile.a.add(i * tile.a_row + l * tile.a_col) };
            sums.iter_mut().zip(b).for_each(|(s, b)| *s += a * *b);
        }
    }
    for (i, sums) in sums.iter().enumerate().take(tile.rows) {
        for (j, sum) in sums.iter().enumerate().take(tile.columns) {
            let mut value = *sum * tile.alpha;
            // SAFETY: as above.
            let to = unsafe { &mut *tile.c.add(i * tile.c_row + j) };
            if tile.add {
                value += *to;
            }
            if !tile.bias.is_null() {
                // SAFETY: as above.
                value += unsafe { *tile.bias.add(j) };
            }
            if tile.relu && value < T::zero() {
                value = <T as Element>::from_f64(0.0);
            }
            *to = value;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::Tile;

    /// # Safety
    /// See [`super::Kernel`]; needs AVX-512F.
    pub(in super::super) unsafe fn kernel(tile: &Tile<f32>) {
        // SAFETY: the caller's.
        unsafe {
            match tile.rows {
                1 => rows::<1>(tile),
                2 => rows::<2>(tile),
                3 => rows::<3>(tile),
                4 => rows::<4>(tile),
                5 => rows::<5>(tile),
                6 => rows::<6>(tile),
                7 => rows::<7>(tile),
                8 => rows::<8>(tile),
                9 => rows::<9>(tile),
                10 => rows::<10>(tile),
                11 => rows::<11>(tile),
                12 => rows::<12>(tile),
                13 => rows::<13>(tile),
                _ => rows::<14>(tile),
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn rows<const R: usize>(t: &Tile<f32>) {
        // SAFETY: by the contract of `Kernel`, every address is inside its operand: B's rows have 32 readable numbers, and
        // stores and loads of C and the bias are masked to `columns`.
        unsafe {
            let mut sums = [[_mm512_setzero_ps(); 2]; R];
            let mut b = t.b;
            let mut a = t.a;
            for _ in 0..t.k {
                let (b0, b1) = (_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16)));
                for i in 0..R {
                    let x = _mm512_set1_ps(*a.add(i * t.a_row));
                    sums[i][0] = _mm512_fmadd_ps(x, b0, sums[i][0]);
                    sums[i][1] = _mm512_fmadd_ps(x, b1, sums[i][1]);
                }
                a = a.wrapping_add(t.a_col);
                b = b.wrapping_add(t.b_row);
            }
            let mask = |from: usize| -> __mmask16 {
                let n = t.columns.saturating_sub(from).min(16);
                ((1u32 << n) - 1) as __mmask16
            };
            let masks = [mask(0), mask(16)];
            let alpha = _mm512_set1_ps(t.alpha);
            for i in 0..R {
                for h in 0..2 {
                    let to = t.c.wrapping_add(i * t.c_row + 16 * h);
                    let mut y = _mm512_mul_ps(sums[i][h], alpha);
                    if t.add {
                        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(masks[h], to));
                    }
                    if !t.bias.is_null() {
                        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(masks[h], t.bias.wrapping_add(16 * h)));
                    }
                    if t.relu {
                        // The second operand comes through where one is NaN.
                        y = _mm512_max_ps(_mm512_setzero_ps(), y);
                    }
                    _mm512_mask_storeu_ps(to, masks[h], y);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Tile;

    /// # Safety
    /// See [`super::Kernel`]; needs AVX2 and FMA.
    pub(in super::super) unsafe fn kernel(tile: &Tile<f32>) {
        // SAFETY: the caller's.
        unsafe {
            match tile.rows {
                1 => rows::<1>(tile),
                2 => rows::<2>(tile),
                3 => rows::<3>(tile),
                4 => rows::<4>(tile),
                5 => rows::<5>(tile),
                _ => rows::<6>(tile),
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn rows<const R: usize>(t: &Tile<f32>) {
        // SAFETY: as in the kernel for AVX-512.
        unsafe {
            let mut sums = [[_mm256_setzero_ps(); 2]; R];
            let mut b = t.b;
            let mut a = t.a;
            for _ in 0..t.k {
                let (b0, b1) = (_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8)));
                for i in 0..R {
                    let x = _mm256_set1_ps(*a.add(i * t.a_row));
                    sums[i][0] = _mm256_fmadd_ps(x, b0, sums[i][0]);
                    sums[i][1] = _mm256_fmadd_ps(x, b1, sums[i][1]);
                }
                a = a.wrapping_add(t.a_col);
                b = b.wrapping_add(t.b_row);
            }
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let mask = |from: usize| {
                let n = t.columns.saturating_sub(from).min(8) as i32;
                _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes)
            };
            let masks = [mask(0), mask(8)];
            let alpha = _mm256_set1_ps(t.alpha);
            for i in 0..R {
                for h in 0..2 {
                    let to = t.c.wrapping_add(i * t.c_row + 8 * h);
                    let mut y = _mm256_mul_ps(sums[i][h], alpha);
                    if t.add {
                        y = _mm256_add_ps(y, _mm256_maskload_ps(to, masks[h]));
                    }
                    if !t.bias.is_null() {
                        y = _mm256_add_ps(y, _mm256_maskload_ps(t.bias.wrapping_add(8 * h), masks[h]));
                    }
                    if t.relu {
                        y = _mm256_max_ps(_mm256_setzero_ps(), y);
                    }
                    _mm256_maskstore_ps(to, masks[h], y);
                }
            }
        }
    }
}
