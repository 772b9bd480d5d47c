//! The rules: formulas of Keras 3, term by term (<https://keras.io/api/optimizers/>), each over any kind of number.

use super::{MAX_SCALARS, MAX_SLOTS, Number};

/// Where a rule stands: one weight with all that belongs to it.
#[derive(Clone, Copy)]
pub struct At<N> {
    /// The weight.
    pub weight: N,
    /// Its gradient.
    pub gradient: N,
    /// Its slots, as many as the rule has; what stands in the other places is not looked at.
    pub slots: [N; MAX_SLOTS],
    /// The step's numbers; the first is the learning rate, the rules say what the others are.
    pub scalars: [N; MAX_SCALARS],
}

/// What a rule yields.
#[derive(Clone, Copy)]
pub struct Next<N> {
    /// The new weight.
    pub weight: N,
    /// The new slots, in order; what stands in places that the rule does not have is not looked at.
    pub slots: [N; MAX_SLOTS],
}

impl<N: Copy> At<N> {
    /// The weight moved down by `step`, with these first slots.
    #[inline(always)]
    fn minus<const S: usize>(&self, step: N, slots: [N; S]) -> Next<N>
    where
        N: Number,
    {
        let mut all = self.slots;
        all[..S].copy_from_slice(&slots);
        Next { weight: self.weight - step, slots: all }
    }
}

/// A rule. Implementations are `#[inline(always)]`.
pub trait Update: Copy + Send + Sync {
    /// One step of one weight.
    fn update<N: Number>(&self, at: &At<N>) -> Next<N>;
    /// How many slots it has.
    fn slots(&self) -> usize;
}

/// Gradient descent; with momentum one slot, `momentum`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the last step that is kept (0: no slot).
    pub momentum: f64,
    /// Looks ahead.
    pub nesterov: bool,
}

impl Update for Sgd {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let step = at.gradient * at.scalars[0];
        if self.momentum == 0.0 {
            return at.minus(step, []);
        }
        let momentum = at.slots[0] * self.momentum - step;
        let ahead = if self.nesterov { momentum * self.momentum - step } else { momentum };
        at.minus(-ahead, [momentum])
    }
    fn slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }
}

/// Adam (Kingma and Ba, 2014); slots `momentum`, `velocity`, with `amsgrad` (Reddi et al., 2018) `velocity_hat`.
/// Scalar 1 is `lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second.
    pub beta_2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Divides by the largest velocity so far.
    pub amsgrad: bool,
}

impl Update for Adam {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let [m, v, hat] = at.slots;
        let m = m + (at.gradient - m) * (1.0 - self.beta_1);
        let v = v + (at.gradient.square() - v) * (1.0 - self.beta_2);
        let second = if self.amsgrad { hat.larger(v) } else { v };
        at.minus(m * at.scalars[1] / (second.sqrt() + self.epsilon), [m, v, second])
    }
    fn slots(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }
}

/// RMSprop (Hinton, 2012); slots `velocity`, then `momentum` if there is any, then `average_gradient` if centered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the squares.
    pub rho: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// Added under the root.
    pub epsilon: f64,
    /// Divides by the variance instead of the square.
    pub centered: bool,
}

impl Update for RmsProp {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let g = at.gradient;
        let moves = self.momentum > 0.0;
        let velocity = at.slots[0] * self.rho + g.square() * (1.0 - self.rho);
        let mut variance = velocity;
        let mut average = g;
        if self.centered {
            let before = if moves { at.slots[2] } else { at.slots[1] };
            average = before * self.rho + g * (1.0 - self.rho);
            variance = velocity - average.square();
        }
        let step = g * at.scalars[0] / (variance + self.epsilon).sqrt();
        if moves {
            let step = at.slots[1] * self.momentum + step;
            return at.minus(step, [velocity, step, average]);
        }
        at.minus(step, [velocity, average])
    }
    fn slots(&self) -> usize {
        1 + usize::from(self.momentum > 0.0) + usize::from(self.centered)
    }
}

/// Adagrad (Duchi et al., 2011); slot `accumulator`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// Added under the root.
    pub epsilon: f64,
}

impl Update for Adagrad {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let sum = at.slots[0] + at.gradient.square();
        at.minus(at.gradient * at.scalars[0] / (sum + self.epsilon).sqrt(), [sum])
    }
    fn slots(&self) -> usize {
        1
    }
}

/// Adadelta (Zeiler, 2012); slots `accumulated_grad`, `accumulated_delta_var`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adadelta {
    /// Decay of both.
    pub rho: f64,
    /// Added under the roots.
    pub epsilon: f64,
}

