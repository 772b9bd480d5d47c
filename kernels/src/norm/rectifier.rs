use crate::activation::Activation;
use crate::cpu::math::Real;

/// An activation that a normalization applies to its result on the way to memory, and takes back on the way to the gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rectifier {
    /// None.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Rectifier {
    /// The rectifier that computes what an activation does, if there is one.
    ///
    /// ```
    /// use keras_kernels::activation::Activation;
    /// use keras_kernels::norm::Rectifier;
    ///
    /// assert_eq!(Rectifier::of(Activation::RELU), Some(Rectifier::Relu));
    /// assert_eq!(Rectifier::of(Activation::Tanh), None);
    /// ```
    pub fn of(activation: Activation) -> Option<Rectifier> {
        match activation {
            Activation::Linear => Some(Rectifier::Linear),
            Activation::Relu6 => Some(Rectifier::Relu6),
            Activation::Relu { max_value, negative_slope: 0.0, threshold: 0.0 } => match max_value {
                f64::INFINITY => Some(Rectifier::Relu),
                6.0 => Some(Rectifier::Relu6),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn clip<T: Real>(self) -> Option<Clip<T>> {
        let zero = T::zero();
        match self {
            Rectifier::Linear => None,
            Rectifier::Relu => Some(Clip { low: zero, high: T::infinity() }),
            Rectifier::Relu6 => Some(Clip { low: zero, high: T::lit(6.0) }),
        }
    }
}

/// Numbers clipped to a range.
#[derive(Clone, Copy)]
pub(super) struct Clip<T> {
    low: T,
    high: T,
}

impl<T: Real> Clip<T> {
    /// NaN stays.
    #[inline(always)]
    pub fn value(&self, z: T) -> T {
        let z = if z < self.low { self.low } else { z };
        if z > self.high { self.high } else { z }
    }

    /// `dy` times the slope at `z`, which is 0 at the ends, as JAX has it.
    #[inline(always)]
    pub fn grad(&self, z: T, dy: T) -> T {
        let slope = if z > self.low && z < self.high { T::one() } else { T::zero() };
        slope * dy
    }
}
