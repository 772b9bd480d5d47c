use super::*;
use crate::testing::{close, floats, is_gradient, numbers, same_on_any_threads, view};
use crate::{DType, Device, Mode, Shape};

const SHAPES: [[usize; 4]; 11] = [
    [1, 7, 3, 1],
    [1, 300, 5, 1],
    [4, 1, 1, 9],
    [3, 1, 1, 600],
    [2, 6, 2, 3],
    [3, 5, 4, 1],
    [1, 203, 16, 1],
    [1, 19, 37, 1],
    [9, 1, 1, 37],
    [2, 50, 1, 12],
    [1, 3, 520, 1],
];

fn norm([samples, spatial, groups, channels]: [usize; 4], kind: Kind) -> Norm {
    Norm { samples, spatial, groups, channels, kind, epsilon: 1e-3 }
}

/// The formulas, element by element, with the statistics of `x` where the mask allows.
fn plain(norm: &Norm, x: &[f64], mask: &[u8], gamma: &[f64], beta: &[f64], rectifier: Rectifier) -> Vec<f64> {
    let row = norm.weights();
    let key = |i: usize| i / row / norm.spatial * norm.groups + i % row / norm.channels;
    let (mut mean, mut square) = (vec![0.0; norm.statistics()], vec![0.0; norm.statistics()]);
    let mut count = vec![0.0; norm.statistics()];
    let counted = || (0..x.len()).filter(|i| mask[i / row] != 0);
    counted().for_each(|i| count[key(i)] += 1.0);
    if norm.kind != Kind::RootMeanSquare {
        counted().for_each(|i| mean[key(i)] += x[i] / count[key(i)]);
    }
    counted().for_each(|i| square[key(i)] += (x[i] - mean[key(i)]).powi(2) / count[key(i)]);
    (0..x.len())
        .map(|i| {
            let shift = if norm.kind == Kind::Standard { mean[key(i)] } else { 0.0 };
            let y = (x[i] - shift) / (square[key(i)] + norm.epsilon).sqrt() * gamma[i % row] + beta[i % row];
            match rectifier {
                Rectifier::Linear => y,
                Rectifier::Relu => y.max(0.0),
                Rectifier::Relu6 => y.clamp(0.0, 6.0),
            }
        })
        .collect()
}

fn bools(mask: &mut [u8]) -> View {
    // SAFETY: bytes that are 0 or 1, alive for the test.
    unsafe { View::new(mask.as_mut_ptr(), Shape::of(&[mask.len()]), DType::Bool) }
}

/// One forward and backward pass against the formulas and finite differences.
fn check(norm: Norm, masked: bool, weights: bool, rectifier: Rectifier) {
    println!("{norm:?} masked {masked} weights {weights} {rectifier:?}");
    let device = Device::cpu();
    let (n, w, s) = (norm.size(), norm.weights(), norm.statistics());
    let (mut x, mut dy) = (numbers(n, 1), numbers(n, 2));
    let (mut gamma, mut beta) = (numbers(w, 3), numbers(w, 4));
    if rectifier == Rectifier::Relu6 {
        // So that some results are beyond it.
        gamma.iter_mut().for_each(|g| *g *= 8.0);
    }
    if !weights {
        gamma.fill(1.0);
        beta.fill(0.0);
    }
    let mut mask: Vec<u8> =
        (0..norm.samples * norm.spatial).map(|i| u8::from(!masked || i % 3 != 1)).collect();
    let correct = plain(&norm, &x, &mask, &gamma, &beta, rectifier);
    let (mut mean, mut inverse, mut y) = (vec![0.0; s], vec![0.0; s], vec![0.0; n]);
    let moments = Moments { mean: view(&mut mean, &[s]), inverse: view(&mut inverse, &[s]) };
    let maskv = masked.then(|| bools(&mut mask));
    let affine = Affine {
        gamma: weights.then(|| view(&mut gamma, &[w])),
        beta: weights.then(|| view(&mut beta, &[w])),
        rectifier,
    };
    let xv = view(&mut x, &[n]);
    device.norm(&norm, xv, maskv, affine, moments, None, view(&mut y, &[n]));
    close(&y, &correct, 1e-12);

    let cotangent = dy.clone();
    for mode in [Mode::Write, Mode::Add] {
        let old = if mode == Mode::Add { 1.0 } else { f64::NAN };
        let (mut dx, mut dgamma, mut dbeta) = (vec![old; n], vec![old; w], vec![old; w]);
        let grads = NormGrads {
            x: Some(Grad { view: view(&mut dx, &[n]), mode }),
            gamma: Some(Grad { view: view(&mut dgamma, &[w]), mode }),
            beta: Some(Grad { view: view(&mut dbeta, &[w]), mode }),
        };
        let statistics = Statistics::OfInput(maskv);
        let dyv = view(&mut dy, &[n]);
        device.norm_grad(&norm, statistics, xv, affine, moments, dyv, grads);
        if mode == Mode::Add {
            [&mut dx, &mut dgamma, &mut dbeta].into_iter().flatten().for_each(|d| *d -= 1.0);
        }
        let dot = |y: Vec<f64>| y.iter().zip(&cotangent).map(|(y, c)| y * c).sum::<f64>();
        // For the long shapes a few elements tell enough.
        let some = n.min(40);
        is_gradient(&x[..some], &dx[..some], |part| {
            let whole = [part, &x[some..]].concat();
            dot(plain(&norm, &whole, &mask, &gamma, &beta, rectifier))
        });
        let some = w.min(20);
        is_gradient(&gamma[..some], &dgamma[..some], |part| {
            dot(plain(&norm, &x, &mask, &[part, &gamma[some..]].concat(), &beta, rectifier))
        });
        is_gradient(&beta[..some], &dbeta[..some], |part| {
            dot(plain(&norm, &x, &mask, &gamma, &[part, &beta[some..]].concat(), rectifier))
        });
    }
    // The gradient may take the place of `dy`.
    let mut apart = vec![0.0; n];
    let (dyv, statistics) = (view(&mut dy, &[n]), Statistics::OfInput(maskv));
    for to in [view(&mut apart, &[n]), dyv] {
        let grads = NormGrads { x: Some(Grad::write(to)), gamma: None, beta: None };
        device.norm_grad(&norm, statistics, xv, affine, moments, dyv, grads);
    }
    assert_eq!(apart, dy);
}

