//! Initializers: how weights start.
//!
//! Source: <https://keras.io/api/layers/initializers/>.

use keras_kernels::random::Stream;
use keras_kernels::{Device, Element, Shape, View, with_float};

/// How a weight starts. The numbers are functions of the model's seed and of the weight's place in the model (or of
/// the initializer's own seed), on any number of threads.
///
/// Fans are Keras': a kernel of shape `[receptive field.., in, out]` has `fan_in = in * field`,
/// `fan_out = out * field`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Constant {
        /// The number.
        value: f64,
    },
    /// Normal.
    RandomNormal {
        /// Mean (0).
        mean: f64,
        /// Standard deviation (0.05).
        stddev: f64,
        /// Own seed.
        seed: Option<u64>,
    },
    /// Uniform.
    RandomUniform {
        /// Lower bound (-0.05).
        minval: f64,
        /// Upper bound (0.05).
        maxval: f64,
        /// Own seed.
        seed: Option<u64>,
    },
    /// Normal, with what is beyond two standard deviations drawn again.
    TruncatedNormal {
        /// Mean (0).
        mean: f64,
        /// Standard deviation (0.05).
        stddev: f64,
        /// Own seed.
        seed: Option<u64>,
    },
    /// Scaled by the fans.
    VarianceScaling {
        /// Scale (1).
        scale: f64,
        /// Which fan.
        mode: FanMode,
        /// Which distribution.
        distribution: Distribution,
        /// Own seed.
        seed: Option<u64>,
    },
    /// Uniform within `sqrt(6 / (fan_in + fan_out))`.
    GlorotUniform {
        /// Own seed.
        seed: Option<u64>,
    },
    /// Truncated normal of `sqrt(2 / (fan_in + fan_out))`.
    GlorotNormal {
        /// Own seed.
        seed: Option<u64>,
    },
    /// Uniform within `sqrt(6 / fan_in)`.
    HeUniform {
        /// Own seed.
        seed: Option<u64>,
    },
    /// Truncated normal of `sqrt(2 / fan_in)`.
    HeNormal {
        /// Own seed.
        seed: Option<u64>,
    },
    /// Uniform within `sqrt(3 / fan_in)`.
    LecunUniform {
        /// Own seed.
        seed: Option<u64>,
    },
    /// Truncated normal of `sqrt(1 / fan_in)`.
    LecunNormal {
        /// Own seed.
        seed: Option<u64>,
    },
    /// An orthogonal matrix (of the shape flattened to two dimensions), times `gain`.
    Orthogonal {
        /// Factor (1).
        gain: f64,
        /// Own seed.
        seed: Option<u64>,
    },
    /// The identity matrix times `gain`; the weight must have two dimensions.
    Identity {
        /// Factor (1).
        gain: f64,
    },
}

/// Which fan [`Initializer::VarianceScaling`] divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Inputs.
    FanIn,
    /// Outputs.
    FanOut,
    /// Their mean.
    FanAvg,
}

/// What [`Initializer::VarianceScaling`] draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Normal, cut at two standard deviations.
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform.
    Uniform,
}