impl Update for Adadelta {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let (g, rest) = (at.gradient, 1.0 - self.rho);
        let squares = at.slots[0] * self.rho + g.square() * rest;
        let delta = (at.slots[1] + self.epsilon).sqrt() * g / (squares + self.epsilon).sqrt();
        let steps = at.slots[1] * self.rho + delta.square() * rest;
        at.minus(delta * at.scalars[0], [squares, steps])
    }
    fn slots(&self) -> usize {
        2
    }
}

/// Adamax (Kingma and Ba, 2014); slots `momentum`, `norm`. Scalar 1 is `lr / (1 - beta_1^t)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adamax {
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the norm.
    pub beta_2: f64,
    /// Added to the norm.
    pub epsilon: f64,
}

impl Update for Adamax {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let m = at.slots[0] + (at.gradient - at.slots[0]) * (1.0 - self.beta_1);
        let norm = (at.slots[1] * self.beta_2).larger(at.gradient.abs());
        at.minus(m * at.scalars[1] / (norm + self.epsilon), [m, norm])
    }
    fn slots(&self) -> usize {
        2
    }
}

/// Nadam (Dozat, 2015); slots `momentum`, `velocity`. Scalars 1 and 2 are the shares of the momentum and of the gradient in a step,
/// scalar 3 is `1 / (1 - beta_2^t)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nadam {
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second.
    pub beta_2: f64,
    /// Added to the root.
    pub epsilon: f64,
}

impl Update for Nadam {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let g = at.gradient;
        let m = at.slots[0] + (g - at.slots[0]) * (1.0 - self.beta_1);
        let v = at.slots[1] + (g.square() - at.slots[1]) * (1.0 - self.beta_2);
        let ahead = m * at.scalars[1] + g * at.scalars[2];
        at.minus(ahead * at.scalars[0] / ((v * at.scalars[3]).sqrt() + self.epsilon), [m, v])
    }
    fn slots(&self) -> usize {
        2
    }
}

/// Lion (Chen et al., 2023); slot `momentum`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// Share of the momentum in the step.
    pub beta_1: f64,
    /// Decay of the momentum.
    pub beta_2: f64,
}

impl Update for Lion {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let (m, g) = (at.slots[0], at.gradient);
        let direction = (m * self.beta_1 + g * (1.0 - self.beta_1)).sign();
        at.minus(direction * at.scalars[0], [m * self.beta_2 + g * (1.0 - self.beta_2)])
    }
    fn slots(&self) -> usize {
        1
    }
}

/// FTRL (McMahan et al., 2013); slots `accumulator`, `linear`. Scalar 1 is the L2 strength with `beta / (2 * lr)` added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ftrl {
    /// Power of the accumulator, at most 0.
    pub learning_rate_power: f64,
    /// L1 strength.
    pub l1: f64,
    /// L2 strength on the gradient alone.
    pub l2_shrinkage: f64,
}

impl Update for Ftrl {
    #[inline(always)]
    fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
        let (w, g, lr) = (at.weight, at.gradient, at.scalars[0]);
        let [sum, linear, _] = at.slots;
        let half = self.learning_rate_power == -0.5;
        let root = |x: N| if half { x.sqrt() } else { x.power(-self.learning_rate_power) };
        let new = sum + g.square();
        let linear = linear + g + w * (2.0 * self.l2_shrinkage) - (root(new) - root(sum)) / lr * w;
        let quadratic = root(new) / lr + at.scalars[1] * 2.0;
        let weight = (linear.between(-self.l1, self.l1) - linear) / quadratic;
        Next { weight, slots: [new, linear, at.slots[2]] }
    }
    fn slots(&self) -> usize {
        2
    }
}

macro_rules! rules {
    ($($name:ident),*) => {
        /// A rule with its constants.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum Rule { $($name($name)),* }

        impl Rule {
            /// How many slots it has.
            pub fn slots(&self) -> usize {
                match self { $(Rule::$name(rule) => rule.slots()),* }
            }

            /// One step of one weight.
            pub fn update<N: Number>(&self, at: &At<N>) -> Next<N> {
                match self { $(Rule::$name(rule) => rule.update(at)),* }
            }
        }

        $(impl From<$name> for Rule {
            fn from(rule: $name) -> Rule {
                Rule::$name(rule)
            }
        })*

        impl Rule {
            /// Calls `visitor` with the rule's own type.
            pub(super) fn visit<V: Visitor>(&self, visitor: V) {
                match self { $(Rule::$name(rule) => visitor.visit(rule)),* }
            }
        }
    };
}
rules!(Sgd, Adam, RmsProp, Adagrad, Adadelta, Adamax, Nadam, Lion, Ftrl);

/// Something that is compiled for every rule.
pub(super) trait Visitor {
    fn visit<U: Update>(self, rule: &U);
}
