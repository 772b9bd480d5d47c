//! Initializers draw what Keras' formulas say.

use keras_kernels::DType;

use super::*;

fn filled(initializer: Initializer, shape: &[usize], stream: Stream) -> Vec<f64> {
    let shape = Shape::of(shape);
    let mut numbers = vec![f64::NAN; shape.size()];
    // SAFETY: the numbers outlive the kernel, and nobody else touches them meanwhile.
    let view = unsafe { View::new(numbers.as_mut_ptr().cast(), shape, DType::F64) };
    initializer.fill(&Device::cpu(), stream, view);
    numbers
}

const STREAM: Stream = Stream { seed: 7, id: 3, step: 0 };

/// What a distribution is known by.
struct Expected {
    mean: f64,
    variance: f64,
    /// The fourth central moment: the spread of the variance of samples.
    fourth: f64,
    /// How far from the mean a number may be.
    limit: f64,
}

fn uniform(mean: f64, limit: f64) -> Expected {
    Expected { mean, variance: limit.powi(2) / 3.0, fourth: limit.powi(4) / 5.0, limit }
}

fn normal(mean: f64, stddev: f64) -> Expected {
    Expected { mean, variance: stddev.powi(2), fourth: 3.0 * stddev.powi(4), limit: f64::INFINITY }
}

/// A normal distribution of `stddev` that is cut at two of them.
fn truncated(mean: f64, stddev: f64) -> Expected {
    // By parts: m(k) = (k - 1) m(k - 2) - 2^(k - 1) * 2 density(2) / mass.
    let density = (-2.0f64).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mass = 0.954_499_736_103_641_6;
    let edge = 2.0 * density / mass;
    let second = 1.0 - 2.0 * edge;
    let fourth = 3.0 * second - 8.0 * edge;
    Expected { mean, variance: second * stddev.powi(2), fourth: fourth * stddev.powi(4), limit: 2.0 * stddev }
}

/// Truncated, so that the standard deviation after the cut is this.
fn truncated_to(stddev: f64) -> Expected {
    truncated(0.0, stddev / TRUNCATED_STDDEV)
}

/// `[3, 3, 40, 60]`: fans of 360 and 540.
const SHAPE: [usize; 4] = [3, 3, 40, 60];
const FANS: (f64, f64) = (360.0, 540.0);

#[test]
fn distributions_are_those_of_keras() {
    use Initializer::*;
    let seed = None;
    let (fan_in, fan_out) = FANS;
    let scaled = |mode, distribution| VarianceScaling { scale: 3.0, mode, distribution, seed };
    let table = [
        (RandomNormal { mean: 0.3, stddev: 0.2, seed }, normal(0.3, 0.2)),
        (RandomUniform { minval: -0.1, maxval: 0.5, seed }, uniform(0.2, 0.3)),
        (Initializer::UNIFORM, uniform(0.0, 0.05)),
        (TruncatedNormal { mean: 0.3, stddev: 0.2, seed }, truncated(0.3, 0.2)),
        (GlorotUniform { seed }, uniform(0.0, (6.0 / (fan_in + fan_out)).sqrt())),
        (GlorotNormal { seed }, truncated_to((2.0 / (fan_in + fan_out)).sqrt())),
        (HeUniform { seed }, uniform(0.0, (6.0 / fan_in).sqrt())),
        (HeNormal { seed }, truncated_to((2.0 / fan_in).sqrt())),
        (LecunUniform { seed }, uniform(0.0, (3.0 / fan_in).sqrt())),
        (LecunNormal { seed }, truncated_to((1.0 / fan_in).sqrt())),
        (scaled(FanMode::FanOut, Distribution::Uniform), uniform(0.0, (9.0 / fan_out).sqrt())),
        (scaled(FanMode::FanIn, Distribution::UntruncatedNormal), normal(0.0, (3.0 / fan_in).sqrt())),
        (
            scaled(FanMode::FanAvg, Distribution::TruncatedNormal),
            truncated_to((6.0 / (fan_in + fan_out)).sqrt()),
        ),
    ];
    for (initializer, expected) in table {
        let numbers = filled(initializer, &SHAPE, STREAM);
        let n = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / n;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        // Five standard deviations of what samples of this size show; the numbers are the same in every run.
        let spread = 5.0 * (expected.variance / n).sqrt();
        assert!((mean - expected.mean).abs() < spread, "{initializer:?}: mean {mean}");
        let spread = 5.0 * ((expected.fourth - expected.variance.powi(2)) / n).sqrt();
        assert!((variance - expected.variance).abs() < spread, "{initializer:?}: variance {variance}");
        let farthest = numbers.iter().map(|x| (x - expected.mean).abs()).fold(0.0, f64::max);
        assert!(farthest <= expected.limit * (1.0 + 1e-12), "{initializer:?}: {farthest} from the mean");
        if expected.limit.is_finite() {
            // Of 21600 numbers some come close.
            assert!(farthest > 0.98 * expected.limit, "{initializer:?}: only {farthest} from the mean");
        }
    }
}

