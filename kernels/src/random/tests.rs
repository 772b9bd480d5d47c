use super::Stream;
use super::philox::philox;
use crate::testing::{close, floats, same_on_any_threads, view};
use crate::{Device, Grad, Shape};

const STREAM: Stream = Stream { seed: 0x0123_4567_89AB_CDEF, id: 3, step: 7 };

/// The known answers of the authors' Random123 library.
#[test]
fn philox_gives_the_known_answers() {
    assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    let answer = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
    assert_eq!(philox(pi, [0xa409_3822, 0x299f_31d0]), answer);
}

fn moments(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64)
}

#[test]
fn numbers_have_their_distribution() {
    let n = 400_001;
    let mut x = vec![0.0; n];
    let to = view(&mut x, &[n]);
    let error = 5.0 / (n as f64).sqrt();
    Device::cpu().uniform(STREAM, -1.0, 3.0, to);
    let (mean, variance) = moments(&x);
    assert!((mean - 1.0).abs() < 4.0 * error && (variance - 16.0 / 12.0).abs() < 4.0 * error);
    assert!(x.iter().all(|x| (-1.0..3.0).contains(x)));
    Device::cpu().normal(STREAM, 0.5, 2.0, false, to);
    let (mean, variance) = moments(&x);
    assert!((mean - 0.5).abs() < 2.0 * error && (variance - 4.0).abs() < 8.0 * error, "{mean} {variance}");
    let beyond = x.iter().filter(|x| (**x - 0.5).abs() > 4.0).count() as f64 / n as f64;
    assert!((beyond - 0.0455).abs() < error, "{beyond}");
    Device::cpu().normal(STREAM, 0.5, 2.0, true, to);
    // Variance of a normal number cut at two deviations: 1 - 4 phi(2) / (2 Phi(2) - 1) of the whole one.
    let (mean, variance) = moments(&x);
    assert!((mean - 0.5).abs() < 2.0 * error && (variance - 4.0 * 0.773_741_3).abs() < 8.0 * error);
    assert!(x.iter().all(|x| (x - 0.5).abs() <= 4.0));
}

/// Box and Muller's formula with the standard library's functions.
#[test]
fn normal_numbers_are_those_of_the_formula() {
    for (a, b) in
        [(0, 0), (u32::MAX, 1), (1 << 31, 1 << 29), (12345, 0xDEAD_BEEF), (7, u32::MAX), (1, 3 << 30)]
    {
        let radius = (-2.0 * ((f64::from(a) + 1.0) / 2f64.powi(32)).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(b) / 2f64.powi(32);
        close(&super::philox::normal_pair(a, b), &[radius * angle.cos(), radius * angle.sin()], 1e-14);
    }
}

#[test]
fn an_element_depends_on_its_index_and_stream_alone() {
    let device = Device::cpu();
    let (mut long, mut short, mut other) = (vec![0f32; 1001], vec![0f32; 10], vec![0f32; 10]);
    device.normal(STREAM, 0.0, 1.0, true, view(&mut long, &[1001]));
    device.normal(STREAM, 0.0, 1.0, true, view(&mut short, &[2, 5]));
    assert_eq!(short, long[..10]);
    for stream in [Stream { seed: 1, ..STREAM }, Stream { id: 4, ..STREAM }, Stream { step: 8, ..STREAM }] {
        device.normal(stream, 0.0, 1.0, true, view(&mut other, &[10]));
        assert!(short.iter().zip(&other).all(|(a, b)| a != b));
    }
    let mut wide = vec![0f64; 10];
    device.normal(STREAM, 0.0, 1.0, true, view(&mut wide, &[10]));
    assert_eq!(short, wide.iter().map(|x| *x as f32).collect::<Vec<_>>());
}

#[test]
fn dropout_scales_what_it_keeps_and_repeats_for_the_gradient() {
    let device = Device::cpu();
    let n = 100_002;
    let (mut x, mut y, mut dx) = (vec![1f32; n], vec![0f32; n], vec![1f32; n]);
    let shape = Shape::of(&[n]);
    device.dropout(STREAM, 0.2, shape, view(&mut x, &[n]), Grad::write(view(&mut y, &[n])));
    assert!(y.iter().all(|y| *y == 0.0 || *y == 1.25));
    let kept = y.iter().filter(|y| **y != 0.0).count() as f64 / n as f64;
    assert!((kept - 0.8).abs() < 5.0 * 0.4 / (n as f64).sqrt(), "{kept}");
    device.dropout(STREAM, 0.2, shape, view(&mut x, &[n]), Grad::add(view(&mut dx, &[n])));
    assert!(dx.iter().zip(&y).all(|(d, y)| *d == 1.0 + y));
    device.dropout(STREAM, 1.0, shape, view(&mut x, &[n]), Grad::write(view(&mut y, &[n])));
    assert!(y.iter().all(|y| *y == 0.0));
}

#[test]
fn dropout_shares_the_fate_of_a_noise_shape() {
    let (mut x, mut y) = (vec![1f32; 30 * 7 * 5], vec![0f32; 30 * 7 * 5]);
    let dims = [30, 7, 5];
    let noise = Shape::of(&[30, 1, 5]);
    Device::cpu().dropout(STREAM, 0.5, noise, view(&mut x, &dims), Grad::write(view(&mut y, &dims)));
    let at = |i: usize, j: usize, k: usize| y[(i * 7 + j) * 5 + k];
    assert!((0..30).all(|i| (0..5).all(|k| (1..7).all(|j| at(i, j, k) == at(i, 0, k)))));
    assert!((0..30).any(|i| at(i, 0, 0) != at(i, 0, 1)));
    // The draw is that of the small shape.
    let (mut ones, mut small) = (vec![1f32; 150], vec![0f32; 150]);
    let flat = Shape::of(&[150]);
    Device::cpu().dropout(STREAM, 0.5, flat, view(&mut ones, &[150]), Grad::write(view(&mut small, &[150])));
    assert!((0..30).all(|i| (0..5).all(|k| at(i, 3, k) == small[i * 5 + k])));
}

#[test]
fn threads_do_not_change_a_bit() {
    same_on_any_threads(|device| {
        let (mut x, mut y) = (floats(50_001, 1), vec![0f32; 50_001]);
        let target = Grad::write(view(&mut y, &[50_001]));
        device.dropout(STREAM, 0.3, Shape::of(&[50_001]), view(&mut x, &[50_001]), target);
        device.normal(STREAM, 0.0, 1.0, true, view(&mut x, &[50_001]));
        x.extend(y);
        x
    });
}
