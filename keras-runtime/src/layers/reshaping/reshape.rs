use keras_kernels::{MAX_RANK, Shape};

use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{Ints, MaskRule, Message, Plan, PlanResult, Spec};
use crate::plan_inputs;

/// The same elements in another shape. It takes no memory and no time.
///
/// * Input: any.
/// * Output: `target_shape`, of as many elements; one -1 stands for what is left. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/reshape/>.
///
/// ```
/// use keras_runtime::layers::Reshape;
/// use keras_runtime::plan::Spec;
///
/// let plan = Reshape::new([-1, 2]).plan(&[Spec::of(&[12])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[6, 2]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Reshape {
    /// The shape of a sample.
    pub target_shape: Ints,
}

impl Reshape {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let (x, target) = (inputs[0], &self.target_shape);
        if target.len() + 1 > MAX_RANK {
            return Err(Message::new("`target_shape` has more than 7 dimensions"));
        }
        let mut dims = [1; MAX_RANK];
        let (mut known, mut open) = (1usize, None);
        let mut i = 0;
        while i < target.len() {
            let n = target.get(i);
            if n == -1 && open.is_none() {
                open = Some(i);
            } else if n < 0 {
                return Err(Message::new("`target_shape` has whole numbers and at most one -1"));
            } else {
                dims[i] = n as usize;
                known = known.saturating_mul(n as usize);
            }
            i += 1;
        }
        if let Some(open) = open
            && known > 0
        {
            dims[open] = x.size() / known;
            known *= dims[open];
        }
        if known != x.size() {
            let message = Message::new("cannot give ").spec(&x).text(" (").number(x.size());
            return Err(list(message.text(" elements) the shape `["), target).text("]`"));
        }
        let shape = Shape::of(dims.split_at(target.len()).0);
        Ok(Plan::new(x.with_shape(shape)).alias().mask(MaskRule::Drop))
    }
}

const fn list(mut message: Message, numbers: &Ints) -> Message {
    let mut i = 0;
    while i < numbers.len() {
        message = message.text(if i > 0 { ", " } else { "" }).signed(numbers.get(i));
        i += 1;
    }
    message
}

impl Layer for Reshape {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        walks::forward_alias(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        walks::backward_alias(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Reshape::new([3, 2])).input(Spec::of(&[6])).run();
        LayerCheck::new(Reshape::new([-1])).input(Spec::of(&[2, 3])).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: Reshape| layer.plan(&[Spec::of(&[4, 3])]).unwrap_err().to_string();
        assert_eq!(message(Reshape::new([5, 2])), "cannot give `[4, 3]` (12 elements) the shape `[5, 2]`");
        assert_eq!(message(Reshape::new([-1, 5])), "cannot give `[4, 3]` (12 elements) the shape `[-1, 5]`");
        assert_eq!(message(Reshape::new([-1, 0])), "cannot give `[4, 3]` (12 elements) the shape `[-1, 0]`");
        assert_eq!(message(Reshape::new([-1, -1])), "`target_shape` has whole numbers and at most one -1");
    }
}