#[test]
fn constants() {
    assert_eq!(filled(Initializer::Zeros, &[3], STREAM), [0.0; 3]);
    assert_eq!(filled(Initializer::Ones, &[3], STREAM), [1.0; 3]);
    assert_eq!(filled(Initializer::Constant { value: 0.7 }, &[3], STREAM), [0.7; 3]);
    let wide = filled(Initializer::Identity { gain: 2.0 }, &[2, 3], STREAM);
    assert_eq!(wide, [2.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
}

/// `Q Q^T = gain^2` along the shorter side, as in Keras: the shape is flattened to two dimensions.
#[test]
fn orthogonal_matrices_are_orthogonal() {
    for shape in [&[5, 5][..], &[3, 7], &[7, 3], &[2, 2, 2, 3], &[1, 2, 1, 6]] {
        let numbers = filled(Initializer::Orthogonal { gain: 1.5, seed: None }, shape, STREAM);
        let cols = *shape.last().expect("dimensions");
        let rows = numbers.len() / cols;
        let at = |vector: usize, i: usize| {
            if rows < cols { numbers[vector * cols + i] } else { numbers[i * cols + vector] }
        };
        let (count, length) = (rows.min(cols), rows.max(cols));
        for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
            let dot: f64 = (0..length).map(|i| at(a, i) * at(b, i)).sum();
            let expected = if a == b { 2.25 } else { 0.0 };
            assert!((dot - expected).abs() < 1e-13, "{shape:?}: {a} and {b} have the product {dot}");
        }
    }
}

#[test]
fn numbers_follow_from_the_seed_alone() {
    use Initializer::*;
    let of_seed = |seed| {
        [
            RandomNormal { mean: 0.0, stddev: 1.0, seed },
            RandomUniform { minval: 0.0, maxval: 1.0, seed },
            TruncatedNormal { mean: 0.0, stddev: 1.0, seed },
            HeUniform { seed },
            Orthogonal { gain: 1.0, seed },
        ]
    };
    let elsewhere = Stream { id: 4, ..STREAM };
    for (none, (own, other)) in
        of_seed(None).into_iter().zip(of_seed(Some(1)).into_iter().zip(of_seed(Some(2))))
    {
        let fill = |initializer, stream| filled(initializer, &[4, 4], stream);
        assert_eq!(fill(none, STREAM), fill(none, STREAM), "{none:?}");
        // Without a seed of its own, each weight has numbers of its own; with one, all have the same, as in Keras.
        assert_ne!(fill(none, STREAM), fill(none, elsewhere), "{none:?}");
        assert_eq!(fill(own, STREAM), fill(own, elsewhere), "{own:?}");
        assert_ne!(fill(own, STREAM), fill(other, STREAM), "{own:?}");
    }
}
