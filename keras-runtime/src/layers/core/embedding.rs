use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::{DType, Grad};

use crate::layer::{Call, Context, Layer};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, catalogue};
use crate::{Constraint, Initializer, Regularizer, Weight, plan_inputs};

/// Rows of a trained table, by index.
///
/// * Input: indices below `input_dim`, of any shape and integer type. A model in source declares them, as in `[i32; 100]`; files
///   say that they are floats, which are truncated.
/// * Output: `[.., output_dim]`; with `mask_zero` also a mask that is false where the index is 0. An index out of range
///   gives NaN; a negative one counts from the end.
/// * Weights: `embeddings [input_dim, output_dim]`.
///
/// Source: <https://keras.io/api/layers/core_layers/embedding/>.
///
/// ```
/// use keras_runtime::DType;
/// use keras_runtime::layers::Embedding;
/// use keras_runtime::plan::Spec;
///
/// let words = Spec::of(&[100]).with_dtype(DType::I32);
/// let plan = Embedding::new(20_000, 16).plan(&[words]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[100, 16]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Embedding {
    /// Rows of the table.
    pub input_dim: usize,
    /// Numbers in a row.
    pub output_dim: usize,
    /// How the table starts (default `uniform`).
    #[config(default = Initializer::UNIFORM)]
    pub embeddings_initializer: Initializer,
    /// Penalty on the table (default none).
    #[config(default = None)]
    pub embeddings_regularizer: Option<Regularizer>,
    /// What the table is projected onto after each step (default nothing).
    #[config(default = None)]
    pub embeddings_constraint: Option<Constraint>,
    /// Whether index 0 is padding, to be masked (default false).
    #[config(default = false)]
    pub mask_zero: bool,
    #[weight([input_dim, output_dim], init = embeddings_initializer, regularizer = embeddings_regularizer,
             constraint = embeddings_constraint)]
    embeddings: Weight,
}

/// 1 where the index is not 0.
const NOT_ZERO: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::NotEqual, 0, 1)],
    outputs: &[2],
};

impl Embedding {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if self.input_dim == 0 {
            return Err(catalogue::positive("input_dim"));
        }
        if self.output_dim == 0 {
            return Err(catalogue::positive("output_dim"));
        }
        if x.dtype().is_float() {
            let message = Message::new("expects indices, which are integers, found the floats ").spec(x);
            return Err(message.text("; declare the input as ").spec(&x.with_dtype(DType::I32)).text("?"));
        }
        if x.rank() + 2 > keras_kernels::MAX_RANK {
            return Err(Message::new("expects an input of at most 6 dimensions, found ").spec(x));
        }
        let output = Spec::sample(x.shape().insert(x.rank(), self.output_dim));
        let mask = if self.mask_zero { MaskRule::Compute(x.shape()) } else { MaskRule::Drop };
        Ok(self.__weights(Plan::new(output), inputs).mask(mask))
    }
}

impl Layer for Embedding {
    /// Files declare indices as floats, Keras' default.
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        let whole = |x: &Spec| if x.dtype().is_float() { x.with_dtype(DType::I32) } else { *x };
        self.plan(&inputs.iter().map(whole).collect::<Vec<_>>())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        cx.device.gather(call.weights[0], call.inputs[0], call.outputs[0]);
        if let Some(mask) = call.output_mask {
            cx.device.map(&NOT_ZERO, &[], &[call.inputs[0]], &[Grad::write(mask)]);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dtable) = call.weight_grads[0] {
            cx.device.scatter_add(call.inputs[0], call.output_grads[0], dtable);
        }
        // Indices that are floats have no influence that a gradient could tell.
        if let Some(dx) = call.input_grads[0].filter(|dx| !dx.adds()) {
            cx.device.fill(0.0, dx.view);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LayerCheck, run_layer};

    const WORDS: Spec = Spec::of(&[4]).with_dtype(DType::I32);

    #[test]
    fn gradients() {
        LayerCheck::new(Embedding::new(3, 2)).input(WORDS).run();
        LayerCheck::new(Embedding::new(5, 4).mask_zero(true)).input(WORDS).integers_below(5).run();
    }

    #[test]
    fn rows_by_index() {
        let table = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let ids = (WORDS, vec![2.0, 0.0, -1.0, 9.0]);
        let y = run_layer(&Embedding::new(3, 2), &[ids], &[table], DType::F32, false).unwrap();
        assert_eq!(y[0][..6], [4.0, 5.0, 0.0, 1.0, 4.0, 5.0]);
        assert!(y[0][6].is_nan() && y[0][7].is_nan());
    }

    #[test]
    fn refusals() {
        let message = |layer: Embedding| layer.plan(&[WORDS]).unwrap_err().to_string();
        assert_eq!(message(Embedding::new(0, 2)), "`input_dim` must be at least 1, found 0");
        assert_eq!(message(Embedding::new(2, 0)), "`output_dim` must be at least 1, found 0");
        let floats = [Spec::of(&[4, 3])];
        assert_eq!(
            Embedding::new(2, 2).plan(&floats).unwrap_err().to_string(),
            "expects indices, which are integers, found the floats `[4, 3]`; declare the input as `[i32; 4, 3]`?"
        );
        // As in a file.
        assert!(Embedding::new(2, 2).plan_for(&floats).is_ok());
    }
}
