use super::elementwise::Merge;
use crate::layer::{Call, Context, Layer};
use crate::plan::{PlanResult, Spec};

/// The first input minus the second.
///
/// * Inputs: two float inputs whose shapes broadcast: dimensions are equal or 1, and samples with fewer dimensions
///   get some of 1 in front.
/// * Output: the broadcast shape. If every input has a mask, a step is there if one of them has it.
///
/// Source: <https://keras.io/api/layers/merging_layers/subtract/>.
///
/// ```
/// use keras_runtime::layers::Subtract;
/// use keras_runtime::plan::Spec;
///
/// let plan = Subtract::new().plan(&[Spec::of(&[4, 3]), Spec::of(&[1, 3])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 3]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Subtract {}

impl Subtract {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        Merge::Subtract.plan(inputs)
    }
}

impl Layer for Subtract {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Subtract.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Subtract.backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let x = Spec::of(&[4, 3]);
        LayerCheck::new(Subtract::new()).input(x).input(x).run();
        LayerCheck::new(Subtract::new()).input(Spec::of(&[1, 3])).input(Spec::of(&[4, 1])).run();
        LayerCheck::new(Subtract::new()).input(Spec::of(&[3])).input(x).run();
    }

    #[test]
    fn refusals() {
        let message = |inputs: &[Spec]| Subtract::new().plan(inputs).unwrap_err().to_string();
        assert_eq!(
            message(&[Spec::of(&[4, 3]), Spec::of(&[4, 2])]),
            "cannot merge inputs of shapes `[4, 3]` and `[4, 2]`: dimensions must be equal or 1"
        );
        assert_eq!(message(&[Spec::of(&[3])]), "takes 2 inputs, found 1");
    }
}
