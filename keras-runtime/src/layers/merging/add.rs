use super::elementwise::Merge;
use crate::engine::{Fuses, Role};
use crate::layer::{Call, Context, Layer};
use crate::plan::{PlanResult, Spec};

/// The sum of its inputs.
///
/// * Inputs: any number of float inputs whose shapes broadcast: dimensions are equal or 1, and samples with fewer dimensions
///   get some of 1 in front.
/// * Output: the broadcast shape. If every input has a mask, a step is there if one of them has it.
///
/// Source: <https://keras.io/api/layers/merging_layers/add/>.
///
/// ```
/// use keras_runtime::layers::Add;
/// use keras_runtime::plan::Spec;
///
/// let plan = Add::new().plan(&[Spec::of(&[4, 3]), Spec::of(&[1, 3])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 3]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Add {}

impl Add {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        Merge::Add.plan(inputs)
    }
}

impl Layer for Add {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Sum
    }

    fn takes(&self, inputs: &[Spec]) -> Fuses {
        Merge::takes(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Add.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        Merge::Add.backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let x = Spec::of(&[4, 3]);
        LayerCheck::new(Add::new()).input(x).input(x).run();
        LayerCheck::new(Add::new()).input(Spec::of(&[1, 3])).input(Spec::of(&[4, 1])).run();
        LayerCheck::new(Add::new()).input(Spec::of(&[3])).input(x).run();
        LayerCheck::new(Add::new()).input(x).run();
        LayerCheck::new(Add::new()).input(x).input(x).input(Spec::of(&[1, 1])).input(x).run();
    }

    #[test]
    fn many() {
        let x = Spec::of(&[2]);
        (0..35).fold(LayerCheck::new(Add::new()), |check, _| check.input(x)).run();
    }

    #[test]
    fn refusals() {
        let message = |inputs: &[Spec]| Add::new().plan(inputs).unwrap_err().to_string();
        assert_eq!(
            message(&[Spec::of(&[4, 3]), Spec::of(&[4, 2])]),
            "cannot merge inputs of shapes `[4, 3]` and `[4, 2]`: dimensions must be equal or 1"
        );
        assert_eq!(message(&[]), "takes at least 1 input, found 0");
    }
}