#[test]
fn values_and_gradients_are_those_of_the_formulas() {
    for shape in SHAPES {
        for kind in [Kind::Standard, Kind::RootMeanSquare] {
            for rectifier in [Rectifier::Linear, Rectifier::Relu, Rectifier::Relu6] {
                check(norm(shape, kind), false, true, rectifier);
            }
            check(norm(shape, kind), false, false, Rectifier::Linear);
        }
    }
    for shape in [0, 1, 6, 7, 10].map(|i| SHAPES[i]) {
        check(norm(shape, Kind::Standard), true, true, Rectifier::Linear);
        check(norm(shape, Kind::Standard), true, false, Rectifier::Relu);
    }
}

#[test]
fn batch_normalization_moves_its_statistics_and_uses_them() {
    let device = Device::cpu();
    let norm = Norm::batch(4, 2, 1e-3);
    let mut x = vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 40.0];
    let (mut mean, mut inverse, mut y) = (vec![0.0; 2], vec![0.0; 2], vec![0.0; 8]);
    let (mut moving_mean, mut moving_variance) = (vec![0.0, 5.0], vec![1.0, 1.0]);
    let moments = Moments { mean: view(&mut mean, &[2]), inverse: view(&mut inverse, &[2]) };
    let moving = Moving {
        mean: view(&mut moving_mean, &[2]),
        variance: view(&mut moving_variance, &[2]),
        momentum: 0.9,
    };
    let affine = Affine { gamma: None, beta: None, rectifier: Rectifier::Linear };
    let (xv, yv) = (view(&mut x, &[4, 2]), view(&mut y, &[4, 2]));
    device.norm(&norm, xv, None, affine, moments, Some(moving), yv);
    close(&moving_mean, &[0.3, 0.9 * 5.0 + 2.5], 1e-14);
    close(&moving_variance, &[0.9 + 0.35, 0.9 + 12.5], 1e-14);

    // Given statistics: y = (x - mean) / sqrt(variance + epsilon), and constants for the gradient.
    let fixed = Moments { mean: moving.mean, inverse: moments.inverse };
    device.norm_fixed(&norm, xv, affine, moving.variance, fixed, yv);
    let scale: Vec<f64> = moving_variance.iter().map(|v| 1.0 / (v + 1e-3f64).sqrt()).collect();
    let correct: Vec<f64> = (0..8).map(|i| (x[i] - moving_mean[i % 2]) * scale[i % 2]).collect();
    close(&y, &correct, 1e-14);
    let (mut dy, mut dx) = (numbers(8, 3), vec![0.0; 8]);
    let grads = NormGrads { x: Some(Grad::write(view(&mut dx, &[8]))), gamma: None, beta: None };
    let dyv = view(&mut dy, &[8]);
    device.norm_grad(&norm, Statistics::Fixed, xv, affine, fixed, dyv, grads);
    close(&dx, &(0..8).map(|i| dy[i] * scale[i % 2]).collect::<Vec<_>>(), 1e-14);
}