/// Standard deviation of a normal distribution that was cut at two.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// `GlorotUniform` without a seed of its own: what kernels start as by default.
    pub const GLOROT_UNIFORM: Initializer = Initializer::GlorotUniform { seed: None };
    /// `Orthogonal` without a seed of its own, gain 1.
    pub const ORTHOGONAL: Initializer = Initializer::Orthogonal { gain: 1.0, seed: None };
    /// `RandomUniform(-0.05, 0.05)`: what "uniform" means in Keras.
    pub const UNIFORM: Initializer = Initializer::RandomUniform { minval: -0.05, maxval: 0.05, seed: None };

    /// Fills a weight. `stream` is the weight's own; an initializer's own seed takes the place of the stream's seed and
    /// place in the model, so that equal initializers give equal numbers, as in Keras.
    pub fn fill(&self, device: &Device, stream: Stream, to: View) {
        use Initializer::*;
        let seeded = |seed: Option<u64>| match seed {
            Some(seed) => Stream { seed, id: 0, step: 0 },
            None => stream,
        };
        let (fan_in, fan_out) = fans(to.shape());
        let scaled = |scale: f64, fan: f64, distribution, seed| {
            let variance = scale / fan.max(1.0);
            match distribution {
                Distribution::Uniform => {
                    let limit = (3.0 * variance).sqrt();
                    device.uniform(seeded(seed), -limit, limit, to);
                }
                Distribution::TruncatedNormal => {
                    device.normal(seeded(seed), 0.0, variance.sqrt() / TRUNCATED_STDDEV, true, to);
                }
                Distribution::UntruncatedNormal => {
                    device.normal(seeded(seed), 0.0, variance.sqrt(), false, to);
                }
            }
        };
        let average = (fan_in + fan_out) / 2.0;
        match *self {
            Zeros => device.fill(0.0, to),
            Ones => device.fill(1.0, to),
            Constant { value } => device.fill(value, to),
            RandomNormal { mean, stddev, seed } => device.normal(seeded(seed), mean, stddev, false, to),
            RandomUniform { minval, maxval, seed } => device.uniform(seeded(seed), minval, maxval, to),
            TruncatedNormal { mean, stddev, seed } => device.normal(seeded(seed), mean, stddev, true, to),
            VarianceScaling { scale, mode, distribution, seed } => {
                let fan = match mode {
                    FanMode::FanIn => fan_in,
                    FanMode::FanOut => fan_out,
                    FanMode::FanAvg => average,
                };
                scaled(scale, fan, distribution, seed);
            }
            GlorotUniform { seed } => scaled(1.0, average, Distribution::Uniform, seed),
            GlorotNormal { seed } => scaled(1.0, average, Distribution::TruncatedNormal, seed),
            HeUniform { seed } => scaled(2.0, fan_in, Distribution::Uniform, seed),
            HeNormal { seed } => scaled(2.0, fan_in, Distribution::TruncatedNormal, seed),
            LecunUniform { seed } => scaled(1.0, fan_in, Distribution::Uniform, seed),
            LecunNormal { seed } => scaled(1.0, fan_in, Distribution::TruncatedNormal, seed),
            Orthogonal { gain, seed } => orthogonal(device, gain, seeded(seed), to),
            Identity { gain } => {
                let (rows, cols) = (to.shape().dim(0), to.shape().dim(1));
                let values: Vec<f64> =
                    (0..rows * cols).map(|i| if i / cols == i % cols { gain } else { 0.0 }).collect();
                upload(device, &values, to);
            }
        }
    }
}

/// `(fan_in, fan_out)` of a weight.
fn fans(shape: Shape) -> (f64, f64) {
    let rank = shape.rank();
    match rank {
        0 => (1.0, 1.0),
        1 => (shape.dim(0) as f64, shape.dim(0) as f64),
        _ => {
            let field = shape.size_between(0, rank - 2) as f64;
            (field * shape.dim(rank - 2) as f64, field * shape.dim(rank - 1) as f64)
        }
    }
}

/// Q of the QR decomposition of a normal matrix, with the signs that make it unique (R's diagonal positive).
fn orthogonal(device: &Device, gain: f64, stream: Stream, to: View) {
    let cols = to.shape().last();
    let rows = to.size() / cols.max(1);
    device.normal(stream, 0.0, 1.0, false, to);
    let values = download(device, to);
    // Orthonormalise the shorter side's vectors; each has the longer side's length.
    let (count, length) = (rows.min(cols), rows.max(cols));
    let at = |vector: usize, i: usize| if rows < cols { vector * cols + i } else { i * cols + vector };
    let mut vectors: Vec<Vec<f64>> =
        (0..count).map(|v| (0..length).map(|i| values[at(v, i)]).collect()).collect();
    for v in 0..count {
        // Twice is enough for full precision (Giraud et al., 2005).
        for _ in 0..2 {
            for u in 0..v {
                let dot: f64 = vectors[u].iter().zip(&vectors[v]).map(|(a, b)| a * b).sum();
                let (before, rest) = vectors.split_at_mut(v);
                rest[0].iter_mut().zip(&before[u]).for_each(|(x, q)| *x -= dot * q);
            }
        }
        let norm = vectors[v].iter().map(|x| x * x).sum::<f64>().sqrt();
        vectors[v].iter_mut().for_each(|x| *x /= norm);
    }
    let mut out = vec![0.0; values.len()];
    for (v, vector) in vectors.iter().enumerate() {
        vector.iter().enumerate().for_each(|(i, x)| out[at(v, i)] = gain * x);
    }
    upload(device, &out, to);
}

/// Writes numbers to a float view, converted to its type.
pub(crate) fn upload(device: &Device, values: &[f64], to: View) {
    with_float!(to.dtype(), T => {
        let bytes: Vec<u8> = values.iter().flat_map(|v| (*v as T).to_ne_bytes()).collect();
        device.upload(&bytes, to);
    })
}

/// Reads a float view as 64-bit numbers.
pub(crate) fn download(device: &Device, from: View) -> Vec<f64> {
    with_float!(from.dtype(), T => {
        const SIZE: usize = std::mem::size_of::<T>();
        let mut bytes = vec![0u8; from.size() * SIZE];
        device.download(from, &mut bytes);
        let (numbers, _) = bytes.as_chunks::<SIZE>();
        numbers.iter().map(|b| T::from_ne_bytes(*b).to_f64()).collect()
    })
}

#[cfg(test)]
mod tests;
