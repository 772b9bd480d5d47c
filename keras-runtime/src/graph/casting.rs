//! Integers where a layer takes floats: Keras' layers cast them.

use std::sync::Arc;

use keras_kernels::random::Stream;
use keras_kernels::{DType, Shape};

use crate::Regularizer;
use crate::engine::Handle;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::plan::{Message, PlanResult, Spec, WeightSpec};

/// A call of a layer whose integers (pixels, counts) become floats first. Its numbers and its place in a file are those of the layer.
pub(super) struct Casting(Handle);

/// The call of a layer on integers, if the layer itself takes floats alone.
pub(super) fn on_integers(layer: Handle, inputs: &[Spec]) -> Option<Handle> {
    if inputs.iter().all(|spec| spec.dtype().is_float()) || layer.plan_for(inputs).is_ok() {
        return None;
    }
    let casting = Casting(layer);
    casting.plan_for(inputs).is_ok().then(|| Handle::Shared(Arc::new(casting)))
}

fn floats(inputs: &[Spec]) -> Vec<Spec> {
    inputs
        .iter()
        .map(|spec| if spec.dtype().is_float() { *spec } else { spec.with_dtype(DType::F32) })
        .collect()
}

impl Configure for Casting {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn call_config(&self) -> Config {
        self.0.call_config()
    }

    fn module(&self) -> &'static str {
        self.0.module()
    }
}

impl Layer for Casting {
    /// The layer's plan, with the floats after what the layer saves.
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        let floats = floats(inputs);
        let plan = self.0.plan_for(&floats)?;
        if plan.alias {
            return Err(Message::new("takes the numbers as they are"));
        }
        let cast = floats.iter().zip(inputs).filter(|(_, given)| !given.dtype().is_float());
        Ok(cast.fold(plan, |plan, (float, _)| plan.save(*float)))
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        let integers = call.inputs.iter().filter(|x| !x.dtype().is_float()).count();
        let mut inner = call.buffers();
        let mut cast = inner.saved.split_off(call.saved.len() - integers).into_iter();
        for x in inner.inputs.iter_mut().filter(|x| !x.dtype().is_float()) {
            *x = cast.next().expect("planned");
        }
        vec![inner.placed(&*self.0)]
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let inner = &call.inner[0];
        for (from, to) in call.inputs.iter().zip(&inner.inputs).filter(|(from, _)| !from.dtype().is_float()) {
            cx.device.cast(*from, *to);
        }
        self.0.forward(cx, inner);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.0.backward(cx, &call.inner[0]);
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.0.pack(cx, &call.inner[0]);
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        self.0.initialize(weight, stream, values)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.0.activity_regularizer()
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        self.0.check_masks(&floats(inputs), masks)
    }

    fn differentiable(&self) -> bool {
        self.0.differentiable()
    }
}