/// In 32 bits, the mean ten thousand times the deviation: what is left of the input's own digits is all there.
#[test]
fn digits_of_the_deviation_are_kept() {
    for shape in [[1, 5003, 24, 1], [1, 1001, 100, 1], [1, 40_000, 3, 1], [3, 700, 4, 5], [30, 1, 1, 500]] {
        let norm = norm(shape, Kind::Standard);
        let (n, s) = (norm.size(), norm.statistics());
        let mut x: Vec<f32> = floats(n, 5).iter().map(|x| 10_000.0 + x).collect();
        // An outlier, which is not what the others should be seen from.
        x[0] = -1e7;
        let (mut y, mut mean, mut inverse) = (vec![0f32; n], vec![0f32; s], vec![0f32; s]);
        let moments = Moments { mean: view(&mut mean, &[s]), inverse: view(&mut inverse, &[s]) };
        let affine = Affine { gamma: None, beta: None, rectifier: Rectifier::Linear };
        Device::cpu().norm(&norm, view(&mut x, &[n]), None, affine, moments, None, view(&mut y, &[n]));
        let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let (ones, zeros) = (vec![1.0; norm.weights()], vec![0.0; norm.weights()]);
        let mask = vec![1; norm.samples * norm.spatial];
        let correct = plain(&norm, &wide, &mask, &ones, &zeros, Rectifier::Linear);
        let found: Vec<f64> = y.iter().map(|y| f64::from(*y)).collect();
        // The mean is rounded to 32 bits, half a unit at 10,000 (the deviation is about 1).
        close(&found, &correct, 1e-3);
    }
}

#[test]
fn nothing_is_normalized_to_nothing() {
    for shape in [[1, 0, 5, 1], [0, 1, 1, 9], [0, 4, 2, 3], [1, 7, 0, 1], [3, 1, 1, 0]] {
        let (norm, device) = (norm(shape, Kind::Standard), Device::cpu());
        let (s, w) = (norm.statistics(), norm.weights());
        let [mut mean, mut inverse] = [0; 2].map(|_| vec![0f32; s]);
        let [mut dgamma, mut dbeta] = [0; 2].map(|_| vec![f32::NAN; w]);
        let mut none = [vec![0f32; 0], vec![0f32; 0], vec![0f32; 0]];
        let [x, y, dy] = none.each_mut().map(|v| view(v, &[0]));
        let moments = Moments { mean: view(&mut mean, &[s]), inverse: view(&mut inverse, &[s]) };
        let affine = Affine { gamma: None, beta: None, rectifier: Rectifier::Relu };
        device.norm(&norm, x, None, affine, moments, None, y);
        let grads = NormGrads {
            x: Some(Grad::write(y)),
            gamma: Some(Grad::write(view(&mut dgamma, &[w]))),
            beta: Some(Grad::write(view(&mut dbeta, &[w]))),
        };
        device.norm_grad(&norm, Statistics::OfInput(None), x, affine, moments, dy, grads);
        assert!(dbeta.iter().chain(&dgamma).all(|d| *d == 0.0));
    }
}

#[test]
fn a_channel_that_does_not_change_is_its_offset() {
    let device = Device::cpu();
    for (rows, channels) in [(1000, 16), (77, 5), (3, 700)] {
        let (norm, n) = (Norm::batch(rows, channels, 1e-3), rows * channels);
        let mut x = vec![123_456.78f32; n];
        let (mut y, mut mean, mut inverse) = (vec![0f32; n], vec![0f32; channels], vec![0f32; channels]);
        let mut beta = floats(channels, 3);
        let c = &[channels];
        let moments = Moments { mean: view(&mut mean, c), inverse: view(&mut inverse, c) };
        let affine = Affine { gamma: None, beta: Some(view(&mut beta, c)), rectifier: Rectifier::Relu };
        device.norm(&norm, view(&mut x, &[n]), None, affine, moments, None, view(&mut y, &[n]));
        assert!(inverse.iter().all(|i| *i == 1e-3f32.sqrt().recip()), "{:?}", &inverse[..3]);
        assert!((0..n).all(|i| y[i] == beta[i % channels].max(0.0)));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for shape in [[1, 5000, 37, 1], [1, 9001, 16, 1], [500, 1, 1, 300], [4, 900, 4, 16]] {
        let norm = norm(shape, Kind::Standard);
        let (n, s, w) = (norm.size(), norm.statistics(), norm.weights());
        same_on_any_threads(|device| {
            let (mut x, mut dy, mut y, mut dx) = (floats(n, 1), floats(n, 2), vec![0.0; n], vec![0.0; n]);
            let (mut mean, mut inverse) = (vec![0f32; s], vec![0f32; s]);
            let (mut dgamma, mut dbeta) = (vec![0f32; w], vec![0f32; w]);
            let moments = Moments { mean: view(&mut mean, &[s]), inverse: view(&mut inverse, &[s]) };
            let affine = Affine { gamma: None, beta: None, rectifier: Rectifier::Linear };
            let xv = view(&mut x, &[n]);
            device.norm(&norm, xv, None, affine, moments, None, view(&mut y, &[n]));
            let grads = NormGrads {
                x: Some(Grad::write(view(&mut dx, &[n]))),
                gamma: Some(Grad::write(view(&mut dgamma, &[w]))),
                beta: Some(Grad::write(view(&mut dbeta, &[w]))),
            };
            let dyv = view(&mut dy, &[n]);
            device.norm_grad(&norm, Statistics::OfInput(None), xv, affine, moments, dyv, grads);
            [y, dx, dgamma, dbeta].concat()
        });
    }
}
