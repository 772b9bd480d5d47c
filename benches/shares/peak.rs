//! What the machine can do.

use std::hint::black_box;

/// The instruction set that peaks are measured with: the widest that kernels use.
pub fn name() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    std::env::consts::ARCH
}

/// Multiplications and additions of one [`multiply_adds`].
pub const FLOPS: f64 = (2 * ROUNDS * SUMS * LANES) as f64;
const ROUNDS: usize = 20_000;
const SUMS: usize = 12;
const LANES: usize = 16;

/// Multiply-adds that stay in registers, independent of one another.
pub fn multiply_adds() {
    #[cfg(target_arch = "x86_64")]
    match name() {
        // SAFETY: the instruction set was detected.
        "avx512" => return unsafe { multiply_adds_avx512() },
        // SAFETY: as above.
        "avx2" => return unsafe { multiply_adds_avx2() },
        _ => {}
    }
    multiply_adds_here();
}

fn multiply_adds_here() {
    let (a, b) = (black_box([0.5f32; LANES]), black_box([0.25f32; LANES]));
    let mut sums = black_box([[0f32; LANES]; SUMS]);
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            for i in 0..LANES {
                let fused = cfg!(target_arch = "aarch64");
                sum[i] = if fused { sum[i].mul_add(a[i], b[i]) } else { sum[i] * a[i] + b[i] };
            }
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn multiply_adds_avx512() {
    use std::arch::x86_64::*;
    let (a, b) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
    let mut sums = [_mm512_setzero_ps(); SUMS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn multiply_adds_avx2() {
    use std::arch::x86_64::*;
    let (a, b) = (_mm256_set1_ps(black_box(0.5)), _mm256_set1_ps(black_box(0.25)));
    let mut sums = [_mm256_setzero_ps(); SUMS];
    // Vectors of half the length, so twice the rounds.
    for _ in 0..2 * ROUNDS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    black_box(sums);
}

/// Memory that is scaled into other memory, both together `bytes` long.
pub struct Scale {
    from: Vec<f32>,
    to: Vec<f32>,
}

impl Scale {
    pub fn new(bytes: f64) -> Scale {
        let n = (bytes as usize / 12).max(16);
        Scale { from: vec![1.0; n], to: vec![0.0; n] }
    }

    /// What a run moves: all of one read, all of the other fetched and written.
    pub fn traffic(&self) -> f64 {
        12.0 * self.from.len() as f64
    }

    pub fn run(&mut self) {
        let by = black_box(0.5f32);
        #[cfg(target_arch = "x86_64")]
        match name() {
            // SAFETY: the instruction set was detected.
            "avx512" => return unsafe { scale_avx512(&self.from, &mut self.to, by) },
            // SAFETY: as above.
            "avx2" => return unsafe { scale_avx2(&self.from, &mut self.to, by) },
            _ => {}
        }
        scale(&self.from, &mut self.to, by);
    }
}

#[inline(always)]
fn scale(from: &[f32], to: &mut [f32], by: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = by * from;
    }
    black_box(to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn scale_avx512(from: &[f32], to: &mut [f32], by: f32) {
    scale(from, to, by);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scale_avx2(from: &[f32], to: &mut [f32], by: f32) {
    scale(from, to, by);
}
