//! Tiles with AVX-512 (14 x 32, and wider ones of few rows) and with AVX2 and FMA (6 x 16).

use std::arch::x86_64::*;

use super::{Ahead, Epilogue, Isa, MAX_ROWS, Tile};

const AVX512: Isa<f32> = Isa {
    name: "avx512",
    rows: 14,
    cols: 32,
    low: &[(2, 128), (4, 64)],
    narrow: 16,
    exact: true,
    run: run_avx512,
};
const AVX2: Isa<f32> =
    Isa { name: "avx2", rows: 6, cols: 16, low: &[], narrow: 8, exact: false, run: run_avx2 };

/// The fastest of them that this machine runs. Detection is cached by the standard library.
#[inline]
pub(super) fn isa() -> Option<Isa<f32>> {
    if is_x86_feature_detected!("avx512f") {
        Some(AVX512)
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        Some(AVX2)
    } else {
        None
    }
}

/// All of them that this machine runs.
#[cfg(test)]
pub(super) fn all() -> Vec<Isa<f32>> {
    let mut all = Vec::new();
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        all.push(AVX2);
    }
    if is_x86_feature_detected!("avx512f") {
        all.push(AVX512);
    }
    all
}

/// Calls `$kernel::<ROWS, $vectors>` for the tile's number of rows.
macro_rules! by_rows {
    ($kernel:ident, $vectors:literal, $tile:expr, $($rows:literal)*) => {
        match $tile.rows {
            // SAFETY: the caller's contract, which is the kernel's.
            $( $rows => unsafe { $kernel::<$rows, $vectors>($tile) }, )*
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}

/// # Safety
/// See [`Isa::run`]; the machine has AVX-512.
unsafe fn run_avx512(tile: &Tile<'_, f32>) {
    if tile.epilogue.scale.is_null() && tile.epilogue.bounds.high == f32::INFINITY {
        // SAFETY: the contract of this function.
        return unsafe { tile_avx512(tile) };
    }
    // With more to do at the end than registers can hold beside the sums, the compiler keeps the sums in memory from the start.
    let mut beside = [0f32; BESIDE];
    let width = tile.cols.next_multiple_of(16);
    let c: [*mut f32; MAX_ROWS] = std::array::from_fn(|i| beside.as_mut_ptr().wrapping_add(i * width));
    let sums = Tile { c, epilogue: Epilogue::write(c[0]), ..*tile };
    // SAFETY: as above; the sums of a tile's rows fit beside it.
    unsafe {
        tile_avx512(&sums);
        finish_avx512(tile, &beside, width);
    }
}

/// Sums of the largest tile.
const BESIDE: usize = 14 * 32;

/// # Safety
/// See [`Isa::run`]; the machine has AVX-512. The epilogue has no scale and no upper bound.
unsafe fn tile_avx512(tile: &Tile<'_, f32>) {
    if tile.cols <= 16 {
        by_rows!(avx512, 1, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    } else if tile.cols <= 32 {
        by_rows!(avx512, 2, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    } else if tile.cols == 64 {
        by_rows!(avx512, 4, tile, 1 2 3 4)
    } else {
        debug_assert!(tile.cols == 128);
        by_rows!(avx512, 8, tile, 1 2)
    }
}

/// # Safety
/// See [`Isa::run`]; the machine has AVX2 and FMA.
unsafe fn run_avx2(tile: &Tile<'_, f32>) {
    if tile.cols <= 8 { by_rows!(avx2, 1, tile, 1 2 3 4 5 6) } else { by_rows!(avx2, 2, tile, 1 2 3 4 5 6) }
}

/// The same number, of which the compiler does not know that. Rows of A are addressed by one index: knowing how it moves, the compiler would
/// move an address for each row, and keep those in memory.
#[inline(always)]
fn opaque(mut at: usize) -> usize {
    // SAFETY: no instruction.
    unsafe { std::arch::asm!("/* {0} */", inout(reg) at, options(pure, nomem, nostack, preserves_flags)) };
    at
}

/// # Safety
/// See [`Isa::run`]; the machine has AVX-512.
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_, f32>) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    // Only the last vector can be partial.
    let last: __mmask16 = (0xffffu32 >> (16 * VECTORS - tile.cols)) as u16;
    let (a_step, b_step) = (tile.a_step, tile.b_step);
    // Where sums go is fetched while they are made.
    for to in &tile.c[..ROWS] {
        for v in 0..VECTORS {
            _mm_prefetch::<_MM_HINT_T1>(to.wrapping_add(16 * v).cast());
        }
    }
    let Ahead { at: mut ahead, step, run, skip } = tile.ahead;
    if ahead.is_null() {
        // An address that is there: the tables of pages are searched for others, each time.
        ahead = tile.segments.first().map_or(ahead, |segment| segment.b);
    }
    let mut left = run;
    for segment in tile.segments {
        let mut b = segment.b;
        for piece in 0..segment.runs {
            // SAFETY: one of the segment's runs.
            let start = unsafe { segment.start(piece) };
            // Rows move to the run's start, not `at`: else the compiler steps every row's pointer, for which there are no registers.
            let mut rows = [std::ptr::null::<f32>(); ROWS];
            for i in 0..ROWS {
                rows[i] = segment.rows[i].wrapping_add(start);
            }
            let mut at = 0;
            for _ in 0..segment.len {
                // Narrow tiles have no time for it.
                if VECTORS > 1 {
                    _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                    ahead = ahead.wrapping_add(step);
                    left -= 1;
                    if left == 0 {
                        ahead = ahead.wrapping_add(skip);
                        left = run;
                    }
                }
                let mut columns = [_mm512_setzero_ps(); VECTORS];
                for v in 0..VECTORS {
                    let mask = if v + 1 == VECTORS { last } else { 0xffff };
                    // SAFETY: the masked columns of B exist.
                    columns[v] = unsafe { _mm512_maskz_loadu_ps(mask, b.wrapping_add(16 * v)) };
                }
                for i in 0..ROWS {
                    // SAFETY: rows of A are valid for `len` steps.
                    let a = _mm512_set1_ps(unsafe { *rows[i].add(at) });
                    for v in 0..VECTORS {
                        sums[i][v] = _mm512_fmadd_ps(a, columns[v], sums[i][v]);
                    }
                }
                b = b.wrapping_add(b_step);
                at = opaque(at + a_step);
            }
        }
    }
    let epilogue = &tile.epilogue;
    let Epilogue { alpha, bias, added, bounds, .. } = *epilogue;
    for v in 0..VECTORS {
        let mask = if v + 1 == VECTORS { last } else { 0xffff };
        let bias = if bias.is_null() {
            _mm512_setzero_ps()
        } else {
            // SAFETY: the bias has an element a column.
            unsafe { _mm512_maskz_loadu_ps(mask, bias.wrapping_add(16 * v)) }
        };
        for i in 0..ROWS {
            let to = tile.c[i].wrapping_add(16 * v);
            let mut value = _mm512_fmadd_ps(sums[i][v], _mm512_set1_ps(alpha), bias);
            if !added.is_null() {
                // SAFETY: what is added lies as C does, whose masked columns exist.
                value = _mm512_add_ps(value, unsafe { _mm512_maskz_loadu_ps(mask, epilogue.beside(to)) });
            }
            if bounds.clips {
                // In this order NaN stays NaN.
                value = _mm512_max_ps(_mm512_set1_ps(bounds.low), value);
            }
            // SAFETY: as above.
            unsafe { _mm512_mask_storeu_ps(to, mask, value) };
        }
    }
}

/// The whole of an epilogue, for sums that lie row by row, `width` columns wide, of which the last sixteen have those of the mask.
///
/// # Safety
/// See [`Isa::run`]; the machine has AVX-512.
#[target_feature(enable = "avx512f")]
unsafe fn finish_avx512(tile: &Tile<'_, f32>, sums: &[f32; BESIDE], width: usize) {
    let epilogue = &tile.epilogue;
    let Epilogue { alpha, scale, bias, added, bounds, .. } = *epilogue;
    let (low, high) = (_mm512_set1_ps(bounds.low), _mm512_set1_ps(bounds.high));
    for v in 0..width / 16 {
        let left = tile.cols - 16 * v;
        let mask = if left < 16 { (1 << left) - 1 } else { 0xffff };
        let of_columns = |from: *const f32, otherwise: f32| {
            if from.is_null() {
                _mm512_set1_ps(otherwise)
            } else {
                // SAFETY: there is an element a column.
                unsafe { _mm512_maskz_loadu_ps(mask, from.wrapping_add(16 * v)) }
            }
        };
        let (scale, bias) = (of_columns(scale, alpha), of_columns(bias, 0.0));
        for i in 0..tile.rows {
            let to = tile.c[i].wrapping_add(16 * v);
            // SAFETY: sixteen floats.
            let sum = unsafe { _mm512_loadu_ps(sums[i * width + 16 * v..][..16].as_ptr()) };
            let mut value = _mm512_fmadd_ps(sum, scale, bias);
            if !added.is_null() {
                // SAFETY: what is added lies as C does, whose masked columns exist.
                value = _mm512_add_ps(value, unsafe { _mm512_maskz_loadu_ps(mask, epilogue.beside(to)) });
            }
            // In this order NaN stays NaN.
            value = _mm512_min_ps(high, _mm512_max_ps(low, value));
            // SAFETY: as above.
            unsafe { _mm512_mask_storeu_ps(to, mask, value) };
        }
    }
}

/// # Safety
/// See [`Isa::run`]; the machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_, f32>) {
    let mut sums = [[_mm256_setzero_ps(); VECTORS]; ROWS];
    let (a_step, b_step) = (tile.a_step, tile.b_step);
    for segment in tile.segments {
        let mut b = segment.b;
        for run in 0..segment.runs {
            // SAFETY: one of the segment's runs.
            let start = unsafe { segment.start(run) };
            // Rows move to the run's start, not `at`: else the compiler steps every row's pointer, for which there are no registers.
            let mut rows = [std::ptr::null::<f32>(); ROWS];
            for i in 0..ROWS {
                rows[i] = segment.rows[i].wrapping_add(start);
            }
            let mut at = 0;
            for _ in 0..segment.len {
                let mut columns = [_mm256_setzero_ps(); VECTORS];
                for v in 0..VECTORS {
                    // SAFETY: B has all columns of a full tile.
                    columns[v] = unsafe { _mm256_loadu_ps(b.add(8 * v)) };
                }
                for i in 0..ROWS {
                    // SAFETY: rows of A are valid for `len` steps.
                    let a = _mm256_set1_ps(unsafe { *rows[i].add(at) });
                    for v in 0..VECTORS {
                        sums[i][v] = _mm256_fmadd_ps(a, columns[v], sums[i][v]);
                    }
                }
                b = b.wrapping_add(b_step);
                at = opaque(at + a_step);
            }
        }
    }
    if tile.cols < 8 * VECTORS {
        let mut spilled = [[0.0f32; 16]; ROWS];
        for i in 0..ROWS {
            for v in 0..VECTORS {
                // SAFETY: 16 floats hold two vectors.
                unsafe { _mm256_storeu_ps(spilled[i].as_mut_ptr().add(8 * v), sums[i][v]) };
            }
        }
        // SAFETY: the contract of this function.
        return unsafe { super::store(tile, &spilled) };
    }
    let epilogue = &tile.epilogue;
    let Epilogue { alpha, scale, bias, added, bounds, .. } = *epilogue;
    let (low, high) = (_mm256_set1_ps(bounds.low), _mm256_set1_ps(bounds.high));
    for v in 0..VECTORS {
        let factor = if scale.is_null() {
            _mm256_set1_ps(alpha)
        } else {
            // SAFETY: the scale has an element a column.
            unsafe { _mm256_loadu_ps(scale.add(8 * v)) }
        };
        let bias = if bias.is_null() {
            _mm256_setzero_ps()
        } else {
            // SAFETY: the bias has an element a column.
            unsafe { _mm256_loadu_ps(bias.add(8 * v)) }
        };
        for i in 0..ROWS {
            let mut value = _mm256_fmadd_ps(sums[i][v], factor, bias);
            // SAFETY: a full tile's columns of C exist, and what is added lies as C does.
            unsafe {
                let to = tile.c[i].add(8 * v);
                if !added.is_null() {
                    value = _mm256_add_ps(value, _mm256_loadu_ps(epilogue.beside(to)));
                }
                if bounds.clips {
                    value = _mm256_min_ps(high, _mm256_max_ps(low, value));
                }
                _mm256_storeu_ps(to, value);
            }
        }
    }
}
