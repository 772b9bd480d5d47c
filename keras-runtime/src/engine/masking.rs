//! Masks that a call names: an explicit `mask = m` becomes a mask that travels beside the value.

use std::sync::Arc;

use super::definition::Handle;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec};

/// Whether a value can be the mask of another: it says something of the first dimensions of its samples.
///
/// # Errors
/// If not.
pub(super) fn fits(mask: &Spec, value: &Spec) -> Result<(), Message> {
    let all = mask.rank() <= value.rank() && (0..mask.rank()).all(|d| mask.dim(d) == value.dim(d));
    if mask.batched() && value.batched() && mask.rank() > 0 && all {
        return Ok(());
    }
    let message = Message::new("expects a mask of the first dimensions of ").spec(value);
    Err(message.text(", found ").spec(mask))
}

/// A value, and what says which of its steps count: the same value, with this mask in place of the one that it had.
struct Masked;

impl Configure for Masked {
    fn class_name(&self) -> &'static str {
        "Masked"
    }

    fn config(&self) -> Config {
        Config::new()
    }
}

impl Layer for Masked {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        Ok(plan(inputs[0], inputs[1]))
    }

    // The values share memory.
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        cx.device.cast(call.inputs[1], call.output_mask.expect("a mask was planned"));
    }

    fn backward(&self, _: &Context<'_>, _: &Call) {}
}

fn plan(value: Spec, mask: Spec) -> Plan {
    Plan::new(value).alias().mask(MaskRule::Compute(mask.shape()))
}

/// The call that gives a value a mask.
pub(super) fn masked([value, mask]: [Spec; 2]) -> (Handle, Box<Plan>) {
    (Handle::Shared(Arc::new(Masked)), Box::new(plan(value, mask)))
}

#[cfg(test)]
mod tests {
    use keras_kernels::{DType, Device};

    use crate::engine::{Definition, Network, Source};
    use crate::layers::LSTM;
    use crate::plan::Spec;

    /// What is said of a mask of this shape on a sequence of `[5, 3]`.
    fn refusal(masks: &[Option<Spec>]) -> String {
        let mut definition = Definition::new("masked");
        let x = definition.input("x", Spec::of(&[5, 3]));
        let named: Vec<Option<Source>> =
            masks.iter().map(|mask| mask.map(|spec| definition.input("m", spec))).collect();
        let lstm = definition.layer("lstm", LSTM::new(2));
        let node = definition.call(lstm, &[x]).expect("has a plan");
        let made = definition.mask(node, &named).and_then(|()| {
            definition.output("y", Source::node(node));
            Network::blank(std::sync::Arc::new(definition), Device::cpu(), 0, DType::F32).map(drop)
        });
        made.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn masks_fit_or_are_refused() {
        let bools = |dims: &[usize]| Some(Spec::of(dims).with_dtype(DType::Bool));
        assert_eq!(refusal(&[bools(&[5])]), "");
        assert_eq!(refusal(&[Some(Spec::of(&[5]).with_dtype(DType::I32))]), "");
        assert_eq!(refusal(&[None]), "");
        for wrong in [&[][..], &[4], &[3], &[5, 3, 1]] {
            let error = refusal(&[bools(wrong)]);
            assert!(error.contains("lstm") && error.contains("first dimensions"), "{wrong:?}: {error}");
        }
        // It fits the input, and the layer asks for another.
        assert!(refusal(&[bools(&[5, 3])]).contains("mask of shape"));
        assert!(refusal(&[bools(&[5]), bools(&[5])]).contains("masks of 2 inputs"));
    }
}
