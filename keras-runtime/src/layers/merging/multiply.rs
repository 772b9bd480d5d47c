use super::elementwise::Merge;
use crate::layer::{Call, Context, Layer};
use crate::plan::{PlanResult, Spec};

/// The product of its inputs, element by element.
///
/// * Inputs: up to six float inputs whose shapes broadcast: dimensions are equal or 1, and samples with fewer dimensions
///   get some of 1 in front.
/// * Output: the broadcast shape. If every input has a mask, a step is there if one of them has it. Steps that are masked in one input count as 1; if all inputs have masks, steps that are masked in all of them are 0.
///
/// Source: <https://keras.io/api/layers/merging_layers/multiply/>.
///
/// ```
/// use keras_runtime::layers::Multiply;
/// use keras_runtime::plan::Spec;
///
/// let plan = Multiply::new().plan(&[Spec::of(&[4, 3]), Spec::of(&[1, 3])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 3]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Multiply {}

impl Multiply {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        Merge::Multiply.plan(inputs)
    }
}

impl Layer for Multiply {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Multiply.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Multiply.backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let x = Spec::of(&[4, 3]);
        LayerCheck::new(Multiply::new()).input(x).input(x).run();
        LayerCheck::new(Multiply::new()).input(Spec::of(&[1, 3])).input(Spec::of(&[4, 1])).run();
        LayerCheck::new(Multiply::new()).input(Spec::of(&[3])).input(x).run();
        LayerCheck::new(Multiply::new()).input(x).run();
        LayerCheck::new(Multiply::new()).input(x).input(x).input(Spec::of(&[1, 1])).input(x).run();
    }

    #[test]
    fn masked() {
        let x = Spec::of(&[2, 3]);
        LayerCheck::new(Multiply::new()).input(x).input(x).input(x).mask(&[1, 0, 0, 1, 1, 1]).run();
    }

    #[test]
    fn refusals() {
        let message = |inputs: &[Spec]| Multiply::new().plan(inputs).unwrap_err().to_string();
        assert_eq!(
            message(&[Spec::of(&[4, 3]), Spec::of(&[4, 2])]),
            "cannot merge inputs of shapes `[4, 3]` and `[4, 2]`: dimensions must be equal or 1"
        );
        let many = [Spec::of(&[3]); 7];
        assert_eq!(message(&many), "takes at most 6 inputs at once, found 7; merge them in groups");
    }
}
