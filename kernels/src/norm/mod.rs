//! Normalization: batch, layer, group, instance and RMS normalization are one family.
//!
//! A tensor is seen as `[samples, spatial, groups, channels]`. Every sample's group has its own mean and variance,
//! taken over `spatial` and `channels`; `gamma` and `beta` have `groups * channels` elements.
//!
//! | | samples | spatial | groups | channels |
//! |---|---|---|---|---|
//! | batch, over `[rows, c]` | 1 | rows | c | 1 |
//! | layer and RMS, over rows of `n` | rows | 1 | 1 | n |
//! | group, over `[b, pixels, c]` | b | pixels | groups | c / groups |
//! | instance | b | pixels | c | 1 |
//!
//! Sources: Ioffe and Szegedy, 2015; Ba et al., 2016; Wu and He, 2018; Zhang and Sennrich, 2019;
//! <https://keras.io/api/layers/normalization_layers/>.

mod columns;
mod cpu;
mod operands;
mod rectifier;
mod rows;
#[cfg(test)]
mod tests;
mod tiling;

pub use rectifier::Rectifier;

use crate::{Grad, View};

/// What is subtracted, and what is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `(x - mean) / sqrt(variance + epsilon)`.
    Standard,
    /// `x / sqrt(mean(x^2) + epsilon)`: `RMSNormalization`.
    RootMeanSquare,
}

/// Sizes and constants of a normalization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Samples with statistics of their own.
    pub samples: usize,
    /// Places that share statistics and weights.
    pub spatial: usize,
    /// Groups with statistics of their own.
    pub groups: usize,
    /// Channels of a group: they share statistics, not weights.
    pub channels: usize,
    /// Formula.
    pub kind: Kind,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Norm {
    /// Batch normalization of `[rows, channels]`.
    pub const fn batch(rows: usize, channels: usize, epsilon: f64) -> Norm {
        Norm { samples: 1, spatial: rows, groups: channels, channels: 1, kind: Kind::Standard, epsilon }
    }

    /// Normalization of each of `rows` rows of `n`.
    pub const fn rows(rows: usize, n: usize, kind: Kind, epsilon: f64) -> Norm {
        Norm { samples: rows, spatial: 1, groups: 1, channels: n, kind, epsilon }
    }

    /// Number of means, and of variances.
    pub const fn statistics(&self) -> usize {
        self.samples * self.groups
    }

    /// Number of weights: elements of `gamma`, and of `beta`.
    pub const fn weights(&self) -> usize {
        self.groups * self.channels
    }

    /// Number of elements.
    pub const fn size(&self) -> usize {
        self.samples * self.spatial * self.weights()
    }
}

/// What follows the normalization: scale and offset, one element a channel, and a rectifier.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    /// Scale.
    pub gamma: Option<View>,
    /// Offset.
    pub beta: Option<View>,
    /// What the result goes through on its way to memory.
    pub rectifier: Rectifier,
}

/// Statistics, [`Norm::statistics`] elements each.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// Means (0 for [`Kind::RootMeanSquare`]).
    pub mean: View,
    /// `1 / sqrt(variance + epsilon)`.
    pub inverse: View,
}

/// Moving statistics: `moving = momentum * moving + (1 - momentum) * new`, with the biased variance, as in Keras.
#[derive(Clone, Copy, Debug)]
pub struct Moving {
    /// Means.
    pub mean: View,
    /// Variances.
    pub variance: View,
    /// Share that is kept.
    pub momentum: f64,
}

/// Where the statistics of a backward pass came from.
#[derive(Clone, Copy, Debug)]
pub enum Statistics {
    /// From the input, where the mask is not zero ([`Normalizations::norm`]): the gradient flows through them.
    OfInput(Option<View>),
    /// From elsewhere ([`Normalizations::norm_fixed`]): they are constants.
    Fixed,
}

/// Gradients of a normalization; `None` where nobody asks.
#[derive(Clone, Copy, Debug)]
pub struct NormGrads {
    /// Of the input; may be the memory of `dy` if it is written.
    pub x: Option<Grad>,
    /// Of the scale.
    pub gamma: Option<Grad>,
    /// Of the offset.
    pub beta: Option<Grad>,
}

/// Normalizations.
pub trait Normalizations {
    /// Normalizes with the input's own statistics, which are left in `moments` for the backward pass, and updates
    /// the moving ones. With a `mask` (bool, one element a place: `samples * spatial`) only places where it is not
    /// zero count in the statistics. `y` may be the memory of `x`, unless the backward pass needs `x`.
    fn norm(
        &self,
        norm: &Norm,
        x: View,
        mask: Option<View>,
        affine: Affine,
        moments: Moments,
        moving: Option<Moving>,
        y: View,
    );

    /// Normalizes with given statistics (`moments.mean` and `variance`); leaves `moments.inverse`.
    fn norm_fixed(&self, norm: &Norm, x: View, affine: Affine, variance: View, moments: Moments, y: View);

    /// Gradients. `moments` is what the forward pass left. `affine` is that of the forward pass: the slope of its rectifier is
    /// computed from `x`, so the result is not needed.
    fn norm_grad(
        &self,
        norm: &Norm,
        statistics: Statistics,
        x: View,
        affine: Affine,
        moments: Moments,
        dy: View,
        grads: NormGrads,
    );
}
