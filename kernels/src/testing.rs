//! What the tests of several kernels share.

use crate::{Device, Element, Shape, View};

/// A view of a vector.
pub(crate) fn view<T: Element>(data: &mut [T], dims: &[usize]) -> View {
    // SAFETY: tests keep the vector alive, and look at it only after the kernel has run.
    unsafe { View::of(data, Shape::of(dims)) }
}

/// Numbers without a pattern in -2..2.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 * 4.0 - 2.0
        })
        .collect()
}

/// The same as 32-bit floats.
pub(crate) fn floats(n: usize, seed: u64) -> Vec<f32> {
    numbers(n, seed).into_iter().map(|x| x as f32).collect()
}

/// Asserts that numbers agree to `tolerance`, relative to the larger of 1 and the number.
#[track_caller]
pub(crate) fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let same = f == e || (f.is_nan() && e.is_nan());
        assert!(same || (f - e).abs() <= tolerance * e.abs().max(1.0), "at {i}: {f} instead of {e}");
    }
}

/// Asserts that `gradient` is that of `value` at `at`, by central differences.
#[track_caller]
pub(crate) fn is_gradient(at: &[f64], gradient: &[f64], mut value: impl FnMut(&[f64]) -> f64) {
    let mut x = at.to_vec();
    for i in 0..x.len() {
        let h = 1e-5;
        x[i] = at[i] + h;
        let up = value(&x);
        x[i] = at[i] - h;
        let down = value(&x);
        x[i] = at[i];
        let slope = (up - down) / (2.0 * h);
        assert!(
            (slope - gradient[i]).abs() <= 1e-7 * slope.abs().max(1.0),
            "at {i}: gradient {} instead of {slope}",
            gradient[i]
        );
    }
}

/// Runs `work` on one thread and on four, and asserts that the results have the same bits.
#[track_caller]
pub(crate) fn same_on_any_threads(mut work: impl FnMut(&Device) -> Vec<f32> + Send) {
    let mut results = [1, 4].map(|threads| {
        let device = Device::cpu_with_threads(threads);
        let mut result = Vec::new();
        device.install(usize::MAX, &mut || result = work(&device).into_iter().map(f32::to_bits).collect());
        result
    });
    assert!(!results[0].is_empty());
    assert_eq!(std::mem::take(&mut results[0]), results[1], "threads change the result");
}
