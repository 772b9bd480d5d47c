use keras_kernels::Shape;

use crate::layer::{Call, Context, Layer};
use crate::layers::normalization::standardize::Standardize;
use crate::plan::{Message, Plan, PlanResult, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs};

/// Group normalization: the channels of a sample are cut into groups, each of which has mean 0 and variance 1.
///
/// Statistics are taken over a group's channels and all other axes but the batch. One group is layer normalization over all
/// axes; one group a channel (`groups = -1`) is instance normalization.
///
/// * Input and output: any shape of at least one dimension.
/// * Weights: `gamma [channels]` (if `scale`), `beta [channels]` (if `center`).
///
/// Source: Wu and He, "Group Normalization", 2018; <https://keras.io/api/layers/normalization_layers/group_normalization/>.
///
/// ```
/// use keras_runtime::layers::GroupNormalization;
/// use keras_runtime::plan::Spec;
///
/// let plan = GroupNormalization::new().groups(4).plan(&[Spec::of(&[8, 8, 16])]).unwrap();
/// assert_eq!(plan.params(), 32);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(gamma?, beta?))]
pub struct GroupNormalization {
    /// How many groups; -1 for one a channel (default 32).
    #[config(default = 32)]
    pub groups: isize,
    /// The axis of the channels (default the last).
    #[config(default = -1)]
    pub axis: isize,
    /// Added to the variance (default 1e-3).
    #[config(default = 1e-3)]
    pub epsilon: f64,
    /// Whether `beta` is added (default true).
    #[config(default = true)]
    pub center: bool,
    /// Whether the result is multiplied by `gamma` (default true).
    #[config(default = true)]
    pub scale: bool,
    /// How `beta` starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub beta_initializer: Initializer,
    /// How `gamma` starts (default `ones`).
    #[config(default = Initializer::Ones)]
    pub gamma_initializer: Initializer,
    /// Penalty on `beta` (default none).
    #[config(default = None)]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on `gamma` (default none).
    #[config(default = None)]
    pub gamma_regularizer: Option<Regularizer>,
    /// What `beta` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub beta_constraint: Option<Constraint>,
    /// What `gamma` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub gamma_constraint: Option<Constraint>,
}

impl GroupNormalization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let Some(axis) = x.axis(self.axis) else {
            return Err(catalogue::axis(self.axis, x));
        };
        let channels = x.dim(axis);
        if self.groups == 0 || self.groups < -1 {
            let message = Message::new("`groups` must be at least 1, or -1 for one a channel, found ");
            return Err(message.signed(self.groups));
        }
        let groups = self.groups_of(channels);
        if !channels.is_multiple_of(groups) {
            let message = Message::new("its ").number(groups).text(" groups do not divide the ");
            return Err(message.number(channels).text(" channels of ").spec(x));
        }
        let statistics = Spec::of(&[groups]);
        let mut plan = Plan::new(*x).save(statistics).save(statistics);
        plan = plan.backward_scratch(statistics).backward_scratch(statistics);
        let shape = Shape::of(&[channels]);
        if self.scale {
            let gamma = WeightSpec::new("gamma", shape, self.gamma_initializer);
            plan = plan.weight(gamma.regularizer(self.gamma_regularizer).constraint(self.gamma_constraint));
        }
        if self.center {
            let beta = WeightSpec::new("beta", shape, self.beta_initializer);
            plan = plan.weight(beta.regularizer(self.beta_regularizer).constraint(self.beta_constraint));
        }
        Ok(plan)
    }

    const fn groups_of(&self, channels: usize) -> usize {
        if self.groups == -1 { channels } else { self.groups as usize }
    }

    fn standardize(&self, call: &Call) -> Standardize {
        let shape = call.inputs[0].shape();
        let rank = shape.rank();
        let axis = if self.axis < 0 { self.axis + rank as isize } else { self.axis } as usize;
        let channels = shape.dim(axis);
        let groups = self.groups_of(channels);
        // Batch, what is before the channels, groups, channels of a group, what is after.
        let (before, after) = (shape.size_between(1, axis), shape.size_between(axis + 1, rank));
        Standardize {
            shape: Shape::of(&[shape.dim(0), before, groups, channels / groups, after]),
            statistics: Shape::of(&[shape.dim(0), 1, groups, 1, 1]),
            weights: Shape::of(&[1, 1, groups, channels / groups, 1]),
            centered: true,
            averaged: true,
            epsilon: self.epsilon,
            limit: f64::INFINITY,
            gamma: self.scale.then_some(0),
            beta: self.center.then_some(self.scale as usize),
        }
    }
}

impl Layer for GroupNormalization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer, dims: &[usize]| LayerCheck::new(layer).input(Spec::of(dims)).run();
        check(GroupNormalization::new().groups(2), &[6]);
        check(GroupNormalization::new().groups(2), &[3, 2, 4]);
        check(GroupNormalization::new().groups(1).scale(false), &[3, 4]);
        check(GroupNormalization::new().groups(-1).center(false), &[3, 4]);
        check(GroupNormalization::new().groups(2).axis(1), &[4, 3]);
        check(GroupNormalization::new().groups(3).axis(-2).epsilon(0.1), &[2, 6, 3]);
    }

    #[test]
    fn refusals() {
        let message = |layer: GroupNormalization| layer.plan(&[Spec::of(&[4, 6])]).unwrap_err().to_string();
        assert_eq!(
            message(GroupNormalization::new()),
            "its 32 groups do not divide the 6 channels of `[4, 6]`"
        );
        assert_eq!(
            message(GroupNormalization::new().groups(0)),
            "`groups` must be at least 1, or -1 for one a channel, found 0"
        );
        assert_eq!(
            message(GroupNormalization::new().axis(0)),
            "axis 0 is out of range for `[4, 6]` (axis 0 is the batch)"
        );
    }
}
